"""Vectors of unknown words: fastText's character n-grams, hashed into a fixed number of buckets.

A word is put between < and >, and the vector of an unknown one is the mean of the rows of its n-grams. Bojanowski,
Grave, Joulin and Mikolov (2017), "Enriching word vectors with subword information". That the hash is fastText's, to
the bit, is the whole point: a model's rows are where its own hash put them. Reading models is left to
formats/fasttext.py.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import Word2VecError

END_OF_SENTENCE = b"</s>"  # has a row, but no n-grams
_BLOCK_WORDS = 1024  # whose n-grams are worked out at a time
_BLOCK_ROWS = 1 << 14  # of n-grams fetched at a time: 20 MB at 300 dimensions


@dataclass(frozen=True)
class Subwords:
    """The rows of a model's n-grams.

    Attributes:
        buckets: (B, D) float32, a row for each value of the hash.
        shortest: characters of the shortest n-grams, < and > among them.
        longest: characters of the longest; 0 for a model without n-grams.
    """

    buckets: NDArray[np.float32]
    shortest: int
    longest: int

    def vector(self, word: str) -> NDArray[np.float32] | None:
        """The vector of a word that is not in the vocabulary, (D,); None where it is too short for any n-gram.

        Raises:
            Word2VecError: the rows of its n-grams hold nan or infinity. Looking through all of them when a model is
                loaded would read them from the disk for nothing.
        """
        ids, ends = self.ngrams([word.encode(errors="replace")])
        if len(ids) == 0:
            return None
        vector = np.zeros((1, self.buckets.shape[1]), np.float32)
        self._add(ids, ends, vector)
        with np.errstate(invalid="ignore"):
            vector *= np.float32(1 / len(ids))
        if not np.isfinite(vector).all():
            raise Word2VecError(f"the n-grams of {word!r} hold nan or infinity; the model is damaged")
        return vector.reshape(-1)

    def known_vectors(self, words: list[bytes], rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The vectors of known words, (V, D): the means of their own rows, (V, D), and those of their n-grams."""
        vectors = np.empty(rows.shape, np.float32)
        for start in range(0, len(words), _BLOCK_WORDS):
            part = vectors[start : start + _BLOCK_WORDS]
            part[:] = rows[start : start + _BLOCK_WORDS]
            ids, ends = self.ngrams(words[start : start + _BLOCK_WORDS])
            self._add(ids, ends, part)
            with np.errstate(invalid="ignore"):  # what is no number is told of later
                part *= (1 / (1 + np.diff(ends, prepend=0))).astype(np.float32)[:, None]
        return vectors

    def ngrams(self, words: list[bytes]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The buckets of the n-grams of some words, word after word, and where each word's end among them, (words,)."""
        from word2vec.models.ngram_hash import hash_ngrams  # compiled, so loaded only where it is needed

        bounded = [b"" if word == END_OF_SENTENCE else b"<" + word + b">" for word in words]
        text_ends = np.cumsum([len(word) for word in bounded], dtype=np.int64)
        lengths = max(0, self.longest - max(1, self.shortest) + 1)
        ids = np.empty(int(text_ends[-1]) * lengths, np.int64)
        ends = np.empty(len(words), np.int64)
        text = np.frombuffer(b"".join(bounded) + b"\0", np.uint8)  # subtle: numpy takes no empty one
        hash_ngrams(text, text_ends, self.shortest, self.longest, len(self.buckets), ids, ends)
        return ids[: int(ends[-1])], ends

    def _add(self, ids: NDArray[np.int64], ends: NDArray[np.int64], sums: NDArray[np.float32]) -> None:
        """Adds the rows of n-grams to the sums of their words, (words, D)."""
        from word2vec.models.ngram_hash import add_rows

        owners = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
        for start in range(0, len(ids), _BLOCK_ROWS):
            rows = np.array(self.buckets[ids[start : start + _BLOCK_ROWS]], np.float32)  # (R, D)
            add_rows(rows, owners[start : start + _BLOCK_ROWS], sums)
