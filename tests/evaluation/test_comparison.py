"""Comparison of systems on common items: scores, differences, correction, and what is refused."""

import json
import logging
import math
from dataclasses import replace

import numpy as np
import pytest

from word2vec.errors import ConfigError, Word2VecError
from word2vec.evaluation.analogies import evaluate_analogies
from word2vec.evaluation.benchmarks import PairSet, QuestionSet, Section
from word2vec.evaluation.comparison import compare
from word2vec.evaluation.differences import holm
from word2vec.evaluation.similarity import evaluate_similarity
from word2vec.vectors.word_vectors import WordVectors

WORDS = [f"w{i}" for i in range(60)]
TRUTH = np.random.default_rng(0).normal(size=(60, 10))


def run(noise: float, seed: int, without: str = "") -> WordVectors:
    """Vectors that differ from the true ones by noise; one word may be missing."""
    table = TRUTH + noise * np.random.default_rng(seed).normal(size=TRUTH.shape)
    kept = [row for row, word in enumerate(WORDS) if word != without]
    return WordVectors([WORDS[row] for row in kept], table[kept])


def pair_set(name: str, seed: int) -> PairSet:
    unit = TRUTH / np.linalg.norm(TRUTH, axis=1, keepdims=True)
    index = np.random.default_rng(seed).integers(60, size=(200, 2))
    words = tuple((WORDS[a], WORDS[b]) for a, b in index)
    return PairSet(name, words, np.einsum("pd,pd->p", unit[index[:, 0]], unit[index[:, 1]]))


def question_set() -> QuestionSet:
    """Questions whose answers are those of the true vectors."""
    truth = WordVectors(WORDS, TRUTH)
    asked = np.random.default_rng(5).permutation(60)[:16].reshape(8, 2)
    questions = [(WORDS[a], WORDS[b], WORDS[c]) for a, b in asked for c, _ in asked if c != a]
    answered = tuple((a, b, c, truth.analogy(a, b, c, n=1)[0][0]) for a, b, c in questions)
    return QuestionSet("questions", (Section("one", answered[:30]), Section("two", answered[30:])))


ONE, TWO, QUESTIONS = pair_set("one", 1), pair_set("two", 2), question_set()
GOOD, BAD = [run(0.3, seed) for seed in (1, 2, 3)], [run(1.0, seed) for seed in (4, 5, 6)]


def test_scores_are_those_of_evaluate() -> None:
    result = compare({"good": GOOD[0], "bad": BAD[0]}, [ONE], [QUESTIONS], resamples=200)
    similarity, analogies = result.sets
    for system, vectors in (("good", GOOD[0]), ("bad", BAD[0])):
        assert similarity.score(system) == pytest.approx(evaluate_similarity(vectors, ONE, bootstrap=0).spearman)
        assert analogies.score(system) == pytest.approx(evaluate_analogies(vectors, QUESTIONS).accuracy)
    assert (similarity.measure, analogies.measure) == ("Spearman", "accuracy")
    for each in result.sets:
        (difference,) = each.differences
        assert difference.system == "bad"
        assert difference.value == pytest.approx(each.score("bad") - each.score("good"))
        assert difference.ci_low < difference.value < difference.ci_high < 0
        assert difference.p_value == pytest.approx(2 / 201)
    assert result.mean is not None
    assert result.mean.differences[0].value == pytest.approx(np.mean([e.differences[0].value for e in result.sets]))
    assert not result.seeds


def test_all_systems_are_scored_on_the_items_that_all_have() -> None:
    word = QUESTIONS.sections[0].questions[0][0]
    missing = run(1.0, 4, without=word)
    result = compare({"good": GOOD[0], "missing": missing, "bad": BAD[1]}, [ONE], [QUESTIONS], resamples=20)
    known = [pair for pair in ONE.words if word not in pair]
    common = replace(ONE, words=tuple(known), scores=ONE.scores[[word not in pair for pair in ONE.words]])
    pairs, questions = result.sets
    assert (pairs.used, pairs.total, pairs.dropped) == (len(known), 200, 200 - len(known))
    assert 0 < pairs.dropped < 50
    assert pairs.score("good") == pytest.approx(evaluate_similarity(GOOD[0], common, bootstrap=0).spearman)
    assert 0 < questions.dropped < questions.total
    assert [difference.system for difference in pairs.differences] == ["missing", "bad"]


