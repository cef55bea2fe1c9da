"""Weights of words in means of their vectors: smooth inverse frequency (SIF).

Arora, Liang and Ma (2017), "A simple but tough-to-beat baseline for sentence embeddings": a word of probability p has
the weight a / (a + p), so that frequent words such as *the* count little.
"""

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import Word2VecError
from word2vec.vectors.word_vectors import WordVectors

SIF_A = 1e-3  # default; the paper uses 1e-4 to 1e-3


def sif_weights(counts: NDArray[np.int64], a: float = SIF_A) -> NDArray[np.float64]:
    """Return the weight of each word, a / (a + p), (V,), for their counts (V,)."""
    return np.asarray(a / (a + counts / max(1, counts.sum())), dtype=np.float64)


def sif_weighted(vectors: WordVectors, a: float = SIF_A) -> WordVectors:
    """Return vectors that are multiplied by the weights of their words, so that plain means of them are weighted means.

    The result has neither an output table nor n-grams.

    Raises:
        Word2VecError: `a` is not above 0, or the vectors have no counts.
    """
    if not a > 0:
        raise Word2VecError(f"a must be above 0, got {a}")
    if vectors.counts is None:
        raise Word2VecError("the vectors have no counts, from which SIF weights are computed; load a run folder")
    weights = sif_weights(vectors.counts, a).astype(np.float32)
    return WordVectors(vectors.words, vectors.vectors * weights[:, np.newaxis], counts=vectors.counts)
