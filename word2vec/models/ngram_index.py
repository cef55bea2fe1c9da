"""NgramIndex: which rows of the n-gram table belong to each word of a vocabulary.

An n-gram is hashed into one of a number of buckets, as in fastText (see subwords.py). fastText gives each bucket a row;
here only buckets that a word of the vocabulary uses have one, which is a fraction of the memory. The rows are ordered
by how often their words occur, so that rows that are used often share cache lines and pages.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from word2vec.corpus.vocabulary import Vocabulary
from word2vec.errors import ConfigError
from word2vec.models.subwords import Subwords, hash_words


@dataclass(frozen=True)
class NgramIndex:
    """The n-gram rows of each word.

    Attributes:
        starts: (V + 1,) int64. The rows of word w are `rows[starts[w] : starts[w + 1]]`; a row occurs as often as its
            n-grams do.
        rows: (N,) int32, rows of the n-gram table.
        used: (G,) int64, the bucket of each row of the n-gram table.
        min_n: Number of characters of the shortest n-grams, including < and >.
        max_n: Number of characters of the longest n-grams.
        buckets: Number of buckets.
    """

    starts: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int32]
    used: npt.NDArray[np.int64]
    min_n: int
    max_n: int
    buckets: int

    def __post_init__(self) -> None:
        if len(self.rows) and not (self.rows.min() >= 0 and self.rows.max() < len(self.used)):
            raise ValueError(
                f"rows of n-grams range from {self.rows.min()} to {self.rows.max()}, not in {len(self.used)}"
            )

    @classmethod
    def of(cls, vocabulary: Vocabulary, lengths: tuple[int, int], buckets: int) -> "NgramIndex":
        """Create the index of a vocabulary.

        Args:
            vocabulary: The words.
            lengths: Numbers of characters of the shortest and of the longest n-grams.
            buckets: Number of buckets.

        Raises:
            ConfigError: All words are too short.
        """
        words = [word.encode(errors="replace") for word in vocabulary.words]
        hashes, ends = hash_words(words, *lengths, buckets)  # (N,), (V,)
        if not len(hashes):
            raise ConfigError(
                f"--subwords {lengths[0]}-{lengths[1]}: no word has n-grams of these lengths; use shorter ones"
            )
        starts = np.concatenate([np.zeros(1, np.int64), ends])
        used, number = np.unique(hashes, return_inverse=True)  # (G,), (N,)
        uses = np.bincount(number, np.repeat(vocabulary.counts, np.diff(starts)), len(used))  # (G,) in the corpus
        order = np.argsort(-uses, kind="stable")
        row = np.empty(len(used), np.int32)  # of each bucket
        row[order] = np.arange(len(used), dtype=np.int32)
        return cls(starts, row[number], used[order], *lengths, buckets)

    def __len__(self) -> int:
        return len(self.used)

    def frequency(self, of_words: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Return the expected number of uses of each row in a word, (G,), from the frequencies of the words, (V,)."""
        uses: npt.NDArray[np.float64] = np.bincount(
            self.rows, np.repeat(of_words, np.diff(self.starts)), len(self)
        ).astype(np.float64)
        return uses

    def gains(self) -> npt.NDArray[np.float64]:
        """Return how far the vector of each word moves if each of its rows makes a step of 1, (V,).

        It is 1 for a word whose n-grams all have rows of their own, and more if some share a row, which then moves once
        for each of them and counts as often in the mean.
        """
        number = np.diff(self.starts)  # (V,)
        owners = np.repeat(np.arange(len(number)), number)  # (N,)
        of_row, uses = np.unique(owners * len(self) + self.rows, return_counts=True)  # a row of a word, and its uses
        moves = np.bincount(of_row // max(1, len(self)), uses.astype(np.float64) ** 2, len(number))  # (V,)
        gains: npt.NDArray[np.float64] = (1 + moves) / (1 + number)
        return gains

    def shared_steps(self, of_words: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Return how many steps the vector of each word is expected to make for a word drawn at random, (V,).

        A word moves by the mean of the moves of its rows, which also move for all other words that use them.

        Args:
            of_words: (V,) probability of each word.
        """
        number = np.diff(self.starts)  # (V,)
        owners = np.repeat(np.arange(len(number)), number)  # (N,)
        moves = np.bincount(owners, self.frequency(of_words)[self.rows], len(number))  # (V,) of the n-grams' rows
        steps: npt.NDArray[np.float64] = (of_words + moves) / (1 + number)
        return steps

    def max_shared_steps(self, of_words: npt.NDArray[np.floating]) -> float:
        """Return the largest of `shared_steps`."""
        return float(self.shared_steps(of_words).max())

    def subwords(self, rows: npt.NDArray[np.float32], word_rows: npt.NDArray[np.float32]) -> Subwords:
        """Return the n-grams of trained word vectors.

        Args:
            rows: (G, D) the n-gram table.
            word_rows: (V, D) the words' own rows.
        """
        return Subwords(rows, self.min_n, self.max_n, buckets=self.buckets, used=self.used, word_rows=word_rows)
