"""The parts of a query: words, vectors, and either of them with a weight."""

from collections.abc import Iterable
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import Word2VecError

Part: TypeAlias = str | NDArray[Any] | tuple[str | NDArray[Any], float]
"""A word, a vector (D,), or one of them with a weight."""

Query: TypeAlias = Part | Iterable[Part] | None
Parts: TypeAlias = list[tuple[str | NDArray[np.float64], float]]
"""Parts, or a single word or vector."""


def split(query: Query, dim: int) -> Parts:
    """Return the words and vectors of a query, each with its weight, 1 by default.

    Args:
        query: The query; None is empty.
        dim: D, the number of dimensions of a vector.

    Raises:
        Word2VecError: A part is neither a word nor D finite numbers, or a weight is not a finite number.
    """
    if query is None:
        return []
    if isinstance(query, str) or (isinstance(query, np.ndarray) and query.ndim == 1 and query.dtype.kind in "iuf"):
        return [_with_weight(query, dim)]
    if not isinstance(query, Iterable):
        raise _neither(query, dim)
    return [_with_weight(part, dim) for part in query]


def _with_weight(part: Any, dim: int) -> tuple[str | NDArray[np.float64], float]:
    weighted = isinstance(part, tuple) and len(part) == 2 and isinstance(part[1], Real)
    item, weight = part if weighted else (part, 1.0)
    if not np.isfinite(weight):
        raise Word2VecError(f"the weight {weight} is not finite; pass a number")
    if isinstance(item, str):
        return item, float(weight)
    if not isinstance(item, np.ndarray) or item.dtype.kind not in "iuf":
        raise _neither(item, dim)
    if item.shape != (dim,) or not np.isfinite(item).all():
        raise Word2VecError(f"a vector must be {dim} finite numbers, got an array of shape {item.shape}")
    return item.astype(np.float64), float(weight)


def _neither(item: object, dim: int) -> Word2VecError:
    if isinstance(item, int | np.integer) and not isinstance(item, bool):
        return Word2VecError(
            f"a word must be a string, not the integer {item}; pass {str(item)!r}, or words[{item}] for that row"
        )
    return Word2VecError(
        f"expected a word, a numpy array of {dim} numbers, or a pair of one and its weight, got {type(item).__name__}"
    )
