"""The vectors embedded in the page, so that it can search nearest words without a server.

Each unit vector is scaled so that its largest entry is 127 and rounded to int8: one byte per entry. The scale need not
be stored, because cosine similarity does not depend on it; the page divides by the length of the rounded row. How
often the neighbors found this way are the exact ones is measured and shown on the page.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from word2vec.vectors.search import nearest_rows
from word2vec.vectors.word_vectors import WordVectors

EMBEDDED_BYTES = 2_000_000  # of vectors in the page: 20,000 words with 100 dimensions
SAMPLED_WORDS = 500  # words whose exact and approximate neighbors are compared
NEIGHBORS = 10


@dataclass(frozen=True)
class Embedded:
    """The most frequent words with quantized vectors.

    Attributes:
        words: N words, most frequent first.
        rows: (N, D) int8.
        agreement: Fraction of the ten nearest among these words that is the same after quantization: the mean over a
            sample of words, NaN for a single word.
        agreement_all: Fraction of the ten nearest among all words of the vocabulary that the page finds.
    """

    words: list[str]
    rows: NDArray[np.int8]
    agreement: float
    agreement_all: float


def embed(vectors: WordVectors, max_bytes: int = EMBEDDED_BYTES, seed: int = 0) -> Embedded:
    """Quantize as many of the most frequent words as fit into `max_bytes`."""
    count = min(len(vectors), max(1, max_bytes // vectors.dim))
    rows = quantize(vectors.unit[:count])  # (N, D)
    among_these = agreement(vectors.unit[:count], rows, seed)
    among_all = among_these if count == len(vectors) else agreement(vectors.unit, rows, seed)
    return Embedded(vectors.words[:count], rows, among_these, among_all)


def quantize(unit: NDArray[np.float32]) -> NDArray[np.int8]:
    """Scale rows (N, D) so that the largest absolute entry is 127, and round; rows of zeros stay zero."""
    largest = np.abs(unit).max(axis=1, keepdims=True)  # (N, 1)
    rows: NDArray[np.int8] = np.rint(unit * (127 / np.where(largest == 0, 1, largest))).astype(np.int8)
    return rows


def agreement(unit: NDArray[np.float32], rows: NDArray[np.int8], seed: int = 0) -> float:
    """Return the fraction of exact nearest neighbors that a search of the quantized vectors finds.

    Args:
        unit: (V, D) unit vectors of the vocabulary.
        rows: (N, D) quantized vectors of its first N words.
        seed: Seed of the sample of words.

    Returns:
        The mean fraction over a sample of words; NaN if there is only one word.
    """
    if len(rows) < 2:
        return float("nan")
    sample = np.random.default_rng(seed).permutation(len(rows))[:SAMPLED_WORDS]  # (S,)
    exact, found = (
        nearest_rows(table, sample, min(NEIGHBORS, len(table) - 1)) for table in (unit, rows.astype(np.float32))
    )  # (S, n), (S, m)
    same = (exact[:, :, None] == found[:, None, :]).any(axis=2)  # (S, n)
    return float(same.mean())
