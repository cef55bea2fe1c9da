"""NgramIndex: which rows of the n-gram table belong to each word of a vocabulary.

An n-gram is hashed into one of a number of buckets, as in fastText (see subwords.py). fastText gives each bucket a row;
here only buckets that a word of the vocabulary uses have one, which is a fraction of the memory. The rows are ordered
by how often their words occur, so that rows that are used often share cache lines and pages.
"""

from dataclasses import dataclass, replace

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
        used, places = np.unique(hashes, return_inverse=True)  # (G,), (N,)
        number = places.astype(np.int32)
        uses = _sums_of_rows(starts, number, vocabulary.counts, len(used))  # (G,) in the corpus
        order = np.argsort(-uses, kind="stable")
        row = np.empty(len(used), np.int32)  # of each bucket
        row[order] = np.arange(len(used), dtype=np.int32)
        return cls(starts, row[number], used[order], *lengths, buckets)

    def __len__(self) -> int:
        return len(self.used)

    def extended(self, buckets: npt.NDArray[np.int64]) -> "NgramIndex":
        """Return the index with additional rows for those buckets, (N,), that no word of the vocabulary uses."""
        more = np.setdiff1d(buckets, self.used)
        return replace(self, used=np.concatenate([self.used, more]))

    def frequency(self, of_words: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Return the expected number of uses of each row in a word, (G,), from the frequencies of the words, (V,)."""
        return _sums_of_rows(self.starts, self.rows, of_words, len(self))

    def gains(
        self,
        frozen_words: npt.NDArray[np.bool_] | None = None,
        frozen_ngrams: npt.NDArray[np.bool_] | None = None,
    ) -> npt.NDArray[np.float64]:
        """Return how far the vector of each word moves if each of its rows makes a step of 1, (V,).

        It is 1 for a word whose n-grams all have rows of their own, and more if some share a row, which then moves once
        for each of them and counts as often in the mean.

        Args:
            frozen_words: (V,) whether the own row of a word is frozen and makes no step; None for none.
            frozen_ngrams: The same for the rows of n-grams, (G,).
        """
        from word2vec.models.ngram_sums import add_squared_uses

        fixed = np.zeros(len(self), np.bool_) if frozen_ngrams is None else frozen_ngrams
        moves = np.ones(len(self.starts) - 1)  # (V,) of the words' own rows, and of the n-grams' rows
        if frozen_words is not None:
            moves[frozen_words] = 0
        add_squared_uses(self.starts, self.rows, np.zeros(len(self), np.int32), fixed, moves)
        gains: npt.NDArray[np.float64] = moves / (1 + np.diff(self.starts))
        return gains

    def shared_steps(self, of_words: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Return how many steps the vector of each word is expected to make for a word drawn at random, (V,).

        A word moves by the mean of the moves of its rows, which also move for all other words that use them.

        Args:
            of_words: (V,) probability of each word.
        """
        from word2vec.models.ngram_sums import add_to_words

        moves = np.array(of_words, np.float64)  # (V,) of the words' own rows, and of the n-grams' rows
        add_to_words(self.starts, self.rows, self.frequency(of_words), moves)
        steps: npt.NDArray[np.float64] = moves / (1 + np.diff(self.starts))
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


def _sums_of_rows(
    starts: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int32],
    of_words: npt.NDArray[np.floating | np.integer],
    size: int,
) -> npt.NDArray[np.float64]:
    """Return the sum of the numbers of the words that use each row, (size,); a word counts as often as it uses it."""
    from word2vec.models.ngram_sums import add_to_rows  # numba, which takes a third of a second

    sums = np.zeros(size)
    add_to_rows(starts, rows, np.asarray(of_words, np.float64), sums)
    return sums
