"""Ranking metrics: hand-computed cases, scikit-learn, ties by brute force, known pairs, sampling and intervals."""

import itertools
import math

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from word2vec import PairVectors, WordVectors, evaluate_ranking
from word2vec.errors import ConfigError
from word2vec.evaluation import ranking
from word2vec.evaluation.ranking import METRICS, metrics_of_places


def pair_vectors(scores: np.ndarray) -> PairVectors:
    """Vectors with these inner products, (inputs, targets)."""
    inputs = WordVectors([f"u{number}" for number in range(len(scores))], scores)
    return PairVectors(
        inputs, WordVectors([f"t{number}" for number in range(scores.shape[1])], np.eye(scores.shape[1]))
    )


def places(scores: np.ndarray, relevant: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    own = scores[relevant]
    above, tied = ((scores > own[:, None]).sum(1), (scores == own[:, None]).sum(1))
    return np.zeros(len(relevant), np.int64), above, tied


def by_brute_force(scores: np.ndarray, relevant: set[int], k: int) -> np.ndarray:
    """The mean of the metrics over all orders of tied targets."""
    results = []
    for order in itertools.permutations(range(len(scores))):
        gains = [float(target in relevant) for target in sorted(order, key=lambda target: -scores[target])][:k]
        best = sum(1 / math.log2(place + 2) for place in range(min(len(relevant), k)))
        results.append(
            [
                any(gains),
                sum(gains) / len(relevant),
                sum(gains) / k,
                sum(gain / math.log2(place + 2) for place, gain in enumerate(gains)) / best,
                next((1 / (place + 1) for place, gain in enumerate(gains) if gain), 0.0),
                sum(gain * sum(gains[: place + 1]) / (place + 1) for place, gain in enumerate(gains))
                / min(len(relevant), k),
            ]
        )
    return np.mean(results, axis=0)


def test_a_ranking_computed_by_hand() -> None:
    vectors = pair_vectors(np.array([[5.0, 4, 3, 2, 1], [1.0, 2, 3, 4, 5]]))
    # u0: t1 and t3 are in places 2 and 4; u1: t0 is in place 5
    result = evaluate_ranking(vectors, ["u0", "u0", "u1"], ["t1", "t3", "t0"], k=4, bootstrap=0)
    assert result.hit_rate == pytest.approx(1 / 2)
    assert result.recall == pytest.approx((2 / 2 + 0) / 2)
    assert result.precision == pytest.approx((2 / 4 + 0) / 2)
    best = 1 + 1 / math.log2(3)
    assert result.ndcg == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / best / 2)
    assert result.mrr == pytest.approx(1 / 2 / 2)
    assert result.map == pytest.approx((1 / 2 + 2 / 4) / 2 / 2)
    assert (result.inputs, result.inputs_total, result.pairs, result.pairs_total) == (2, 2, 3, 3)
    assert math.isnan(result.ci_low)


@pytest.mark.parametrize("seed", range(25))
def test_ties_give_the_expectation_over_all_orders(seed: int) -> None:
    draw = np.random.default_rng(seed)
    size = int(draw.integers(2, 7))
    scores = draw.integers(0, 3, size).astype(float)
    relevant = np.sort(draw.choice(size, draw.integers(1, size + 1), replace=False))
    k = int(draw.integers(1, size + 1))
    found = metrics_of_places(*places(scores, relevant.tolist()), 1, k)[0]
    np.testing.assert_allclose(found, by_brute_force(scores, set(relevant.tolist()), k), atol=1e-12)


