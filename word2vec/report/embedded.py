"""The vectors that travel inside the page, so that it can look up nearest words by itself.

A row is a unit vector times a factor of its own, rounded to whole numbers from -127 to 127: a byte a number. The factor
need not be kept, for a cosine does not change when a vector is made longer; the page divides by the length of the
rounded row. How far the neighbors found in this way are the exact ones is measured, and the page shows it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from word2vec.vectors.word_vectors import WordVectors

EMBEDDED_BYTES = 2_000_000  # of vectors in the page: 20,000 words of 100 dimensions
SAMPLED_WORDS = 500  # words whose neighbors are compared
NEIGHBORS = 10
BLOCK = 64  # words whose cosines are worked out at a time; with a million words 256 MB


@dataclass(frozen=True)
class Embedded:
    """The most frequent words with rounded vectors.

    Attributes:
        words: most frequent first, N of them.
        rows: (N, D) int8.
        agreement: share of the ten nearest among these words that rounding leaves the same, 0 to 1; the mean over
            a sample of them, NaN where there is one word only.
        agreement_all: share of the ten nearest among all words of the vocabulary that the page finds.
    """

    words: list[str]
    rows: NDArray[np.int8]
    agreement: float
    agreement_all: float


def embed(vectors: WordVectors, most_bytes: int = EMBEDDED_BYTES, seed: int = 0) -> Embedded:
    """As many of the most frequent words as fit."""
    count = min(len(vectors), max(1, most_bytes // vectors.dim))
    rows = quantize(vectors.unit[:count])  # (N, D)
    same = agreement(vectors.unit[:count], rows, seed)
    same_of_all = same if count == len(vectors) else agreement(vectors.unit, rows, seed)
    return Embedded(vectors.words[:count], rows, same, same_of_all)


def quantize(unit: NDArray[np.float32]) -> NDArray[np.int8]:
    """Rows (N, D) scaled so that the largest entry is 127 or -127, and rounded; rows of zeros stay so."""
    largest = np.abs(unit).max(axis=1, keepdims=True)  # (N, 1)
    rows: NDArray[np.int8] = np.rint(unit * (127 / np.where(largest == 0, 1, largest))).astype(np.int8)
    return rows


def agreement(unit: NDArray[np.float32], rows: NDArray[np.int8], seed: int = 0) -> float:
    """The share of the nearest among (V, D) `unit` that are also nearest among the first of them, rounded (N, D).

    NaN where there is nothing to find.
    """
    if len(rows) < 2:
        return float("nan")
    asked = np.random.default_rng(seed).permutation(len(rows))[:SAMPLED_WORDS]  # (S,)
    rounded = rows.astype(np.float32)
    rounded /= np.maximum(np.linalg.norm(rounded, axis=1, keepdims=True), 1)
    exact, found = _nearest(unit, asked), _nearest(rounded, asked)  # (S, n), (S, m)
    same = (exact[:, :, None] == found[:, None, :]).any(axis=2)  # (S, n)
    return float(same.mean())


def _nearest(unit: NDArray[np.float32], asked: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows with the largest cosines to those asked for, themselves left out, (S, n)."""
    count = min(NEIGHBORS, len(unit) - 1)
    found = np.empty((len(asked), count), dtype=np.int64)
    for start in range(0, len(asked), BLOCK):
        block = asked[start : start + BLOCK]  # (B,)
        scores = unit[block] @ unit.T  # (B, V)
        scores[np.arange(len(block)), block] = -np.inf
        found[start : start + BLOCK] = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    return found
