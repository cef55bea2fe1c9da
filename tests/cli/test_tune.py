"""`word2vec tune`: output, errors and Ctrl-C; the search itself is tested in tests/training/tuning."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from word2vec.config import read_config
from word2vec.training.tuning import search

FIXED = ["--window", "5", "--noise-exponent", "0.75", "--negatives", "5", "--subsample", "0"]
SMALL = ("--dim", 8, "--threads", 1, *FIXED)

MEASURES = """\
import numpy as np

def length(vectors):
    return float(np.linalg.norm(vectors.vectors)), float(np.linalg.norm(vectors.output))

def interrupted(vectors, calls=[]):
    calls.append(vectors)
    if len(calls) == 6:
        raise KeyboardInterrupt
    return 1.0

def undefined(vectors):
    return float("nan")
"""


@pytest.fixture
def corpus(topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny corpus, and a module `tuning_measures` in the current folder."""
    (tmp_path / "tuning_measures.py").write_text(MEASURES)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(search, "MAX_SETTINGS", 5)
    topics_file.write_text("".join(topics_file.read_text().splitlines(keepends=True)[:200]))
    return topics_file


def test_table_files_and_json(corpus: Path, tmp_path: Path, cli: CommandLine) -> None:
    command = ("tune", corpus, "--measure", "tuning_measures:length", "-o", "out", "--budget", 5, *SMALL)
    out, err = cli.output(*command)
    assert "rung 3 of 3" in err
    for text in ("default", "choosing", "held out", "epochs", "lr", "5 settings tried", "out/config.toml"):
        assert text in out
    assert {path.name for path in Path("out").iterdir()} == {
        "config.toml",
        "search.json",
        "trials.jsonl",
        "trials.html",
    }
    out, _ = cli.output(*command, "--resume", "--json")
    result = json.loads(out)
    assert result["better"] == (result["held_out"]["advantage"] > result["held_out"]["noise"])
    assert len(result["comparison"]["best"]) == len(result["held_out"]["default"]) == 3
    expected = result["best"] if result["better"] else result["default"]
    config = read_config(Path("out/config.toml"))
    assert {name: config[name] for name in expected} == expected
    cli.output("train", "--config", "out/config.toml", "--epochs", 1, "-o", "run")  # it is a valid settings file


def test_ctrl_c_leaves_what_is_known(corpus: Path, cli: CommandLine) -> None:
    command = ("tune", corpus, "--measure", "tuning_measures:interrupted", "-o", "out", *SMALL)
    message = cli.error(*command, code=130)
    assert message == "interrupted after 3 trainings; they are in out, add --resume to continue"
    assert len(Path("out/trials.jsonl").read_text().splitlines()) == 3
    assert Path("out/trials.html").exists()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--measure", "no_such.csv"), 1, "no_such.csv: no such file"),
        (("--measure", "nothing:here"), 2, "no module 'nothing'"),
        (("--measure", "tuning_measures:undefined"), 2, "tuning_measures:undefined is undefined for the default"),
        (("--measure", "wordsim353"), 2, "wordsim353 is undefined for the default settings"),
        (("--measure", "validation", "--budget", "0"), 2, "--budget must be a positive number"),
        (("--measure", "validation", "--budget", "nan"), 2, "--budget must be a positive number"),
        (("--measure", "validation", "--budget", "0.0001"), 2, "raise --budget"),
        (("--measure", "validation", "--epochs", "3", "--lr", "0.1"), 2, "no setting is left to search"),
        (("--measure", "validation", "--resume", "--overwrite"), 2, "contradict each other"),
        (("--patience", "3"), 2, "No such option: --patience"),
    ],
)
def test_mistakes(options: tuple[str, ...], code: int, message: str, corpus: Path, cli: CommandLine) -> None:
    assert message in cli.error("tune", corpus, "-o", "out", *SMALL, *options, code=code)
    assert not Path("out").exists()


def test_a_training_run_is_not_overwritten(corpus: Path, cli: CommandLine) -> None:
    Path("run").mkdir()
    Path("run/config.toml").write_text("dim = 5\n")
    message = cli.error("tune", corpus, "--measure", "validation", "-o", "run", "--overwrite", *SMALL, code=2)
    assert "contains a training run" in message
    assert Path("run/config.toml").read_text() == "dim = 5\n"


def test_code_in_a_settings_file_is_not_run(corpus: Path, cli: CommandLine) -> None:
    Path("other.toml").write_text('objective = "evil:Objective"\n')
    command = ("tune", corpus, "--measure", "validation", "-o", "out", "--config", "other.toml")
    assert "imports and runs code" in cli.error(*command, code=2)
