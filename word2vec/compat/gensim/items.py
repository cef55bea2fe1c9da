"""The parts of a query: keys, vectors, and either of them with a weight."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from word2vec.compat.gensim.keyed_table import Key

Item: TypeAlias = Key | NDArray[Any] | tuple[Key | NDArray[Any], float]
"""Part of a query: a key, a vector (D,), or one of them with a weight."""

Items: TypeAlias = Item | Sequence[Item] | NDArray[Any] | None


def as_list(items: Items) -> list[Item]:
    """Return the items of a query as a list; a single key or vector needs no list."""
    if items is None:
        return []
    single = isinstance(items, str | int | np.integer) or (isinstance(items, np.ndarray) and items.ndim == 1)
    return [items] if single else list(items)  # type: ignore[list-item, arg-type]


def with_weight(item: Item, default: float) -> tuple[Key | NDArray[Any], float]:
    """Return an item and its weight, or the default."""
    return item if isinstance(item, tuple) else (item, default)


def cosine(left: NDArray[Any], right: NDArray[Any]) -> float:
    """Return the cosine of two vectors (D,), exactly 1 for equal ones, and 0 if one is all zeros."""
    left, right = left.astype(np.float64), right.astype(np.float64)
    squares = (left @ left) * (right @ right)
    return float(left @ right / np.sqrt(squares)) if squares else 0.0
