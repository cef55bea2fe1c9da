"""Word similarity: the correlation of cosines with human similarity scores.

The main figure is Spearman's rank correlation, with a percentile bootstrap interval, because a set such as WordSim-353
is small and its scores are noisy. Unknown words are always reported, because ignoring their pairs or scoring them 0
can change a score by several points, and so are words whose vectors come from n-grams. With `case="gensim"`, the
correlations agree with those of gensim's `evaluate_word_pairs`; they also do with the default if the vocabulary is in
lowercase. Reading test sets is left to `benchmarks.py`, and looking up their words to `lookup.py`.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import ConfigError
from word2vec.evaluation.benchmarks import PairSet, read_pairs
from word2vec.evaluation.lookup import CaseRule, find_rows, vectors_from_ngrams
from word2vec.evaluation.resampling import resampled_spearman
from word2vec.evaluation.results import SimilarityResult
from word2vec.vectors.word_vectors import WordVectors

MIN_PAIRS = 10  # with fewer, the resamples have so few different orders that the interval means little
COSINE_NOISE = 1e-6  # rounding in float32 of cosines that are equal, such as those of words with themselves


def evaluate_similarity(
    vectors: WordVectors,
    pairs: PairSet | str | Path,
    *,
    oov: Literal["skip", "zero"] = "skip",
    case: CaseRule = "exact-then-lower",
    bootstrap: int = 1000,
    seed: int = 0,
) -> SimilarityResult:
    """Correlate the cosines of word pairs with human similarity scores.

    Args:
        vectors: The vectors to evaluate.
        pairs: The word pairs, a file of word pairs, or the name of a built-in set.
        oov: How to treat pairs with a word without a vector: "skip" ignores them, "zero" counts them as a cosine of 0.
        case: How words are looked up: "exact", as written; "exact-then-lower", in lowercase if it is unknown as
            written; "gensim", ignoring case, where the most frequent spelling in the vocabulary counts. N-grams of
            words outside the vocabulary are those of the lowercase word, except with "exact".
        bootstrap: Number of resamples for the 95 % percentile interval; 0 for no interval.
        seed: Random seed of the resampling.

    Raises:
        ConfigError: `oov` or `case` is unknown.
        FormatError: The file of word pairs cannot be read.
    """
    if oov not in ("skip", "zero"):
        raise ConfigError(f"unknown treatment of unknown words {oov!r}; choose skip or zero")
    pairs = pairs if isinstance(pairs, PairSet) else read_pairs(pairs)
    rows, computed = look_up(vectors, pairs, case)
    cosines, known = pair_cosines(vectors, pairs, rows, computed)  # (P,) each
    used = known if oov == "skip" else np.ones_like(known)
    cosines, scores = cosines[used], pairs.scores[used]

    note = why_undefined(cosines, scores)
    spearman, pearson, low, high = (math.nan,) * 4
    if not note:
        # subtle: correlations do not depend on the scale, but the squares of extreme scores overflow or underflow
        spearman, pearson = (
            float(rank_correlation(cosines, scores)),
            float(_pearson(cosines, scores / np.abs(scores).max())),
        )
        low, high = _bootstrap_interval(cosines, scores, bootstrap, seed)
        if len(cosines) < MIN_PAIRS:
            note = f"only {len(cosines)} usable pairs: the correlation is unreliable"
    unknown = tuple(word for word, row in rows.items() if row < 0 and word not in computed)
    return SimilarityResult(
        pairs.name, spearman, pearson, len(cosines), len(known), unknown, low, high, note, case, tuple(computed)
    )


def look_up(
    vectors: WordVectors, pairs: PairSet, case: CaseRule = "exact-then-lower"
) -> tuple[dict[str, int], dict[str, NDArray[np.float32]]]:
    """Return the row of each word of the pairs, -1 if it is unknown, and the unknown words that n-grams give a vector.

    These vectors, (D,) each, have length one; they are computed for the lowercase word, except with the case "exact".

    Raises:
        ConfigError: `case` is unknown.
    """
    rows = find_rows(vectors.words, (word for pair in pairs.words for word in pair), case)
    return rows, vectors_from_ngrams(vectors, [word for word, row in rows.items() if row < 0], case)


def pair_cosines(
    vectors: WordVectors,
    pairs: PairSet,
    rows: Mapping[str, int],
    computed: Mapping[str, NDArray[np.float32]] = MappingProxyType({}),
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the cosines of word pairs, (P,), 0 where a word has no vector, and where both words have one, (P,).

    Args:
        vectors: The vectors.
        pairs: The word pairs.
        rows: The row of each of their words, -1 for an unknown word.
        computed: Vectors of length one, (D,) each, of unknown words.
    """
    place = {**rows, **{word: len(vectors) + number for number, word in enumerate(computed)}}
    index = np.array([[place[first], place[second]] for first, second in pairs.words], dtype=np.int64).reshape(-1, 2)
    known: NDArray[np.bool_] = np.all(index >= 0, axis=1)  # (P,)
    cosines = np.zeros(len(index))  # (P,)
    left, right = (_directions(vectors, computed, index[known, side]) for side in (0, 1))  # (K, D) each
    cosines[known] = np.einsum("pd,pd->p", left, right, dtype=np.float64)
    return cosines, known


def _directions(
    vectors: WordVectors, computed: Mapping[str, NDArray[np.float32]], places: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the unit rows of words, (K, D), where computed vectors follow those of the vocabulary."""
    found = vectors.unit[np.minimum(places, len(vectors) - 1)]
    beyond = places >= len(vectors)
    if beyond.any():
        found[beyond] = np.array(list(computed.values()))[places[beyond] - len(vectors)]
    return found


def why_undefined(cosines: NDArray[np.float64], scores: NDArray[np.float64]) -> str:
    """Return why the correlation is undefined; an empty string if it is defined."""
    if len(cosines) < 2:
        return f"too few usable pairs ({len(cosines)}): a correlation needs two or more"
    if scores.min() == scores.max():  # not ptp, whose difference may overflow
        return "all scores are equal: the correlation is undefined"
    if np.ptp(cosines) <= COSINE_NOISE:
        return "all cosines are equal: the correlation is undefined"
    return ""


def _pearson(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Pearson's correlation along the last axis; NaN where one side is constant."""
    x = x - x.mean(axis=-1, keepdims=True)
    y = y - y.mean(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):  # 0 / 0 is the intended NaN
        correlation: NDArray[np.float64] = (x * y).sum(-1) / np.sqrt((x * x).sum(-1) * (y * y).sum(-1))
    return correlation


def rank_correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Spearman's correlation along the last axis: Pearson's of the ranks, where ties share their mean rank."""
    from scipy.stats import rankdata

    return _pearson(rankdata(x, axis=-1), rankdata(y, axis=-1))


def _bootstrap_interval(
    x: NDArray[np.float64], y: NDArray[np.float64], resamples: int, seed: int
) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of Spearman's correlation, (NaN, NaN) without resamples."""
    values = resampled_spearman(x[np.newaxis], y, resamples, np.random.default_rng(seed))[:, 0]  # (B,)
    values = values[np.isfinite(values)]  # a resample of a tiny set may consist of one pair only
    if not len(values):
        return math.nan, math.nan
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
