"""Search by cosine similarity: row lengths, cosines with a direction, analogy scores, and the top-scoring words.

These are functions of plain arrays. `WordVectors` applies them to single queries, and `evaluation/analogies.py` scores
blocks of many questions with the same `three_cos_mul`. 3CosMul is defined in Levy and Goldberg (2014), "Linguistic
regularities in sparse and explicit word representations".
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import Word2VecError

AnalogyMethod = Literal["3cosadd", "3cosmul"]

_EPSILON = 1e-6  # keeps the quotient of 3CosMul finite; gensim's value (Levy and Goldberg used 1e-3)
_BLOCK_ROWS = 2048  # rows converted to float64 at a time, so that the copies stay in the processor's cache
_BLOCK_CELLS = 2**23  # cosines computed at a time, 32 MB in float32
HEADROOM = 2.0**-9  # a power of two, so exact; keeps products with rows near the maximum of float32 finite


class Neighbors(list[tuple[str, float]]):
    """Words and their scores, highest score first: a list of tuples that notebooks display as a table.

    Attributes:
        measure: Name of the score, "cosine" or "3cosmul".
    """

    measure: str = "cosine"

    def _repr_html_(self) -> str:
        import pandas as pd

        frame = pd.DataFrame(self, columns=["word", self.measure], index=range(1, len(self) + 1))
        return str(frame.to_html(float_format="{:.3f}".format))


def top_k(words: list[str], scores: NDArray[np.floating[Any]], excluded: Sequence[int], n: int) -> Neighbors:
    """Return the words with the highest scores; ties keep the order of the vocabulary.

    Args:
        words: All words of the vocabulary.
        scores: (R,) scores of the first R words. The scores of excluded words are overwritten in place.
        excluded: Rows that are never returned, such as those of the words in the question.
        n: Maximum number of words to return.

    Raises:
        Word2VecError: `n` is below 1.
    """
    if n < 1:
        raise Word2VecError(f"n must be 1 or more, got {n}")
    excluded = [row for row in set(excluded) if row < len(scores)]
    scores[excluded] = -np.inf
    n = min(n, len(scores) - len(excluded))
    if n == 0:
        return Neighbors()
    # subtle: a partition alone would break ties at random, so take every row that reaches the n-th highest score
    candidates = np.flatnonzero(scores >= np.partition(scores, -n)[-n])  # in the order of the vocabulary
    rows = candidates[np.argsort(-scores[candidates], kind="stable")][:n]  # (n,)
    return Neighbors((words[row], float(scores[row])) for row in rows)


def three_cos_mul(to_a: NDArray[Any], to_b: NDArray[Any], to_c: NDArray[Any]) -> NDArray[Any]:
    """Return the 3CosMul scores of candidate words x for "a is to b as c is to x".

    The score is cos(x, b) cos(x, c) / (cos(x, a) + 1e-6), where each cosine is first shifted to the range 0 to 1:
    otherwise the product of two negative cosines would count as similarity.

    Args:
        to_a: Cosines of the candidates with a, of any shape, for instance (V,) or (Q, V).
        to_b: Cosines with b, of the same shape.
        to_c: Cosines with c, of the same shape.

    Returns:
        Scores of that shape.
    """
    return cos_mul([to_b, to_c], [to_a])


def cos_mul(positive: Sequence[NDArray[Any]], negative: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return 3CosMul scores for any number of words: the product of the positive cosines over that of the negative.

    Args:
        positive: Cosines of the candidates with each positive word, one or more arrays of the same shape.
        negative: Cosines with each negative word.

    Returns:
        Scores of that shape; as in gensim, 1e-6 is added to the denominator, which is 1 without negative words.
    """
    scores: NDArray[Any] = (1 + positive[0]) / 2
    for cosine in positive[1:]:
        scores *= (1 + cosine) / 2
    divisor: NDArray[Any] | float = 1.0
    for cosine in negative:
        divisor = divisor * ((1 + cosine) / 2)
    scores /= divisor + _EPSILON
    return scores


def row_lengths(table: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the Euclidean lengths of the rows of a table (V, D) as (V,), with 1 for rows of zeros."""
    lengths = np.empty(len(table))  # (V,)
    for start in range(0, len(table), _BLOCK_ROWS):
        # subtle: in float32 the squares of very long or very short vectors would overflow or underflow
        rows = table[start : start + _BLOCK_ROWS].astype(np.float64)  # (B, D)
        lengths[start : start + len(rows)] = np.sqrt(np.einsum("bd,bd->b", rows, rows))
    lengths[lengths == 0] = 1
    return lengths


def unit_rows(table: NDArray[np.float32], lengths: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the rows of a table (V, D) divided by their `lengths` (V,), see `row_lengths`."""
    unit = np.empty_like(table)  # (V, D)
    for start in range(0, len(unit), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        unit[block] = table[block].astype(np.float64) / lengths[block, np.newaxis]
    return unit


def cosines(
    table: NDArray[np.float32], lengths: NDArray[np.float64], direction: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the cosines (V,) of the rows of a table (V, D) with a direction of length one (D,).

    The product is divided by the `lengths` (V,) of the rows, so that no second table of unit rows is needed.
    """
    products: NDArray[np.float32] = table @ (direction * HEADROOM).astype(np.float32)  # (V,)
    return np.divide(products, lengths * HEADROOM, out=products, casting="same_kind")


def nearest_rows(
    table: NDArray[np.float32], queries: NDArray[np.int64], n: int, candidates: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Return for each query the n candidates with the highest cosines, without itself, in any order.

    Cosines are computed in blocks of candidates, so memory does not depend on the size of the vocabulary.

    Args:
        table: (V, D) vectors.
        queries: (Q,) positions in `candidates` of the words whose neighbors are wanted.
        n: Number of neighbors, fewer than there are candidates.
        candidates: (C,) rows of the table that are searched; None for all.

    Returns:
        (Q, n) positions in `candidates`.
    """
    rows = np.arange(len(table)) if candidates is None else candidates
    asked = table[rows[queries]]
    asked = unit_rows(asked, row_lengths(asked))  # (Q, D)
    best = np.full((len(queries), n), -np.inf, dtype=np.float32)
    found = np.zeros((len(queries), n), dtype=np.int64)
    size = max(n, _BLOCK_CELLS // max(1, len(queries)))
    for start in range(0, len(rows), size):
        block = table[rows[start : start + size]]  # (B, D)
        scores = asked @ unit_rows(block, row_lengths(block)).T  # (Q, B)
        inside = np.flatnonzero((queries >= start) & (queries < start + size))
        scores[inside, queries[inside] - start] = -np.inf
        both = np.concatenate([best, scores], axis=1)  # (Q, n + B)
        top = np.argpartition(both, -n, axis=1)[:, -n:]  # (Q, n)
        best = np.take_along_axis(both, top, axis=1)
        found = np.where(top < n, np.take_along_axis(found, np.minimum(top, n - 1), axis=1), top - n + start)
    return found