def test_groups_of_seeds() -> None:
    result = compare({"good": GOOD, "bad": BAD}, [ONE, TWO], resamples=300)
    assert result.seeds
    assert all(each.differences[0].p_value < 0.001 for each in result.sets)
    assert result.sets[0].scores["good"] == pytest.approx(
        [evaluate_similarity(vectors, ONE, bootstrap=0).spearman for vectors in GOOD]
    )
    same = compare({"some": BAD[:2], "others": [BAD[2], run(1.0, 7)]}, [ONE, TWO], resamples=300)
    assert all(each.differences[0].p_value > 0.05 for each in same.sets)


def test_p_values_are_corrected_over_all_sets() -> None:
    systems = {"first": BAD[0], "second": BAD[1], "third": BAD[2]}
    result = compare(systems, [ONE, TWO], resamples=300)
    found = [difference for each in result.sets for difference in each.differences]
    assert len(found) == 4
    assert [each.p_holm for each in found] == pytest.approx(holm([each.p_value for each in found]))
    assert result.mean is not None
    mean = result.mean.differences
    assert [each.p_holm for each in mean] == pytest.approx(holm([each.p_value for each in mean]))


def test_results_are_reproducible_and_convert() -> None:
    systems = {"good": GOOD[0], "bad": BAD[0]}
    result = compare(systems, [ONE], resamples=100)
    assert result == compare(systems, [ONE], resamples=100)
    assert result != compare(systems, [ONE], resamples=100, seed=1)
    document = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert document["mean"] is None
    assert document["sets"][0]["scores"]["good"]["runs"] == [result.sets[0].score("good")]
    frame = result.to_frame()
    assert list(frame["system"]) == ["good", "bad"]
    assert math.isnan(frame["difference"][0])
    assert frame["p_value"][1] == result.sets[0].differences[0].p_value


@pytest.mark.parametrize(
    ("systems", "message"),
    [
        ({"a": GOOD[0]}, "two systems or more, got 1"),
        ({"a": GOOD[0], "b": []}, "b: has no runs"),
        ({"a": GOOD[0], "b": GOOD[0]}, "a and b: the same vectors; pass each run once"),
        ({"a": GOOD, "b": WordVectors(GOOD[1].words, GOOD[1].vectors)}, "run 2 of a and b: the same vectors"),
        ({"a": GOOD[0], "b": WordVectors(["x", "y"], np.eye(2))}, "no words in common"),
        ({"a": GOOD[0], "b": WordVectors(WORDS[:2], np.eye(2))}, "one: too few usable pairs"),
        ({"a": GOOD[0], "b": WordVectors(WORDS, np.zeros((60, 2)))}, "one: all cosines are equal"),
    ],
)
def test_systems_that_cannot_be_compared(systems: dict[str, WordVectors | list[WordVectors]], message: str) -> None:
    with pytest.raises(Word2VecError, match=message):
        compare(systems, [ONE])


def test_sets_without_common_items(caplog: pytest.LogCaptureFixture) -> None:
    systems = {"good": GOOD[0], "bad": BAD[0]}
    foreign = PairSet("foreign", (("x", "y"), ("y", "z")), np.array([1.0, 2.0]))
    unanswerable = QuestionSet("unanswerable", (Section("s", (("x", "y", "z", "w"),)),))
    with pytest.raises(Word2VecError, match="unanswerable: no question has all its words in every run"):
        compare(systems, [ONE], [unanswerable])
    with caplog.at_level(logging.WARNING, logger="word2vec"):
        result = compare(systems, [foreign, ONE], [unanswerable], resamples=10, skip_unusable=True)
    assert [each.name for each in result.sets] == ["one"]
    assert len(caplog.records) == 2
    with pytest.raises(Word2VecError, match="no test set has enough pairs"):
        compare(systems, [foreign], skip_unusable=True)
    with pytest.raises(ConfigError, match="restrict must be 1 or more"):
        compare(systems, analogies=[QUESTIONS], restrict=0, skip_unusable=True)
    with pytest.raises(ConfigError, match="resamples must be 1 or more"):
        compare(systems, [ONE], resamples=0)


def test_few_pairs_are_noted() -> None:
    few = PairSet("few", ONE.words[:9], ONE.scores[:9])
    (found,) = compare({"good": GOOD[0], "bad": BAD[0]}, [few], resamples=50).sets
    assert found.note == "only 9 usable pairs: the p-values are unreliable"
