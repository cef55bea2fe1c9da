"""The vocabulary: words, counts, ids, and the two distributions that training draws from.

Ids go by frequency, most frequent first, and alphabetically (by code point) among equals, so the vocabulary at a
higher `min_count` or a smaller `max_size` is a prefix of a larger one and every id keeps its meaning.

Subsampling and noise are those of Mikolov et al. (2013), "Distributed representations of words and phrases and their
compositionality", in the form that word2vec.c computes.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from word2vec.errors import CorpusError


class Vocabulary:
    """The words that are trained, most frequent first.

    Attributes:
        words: the words; a word's position is its id.
        counts: (V,) how often each stands in the corpus.
    """

    def __init__(self, words: Sequence[str], counts: npt.ArrayLike) -> None:
        self.words = list(words)
        self.counts = np.asarray(counts, dtype=np.int64)
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
        """Each word's id."""
        return {word: number for number, word in enumerate(self.words)}

    @property
    def total(self) -> int:
        """How many words of the corpus are in the vocabulary, repetitions counted."""
        return int(self.counts.sum())

    def prefix(self, min_count: int = 1, max_size: int | None = None) -> "Vocabulary":
        """The words met at least `min_count` times, at most the `max_size` most frequent of them.

        Raises:
            CorpusError: fewer than two words are left, too few to draw a noise word.
        """
        size = int(np.searchsorted(-self.counts, -min_count, side="right"))
        size = size if max_size is None else min(size, max_size)
        if size < 2:
            best = (
                f"the most frequent word, {self.words[0]!r}, has {self.counts[0]}" if len(self) else "it has no words"
            )
            raise CorpusError(
                f"the vocabulary has {size} word{'' if size == 1 else 's'} after min_count {min_count} ({best}); "
                "training needs two: lower --min-count, raise --max-vocab or give more text"
            )
        return Vocabulary(self.words[:size], self.counts[:size])

    def keep_probability(self, threshold: float) -> npt.NDArray[np.float64]:
        """The probability with which an occurrence of each word survives subsampling.

        With f the word's share of the corpus: min(1, sqrt(t / f) + t / f).

        Args:
            threshold: t, 0 to keep every word; 1e-3 to 1e-5 is usual.

        Returns:
            (V,) probabilities.
        """
        if threshold == 0:
            return np.ones(len(self))
        ratio = threshold * self.total / self.counts
        return np.minimum(1.0, np.sqrt(ratio) + ratio)

    def pair_frequency(self, threshold: float) -> npt.NDArray[np.float64]:
        """Each word's share of the words that survive subsampling, and so of the training pairs.

        Returns:
            (V,) shares that sum to 1.
        """
        kept = self.keep_probability(threshold) * self.counts
        return np.asarray(kept / kept.sum(), dtype=np.float64)

    def noise_distribution(self, exponent: float) -> npt.NDArray[np.float64]:
        """The distribution of noise words, counts to the power `exponent` (word2vec: 0.75), normalized.

        Returns:
            (V,) probabilities that sum to 1.
        """
        weights = self.counts.astype(np.float64) ** exponent
        return np.asarray(weights / weights.sum(), dtype=np.float64)
