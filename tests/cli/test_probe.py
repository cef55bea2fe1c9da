"""`word2vec probe lm` and `word2vec probe classify`."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import CommandLine
from tests.conftest import TOPICS
from word2vec.vectors.word_vectors import WordVectors

WORDS = [word for words in TOPICS.values() for word in words]
SMALL = ("--layers", "1", "--hidden", "4", "--epochs", "1", "--bptt", "8", "--batch-size", "64", "--seeds", "1")


@pytest.fixture
def topic_vectors(tmp_path: Path) -> Path:
    """Vectors of the words of `topics_file`."""
    path = tmp_path / "topics.npz"
    WordVectors(WORDS, np.random.default_rng(0).normal(size=(18, 5))).save(path)
    return path


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """Labeled texts."""
    path = tmp_path / "reviews.txt"
    path.write_text("1 Red cat\n0 one two\n" * 10, encoding="utf-8")
    return path


def test_lm_compares_initializations(topic_vectors: Path, topics_file: Path, tmp_path: Path, cli: CommandLine) -> None:
    models = tmp_path / "models"
    arguments = ("probe", "lm", topic_vectors, "--corpus", topics_file, *SMALL, "--cell", "gru")
    out, err = cli.output(*arguments, "--output", models)
    for name in ("gru, frozen", "gru, fine-tuned", "gru, random", "Kneser-Ney trigram", "written by random"):
        assert name in out
    assert "5,400 words for training, 300 for validation, 300 for the test" in out
    assert "fine-tuned-1: validation perplexity" in err
    assert {path.stem for path in models.iterdir()} == {"frozen-1", "fine-tuned-1", "random-1"}
    found = json.loads(cli.output(*arguments, "--init", "vectors", "--freeze", "--json")[0])
    assert [each["init"] for each in found["scores"]] == ["frozen"]
    assert found["scores"][0]["mean"] > 1
    assert found["scores"][0]["ci_low"] is None


def test_classify_lowercases_like_the_vectors(topic_vectors: Path, reviews: Path, cli: CommandLine) -> None:
    arguments = (
        "probe",
        "classify",
        topic_vectors,
        "--train",
        reviews,
        "--epochs",
        "1",
        "--seeds",
        "1",
        "--folds",
        "2",
    )
    found = json.loads(cli.output(*arguments, "--json")[0])
    assert [each["init"] for each in found["scores"]] == ["frozen", "fine-tuned", "random"]
    assert found["covered"] == 1
    assert json.loads(cli.output(*arguments, "--no-lowercase", "--json")[0])["covered"] == 0.75
    out = cli.output(*arguments, "--test", reviews, "--model", "logistic")[0]
    assert "logistic, frozen" in out
    assert "most frequent class" in out
    assert "20 texts of 2 classes, 20 test texts; 100.0% of the words have a vector" in out


def test_mistakes_are_reported_in_one_line(
    topic_vectors: Path, topics_file: Path, reviews: Path, cli: CommandLine
) -> None:
    lm, classify = ("probe", "lm", topic_vectors, "--corpus"), ("probe", "classify", topic_vectors)
    assert "--init vectors" in cli.error(*lm, topics_file, "--freeze", code=2)
    assert "--init vectors" in cli.error(*classify, "--freeze", "--init", "random", code=2)
    assert "--test needs --train" in cli.error(*classify, "--test", reviews, code=2)
    assert "use more text" in cli.error(*lm, reviews, code=1)
    assert "No such option: --dims" in cli.error(*lm, topics_file, "--dims", "3", code=2)
    assert "use --epochs instead of -epochs" in cli.error(*lm, topics_file, "-epochs", "3", code=2)
    assert "No such command 'images'" in cli.error("probe", "images", code=2)
