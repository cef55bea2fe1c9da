"""The documentation is true: its commands are accepted, its Python runs, what it lists and links exists."""

import importlib.util
import inspect
import re
import shlex
import shutil
import tomllib
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import word2vec
from tests.markdown import PAGES, ROOT, blocks, commands, linked_files, read
from word2vec import cli
from word2vec.config import option
from word2vec.corpus.phrases import DEFAULT_THRESHOLDS
from word2vec.evaluation.probes import ClassifierResult, LanguageModelResult, ProbeScores
from word2vec.formats import FORMATS
from word2vec.models import Subwords
from word2vec.training.tuning.comparison import compare
from word2vec.vectors.word_vectors import WordVectors

DOCS = ROOT / "docs"
WORDS = ["the", "king", "queen", "man", "woman", "france", "paris", "monday", "computer", "array", "mean", "random"]
"""The words that the pages and the demo ask for."""

NOTHING_TUNED = word2vec.TuningResult(
    word2vec.TrainConfig(), {"window": 5}, None, None, compare([], []), None, 1.0, [], "wordsim353", ""
)

SCORES = (ProbeScores("random", (0.5, 0.6), (0.5, 0.6), (1.0, 1.0)),)
PERPLEXITY = LanguageModelResult("text8", "lstm", SCORES, 9.0, (9, 1, 1), 5, 1.0, 0.1, {})
ACCURACY = ClassifierResult("task", "mean", SCORES, ("a", "b"), 9, 9, None, 0.5, 1.0)

