"""SelectedWords: a corpus in which only some of its words count, as if the others were outside the vocabulary."""

from collections.abc import Container
from tempfile import TemporaryFile, gettempdir

import numpy as np
import numpy.typing as npt

from word2vec.corpus.base import Corpus
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.errors import CorpusError

BLOCK_WORDS = 1 << 22  # converted at a time, 16 MB


class SelectedWords:
    """The words of a corpus that are in a selection, renumbered; a `Corpus`.

    The ids are written to a temporary file, which is memory-mapped, and removed with the object.

    Args:
        corpus: The corpus.
        selection: The words to keep.
        min_count: Ignore words that occur fewer times than this.
        max_size: Maximum number of words before the selection.

    Attributes:
        tokens: (words,) int32, the ids; -1 for words that are not selected.
        offsets: (sentences + 1,) where sentences begin in `tokens`.
        fingerprint: That of the corpus.
        warnings: Those of the corpus.
        phrases: Those of the corpus.

    Raises:
        CorpusError: Fewer than two words remain.
    """

    def __init__(self, corpus: Corpus, selection: Container[str], min_count: int, max_size: int | None) -> None:
        everything = corpus.vocabulary(min_count, max_size)
        kept = [number for number, word in enumerate(everything.words) if word in selection]
        if len(kept) < 2:
            raise CorpusError(
                f"--no-new-words leaves {len(kept)} of the {len(everything):,} words of the corpus, but training needs "
                "two; omit it, or check --lowercase and the language of the corpus"
            )
        self._vocabulary = Vocabulary([everything.words[number] for number in kept], everything.counts[kept])
        self.offsets, self.fingerprint, self.warnings = corpus.offsets, corpus.fingerprint, corpus.warnings
        self.phrases = corpus.phrases
        new_ids = np.full(len(everything) + 1, -1, np.int32)  # the last one is that of all words beyond the vocabulary
        new_ids[kept] = np.arange(len(kept), dtype=np.int32)
        self.tokens = _renumbered(corpus.tokens, new_ids)

    def vocabulary(self, min_count: int = 1, max_size: int | None = None) -> Vocabulary:
        """Return the vocabulary of the selected words; see `Vocabulary.prefix`."""
        return self._vocabulary.prefix(min_count, max_size)


def _renumbered(tokens: npt.NDArray[np.int32], new_ids: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return `new_ids` of all tokens, in a temporary file."""
    if not len(tokens):
        return np.empty(0, np.int32)
    try:
        with TemporaryFile() as file:
            for start in range(0, len(tokens), BLOCK_WORDS):
                block = np.clip(tokens[start : start + BLOCK_WORDS], -1, len(new_ids) - 1)
                file.write(new_ids[block].data)  # subtle: -1 is the last one, too
            file.flush()  # subtle: written rather than mapped, because a process that writes to a mapped file is killed
            return np.memmap(file, np.int32, "c", shape=(len(tokens),))  # if the disk is full
    except OSError as error:
        raise CorpusError(
            f"cannot write the selected words to {gettempdir()}: {error.strerror or error}; set TMPDIR to a folder "
            f"with {4 * len(tokens):,} free bytes"
        ) from error
