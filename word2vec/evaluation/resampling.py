"""Bootstrap resamples of a test set, on each of which several systems are scored.

Drawing P pairs with replacement from P is the same as giving each pair a weight, the number of times that it is drawn.
With weights, the ranks that Spearman's correlation needs follow from one sort of the original values: the rank of a
value in the resample is the sum of the weights of smaller values, plus the middle of the places of the values equal to
it. Each resample therefore gets its own ranks, but none is sorted.

Analogy questions are not independent: in a section, each word pair is combined with many others, and one inaccurate
vector affects all questions of its pair. So the word pairs of a section are drawn, and the weight of a question is the
product of the weights of its two pairs (Snijders and Borgatti 1999, "Non-parametric standard errors and tests for
network statistics"; Owen 2007, "The pigeonhole bootstrap"). A word pair that occurs in only one question does not
connect it with others: such a question is drawn by its other pair, or by itself.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

BLOCK_CELLS = 2**17  # numbers in each of the largest arrays, 1 MB in float64, which fit the cache of a processor core

Question = tuple[str, str, str, str]


def resampled_spearman(
    values: NDArray[np.float64], scores: NDArray[np.float64], resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return Spearman's correlation of each system with the scores, on bootstrap resamples of the pairs.

    Args:
        values: (R, P) cosines of P pairs in R systems.
        scores: (P,) human scores.
        resamples: B, the number of resamples, which are the same for all systems.
        rng: The source of random numbers.

    Returns:
        (B, R) correlations; NaN where one side is constant in the resample.
    """
    places = [_tie_groups(each) for each in (scores, *values)]
    found = [np.empty((0, len(values)))]
    for rows in _blocks(resamples, len(scores)):
        weights = np.ascontiguousarray(_draw(rng, rows, len(scores)).T)  # (P, b): rows are gathered fast
        human, *ranks = (_centered_ranks(weights, *place) for place in places)  # (P, b) each
        weighted = weights * human
        spread = np.einsum("pb,pb->b", weighted, human)  # (b,)
        with np.errstate(invalid="ignore"):  # 0 / 0 is the intended NaN
            columns = [
                np.einsum("pb,pb->b", weighted, each) / np.sqrt(spread * np.einsum("pb,pb->b", weights * each, each))
                for each in ranks
            ]
        found.append(np.stack(columns, axis=1))
    return np.concatenate(found)


def resampled_accuracy(
    outcomes: NDArray[np.bool_],
    sections: Sequence[Sequence[Question]],
    resamples: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the accuracy of each system on bootstrap resamples of the word pairs of analogy questions.

    Args:
        outcomes: (R, Q) whether each of R systems answered each of Q questions correctly.
        sections: The questions by section, Q together.
        resamples: B, the number of resamples, which are the same for all systems.
        rng: The source of random numbers.

    Returns:
        (B, R) accuracies; NaN where a resample has no question.
    """
    correct, total = np.zeros((resamples, len(outcomes))), np.zeros((resamples, 1))
    start = 0
    for questions in filter(None, sections):
        first, second, units = _drawn_units(questions)
        answered = outcomes[:, start : start + len(questions)].T.astype(np.float64)  # (q, R)
        start += len(questions)
        done = 0
        for rows in _blocks(resamples, len(questions)):
            drawn = np.ones((rows, units + 1))  # the last unit, -1, is always drawn once
            drawn[:, :units] = _draw(rng, rows, units)
            weights = drawn[:, first] * drawn[:, second]  # (b, q)
            correct[done : done + rows] += weights @ answered
            total[done : done + rows] += weights.sum(axis=1, keepdims=True)
            done += rows
    with np.errstate(invalid="ignore"):
        accuracy: NDArray[np.float64] = correct / total
    return accuracy


def _blocks(resamples: int, size: int) -> Iterator[int]:
    """Yield how many resamples of `size` items to compute at a time."""
    rows = max(1, BLOCK_CELLS // size)
    for start in range(0, resamples, rows):
        yield min(rows, resamples - start)


def _draw(rng: np.random.Generator, rows: int, size: int) -> NDArray[np.float64]:
    """Return how often each of `size` items is drawn in each of `rows` resamples of that size, (rows, size)."""
    chosen = rng.integers(size, size=(rows, size))
    chosen += np.arange(rows)[:, None] * size
    return np.bincount(chosen.ravel(), minlength=rows * size).reshape(rows, size).astype(np.float64)


def _tie_groups(values: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return the order of values (P,), the last place of each distinct value (G,), and the value of each item (P,)."""
    order = np.argsort(values, kind="stable")
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    return order, np.cumsum(sizes) - 1, group


def _centered_ranks(
    weights: NDArray[np.float64], order: NDArray[np.intp], last: NDArray[np.intp], group: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the ranks of items in weighted resamples, (P, b), minus the mean rank; ties share their mean rank."""
    upper = np.cumsum(weights[order], axis=0)[last]  # (G, b), places up to and including each value
    middle = upper.copy()
    middle[1:] += upper[:-1]
    middle -= upper[-1]
    middle /= 2
    return middle[group]


def _drawn_units(questions: Sequence[Question]) -> tuple[list[int], list[int], int]:
    """Return the two units that the weight of each question comes from, -1 for none, and the number of units."""
    occurrences = Counter(pair for a, b, c, d in questions for pair in {(a, b), (c, d)})
    ids: dict[object, int] = {}
    found: list[list[int]] = [[], []]
    for number, (a, b, c, d) in enumerate(questions):
        shared = [pair for pair in dict.fromkeys([(a, b), (c, d)]) if occurrences[pair] > 1]
        keys: Sequence[object] = shared or [number]
        units = [ids.setdefault(key, len(ids)) for key in keys]
        for side in (0, 1):
            found[side].append(units[side] if side < len(units) else -1)
    return found[0], found[1], len(ids)
