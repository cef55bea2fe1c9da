"""Fixtures of the command-line tests: a command line in this process, and a small vectors file."""

from pathlib import Path

import numpy as np
import pytest

from word2vec.cli import run
from word2vec.vectors.word_vectors import WordVectors


class CommandLine:
    """Runs commands and returns what they print."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def output(self, *arguments: object, code: int = 0) -> tuple[str, str]:
        """Standard output and standard error of a command that has to exit with this code."""
        assert run([str(argument) for argument in arguments]) == code
        captured = self._capsys.readouterr()
        return captured.out, captured.err

    def error(self, *arguments: object, code: int) -> str:
        """The error message of a command: one line on stderr, nothing on stdout."""
        out, err = self.output(*arguments, code=code)
        assert out == ""
        *logs, last = err.splitlines()
        assert last.startswith("word2vec: ")
        assert not [line for line in logs if line.startswith(("word2vec: ", "Traceback"))]
        return last.removeprefix("word2vec: ")


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line."""
    return CommandLine(capsys)


@pytest.fixture
def vectors_file(tmp_path: Path) -> Path:
    """Four words; king - man + woman is queen."""
    rows = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    path = tmp_path / "royal.txt"
    WordVectors(["king", "queen", "man", "woman"], rows).save(path)
    return path
