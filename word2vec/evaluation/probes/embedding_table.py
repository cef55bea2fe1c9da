"""The embedding tables that probes start from: the vectors of words, or random numbers of the same size.

All tables are scaled to the same standard deviation, so that models whose layers have the same initial weights differ
in the directions of the rows only. Words without a vector get random rows, as in Kim (2014), "Convolutional neural
networks for sentence classification".
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import Word2VecError
from word2vec.vectors.word_vectors import WordVectors

DEVIATION = 0.3
"""Standard deviation of the numbers of a table."""


def vector_table(
    vectors: WordVectors, words: Sequence[str], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the vectors of words, centered and scaled, and which words have one.

    The mean of the vectors is subtracted, because it does not distinguish words.

    Args:
        vectors: The word vectors; words outside their vocabulary get vectors from n-grams, if there are any.
        words: The V words of the table.
        rng: Draws the rows of words without a vector.

    Returns:
        (V, D) the table, and (V,) whether each word has a vector.

    Raises:
        Word2VecError: No word has a vector.
    """
    table = random_table(len(words), vectors.dim, rng)  # (V, D)
    computed = vectors.from_ngrams(words)
    known = np.array([word in vectors or word in computed for word in words])  # (V,)
    if not known.any():
        raise Word2VecError(
            f"none of the {len(words):,} words of the text has a vector, for instance {words[0]!r}; check that text "
            "and vectors have the same language and case"
        )
    found = vectors[[word for word, has in zip(words, known, strict=True) if has]]  # (known, D)
    found -= found.mean(axis=0)
    deviation = float(found.std())
    table[known] = found * (DEVIATION / deviation if deviation > 0 else 1.0)
    return table, known


def random_table(size: int, dim: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a table (size, dim) of independent normal numbers."""
    return (DEVIATION * rng.standard_normal((size, dim), dtype=np.float32)).astype(np.float32)
