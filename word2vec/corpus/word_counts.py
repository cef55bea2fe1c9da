"""Count and encode words: the compiled pass over a corpus.

A word is a run of bytes above 0x20: white space and control characters part words, a newline ends a sentence, and a
sentence is cut after MAX_SENTENCE_WORDS words, as in word2vec.c (text8 is one line). Words get provisional ids;
`WordTable.by_frequency` tells, once all are counted, which word each id is and how the words rank.

The text is read eight bytes at a time, as a number whose lowest byte comes first, and the end of a word is found in
all eight at once. The table is a hash table with open addressing whose keys are exact, so that no two words are ever
taken for one: a word of up to 16 bytes is its own key, in two numbers, and a longer one is a chain, an entry for its
first 16 bytes and one for each eight that follow, whose key is those eight and the id of the entry before.
"""

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from word2vec.corpus.reader import MAX_WORD_BYTES
from word2vec.errors import CorpusError
from word2vec.system.jit import compiled
from word2vec.system.memory import free_memory

logger = logging.getLogger("word2vec")

MAX_SENTENCE_WORDS = 1000
CHUNK_BYTES = 8
KEY_BYTES = 2 * CHUNK_BYTES
MAX_WORD_ENTRIES = MAX_WORD_BYTES // CHUNK_BYTES  # of the longest word's chain, and one to spare
FIRST_CAPACITY = 1 << 16  # entries, 2 MiB
TABLES_IN_ALL = 5  # what counting and then ranking take in all, in sizes of a full table; 4.3 were measured

# Columns of WordTable._entries. A key's first number is 0 only where there is no entry, for no word holds a NUL.
LOW, HIGH, ID, COUNT = map(np.uint64, range(4))
# Positions in WordTable._state, the numbers that the kernel keeps between its calls; the first three are of one block.
POSITION, IDS, ENDS, ENTRIES, SENTENCE_WORDS, LONG_WORDS = map(np.uint64, range(6))

ZERO, ONE, SEVEN, CHUNK, BYTE_VALUES = map(np.uint64, (0, 1, 7, CHUNK_BYTES, 0xFF))
CHAIN_MARK = np.uint64(1 << 56)  # the highest byte of a chain's second number; a word has 0 there, or above 0x20
ID_BITS = np.uint64((1 << 56) - 1)
# 2^64 / golden ratio: its multiples spread over the slots (Knuth, volume 3, 6.4)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
SPREAD = np.uint64(0xC2B2AE3D27D4EB4F)  # keeps a key's two numbers from cancelling out (xxHash's second prime)
FIRST_OF_WORD = np.uint64(0x2121212121212121)  # the lowest byte that belongs to a word, eight times
LOWEST_BITS = np.uint64(0x0101010101010101)
PLACES = np.uint64(0x0001020304050607)  # times 256^k, its highest byte is k
NEWLINE = np.uint64(0x0A)
SENTENCE_LIMIT, WORD_LIMIT = np.uint64(MAX_SENTENCE_WORDS), np.uint64(MAX_WORD_BYTES)
MIN_WORD_BYTES_READ = 2  # a word and the white space behind it


@dataclass(frozen=True)
class RankedWords:
    """The words by count, and those of one count alphabetically by their UTF-8 bytes, which is by code point.

    Attributes:
        words: as UTF-8.
        counts: (words,) how often each was met, falling.
        rank: (provisional ids,) int32, the place of each in `words`.
    """

    words: list[bytes]
    counts: npt.NDArray[np.int64]
    rank: npt.NDArray[np.int32]


