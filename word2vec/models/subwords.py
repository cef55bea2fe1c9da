"""Character n-grams as in fastText: vectors for words outside the vocabulary.

A word is enclosed in < and >, its n-grams are hashed into a fixed number of buckets, and the vector of an unknown word
is the mean of the rows of its n-grams. Bojanowski, Grave, Joulin and Mikolov (2017), "Enriching word vectors with
subword information". The hash equals fastText's exactly, because it decides which row of a fastText model belongs to an
n-gram. Reading models is left to formats/fasttext.py.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import Word2VecError

END_OF_SENTENCE = b"</s>"  # has a row, but no n-grams, except in the first version of fastText
_BLOCK_WORDS = 1024  # words whose n-grams are computed at a time
_BLOCK_ROWS = 1 << 14  # n-gram rows gathered at a time: 20 MB at 300 dimensions


@dataclass(frozen=True)
class Subwords:
    """The n-gram rows of a model.

    Attributes:
        buckets: (B, D) float32, one row for each value of the hash.
        min_n: Number of characters of the shortest n-grams, including < and >.
        max_n: Number of characters of the longest n-grams; 0 for a model without n-grams.
        whole_words: Words that have no n-grams.
    """

    buckets: NDArray[np.float32]
    min_n: int
    max_n: int
    whole_words: frozenset[bytes] = frozenset({END_OF_SENTENCE})

    def vector(self, word: str) -> NDArray[np.float32] | None:
        """Return the vector of a word outside the vocabulary, (D,); None if it is too short for any n-gram.

        Raises:
            Word2VecError: The rows of its n-grams contain nan or infinity. They are checked here because checking all
                buckets when a model is loaded would read them from disk needlessly.
        """
        ids, ends = self.ngrams([word.encode(errors="replace")])
        if len(ids) == 0:
            return None
        vector = np.zeros((1, self.buckets.shape[1]), np.float32)
        self._add_rows(ids, ends, vector)
        with np.errstate(invalid="ignore"):
            vector *= np.float32(1 / len(ids))
        if not np.isfinite(vector).all():
            raise Word2VecError(
                f"the n-grams of {word!r} contain nan or infinity; the model is damaged; get a new copy"
            )
        return vector.reshape(-1)

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

    def ngrams(self, words: list[bytes]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the bucket of each n-gram of each word, (N,), and the end of each word's n-grams, (words,)."""
        from word2vec.models.ngram_hash import hash_ngrams  # numba is imported only when it is needed

        enclosed = [b"" if word in self.whole_words else b"<" + word + b">" for word in words]
        text_ends = np.cumsum([len(word) for word in enclosed], dtype=np.int64)
        lengths = max(0, self.max_n - max(1, self.min_n) + 1)
        ids = np.empty(int(text_ends[-1]) * lengths, np.int64)
        ends = np.empty(len(words), np.int64)
        text = np.frombuffer(b"".join(enclosed) + b"\0", np.uint8)  # subtle: frombuffer rejects empty bytes
        hash_ngrams(text, text_ends, self.min_n, self.max_n, len(self.buckets), ids, ends)
        return ids[: int(ends[-1])], ends

    def _add_rows(self, ids: NDArray[np.int64], ends: NDArray[np.int64], sums: NDArray[np.float32]) -> None:
        """Add the rows of n-grams to the sums of their words, (words, D), in place."""
        from word2vec.models.ngram_hash import add_rows

        owners = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))  # (N,)
        for start in range(0, len(ids), _BLOCK_ROWS):
            rows = np.array(self.buckets[ids[start : start + _BLOCK_ROWS]], np.float32)  # (R, D)
            add_rows(rows, owners[start : start + _BLOCK_ROWS], sums)
