r"""The difference of two systems on the same test set: its interval and its p-value.

A system is one run, or several runs that differ in their seeds. Two systems of one run each are compared by the paired
bootstrap over the items of the test set: the interval consists of percentiles, and the p-value is twice the fraction of
resamples on the other side of zero (Efron and Tibshirani 1993, "An introduction to the bootstrap"). It applies to these
two runs, not to other seeds.

With several runs, the items and the seeds are both random samples, as cases and readers are in the comparison of two
diagnostic methods. With the mean score of each system over its runs, \bar\theta_g, S_g runs, and errors over items
with the covariances that the bootstrap gives,

    d = \bar\theta_1 - \bar\theta_0,    var(d) = h MS + max(0, V - h MS*),    h = 1/S_0 + 1/S_1,

where MS is the mean square of the runs around the mean of their system, V the variance of d over resamples of the items
with the runs fixed, and MS* the mean square that resampling items alone gives the runs. What items and seeds cause
together is in both MS and V, so it is subtracted once. d is referred to Student's t with
var(d)^2 / ((h MS)^2 / (S_0 + S_1 - 2)) degrees of freedom (Obuchowski and Rockette 1995, "Hypothesis testing of
diagnostic accuracy for multiple readers and multiple tests"; Hillis 2007, "A comparison of denominator degrees of
freedom methods for multiple observer ROC analysis", and 2014, "A marginal-mean ANOVA approach for analyzing multireader
multicase radiological imaging data", for readers nested in methods). One of the systems may have a single run, whose
variance between seeds is then taken to be that of the other.

A bootstrap that resamples seeds and items at once counts their joint effect several times, and underestimates the
variance between three seeds by a third (Owen 2007, "The pigeonhole bootstrap"); docs/comparing.md has a simulation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from word2vec.evaluation.results import json_value

LEVEL = 0.95


@dataclass(frozen=True)
class Difference:
    """The score of a system minus that of the first system; NaN if undefined."""

    system: str
    value: float
    ci_low: float
    """Lower end of the 95 % interval."""
    ci_high: float
    """Upper end of that interval."""
    p_value: float
    """Probability of such a difference, in either direction, between systems of equal quality."""
    p_holm: float
    """The p-value after Holm's correction."""

    def as_dict(self) -> dict[str, Any]:
        """Return the difference as a dictionary for JSON, in which NaN becomes None."""
        keys = ("system", "value", "ci_low", "ci_high", "p_value", "p_holm")
        return {key: json_value(getattr(self, key)) for key in keys}


def estimate(
    scores: Sequence[NDArray[np.float64]], resampled: Sequence[NDArray[np.float64]]
) -> tuple[float, float, float, float]:
    """Return a difference, the ends of its 95 % interval, and its p-value.

    Args:
        scores: The scores of the runs of the first system, (S_0,), and of the other one, (S_1,).
        resampled: Their scores on the same resamples of the items, (B, S_0) and (B, S_1).
    """
    value = float(scores[1].mean() - scores[0].mean())
    usable = np.isfinite(np.concatenate(resampled, axis=1)).all(axis=1)  # a tiny set has constant resamples
    first, other = (each[usable] for each in resampled)
    if len(first) == 0:
        return value, np.nan, np.nan, np.nan
    drawn = other.mean(axis=1) - first.mean(axis=1)  # (B,)
    if len(scores[0]) == len(scores[1]) == 1:
        return value, *_percentiles(drawn)
    return value, *_student(value, scores, [first, other], drawn)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values after Holm's correction (1979, "A simple sequentially rejective multiple test procedure").

    The smallest of m p-values is multiplied by m, the next one by m - 1, and so on; none may be below its predecessor.
    Undefined ones, NaN, are not counted and stay NaN.
    """
    corrected, highest = list(p_values), 0.0
    defined = [number for number in np.argsort(p_values, kind="stable").tolist() if not np.isnan(p_values[number])]
    for place, number in enumerate(defined):
        highest = max(highest, min(1.0, (len(defined) - place) * p_values[number]))
        corrected[number] = highest
    return corrected


def _percentiles(drawn: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the interval and the p-value of the differences on resamples, (B,)."""
    low, high = np.percentile(drawn, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    # the difference itself is counted as one more resample, so that the p-value is never 0
    tail = (1 + min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))) / (1 + len(drawn))
    return float(low), float(high), float(min(1.0, 2 * tail))


def _student(
    value: float,
    scores: Sequence[NDArray[np.float64]],
    resampled: Sequence[NDArray[np.float64]],
    drawn: NDArray[np.float64],
) -> tuple[float, float, float]:
    """Return the interval and the p-value by Student's t, see above."""
    from scipy.stats import t

    sizes = [len(each) for each in scores]
    factor, runs = sum(1 / size for size in sizes), sum(sizes) - 2
    seeds = factor * float(_mean_square(scores))
    joint = factor * float(_mean_square([each - each.mean(axis=0) for each in resampled]).mean())
    variance = seeds + max(0.0, float(drawn.var()) - joint)
    if variance == 0:
        return (0.0, 0.0, 1.0) if value == 0 else (np.nan, np.nan, np.nan)
    freedom = variance**2 / (seeds**2 / runs) if seeds > 0 else np.inf
    half = float(t.ppf((1 + LEVEL) / 2, freedom)) * variance**0.5
    return value - half, value + half, float(2 * t.sf(abs(value) / variance**0.5, freedom))


def _mean_square(groups: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the mean square around the mean of each group, along the last axis."""
    squares = [((each - each.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1) for each in groups]
    mean: NDArray[np.float64] = (squares[0] + squares[1]) / (sum(each.shape[-1] for each in groups) - 2)
    return mean