class WordTable:
    """The distinct words met so far, with their counts."""

    def __init__(self) -> None:
        self._entries = np.zeros((FIRST_CAPACITY, 4), np.uint64)  # (capacity, 4) LOW, HIGH, ID, COUNT
        self._state = np.zeros(6, np.uint64)

    @property
    def long_words(self) -> int:
        """How many words were dropped for being longer than MAX_WORD_BYTES."""
        return int(self._state[LONG_WORDS])

    def encode(self, block: bytes) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Count the words of a block that ends between words.

        Returns:
            The words' provisional ids, and for each sentence that ended the number of this block's ids before its end.

        Raises:
            CorpusError: there are more different words than memory has room for.
        """
        text = np.frombuffer(block, np.uint8)
        ids = np.empty(len(text) // MIN_WORD_BYTES_READ + 1, np.int32)
        ends = np.empty(len(text) + 1, np.int64)
        self._state[[POSITION, IDS, ENDS]] = 0
        while True:
            _encode(text, ids, ends, self._entries, self._state, _shift(self._entries), np.uint64(self._room()))
            if self._state[POSITION] == len(text):
                return ids[: int(self._state[IDS])], ends[: int(self._state[ENDS])]
            self._grow()

    def by_frequency(self) -> RankedWords:
        """The words, most frequent first."""
        entries = self._entries[self._entries[:, LOW] != 0]  # (entries, 4)
        chunks, counts = _first_chunks(entries), entries[:, COUNT].astype(np.int64)
        order = np.argsort(chunks)
        order = order[np.argsort(-counts[order], kind="stable")]
        words, ids, counts = _words(entries[order]), entries[order, ID], counts[order]
        _sort_ties(words, ids, counts, chunks[order])
        distinct = np.count_nonzero(counts)  # what comes behind is only the beginning of words
        rank = np.empty(len(ids), np.int32)
        rank[ids] = np.arange(len(ids), dtype=np.int32)
        return RankedWords(words[:distinct], counts[:distinct], rank)

    def _room(self) -> int:
        """How many entries there may be before the table has to grow; at most half of it is ever taken."""
        return len(self._entries) // 2 - MAX_WORD_ENTRIES

    def _grow(self) -> None:
        self._refuse_too_large()
        entries = np.zeros((2 * len(self._entries), 4), np.uint64)
        _rehash(self._entries, entries, _shift(entries))
        self._entries = entries

    def _refuse_too_large(self) -> None:
        """Say no to words without end, such as random numbers are, before the system kills the process."""
        needed, free = TABLES_IN_ALL * 2 * self._entries.nbytes, free_memory()
        if free is not None and needed - self._entries.nbytes > free:  # some of it is taken already
            raise CorpusError(
                f"the text has over {int(self._state[ENTRIES]):,} different words, and counting more of them may take "
                f"{needed / 1e9:.1f} GB where {free / 1e9:.1f} GB are free; is it words parted by spaces? clean "
                "it (--lowercase helps), train on a part, or use a larger machine"
            )


def load_kernels() -> None:
    """Load what is compiled, or compile it, so that this can go on beside other work."""
    table = WordTable()
    with _no_garbage_collection():
        table.encode(b"")
        table._grow()


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """What numba makes when it first loads something is all to stay; looking for garbage in it takes a fifth longer."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _begins_with(entries: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """(entries,) the row of what an entry adds eight bytes to; its own row, if it is no link of a chain."""
    row_of_id = np.empty(len(entries), np.int64)
    row_of_id[entries[:, ID]] = np.arange(len(entries))
    rows = np.arange(len(entries))
    links = np.flatnonzero(entries[:, HIGH] & ~ID_BITS == CHAIN_MARK)
    rows[links] = row_of_id[entries[links, HIGH] & ID_BITS]
    return rows


def _first_chunks(entries: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """(entries,) the first eight bytes of each word, as numbers that compare as the bytes do."""
    rows = _begins_with(entries)
    while np.any(rows != rows[rows]):
        rows = rows[rows]  # twice as far along every chain
    chunks: npt.NDArray[np.uint64] = entries[rows, LOW].astype("<u8").view(">u8")
    return chunks


def _words(entries: npt.NDArray[np.uint64]) -> list[bytes]:
    """The bytes that each entry stands for."""
    words: list[bytes] = entries[:, : HIGH + ONE].astype("<u8", order="C").view(f"S{KEY_BYTES}").ravel().tolist()
    rows = _begins_with(entries)
    links = np.flatnonzero(rows != np.arange(len(rows)))
    links = links[np.argsort(entries[links, ID])]  # a beginning has a smaller id than what it begins
    for link, row in zip(links.tolist(), rows[links].tolist(), strict=True):
        words[link] = words[row] + words[link][:CHUNK_BYTES].rstrip(b"\0")
    return words


def _sort_ties(
    words: list[bytes], ids: npt.NDArray[np.uint64], counts: npt.NDArray[np.int64], chunks: npt.NDArray[np.uint64]
) -> None:
    """Put in order, in place, the words that have a neighbor of the same count and the same first eight bytes."""
    same = (chunks[1:] == chunks[:-1]) & (counts[1:] == counts[:-1])
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    count_of = dict(zip(tied.tolist(), counts[tied].tolist(), strict=True))
    in_order = sorted(count_of, key=lambda row: (-count_of[row], words[row]))
    ids[tied] = ids[in_order]
    for row, word in zip(tied.tolist(), [words[row] for row in in_order], strict=True):
        words[row] = word


def _shift(entries: npt.NDArray[np.uint64]) -> np.uint64:
    """How far a 64-bit product is shifted to become the number of a slot; their number is a power of two."""
    return np.uint64(65 - len(entries).bit_length())


# Two traps of numba, each of which makes the pass half as slow again. Indexes must be unsigned: a signed one may count
# from the end, and the test for that keeps LLVM from reading eight bytes at once. And a function with a loop that takes
# arrays counts references to each of them, atomically, in every call; so such functions are called for few words only.


@numba.njit
def _chunk(text, position, size):  # type: ignore[no-untyped-def]
    """The next eight bytes as a number, with NUL behind the end of the text."""
    if position + CHUNK <= size:
        return (
            np.uint64(text[position])
            | np.uint64(text[position + np.uint64(1)]) << np.uint64(8)
            | np.uint64(text[position + np.uint64(2)]) << np.uint64(16)
            | np.uint64(text[position + np.uint64(3)]) << np.uint64(24)
            | np.uint64(text[position + np.uint64(4)]) << np.uint64(32)
            | np.uint64(text[position + np.uint64(5)]) << np.uint64(40)
            | np.uint64(text[position + np.uint64(6)]) << np.uint64(48)
            | np.uint64(text[position + np.uint64(7)]) << np.uint64(56)
        )
    chunk = ZERO
    for i in range(size - position):
        chunk |= np.uint64(text[position + i]) << (CHUNK * i)
    return chunk


@numba.njit
def _separators(chunk):  # type: ignore[no-untyped-def]
    """The lowest bit of each byte that parts words; right up to the first of them, which is all that is asked for.

    Subtracting 0x21 turns on the highest bit of a byte below 0x21; `~chunk` leaves out those above 0x7f.
    """
    return ((chunk - FIRST_OF_WORD) & ~chunk) >> SEVEN & LOWEST_BITS


@numba.njit
def _before(separators):  # type: ignore[no-untyped-def]
    """All bits of the bytes before the first separator; all bits where there is none."""
    return ~separators & (separators - ONE)


@numba.njit
def _length(separators):  # type: ignore[no-untyped-def]
    """How many bytes come before the first separator, of which there has to be one."""
    return (_before(separators) + ONE) * PLACES >> np.uint64(56)


@numba.njit
def _slot(low, high, shift):  # type: ignore[no-untyped-def]
    """Where the search for a key begins."""
    return (low ^ high * SPREAD) * GOLDEN >> shift


@numba.njit
def _find(entries, state, low, high, shift):  # type: ignore[no-untyped-def]
    """The slot of a key, which is entered if it is new."""
    mask = np.uint64(len(entries) - 1)
    slot = _slot(low, high, shift)
    while entries[slot, LOW] != low or entries[slot, HIGH] != high:
        if not entries[slot, LOW]:
            entries[slot, LOW], entries[slot, HIGH], entries[slot, ID] = low, high, state[ENTRIES]
            state[ENTRIES] += ONE
            break
        slot = (slot + ONE) & mask
    return slot


@numba.njit
def _chain(text, start, end, entries, state, shift):  # type: ignore[no-untyped-def]
    """The key of a word of 16 bytes or more; the entries of its beginnings are made where they are new."""
    low, high = _chunk(text, start, end), _chunk(text, start + CHUNK, end)
    position = start + CHUNK + CHUNK
    while position < end:
        high = CHAIN_MARK | entries[_find(entries, state, low, high, shift), ID]
        low = _chunk(text, position, end)
        position += CHUNK
    return low, high


@compiled
def _rehash(old, new, shift):  # type: ignore[no-untyped-def]
    mask = np.uint64(len(new) - 1)
    for i in range(len(old)):
        if old[i, LOW]:
            slot = _slot(old[i, LOW], old[i, HIGH], shift)
            while new[slot, LOW]:
                slot = (slot + ONE) & mask
            new[slot] = old[i]


@compiled
def _encode(text, ids, ends, entries, state, shift, room):  # type: ignore[no-untyped-def]
    """Encode `text` from `state[POSITION]`; stop early, at a word's start, where the table needs to grow."""
    size = np.uint64(len(text))
    position, n_ids, n_ends, in_sentence = state[POSITION], state[IDS], state[ENDS], state[SENTENCE_WORDS]
    while position < size and state[ENTRIES] < room:
        chunk = _chunk(text, position, size)
        separators = _separators(chunk)
        if separators & ONE:
            if chunk & BYTE_VALUES == NEWLINE and in_sentence:
                ends[n_ends] = n_ids
                n_ends += ONE
                in_sentence = ZERO
            position += ONE
            continue
        start = position
        low, high = chunk & _before(separators), ZERO
        if not separators:  # eight bytes or more
            position += CHUNK
            chunk = _chunk(text, position, size)
            separators = _separators(chunk)
            high = chunk & _before(separators)
            if not separators:  # 16 bytes or more
                while not separators:
                    position += CHUNK
                    separators = _separators(_chunk(text, position, size))
                end = position + _length(separators)
                if end - start > WORD_LIMIT:
                    state[LONG_WORDS] += ONE
                    position = end
                    continue
                low, high = _chain(text, start, end, entries, state, shift)
        position += _length(separators)
        slot = _slot(low, high, shift)
        if entries[slot, LOW] != low or entries[slot, HIGH] != high:
            slot = _find(entries, state, low, high, shift)
        entries[slot, COUNT] += ONE
        ids[n_ids] = entries[slot, ID]
        n_ids += ONE
        in_sentence += ONE
        if in_sentence == SENTENCE_LIMIT:
            ends[n_ends] = n_ids
            n_ends += ONE
            in_sentence = ZERO
    state[POSITION], state[IDS], state[ENDS], state[SENTENCE_WORDS] = position, n_ids, n_ends, in_sentence
