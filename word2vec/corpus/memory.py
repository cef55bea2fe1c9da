"""A corpus in memory: the ids of tokens that the caller passed, in numpy arrays.

It needs four bytes per token, eight per sentence, and the distinct words. Its ids mean the same as those of an index of
the same text, so training on either gives the same vectors.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from word2vec.corpus.growing_array import GrowingArray
from word2vec.corpus.phrases import Phrases
from word2vec.corpus.read_report import ReadReport
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.errors import CorpusError

if TYPE_CHECKING:
    from word2vec.corpus.word_counts import RankedWords  # numba is loaded only when something is encoded

BLOCK_TOKENS = 1 << 16  # ids renumbered and hashed at a time: they stay in the processor's cache


class Table(Protocol):
    """What knows the words of provisional ids: `WordTables` or a `SequenceTable`."""

    @property
    def long_words(self) -> int:
        """The number of words that were ignored because they are too long."""
        ...

    @property
    def empty_tokens(self) -> int:
        """The number of empty tokens that were ignored."""
        ...

    def by_frequency(self) -> "RankedWords":
        """Return the words, most frequent first."""
        ...


class MemoryCorpus:
    """A corpus of word ids in memory; `open_corpus` creates it.

    Args:
        tokens: (words,) The ids.
        offsets: (sentences + 1,) Where sentences begin; the last one is the end.
        words: All words, most frequent first.
        counts: (distinct words,) The number of occurrences of each word.
        fingerprint: A digest of the ids, the sentences and the words.
        lowercase: Whether the tokens were lowercased.
        report: Irregularities of the input.

    Attributes:
        phrases: The phrases that were joined; None for a corpus as it was passed.
    """

    phrases: Phrases | None

    def __init__(
        self,
        tokens: npt.NDArray[np.int32],
        offsets: npt.NDArray[np.int64],
        words: Sequence[bytes],
        counts: npt.NDArray[np.int64],
        fingerprint: str,
        *,
        lowercase: bool = False,
        report: ReadReport | None = None,
    ) -> None:
        self.tokens, self.offsets, self.words, self.counts = tokens, offsets, words, counts
        self.fingerprint, self.lowercase = fingerprint, lowercase
        self.report = report or ReadReport()
        self.phrases = None

    @property
    def warnings(self) -> list[str]:
        """Irregularities of the input, one line each."""
        return self.report.warnings

    def vocabulary(self, min_count: int = 1, max_size: int | None = None) -> Vocabulary:
        """Return the vocabulary of the words that occur at least `min_count` times; see `Vocabulary.prefix`."""
        size = int(np.searchsorted(-self.counts, -min_count, side="right"))
        size = size if max_size is None else min(size, max_size)
        size = max(size, 1)  # a message about a vocabulary that is too small names the most frequent word
        words = [word.decode() for word in self.words[:size]]
        return Vocabulary(words, self.counts[:size]).prefix(min_count, max_size)


def collect(
    encoded: Iterable[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]],
    table: Table,
    *,
    lowercase: bool = False,
    report: ReadReport | None = None,
) -> MemoryCorpus:
    """Collect blocks of provisional ids in memory.

    Args:
        encoded: Blocks of provisional ids, each with the number of its ids before the end of each sentence.
        table: The table that encodes them.
        lowercase: Whether the tokens are lowercased.
        report: Irregularities found while reading; those of the table are added.

    Raises:
        CorpusError: There are no tokens.
    """
    tokens, offsets = GrowingArray(np.int32), GrowingArray(np.int64)
    offsets.append(np.zeros(1, np.int64))
    for block, ends in encoded:
        offsets.append(ends + len(tokens))
        tokens.append(block)
    if not len(tokens):
        raise CorpusError("the corpus contains no words; pass sequences of tokens, or texts that contain words")
    report = report or ReadReport()
    report.long_words, report.empty_tokens = table.long_words, table.empty_tokens
    ids, positions, ranked = tokens.finish(), offsets.finish(), table.by_frequency()
    fingerprint = _renumber(ids, positions, ranked)
    return MemoryCorpus(ids, positions, ranked.words, ranked.counts, fingerprint, lowercase=lowercase, report=report)


def _renumber(tokens: npt.NDArray[np.int32], offsets: npt.NDArray[np.int64], ranked: "RankedWords") -> str:
    """Replace each id by its rank, in place.

    Returns:
        The fingerprint of the corpus. The counts follow from the ids.
    """
    digest = hashlib.sha256(f"corpus {len(tokens)} {len(offsets)}\n".encode())
    for start in range(0, len(tokens), BLOCK_TOKENS):
        block = ranked.rank[tokens[start : start + BLOCK_TOKENS]]
        tokens[start : start + BLOCK_TOKENS] = block
        digest.update(block.astype("<i4", copy=False).data)
    digest.update(offsets.astype("<i8", copy=False).data)
    digest.update(b"\n".join(ranked.words))
    return digest.hexdigest()[:32]
