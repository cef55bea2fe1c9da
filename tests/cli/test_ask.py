"""`word2vec nearest` and `word2vec analogy`."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.cli.conftest import CommandLine
from word2vec.vectors.word_vectors import WordVectors


def test_analogy(vectors_file: Path, cli: CommandLine) -> None:
    out, _ = cli.output("analogy", vectors_file, "man", "king", "woman", "-n", "1", "--json")
    assert [answers[0][0] for answers in json.loads(out).values()] == ["queen"]
    out, _ = cli.output("analogy", vectors_file, "man", "king", "woman")
    assert "queen" in out


def test_sum_of_words_is_one_query(vectors_file: Path, cli: CommandLine) -> None:
    expected = WordVectors.load(vectors_file).nearest(["king", "woman"], ["man"])
    for query in (["king", "-", "man", "+", "woman"], ["king - man + woman"]):
        out, _ = cli.output("nearest", vectors_file, *query, "man", "--json")
        found = json.loads(out)
        assert list(found) == ["king - man + woman", "man"]
        assert found["king - man + woman"] == [list(answer) for answer in expected]
        assert expected[0][0] == "queen"
    out, _ = cli.output("nearest", vectors_file, "king", "-", "man", "+", "woman", "-n", "1", "--restrict", "1")
    assert "queen" not in out
    out, _ = cli.output("nearest", vectors_file, "king - man + woman")
    assert "king - man + woman" in out
    assert "queen" in out


def test_words_that_look_like_markup_are_shown(tmp_path: Path, cli: CommandLine) -> None:
    words = ["foo", "[/b]", "[red]", ":cat:"]
    WordVectors(words, np.random.default_rng(0).normal(size=(4, 3))).save(tmp_path / "v.txt")
    out, _ = cli.output("nearest", tmp_path / "v.txt", "foo")
    for word in words:
        assert word in out
    out, _ = cli.output("nearest", tmp_path / "v.txt", "[red]")
    assert "[red]" in out


def test_queries_do_not_import_torch(vectors_file: Path) -> None:
    code = "import sys; from word2vec.cli import run; run(sys.argv[1:]); assert 'torch' not in sys.modules"
    command = [sys.executable, "-c", code, "nearest", str(vectors_file), "king"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
