"""Cut sequences of words, such as lines, into sentences of limited length, as word2vec.c does (text8 is one line)."""

import numpy as np
import numpy.typing as npt

MAX_SENTENCE_WORDS = 1000


class SentenceCutter:
    """Cuts the sequences of a text that arrives in blocks; a sequence may continue in the next block."""

    def __init__(self) -> None:
        self._words = 0  # of the sequence that continues in the next block

    def cut(self, ends: npt.NDArray[np.int64], words: int) -> npt.NDArray[np.int64]:
        """Return the ends of sentences: of all sequences that are not empty, and after MAX_SENTENCE_WORDS words.

        Args:
            ends: (sequences,) The number of words of the block before the end of each sequence.
            words: The number of words of the block.

        Returns:
            (sentences,) The number of words of the block before the end of each sentence.
        """
        starts = np.concatenate([[-self._words], ends])  # (sequences + 1,); the last one continues in the next block
        stops = np.concatenate([ends, [words]])
        parts = -((starts - stops) // MAX_SENTENCE_WORDS)  # the sentences of each sequence, rounded up
        parts[-1] = (words - starts[-1]) // MAX_SENTENCE_WORDS
        self._words = int(words - starts[-1] - parts[-1] * MAX_SENTENCE_WORDS)
        if parts[-1] == 0 and np.all(parts[:-1] == 1):
            return ends
        before = np.cumsum(parts) - parts  # sentences of the sequences before
        part = np.arange(1, parts.sum() + 1) - np.repeat(before, parts)  # (sentences,) from 1 in each sequence
        cuts: npt.NDArray[np.int64] = np.minimum(
            np.repeat(starts, parts) + MAX_SENTENCE_WORDS * part, np.repeat(stops, parts)
        )
        return cuts
