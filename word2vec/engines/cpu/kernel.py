"""The compiled loop of the fused CPU engine.

The algorithm is that of Ji et al. 2016, "Parallelizing word2vec in shared and distributed memory": the context words of
a center word share one set of noise words, so that the scores and updates of a window are small matrix products. For
each chunk of sentences,

1. `subsample` writes the words that survive subsampling;
2. `draw_ahead` draws the noise words and the window of the next center word and prefetches their rows, which are on
   the way into the cache while the current center word is processed;
3. `gather_block` lists the rows x_i of a block of context words;
4. `score_block` computes s_ki = x_i . y_k for all targets y_k;
5. `score_gradients` turns the scores into losses and gradients g_ki = dL/ds_ki, in objectives.py;
6. `update_block` adds -lr * sum_k g_ki y_k to x_i, and -lr * sum_i g_ki x_i to y_k.

The arithmetic on rows is in simd.py. Numba compiles a kernel for each objective and number of noise words, in two to
three seconds, and caches it on disk. `engines/plain.py` is the same algorithm in plain numpy.
"""

import functools
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt
from numba.extending import overload

from word2vec.engines.cpu.objectives import FLAGS, INLINED, block_offsets, block_size, score_gradients
from word2vec.engines.cpu.simd import (
    BLOCK_ROWS,
    LANES,
    align_stack,
    block_scores,
    block_steps,
    keep_alive,
    padded_targets,
    pointer_to,
    pointers,
    prefetch_row,
)
from word2vec.system import instructions
from word2vec.system.jit import cached_on_disk

U64 = np.uint64
GOLDEN, MIX_1, MIX_2 = U64(0x9E3779B97F4A7C15), U64(0xBF58476D1CE4E5B9), U64(0x94D049BB133111EB)
SHIFT_1, SHIFT_2, SHIFT_3, HALF = U64(30), U64(27), U64(31), U64(32)
LOW = U64(0xFFFFFFFF)
IMPORTED = (instructions.__file__, "simd.py", "objectives.py")
UNIT = 2.0**-53  # 53 bits fill the mantissa of a float64
MANTISSA_SHIFT = U64(11)


class Text(NamedTuple):
    """The corpus."""

    tokens: npt.NDArray[np.int32]  # (words,)
    offsets: npt.NDArray[np.int64]  # (sentences + 1,)


class Sampling(NamedTuple):
    """The distributions to draw from."""

    keep: npt.NDArray[np.uint32]  # (V,) a word survives if a draw from 0..2^32-1 is at most this
    # (2 * V,) alias table: for each column its acceptance probability in units of 2^-32, then its alias
    noise: npt.NDArray[np.uint32]
    cumulative: npt.NDArray[np.float64]  # (V,) cumulative noise distribution
    log_q: npt.NDArray[np.float32]  # (V,) subtracted from the scores, if the objective needs it
    min_width: int  # of a window; widths and sides as in sampling.windows.Window
    widths: int
    left: int
    right: int
    ahead: int  # the input row that is prefetched is that of the word this far after the center word


class Tables(NamedTuple):
    """The model."""

    input: npt.NDArray[np.float32]  # (V * width,)
    output: npt.NDArray[np.float32]  # (V * width,)
    width: int  # dimensions, rounded up to complete cache lines; the padding is zero


class ThreadState(NamedTuple):
    """State and working memory of one thread."""

    kept: npt.NDArray[np.int32]  # (words of a chunk or more,) words that survived subsampling
    ends: npt.NDArray[np.int64]  # (sentences of a chunk or more,) where each sentence ends in `kept`
    random: npt.NDArray[np.uint64]  # (1,) state of the random numbers
    pairs: npt.NDArray[np.int64]  # (1,) pairs trained
    loss: npt.NDArray[np.float64]  # (LANES,) sums of the losses


class Buffers(NamedTuple):
    """Working memory of one call. The first three have two halves, which the current and the next center alternate."""

    targets: npt.NDArray[np.int64]  # (2 * padded,) where the rows of the targets begin in the output table
    shifts: npt.NDArray[np.float32]  # (2 * padded,) log_q of the targets
    reach: npt.NDArray[np.int64]  # (2 * 2,) how many words before and after the center word its window contains
    rows: npt.NDArray[np.int64]  # (BLOCK_ROWS,) where the rows of a block of context words begin in the input table
    block: npt.NDArray[np.float32]  # (block_size(padded, LANES),) scores, gradients and losses; see objectives.py
    steps: npt.NDArray[np.float32]  # (padded * LANES,) working memory of block_steps
    loss: npt.NDArray[np.float64]  # (LANES,) sums of the losses


