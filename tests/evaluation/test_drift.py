"""Drift: words whose neighbors are known to have changed are found, and nothing else counts."""

import numpy as np
import pytest

import word2vec
from word2vec.errors import ConfigError, UnknownWordError, Word2VecError
from word2vec.evaluation import measure_drift
from word2vec.vectors.word_vectors import WordVectors

WORDS = [f"{topic}{number}" for topic in "abcdefgh" for number in range(12)]
MOVED = ["a0", "c3", "f7"]  # words that change topic


def make_run(moved: bool = False, seed: int = 0, noise: float = 0.3) -> WordVectors:
    """Eight topics of twelve words around random centers; moved words are in the topic two letters later."""
    centers = np.random.default_rng(7).normal(size=(8, 20))
    draw = np.random.default_rng(seed)
    topic = {word: "abcdefgh".index(word[0]) for word in WORDS}
    if moved:
        topic |= {word: (topic[word] + 2) % 8 for word in MOVED}
    table = np.array([centers[topic[word]] for word in WORDS]) + noise * draw.normal(size=(len(WORDS), 20))
    return WordVectors(WORDS, table, counts=range(1000, 1000 - len(WORDS), -1))


def test_the_words_that_moved_are_found() -> None:
    result = word2vec.measure_drift(make_run(), make_run(moved=True, seed=1), n=5, neighbors=10)
    assert {each.word for each in result.words[:3]} == set(MOVED)
    assert result.words[2].drift > 3 * result.words[3].drift
    assert result.median < result.words[3].drift < result.words[2].ci_low
    for each in result.words:
        assert each.ci_low <= each.drift <= each.ci_high
    first = next(each for each in result.words if each.word == "a0")
    assert {word[0] for word in first.before} == {"a"}
    assert {word[0] for word in first.after} == {"c"}
    assert result.compared == len(WORDS)


def test_the_drift_is_that_of_the_formula() -> None:
    first, second = make_run(), make_run(moved=True, seed=1)
    unit = [each.vectors / np.linalg.norm(each.vectors, axis=1, keepdims=True) for each in (first, second)]
    for word in ("a0", "b5"):
        row = WORDS.index(word)
        cosines = [np.delete(each @ each[row], row) for each in unit]
        union = sorted({place for each in cosines for place in np.argsort(-each)[:10]})
        s1, s2 = (each[union] for each in cosines)
        expected = 1 - s1 @ s2 / np.linalg.norm(s1) / np.linalg.norm(s2)
        (found,) = measure_drift(first, second, [word], neighbors=10).words
        assert found.drift == pytest.approx(expected, rel=1e-3)


def test_rotations_and_the_order_of_words_do_not_matter() -> None:
    first, second = make_run(), make_run(moved=True, seed=1)
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(20, 20))).Q
    order = np.random.default_rng(4).permutation(len(WORDS))
    assert second.counts is not None
    rotated = WordVectors(
        [WORDS[row] for row in order], 3 * second.vectors[order] @ rotation, counts=second.counts[order]
    )
    one, other = (measure_drift(first, each, n=96) for each in (second, rotated))
    drifts = [{each.word: each.drift for each in result.words} for result in (one, other)]
    assert drifts[0] == pytest.approx(drifts[1], abs=1e-5)


def test_equal_runs_do_not_drift() -> None:
    result = measure_drift(make_run(), make_run())
    assert max(each.drift for each in result.words) == pytest.approx(0, abs=1e-6)


def test_only_the_most_frequent_common_words_are_compared() -> None:
    first, second = make_run(), make_run(moved=True, seed=1)
    rare = WordVectors([*WORDS, "new"], np.concatenate([second.vectors, np.ones((1, 20))]), counts=[50] * 24 + [9] * 73)
    result = measure_drift(first, rare, restrict=24)
    assert result.compared == 24
    assert {word[0] for each in result.words for word in (each.word, *each.before, *each.after)} == {"a", "b"}
    (asked,) = measure_drift(first, rare, ["f7"], restrict=24).words  # outside of them, but asked for
    assert {word[0] for word in asked.before} <= {"a", "b"}


def test_a_word_without_a_vector_has_no_drift() -> None:
    first, second = make_run(), make_run(seed=1)
    table = np.array(second.vectors)
    table[5] = 0
    empty = WordVectors(WORDS, table, counts=second.counts)
    assert measure_drift(first, empty, ["a5"]).as_dict()["words"][0]["drift"] is None
    assert measure_drift(first, empty, n=len(WORDS)).words[-1].word == "a5"


def test_bad_arguments() -> None:
    first = make_run()
    with pytest.raises(Word2VecError, match="0 words in common"):
        measure_drift(first, WordVectors(["x", "y", "z"], np.eye(3)))
    with pytest.raises(UnknownWordError):
        measure_drift(first, first, ["zebra"])
    with pytest.raises(ConfigError, match="must be 1 or more"):
        measure_drift(first, first, neighbors=0)
