"""Intervals over seeds and differences from random initialization."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from word2vec.evaluation.probes.results import ClassifierResult, LanguageModelResult, ProbeScores, mean_interval

VECTORS = ProbeScores("fine-tuned", (0.8, 0.9, 0.8), (0.85, 0.88, 0.84), (1.0, 2.0, 3.0))
RANDOM = ProbeScores("random", (0.7, 0.7, 0.7), (0.80, 0.82, 0.80), (1.0, 2.0, 3.0))


def classifier(*scores: ProbeScores) -> ClassifierResult:
    return ClassifierResult("task", "cnn", scores, ("a", "b"), 100, 20, None, 0.5, 0.9)


def test_interval_is_that_of_students_t() -> None:
    values = (0.85, 0.88, 0.84)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert mean_interval(values) == pytest.approx((np.mean(values), expected.low, expected.high))
    mean, low, high = mean_interval((0.5,))
    assert mean == 0.5
    assert math.isnan(low)
    assert math.isnan(high)


def test_differences_are_taken_seed_by_seed() -> None:
    result = classifier(VECTORS, RANDOM)
    assert result.change(VECTORS) == pytest.approx(mean_interval((0.05, 0.06, 0.04)))
    assert result.change(RANDOM) is None
    assert classifier(VECTORS).change(VECTORS) is None


def test_perplexities_are_compared_as_logarithms() -> None:
    vectors = ProbeScores("frozen", (100.0,), (80.0, 125.0), (1.0, 1.0))
    random = ProbeScores("random", (100.0,), (100.0, 125.0), (1.0, 1.0))
    result = LanguageModelResult("text", "lstm", (vectors, random), 90.0, (9, 1, 1), 5, 1.0, 0.1, {})
    assert result.mean(vectors)[0] == pytest.approx(100.0)  # the geometric mean
    change = result.change(vectors)
    assert change is not None
    assert change[0] == pytest.approx(math.sqrt(0.8) - 1)


def test_json_has_no_nan() -> None:
    single = ProbeScores("random", (), (0.5,), (1.0,))
    document = json.loads(json.dumps(classifier(single).as_dict(), allow_nan=False))
    assert document["scores"][0]["mean"] == 0.5
    assert document["scores"][0]["ci_low"] is None
    assert document["scores"][0]["change"] is None