@functools.cache
def kernel(objective: str, negatives: int, corrected: bool) -> Callable[..., None]:
    """Return the compiled loop `train(text, first, last, sampling, tables, constants, lr, thread)`.

    It trains the sentences from `first` to before `last`. The arguments here are compile-time constants: the objective
    is inlined, and the loops over the targets of a tile are unrolled.

    Args:
        objective: Name of the objective in LOSSES.
        negatives: Number of noise words per center word.
        corrected: Whether `log_q` is subtracted from the scores.
    """
    n_targets = 1 + negatives
    padded = padded_targets(n_targets)
    size = block_size(padded, LANES)

    def train(text, first, last, sampling, tables, constants, lr, thread):
        align_stack()
        n_kept, state = subsample(text, first, last, sampling.keep, thread, thread.random[0])
        memory = Buffers(
            targets=np.zeros(2 * padded, np.int64),
            shifts=np.zeros(2 * padded, np.float32),
            reach=np.zeros(4, np.int64),
            rows=np.zeros(BLOCK_ROWS, np.int64),
            block=np.zeros(size, np.float32),
            steps=np.zeros(padded * LANES, np.float32),
            loss=np.zeros(LANES, np.float64),
        )
        cumulative = sampling.cumulative
        table, noise, words, buffers = pointers(tables), pointers(sampling), pointers(thread), pointers(memory)
        sentence, begin, pairs = 0, 0, 0
        for position in range(-1, n_kept):
            if position + 1 < n_kept:
                state = draw_ahead(
                    position + 1,
                    n_kept,
                    words.kept,
                    noise,
                    cumulative,
                    table,
                    buffers,
                    state,
                    n_targets,
                    padded,
                    corrected,
                )
            if position < 0:
                continue
            while position >= words.ends[sentence]:
                begin = words.ends[sentence]
                sentence += 1
            half = position & 1
            left = max(begin, position - buffers.reach[2 * half])
            right = min(words.ends[sentence], position + buffers.reach[2 * half + 1] + 1)
            for start in range(left, right - 1, BLOCK_ROWS):
                n = min(BLOCK_ROWS, right - 1 - start)
                gather_block(words.kept, start, n, position, table.width, buffers.rows)
                score_block(table, buffers, half, n, n_targets, padded, corrected)
                # subtle: the array, because the longer objectives are not vectorized with a pointer
                score_gradients(objective, n_targets, padded, LANES, memory.block, constants)
                update_block(table, buffers, half, n, n_targets, padded, lr)
                add_losses(buffers, padded, n)
            pairs += right - 1 - left
        thread.random[0] = state
        # subtle: both at the end, so that a report in between counts the pairs that belong to its loss
        thread.pairs[0] += pairs
        for i in range(LANES):
            thread.loss[i] += memory.loss[i]
        keep_alive(memory)

    # subtle: numba names the cache files by this. Kernels of one name would share an index file, which two processes
    # that compile at once can corrupt for good; and numba detects changes of this file only, not of those it imports
    train.__qualname__ = f"train_{objective}_{negatives}_{corrected}_{digest_of(*IMPORTED):08x}"
    return cached_on_disk(numba.njit(nogil=True, fastmath=FLAGS, boundscheck=False, error_model="numpy")(train))


def inlined(function):
    """Let kernels call a function: it is inlined, and literals among its arguments are compile-time constants."""

    @overload(function, prefer_literal=True, strict=False, jit_options=INLINED)
    def implementation(*arguments):
        return function

    return function


@inlined
def subsample(text, first, last, keep, thread, state):
    """Write the words that survive, and where each sentence of them ends; returns their number and the random state."""
    n_kept = 0
    for sentence in range(first, last):
        for place in range(text.offsets[sentence], text.offsets[sentence + 1]):
            word = np.int64(text.tokens[place])
            if U64(word) < U64(len(keep)):  # negative ids are outside the vocabulary too
                state, bits = next_bits(state)
                thread.kept[n_kept] = word  # without a branch, which the processor would mispredict one time in four
                n_kept += np.int64((bits >> HALF) <= keep[word])
        thread.ends[sentence - first] = n_kept
    return n_kept, state


@inlined
def draw_ahead(position, n_kept, kept, noise, cumulative, tables, buffers, state, n_targets, padded, corrected):
    """Draw noise words and window of the center word at a position, and prefetch rows; returns the random state."""
    half, width = position & 1, tables.width
    center = np.int64(kept[position])
    state = draw_targets(center, half * padded, noise, cumulative, tables, buffers, state, n_targets, padded, corrected)
    state, bits = next_bits(state)
    reach = noise.min_width + below(bits, noise.widths)
    buffers.reach[2 * half], buffers.reach[2 * half + 1] = min(reach, noise.left), min(reach, noise.right)
    if position + noise.ahead < n_kept:
        prefetch_row(tables.input, kept[position + noise.ahead] * width, width)
    return state


