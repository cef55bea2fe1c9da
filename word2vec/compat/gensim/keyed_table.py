"""KeyedTable: keys, their vectors and attributes, and how they are looked up, added and replaced.

The storage half of gensim's `KeyedVectors`; `models/keyedvectors.py` adds the queries. Unlike a `WordVectors`, whose
tables are fixed, it can grow and be modified.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from word2vec.compat.gensim.errors import ArgumentError
from word2vec.errors import UnknownWordError
from word2vec.models.subwords import Subwords
from word2vec.vectors.search import row_lengths

Key: TypeAlias = str | int | np.integer[Any]
"""A word; or an integer, which is a key of its own or, if there is no such key, the index of a row."""

KEY_TYPES = (str, int, np.integer)


class KeyedTable:
    """Keys and their vectors; row i of each array belongs to `index_to_key[i]`.

    Args:
        vector_size: D, the number of dimensions.
        count: Rows to allocate for `add_vector`.
        dtype: The type of the vectors, usually float32.

    Attributes:
        vectors: (V, D) the vectors. After modifying them in place, call `fill_norms(force=True)`.
        index_to_key: The keys; None for a row that is allocated but not used yet.
        key_to_index: The row of each key.
        norms: (V,) float64, the lengths of the vectors, 1 for rows of zeros; None until they are needed.
        expandos: Attributes of the keys by name, (V,) each; "count" is the number of occurrences.
        next_index: The next row that `add_vector` fills.
    """

    def __init__(self, vector_size: int, count: int = 0, dtype: DTypeLike = np.float32) -> None:
        self.vector_size = vector_size
        self.vectors: NDArray[Any] = np.zeros((count, vector_size), dtype)
        self.index_to_key: list[Any] = [None] * count
        self.key_to_index: dict[Any, int] = {}
        self.norms: NDArray[np.float64] | None = None
        self.expandos: dict[str, NDArray[Any]] = {}
        self.next_index = 0

    def __len__(self) -> int:
        return len(self.index_to_key)

    def __contains__(self, key: object) -> bool:
        return self.has_index_for(key)

    def __str__(self) -> str:
        return f"{type(self).__name__}<vector_size={self.vector_size}, {len(self)} keys>"

    def __getitem__(self, key_or_keys: Key | Iterable[Key]) -> NDArray[Any]:
        """Return the vector of one key, (D,), read-only, or copies of several, (N, D).

        Raises:
            UnknownWordError: A key has no vector.
        """
        if isinstance(key_or_keys, str | int | np.integer):
            return self.get_vector(key_or_keys)
        rows = [self.get_index(key) for key in key_or_keys]
        return self.vectors[rows]

    def __setitem__(self, keys: Key | list[Key], weights: ArrayLike) -> None:
        """Add vectors, or replace those of known keys."""
        self.add_vectors(keys, weights, replace=True)

    def has_index_for(self, key: object) -> bool:
        """Return whether a key, or the index of a row, exists."""
        return self._row(key) is not None

    def get_index(self, key: Key, default: int | None = None) -> int:
        """Return the row of a key; for an unknown key, `default` if it is not None.

        Raises:
            UnknownWordError: The key is unknown and there is no default.
        """
        row = self._row(key)
        if row is not None:
            return row
        if default is not None:
            return default
        # subtle: no suggestions as in WordVectors, because scripts look up many unknown words and catch the error
        raise UnknownWordError(f"{key!r} has no vector; check with: key in wv")

    def get_vector(self, key: Key, norm: bool = False) -> NDArray[Any]:
        """Return the vector of a key, (D,), read-only; scaled to length one if `norm` is true.

        Raises:
            UnknownWordError: The key has no vector.
        """
        row = self.get_index(key)
        vector: NDArray[Any] = self.vectors[row]
        vector = (vector / self.lengths()[row]).astype(vector.dtype) if norm else vector
        vector.setflags(write=False)
        return vector

    def trained_subwords(self) -> Subwords | None:
        """Return the n-grams of the keys for queries and files, or None."""
        return None

    def lengths(self) -> NDArray[np.float64]:
        """Return `norms`, computed if necessary."""
        if self.norms is None or len(self.norms) != len(self.vectors):
            self.norms = row_lengths(self.vectors)
        return self.norms

    def fill_norms(self, force: bool = False) -> None:
        """Compute `norms`, if they are not known or `force` is true."""
        self.norms = None if force else self.norms
        self.lengths()

    def get_normed_vectors(self) -> NDArray[Any]:
        """Return a copy of the vectors scaled to length one, (V, D)."""
        normed: NDArray[Any] = (self.vectors / self.lengths()[:, np.newaxis]).astype(self.vectors.dtype)
        return normed

    def unit_normalize_all(self) -> None:
        """Scale all vectors to length one in place."""
        self.vectors = self.get_normed_vectors()
        self.norms = None

    def add_vector(self, key: Key, vector: ArrayLike) -> int:
        """Add one vector and return its row: the next allocated row that is free, or a new one.

        Raises:
            ArgumentError: The vector does not have D numbers.
        """
        row = self.next_index
        if row < len(self) and self.index_to_key[row] is None:
            self.vectors[row] = self._rows_of(1, vector)[0]
            self.index_to_key[row] = key
            self.key_to_index[key] = row
            self.norms = None
        else:
            warnings.warn(
                "adding vectors one by one copies the table each time; use add_vectors, or allocate rows with count=",
                UserWarning,
                stacklevel=2,
            )
            row = self.get_index(key, len(self)) if key in self.key_to_index else len(self)
            self.add_vectors([key], np.asarray(vector))
        self.next_index = row + 1
        return row

    def add_vectors(
        self,
        keys: Key | Sequence[Key],
        weights: ArrayLike,
        extras: Mapping[str, NDArray[Any]] | None = None,
        replace: bool = False,
    ) -> None:
        """Add vectors of new keys; known keys keep their vectors unless `replace` is true.

        Args:
            keys: A key or a list of keys.
            weights: The vector of the key, (D,), or of all keys, (N, D).
            extras: Attributes of the keys, (N,) each, for `expandos`.
            replace: Whether to replace the vectors and attributes of known keys.

        Raises:
            ArgumentError: The number of vectors or of their dimensions is wrong.
        """
        keys = [keys] if isinstance(keys, str | int | np.integer) else list(keys)
        added = self._rows_of(len(keys), weights)  # (N, D)
        first = {key: position for position, key in reversed(list(enumerate(keys)))}  # of keys that occur twice
        new = sorted(position for key, position in first.items() if key not in self.key_to_index)
        known = [position for key, position in first.items() if key in self.key_to_index] if replace else []
        rows = [self.key_to_index[keys[position]] for position in known]
        self.vectors = np.concatenate([self.vectors, added[new]])
        self.vectors[rows] = added[known]
        for position in new:
            self.key_to_index[keys[position]] = len(self.index_to_key)
            self.index_to_key.append(keys[position])
        extras = extras or {}
        self.allocate_vecattrs(list(extras), [values.dtype for values in extras.values()])
        self.allocate_vecattrs()
        for name, values in extras.items():
            self.expandos[name][len(self) - len(new) :] = values[new]
            self.expandos[name][rows] = values[known]
        self.norms = None

    def add_random(self, counts: Mapping[Any, int], rng: np.random.Generator) -> None:
        """Add keys with random vectors.

        Args:
            counts: The number of occurrences of each key; keys that exist already are ignored.
            rng: Random state.
        """
        new = [key for key in counts if key not in self.key_to_index]
        self.add_vectors(new, self.random_rows(len(new), rng))

    def random_rows(self, number: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Return random rows, (number, D)."""
        # subtle: the range is that of word2vec.c and of EmbeddingModel, (-0.5, 0.5) / D; gensim's is twice as wide
        return ((rng.random((number, self.vector_size), np.float32) - 0.5) / self.vector_size).astype(np.float32)

    def allocate_vecattrs(self, attrs: Sequence[str] | None = None, types: Sequence[Any] | None = None) -> None:
        """Create attributes, or extend them to all keys with zeros.

        Args:
            attrs: Their names; None for all that exist.
            types: Their types.

        Raises:
            TypeError: An attribute exists with another type.
        """
        names = list(self.expandos) if attrs is None else attrs
        dtypes = [self.expandos[name].dtype for name in names] if types is None else types
        for name, dtype in zip(names, dtypes, strict=True):
            wanted = np.dtype(np.int64 if dtype is int else object if dtype is str else dtype)
            old = self.expandos.get(name, np.zeros(0, wanted))
            if not np.issubdtype(wanted, old.dtype):
                raise TypeError(f"the attribute {name!r} has the type {old.dtype}, not {wanted}; use another name")
            if name not in self.expandos or len(old) != len(self):
                self.expandos[name] = np.zeros(len(self), old.dtype)
                self.expandos[name][: len(old)] = old[: len(self)]

    def set_vecattr(self, key: Key, attr: str, val: Any) -> None:
        """Set an attribute of a key; the first value decides the type of the attribute.

        Raises:
            UnknownWordError: The key is unknown.
            TypeError: The attribute has another type.
        """
        self.allocate_vecattrs([attr], [type(val)])
        self.expandos[attr][self.get_index(key)] = val

    def get_vecattr(self, key: Key, attr: str) -> Any:
        """Return an attribute of a key.

        Raises:
            UnknownWordError: The key is unknown.
            KeyError: There is no such attribute.
        """
        return self.expandos[attr][self.get_index(key)]

    def resize_vectors(self, seed: int = 0) -> None:
        """Give keys that were appended to `index_to_key` random vectors, uniform in (-1, 1) / D."""
        missing = len(self) - len(self.vectors)
        drawn = np.random.default_rng(seed).uniform(-1, 1, (max(0, missing), self.vector_size)) / self.vector_size
        self.vectors = np.concatenate([self.vectors[: len(self)], drawn.astype(self.vectors.dtype)])
        self.allocate_vecattrs()
        self.norms = None

    def sort_by_descending_frequency(self) -> None:
        """Reorder all rows by the attribute "count", most frequent keys first; ties keep their order."""
        if len(self):
            self.reorder(np.argsort(-self.expandos["count"].astype(np.int64), kind="stable"))

    def reorder(self, order: NDArray[np.int64]) -> None:
        """Reorder all rows; row i becomes the former row `order[i]`."""
        self.index_to_key = [self.index_to_key[row] for row in order]
        self.key_to_index = {key: row for row, key in enumerate(self.index_to_key)}
        self.expandos = {name: values[order] for name, values in self.expandos.items()}
        self.vectors = self.vectors[order] if len(self.vectors) else self.vectors
        self.norms = None

    def _row(self, key: object) -> int | None:
        if not isinstance(key, KEY_TYPES):
            return None
        row = self.key_to_index.get(key)
        if row is None and not isinstance(key, str) and 0 <= key < len(self):
            return int(key)
        return row

    def _rows_of(self, count: int, weights: ArrayLike) -> NDArray[Any]:
        """Return vectors as an array (count, D) of the type of the table."""
        rows = np.asarray(weights, dtype=self.vectors.dtype)
        rows = rows.reshape(1, -1) if rows.ndim == 1 and count == 1 else rows
        if rows.shape != (count, self.vector_size) and count:
            raise ArgumentError(
                f"{count} keys but vectors of shape {rows.shape}; pass ({count}, {self.vector_size}) numbers"
            )
        return rows.reshape(count, self.vector_size)


def is_key(value: object) -> TypeGuard[Key]:
    """Return whether a value is a single key."""
    return isinstance(value, KEY_TYPES)
