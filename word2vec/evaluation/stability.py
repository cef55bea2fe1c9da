"""Stability: how far runs that differ only in their seeds agree on the nearest neighbors of words.

The stability of a word in two runs is the fraction of its ten nearest neighbors that both have (Wendlandt, Kummerfeld
and Mihalcea 2018, "Factors influencing the surprising instability of word embeddings"); with more runs, it is the mean
over all pairs of them. Rare words are less stable, so words are sampled from bands of frequency. Neighbors are searched
among the words that all runs have.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import Word2VecError
from word2vec.evaluation.comparison import check_distinct, common_words
from word2vec.evaluation.results import json_value
from word2vec.vectors.search import nearest_rows
from word2vec.vectors.word_vectors import WordVectors

FIRST_BAND = 100  # words; each band ends at ten times the rank of the one before
WORDS_PER_BAND = 500


@dataclass(frozen=True)
class BandResult:
    """The stability of words in a band of frequency; NaN if undefined."""

    first: int
    """Rank of the first word among those that all runs have; the most frequent word has rank 1."""
    last: int
    """Rank of the last word."""
    min_count: int | None
    """Lowest count of a word of the band in the first run, None without counts."""
    max_count: int | None
    """Highest count, None without counts."""
    words: int
    """Number of words that were sampled."""
    overlap: float
    """Mean fraction of nearest neighbors that two runs have in common, from 0 to 1."""
    ci_low: float
    """Lower end of its 95 % interval over the sampled words."""
    ci_high: float
    """Upper end of that interval."""


@dataclass(frozen=True)
class StabilityResult:
    """How far runs agree on nearest neighbors, by frequency."""

    runs: int
    """Number of runs."""
    words: int
    """Number of words that all runs have."""
    n: int
    """Number of nearest neighbors that are compared."""
    bands: tuple[BandResult, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the result as a dictionary for JSON, in which NaN becomes None."""
        bands = [{key: json_value(value) for key, value in asdict(band).items()} for band in self.bands]
        return {"runs": self.runs, "words": self.words, "n": self.n, "bands": bands}

    def _repr_html_(self) -> str:  # how notebooks show it
        import pandas as pd

        frame = pd.DataFrame([asdict(band) for band in self.bands])
        return str(frame.to_html(index=False, float_format="{:.3f}".format, na_rep=""))


def evaluate_stability(
    runs: Sequence[WordVectors], *, n: int = 10, words_per_band: int = WORDS_PER_BAND, seed: int = 0
) -> StabilityResult:
    """Measure how far runs agree on the nearest neighbors of words, by frequency.

    Refined vectors are compared by their plain vectors, as in `WordVectors.nearest`. Memory does not depend on the size
    of the vocabulary.

    Args:
        runs: The vectors of two runs or more, which differ in their seeds. The order of the first one defines the
            frequency of words.
        n: Number of nearest neighbors that are compared.
        words_per_band: Number of words that are sampled from each band of frequency.
        seed: Random seed of the sample.

    Raises:
        Word2VecError: There are fewer than two runs, two of them have the same vectors, they have fewer than two words
            in common, or `n` or `words_per_band` is below 1.
    """
    if len(runs) < 2:
        raise Word2VecError(f"stability needs two runs or more, got {len(runs)}; pass runs with other seeds")
    if n < 1 or words_per_band < 1:
        raise Word2VecError(f"n and words_per_band must be 1 or more, got {n} and {words_per_band}")
    runs = [run.unrefined() for run in runs]
    check_distinct([f"run {number}" for number in range(1, len(runs) + 1)], runs)
    words = common_words(runs)
    if len(words) < 2:
        raise Word2VecError("the runs have fewer than two words in common; pass runs on the same text")
    n = min(n, len(words) - 1)
    bands = list(_bands(len(words)))
    rng = np.random.default_rng(seed)
    sampled = [first + np.sort(rng.permutation(last - first)[:words_per_band]) for first, last in bands]
    overlap = _overlap(runs, words, np.concatenate(sampled), n)  # (Q,)
    parts = np.split(overlap, np.cumsum([len(each) for each in sampled])[:-1])
    counts = None if runs[0].counts is None else runs[0].counts[[runs[0].index(word) for word in words]]
    return StabilityResult(
        len(runs), len(words), n, tuple(_band(*band, counts, part) for band, part in zip(bands, parts, strict=True))
    )


def count_agreement(neighbors: Sequence[Sequence[tuple[str, float]]]) -> list[int]:
    """Return for each neighbor in the first run the number of runs, itself included, that have it as a neighbor.

    Args:
        neighbors: The answers of each run to the same query.
    """
    found = [{word for word, _ in answers} for answers in neighbors]
    return [sum(word in words for words in found) for word, _ in neighbors[0]]


def _bands(words: int) -> Iterator[tuple[int, int]]:
    """Yield the ranks, from 0, at which bands start and end: 0 to 100, 100 to 1,000, and so on."""
    first, last = 0, FIRST_BAND
    while first < words:
        yield first, min(last, words)
        first, last = last, 10 * last


def _overlap(
    runs: Sequence[WordVectors], words: Sequence[str], queries: NDArray[np.int64], n: int
) -> NDArray[np.float64]:
    """Return the mean fraction of neighbors that two runs have in common for queried positions in `words`, (Q,)."""
    found = [
        nearest_rows(run.vectors, queries, n, np.array([run.index(word) for word in words])) for run in runs
    ]  # (Q, n) each
    shared = [(one[:, :, None] == other[:, None, :]).any(axis=2).mean(axis=1) for one, other in combinations(found, 2)]
    mean: NDArray[np.float64] = np.mean(shared, axis=0)
    return mean


def _band(first: int, last: int, counts: NDArray[np.int64] | None, overlap: NDArray[np.float64]) -> BandResult:
    """Return the result of a band, whose interval is that of the mean over the sampled words."""
    mean = float(overlap.mean())
    half = 1.96 * float(overlap.std(ddof=1)) / len(overlap) ** 0.5 if len(overlap) > 1 else np.nan
    low_count = None if counts is None else int(counts[first:last].min())
    high_count = None if counts is None else int(counts[first:last].max())
    low, high = np.clip([mean - half, mean + half], 0, 1)
    return BandResult(first + 1, last, low_count, high_count, len(overlap), mean, float(low), float(high))
