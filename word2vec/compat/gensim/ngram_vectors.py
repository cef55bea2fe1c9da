"""FastTextKeyedVectors: keyed vectors that are means of rows of words and of their character n-grams.

`models/subwords.py` hashes and adds n-grams. gensim has a row for each of `bucket` buckets; here only buckets that a
word of the vocabulary uses have a row, unless the vectors come from fastText's own file.
"""

import dataclasses
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from word2vec.compat.gensim import files
from word2vec.compat.gensim.keyed_table import Key, is_key
from word2vec.compat.gensim.models.keyedvectors import KeyedVectors
from word2vec.models.subwords import Subwords

if TYPE_CHECKING:
    from word2vec.models import NgramIndex

_log = logging.getLogger("word2vec")


class FastTextKeyedVectors(KeyedVectors):
    """Keys and their vectors, which also has vectors for unknown words, as gensim's class of this name.

    Args:
        vector_size: D, the number of dimensions.
        min_n: Number of characters of the shortest n-grams, including < and >.
        max_n: Number of characters of the longest n-grams.
        bucket: Number of buckets that n-grams are hashed into; 0 for no n-grams.
        count: Rows to allocate for `add_vector`.
        dtype: The type of the vectors.

    Attributes:
        vectors: (V, D) the means of the rows of words and of their n-grams.
        vectors_vocab: (V, D) the words' own rows.
        subwords: The rows of the n-grams; None without buckets.
    """

    compatible_hash = True  # with fastText's

    def __init__(
        self,
        vector_size: int,
        min_n: int,
        max_n: int,
        bucket: int,
        count: int = 0,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__(vector_size, count, dtype)
        self.min_n, self.max_n, self.bucket = min_n, max_n, bucket
        self.vectors_vocab: NDArray[Any] = np.zeros((count, vector_size), dtype)
        self.subwords: Subwords | None = None
        if bucket:
            none = np.zeros((0, vector_size), np.float32)
            self.subwords = Subwords(none, min_n, max_n, buckets=bucket, used=np.zeros(0, np.int64))

    @classmethod
    def from_content(cls, content: files.Content) -> "FastTextKeyedVectors":
        """Return the vectors of a file, which may have no n-grams; they are shared, not copied."""
        ngrams = content.subwords
        settings = (0, 0, 0) if ngrams is None else (ngrams.min_n, ngrams.max_n, ngrams.buckets)
        loaded = cls(content.vectors.shape[1], *settings)
        loaded.set_content(content)
        return loaded

    def set_content(self, content: files.Content) -> None:
        """Take over the keys, vectors, attributes and n-grams of a file."""
        super().set_content(content)
        self.vectors_vocab = content.vectors
        if content.subwords is None:
            return
        self.subwords = dataclasses.replace(content.subwords, word_rows=None)
        own = content.subwords.word_rows
        if own is None:  # solve for them: v = (own + the sum of n rows) / (1 + n)
            own = self.subwords.own_rows(self.spellings(), content.vectors)
        self.vectors_vocab = own

    # queries

    def __contains__(self, key: object) -> bool:
        """Return whether a key has a vector; with n-grams, every word has one."""
        return super().__contains__(key) or (self.subwords is not None and isinstance(key, str))

    def __getitem__(self, key_or_keys: Key | Iterable[Key]) -> NDArray[Any]:
        """Return the vector of one key, (D,), or of several, (N, D); see `get_vector`."""
        if is_key(key_or_keys):
            return self.get_vector(key_or_keys)
        vectors = [self.get_vector(key) for key in key_or_keys]  # type: ignore[union-attr]
        return np.array(vectors, self.vectors.dtype).reshape(-1, self.vector_size)

    def get_vector(self, key: Key, norm: bool = False) -> NDArray[Any]:
        """Return the vector of a key, (D,), read-only; that of an unknown word is the mean of its n-grams' rows.

        If no n-gram of a word has a row, its vector is zero, and a warning is logged.

        Args:
            key: A word, or the index of a row.
            norm: Whether to scale the vector to length one.

        Raises:
            UnknownWordError: The key is unknown, and it is not a word or there are no n-grams.
        """
        if self.subwords is None or not isinstance(key, str) or key in self.key_to_index:
            return super().get_vector(key, norm)
        vector = self.subwords.vector(key)
        if vector is None:
            _log.warning("no n-gram of %r is known: its vector is zero", key)
            vector = np.zeros(self.vector_size, np.float32)
        vector = (vector / (np.linalg.norm(vector) or 1)).astype(np.float32) if norm else vector
        vector.setflags(write=False)
        return vector

    def get_sentence_vector(self, sentence: Sequence[Key]) -> NDArray[Any]:
        """Return the mean of the unit vectors of the words of a sentence, (D,)."""
        return self.get_mean_vector(sentence)

    @property
    def vectors_ngrams(self) -> NDArray[np.float32]:
        """The rows of all buckets, (bucket, D), read-only and new in each call; unused buckets are zeros."""
        rows = np.zeros((self.bucket, self.vector_size), np.float32)
        if self.subwords is not None:
            rows[slice(None) if self.subwords.used is None else self.subwords.used] = self.subwords.rows
        rows.setflags(write=False)
        return rows

    @property
    def vectors_vocab_lockf(self) -> NDArray[np.float32]:
        """A factor of 1, as in gensim: all words are trained."""
        return np.ones(1, np.float32)

    @property
    def vectors_ngrams_lockf(self) -> NDArray[np.float32]:
        """A factor of 1, as in gensim: all n-grams are trained."""
        return np.ones(1, np.float32)

    # changes

    def adjust_vectors(self) -> None:
        """Compute `vectors` from the rows of words and n-grams."""
        self.norms = None
        self.vectors = self.vectors_vocab
        if self.subwords is not None and len(self):
            self.vectors = self.subwords.known_vectors(self.spellings(), self.vectors_vocab)

    def add_vectors(
        self,
        keys: Key | Sequence[Key],
        weights: ArrayLike,
        extras: Mapping[str, NDArray[Any]] | None = None,
        replace: bool = False,
    ) -> None:
        """Add finished vectors; see `KeyedVectors.add_vectors`. They do not change the rows of n-grams."""
        super().add_vectors(keys, weights, extras, replace)
        self.vectors_vocab = np.concatenate([self.vectors_vocab, self.vectors[len(self.vectors_vocab) :]])

    def add_random(self, counts: Mapping[Any, int], rng: np.random.Generator) -> None:
        """Add keys with random rows, and random rows for buckets that have none; see `KeyedTable.add_random`."""
        new = [key for key in counts if key not in self.key_to_index]
        super().add_vectors(new, self.random_rows(len(new), rng))
        self.vectors_vocab = np.concatenate([self.vectors_vocab, self.vectors[len(self.vectors_vocab) :]])
        if self.subwords is not None and self.subwords.used is not None and new:
            ids, ends = self.subwords.ngrams([_spelling(key) for key in new])  # (N,), (words,)
            words = np.fromiter((counts[key] for key in new), np.int64, len(new))  # (words,)
            buckets, number = np.unique(ids, return_inverse=True)
            uses = np.bincount(number, np.repeat(words, np.diff(ends, prepend=0)), len(buckets))
            buckets = buckets[np.argsort(-uses, kind="stable")]  # rows that are used often are neighbors in memory
            buckets = buckets[self.subwords.rows_of(buckets) < 0]
            self.subwords = dataclasses.replace(
                self.subwords,
                rows=np.concatenate([self.subwords.rows, self.random_rows(len(buckets), rng)]),
                used=np.concatenate([self.subwords.used, buckets]),
            )
        self.adjust_vectors()

    def reorder(self, order: NDArray[np.int64]) -> None:
        """Reorder all rows; see `KeyedTable.reorder`."""
        super().reorder(order)
        self.vectors_vocab = self.vectors_vocab[order]

    # training

    def tables(self) -> dict[str, NDArray[np.float32]]:
        """Return the tables that are trained; see `KeyedVectors.tables`."""
        words = {"input": self.vectors_vocab}
        return words | {"ngrams": self.subwords.rows} if _has_rows(self.subwords) else words

    def set_tables(self, tables: Mapping[str, NDArray[np.float32]]) -> None:
        """Replace the tables that are trained, and compute `vectors`."""
        self.vectors_vocab = tables["input"]
        if self.subwords is not None and "ngrams" in tables:
            self.subwords = dataclasses.replace(self.subwords, rows=tables["ngrams"])
        self.adjust_vectors()

    def _with_rows_of(self, spellings: Sequence[bytes]) -> Subwords:
        """Give buckets of words that have no row a row of zeros, as files leave these out; returns the n-grams."""
        assert self.subwords is not None  # noqa: S101 (checked by the caller)
        subwords = self.subwords
        buckets = np.unique(subwords.ngrams(list(spellings))[0])
        if len(missing := buckets[subwords.rows_of(buckets) < 0]):
            used = np.arange(len(subwords.rows)) if subwords.used is None else subwords.used
            zeros = np.zeros((len(missing), subwords.rows.shape[1]), np.float32)
            subwords = dataclasses.replace(
                subwords, rows=np.concatenate([subwords.rows, zeros]), used=np.concatenate([used, missing])
            )
            self.subwords = subwords
        return subwords

    def ngram_index(self) -> "NgramIndex | None":
        """Return the n-grams of the keys, or None; buckets of the keys that have no row get one."""
        if not _has_rows(self.subwords):
            return None
        from word2vec.models import NgramIndex

        subwords = self._with_rows_of(self.spellings())
        ids, ends = subwords.ngrams(self.spellings())  # (N,), (V,)
        used = np.arange(len(subwords.rows)) if subwords.used is None else subwords.used
        starts = np.concatenate([np.zeros(1, np.int64), ends])
        rows = subwords.rows_of(ids).astype(np.int32)
        return NgramIndex(starts, rows, used, subwords.min_n, subwords.max_n, subwords.buckets)

    def trained_subwords(self) -> Subwords | None:
        """Return the n-grams with the words' own rows, as a `WordVectors` has them."""
        return None if self.subwords is None else dataclasses.replace(self.subwords, word_rows=self.vectors_vocab)

    def spellings(self) -> list[bytes]:
        """Return the bytes of the keys that their n-grams are made of."""
        return [_spelling(key) for key in self.index_to_key]


def _spelling(key: Any) -> bytes:
    return str(key).encode(errors="replace")


def _has_rows(subwords: Subwords | None) -> TypeGuard[Subwords]:
    """Return whether there are n-grams to train."""
    return subwords is not None and len(subwords.rows) > 0
