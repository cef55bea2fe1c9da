"""The vocabulary: words, counts and ids, and the distributions that training samples from.

Ids are ordered by frequency, most frequent first, and words of equal count alphabetically (by code point). The
vocabulary at a higher `min_count` or a smaller `max_size` is therefore a prefix of a larger one, and ids keep their
meaning.

Subsampling and the noise distribution follow Mikolov et al. (2013), "Distributed representations of words and phrases
and their compositionality", in the form that word2vec.c computes.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from word2vec.errors import CorpusError


class Vocabulary:
    """The words that are trained, most frequent first.

    Args:
        words: The words, most frequent first.
        counts: (V,) The number of occurrences of each word.

    Raises:
        ValueError: The counts do not match the words or are not in descending order.

    Attributes:
        words: The words; the position of a word is its id.
        counts: (V,) The number of occurrences of each word in the corpus.
    """

    def __init__(self, words: Sequence[str], counts: npt.ArrayLike) -> None:
        self.words = list(words)
        self.counts = np.asarray(counts, dtype=np.int64)  # (V,)
        if self.counts.shape != (len(self.words),):
            raise ValueError(f"{len(self.words)} words but counts of shape {self.counts.shape}")
        if np.any(np.diff(self.counts) > 0):
            raise ValueError("the words must be ordered by count, most frequent first")

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.ids

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each word."""
        return {word: number for number, word in enumerate(self.words)}

    @property
    def total(self) -> int:
        """The number of corpus words that are in the vocabulary, counting repetitions."""
        return int(self.counts.sum())

    def prefix(self, min_count: int = 1, max_size: int | None = None) -> "Vocabulary":
        """Return the vocabulary of the most frequent words.

        Args:
            min_count: The minimum number of occurrences of a word.
            max_size: The maximum number of words; unlimited by default.

        Raises:
            CorpusError: Fewer than two words remain, too few to draw a noise word.
        """
        size = int(np.searchsorted(-self.counts, -min_count, side="right"))
        size = size if max_size is None else min(size, max_size)
        if size < 2:
            words = "1 word" if size == 1 else "0 words"
            found = (
                f"the most frequent word, {self.words[0]!r}, has count {self.counts[0]}"
                if len(self)
                else "the text has none"
            )
            raise CorpusError(
                f"the vocabulary is too small: {words} with min_count {min_count} ({found}), but training needs two; "
                "lower --min-count, raise --max-vocab or use more text"
            )
        return Vocabulary(self.words[:size], self.counts[:size])

    def keep_probability(self, threshold: float) -> npt.NDArray[np.float64]:
        """Return the probability that an occurrence of each word survives subsampling.

        With f the frequency of the word, its count divided by `total`: min(1, sqrt(t / f) + t / f).

        Args:
            threshold: The threshold t; 0 keeps every word, 1e-3 to 1e-5 is usual.

        Returns:
            (V,) probabilities.
        """
        if threshold == 0:
            return np.ones(len(self))
        ratio = threshold * self.total / self.counts  # (V,) t / f
        return np.minimum(1.0, np.sqrt(ratio) + ratio)

    def pair_frequency(self, threshold: float) -> npt.NDArray[np.float64]:
        """Return the frequency of each word among the words that survive subsampling, and so in training pairs.

        Args:
            threshold: The subsampling threshold; see `keep_probability`.

        Returns:
            (V,) frequencies that sum to 1.
        """
        kept = self.keep_probability(threshold) * self.counts  # (V,)
        return np.asarray(kept / kept.sum(), dtype=np.float64)

    def noise_distribution(self, exponent: float) -> npt.NDArray[np.float64]:
        """Return the noise distribution: counts to the power `exponent` (0.75 in word2vec), normalized.

        Args:
            exponent: The power of the counts.

        Returns:
            (V,) probabilities that sum to 1.
        """
        weights = self.counts.astype(np.float64) ** exponent  # (V,)
        return np.asarray(weights / weights.sum(), dtype=np.float64)
