"""The command line as a script sees it: exit codes, what goes to which stream, one line an error."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from word2vec.cli import commands as cli
from word2vec.cli.commands import run
from word2vec.config import PRESETS, SETTINGS, option, read_config
from word2vec.vectors.word_vectors import WordVectors


@pytest.fixture
def vectors_file(tmp_path: Path) -> Path:
    """Four words; king - man + woman is queen."""
    rows = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    path = tmp_path / "royal.txt"
    WordVectors(["king", "queen", "man", "woman"], rows).save(path)
    return path


def output(arguments: list[object], capsys: pytest.CaptureFixture[str], code: int = 0) -> tuple[str, str]:
    assert run([str(argument) for argument in arguments]) == code
    captured = capsys.readouterr()
    return captured.out, captured.err


def complaint(arguments: list[object], capsys: pytest.CaptureFixture[str], code: int) -> str:
    out, err = output(arguments, capsys, code)
    assert out == ""
    *logs, last = err.splitlines()
    assert last.startswith("word2vec: ")
    assert all(line.startswith(("corpus of ", "batches of ")) for line in logs)
    return last.removeprefix("word2vec: ")


def test_train_then_ask(topics_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    settings = [
        "--dim",
        "16",
        "--epochs",
        "3",
        "--lr",
        "0.1",
        "--subsample",
        "0",
        "--batch-size",
        "64",
        "--threads",
        "1",
    ]
    out, err = output(["train", topics_file, "--output", folder, *settings], capsys)
    assert out == ""
    assert "corpus of 6,000 words, vocabulary of 18" in err
    out, _ = output(["nearest", folder, "cat", "red", "-n", "5", "--json"], capsys)
    found = json.loads(out)
    assert {word for word, _ in found["cat"]} == {"dog", "horse", "sheep", "cow", "goat"}
    assert {word for word, _ in found["red"]} == {"green", "blue", "yellow", "white", "black"}
    out, _ = output(["info", folder], capsys)
    assert "words" in out
    assert "topics.txt" in out


def test_options_win_over_the_config_file(
    topics_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "c.toml"
    config.write_text(f'corpus = ["{topics_file}"]\ndim = 5\nepochs = 1\nsubsample = 0.0\n')
    output(["train", "--config", config, "--dim", "7", "--output", tmp_path / "run"], capsys)
    assert WordVectors.load(tmp_path / "run").dim == 7


def test_a_preset_wins_over_the_config_file_and_gives_way_to_options(
    topics_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "c.toml"
    config.write_text("window = 2\ndim = 5\nsubsample = 0.0\n")  # as a run's own config.toml, which holds all settings
    arguments = ["train", topics_file, "--preset", "quality", "--config", config, "--dim", "7", "--epochs", "1"]
    output([*arguments, "--output", tmp_path / "run"], capsys)
    used = read_config(tmp_path / "run/config.toml")
    assert (used["window"], used["dim"], used["epochs"], used["subsample"]) == (
        2,
        7,
        1,
        PRESETS["quality"]["subsample"],
    )


def test_several_files_behind_one_option(topics_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / f"{name}.csv" for name in ("one", "two", "three")]
    for file in files:
        file.write_text("cat,dog,9\nred,green,8\ncat,red,1\n")
    arguments = ["train", topics_file, "--pairs", files[0], files[1], "--pairs", files[2], "--output", tmp_path / "run"]
    output([*arguments, "--epochs", "1", "--dim", "4"], capsys)
    last = json.loads((tmp_path / "run/metrics.jsonl").read_text().splitlines()[-1])
    assert set(last["similarity"]) == {"one", "two", "three"}


def test_evaluate_prints_the_contracts_json(
    vectors_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs, questions = tmp_path / "p.csv", tmp_path / "q.txt"
    pairs.write_text("king,queen,9\nking,man,7\nman,woman,1\nking,emperor,8\n")
    questions.write_text(": royal\nman king woman queen\n")
    out, _ = output(["evaluate", vectors_file, "--pairs", pairs, "--analogies", questions, "--json"], capsys)
    similarity, analogy = json.loads(out)
    keys = {"name", "kind", "spearman", "pearson", "pairs", "pairs_total", "oov", "ci_low", "ci_high"}
    assert set(similarity) == keys
    assert (similarity["pairs"], similarity["pairs_total"], similarity["oov"]) == (3, 4, ["emperor"])
    assert set(analogy) == {"name", "kind", "accuracy", "questions", "questions_total", "sections"}
    assert analogy["accuracy"] == 1.0
    out, _ = output(["evaluate", vectors_file, "--pairs", pairs, "--oov", "zero", "--json"], capsys)
    assert json.loads(out)[0]["pairs"] == 4
    out, _ = output(["evaluate", vectors_file, "--pairs", pairs], capsys)
    assert "3 of 4 pairs" in out
    assert "emperor" in out


def test_an_undefined_score_is_null_and_told(
    vectors_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = tmp_path / "p.csv"
    pairs.write_text("king,queen,5\nking,man,5\n")
    out, err = output(["evaluate", vectors_file, "--pairs", pairs, "--json"], capsys)
    assert json.loads(out)[0]["spearman"] is None
    assert err.startswith("p: ")


def test_analogy_answers(vectors_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = output(["analogy", vectors_file, "man", "king", "woman", "-n", "1", "--json"], capsys)
    ((answers,),) = [json.loads(out).values()]
    assert answers[0][0] == "queen"
    out, _ = output(["analogy", vectors_file, "man", "king", "woman"], capsys)
    assert "queen" in out


def test_a_sum_of_words_is_one_question(vectors_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = WordVectors.load(vectors_file).nearest(["king", "woman"], ["man"])
    for typed in (["king", "-", "man", "+", "woman"], ["king - man + woman"]):
        out, _ = output(["nearest", vectors_file, *typed, "man", "--json"], capsys)
        found = json.loads(out)
        assert list(found) == ["king - man + woman", "man"]
        assert found["king - man + woman"] == [list(answer) for answer in expected]
        assert expected[0][0] == "queen"
    out, _ = output(["nearest", vectors_file, "king", "-", "man", "+", "woman", "-n", "1", "--restrict", "1"], capsys)
    assert "queen" not in out
    out, _ = output(["nearest", vectors_file, "king - man + woman"], capsys)
    assert "king - man + woman" in out
    assert "queen" in out


def test_export_changes_the_format(vectors_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output(["export", vectors_file, tmp_path / "v.bin"], capsys)
    output(["export", vectors_file, tmp_path / "v.other", "--format", "word2vec-binary"], capsys)
    assert (tmp_path / "v.bin").read_bytes() == (tmp_path / "v.other").read_bytes()
    np.testing.assert_array_equal(WordVectors.load(tmp_path / "v.bin").vectors, WordVectors.load(vectors_file).vectors)


@pytest.mark.parametrize("name", ["word2vec-text", "word2vec-binary", "glove", "npz", "safetensors", "run"])
def test_export_writes_every_format_of_the_contract(
    name: str, vectors_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert output(["export", vectors_file, tmp_path / "out", "--format", name, "--limit", "2"], capsys) == ("", "")
    found, whole = WordVectors.load(tmp_path / "out"), WordVectors.load(vectors_file)
    assert found.words == whole.words[:2]
    np.testing.assert_array_equal(found.vectors, whole.vectors[:2])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "missing.txt", "--output", "RUN"], 1, "missing.txt: no such file, folder or corpus"),
        (["train", "CORPUS", "--output", "RUN", "--dim", "0"], 2, "--dim must be at least 1, not 0"),
        (["train", "CORPUS", "--output", "RUN", "--dim", "x"], 2, "Invalid value for '--dim'"),
        (["train", "CORPUS"], 2, "Missing option '--output'"),
        (["train", "--output", "RUN"], 2, "no CORPUS given"),
        (["train", "CORPUS", "--output", "RUN", "--lr", "0.1", "--min-lr", "1"], 2, "--min-lr 1 is above --lr 0.1"),
        (
            ["train", "CORPUS", "--output", "RUN", "--min-count", "9999"],
            1,
            "the vocabulary has 0 words after min_count",
        ),
        (["train", "CORPUS", "--output", "RUN", "--objective", "war"], 2, "unknown objective 'war'"),
        (["train", "CORPUS", "--output", "RUN", "--pairs", "no.csv"], 1, "no.csv: no such file"),
        (["train", "CORPUS", "--output", "RUN", "--config", "no.toml"], 2, "no.toml: cannot be read"),
        (["train", "CORPUS", "--output", "RUN", "--min-lr", "1"], 2, "--min-lr 1 is above --lr 0.025"),
        (["train", "CORPUS", "--output", "RUN", "--lr", "inf"], 2, "--lr must be at most 1000, not inf"),
        (["train", "CORPUS", "--output", "RUN", "--seed", "9" * 20], 2, "--seed must be at most"),
        (["train", "COLUMN", "--output", "RUN", "--min-count", "1"], 1, "no two words of the vocabulary stand in one"),
        (["train", "EMPTY", "--output", "RUN"], 1, "EMPTY: holds no words"),
        (["evaluate", "VECTORS", "--pairs", "BAD"], 1, "BAD, line 2:"),
        (["evaluate", "nothing"], 1, "nothing"),
        (["evaluate", "EMPTY"], 1, "EMPTY"),
        (["nearest", "VECTORS", "kin"], 1, "'kin' has no vector; the nearest spellings are: king"),
        (["nearest", "VECTORS", "king - kin"], 1, "'kin' has no vector; the nearest spellings are: king"),
        (["nearest", "VECTORS", "king", "-"], 1, "'king -' is no known word and no sum of words; put spaces around"),
        (["nearest", "VECTORS", "king", "-man"], 2, "No such option: -m; to subtract a word, put spaces around"),
        (["nearest", "VECTORS", "king", "--man"], 2, "No such option: --man"),
        (["nearest", "VECTORS", "king", "--restrict", "0"], 2, "Invalid value for '--restrict'"),
        (["nearest", "VECTORS", "king", "-n", "0"], 2, "Invalid value for '-n'"),
        (["nearest", "VECTORS"], 2, "Missing argument 'WORD...'"),
        (["analogy", "VECTORS", "man", "king"], 2, "Missing argument 'C'"),
        (["export", "VECTORS", "x.zzz"], 2, "x.zzz"),
        (["export", "VECTORS", "x.txt", "--format", "bogus"], 2, "there is no format 'bogus'"),
        (["export", "VECTORS", "nowhere/x.txt"], 1, "nowhere"),
        (["download", "text9"], 2, "nothing called 'text9' can be downloaded"),
        (["trian"], 2, "No such command 'trian'"),
    ],
)
def test_every_error_is_one_line_with_the_right_code(
    arguments: list[str], code: int, message: str, topics_file: Path, vectors_file: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("EMPTY").write_text("")
    Path("COLUMN").write_text("one\nword\na\nline\n" * 5)
    Path("BAD").write_text("king,queen,9\nking,man\nman,woman,1\n")
    paths = {"CORPUS": str(topics_file), "VECTORS": str(vectors_file)}
    before = sorted(tmp_path.iterdir())
    assert message in complaint([paths.get(argument, argument) for argument in arguments], capsys, code)
    left = [path for path in sorted(tmp_path.iterdir()) if path not in before and path.name != "cache"]
    assert left == []


@pytest.mark.parametrize(("given", "kept"), [([], False), (["--no-lowercase"], True), (["--lowercase"], False)])
def test_a_switch_of_the_config_file_can_be_undone(
    given: list[str], kept: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.txt").write_text("One TWO one two\n" * 50)
    (tmp_path / "c.toml").write_text("lowercase = true\nmin_count = 1\nepochs = 1\ndim = 2\nsubsample = 0.0\n")
    arguments = ["train", tmp_path / "text.txt", "--config", tmp_path / "c.toml", "--output", tmp_path / "run", *given]
    output(arguments, capsys)
    assert ("One" in WordVectors.load(tmp_path / "run")) == kept


def test_words_that_look_like_markup_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["foo", "[/b]", "[red]", ":cat:"]
    WordVectors(words, np.random.default_rng(0).normal(size=(4, 3))).save(tmp_path / "v.txt")
    out, _ = output(["nearest", tmp_path / "v.txt", "foo"], capsys)
    for word in words:
        assert word in out
    out, _ = output(["nearest", tmp_path / "v.txt", "[red]"], capsys)
    assert "[red]" in out


def test_a_full_disk_behind_stdout_is_one_line(vectors_file: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-m", "word2vec", "nearest", str(vectors_file), "king", "--json"]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment)
    assert (result.returncode, result.stderr) == (1, "word2vec: cannot write the result: No space left on device\n")


def test_letters_that_the_terminal_lacks_are_no_error(tmp_path: Path) -> None:
    WordVectors(["größe", "länge"], np.eye(2)).save(tmp_path / "v.txt")
    command = [sys.executable, "-m", "word2vec", "nearest", str(tmp_path / "v.txt"), "größe", "--json"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert "l\\xe4nge" in result.stdout


def test_ctrl_c_outside_training_is_one_line(
    vectors_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_load", interrupted)
    assert complaint(["nearest", vectors_file, "king"], capsys, 130) == "interrupted"


def test_an_unexpected_error_is_one_line_too(
    vectors_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(path: Path) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(cli, "_load", broken)
    told = complaint(["nearest", vectors_file, "king"], capsys, 1)
    assert told == "RuntimeError: two lines (set WORD2VEC_TRACEBACK=1 to see where)"
    monkeypatch.setenv("WORD2VEC_TRACEBACK", "1")
    with pytest.raises(RuntimeError, match="two"):
        run(["nearest", str(vectors_file), "king"])


def test_help_lists_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = output(["train", "--help"], capsys)
    for name in SETTINGS:
        assert option(name) in out
    assert output([], capsys)[0] == output(["--help"], capsys)[0] != ""


def test_a_reader_that_stops_early_is_no_error(vectors_file: Path) -> None:
    command = f"{sys.executable} -m word2vec nearest {vectors_file} king king king | head -n 1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert result.stderr == ""


@pytest.mark.parametrize("command", [["--help"], ["train", "--help"]])
def test_help_is_light(command: list[str]) -> None:
    code = (
        "import sys; from word2vec.cli.commands import run; run(sys.argv[1:]); "
        "heavy = {'torch', 'numba', 'scipy', 'pandas', 'sklearn', 'numpy'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    result = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_asking_does_not_load_torch(vectors_file: Path) -> None:
    code = "import sys; from word2vec.cli.commands import run; run(sys.argv[1:]); assert 'torch' not in sys.modules"
    command = [sys.executable, "-c", code, "nearest", str(vectors_file), "king"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
