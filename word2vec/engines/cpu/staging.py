"""Staging: the rows that a block of words trains are copied to private memory, trained there, and merged back.

A window touches about seven rows that are not in the cache: those of its noise words, of its center word and of one new
context word. Waiting for them takes longer than the arithmetic on many processors, and threads that write the same rows
take them out of each other's caches. So a thread trains a block of some hundred words at a time:

1. `number_words` numbers the distinct words of the block and of the windows at its ends: their slots;
2. `draw_pool` draws the noise words of the block, which get slots too. Each center word of the block later picks its
   own noise words among them, so that a row, once fetched, is used about NOISE_USES times (see draws.py);
3. `copy_rows` copies the rows of all slots, twice: one copy to train, one to remember;
4. the kernel trains the block on the private rows, which stay in the cache of the processor core;
5. `merge_rows` adds the difference of both copies to the tables, where other threads may have added theirs.

A single thread ends with the same tables as if it had trained them directly, except for rounding.

Frozen rows are restored in the private memory after each step, by `restore_rows`, and are not merged.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from word2vec.engines.cpu.compiling import inlined
from word2vec.engines.cpu.draws import GOLDEN, U64, below, next_bits, noise_word, other_word
from word2vec.engines.cpu.simd import LANES, add_difference, add_row, copy_row, prefetch_row
from word2vec.engines.draws import pool_size

CACHE_LINE_BYTES = 64
AHEAD = 6  # rows between the one that is copied and the one that is prefetched
WORD_BITS = np.int64(32)  # an entry of the hash table is a word and its slot
SLOT = np.int64((1 << 32) - 1)
INDEX_BITS = U64(64)


inlined(pool_size)


class Stage(NamedTuple):
    """The private memory of a thread. Words have the same slot in both tables."""

    entries: npt.NDArray[np.int64]  # (2^bits,) hash table of the words: word << 32 | slot, or -1
    words: npt.NDArray[np.int64]  # (S,) the word of each slot; those of the text come first
    local: npt.NDArray[
        np.int32
    ]  # (T,) slots of the words of the block and of the windows at its ends, in the order of the text
    pool: npt.NDArray[np.int64]  # (N,) slots of the noise words
    input: npt.NDArray[np.float32]  # (T * width,) rows to train
    output: npt.NDArray[np.float32]  # (S * width,)
    old_input: npt.NDArray[np.float32]  # (T * width,) the same rows before training
    old_output: npt.NDArray[np.float32]  # (S * width,)
    used: npt.NDArray[np.int64]  # (2,) numbers of slots with input rows and of all slots, from training to merging
    width: int
    bits: int
    block_words: int  # center words of a block
    reach: int  # words before and after the center word that a window contains, at most
    negatives: int  # noise words of a center word


def new_stage(words: int, block: int, reach: int, width: int, negatives: int) -> Stage:
    """Allocate the private memory of a thread.

    Args:
        words: Words that survive subsampling in a chunk, at most.
        block: Center words of a block.
        reach: Words before and after the center word that a window contains, at most.
        width: Floats in a row.
        negatives: Noise words of a center word.
    """
    text, noise = min(words, block + reach), pool_size(min(words, block), negatives)
    slots = text + noise + 1  # a noise word may be replaced
    bits = (2 * slots - 1).bit_length()
    return Stage(
        entries=np.zeros(1 << bits, np.int64),
        words=np.zeros(slots, np.int64),
        local=np.zeros(text, np.int32),
        pool=np.zeros(noise, np.int64),
        input=aligned_memory(text * width),
        output=aligned_memory(slots * width),
        old_input=aligned_memory(text * width),
        old_output=aligned_memory(slots * width),
        used=np.zeros(2, np.int64),
        width=width,
        bits=bits,
        block_words=block,
        reach=reach,
        negatives=negatives,
    )


def aligned_memory(size: int) -> npt.NDArray[np.float32]:
    """Return zeros, (size,), that begin at a cache line."""
    memory = np.zeros(size + LANES, np.float32)  # numpy's, which uses huge pages
    first = -memory.ctypes.data % CACHE_LINE_BYTES // memory.itemsize
    return memory[first : first + size]


@inlined
def number_words(stage, kept, low, high):
    """Number the words kept[low:high] and write their slots to `stage.local`; returns how many are distinct."""
    for place in range(1 << stage.bits):
        stage.entries[place] = -1
    used = 0
    for place in range(low, high):
        slot, used = slot_of(stage, np.int64(kept[place]), used)
        stage.local[place - low] = slot
    return used


@inlined
def slot_of(stage, word, used):
    """Return the slot of a word, a new one if it has none, and the number of slots in use."""
    place = np.int64((U64(word) * GOLDEN) >> (INDEX_BITS - U64(stage.bits)))
    while stage.entries[place] >= 0:
        if stage.entries[place] >> WORD_BITS == word:
            return stage.entries[place] & SLOT, used
        place = (place + 1) & ((1 << stage.bits) - 1)
    stage.entries[place] = word << WORD_BITS | used
    stage.words[used] = word
    return used, used + 1


@inlined
def draw_pool(stage, used, size, noise, cumulative, state):
    """Draw noise words, at least two distinct ones, and write their slots to `stage.pool`.

    Returns:
        The number of slots in use and the random state.
    """
    distinct = False
    for i in range(size):
        state, bits = next_bits(state)
        stage.pool[i], used = slot_of(stage, noise_word(noise.noise, len(cumulative), bits), used)
        distinct = distinct or stage.pool[i] != stage.pool[0]
    if not distinct:  # a center word must find a noise word that differs from it
        state, bits = next_bits(state)
        stage.pool[0], used = slot_of(stage, other_word(stage.words[stage.pool[0]], cumulative, bits), used)
    return used, state


@inlined
def pick_noise(stage, center, size, state):
    """Pick a noise word of the pool that is not the center word; takes and returns slots.

    Returns:
        The slot and the random state.
    """
    state, bits = next_bits(state)
    place = below(bits, size)
    while stage.pool[place] == center:
        place = place + 1 if place + 1 < size else 0
    return stage.pool[place], state


@inlined
def copy_rows(stage, text_slots, slots, tables):
    """Copy the rows of all slots to the private memory; only those of the text have input rows."""
    for slot in range(slots):
        prefetch_slot(stage, slot + AHEAD, text_slots, slots, tables)
        start, place = stage.words[slot] * stage.width, slot * stage.width
        copy_row(tables.output, start, stage.output, stage.old_output, place, stage.width)
        if slot < text_slots:
            copy_row(tables.input, start, stage.input, stage.old_input, place, stage.width)


@inlined
def restore_rows(stage, rows, n, targets, n_targets, tables):
    """Undo the steps of those private rows that are frozen, among n input rows and the rows of the targets."""
    for i in range(n):
        if tables.frozen_input[stage.words[rows[i] // stage.width]]:
            copy_row(stage.old_input, rows[i], stage.input, stage.input, rows[i], stage.width)
    for k in range(n_targets):
        if tables.frozen_output[stage.words[targets[k] // stage.width]]:
            copy_row(stage.old_output, targets[k], stage.output, stage.output, targets[k], stage.width)


@inlined
def merge_rows(stage, text_slots, slots, tables, frozen):
    """Add what training changed to the tables; `frozen` says whether some of their rows are."""
    for slot in range(slots):
        prefetch_slot(stage, slot + AHEAD, text_slots, slots, tables)
        word, place = stage.words[slot], slot * stage.width
        start = word * stage.width
        if not (frozen and tables.frozen_output[word]):
            add_difference(tables.output, start, stage.output, stage.old_output, place, stage.width)
        if slot < text_slots and not (frozen and tables.frozen_input[word]):
            add_difference(tables.input, start, stage.input, stage.old_input, place, stage.width)


@inlined
def keep_changes(stage, text_slots, slots):
    """Replace the private rows by their changes, for `add_changes`: so that a thread that adds them reads one copy."""
    for i in range(slots * stage.width):
        stage.output[i] -= stage.old_output[i]
    for i in range(text_slots * stage.width):
        stage.input[i] -= stage.old_input[i]


@inlined
def add_changes(stage, text_slots, slots, tables, part, parts, frozen):
    """Add the changes to the rows of the words whose number modulo `parts` is `part`; see `merge_rows`."""
    for slot in range(slots):
        ahead = slot + AHEAD * parts
        if ahead < slots and stage.words[ahead] % parts == part:
            prefetch_slot(stage, ahead, text_slots, slots, tables)
            prefetch_row(stage.output, ahead * stage.width, stage.width)
            if ahead < text_slots:
                prefetch_row(stage.input, ahead * stage.width, stage.width)
        word = stage.words[slot]
        if word % parts == part:
            start, place = word * stage.width, slot * stage.width
            if not (frozen and tables.frozen_output[word]):
                add_row(tables.output, start, stage.output, place, stage.width)
            if slot < text_slots and not (frozen and tables.frozen_input[word]):
                add_row(tables.input, start, stage.input, place, stage.width)


@inlined
def prefetch_slot(stage, slot, text_slots, slots, tables):
    """Prefetch the rows of a slot, if there is one."""
    if slot < slots:
        prefetch_row(tables.output, stage.words[slot] * stage.width, stage.width)
    if slot < text_slots:
        prefetch_row(tables.input, stage.words[slot] * stage.width, stage.width)
