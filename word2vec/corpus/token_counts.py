"""Count the tokens of sequences in memory and give each distinct token an id.

`SequenceTable` does for batches of tokens what `WordTables` (word_tables.py) does for blocks of text. Long sequences
are cut into sentences like the lines of a text.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from word2vec.corpus.distinct_integers import DistinctIntegers
from word2vec.corpus.distinct_strings import DistinctStrings
from word2vec.corpus.sentences import SentenceCutter
from word2vec.corpus.sequences import Batch
from word2vec.corpus.token_types import Kind, kind_of, mixed_types
from word2vec.corpus.word_counts import RankedWords


class SequenceTable:
    """The distinct tokens found so far, with their counts; all of them strings, or all of them integers.

    Args:
        lowercase: Whether to lowercase strings.
        padding: An integer that marks unused places and is not a token.
    """

    def __init__(self, *, lowercase: bool = False, padding: int | None = None) -> None:
        self._lowercase, self._padding = lowercase, padding
        self._distinct: DistinctStrings | DistinctIntegers | None = None  # until the first token
        self._sentences = SentenceCutter()

    def encode(self, batch: Batch) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Count the tokens of a batch.

        Returns:
            The provisional ids of the tokens, and for each sentence that ended, the number of ids of this batch before
            its end.

        Raises:
            CorpusError: A token is neither a string nor an integer, has another type than those before it, or cannot be
                stored.
        """
        if len(batch.tokens) == 0:
            return np.zeros(0, np.int32), self._sentences.cut(batch.ends, 0)
        kind = kind_of(batch)
        if self._distinct is None:
            self._distinct = (
                DistinctIntegers(self._padding) if kind is Kind.INTEGERS else DistinctStrings(self._lowercase)
            )
        if (kind is Kind.INTEGERS) is isinstance(self._distinct, DistinctStrings):
            raise mixed_types(batch, 0)
        if kind is Kind.SUBCLASSES_OF_STRING:
            # subtle: str() would call the method of a subclass; that of an enumeration returns another text
            batch = replace(batch, tokens=list(map(str.__str__, batch.tokens)))
        ids, ends = self._distinct.encode(batch)
        return ids, self._sentences.cut(ends, len(ids))

    def by_frequency(self) -> RankedWords:
        """Return the tokens, most frequent first; integers as strings."""
        words, counts = self._words_and_counts()
        order = np.array(sorted(range(len(words)), key=words.__getitem__), np.int64)
        order = order[np.argsort(-counts[order], kind="stable")]
        rank = np.empty(len(words), np.int32)
        rank[order] = np.arange(len(words), dtype=np.int32)
        order = order[: np.count_nonzero(counts)]  # what was left out has no count
        joined = "\n".join([words[id_] for id_ in order.tolist()])  # no word contains a newline
        return RankedWords(joined.encode().split(b"\n") if joined else [], counts[order], rank)

    @property
    def empty_tokens(self) -> int:
        """The number of empty strings that were ignored."""
        return self._distinct.empty_tokens if isinstance(self._distinct, DistinctStrings) else 0

    @property
    def long_words(self) -> int:
        """The number of tokens that were ignored because they are longer than MAX_WORD_BYTES."""
        return self._distinct.long_words if isinstance(self._distinct, DistinctStrings) else 0

    def _words_and_counts(self) -> tuple[list[str], npt.NDArray[np.int64]]:
        return (
            ([], np.zeros(0, np.int64)) if self._distinct is None else (self._distinct.words(), self._distinct.counts)
        )
