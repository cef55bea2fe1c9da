"""Count and encode words: the compiled pass over a corpus.

A word is a run of bytes above 0x20: white space and control characters part words, a newline ends a sentence, and a
sentence is cut after MAX_SENTENCE_WORDS words, as in word2vec.c (text8 is one line). Words get provisional ids in
the order of their first appearance; tokens.py renumbers them by frequency once all are counted.

The table is a hash table with open addressing. A word of up to eight bytes is its own key, the bytes packed into 64
bits; a longer one has a hash of its bytes (FNV-1a's step, Fowler, Noll and Vo) with a mark that no packed word has, and
its bytes are compared, so that no two words are ever taken for one.
"""

from itertools import pairwise

import numba
import numpy as np
import numpy.typing as npt

from word2vec.corpus import MAX_WORD_BYTES

MAX_SENTENCE_WORDS = 1000
PACKED_BYTES = 8
FNV_PRIME = np.uint64(0x100000001B3)
HASH_BITS = np.uint64((1 << 56) - 1)  # of a long word's key; the byte above them is the mark
LONG_MARK = np.uint64(1 << 56)  # a packed word has 0 there, or a byte above 0x20
GOLDEN = np.uint64(
    0x9E3779B97F4A7C15
)  # 2^64 / golden ratio: its multiples spread over the slots (Knuth, volume 3, 6.4)
ONE, BYTE_BITS = np.uint64(1), np.uint64(8)
SPACE = np.uint8(0x20)
NEWLINE = np.uint8(0x0A)
MIN_WORD_BYTES_READ = 2  # a word and the white space behind it

# Positions in WordTable._state, the numbers that the kernel keeps between blocks.
TYPES, ARENA_USED, SENTENCE_WORDS, LONG_WORDS = range(4)


