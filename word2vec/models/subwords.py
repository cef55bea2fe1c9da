"""Character n-grams as in fastText: vectors for words outside the vocabulary.

A word is enclosed in < and >, its n-grams are hashed into a fixed number of buckets, and the vector of an unknown word
is the mean of the rows of its n-grams. Bojanowski, Grave, Joulin and Mikolov (2017), "Enriching word vectors with
subword information". The hash equals fastText's exactly, because it decides which row of a fastText model belongs to an
n-gram. Reading models is left to formats/fasttext.py.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import Word2VecError

WORD_ROWS = "word-rows"  # name in files of the words' own rows, which their vectors are means of, with n-grams
END_OF_SENTENCE = b"</s>"  # has a row, but no n-grams, except in the first version of fastText
WHOLE_WORDS = frozenset({END_OF_SENTENCE})
_BLOCK_WORDS = 1024  # words whose n-grams are computed at a time
_BLOCK_ROWS = 1 << 14  # n-gram rows gathered at a time: 20 MB at 300 dimensions


@dataclass(frozen=True)
class Subwords:
    """The n-gram rows of a model.

    Attributes:
        rows: (G, D) float32, rows of n-grams.
        min_n: Number of characters of the shortest n-grams, including < and >.
        max_n: Number of characters of the longest n-grams; 0 for a model without n-grams.
        whole_words: Words that have no n-grams.
        buckets: Number of buckets; G by default.
        used: (G,) int64, the bucket of each row; None if row i belongs to bucket i. N-grams of a bucket without a row
            count as zeros.
        word_rows: (V, D) float32, the words' own rows, which their vectors are the means of, together with the rows of
            their n-grams. None if they are unknown; then the model can be searched, but not trained any further.
    """

    rows: NDArray[np.float32]
    min_n: int
    max_n: int
    whole_words: frozenset[bytes] = WHOLE_WORDS
    buckets: int = 0
    used: NDArray[np.int64] | None = None
    word_rows: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if not self.buckets:
            object.__setattr__(self, "buckets", len(self.rows))

    @cached_property
    def _by_bucket(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The buckets that have a row in ascending order, (G,), and their rows, (G,)."""
        used = np.arange(len(self.rows)) if self.used is None else self.used
        order = np.argsort(used, kind="stable")
        return used[order], order

    def rows_of(self, buckets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each bucket, (N,), -1 if it has none."""
        if self.used is None:
            return buckets
        ascending, rows = self._by_bucket
        if not len(rows):
            return np.full(len(buckets), -1)
        place = np.minimum(np.searchsorted(ascending, buckets), len(ascending) - 1)
        return np.where(ascending[place] == buckets, rows[place], -1)

    def bucket_rows(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return the rows of the buckets from `start` to `stop`, (stop - start, D), zeros for those without a row."""
        if self.used is None:
            return self.rows[start:stop]
        ascending, rows = self._by_bucket
        first, last = np.searchsorted(ascending, [start, stop])
        found = np.zeros((stop - start, self.rows.shape[1]), np.float32)
        found[ascending[first:last] - start] = self.rows[rows[first:last]]
        return found

    def compact(self) -> "Subwords":
        """Return the n-grams without rows of zeros, if they are most of the rows of a table with all buckets."""
        if self.used is not None:
            return self
        starts = range(0, len(self.rows), _BLOCK_ROWS)
        filled = [self.rows[start : start + _BLOCK_ROWS].any(axis=1) for start in starts]
        used = np.flatnonzero(np.concatenate(filled))
        keep_all = not len(used) or 2 * len(used) > len(self.rows)  # a file needs at least one row
        return self if keep_all else replace(self, rows=self.rows[used], used=used)

    def vector(self, word: str) -> NDArray[np.float32] | None:
        """Return the vector of a word outside the vocabulary, (D,); None if its n-grams have no rows but zeros.

        Raises:
            Word2VecError: The rows of its n-grams contain nan or infinity; see `vectors`.
        """
        vectors, found = self.vectors([word])
        return vectors[0] if found[0] else None

    def vectors(self, words: list[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the vectors of words outside the vocabulary.

        Returns:
            The vectors, (N, D), zeros for words without one, and which words have one, (N,): those with a row that is
            not zeros.

        Raises:
            Word2VecError: The rows of their n-grams contain nan or infinity. They are checked here because checking all
                of them when a model is loaded would read them from disk needlessly.
        """
        vectors = np.zeros((len(words), self.rows.shape[1]), np.float32)
        if words:
            ids, ends = self.ngrams([word.encode(errors="replace") for word in words])
            self._add_rows(ids, ends, vectors)
            with np.errstate(invalid="ignore"):
                vectors *= (1 / np.maximum(1, np.diff(ends, prepend=0))).astype(np.float32)[:, None]
        for word, vector in zip(words, vectors, strict=True):
            if not np.isfinite(vector).all():
                raise Word2VecError(
                    f"the n-grams of {word!r} contain nan or infinity; the model is damaged; get a new copy"
                )
        found: NDArray[np.bool_] = np.any(vectors, axis=1)
        return vectors, found

    def known_vectors(self, words: list[bytes], rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vectors of known words, (V, D): the means of their own `rows`, (V, D), and their n-gram rows."""
        vectors = np.empty(rows.shape, np.float32)
        for start in range(0, len(words), _BLOCK_WORDS):
            block = vectors[start : start + _BLOCK_WORDS]
            block[:] = rows[start : start + _BLOCK_WORDS]
            ids, ends = self.ngrams(words[start : start + _BLOCK_WORDS])
            self._add_rows(ids, ends, block)
            with np.errstate(invalid="ignore"):  # nan and infinity are reported later, with their word
                block *= (1 / (1 + np.diff(ends, prepend=0))).astype(np.float32)[:, None]
        return vectors

    def own_rows(self, words: list[bytes], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rows, (V, D), from which `known_vectors` computes these vectors of words, (V, D)."""
        rows = np.empty(vectors.shape, np.float32)
        for start in range(0, len(words), _BLOCK_WORDS):
            block = slice(start, start + _BLOCK_WORDS)
            ids, ends = self.ngrams(words[block])
            sums = np.zeros(rows[block].shape, np.float32)
            self._add_rows(ids, ends, sums)
            rows[block] = vectors[block] * (1 + np.diff(ends, prepend=0))[:, None] - sums
        return rows

    def ngrams(self, words: list[bytes]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the bucket of each n-gram of each word, (N,), and the end of each word's n-grams, (words,)."""
        return hash_words(words, self.min_n, self.max_n, self.buckets, self.whole_words)

    def _add_rows(self, ids: NDArray[np.int64], ends: NDArray[np.int64], sums: NDArray[np.float32]) -> None:
        """Add the rows of n-grams to the sums of their words, (words, D), in place."""
        from word2vec.models.ngram_hash import add_rows

        owners = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))  # (N,)
        places = self.rows_of(ids)
        owners, places = owners[places >= 0], places[places >= 0]
        for start in range(0, len(places), _BLOCK_ROWS):
            rows = np.array(self.rows[places[start : start + _BLOCK_ROWS]], np.float32)  # (R, D)
            add_rows(rows, owners[start : start + _BLOCK_ROWS], sums)


def hash_words(
    words: list[bytes],
    min_n: int,
    max_n: int,
    buckets: int,
    whole_words: frozenset[bytes] = WHOLE_WORDS,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Compute the buckets of the n-grams of words; see `Subwords` for the arguments.

    Returns:
        The bucket of each n-gram of each word, (N,), and the end of each word's n-grams, (words,).
    """
    from word2vec.models.ngram_hash import count_ngrams, hash_ngrams  # numba is imported only when it is needed

    enclosed = [b"" if word in whole_words else b"<" + word + b">" for word in words]
    text_ends = np.cumsum([len(word) for word in enclosed], dtype=np.int64)
    text = np.frombuffer(b"".join(enclosed) + b"\0", np.uint8)  # subtle: frombuffer rejects empty bytes
    ends = np.empty(len(words), np.int64)
    count_ngrams(text, text_ends, min_n, max_n, ends)
    ids = np.empty(ends[-1], np.int64)
    hash_ngrams(text, text_ends, min_n, max_n, buckets, ids)
    return ids, ends
