"""Better than the default, or lucky."""

import math

import pytest
from scipy.stats import ttest_ind

from word2vec.training.tuning.comparison import compare

DEFAULT, BEST = [0.60, 0.62, 0.61], [0.65, 0.64, 0.66]


def test_the_decision_is_that_of_a_t_test() -> None:
    for shift in (0.0, -0.01, -0.02, -0.03, -0.04):
        best = [score + shift for score in BEST]
        found = compare(DEFAULT, best)
        assert found.better == (ttest_ind(best, DEFAULT).pvalue < 0.05 and found.advantage > 0)
    assert compare(DEFAULT, BEST).advantage == pytest.approx(0.04)
    assert compare(DEFAULT, BEST).noise == pytest.approx(0.02267, abs=1e-5)
    assert not compare(BEST, DEFAULT).better


def test_too_few_scores_decide_nothing() -> None:
    for found in (compare([], []), compare([0.1], [0.9]), compare([0.1, 0.2, 0.1], [None])):
        assert not found.better
        assert found.noise == math.inf
        assert found.as_dict()["noise"] is None
    assert compare([0.1, None, 0.1], [0.9, 0.8]).default == (0.1, 0.1)
