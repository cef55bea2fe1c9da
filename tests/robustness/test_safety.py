"""Loading an untrusted file cannot run code: the package has no call that could, and files that try it fail."""

import ast
import bz2
import contextlib
import gzip
import io
import json
import lzma
import os
import pickle
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

import word2vec
from word2vec.cli import run
from word2vec.config import read_config
from word2vec.corpus.index import IndexedCorpus
from word2vec.corpus.indexing import index_corpus
from word2vec.corpus.reader import ReadReport, read_blocks
from word2vec.errors import Word2VecError
from word2vec.evaluation.benchmarks import read_pairs, read_questions
from word2vec.formats import FORMATS
from word2vec.formats import read as read_vectors
from word2vec.vectors.word_vectors import WordVectors

SOURCES = sorted(Path(word2vec.__file__).parent.rglob("*.py"))
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "subprocess", "yaml", "runpy"}
BUILTINS = {"eval", "exec", "compile", "__import__"}
ATTRIBUTES = {"system", "popen", "read_pickle", "import_module"}
ALLOWED = {("system/user_code.py", "import_module")}  # an objective or a measure that the user names


def dangerous_calls(tree: ast.AST) -> Iterator[str]:
    """Yield the names of imports and calls that could run code from a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.split(".")[0] in MODULES)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            yield node.module or ""
        if not isinstance(node, ast.Call):
            continue
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        if isinstance(node.func, ast.Name) and node.func.id in BUILTINS:
            yield node.func.id
        if isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value)
            if node.func.attr in ATTRIBUTES or (owner, node.func.attr) == ("torch", "load"):
                yield node.func.attr
            if (owner, node.func.attr) == ("np", "load") and ast.unparse(
                keywords.get("allow_pickle", ast.Constant(True))
            ) != "False":
                yield "np.load that may unpickle"
        if "shell" in keywords:
            yield "shell"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_package_has_no_call_that_runs_code_from_a_file(source: Path) -> None:
    name = source.relative_to(Path(word2vec.__file__).parent).as_posix()
    found = {(name, call) for call in dangerous_calls(ast.parse(source.read_text(encoding="utf-8")))}
    assert found - ALLOWED == set()


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from yaml import load",
        "import numpy.random, joblib.numpy_pickle",
        "eval('1')",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "os.system('ls')",
        "run('ls', shell=True)",
        "pd.read_pickle(path)",
    ],
)
def test_search_finds_dangerous_calls(code: str) -> None:
    assert list(dangerous_calls(ast.parse(code)))


def test_search_accepts_harmless_code() -> None:
    code = "import re; re.compile('a'); model.eval(); np.load(path, mmap_mode='r', allow_pickle=False)"
    assert list(dangerous_calls(ast.parse(code))) == []


class Bomb:
    """Creates a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


def zipped(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


def saved(save: Callable[[io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    save(file)
    return file.getvalue()


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "marker"


@pytest.fixture
def bombs(marker: Path) -> dict[str, bytes]:
    """Files that run code when they are unpickled, in every container that a reader may open."""
    bomb = Bomb(marker)
    plain = pickle.dumps(bomb)
    array = saved(lambda file: np.save(file, np.array([bomb, bomb], dtype=object), allow_pickle=True))
    return {
        "plain": plain,
        "text": pickle.dumps(bomb, protocol=0),
        "torch": saved(lambda file: torch.save(bomb, file)),
        "npy": array,
        "npz": zipped("vectors.npy", array),
        "behind a header": b"2 3\n" + plain,
        "as vectors": b"1 1\n" + plain + b" 1\n",
        "gz": gzip.compress(plain),
        "bz2": bz2.compress(plain),
        "xz": lzma.compress(plain),
    }


def test_bombs_run_code_when_they_are_unpickled(bombs: dict[str, bytes], marker: Path) -> None:
    for name, load in [
        ("plain", lambda data: pickle.loads(data)),
        ("npy", lambda data: np.load(io.BytesIO(data), allow_pickle=True)),
        ("torch", lambda data: torch.load(io.BytesIO(data), weights_only=False)),
    ]:
        load(bombs[name])
        assert marker.exists(), name
        marker.rmdir()


def attempt(load: Callable[[], object]) -> None:
    """Load a file; a reader may read it as unusual text or reject it."""
    with contextlib.suppress(Word2VecError):
        load()


READERS: dict[str, Callable[[Path], object]] = {
    "vectors": WordVectors.load,
    "pairs": read_pairs,
    "questions": read_questions,
    "config": read_config,
    "corpus": lambda path: list(read_blocks(path, ReadReport())),
    "index": lambda path: index_corpus([path]),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("ending", ["bin", "safetensors", "npz", "npy", "pt", "txt", "csv", "toml", "vec", "gz"])
def test_no_reader_runs_code(reader: str, ending: str, bombs: dict[str, bytes], marker: Path, tmp_path: Path) -> None:
    for name, content in bombs.items():
        path = tmp_path / f"{name}.{ending}"
        path.write_bytes(content)
        attempt(partial(READERS[reader], path))
        assert not marker.exists(), name


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_runs_code(name: str, bombs: dict[str, bytes], marker: Path, tmp_path: Path) -> None:
    for kind, content in bombs.items():
        path = tmp_path / kind
        path.write_bytes(content)
        (tmp_path / "run").mkdir(exist_ok=True)
        for part in ("vectors.safetensors", "vocab.tsv"):
            (tmp_path / "run" / part).write_bytes(content)
        for place in (path, tmp_path / "run"):
            attempt(partial(read_vectors, place, format=name))
        assert not marker.exists(), kind


@pytest.mark.parametrize("name", ["tokens.npy", "offsets.npy", "index.json", "vocab.tsv"])
def test_damaged_index_runs_no_code(
    name: str, bombs: dict[str, bytes], marker: Path, topics_file: Path, tmp_path: Path
) -> None:
    folder = index_corpus([topics_file]).folder
    for content in bombs.values():
        (folder / name).write_bytes(content)
        with pytest.raises(Word2VecError, match="the corpus index is incomplete"):
            IndexedCorpus(folder)
        assert not marker.exists()


USER_OBJECTIVE = """
from pathlib import Path
import torch
Path({marker!r}).mkdir()
class Mine(torch.nn.Module):
    def forward(self, positive, negative, weight=None):
        return torch.nn.functional.softplus(negative.amax(dim=1) - positive)
"""


def test_settings_file_cannot_name_code_to_run(
    marker: Path, topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("untrusted.py").write_text(USER_OBJECTIVE.format(marker=str(marker)))
    Path("c.toml").write_text('objective = "untrusted:Mine"\ndim = 4\nepochs = 1\n')
    arguments = ["train", str(topics_file), "--output", "run", "--config", "c.toml"]
    assert run(arguments) == 2
    message = capsys.readouterr().err
    assert message.startswith("word2vec: c.toml: ")
    assert "untrusted:Mine" in message
    assert "runs code" in message
    assert not marker.exists()
    assert not Path("run").exists()
    assert run([*arguments, "--objective", "untrusted:Mine"]) == 0
    assert marker.exists()
    config = Path("run/config.toml")
    assert run(["info", "run"]) == 0  # shows the settings
    assert json.dumps("untrusted:Mine") in config.read_text()
