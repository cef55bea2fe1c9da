"""The sections of a report on several runs."""

import html
import logging
from pathlib import Path

import numpy as np
import pytest

from tests.evaluation.test_comparison import BAD, GOOD, ONE
from word2vec.cli import run as run_command
from word2vec.errors import Word2VecError
from word2vec.evaluation.benchmarks import PairSet
from word2vec.report.comparison import compare_runs
from word2vec.vectors.word_vectors import WordVectors


def test_systems_are_compared_and_runs_of_a_system_agree() -> None:
    comparison, stability = compare_runs({"good": GOOD, "bad": BAD}, [ONE], [])
    assert comparison is not None
    assert comparison.first == "good"
    (first, second) = comparison.rows(comparison.sets[0])
    assert (first[:2], first[3]) == (("good", 3), None)
    assert second[3] == comparison.result.sets[0].differences[0]
    assert comparison.place(0) == "50.00%"
    assert comparison.place(second[3].ci_low if second[3] else 0) == "0.00%"  # the limit of the axis
    assert list(stability) == ["good", "bad"]
    assert stability["good"].bands[0].overlap > stability["bad"].bands[0].overlap


def test_runs_without_a_name_are_compared_and_their_agreement_is_that_of_all() -> None:
    comparison, stability = compare_runs({"a": GOOD[:1], "b": GOOD[1:2]}, [ONE], [])
    assert comparison is not None
    assert {name: result.runs for name, result in stability.items()} == {"all runs": 2}
    comparison, stability = compare_runs({"a": GOOD}, [ONE], [])
    assert comparison is None
    assert {name: result.runs for name, result in stability.items()} == {"a": 3}
    assert compare_runs({}, [ONE], []) == (None, {})


def test_sets_without_common_pairs_leave_the_comparison_out(caplog: pytest.LogCaptureFixture) -> None:
    foreign = PairSet("foreign", (("x", "y"), ("y", "z")), np.array([1.0, 2.0]))
    with caplog.at_level(logging.WARNING, logger="word2vec"):
        comparison, stability = compare_runs({"a": GOOD[:1], "b": GOOD[1:2]}, [foreign], [])
    assert comparison is None
    assert stability
    assert "leaves the comparison out" in caplog.text
    with pytest.raises(Word2VecError, match="a and b: the same vectors"):
        compare_runs({"a": GOOD[:1], "b": GOOD[:1]}, [ONE], [])


def test_page_of_several_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, vectors in (("one", GOOD[0]), ("two", BAD[0])):
        vectors.save(tmp_path / name, format="run")
    lines = [f"{a},{b},{float(score)!r}" for (a, b), score in zip(ONE.words, ONE.scores, strict=True)]
    Path("mine.csv").write_text("\n".join(lines))
    Path("one/config.toml").write_text('pairs = ["mine.csv"]\n')
    assert run_command(["report", "<i>=one", "two", "-o", "r.html"]) == 0
    text = Path("r.html").read_text(encoding="utf-8")
    comparison = text.split('id="comparison-title"')[1].split("</section>")[0]
    assert comparison.startswith(">Comparison with &lt;i&gt;<")
    assert "200 of 200 used" in " ".join(html.unescape(comparison).split())
    assert "not for the seeds of the runs" in comparison
    assert "p &lt; 0.0" in comparison or "p = 0.0" in comparison
    stability = text.split('id="stability-title"')[1].split("</section>")[0]
    assert "all runs: 2 runs with 60 common words" in stability


def test_runs_with_too_few_common_words_are_an_error(tmp_path: Path) -> None:
    other = WordVectors(["w1", "x"], np.eye(2))
    with pytest.raises(Word2VecError, match="all runs: the runs have fewer than two words in common"):
        compare_runs({"a": [GOOD[0]], "b": [other]}, [], [])