@pytest.mark.parametrize("k", [1, 3, 10, 40])
@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_ndcg_is_that_of_scikit_learn(levels: int, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.vectors.pair_vectors.BLOCK_SCORES", 100)  # blocks of a few inputs
    monkeypatch.setattr(ranking, "COMPARED_AT_ONCE", 50)
    draw = np.random.default_rng(levels)
    scores = draw.integers(0, levels, (30, 25)).astype(float)
    relevance = (draw.random((30, 25)) < 0.2).astype(float)
    relevance[:, 0] = 1
    inputs, targets = np.nonzero(relevance)
    result = evaluate_ranking(
        pair_vectors(scores), [f"u{row}" for row in inputs], [f"t{row}" for row in targets], k=k, bootstrap=0
    )
    assert result.ndcg == pytest.approx(ndcg_score(relevance, scores, k=k))


def test_known_targets_are_not_ranked() -> None:
    vectors = pair_vectors(np.array([[5.0, 4, 3, 2, 1], [5.0, 4, 3, 2, 1]]))
    pairs = ["u0", "u1"], ["t2", "t2"]
    assert evaluate_ranking(vectors, *pairs, k=1, bootstrap=0).hit_rate == 0
    known = ["u0", "u0", "nobody", "u0"], ["t0", "t1", "t1", "nothing"]
    assert evaluate_ranking(vectors, *pairs, k=1, known=known, bootstrap=0).hit_rate == 1 / 2
    both = ["u0", "u1"], ["t2", "t0"]  # a held-out pair that is known is skipped
    result = evaluate_ranking(vectors, *pairs, k=1, known=both, bootstrap=0)
    assert (result.inputs, result.pairs, result.pairs_total) == (1, 1, 2)


def test_unknown_inputs_and_targets_are_skipped_and_counted() -> None:
    vectors = pair_vectors(np.eye(3))
    result = evaluate_ranking(vectors, ["u0", "u0", "u9", "u1", "u0"], ["t0", "t0", "t1", "t9", "t1"], k=1)
    assert (result.inputs, result.inputs_total, result.pairs, result.pairs_total) == (1, 3, 2, 4)
    nothing = evaluate_ranking(vectors, ["u9"], ["t1"])
    assert math.isnan(nothing.ndcg)
    assert "nothing was ranked" in nothing.note
    assert nothing.as_dict()["ndcg"] is None


def test_equal_scores_give_the_scores_of_a_random_ranking() -> None:
    vectors = pair_vectors(np.zeros((4, 50)))
    result = evaluate_ranking(vectors, ["u0", "u1", "u2"], ["t0", "t1", "t2"], k=5, bootstrap=0)
    assert result.hit_rate == pytest.approx(5 / 50)
    assert result.mrr == pytest.approx(sum(1 / place for place in range(1, 6)) / 50)


def test_sampled_metrics_rank_among_as_many_targets_as_requested() -> None:
    scores = np.tile(np.arange(100.0), (400, 1))
    held_out = [f"u{row}" for row in range(400)], ["t90"] * 400  # nine of the other 99 targets are better
    vectors = pair_vectors(scores)
    exact = evaluate_ranking(vectors, *held_out, k=1, bootstrap=0)
    sampled = evaluate_ranking(vectors, *held_out, k=1, negatives=10, bootstrap=0)
    assert exact.hit_rate == 0
    chance = math.comb(90, 10) / math.comb(99, 10)  # that none of the nine is drawn
    assert sampled.hit_rate == pytest.approx(chance, abs=4 * math.sqrt(chance * (1 - chance) / 400))
    assert sampled.negatives == 10
    assert evaluate_ranking(vectors, *held_out, k=1, negatives=1000, bootstrap=0).hit_rate == 0  # all others


def test_intervals_contain_the_mean_and_shrink_with_more_inputs() -> None:
    draw = np.random.default_rng(0)
    widths = []
    for inputs in (50, 800):
        vectors = pair_vectors(draw.normal(size=(inputs, 20)))
        names = [f"u{row}" for row in range(inputs)]
        result = evaluate_ranking(vectors, names, ["t0"] * inputs, k=5)
        for metric in METRICS:
            low, high = result.intervals[metric]
            assert low < getattr(result, metric) < high
        assert (result.ci_low, result.ci_high) == result.intervals["ndcg"]
        error = math.sqrt(result.hit_rate * (1 - result.hit_rate) / inputs)
        low, high = result.intervals["hit_rate"]
        assert high - low == pytest.approx(2 * 1.96 * error, rel=0.2)
        widths.append(high - low)
    assert widths[1] < widths[0] / 3


def test_wrong_arguments_are_rejected() -> None:
    vectors = pair_vectors(np.eye(3))
    for arguments in ({"k": 0}, {"negatives": 0}):
        with pytest.raises(ConfigError, match="at least 1"):
            evaluate_ranking(vectors, ["u0"], ["t0"], **arguments)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="got 2 inputs but 1 targets"):
        evaluate_ranking(vectors, ["u0", "u1"], ["t0"])