COMMANDS = sorted({command for page in PAGES for command in commands(page)})
PYTHON_PAGES = [page for page in PAGES if blocks(page, "python")]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with a small corpus in place of text8, and vectors in place of those trained on it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text8").write_text(f"{' '.join(WORDS)}\n" * 50, encoding="utf-8")
    table = np.random.default_rng(0).normal(size=(len(WORDS), 5))
    subwords = Subwords(table.astype(np.float32), 3, 6, word_rows=table.astype(np.float32))
    vectors = WordVectors(WORDS, table, counts=[50] * len(WORDS), subwords=subwords)
    vectors.save(tmp_path / "runs" / "text8", format="run")
    tree = tmp_path / "runs" / "tree"
    WordVectors(WORDS, table, counts=[50] * len(WORDS), nodes=table).save(tree, format="run")
    (tree / "config.toml").write_text('objective = "hierarchical-softmax"\n', encoding="utf-8")
    (tmp_path / "clicks.csv").write_text("user,item\nuser17,tea\nuser17,pen\nuser18,tea\n", encoding="utf-8")
    (tmp_path / "held_out.csv").write_text("user,item\nuser18,pen\n", encoding="utf-8")
    glossary = "".join(f"{word},,{topic}\n" for word, topic in zip(WORDS[:10], "ab" * 5, strict=True))
    (tmp_path / "glossary.csv").write_text(f"term,synonym,category\nking,queen,\n{glossary}", encoding="utf-8")
    questions = word2vec.make_glossary_questions(word2vec.read_glossary("glossary.csv"), vectors)
    questions.save(tmp_path / "questions.json")
    (tmp_path / "bias.txt").write_text(blocks(DOCS / "your-own-tests.md", "text")[1], encoding="utf-8")
    users, items = (WordVectors(words, table[:2]) for words in (["user17", "user18"], ["tea", "pen"]))
    word2vec.PairVectors(users, items).save(tmp_path / "runs" / "clicks")
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_accepted(command: str, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # the work itself is tested elsewhere; here only the command line is
    trained: list[object] = []
    vectors = WordVectors.load("runs/tree" if " runs/tree" in command and "train" not in command else "runs/text8")
    if " runs/refined" in command:  # refinement is for vectors without n-grams
        words = ["walking", "talking", "running", *WORDS]  # with n-grams in common
        vectors = WordVectors(words, np.random.default_rng(0).normal(size=(len(words), 5)), counts=[50] * len(words))
        vectors = vectors if command.split()[1] == "refine" else vectors.refine()
    if command.split()[1] in ("train", "demo"):
        monkeypatch.setattr("word2vec.training.train", lambda *a, **k: trained.append(a))
        monkeypatch.setattr("word2vec.training.pairs.train_pair_file", lambda *a, **k: trained.append(a))
        monkeypatch.setattr("word2vec.training.members.train_members", lambda *a, **k: trained.append(a))
    monkeypatch.setitem(DEFAULT_THRESHOLDS, "original", 0.1)  # of phrases, for a small text
    monkeypatch.setattr("word2vec.evaluation.probes.language_modeling.probe_language_model", lambda *a, **k: PERPLEXITY)
    for function in ("probe_classifier", "read_labeled_texts", "docstring_task"):
        monkeypatch.setattr(f"word2vec.evaluation.probes.{function}", lambda *a, **k: ACCURACY)
    monkeypatch.setattr("word2vec.training.tuning.tune", lambda *a, **k: NOTHING_TUNED)
    rng = np.random.default_rng(1)

    def other_seed() -> WordVectors:
        table = vectors.vectors + rng.normal(size=vectors.vectors.shape)
        return WordVectors(vectors.words, table, counts=vectors.counts, subwords=vectors.subwords)

    several = re.search(r" (compare|stability) | --runs | \w+=runs/", command)
    monkeypatch.setattr(WordVectors, "load", lambda *a, **k: other_seed() if several else vectors)
    (workplace / "settings.toml").write_text(blocks(DOCS / "training.md", "toml")[0], encoding="utf-8")
    (tuned := workplace / "runs" / "tuning").mkdir()
    (tuned / "config.toml").write_text("window = 5\n", encoding="utf-8")
    monkeypatch.setattr("word2vec.evaluation.downloads.download_set", Path)
    monkeypatch.setattr("word2vec.evaluation.benchmarks.path_of_set", _stored_set)
    (workplace / "my_pairs.csv").write_text("king,queen,8\nman,woman,7\n", encoding="utf-8")
    name, *arguments = shlex.split(command)
    if name == "cut":  # prepares a text
        return
    if name == "pip":
        _check_installable(*arguments)
        return
    assert name == "word2vec"
    assert cli.run(arguments) == 0
    assert bool(trained) == (arguments[0] in ("train", "demo"))


def _stored_set(name: str) -> Path:
    """A small set in place of a downloaded one."""
    path = Path(name)
    path.write_text(": words\nking queen man woman\n" if name == "bats" else "king,queen,8\nman,woman,7\n", "utf-8")
    return path


def _check_installable(verb: str, requirement: str) -> None:
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    match = re.fullmatch(r"([\w-]+)(?:\[(\w+)\])?", requirement)
    assert match
    assert verb == "install"
    assert match[1] == project["name"]
    assert match[2] is None or match[2] in project["optional-dependencies"]


def test_there_are_commands_and_python() -> None:
    assert len(COMMANDS) > 20
    assert len(PYTHON_PAGES) > 4


@pytest.mark.parametrize("page", PYTHON_PAGES, ids=lambda page: page.stem)
def test_python_runs(page: Path, workplace: Path) -> None:
    names: dict[str, object] = {}
    if "to_gensim" in read(page):
        pytest.importorskip("gensim")
    if re.search(r'train\(.*"runs/text8"', read(page)):
        shutil.rmtree("runs/text8")  # the page trains it itself
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_that_cannot_run_here_compiles(page: Path) -> None:
    for block in blocks(page, "py"):
        compile(block, str(page), "exec")


def test_the_example_objective_trains(workplace: Path) -> None:
    names: dict[str, object] = {}
    exec(next(block for block in blocks(DOCS / "objectives.md", "python") if "SoftMargin" in block), names)
    config = word2vec.TrainConfig(corpus=("text8",), dim=8, epochs=1)
    assert len(word2vec.train(config, objective=names["SoftMargin"]())) == len(WORDS)  # type: ignore[operator]


@pytest.mark.parametrize(
    "page", [*PAGES, *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md"))], ids=lambda page: page.stem
)
def test_links_lead_to_files(page: Path) -> None:
    figure = _hooks().SCALING_FIGURE  # is added to the site when it is built
    assert figure.exists()
    missing = [path for path in linked_files(page) if not path.exists() and path != DOCS / figure.name]
    assert not missing


def test_the_table_for_users_of_gensim_is_true() -> None:
    gensim = pytest.importorskip("gensim.models")
    gensim_vectors, vectors = gensim.KeyedVectors(3), WordVectors(["a"], np.ones((1, 3)), output=np.ones((1, 3)))
    section = read(DOCS / "gensim.md").split("## This package's interface\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 15
    for left, right in rows:
        for name in re.findall(r"`(?:wv|KeyedVectors)\.(\w+)", left):
            assert hasattr(gensim_vectors, name), name
            assert hasattr(vectors, name) == right.strip().startswith("the same"), name
        for name in re.findall(r"`vectors\.(\w+)", right):
            assert hasattr(vectors, name), name
        for name in re.findall(r"word2vec\.(\w+)", right):
            assert name in word2vec.__all__, name
    settings = {field.name for field in fields(word2vec.TrainConfig)}
    assert set(re.findall(r"(\w+)=", rows[0][1])) <= settings
    assert set(re.findall(r"`(\w+)`", rows[1][1])) <= settings
    parameters = re.findall(r"(\w+)=", rows[0][0]) + re.findall(r"`(\w+)`", rows[1][0])
    assert set(parameters) <= set(inspect.signature(gensim.Word2Vec).parameters)


def test_the_reading_order_has_eight_files() -> None:
    listed = re.findall(r"^\d\. \[`([\w/.]+)`\]\(\S+/main/([\w/.]+)\):$", read(DOCS / "internals.md"), re.MULTILINE)
    assert len(listed) == 8
    for shown, linked in listed:
        assert shown == linked
        assert (ROOT / shown).is_file()
    assert listed[0][0].endswith("engines/plain.py")
    assert "kernel" in listed[-1][0]


def test_every_subpackage_is_described() -> None:
    subpackages = {path.parent.name for path in (ROOT / "word2vec").glob("*/__init__.py")}
    table = read(DOCS / "internals.md").split("## Subpackages")[1].split("\n## ")[0]
    assert set(re.findall(r"`(\w+)/`", table)) >= subpackages
    assert subpackages <= set(re.findall(r"^    (\w+) ", word2vec.__doc__ or "", re.MULTILINE)) | {"system"}


def test_every_objective_is_described() -> None:
    text = read(DOCS / "objectives.md")
    for name, objective in word2vec.LOSSES.items():
        assert f"| `{name}` | `{objective.__name__}` | {objective.default_lr:g} |" in text


def test_every_format_is_described() -> None:
    text = read(DOCS / "formats.md")
    for name, entry in FORMATS.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        readable, writable, compressed = (cell.strip() for cell in row.split("|")[3:6])
        assert readable == ("yes" if entry.read else "no")
        assert writable == ("yes" if entry.write else "no")
        assert compressed == ("yes" if entry.may_be_compressed or not entry.write else "no")
        assert all(f"`{extension}`" in row for extension in entry.extensions if extension)


def test_every_public_name_is_in_the_api_reference() -> None:
    text = read(DOCS / "api.md")
    missing = [name for name in word2vec.__all__ if f"::: word2vec.{name}\n" not in text]
    assert missing == ["LOSSES"]  # described by its classes


def test_every_page_is_in_the_navigation() -> None:
    navigation = read(ROOT / "mkdocs.yml").split("\nnav:")[1].split("\n\n")[0]
    assert set(re.findall(r"([\w-]+\.md)", navigation)) == {page.name for page in DOCS.glob("*.md")}


def _hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_hooks", DOCS / "hooks.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_cli_reference_has_every_setting() -> None:
    page = _hooks().on_page_markdown(read(DOCS / "cli.md"))
    train = page.split("## train\n")[1].split("\n## ")[0]
    for field in fields(word2vec.TrainConfig):
        assert f"`{option(field.name)}`" in train
    assert "| `--dim` `INT` | `100` |" in train
    assert "`--output`, `-o` `RUN` | required |" in train
    for command in (
        "evaluate",
        "compare",
        "stability",
        "nearest",
        "analogy",
        "export",
        "download",
        "info",
        "report",
        "demo",
    ):
        assert f"\n## {command}\n" in page


def test_formulas_become_mathml() -> None:
    pytest.importorskip("latex2mathml")
    content = r'<p><span class="arithmatex">\(a &lt; b\)</span></p><div class="arithmatex">\[c\]</div>'
    html = _hooks().on_page_content(content)
    assert "arithmatex" not in html
    assert re.search(r'<math [^>]*display="inline".*&#x0003C;.*<math [^>]*display="block"', html)
