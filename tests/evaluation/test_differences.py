"""Intervals and p-values: known cases, Holm's correction, and rates under the null hypothesis."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from word2vec.evaluation.differences import Difference, estimate, holm
from word2vec.evaluation.resampling import resampled_spearman
from word2vec.evaluation.similarity import rank_correlation


def test_single_runs_have_percentiles() -> None:
    drawn = np.linspace(-0.1, 0.9, 1001)[:, np.newaxis]
    value, low, high, p_value = estimate([np.array([0.2]), np.array([0.6])], [np.zeros((1001, 1)), drawn])
    assert (value, low, high) == pytest.approx((0.4, -0.075, 0.875))
    assert p_value == pytest.approx(2 * (1 + 101) / 1002)  # 101 of the resamples are at most 0
    mirrored = estimate([np.array([0.6]), np.array([0.2])], [drawn, np.zeros((1001, 1))])
    assert mirrored == pytest.approx((-0.4, -0.875, 0.075, p_value))


def test_equal_runs_and_the_smallest_p_value() -> None:
    zero = np.zeros((99, 1))
    assert estimate([np.array([0.5])] * 2, [zero, zero]) == (0, 0, 0, 1)
    assert estimate([np.array([0.5]), np.array([0.6])], [zero, zero + 0.1])[3] == pytest.approx(2 / 100)
    assert np.isnan(estimate([np.array([0.5])] * 2, [zero * np.nan, zero])[3])


@pytest.mark.parametrize("sizes", [(3, 3), (4, 2), (1, 3)])
def test_without_noise_of_items_it_is_the_t_test(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    scores = [rng.normal(size=size) for size in sizes]
    value, low, high, p_value = estimate(scores, [np.tile(each, (50, 1)) for each in scores])
    if 1 not in sizes:
        expected = stats.ttest_ind(scores[1], scores[0])
        interval = expected.confidence_interval()
        assert (p_value, low, high) == pytest.approx((expected.pvalue, interval.low, interval.high))
    assert value == pytest.approx(scores[1].mean() - scores[0].mean())
    assert 0 < p_value < 1


def test_equal_seeds_leave_the_noise_of_items() -> None:
    rng = np.random.default_rng(0)
    scores = [np.full(3, 0.5), np.full(3, 0.6)]
    drawn = [np.repeat(0.1 * rng.normal(size=(4000, 1)), 3, axis=1) for _ in range(2)]
    _, low, high, p_value = estimate(scores, drawn)
    assert high - low == pytest.approx(2 * 1.96 * 0.1 * 2**0.5, rel=0.05)
    assert p_value == pytest.approx(2 * stats.norm.sf(0.1 / (0.1 * 2**0.5)), rel=0.05)


def test_joint_noise_of_seeds_and_items_counts_once() -> None:
    rng = np.random.default_rng(0)
    scores = [0.1 * rng.normal(size=3) for _ in range(2)]
    drawn = [0.1 * rng.normal(size=(4000, 3)) for _ in range(2)]  # what the runs of a system share has no noise
    _, low, high, p_value = estimate(scores, drawn)
    expected = stats.ttest_ind(scores[1], scores[0])
    interval = expected.confidence_interval()
    assert high - low == pytest.approx(interval.high - interval.low, rel=0.05)
    assert p_value == pytest.approx(expected.pvalue, rel=0.1)


def test_holm_leaves_undefined_p_values_out() -> None:
    assert holm([0.01, math.nan, 0.04]) == [0.02, pytest.approx(math.nan, nan_ok=True), 0.04]


def test_holm() -> None:
    # m p, then (m - 1) p, and so on, never decreasing and never above 1
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]) == [1, 1]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


def test_undefined_figures_are_none_in_json() -> None:
    found = Difference("x", 0.1, np.nan, np.nan, np.nan, np.nan).as_dict()
    assert found == {"system": "x", "value": 0.1, "ci_low": None, "ci_high": None, "p_value": None, "p_holm": None}


def null_p_values(runs: int, of_run: float, quality: float, simulations: int = 120) -> NDArray[np.float64]:
    """P-values of equal systems; evaluation/calibration.py has more cases, and far more simulations."""
    found = []
    for number in range(simulations):
        rng = np.random.default_rng([runs, number])
        scores = rng.normal(size=80)
        multiple = 1 + quality * rng.normal(size=(2, runs, 1))
        noise = 0.5 * rng.normal(size=(2, 1, 80)) + of_run * rng.normal(size=(2, runs, 80))
        cosines = (multiple * scores + noise).reshape(2 * runs, 80)
        drawn = np.split(resampled_spearman(cosines, scores, 200, rng), 2, axis=1)
        whole = np.split(rank_correlation(cosines, np.tile(scores, (2 * runs, 1))), 2)
        found.append(estimate(whole, drawn)[3])
    return np.array(found)


@pytest.mark.parametrize(("runs", "of_run", "quality"), [(1, 0.5, 0.0), (3, 0.7, 0.0), (3, 0.2, 0.3)])
def test_p_values_of_equal_systems_are_uniform(runs: int, of_run: float, quality: float) -> None:
    p_values = null_p_values(runs, of_run, quality)
    for level in (0.05, 0.2, 0.5):
        expected, spread = 120 * level, (120 * level * (1 - level)) ** 0.5
        assert abs((p_values < level).sum() - expected) < 2.6 * spread
