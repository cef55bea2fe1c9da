"""The command line as a script sees it: exit codes, streams, one line per error, light imports."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import word2vec
from tests.cli.conftest import CommandLine
from word2vec.cli import run
from word2vec.vectors.word_vectors import WordVectors


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "missing.txt", "--output", "RUN"], 1, "missing.txt: no such file"),
        (["train", "CORPUS", "--output", "RUN", "--dim", "0"], 2, "--dim must be at least 1, not 0"),
        (["train", "CORPUS", "--output", "RUN", "--dim", "x"], 2, "Invalid value for '--dim'"),
        (["train", "CORPUS"], 2, "Missing option '--output'"),
        (["train", "--output", "RUN"], 2, "no corpus given"),
        (["train", "CORPUS", "--output", "RUN", "--lr", "0.1", "--min-lr", "1"], 2, "--min-lr 1 is above --lr 0.1"),
        (["train", "CORPUS", "--output", "RUN", "--min-count", "9999"], 1, "vocabulary"),
        (["train", "CORPUS", "--output", "RUN", "--objective", "war"], 2, "unknown objective 'war'"),
        (["train", "CORPUS", "--output", "RUN", "--preset", "fast"], 2, "--preset must be one of quality"),
        (["train", "CORPUS", "--output", "RUN", "--pairs", "no.csv"], 1, "no.csv"),
        (["train", "CORPUS", "--output", "RUN", "--config", "no.toml"], 2, "no.toml: cannot be read"),
        (["train", "CORPUS", "--output", "RUN", "--min-lr", "1"], 2, "--min-lr 1 is above --lr 0.025"),
        (["train", "CORPUS", "--output", "RUN", "--lr", "inf"], 2, "--lr must be at most 1000, not inf"),
        (["train", "CORPUS", "--output", "RUN", "--seed", "9" * 20], 2, "--seed must be"),
        (["train", "COLUMN", "--output", "RUN", "--min-count", "1"], 1, "no sentence has two words"),
        (["train", "EMPTY", "--output", "RUN"], 1, "EMPTY"),
        (["train", "CORPUS", "--output", ""], 2, "empty argument ''"),
        (["evaluate", "VECTORS", "--pairs", "BAD"], 1, "BAD, line 2:"),
        (["evaluate", "nothing"], 1, "nothing"),
        (["evaluate", "EMPTY"], 1, "EMPTY"),
        (["nearest", "VECTORS", "kin"], 1, "'kin'"),
        (["nearest", "VECTORS", "king - kin"], 1, "'kin'"),
        (["nearest", "VECTORS", "king", "-"], 1, "put spaces around the signs"),
        (["nearest", "VECTORS", "king", "-man"], 2, "No such option: -man; to subtract a word, put spaces around"),
        (["nearest", "VECTORS", "king", "--man"], 2, "No such option: --man"),
        (["nearest", "VECTORS", "king", "--restrict", "0"], 2, "Invalid value for '--restrict'"),
        (["nearest", "VECTORS", "king", "-n", "0"], 2, "Invalid value for '-n'"),
        (["nearest", "VECTORS"], 2, "Missing argument 'WORD'"),
        (["analogy", "VECTORS", "man", "king"], 2, "Missing argument 'C'"),
        (["export", "VECTORS", "x.zzz"], 2, "x.zzz"),
        (["export", "VECTORS", "x.txt", "--format", "bogus"], 2, "'bogus'"),
        (["export", "VECTORS", "nowhere/x.txt"], 1, "nowhere"),
        (["download", "text9"], 2, "unknown name 'text9'"),
        (["trian"], 2, "No such command 'trian'"),
    ],
)
def test_every_error_is_one_line_with_the_right_code(
    arguments: list[str], code: int, message: str, topics_file: Path, vectors_file: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, cli: CommandLine,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("EMPTY").write_text("")
    Path("COLUMN").write_text("one\nword\na\nline\n" * 5)
    Path("BAD").write_text("king,queen,9\nking,man\nman,woman,1\n")
    paths = {"CORPUS": str(topics_file), "VECTORS": str(vectors_file)}
    before = sorted(tmp_path.iterdir())
    assert message in cli.error(*(paths.get(argument, argument) for argument in arguments), code=code)
    created = [path for path in sorted(tmp_path.iterdir()) if path not in before and path.name != "cache"]
    assert created == []


@pytest.mark.parametrize("command", ["", "train", "evaluate", "nearest", "analogy", "export", "info", "report", "demo"])
def test_both_help_options_show_the_same(command: str, cli: CommandLine) -> None:
    arguments = command.split()
    assert cli.output(*arguments, "-h")[0] == cli.output(*arguments, "--help")[0] != ""


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_is_printed(option: str, cli: CommandLine) -> None:
    assert cli.output(option) == (f"word2vec-fused {word2vec.__version__}\n", "")


def test_no_arguments_show_the_help(cli: CommandLine) -> None:
    assert cli.output()[0] == cli.output("--help")[0] != ""


def test_full_disk_behind_stdout_is_one_line(vectors_file: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-m", "word2vec", "nearest", str(vectors_file), "king", "--json"]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment)
    assert (result.returncode, result.stderr) == (1, "word2vec: cannot write the result: No space left on device\n")


def test_characters_the_terminal_lacks_are_escaped(tmp_path: Path) -> None:
    WordVectors(["größe", "länge"], np.eye(2)).save(tmp_path / "v.txt")
    command = [sys.executable, "-m", "word2vec", "nearest", str(tmp_path / "v.txt"), "größe", "--json"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert "l\\xe4nge" in result.stdout


def test_closed_pipe_is_not_an_error(vectors_file: Path) -> None:
    command = f"{sys.executable} -m word2vec nearest {vectors_file} king king king | head -n 1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert result.stderr == ""


def test_ctrl_c_outside_training_is_one_line(
    vectors_file: Path, monkeypatch: pytest.MonkeyPatch, cli: CommandLine
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(WordVectors, "load", interrupted)
    assert cli.error("nearest", vectors_file, "king", code=130) == "interrupted"


def test_unexpected_error_is_one_line(vectors_file: Path, monkeypatch: pytest.MonkeyPatch, cli: CommandLine) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(WordVectors, "load", broken)
    message = cli.error("nearest", vectors_file, "king", code=1)
    assert message == "RuntimeError: two lines (set WORD2VEC_TRACEBACK=1 for the traceback)"
    monkeypatch.setenv("WORD2VEC_TRACEBACK", "1")
    with pytest.raises(RuntimeError, match="two"):
        run(["nearest", str(vectors_file), "king"])


@pytest.mark.parametrize("command", [["--help"], ["train", "--help"]])
def test_help_imports_nothing_heavy(command: list[str]) -> None:
    code = (
        "import sys; from word2vec.cli import run; run(sys.argv[1:]); "
        "heavy = {'torch', 'numba', 'scipy', 'pandas', 'sklearn', 'numpy'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    result = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
