"""The compiled hash table of integers: an id for each distinct number, in the order of first occurrence.

Open addressing with exact keys, as in word_kernels.py. Indexes are unsigned, because numba checks signed ones for
counting from the end.
"""

import numpy as np

from word2vec.corpus.word_kernels import GOLDEN, ONE
from word2vec.system.jit import compiled

KEY, ID = map(np.uint64, range(2))  # columns of the table; a key is the number plus 1, and 0 in an empty entry
POSITION, ENTRIES = map(np.uint64, range(2))  # positions in the state, the numbers that are kept between calls
STATE_SIZE = 2


@compiled
def rehash_integers(old, new, shift):  # type: ignore[no-untyped-def]
    """Insert the entries of a table into a larger, empty one."""
    mask = np.uint64(len(new) - 1)
    for i in range(len(old)):
        if old[i, KEY]:
            slot = old[i, KEY] * GOLDEN >> shift
            while new[slot, KEY]:
                slot = (slot + ONE) & mask
            new[slot] = old[i]


@compiled
def encode_integers(numbers, ids, entries, counts, state, shift, room):  # type: ignore[no-untyped-def]
    """Encode `numbers` from `state[POSITION]` on; stop early if the table needs to grow.

    Args:
        numbers: (n,) int64, none of them negative.
        ids: (n,) int32, output.
        entries: (capacity, 2) uint64, the hash table.
        counts: (capacity,) int64, how often each id occurred.
        state: (STATE_SIZE,) uint64, numbers that are kept between calls.
        shift: By how many bits a product is shifted to give a slot.
        room: The number of entries at which the table needs to grow.
    """
    mask = np.uint64(len(entries) - 1)
    size = np.uint64(len(numbers))
    position = state[POSITION]
    while position < size and state[ENTRIES] < room:
        key = np.uint64(numbers[position]) + ONE
        slot = key * GOLDEN >> shift
        while entries[slot, KEY] != key:
            if not entries[slot, KEY]:
                entries[slot, KEY], entries[slot, ID] = key, state[ENTRIES]
                state[ENTRIES] += ONE
                break
            slot = (slot + ONE) & mask
        number = entries[slot, ID]
        counts[number] += 1
        ids[position] = number
        position += ONE
    state[POSITION] = position
