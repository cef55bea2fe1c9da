"""The command `drift`."""

import json
from pathlib import Path

import pytest

from tests.evaluation.test_drift import MOVED, make_run
from word2vec.cli import run


@pytest.fixture
def runs(tmp_path: Path) -> tuple[str, str]:
    make_run().save(tmp_path / "before")
    make_run(moved=True, seed=1).save(tmp_path / "after")
    return str(tmp_path / "before"), str(tmp_path / "after")


def test_a_table_shows_the_words_that_changed(runs: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drift", *runs, "-n", "3", "--neighbors", "10"]) == 0
    shown = capsys.readouterr()
    lines = [line for line in shown.out.splitlines() if " to " in line]
    assert {line.split()[1] for line in lines} == set(MOVED)
    assert shown.err.startswith("median drift of 96 words: 0.0")


def test_json_has_the_words_that_were_asked_for(runs: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drift", *runs, "b5", "a0", "--json", "--restrict", "90"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["compared"] == 90
    assert [each["word"] for each in document["words"]] == ["b5", "a0"]
    assert document["words"][0]["drift"] < document["words"][1]["ci_low"]
    assert len(document["words"][1]["before"]) == 5


def test_unknown_words_are_reported(runs: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drift", *runs, "zebra"]) == 1
    assert capsys.readouterr().err.startswith("word2vec: 'zebra' has no vector")
