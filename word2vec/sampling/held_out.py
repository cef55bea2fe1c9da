"""Hold out a small part of a corpus, whose loss after each epoch tells whether training still improves the vectors.

The part consists of complete sentences from blocks that are spread evenly over the corpus. It depends on the corpus
only, so it is the same in every run, on every process and for every seed.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from word2vec.sampling.shards import SentenceRanges, count_words

DEFAULT_FRACTION = 0.01
MAX_WORDS = 200_000  # by default; more would take time and improve the estimate little
MAX_BLOCKS = 32  # few, because every block also ends a chunk that a thread trains; enough to cover a mixed corpus


class Split(NamedTuple):
    """The two parts of a corpus."""

    training: SentenceRanges
    held_out: SentenceRanges


def split_corpus(offsets: npt.NDArray[np.integer], fraction: float | None) -> Split:
    """Split a corpus into sentences to train and sentences to hold out.

    Args:
        offsets: (sentences + 1,) positions at which sentences begin; the last one is the end of the corpus.
        fraction: Largest fraction of the words to hold out; by default 0.01, but at most 200,000 words. A corpus whose
            sentences are longer than that is trained completely.
    """
    sentences, words = len(offsets) - 1, int(offsets[-1])
    budget = min(int(words * DEFAULT_FRACTION), MAX_WORDS) if fraction is None else int(words * fraction)
    blocks = min(MAX_BLOCKS, budget * sentences // max(words, 1))  # of one sentence or more, on average
    held_out: SentenceRanges = []
    taken = 0
    for block in range(blocks):
        first = int(np.searchsorted(offsets, words * (2 * block + 1) // (2 * blocks)))  # in the middle of its stretch
        first = max(first, held_out[-1][1]) if held_out else first
        allowed = budget * (block + 1) // blocks - taken
        last = int(np.searchsorted(offsets, offsets[min(first, sentences)] + allowed, side="right")) - 1
        if first < last:
            held_out.append((first, last))
            taken += int(offsets[last] - offsets[first])
    borders = [0, *(border for ends in held_out for border in ends), sentences]
    training = [(start, end) for start, end in zip(borders[::2], borders[1::2], strict=True) if start < end]
    return Split(training, held_out)


def shorten_ranges(sentences: SentenceRanges, offsets: npt.NDArray[np.integer], words: int) -> SentenceRanges:
    """Return the beginning of each range, such that all together have about `words` words or fewer."""
    total = count_words(sentences, offsets)
    if total <= words:
        return sentences
    shorter = []
    for first, last in sentences:
        wanted = offsets[first] + int(offsets[last] - offsets[first]) * words // total
        shorter.append((first, max(first + 1, int(np.searchsorted(offsets, wanted, side="right")) - 1)))
    return shorter
