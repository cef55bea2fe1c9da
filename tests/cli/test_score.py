"""The command `score`: its input, its output, and which settings of the run it uses."""

import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from word2vec.vectors.word_vectors import WordVectors

FAST = ("--dim", "8", "--epochs", "1", "--subsample", "0", "--threads", "1", "--validation", "0", "--window", "2")
TREE = ("--objective", "hierarchical-softmax")


def test_sentences_come_from_the_command_line_or_standard_input(
    cli: CommandLine, topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    cli.output("train", topics_file, "--output", run, *FAST, *TREE, "--lowercase", "--model", "cbow")
    vectors = WordVectors.load(run)
    document = json.loads(cli.output("score", run, "Cat dog zebra dog cat", "red", "--json")[0])
    expected = vectors.log_likelihood(["cat", "dog", "dog", "cat"], 2, "cbow")
    assert document == [
        {"sentence": "Cat dog zebra dog cat", "words": 4, "log_likelihood": pytest.approx(expected)},
        {"sentence": "red", "words": 1, "log_likelihood": 0.0},
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO("Cat dog zebra dog cat\nred\n"))
    assert json.loads(cli.output("score", run, "--json")[0]) == document
    assert f"{expected:.4f}" in cli.output("score", run, "Cat dog zebra dog cat")[0]


def test_words_and_windows_are_those_of_training(cli: CommandLine, topics_file: Path, tmp_path: Path) -> None:
    run, sentence = tmp_path / "run", ["cat", "dog", "cow", "goat"]
    cli.output("train", topics_file, "--output", run, *FAST, *TREE, "--tokenizer", "words", "--window-mode", "right")
    vectors = WordVectors.load(run)
    document = json.loads(cli.output("score", run, "cat,dog! cow(goat)", "--json")[0])
    assert document[0]["log_likelihood"] == pytest.approx(vectors.log_likelihood(sentence, (0, 2)))
    config = run / "config.toml"
    config.write_text(config.read_text("utf-8").replace('"right"', '"full"'), "utf-8")
    document = json.loads(cli.output("score", run, "cat dog cow goat", "--json")[0])
    assert document[0]["log_likelihood"] == pytest.approx(vectors.log_likelihood(sentence, 3))


def test_other_runs_and_files_are_rejected(cli: CommandLine, topics_file: Path, tmp_path: Path) -> None:
    cli.output("train", topics_file, "--output", tmp_path / "run", *FAST)
    assert "train with --objective hierarchical-softmax" in cli.error("score", tmp_path / "run", "cat", code=1)
    assert "pass the folder of a run" in cli.error("score", topics_file, "cat", code=2)
