"""Refinement: predict finished vectors from character n-grams, and mix the prediction into them.

The spelling of a word says much about its vector, by the n-grams that it shares with other words. Let U (V, D) be the
unit rows of the centered vectors plus output_weight times the centered output vectors, and X (V, G) the character
n-grams of the words, each row scaled by 1 / sqrt(number of its n-grams). A ridge regression, with weights
r_w = min(1, count_w / full_count),

    B = argmin  sum_w r_w |U_w - X_w B|^2 + penalty |B|^2,

predicts the vector of a word from its spelling, P = X B, and the refined vector is

    s_w U_w + (1 - s_w) P_w + prediction_weight P_w    with  s_w = count_w / (count_w + prior_count).

The regression is that of Pinter, Guthrie and Eisenstein (2017), "Mimicking word embeddings using subword RNNs", Zhao,
Mudgal and Liang (2018), "Generalizing word embeddings using bag of subwords", and Sasaki, Suzuki and Inui (2019),
"Subword-based compact reconstruction of word embeddings", who use it to get vectors for unknown words. N-grams are
hashed as in Bojanowski, Grave, Joulin and Mikolov (2017), "Enriching word vectors with subword information". An n-gram
takes part if several words have it. The loops over n-grams are compiled, see refinement_kernel.py.

The regression is solved by a fixed number of steps of conjugate gradient. Few steps smooth the coefficients, as a
larger penalty does; the exact solution gives no better vectors.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from word2vec.config import MAX_NGRAM
from word2vec.errors import ConfigError, Word2VecError
from word2vec.formats import Table
from word2vec.models.subwords import Subwords, hash_words
from word2vec.system.processors import usable_processors

OUTPUT_WEIGHT = 0.25  # default; keeps semantic analogies as they are without refinement
_BLOCK_WORDS = 4096  # words whose lengths are computed at a time


@dataclass(frozen=True)
class Refinement:
    """The settings of a refinement; checked on creation.

    Attributes:
        lengths: Numbers of characters of the shortest and of the longest n-grams, including < and >.
        buckets: Number of hash buckets for n-grams.
        min_words: An n-gram takes part if at least this many words have it.
        penalty: Penalty of the squared coefficients of the regression.
        steps: Steps of conjugate gradient.
        full_count: Words that occur this often have the full weight in the regression, rarer ones less.
        prior_count: Count at which a word's own vector and its prediction have equal weight.
        prediction_weight: Weight of the prediction that is added for all words.
        output_weight: Weight of the centered output table, which is added to the centered vectors at first; None for
            0.25 if there is an output table.

    Raises:
        ConfigError: A value is out of range.
    """

    lengths: tuple[int, int] = (4, 6)
    buckets: int = 2_000_000
    min_words: int = 3
    penalty: float = 0.5
    steps: int = 12
    full_count: float = 20.0
    prior_count: float = 30.0
    prediction_weight: float = 0.5
    output_weight: float | None = None

    def __post_init__(self) -> None:
        shortest, longest = self.lengths
        if not 1 <= shortest <= longest <= MAX_NGRAM:
            raise ConfigError(f"lengths of n-grams must be MIN-MAX with 1 <= MIN <= MAX <= {MAX_NGRAM}, such as 4-6")
        if not 1 <= self.buckets < 2**31:
            raise ConfigError(f"buckets must be between 1 and 2147483647, not {self.buckets}")
        for name in ("min_words", "steps"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be 1 or more, not {getattr(self, name)}")
        # subtle: written so that NaN, for which every comparison is false, is rejected
        if not 0 < self.penalty < np.inf:
            raise ConfigError(f"penalty must be above 0, not {self.penalty}")
        for name in ("full_count", "prior_count", "prediction_weight", "output_weight"):
            if not 0 <= (getattr(self, name) or 0) < np.inf:
                raise ConfigError(f"{name} must be 0 or more, not {getattr(self, name)}")

    def output_weight_for(self, output: NDArray[np.float32] | None) -> float:
        """Return the weight of an output table, which is the default one if no weight is set and there is a table."""
        if self.output_weight is not None:
            return self.output_weight
        return 0.0 if output is None else OUTPUT_WEIGHT


class Features(NamedTuple):
    """The n-grams of a vocabulary that enough words have: the matrix X, by rows."""

    starts: NDArray[np.int64]  # (V + 1,); the n-grams of word w are rows[starts[w] : starts[w + 1]]
    rows: NDArray[np.int32]  # (N,); an n-gram occurs as often as in the word
    scale: NDArray[np.float32]  # (V,), 1 / sqrt(number of n-grams), 0 for a word without any
    order: NDArray[np.int64]  # (V,), the words in alphabetical order, in which neighbors share n-grams
    used: NDArray[np.int64]  # (G,), the bucket of each n-gram, in the same order, so that words use rows side by side
    lengths: NDArray[np.int64]  # (V,), number of n-grams, with those that take no part


def refine(table: Table, settings: Refinement, *, ignore_counts: bool = False, threads: int | None = None) -> Table:
    """Return a table with refined vectors, their n-grams, the plain vectors and the settings; see `refine_table`.

    Args:
        table: The words and plain vectors, with their counts and output table if they are known.
        settings: The settings.
        ignore_counts: Whether to treat all words as frequent.
        threads: Number of threads; None for one per processor.

    Raises:
        Word2VecError: The table has no counts, or is refined or has n-grams already, or too few words have an n-gram in
            common.
    """
    if table.plain is not None:
        raise Word2VecError("the vectors are refined already; refine the plain ones, which `unrefined()` returns")
    if table.subwords is not None:
        raise Word2VecError(
            "the vectors have n-grams, which were trained with them; refinement is for vectors trained without"
        )
    if table.counts is None and not ignore_counts:
        raise Word2VecError(
            "the vectors have no counts, which decide how far a word is refined; load a run, or ignore the counts, "
            "which treats all words as frequent"
        )
    counts = None if ignore_counts else table.counts
    refined, subwords = refine_table(table.words, table.vectors, table.output, counts, settings, threads)
    used = asdict(settings) | {
        "lengths": list(settings.lengths),  # as it is after loading
        "output_weight": settings.output_weight_for(table.output),
        "ignore_counts": ignore_counts,
    }
    return table._replace(vectors=refined, subwords=subwords, plain=table.vectors, refinement=used)


def refine_table(
    words: Sequence[str],
    vectors: NDArray[np.float32],
    output: NDArray[np.float32] | None,
    counts: NDArray[np.int64] | None,
    settings: Refinement,
    threads: int | None = None,
) -> tuple[NDArray[np.float32], Subwords]:
    """Refine a table of word vectors.

    Args:
        words: The words.
        vectors: (V, D) their vectors.
        output: (V, D) their output vectors; needed if `settings.output_weight` is not 0.
        counts: (V,) their counts; None counts every word as frequent: r = s = 1.
        settings: The settings.
        threads: Number of threads; None for one per processor. The result does not depend on it.

    Returns:
        The refined vectors, (V, D), and n-grams that provide vectors for unknown words. These point to the predictions,
        and one factor for all of them makes them as long, on average, as predictions are in refined vectors.

    Raises:
        Word2VecError: No words have an n-gram in common, or the output table is missing.
    """
    from word2vec.vectors.refinement_kernel import COLUMNS, predict, solve_ridge  # imports numba, which is slow

    output_weight = settings.output_weight_for(output)
    if output_weight and output is None:
        raise Word2VecError("there is no output table to add; use an output weight of 0, or load a run that has one")
    features = shared_ngrams(words, settings)
    weights, kept = _weights(len(words), counts, settings)  # (V,) each
    target = _Target(vectors, output, output_weight)
    refined = np.empty(vectors.shape, np.float32)
    coefficients = np.empty((len(features.used), vectors.shape[1]), np.float32)  # B (G, D)

    def refine_columns(first: int) -> None:
        columns = slice(first, min(first + COLUMNS, vectors.shape[1]))
        size = columns.stop - first
        unit = np.zeros((len(words), COLUMNS), np.float32)  # U, with zeros for columns beyond the last
        unit[:, :size] = target.columns(columns)
        block = np.empty((len(features.used), COLUMNS), np.float32)  # of B
        predicted = unit.copy()
        solve_ridge(*features[:4], weights, predicted, settings.penalty, settings.steps, block)
        predict(*features[:4], block, predicted)
        coefficients[:, columns] = block[:, :size]
        unit *= kept[:, np.newaxis]
        predicted *= (1 + settings.prediction_weight - kept)[:, np.newaxis]
        unit += predicted
        refined[:, columns] = unit[:, :size]

    with ThreadPoolExecutor(threads or usable_processors()) as pool:
        list(pool.map(refine_columns, range(0, vectors.shape[1], COLUMNS)))
    # a word's prediction is scale sum(B), the vector of an unknown word the mean of rows: lengths differ by this factor
    mean_factor = float((features.lengths * features.scale)[features.scale > 0].mean())
    coefficients *= np.float32(mean_factor * (1 + settings.prediction_weight))
    return refined, Subwords(coefficients, *settings.lengths, buckets=settings.buckets, used=features.used)


def shared_ngrams(words: Sequence[str], settings: Refinement) -> Features:
    """Find the n-grams that `settings.min_words` or more words have.

    Raises:
        Word2VecError: There are none.
    """
    from word2vec.vectors.refinement_kernel import count_words, keep_numbered, number_buckets

    spelled = [word.encode(errors="replace") for word in words]
    ids, ends = hash_words(spelled, *settings.lengths, settings.buckets)  # (N,), (V,)
    number_of_words = np.zeros(settings.buckets, np.int32)
    count_words(ids, ends, number_of_words)
    used = np.empty(np.count_nonzero(number_of_words >= settings.min_words), np.int64)  # (G,)
    if not len(used):
        shortest, longest = settings.lengths
        raise Word2VecError(
            f"no {settings.min_words} of {len(words):,} words have an n-gram of {shortest} to {longest} characters in "
            "common, so their vectors cannot be predicted from spelling; use shorter n-grams or more words"
        )
    order = np.array(sorted(range(len(words)), key=spelled.__getitem__))
    number = np.full(settings.buckets, -1, np.int32)
    number_buckets(ids, ends, order, number_of_words, settings.min_words, number, used)
    starts, rows = np.empty(len(words) + 1, np.int64), np.empty(len(ids), np.int32)
    keep_numbered(ids, ends, number, starts, rows)
    in_use = np.diff(starts)  # (V,)
    scale = np.where(in_use > 0, 1 / np.sqrt(np.maximum(1, in_use)), 0).astype(np.float32)
    return Features(starts, rows[: starts[-1]].copy(), scale, order, used, np.diff(ends, prepend=0))


def _weights(
    size: int, counts: NDArray[np.int64] | None, settings: Refinement
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the weights of words in the regression, r (V,), and the weights of their own vectors, s (V,)."""
    if counts is None:
        return np.ones(size, np.float32), np.ones(size, np.float32)
    number = np.maximum(counts, 1).astype(np.float64)
    weights = np.minimum(1, number / max(1, settings.full_count))
    return weights.astype(np.float32), (number / (number + settings.prior_count)).astype(np.float32)


