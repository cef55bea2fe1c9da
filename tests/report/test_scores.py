"""The rows of the score table."""

import logging
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from word2vec.evaluation.results import AnalogyResult, SectionResult, SimilarityResult
from word2vec.report.scores import analogy_score, read_sets, score_all, similarity_score, wilson_interval
from word2vec.vectors.word_vectors import WordVectors


def test_wilson_interval() -> None:
    # by the formula: (p + z2/2n +- z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n)
    z, n, p = 1.959964, 50, 0.3
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    assert wilson_interval(15, 50) == pytest.approx(((middle - half) / scale, (middle + half) / scale), abs=1e-6)
    low, high = wilson_interval(0, 10)
    assert low == 0
    assert 0.2 < high < 0.4
    assert np.isnan(wilson_interval(0, 0)).all()


def test_similarity_row() -> None:
    score = similarity_score(SimilarityResult("mine", 0.5, 0.4, 8, 10, ("a", "b"), 0.2, 0.7))
    assert (score.name, score.value, score.low, score.high, score.used, score.total) == ("mine", 0.5, 0.2, 0.7, 8, 10)
    assert score.note == "unknown: a, b"
    many = similarity_score(SimilarityResult("mine", 0.5, 0.4, 8, 10, tuple("abcdefg"), 0.2, 0.7))
    assert many.note == "unknown: a, b, c, d, e and others"
    computed = replace(SimilarityResult("mine", 0.5, 0.4, 8, 10, ("a",), 0.2, 0.7), from_ngrams=("b", "c"))
    assert similarity_score(computed).note == "unknown: a; vectors from n-grams: b, c"
    undefined = similarity_score(SimilarityResult("mine", math.nan, math.nan, 0, 10, ("a",), math.nan, math.nan, "few"))
    assert undefined.note == "few"


def test_analogy_row_has_its_sections() -> None:
    sections = (
        SectionResult("family", "semantic", 3, 4, 5),
        SectionResult("gram1", "syntactic", 1, 6, 6),
        SectionResult("capitals", "semantic", 0, 0, 9),
    )
    score = analogy_score(AnalogyResult("questions", sections, ()))
    assert (score.value, score.used, score.total) == (0.4, 10, 20)
    assert (score.low, score.high) == wilson_interval(4, 10)
    assert [(part.name, part.value) for part in score.parts] == [("family", 0.75), ("gram1", 1 / 6)]


def test_bundled_sets_and_those_of_the_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    words = ["king", "queen", "man", "woman", "cat"]
    vectors = WordVectors(words, np.random.default_rng(0).normal(size=(5, 4)))
    (tmp_path / "mine.csv").write_text("king,queen,9\nking,man,5\nking,cat,1\n")
    run_pairs = ["wordsim353", str(tmp_path / "mine.csv"), str(tmp_path / "mine.csv"), str(tmp_path / "gone.csv")]
    with caplog.at_level(logging.WARNING, logger="word2vec"):
        scores = score_all(vectors, *read_sets(run_pairs))
    assert [score.name for score in scores] == ["wordsim353", "simlex999", "mine", "questions-words"]
    assert [score.used for score in scores][2:] == [3, 2]
    assert "gone.csv" in caplog.text
    assert len(caplog.records) == 1
    turned = WordVectors(words, np.random.default_rng(1).normal(size=(5, 4)), plain=vectors.vectors)
    refined, plain = score_all(turned, *read_sets([str(tmp_path / "mine.csv")]))[2:], scores[2:]
    assert [each.note for each in refined if each.value == each.value] == [
        "; ".join(filter(None, [old.note, f"plain vectors: {old.value:.3f}"]))
        for old in plain
        if old.value == old.value
    ]
