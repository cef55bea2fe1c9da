"""Count the words of a text and rank them by frequency.

`WordTable.encode` counts the words of one block after the other and gives each distinct word a provisional id. When all
blocks are counted, `WordTable.by_frequency` returns the word and the rank of each id. Words and lines are defined in
word_kernels.py, which contains the compiled pass over the text; word_tables.py counts with several threads.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from word2vec.corpus.reader import MAX_WORD_BYTES
from word2vec.corpus.word_kernels import (
    CHAIN_MARK,
    CHUNK_BYTES,
    COUNT,
    ENTRIES,
    HIGH,
    ID,
    ID_BITS,
    IDS,
    LINES,
    LONG_WORDS,
    LOW,
    ONE,
    POSITION,
    STATE_SIZE,
    add_entries,
    encode_block,
    rehash,
    slot_shift,
)
from word2vec.errors import CorpusError
from word2vec.system.memory import free_memory

KEY_BYTES = 2 * CHUNK_BYTES
MAX_WORD_ENTRIES = MAX_WORD_BYTES // CHUNK_BYTES  # the entries of the longest word's chain, and one to spare
FIRST_CAPACITY = 1 << 16  # entries, 2 MiB
PEAK_TABLES = 5  # memory of counting and then ranking, in multiples of a full table; 4.3 were measured
MAX_IDS = 1 << 31  # of all tables together: provisional ids are int32
MIN_WORD_BYTES = 2  # a word has at least one byte, and a separator follows it


@dataclass(frozen=True)
class RankedWords:
    """The words by descending count; words of equal count by their UTF-8 bytes, which is the order of code points.

    Attributes:
        words: The words in UTF-8.
        counts: (words,) The number of occurrences of each word.
        rank: (provisional ids,) int32, the position in `words` of each provisional id.
    """

    words: list[bytes]
    counts: npt.NDArray[np.int64]
    rank: npt.NDArray[np.int32]


class WordTable:
    """The distinct words found so far, with their counts.

    Args:
        tables: The number of tables of about this size that share the memory, including this one.
    """

    def __init__(self, tables: int = 1) -> None:
        self._tables = tables
        self._entries = np.zeros((FIRST_CAPACITY, 4), np.uint64)  # (capacity, 4) LOW, HIGH, ID, COUNT
        self._state = np.zeros(STATE_SIZE, np.uint64)

    @property
    def long_words(self) -> int:
        """The number of words that were ignored because they are longer than MAX_WORD_BYTES."""
        return int(self._state[LONG_WORDS])

    def encode(self, block: bytes) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Count the words of a block.

        Args:
            block: UTF-8 text that ends between two words.

        Returns:
            The provisional ids of the words, and for each line that ended, the number of ids of this block before its
            end.

        Raises:
            CorpusError: There are more distinct words than fit into memory.
        """
        text = np.frombuffer(block, np.uint8)  # (bytes,)
        ids = np.empty(len(text) // MIN_WORD_BYTES + 1, np.int32)
        lines = np.empty(len(text) + 1, np.int64)
        self._state[[POSITION, IDS, LINES]] = 0
        while True:
            shift, room = slot_shift(self._entries), np.uint64(self._room())
            encode_block(text, ids, lines, self._entries, self._state, shift, room)
            if self._state[POSITION] == len(text):
                return ids[: int(self._state[IDS])], lines[: int(self._state[LINES])]
            self._grow()

    def add(self, other: "WordTable") -> npt.NDArray[np.uint64]:
        """Add the words and the counts of another table.

        Returns:
            (ids of the other table,) The ids of the same words in this table.

        Raises:
            CorpusError: There are more distinct words than fit into memory.
        """
        entries = other._entries[other._entries[:, LOW] != 0]  # (entries, 4)
        added, ids = np.empty_like(entries), np.empty(len(entries), np.uint64)
        added[entries[:, ID]] = entries
        self._state[POSITION] = 0
        while True:
            add_entries(added, ids, self._entries, self._state, slot_shift(self._entries), np.uint64(self._room()))
            if self._state[POSITION] == len(added):
                self._state[LONG_WORDS] += other._state[LONG_WORDS]
                return ids
            self._grow()

    def by_frequency(self) -> RankedWords:
        """Return the words, most frequent first."""
        entries = self._entries[self._entries[:, LOW] != 0]  # (entries, 4)
        chunks, counts = _first_chunks(entries), entries[:, COUNT].astype(np.int64)
        order = np.argsort(chunks)
        order = order[np.argsort(-counts[order], kind="stable")]
        words, ids, counts = _words(entries[order]), entries[order, ID], counts[order]
        _sort_ties(words, ids, counts, chunks[order])
        distinct = np.count_nonzero(counts)  # entries without a count are only beginnings of words
        rank = np.empty(len(ids), np.int32)
        rank[ids] = np.arange(len(ids), dtype=np.int32)
        return RankedWords(words[:distinct], counts[:distinct], rank)

    def _room(self) -> int:
        """Return the number of entries at which the table has to grow; at most half of the slots are ever taken."""
        return len(self._entries) // 2 - MAX_WORD_ENTRIES

    def _grow(self) -> None:
        self._check_memory()
        entries = np.zeros((2 * len(self._entries), 4), np.uint64)  # (2 capacity, 4)
        rehash(self._entries, entries, slot_shift(entries))
        self._entries = entries

    def _check_memory(self) -> None:
        """Reject an endless number of distinct words, such as random numbers, before the system kills the process."""
        found = f"the text has over {int(self._state[ENTRIES]):,} distinct words"
        fewer_threads = "use fewer --threads, " if self._tables > 1 else ""
        advice = f"check that whitespace separates its words, {fewer_threads}clean it (--lowercase helps)"
        if len(self._entries) * self._tables > MAX_IDS:
            raise CorpusError(f"too many words: {found}, and ids have 32 bits; {advice}, or train on less text")
        allocated, free = self._tables * self._entries.nbytes, free_memory()
        needed = (PEAK_TABLES + self._tables - 1) * 2 * self._entries.nbytes
        if free is not None and needed - allocated > free:
            raise CorpusError(
                f"not enough memory: {found}, and counting more may need {needed / 1e9:.1f} GB, but {free / 1e9:.1f} "
                f"GB are free; {advice}, train on less text, or use a machine with more memory"
            )


def load_kernels() -> None:
    """Load the compiled code, or compile it; this can run while other work is done."""
    table = WordTable()
    with _no_garbage_collection():
        table.encode(b"")
        table.add(table)
        table._grow()


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Pause garbage collection: all objects that numba creates when it loads code stay, and a search costs a fifth."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _previous_rows(entries: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Return for each entry the row of the previous link of its chain, or its own row if it begins a word.

    Returns:
        (entries,) rows.
    """
    row_of_id = np.empty(len(entries), np.int64)
    row_of_id[entries[:, ID]] = np.arange(len(entries))
    rows = np.arange(len(entries))
    links = np.flatnonzero(entries[:, HIGH] & ~ID_BITS == CHAIN_MARK)
    rows[links] = row_of_id[entries[links, HIGH] & ID_BITS]
    return rows


def _first_chunks(entries: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return the first eight bytes of each word, as numbers that compare like the bytes.

    Returns:
        (entries,) numbers.
    """
    rows = _previous_rows(entries)
    while np.any(rows != rows[rows]):
        rows = rows[rows]  # doubles the distance along every chain
    chunks: npt.NDArray[np.uint64] = entries[rows, LOW].astype("<u8").view(">u8")
    return chunks


def _words(entries: npt.NDArray[np.uint64]) -> list[bytes]:
    """Return the bytes that each entry stands for."""
    words: list[bytes] = entries[:, : HIGH + ONE].astype("<u8", order="C").view(f"S{KEY_BYTES}").ravel().tolist()
    rows = _previous_rows(entries)
    links = np.flatnonzero(rows != np.arange(len(rows)))
    links = links[np.argsort(entries[links, ID])]  # a link has a larger id than the previous one
    for link, row in zip(links.tolist(), rows[links].tolist(), strict=True):
        words[link] = words[row] + words[link][:CHUNK_BYTES].rstrip(b"\0")
    return words


def _sort_ties(
    words: list[bytes], ids: npt.NDArray[np.uint64], counts: npt.NDArray[np.int64], chunks: npt.NDArray[np.uint64]
) -> None:
    """Sort, in place, the words that share their count and their first eight bytes with a neighbor."""
    same = (chunks[1:] == chunks[:-1]) & (counts[1:] == counts[:-1])
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    count_of = dict(zip(tied.tolist(), counts[tied].tolist(), strict=True))
    in_order = sorted(count_of, key=lambda row: (-count_of[row], words[row]))
    ids[tied] = ids[in_order]
    for row, word in zip(tied.tolist(), [words[row] for row in in_order], strict=True):
        words[row] = word
