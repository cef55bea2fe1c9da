"""Exact search for many queries at once: blocks of cosines as one matrix product, and the top columns of each block.

These are functions of plain arrays; single queries are answered by `search.py`, with the same results up to rounding.
Approximate search is left to the indexes in `approximate.py`.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import Word2VecError
from word2vec.vectors.search import HEADROOM, Neighbors

if TYPE_CHECKING:
    from scipy import sparse

BLOCK_SCORES = 1 << 25  # cosines computed at a time, 128 MB; with fewer, the table is read more often
GROUP = 64  # columns per group; see `top_columns`


def search(
    words: Sequence[str],
    table: NDArray[np.float32],
    lengths: NDArray[np.float64],
    directions: NDArray[np.float64],
    excluded: NDArray[np.int64],
    n: int,
) -> list[Neighbors]:
    """Return the nearest words of each of many directions; ties are in the order of the words.

    Args:
        words: (R,) the words.
        table: (R, D) their vectors.
        lengths: (R,) the lengths of the vectors, see `search.row_lengths`.
        directions: (Q, D) directions of length one.
        excluded: (Q,) a row that is not returned for each direction, or -1.
        n: Maximum number of words per direction.

    Raises:
        Word2VecError: `n` is below 1.
    """
    found: list[Neighbors] = []
    for rows, cosines in _search_blocks(table, lengths, directions, excluded, n):
        for each, scores in zip(rows.tolist(), cosines.tolist(), strict=True):
            answers = zip([words[int(row)] for row in each], scores, strict=True)
            found.append(Neighbors(answer for answer in answers if answer[1] > -np.inf))
    return found


def neighbor_graph(table: NDArray[np.float32], lengths: NDArray[np.float64], n: int) -> "sparse.csr_array":
    """Return the cosines of each row of a table (V, D) with its n nearest rows, as a sparse matrix (V, V).

    The entries of a row are sorted by cosine, highest first; the matrix is not symmetric, and its diagonal is empty.

    Raises:
        Word2VecError: `n` is not between 1 and V - 1.
    """
    from scipy import sparse

    size = len(table)
    if not 1 <= n < size:
        raise Word2VecError(f"n must be between 1 and {size - 1}, the number of other words, got {n}")
    blocks = _search_blocks(table, lengths, table / lengths[:, np.newaxis], np.arange(size), n)
    rows, cosines = (np.concatenate(parts).reshape(-1) for parts in zip(*blocks, strict=True))  # (V * n,) each
    return sparse.csr_array((cosines, rows, np.arange(0, size * n + 1, n)), shape=(size, size))


def _search_blocks(
    table: NDArray[np.float32],
    lengths: NDArray[np.float64],
    directions: NDArray[np.float64],
    excluded: NDArray[np.int64],
    n: int,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Yield the rows with the highest cosines, (B, n), and these cosines for blocks of B directions.

    The cosine of the excluded row is -inf.
    """
    if n < 1:
        raise Word2VecError(f"n must be 1 or more, got {n}")
    size = max(1, BLOCK_SCORES // len(table))
    inverse_lengths = (1 / (lengths * HEADROOM)).astype(np.float32)  # (R,)
    for start in range(0, len(directions), size):
        block = (directions[start : start + size] * HEADROOM).astype(np.float32)  # (B, D)
        scores = block @ table.T  # (B, R)
        scores *= inverse_lengths
        hidden = excluded[start : start + size]
        places = np.flatnonzero((hidden >= 0) & (hidden < len(table)))
        scores[places, hidden[places]] = -np.inf
        yield top_columns(scores, min(n, len(table)))


def top_columns(scores: NDArray[np.float32], n: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the columns of the n highest scores of each row, (B, n), and these scores, highest first.

    Sorting or partitioning all scores would take longer than computing them. Instead, the columns are divided into
    groups. The n-th highest maximum of a group is at most the n-th highest score, so only scores from it on, few in
    each row, are sorted.

    Args:
        scores: (B, R) scores without nan.
        n: Number of columns, at most R; ties are in the order of the columns.
    """
    groups = scores.shape[1] // GROUP
    if groups < n:
        maxima = scores
    else:
        maxima = scores[:, :groups].copy()  # (B, groups); group g has the columns g, g + groups, g + 2 groups, ...
        for start in range(groups, groups * GROUP, groups):
            np.maximum(maxima, scores[:, start : start + groups], out=maxima)
    bounds = np.partition(maxima, -n, axis=1)[:, -n]  # (B,)
    rows, columns = np.nonzero(scores >= bounds[:, np.newaxis])  # (C,) each, row by row
    values = scores[rows, columns]
    order = np.lexsort((-values, rows))  # stable, so ties keep the order of the columns
    first = np.searchsorted(rows, np.arange(len(scores)))  # (B,), where the candidates of each row begin
    chosen = order[first[:, np.newaxis] + np.arange(n)]  # (B, n)
    return columns[chosen], values[chosen]
