"""The content of a report, for complete and for damaged run folders."""

import logging
from pathlib import Path

import numpy as np
import pytest

from tests.report.test_history import TWO_EPOCHS, line
from word2vec.report.content import collect, duration, examples, facts, read_settings, short_number, summarize
from word2vec.report.history import read_history
from word2vec.report.wordmap import map_words
from word2vec.vectors.word_vectors import WordVectors

WORDS = ["king", "man", "woman", "music", "paris", "zzz"]


def some_vectors(words: list[str]) -> WordVectors:
    rows = np.random.default_rng(0).normal(size=(len(words), 5))
    return WordVectors(words, rows, counts=[100 - i for i in range(len(words))])


def test_facts_of_a_complete_run(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text("\n".join(TWO_EPOCHS) + "\n")
    history = read_history(tmp_path / "metrics.jsonl")
    found = dict(facts(some_vectors(WORDS), history, {"epochs": 2}))
    assert found == {
        "vocabulary words": "6",
        "dimensions": "5",
        "corpus words": "1 k",
        "corpus coverage": "58.5%",
        "epochs": "2",
        "training time": "8.0 s",
        "words per second": "250",
        "training loss": "2.000",
    }


@pytest.mark.parametrize(("settings", "shown"), [({}, "1.700"), ({"patience": 2}, "1.500")])
def test_the_validation_loss_is_that_of_the_vectors(settings: dict[str, int], shown: str, tmp_path: Path) -> None:
    lines = [
        line(epoch, 990 * epoch, epoch, 2.0, "epoch", validation_loss=loss, held_out_words=10)
        for epoch, loss in ((1, 1.8), (2, 1.5), (3, 1.7))
    ]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    history = read_history(tmp_path / "metrics.jsonl")
    assert history is not None
    assert history.corpus_words == 1000
    found = facts(some_vectors(WORDS), history, settings)
    assert dict(found)["validation loss"] == shown
    names = [name for name, _ in found]
    assert names.index("validation loss") < names.index("training loss")


def test_coverage_is_omitted_if_the_log_does_not_match(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text("\n".join(TWO_EPOCHS) + "\n")
    vectors = WordVectors(["a"], [[1.0]], counts=[1001])  # more than the log's 1,000 words in an epoch
    assert "corpus coverage" not in dict(facts(vectors, read_history(tmp_path / "metrics.jsonl"), {}))


@pytest.mark.parametrize(("kept", "planned"), [(3, 2), (2, 5), (4, 5)])
def test_a_stopped_run_is_labeled(kept: int, planned: int, tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text("\n".join(TWO_EPOCHS[:kept]) + "\n")
    history = read_history(tmp_path / "metrics.jsonl")
    found = dict(facts(some_vectors(WORDS), history, {"epochs": planned}))
    assert found["epochs"] == f"{kept // 2} of {planned}, stopped early"


def test_vectors_alone(tmp_path: Path) -> None:
    vectors = WordVectors(WORDS, np.eye(6))
    vectors.save(tmp_path / "v.txt")
    content = collect(vectors, tmp_path / "v.txt")
    assert (content.title, content.summary) == ("v.txt", "Word vectors")
    assert (content.history, content.settings) == (None, [])
    assert dict(content.facts) == {"vocabulary words": "6", "dimensions": "6"}


@pytest.mark.parametrize("damage", [b"\xff\xfe", b"corpus = [", b"a = 1\na = 2\n"])
def test_unreadable_settings_are_left_out(damage: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "config.toml").write_bytes(damage)
    with caplog.at_level(logging.WARNING, logger="word2vec"):
        assert read_settings(tmp_path / "config.toml") == {}
    assert "config.toml: " in caplog.text
    assert "leaves the settings out" in caplog.text


def test_unusual_settings_are_shown(tmp_path: Path) -> None:
    text = 'corpus = "no list"\npairs = [1, 2]\nepochs = "x"\nunknown = "<b>"\nflag = true\nwhen = 2020-01-01\n'
    (tmp_path / "config.toml").write_text(text)
    content = collect(some_vectors(WORDS), tmp_path)
    shown = {name: value for name, value, _ in content.settings}
    expected = {"corpus": "no list", "pairs": "1, 2", "epochs": "x", "unknown": "<b>", "flag": "yes"}
    assert shown == expected | {"when": "2020-01-01"}
    assert content.summary == "Word vectors"
    assert {name: text for name, _, text in content.settings}["unknown"] == ""


def test_invalid_lines_of_the_log_are_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "metrics.jsonl").write_text(TWO_EPOCHS[0] + "\n{\n")
    with caplog.at_level(logging.WARNING, logger="word2vec"):
        collect(some_vectors(WORDS), tmp_path)
    assert "metrics.jsonl: 1 invalid lines" in caplog.text


def test_the_summary_names_the_corpus() -> None:
    assert summarize({"corpus": ["/a/b/text8"], "objective": "warp"}) == "Word vectors trained on text8 with warp"
    many = summarize({"corpus": ["-", "a.txt", "b/", "c", "d"]})
    assert many.startswith("Word vectors trained on standard input, a.txt, b and 2 more with")


def test_examples_are_in_the_vocabulary() -> None:
    vectors = some_vectors(WORDS)
    assert examples(WORDS, map_words(vectors)) == ["king", "paris", "music", "king - man + woman"]
    others = some_vectors(["x", "y", "king"])
    assert examples(others.words, map_words(others))[0] == "king"
    one = some_vectors(["x"])
    assert examples(one.words, map_words(one)) == ["x"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.44, "9.4 s"), (9.6, "10 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (3599, "59 min 59 s"),
     (7380, "2 h 3 min")],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (7, "7"), (250.4, "250"), (999.6, "1 k"), (1000, "1 k"), (1234, "1.23 k"), (999_400, "999 k"),
     (999_600, "1 M"), (16_940_117, "16.9 M"), (2.5e12, "2,500 G")],
)  # fmt: skip
def test_short_numbers(value: float, text: str) -> None:
    assert short_number(value) == text
