"""Drift: how much the neighbors of words changed between two runs, such as those of two time slices.

The measure is the local neighborhood measure of Hamilton, Leskovec and Jurafsky (2016), "Cultural shift or linguistic
drift? Comparing two computational measures of semantic change". Let N_t(w) be the k nearest neighbors of a word w in
run t, and u_1, ..., u_m the words of N_1(w) or N_2(w). The second-order vector of w in run t has its cosines with them,

    s_t(j) = cos_t(w, u_j)        drift(w) = 1 - cos(s_1, s_2).

Cosines do not change if a run is rotated, so runs need not share a space.

The interval is a percentile bootstrap over the words u_j. It tells how much the drift of a word depends on a few of its
neighbors, and not how much it would differ between trainings; for that, compare with the median of all words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import ConfigError, Word2VecError
from word2vec.evaluation.results import DriftResult, WordDrift
from word2vec.vectors.word_vectors import WordVectors

NEIGHBORS = 25  # as in the paper
RESTRICT = 20_000
SHOWN_NEIGHBORS = 5
BLOCK_CELLS = 1 << 22  # cosines computed at a time, 16 MB


def measure_drift(
    first: WordVectors,
    second: WordVectors,
    words: Sequence[str] = (),
    *,
    n: int = 20,
    neighbors: int = NEIGHBORS,
    restrict: int = RESTRICT,
    bootstrap: int = 1000,
    seed: int = 0,
) -> DriftResult:
    """Find the words whose neighbors changed most between two runs.

    The words that are compared, and that can be neighbors, are the most frequent ones of those that both runs have; the
    smaller one of a word's two counts decides. Refined runs are compared by their plain vectors.

    Args:
        first: Vectors of the first run.
        second: Vectors of the second run.
        words: Words to report in this order; by default those that drifted most.
        n: Number of words to report if none are given.
        neighbors: Number of neighbors of a word in each run, k.
        restrict: Number of words that are compared.
        bootstrap: Number of resamples for the 95 % percentile intervals.
        seed: Random seed of the resampling.

    Raises:
        UnknownWordError: A run does not have one of the words.
        Word2VecError: The runs have too few words in common.
        ConfigError: A number is below 1.
    """
    if min(n, neighbors, restrict, bootstrap) < 1:
        raise ConfigError("n, neighbors, restrict and bootstrap must be 1 or more")
    first, second = first.unrefined(), second.unrefined()
    asked = [(first.index(word), second.index(word)) for word in words]
    common = _common_rows(first, second)[:restrict]  # (C, 2)
    if len(common) < 3:
        raise Word2VecError(
            f"the runs have {len(common)} words in common, too few to compare neighbors; compare runs on similar text"
        )
    spaces = [_Space(each, common[:, run]) for run, each in enumerate((first, second))]
    k = min(neighbors, len(common) - 1)
    everything = _Comparison.of(spaces, common, k)
    drift = everything.drift()  # (C,)
    if words:
        rows = np.array(asked, np.int64)  # (N, 2)
        shown = _Comparison.of(spaces, rows, k)
    else:
        most = np.argsort(-np.nan_to_num(drift), kind="stable")[:n]
        rows, shown = common[most], everything.part(most)
    low, high = shown.intervals(bootstrap, np.random.default_rng(seed))

    def named(nearest: NDArray[np.int64]) -> list[tuple[str, ...]]:
        return [tuple(first.words[common[place, 0]] for place in row[:SHOWN_NEIGHBORS]) for row in nearest]

    before, after = (named(nearest) for nearest in shown.nearest)
    drifts = shown.drift()  # (N,)
    results = [
        WordDrift(first.words[row], float(drifts[i]), float(low[i]), float(high[i]), before[i], after[i])
        for i, row in enumerate(rows[:, 0].tolist())
    ]
    return DriftResult(results, float(np.nanmedian(drift)), len(common))


def _common_rows(first: WordVectors, second: WordVectors) -> NDArray[np.int64]:
    """Return the rows of the words that both runs have, (C, 2), most frequent first."""
    rows = second.key_to_index
    both = [(row, rows[word]) for row, word in enumerate(first.words) if word in rows]
    common = np.array(both, np.int64).reshape(-1, 2)
    if first.counts is None or second.counts is None:
        return common
    return common[np.argsort(-np.minimum(first.counts[common[:, 0]], second.counts[common[:, 1]]), kind="stable")]


class _Space:
    """The vectors of a run, and those of its words that can be neighbors."""

    def __init__(self, vectors: WordVectors, rows: NDArray[np.int64]) -> None:
        self._all, self.rows = vectors.unit, rows
        self._unit = self._all[rows]  # (C, D)

    def cosines(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the cosines of words with all words that can be neighbors, (N, C); -2 with themselves."""
        found: NDArray[np.float32] = self._all[rows] @ self._unit.T
        found[rows[:, np.newaxis] == self.rows] = -2
        return found


