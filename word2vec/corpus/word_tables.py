"""Count and encode the words of a text with several threads; the result does not depend on their number.

Each thread counts the blocks that it encodes in a table of its own, so threads never wait for each other. When all
blocks are counted, the tables are merged, and the words are ranked by their counts and their bytes: an order that does
not depend on which thread found a word, or when.

A provisional id has to tell which table it belongs to: table i of n gives the ids i, i + n, i + 2 n and so on.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from word2vec.corpus.sentences import SentenceCutter
from word2vec.corpus.threaded_map import threaded_map
from word2vec.corpus.word_counts import RankedWords, WordTable
from word2vec.system.processors import usable_processors

# Each table needs memory for the words of the whole text, and a few threads encode as fast as one thread reads.
MAX_TABLES = 8


class WordTables:
    """The distinct words of a text, with their counts.

    Args:
        threads: The number of threads that encode; all processors by default, at most MAX_TABLES.
    """

    def __init__(self, threads: int | None = None) -> None:
        number = min(threads or usable_processors(), MAX_TABLES)
        self._tables = [WordTable(number) for _ in range(number)]

    @property
    def long_words(self) -> int:
        """The number of words that were ignored because they are longer than MAX_WORD_BYTES."""
        return sum(table.long_words for table in self._tables)

    @property
    def empty_tokens(self) -> int:
        """The number of empty words: none, because whitespace separates words."""
        return 0

    def encoded(self, blocks: Iterable[bytes]) -> Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]]:
        """Encode the blocks of a text while the caller handles the results of previous blocks.

        Args:
            blocks: Blocks of UTF-8 text that end between words; the last one ends with a newline.

        Yields:
            The provisional ids of the words of a block, and for each sentence, the number of ids of this block before
            its end, see `SentenceCutter.cut`.

        Raises:
            CorpusError: There are more distinct words than fit into memory.
        """
        number, free = len(self._tables), list(enumerate(self._tables))

        def encode(block: bytes) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
            index, table = free.pop(0)  # there are as many tables as threads
            try:
                ids, lines = table.encode(block)
            finally:
                free.append((index, table))
            if number > 1:
                ids *= number
                ids += index
            return ids, lines

        sentences = SentenceCutter()
        for ids, lines in threaded_map(encode, blocks, number):
            yield ids, sentences.cut(lines, len(ids))

    def by_frequency(self) -> RankedWords:
        """Return the words, most frequent first; called once, when all blocks are encoded."""
        merged, *others = self._tables
        self._tables = [merged]
        number = 1 + len(others)
        ids: list[npt.NDArray[np.uint64]] = []  # in the merged table, of each table, the last one first
        while others:
            ids.append(merged.add(others.pop()))  # the memory of each table is released before the next one is merged
        ranked = merged.by_frequency()
        if number == 1:
            return ranked
        ids.append(np.arange(len(ranked.rank), dtype=np.uint64))
        rank = np.zeros((max(map(len, ids)), number), np.int32)  # (ids of a table, tables)
        for index, of_table in enumerate(reversed(ids)):
            rank[: len(of_table), index] = ranked.rank[of_table]
        return replace(ranked, rank=rank.ravel())
