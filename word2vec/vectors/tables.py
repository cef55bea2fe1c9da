"""Checks and conversion of the arrays that word vectors are made of."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from word2vec.errors import Word2VecError
from word2vec.models.subwords import Subwords


def as_table(numbers: ArrayLike) -> NDArray[np.float32]:
    """Convert to float32 with contiguous rows; no copy if the rows are contiguous, even with padding between them."""
    table = np.asarray(numbers, dtype=np.float32)
    contiguous_rows = table.ndim == 2 and table.strides[1] == table.itemsize and table.strides[0] > 0
    return table if contiguous_rows else np.ascontiguousarray(table)


def as_directions(queries: NDArray[Any], dim: int) -> NDArray[np.float64]:
    """Return the rows of an array (Q, dim) scaled to length one; rows of zeros stay zero.

    Raises:
        Word2VecError: The array has another shape, or contains anything but finite numbers.
    """
    if queries.dtype.kind not in "iuf" or queries.shape[1:] != (dim,) or not np.isfinite(queries).all():
        raise Word2VecError(
            f"queries must be an array of finite numbers of the shape (queries, {dim}), got {queries.dtype} of the "
            f"shape {queries.shape}; for one vector, use nearest_to"
        )
    directions = queries.astype(np.float64)  # (Q, dim)
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)  # (Q, 1)
    return directions / np.where(lengths == 0, 1, lengths)


def check_shapes(
    words: Sequence[str],
    rows: Mapping[str, int],
    vectors: NDArray[np.float32],
    counts: NDArray[np.int64] | None,
    output: NDArray[np.float32] | None,
    subwords: Subwords | None,
    nodes: NDArray[np.float32] | None,
    plain: NDArray[np.float32] | None,
) -> None:
    """Raise Word2VecError if shapes do not match or a word occurs twice, in which case `rows` has fewer words."""
    if vectors.ndim != 2 or 0 in vectors.shape:
        raise Word2VecError(f"vectors must have the shape (words, dimensions), got {vectors.shape}")
    if len(words) != len(vectors):
        raise Word2VecError(f"got {len(words)} words but {len(vectors)} vectors; pass one vector per word")
    if counts is not None and counts.shape != (len(words),):
        raise Word2VecError(f"counts have the shape {counts.shape}; pass one count per word")
    if output is not None and output.shape != vectors.shape:
        raise Word2VecError(f"the output table is {output.shape} but the vectors are {vectors.shape}")
    if subwords is not None and subwords.rows.shape[1:] != vectors.shape[1:]:
        raise Word2VecError(f"the rows of n-grams are {subwords.rows.shape} but the vectors are {vectors.shape}")
    if subwords is not None and subwords.word_rows is not None and subwords.word_rows.shape != vectors.shape:
        raise Word2VecError(f"the words' own rows are {subwords.word_rows.shape} but the vectors are {vectors.shape}")
    if nodes is not None and nodes.shape != vectors.shape:
        raise Word2VecError(f"the table of nodes is {nodes.shape} but the vectors are {vectors.shape}")
    if nodes is not None and counts is None:
        raise Word2VecError("nodes belong to the tree of the word counts; pass counts as well")
    if plain is not None and plain.shape != vectors.shape:
        raise Word2VecError(f"the plain vectors are {plain.shape} but the refined vectors are {vectors.shape}")
    if len(rows) < len(words):
        repeated = next(word for row, word in enumerate(words) if rows[word] != row)
        raise Word2VecError(f"the word {repeated!r} occurs more than once; pass one vector per word")