@dataclass(frozen=True)
class _Comparison:
    """Words with their second-order vectors in both runs.

    Attributes:
        cosines: (2, N, 2 K) cosines with the K neighbors in the first run, and with those in the second one.
        weights: (N, 2 K) 0 for a neighbor that is listed before, else 1.
        nearest: (2, N, K) places of the neighbors in each run, nearest first.
    """

    cosines: NDArray[np.float32]
    weights: NDArray[np.float32]
    nearest: NDArray[np.int64]

    @classmethod
    def of(cls, spaces: Sequence[_Space], words: NDArray[np.int64], k: int) -> "_Comparison":
        """Find the neighbors of words, given by their rows in both runs, (N, 2)."""
        size = max(1, BLOCK_CELLS // len(spaces[0].rows))
        parts = []
        for start in range(0, len(words), size):
            block = words[start : start + size]
            cosines = [space.cosines(block[:, run]) for run, space in enumerate(spaces)]  # (B, C) each
            nearest = np.stack([_top(each, k) for each in cosines])  # (2, B, K)
            union = np.concatenate(list(nearest), axis=1)  # (B, 2 K)
            listed_before = (union[:, k:, np.newaxis] == union[:, np.newaxis, :k]).any(axis=2)  # (B, K)
            weights = np.concatenate([np.ones((len(block), k), np.float32), ~listed_before], axis=1)
            both = np.stack([np.take_along_axis(each, union, axis=1) for each in cosines])  # (2, B, 2 K)
            parts.append((both, weights.astype(np.float32), nearest))
        all_cosines, all_weights, all_nearest = zip(*parts, strict=True)
        return cls(
            np.concatenate(all_cosines, axis=1), np.concatenate(all_weights), np.concatenate(all_nearest, axis=1)
        )

    def part(self, places: NDArray[np.integer]) -> "_Comparison":
        """Return some of the words."""
        return _Comparison(self.cosines[:, places], self.weights[places], self.nearest[:, places])

    def drift(self) -> NDArray[np.float64]:
        """Return the drift of each word, (N,)."""
        return _one_minus_cosine(*_products(self.cosines), self.weights[:, np.newaxis])[:, 0]

    def intervals(self, resamples: int, random: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the ends of the 95 % intervals, (N,) each, by resampling the neighbors of each word."""
        ends = []
        for word, weights in enumerate(self.weights):
            chances = weights.astype(np.float64) / weights.sum(dtype=np.float64)
            drawn = random.multinomial(int(weights.sum()), chances, size=resamples)  # (resamples, 2 K)
            values = _one_minus_cosine(*_products(self.cosines[:, word : word + 1]), drawn[np.newaxis])
            ends.append(np.percentile(values, [2.5, 97.5]))
        low, high = np.array(ends).T
        return low, high


def _products(cosines: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return s_1 s_2, s_1^2 and s_2^2 of each neighbor, (N, 2 K) each."""
    first, second = cosines.astype(np.float64)
    return first * second, first * first, second * second


def _one_minus_cosine(
    products: NDArray[np.float64],
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    weights: NDArray[np.floating] | NDArray[np.integer],
) -> NDArray[np.float64]:
    """Return one minus the cosine of second-order vectors whose elements have weights (N, R, 2 K), (N, R)."""
    dot, left, right = (np.einsum("nk,nrk->nr", each, weights) for each in (products, first, second))
    with np.errstate(invalid="ignore", divide="ignore"):  # NaN for a word that has no vector
        result: NDArray[np.float64] = 1 - dot / np.sqrt(left * right)
    return result


def _top(cosines: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Return the places of the k largest cosines of each row, largest first, (B, K)."""
    places = np.argpartition(cosines, cosines.shape[1] - k, axis=1)[:, cosines.shape[1] - k :]
    order = np.argsort(-np.take_along_axis(cosines, places, axis=1), axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1)
