"""`word2vec phrases`: what it prints and writes, and its one-line errors."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from word2vec.corpus import Phrases


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("to new york times and\nin new york of\nat new york times\n" * 9, encoding="utf-8")
    return path


def test_phrases_are_shown_and_written(text: Path, tmp_path: Path, cli: CommandLine) -> None:
    options = ("--passes", "2", "--threshold", "0.1", "--min-count", "1", "--connector-words", "in of to and at")
    out, err = cli.output(
        "phrases", text, *options, "--output", tmp_path / "p.tsv", "--text", tmp_path / "joined.txt", "--json"
    )
    found = json.loads(out)
    assert [(each["phrase"], each["count"]) for each in found] == [
        ("new_york", 27), ("york_times", 18), ("new_york_times", 18)
    ]  # fmt: skip
    assert found[0]["score"] == (27 - 1) / (27 * 27) * 5  # three words and two pairs
    assert "pass 2: 1 phrases" in err
    joined = (tmp_path / "joined.txt").read_text(encoding="utf-8")
    assert joined.startswith("to new_york_times and\nin new_york of\n")
    assert list(Phrases.load(tmp_path / "p.tsv").scores) == ["new_york", "york_times", "new_york_times"]
    assert "new_york" in cli.output("phrases", text, *options, "-n", "1")[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--threshold", "1e9"], "no phrases: no pair of words has a score above the threshold 1e+09; the highest is "),
        (["--delimiter", "a b"], "--delimiter must be visible characters without white space"),
        (["--passes", "-1"], "--passes must be from 1 to 20, not -1"),
        (["--output", "nowhere/file"], "nowhere/file: is a folder, or its folder does not exist"),
    ],
)
def test_mistakes_are_reported_in_one_line(arguments: list[str], message: str, text: Path, cli: CommandLine) -> None:
    assert message in cli.error("phrases", text, *arguments, code=1 if "no phrases" in message else 2)


def test_the_corpus_is_not_replaced(text: Path, tmp_path: Path, cli: CommandLine) -> None:
    before = text.read_bytes()
    assert "would be replaced" in cli.error("phrases", text, "--text", text, code=2)
    assert "would be replaced" in cli.error("phrases", text, "--text", tmp_path / "x", "-o", tmp_path / "x", code=2)
    assert text.read_bytes() == before
