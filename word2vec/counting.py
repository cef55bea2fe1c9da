"""Count and encode words: the compiled pass over a corpus.

A word is a run of bytes above 0x20: white space and control characters part words, a newline ends a sentence, and a
sentence is cut after MAX_SENTENCE_WORDS words, as in word2vec.c (text8 is one line). Words get provisional ids in
the order of their first appearance; tokens.py renumbers them by frequency once all are counted.

The table is a hash table with open addressing over UTF-8 bytes: FNV-1a (Fowler, Noll and Vo) to find a slot, and a
comparison of the bytes themselves, so that no two words are ever taken for one.
"""

from itertools import pairwise

import numba
import numpy as np
import numpy.typing as npt

from word2vec.corpus import MAX_WORD_BYTES

MAX_SENTENCE_WORDS = 1000
FNV_OFFSET = np.uint64(0xCBF29CE484222325)
FNV_PRIME = np.uint64(0x100000001B3)
SPACE = np.uint8(0x20)
NEWLINE = np.uint8(0x0A)
MIN_WORD_BYTES_READ = 2  # a word and the white space behind it

# Positions in WordTable._state, the numbers that the kernel keeps between blocks.
TYPES, ARENA_USED, SENTENCE_WORDS, LONG_WORDS = range(4)


class WordTable:
    """The distinct words met so far, in order of first appearance, with their counts."""

    def __init__(self) -> None:
        self._slots = np.zeros(1 << 16, np.int32)  # (capacity,) 1 + id of the word in the slot, 0 where empty
        self._hashes = np.zeros(1 << 15, np.uint64)  # (words,)
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
                self._slots, self._hashes, self._counts, self._starts, self._arena, self._state,
            )  # fmt: skip
            if position == len(text):
                return ids[:n_ids], ends[:n_ends]

    def _grow(self) -> None:
        """Make room for a word more; called again whenever the kernel stops for want of room."""
        types, used = int(self._state[TYPES]), int(self._state[ARENA_USED])
        if types == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.zeros_like(self._hashes)])
            self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)])
            self._starts = np.concatenate([self._starts, np.zeros(types, np.int64)])
        if used + MAX_WORD_BYTES > len(self._arena):
            self._arena = np.concatenate([self._arena, np.zeros_like(self._arena)])
        if 2 * types >= len(self._slots):
            self._slots = np.zeros(4 * len(self._slots), np.int32)
            _rehash(self._slots, self._hashes[:types])


@numba.njit(cache=True, nogil=True)
def _rehash(slots, hashes):  # type: ignore[no-untyped-def]
    mask = np.uint64(len(slots) - 1)
    for word in range(len(hashes)):
        slot = (hashes[word] ^ (hashes[word] >> np.uint64(32))) & mask
        while slots[slot]:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = word + 1


@numba.njit(cache=True, nogil=True, boundscheck=False)
def _encode(text, position, ids, n_ids, ends, n_ends, slots, hashes, counts, starts, arena, state):  # type: ignore[no-untyped-def]
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
        digest = FNV_OFFSET
        while position < size and text[position] > SPACE:
            digest = (digest ^ np.uint64(text[position])) * FNV_PRIME
            position += 1
        length = position - start
        if length > MAX_WORD_BYTES:
            state[LONG_WORDS] += 1
            continue
        # FNV's low bits are its weakest; the fold brings the high ones down to where the slot is chosen
        slot = (digest ^ (digest >> np.uint64(32))) & mask
        word = -1
        while slots[slot]:
            other = slots[slot] - 1
            if hashes[other] == digest and starts[other + 1] - starts[other] == length:
                same = True
                for i in range(length):
                    if arena[starts[other] + i] != text[start + i]:
                        same = False
                        break
                if same:
                    word = other
                    break
            slot = (slot + np.uint64(1)) & mask
        if word < 0:
            if types == len(hashes) or used + length > len(arena) or 2 * types >= len(slots):
                position = start
                break
            word = types
            slots[slot] = word + 1
            hashes[word] = digest
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