class WordTable:
    """The distinct words met so far, in order of first appearance, with their counts."""

    def __init__(self) -> None:
        self._slots = np.zeros(1 << 16, np.int32)  # (capacity,) 1 + id of the word in the slot, 0 where empty
        self._slot_keys = np.zeros(1 << 16, np.uint64)  # (capacity,) the key of the word in the slot
        self._keys = np.zeros(1 << 15, np.uint64)  # (words,)
        self._counts = np.zeros(1 << 15, np.int64)  # (words,)
        self._starts = np.zeros((1 << 15) + 1, np.int64)  # (words + 1,) where a word's bytes begin in the arena
        self._arena = np.zeros(1 << 18, np.uint8)
        self._state = np.zeros(4, np.int64)

    def __len__(self) -> int:
        return int(self._state[TYPES])

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """(words,) how often each word was met."""
        return self._counts[: len(self)]

    @property
    def words(self) -> list[bytes]:
        """The words as UTF-8."""
        arena = self._arena.tobytes()
        starts = self._starts[: len(self) + 1].tolist()
        return [arena[start:end] for start, end in pairwise(starts)]

    @property
    def long_words(self) -> int:
        """How many words were dropped for being longer than MAX_WORD_BYTES."""
        return int(self._state[LONG_WORDS])

    def encode(self, block: bytes) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Count the words of a block that ends between words.

        Returns:
            The words' provisional ids, and for each sentence that ended the number of this block's ids before its end.
        """
        text = np.frombuffer(block, np.uint8)
        ids = np.empty(len(text) // MIN_WORD_BYTES_READ + 1, np.int32)
        ends = np.empty(len(text) + 1, np.int64)
        position = n_ids = n_ends = 0
        while True:
            self._grow()
            position, n_ids, n_ends = _encode(
                text, position, ids, n_ids, ends, n_ends,
                self._slots, self._slot_keys, self._keys, self._counts, self._starts, self._arena, self._state,
                _shift(self._slots),
            )  # fmt: skip
            if position == len(text):
                return ids[:n_ids], ends[:n_ends]

    def _grow(self) -> None:
        """Make room for a word more; called again whenever the kernel stops for want of room."""
        types, used = int(self._state[TYPES]), int(self._state[ARENA_USED])
        if types == len(self._keys):
            self._keys = np.concatenate([self._keys, np.zeros_like(self._keys)])
            self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)])
            self._starts = np.concatenate([self._starts, np.zeros(types, np.int64)])
        if used + MAX_WORD_BYTES > len(self._arena):
            self._arena = np.concatenate([self._arena, np.zeros_like(self._arena)])
        if 2 * types >= len(self._slots):
            self._slots = np.zeros(2 * len(self._slots), np.int32)
            self._slot_keys = np.zeros(len(self._slots), np.uint64)
            _rehash(self._slots, self._slot_keys, self._keys[:types], _shift(self._slots))


def _shift(slots: npt.NDArray[np.int32]) -> np.uint64:
    """How far a 64-bit product is shifted to become the number of a slot; their number is a power of two."""
    return np.uint64(65 - len(slots).bit_length())


@numba.njit(cache=True, nogil=True)
def _rehash(slots, slot_keys, keys, shift):  # type: ignore[no-untyped-def]
    mask = np.uint64(len(slots) - 1)
    for word in range(len(keys)):
        slot = (keys[word] * GOLDEN) >> shift
        while slots[slot]:
            slot = (slot + ONE) & mask
        slots[slot] = word + 1
        slot_keys[slot] = keys[word]


@numba.njit(cache=True, nogil=True, boundscheck=False)
def _encode(text, position, ids, n_ids, ends, n_ends, slots, slot_keys, keys, counts, starts, arena, state, shift):  # type: ignore[no-untyped-def]
    """Encode `text` from `position`; stop early, at a word's start, where the table needs to grow."""
    mask = np.uint64(len(slots) - 1)
    size = len(text)
    types, used, in_sentence = state[TYPES], state[ARENA_USED], state[SENTENCE_WORDS]
    while position < size:
        byte = text[position]
        if byte <= SPACE:
            position += 1
            if byte == NEWLINE and in_sentence:
                ends[n_ends] = n_ids
                n_ends += 1
                in_sentence = 0
            continue
        start = position
        key, place = np.uint64(0), np.uint64(0)
        packed_end = min(size, start + PACKED_BYTES)
        while position < packed_end and text[position] > SPACE:
            key |= np.uint64(text[position]) << place
            place += BYTE_BITS
            position += 1
        is_long = position == packed_end and position < size and text[position] > SPACE
        if is_long:
            while position < size and text[position] > SPACE:
                key = (key ^ np.uint64(text[position])) * FNV_PRIME
                position += 1
            key = (key ^ (key >> np.uint64(32))) & HASH_BITS | LONG_MARK
        length = position - start
        if length > MAX_WORD_BYTES:
            state[LONG_WORDS] += 1
            continue
        slot = (key * GOLDEN) >> shift
        word = -1
        while slots[slot]:
            if slot_keys[slot] == key:
                other = slots[slot] - 1
                same = not is_long or starts[other + 1] - starts[other] == length
                for i in range(length if is_long and same else 0):
                    if arena[starts[other] + i] != text[start + i]:
                        same = False
                        break
                if same:
                    word = other
                    break
            slot = (slot + ONE) & mask
        if word < 0:
            if types == len(keys) or used + length > len(arena) or 2 * types >= len(slots):
                position = start
                break
            word = types
            slots[slot] = word + 1
            slot_keys[slot] = key
            keys[word] = key
            for i in range(length):
                arena[used + i] = text[start + i]
            used += length
            types += 1
            starts[types] = used
        counts[word] += 1
        ids[n_ids] = word
        n_ids += 1
        in_sentence += 1
        if in_sentence == MAX_SENTENCE_WORDS:
            ends[n_ends] = n_ids
            n_ends += 1
            in_sentence = 0
    state[TYPES], state[ARENA_USED], state[SENTENCE_WORDS] = types, used, in_sentence
    return position, n_ids, n_ends