@inlined
def draw_targets(center, place, noise, cumulative, tables, buffers, state, n_targets, padded, corrected):
    """Draw the noise words of a center word, write all targets from `place` on, and prefetch their rows.

    Returns:
        The random state.
    """
    width = tables.width
    for k in range(padded):  # the padding repeats the center word
        buffers.targets[place + k] = center * width
    if corrected:
        buffers.shifts[place] = noise.log_q[center]
    prefetch_row(tables.output, center * width, width)
    for k in range(1, n_targets):
        state, bits = next_bits(state)
        word = noise_word(noise.noise, len(cumulative), bits)
        if word == center:
            state, bits = next_bits(state)
            word = other_word(center, cumulative, bits)
        buffers.targets[place + k] = word * width
        if corrected:
            buffers.shifts[place + k] = noise.log_q[word]
        prefetch_row(tables.output, word * width, width)
    return state


@inlined
def gather_block(kept, start, n, position, width, rows):
    """Write where the rows of n context words begin, from word `start` on and without the center at `position`."""
    for i in range(n):
        word = start + i + np.int64(start + i >= position)
        rows[i] = np.int64(kept[word]) * width


@inlined
def score_block(tables, buffers, half, n, n_targets, padded, corrected):
    """Write the scores of n context words with all targets, corrected by log_q if needed."""
    targets = pointer_to(buffers.targets, half * padded)
    block_scores(tables.input, buffers.rows, n, tables.output, targets, buffers.block, tables.width, n_targets)
    if corrected:
        for k in range(n_targets):
            shift = buffers.shifts[half * padded + k]
            for i in range(LANES):
                buffers.block[k * LANES + i] -= shift


@inlined
def update_block(tables, buffers, half, n, n_targets, padded, lr):
    """Add the steps of a block to its rows, from the gradients that the objective has written."""
    gradients, _, _ = block_offsets(padded, LANES)
    targets, slopes = pointer_to(buffers.targets, half * padded), pointer_to(buffers.block, gradients)
    block_steps(
        tables.input, buffers.rows, n, tables.output, targets, slopes, lr, buffers.steps, tables.width, n_targets
    )


@inlined
def add_losses(buffers, padded, n):
    """Add the losses of the n examples of a block, lane by lane."""
    _, losses, _ = block_offsets(padded, LANES)
    for i in range(LANES):
        buffers.loss[i] += np.float64(buffers.block[losses + i]) if i < n else 0.0


@inlined
def next_bits(state):
    """Return the next state and 64 random bits: SplitMix64.

    Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators".
    """
    state += GOLDEN
    bits = (state ^ (state >> SHIFT_1)) * MIX_1
    bits = (bits ^ (bits >> SHIFT_2)) * MIX_2
    return state, bits ^ (bits >> SHIFT_3)


@inlined
def below(bits, bound):
    """Return a number from 0 to bound - 1, from the upper half of the bits."""
    return np.int64(((bits >> HALF) * U64(bound)) >> HALF)


@inlined
def noise_word(noise, vocabulary_size, bits):
    """Draw from the alias table: the upper half of the bits selects the column, the lower half accepts it or not."""
    column = below(bits, vocabulary_size)
    accepted = np.int64((bits & LOW) < noise[2 * column])
    alias = np.int64(noise[2 * column + 1])
    return alias + accepted * (column - alias)  # without a branch, which the processor would mispredict


@inlined
def other_word(word, cumulative, bits):
    """Draw from the noise distribution without `word`: invert the cumulative distribution, skipping its interval."""
    before = cumulative[word - 1] if word > 0 else 0.0
    own = cumulative[word] - before
    place = (bits >> MANTISSA_SHIFT) * UNIT * (1.0 - own)
    if place >= before:
        place += own
    low, high = 0, len(cumulative) - 1
    while low < high:
        middle = (low + high) // 2
        if cumulative[middle] > place:
            high = middle
        else:
            low = middle + 1
    # subtle: rounding may still hit the word; the most frequent other word gets that probability
    return low if low != word else np.int64(word == 0)


def digest_of(*names: str) -> int:
    """Return a checksum of files, by path or by name in this subpackage, whose functions a kernel contains."""
    return zlib.crc32(b"".join((Path(__file__).parent / name).read_bytes() for name in names))