class _Target:
    """The unit rows of the centered vectors, U, computed a few columns at a time."""

    def __init__(self, vectors: NDArray[np.float32], output: NDArray[np.float32] | None, output_weight: float) -> None:
        self._tables = [(vectors, np.float32(1))]
        if output is not None and output_weight:
            self._tables.append((output, np.float32(output_weight)))
        self._means = [
            table.mean(axis=0, dtype=np.float64).astype(np.float32) for table, _ in self._tables
        ]  # (D,) each
        lengths = np.empty(len(vectors), np.float32)
        for start in range(0, len(vectors), _BLOCK_WORDS):
            block = self._sum(slice(start, start + _BLOCK_WORDS), slice(None))
            lengths[start : start + len(block)] = np.sqrt(np.einsum("wd,wd->w", block, block, dtype=np.float64))
        self._lengths = np.where(lengths > 0, lengths, 1)  # (V,)

    def columns(self, columns: slice) -> NDArray[np.float32]:
        """Return some of the columns, (V, C)."""
        unit = self._sum(slice(None), columns)
        unit /= self._lengths[:, np.newaxis]
        return unit

    def _sum(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        """Return a part of the weighted sum of the centered tables."""
        parts: list[NDArray[np.float32]] = [
            weight * (table[rows, columns] - mean[columns])
            for (table, weight), mean in zip(self._tables, self._means, strict=True)
        ]
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]
