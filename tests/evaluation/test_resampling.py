"""Resamples by weights, compared with explicit resamples."""

import numpy as np
import pytest
from scipy import stats

from word2vec.evaluation import resampling
from word2vec.evaluation.resampling import Question, resampled_accuracy, resampled_spearman


def drawn(seed: int, resamples: int, size: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(size, size=(resamples, size))


@pytest.mark.parametrize("ties", [False, True])
def test_ranks_are_those_of_each_resample(ties: bool) -> None:
    rng = np.random.default_rng(1)
    scores, values = rng.normal(size=30), rng.normal(size=(2, 30))
    if ties:
        scores, values[1] = np.round(scores), np.round(values[1])
    found = resampled_spearman(values, scores, 25, np.random.default_rng(7))
    expected = [
        [stats.spearmanr(system[chosen], scores[chosen]).statistic for system in values] for chosen in drawn(7, 25, 30)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_constant_resamples_are_nan() -> None:
    found = resampled_spearman(np.array([[1.0, 2.0]]), np.array([1.0, 2.0]), 50, np.random.default_rng(0))[:, 0]
    same = np.array([len(set(chosen)) == 1 for chosen in drawn(0, 50, 2)])
    assert same.any()
    np.testing.assert_array_equal(np.isnan(found), same)
    np.testing.assert_allclose(found[~same], 1)


def test_blocks_do_not_change_the_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    scores, values = rng.normal(size=20), rng.normal(size=(2, 20))
    questions: list[Question] = [("a", "b", f"c{i}", f"d{i}") for i in range(20)]
    outcomes = rng.random((2, 20)) < 0.5

    def both() -> list[np.ndarray]:
        return [
            resampled_spearman(values, scores, 30, np.random.default_rng(2)),
            resampled_accuracy(outcomes, [questions], 30, np.random.default_rng(2)),
        ]

    whole = both()
    monkeypatch.setattr(resampling, "BLOCK_CELLS", 20 * 7)
    for one, other in zip(whole, both(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_questions_are_drawn_by_their_word_pairs() -> None:
    # both questions of the first section share their word pairs, (1, 2) and (3, 4); the others stand alone
    sections: list[list[Question]] = [
        [("1", "2", "3", "4"), ("3", "4", "1", "2")],
        [],
        [("5", "6", "7", "8"), ("9", "10", "11", "12")],
    ]
    outcomes = np.array([[True, False, True, False], [True, True, True, True]])
    found = resampled_accuracy(outcomes, sections, 200, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    pairs, alone = rng.integers(2, size=(200, 2)), rng.integers(2, size=(200, 2))
    shared = (pairs == 0).sum(axis=1) * (pairs == 1).sum(axis=1)  # both are needed for a question
    correct = shared + (alone == 0).sum(axis=1)
    np.testing.assert_allclose(found[:, 0], correct / (2 * shared + 2))
    np.testing.assert_allclose(found[:, 1], 1)


def test_a_word_pair_of_all_questions_is_one_cluster() -> None:
    questions: list[Question] = [(f"a{i // 4}", f"b{i // 4}", f"c{i}", f"d{i}") for i in range(40)]
    outcomes = np.array([[i // 4 < 5 for i in range(40)]])  # the answer depends on the first pair only
    found = resampled_accuracy(outcomes, [questions], 2000, np.random.default_rng(0))[:, 0]
    assert found.std() == pytest.approx((0.25 / 10) ** 0.5, rel=0.05)  # of 10 clusters, not of 40 questions
