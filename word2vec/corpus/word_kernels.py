"""The compiled pass over a text: find the words, look them up in a hash table, count them.

A word is a sequence of bytes above 0x20: whitespace and control characters separate words, and a newline ends a line.

The text is read eight bytes at a time, as a little-endian number, and the end of a word is searched in all eight bytes
at once. The hash table uses open addressing, and its keys are exact, so two words are never confused: a word of up to
16 bytes is its own key, in two numbers. A longer word is a chain: one entry for its first 16 bytes and one for each
eight bytes that follow, whose key is those eight bytes and the id of the previous entry.

Two pitfalls of numba each make the pass 1.5 times as slow. Indexes must be unsigned: a signed one may count
from the end, and the check for that keeps LLVM from reading eight bytes at once. And a function with a loop that takes
arrays counts references to each of them, atomically, in every call; such functions are called for few words only.
"""

import numba
import numpy as np
import numpy.typing as npt

from word2vec.corpus.reader import MAX_WORD_BYTES
from word2vec.system.jit import compiled

CHUNK_BYTES = 8

# Columns of the table. The first number of a key is 0 only in an empty entry, because no word contains a NUL byte.
LOW, HIGH, ID, COUNT = map(np.uint64, range(4))
# Positions in the state, the numbers that the kernel keeps between its calls; the first three belong to one block.
POSITION, IDS, LINES, ENTRIES, LONG_WORDS = map(np.uint64, range(5))
STATE_SIZE = 5

ZERO, ONE, SEVEN, CHUNK, BYTE_VALUES = map(np.uint64, (0, 1, 7, CHUNK_BYTES, 0xFF))
CHAIN_MARK = np.uint64(1 << 56)  # in the highest byte of a chain's second number; a word has 0 or more than 0x20 there
ID_BITS = np.uint64((1 << 56) - 1)
# 2^64 / golden ratio: its multiples spread evenly over the slots (Knuth, volume 3, section 6.4)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
SPREAD = np.uint64(0xC2B2AE3D27D4EB4F)  # keeps the two numbers of a key from canceling out (second prime of xxHash)
FIRST_OF_WORD = np.uint64(0x2121212121212121)  # the lowest byte that belongs to a word, eight times
LOWEST_BITS = np.uint64(0x0101010101010101)
PLACES = np.uint64(0x0001020304050607)  # the highest byte of its product with 256^k is k
NEWLINE = np.uint64(0x0A)
WORD_LIMIT = np.uint64(MAX_WORD_BYTES)


def slot_shift(entries: npt.NDArray[np.uint64]) -> np.uint64:
    """Return by how many bits a 64-bit product is shifted to give a slot; the number of slots is a power of two."""
    return np.uint64(65 - len(entries).bit_length())


@numba.njit
def _chunk(text, position, size):  # type: ignore[no-untyped-def]
    """Return the next eight bytes as a number, padded with NUL bytes at the end of the text."""
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
    """Return a mask with the lowest bit of each separator byte set; correct up to the first of them, which suffices.

    Subtracting 0x21 sets the highest bit of a byte below 0x21; `~chunk` excludes the bytes above 0x7f.
    """
    return ((chunk - FIRST_OF_WORD) & ~chunk) >> SEVEN & LOWEST_BITS


@numba.njit
def _before(separators):  # type: ignore[no-untyped-def]
    """Return a mask of all bits before the first separator; of all bits if there is none."""
    return ~separators & (separators - ONE)


@numba.njit
def _length(separators):  # type: ignore[no-untyped-def]
    """Return the number of bytes before the first separator, which must exist."""
    return (_before(separators) + ONE) * PLACES >> np.uint64(56)


@numba.njit
def _slot(low, high, shift):  # type: ignore[no-untyped-def]
    """Return the slot where the search for a key begins."""
    return (low ^ high * SPREAD) * GOLDEN >> shift


@numba.njit
def _find(entries, state, low, high, shift):  # type: ignore[no-untyped-def]
    """Return the slot of a key, inserting it if it is new."""
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
    """Return the key of a word of 16 bytes or more, inserting the entries of its beginnings if they are new."""
    low, high = _chunk(text, start, end), _chunk(text, start + CHUNK, end)
    position = start + CHUNK + CHUNK
    while position < end:
        high = CHAIN_MARK | entries[_find(entries, state, low, high, shift), ID]
        low = _chunk(text, position, end)
        position += CHUNK
    return low, high


@compiled
def rehash(old, new, shift):  # type: ignore[no-untyped-def]
    """Insert the entries of a table into a larger, empty one."""
    mask = np.uint64(len(new) - 1)
    for i in range(len(old)):
        if old[i, LOW]:
            slot = _slot(old[i, LOW], old[i, HIGH], shift)
            while new[slot, LOW]:
                slot = (slot + ONE) & mask
            new[slot] = old[i]


@compiled
def add_entries(added, ids, entries, state, shift, room):  # type: ignore[no-untyped-def]
    """Add entries of another table from `state[POSITION]` on; stop early if the table needs to grow.

    Args:
        added: (entries, 4) The entries of the other table in the order of their ids.
        ids: (entries,) uint64, output, the ids in this table.
        entries: (capacity, 4) The hash table.
        state: (STATE_SIZE,) Numbers that are kept between calls.
        shift: See `slot_shift`.
        room: The number of entries at which the table needs to grow.
    """
    position = state[POSITION]
    while position < np.uint64(len(added)) and state[ENTRIES] < room:
        low, high = added[position, LOW], added[position, HIGH]
        if high & ~ID_BITS == CHAIN_MARK:
            high = CHAIN_MARK | ids[high & ID_BITS]  # the previous entry of a chain has a smaller id
        slot = _find(entries, state, low, high, shift)
        entries[slot, COUNT] += added[position, COUNT]
        ids[position] = entries[slot, ID]
        position += ONE
    state[POSITION] = position


@compiled
def encode_block(text, ids, lines, entries, state, shift, room):  # type: ignore[no-untyped-def]
    """Encode `text` from `state[POSITION]` on; stop early, at the start of a word, if the table needs to grow.

    Args:
        text: (bytes,) uint8.
        ids: Output, the provisional id of each word.
        lines: Output, the number of ids before the end of each line.
        entries: (capacity, 4) The hash table.
        state: (STATE_SIZE,) Numbers that are kept between calls.
        shift: See `slot_shift`.
        room: The number of entries at which the table needs to grow.
    """
    size = np.uint64(len(text))
    position, n_ids, n_lines = state[POSITION], state[IDS], state[LINES]
    while position < size and state[ENTRIES] < room:
        chunk = _chunk(text, position, size)
        separators = _separators(chunk)
        if separators & ONE:
            if chunk & BYTE_VALUES == NEWLINE:
                lines[n_lines] = n_ids
                n_lines += ONE
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
    state[POSITION], state[IDS], state[LINES] = position, n_ids, n_lines
