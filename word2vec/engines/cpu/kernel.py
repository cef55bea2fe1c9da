"""The compiled loop of the fused CPU engine.

It walks over the words that survive subsampling, and draws for each the noise words and the width of the window one
word ahead, so that their rows are on the way into the cache while it works on the word before. The arithmetic on rows
is in cpu_blocks.py, that on scores in cpu_gradients.py. Numba compiles a kernel for each objective and number of noise
words, in two to three seconds, and keeps it on disk.
"""

import functools
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt
from numba.extending import register_jitable

from word2vec.engines.cpu.objectives import FLAGS, block_size, places, score_gradients
from word2vec.engines.cpu.simd import (
    BLOCK_ROWS,
    LANES,
    block_scores,
    block_steps,
    padded_targets,
    pointer_to,
    prefetch_row,
)

U64 = np.uint64
GOLDEN, MIX_1, MIX_2 = U64(0x9E3779B97F4A7C15), U64(0xBF58476D1CE4E5B9), U64(0x94D049BB133111EB)
SHIFT_1, SHIFT_2, SHIFT_3, HALF = U64(30), U64(27), U64(31), U64(32)
LOW = U64(0xFFFFFFFF)
UNIT = 2.0**-53  # 53 bits fill the mantissa of a float64
MANTISSA_SHIFT = U64(11)


class Text(NamedTuple):
    """The corpus."""

    tokens: npt.NDArray[np.int32]  # (words,)
    offsets: npt.NDArray[np.int64]  # (sentences + 1,)


class Sampling(NamedTuple):
    """What is drawn, as the kernel needs it."""

    keep: npt.NDArray[np.uint32]  # (V,) a word survives if a draw from 0..2^32-1 is at most this
    # (2 * V,) alias table: the shard of a column that is its own, in 2^-32, and its alias
    noise: npt.NDArray[np.uint32]
    cumulative: npt.NDArray[np.float64]  # (V,) of the noise distribution
    log_q: npt.NDArray[np.float32]  # (V,) subtracted from the scores, where the objective asks for it
    window: int


class Tables(NamedTuple):
    """The model."""

    input: npt.NDArray[np.float32]  # (V * width,)
    output: npt.NDArray[np.float32]  # (V * width,)
    width: int  # dimensions, rounded up to whole lines of the cache; zeros fill the rest


class ThreadState(NamedTuple):
    """What a thread has of its own."""

    kept: npt.NDArray[np.int32]  # (words of a chunk or more,) working memory
    ends: npt.NDArray[np.int64]  # (sentences of a chunk or more,) working memory
    state: npt.NDArray[np.uint64]  # (1,) of the random numbers
    pairs: npt.NDArray[np.int64]  # (1,) trained
    loss: npt.NDArray[np.float64]  # (LANES,) sums


@functools.cache
def kernel(objective: int, negatives: int, corrected: bool, cached: bool = True) -> Callable[..., None]:
    """The compiled loop for an objective, a number of noise words, and with or without correction by log_q.

    These are constants to the compiler, which inlines the objective and unrolls the loops over the targets of a tile.
    With `cached` it is kept on disk.
    """
    n_targets = 1 + negatives
    padded = padded_targets(n_targets)
    size = block_size(padded)
    gradients, losses, _ = places(padded)

    def train(text, first, last, sampling, tables, constants, lr, shard):
        vocabulary_size, width, window = len(sampling.keep), tables.width, sampling.window
        state = shard.state[0]
        n_kept, state = _subsample(text, first, last, sampling.keep, shard, state)
        targets = np.zeros(2 * padded, np.int64)  # row starts, of the word at work and of the next, in turns
        widths = np.zeros(2, np.int64)
        rows = np.empty(2 * window, np.int64)
        block = np.zeros(size, np.float32)
        steps = np.empty(padded * LANES, np.float32)
        shifts = np.zeros(2 * padded, np.float32)  # of the scores of the targets
        loss = np.zeros(LANES, np.float64)
        sentence, begin, pairs = 0, 0, 0
        for position in range(-1, n_kept):
            ahead = position + 1
            if ahead < n_kept:
                place = (ahead & 1) * padded
                center = np.int64(shard.kept[ahead])
                for k in range(padded):
                    targets[place + k] = center * width
                if corrected:
                    shifts[place] = sampling.log_q[center]
                prefetch_row(tables.output, center * width, width)
                for k in range(1, n_targets):
                    state, bits = _next(state)
                    word = _noise_word(sampling.noise, vocabulary_size, bits)
                    if word == center:
                        state, bits = _next(state)
                        word = _other_word(center, sampling.cumulative, bits)
                    targets[place + k] = word * width
                    if corrected:
                        shifts[place + k] = sampling.log_q[word]
                    prefetch_row(tables.output, word * width, width)
                state, bits = _next(state)
                widths[ahead & 1] = 1 + _below(bits, window)
                if ahead + window < n_kept:
                    prefetch_row(tables.input, shard.kept[ahead + window] * width, width)
            if position < 0:
                continue
            while position >= shard.ends[sentence]:
                begin = shard.ends[sentence]
                sentence += 1
            reach, place = widths[position & 1], (position & 1) * padded
            left, right = max(begin, position - reach), min(shard.ends[sentence], position + reach + 1)
            n_rows = right - left - 1
            for i in range(position - left):
                rows[i] = np.int64(shard.kept[left + i]) * width
            for i in range(position - left, n_rows):
                rows[i] = np.int64(shard.kept[left + i + 1]) * width
            now = pointer_to(targets, place)
            for start in range(0, n_rows, BLOCK_ROWS):
                n = min(BLOCK_ROWS, n_rows - start)
                part = pointer_to(rows, start)
                block_scores(tables.input, part, n, tables.output, now, block, width, n_targets)
                if corrected:
                    for k in range(n_targets):
                        for i in range(LANES):
                            block[k * LANES + i] -= shifts[place + k]
                score_gradients(objective, n_targets, padded, block, constants)
                for i in range(n_targets * LANES):
                    block[gradients + i] *= -lr
                slopes = pointer_to(block, gradients)
                block_steps(tables.input, part, n, tables.output, now, slopes, steps, width, n_targets)
                for i in range(LANES):
                    loss[i] += np.float64(block[losses + i]) if i < n else 0.0
            pairs += n_rows
        shard.state[0] = state
        # subtle: together at the end, so that a report in between has the pairs to its loss
        shard.pairs[0] += pairs
        for i in range(LANES):
            shard.loss[i] += loss[i]

    # subtle: the name is that of the file in numba's cache. Kernels of one name would shard an index, which two
    # processes that compile at once can spoil for good; and numba looks for changes in this file only, not in the parts
    train.__qualname__ = f"train_{objective}_{negatives}_{corrected}_{_digest_of_parts():08x}"
    return numba.njit(nogil=True, cache=cached, fastmath=FLAGS, boundscheck=False, error_model="numpy")(train)


@register_jitable
def _next(state):
    """The next state and 64 random bits: SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom ...")."""
    state += GOLDEN
    bits = (state ^ (state >> SHIFT_1)) * MIX_1
    bits = (bits ^ (bits >> SHIFT_2)) * MIX_2
    return state, bits ^ (bits >> SHIFT_3)


@register_jitable
def _below(bits, bound):
    """A number from 0 to bound - 1, from the upper half of the bits."""
    return np.int64(((bits >> HALF) * U64(bound)) >> HALF)


@register_jitable
def _subsample(text, first, last, keep, shard, state):
    """Write the words of the sentences that survive, and where each sentence of them ends; returns their number."""
    n_kept = 0
    for sentence in range(first, last):
        for place in range(text.offsets[sentence], text.offsets[sentence + 1]):
            word = np.int64(text.tokens[place])
            if U64(word) < U64(len(keep)):  # negative ids are outside of the vocabulary too
                state, bits = _next(state)
                shard.kept[n_kept] = word  # without a branch: the processor would guess every fourth one wrongly
                n_kept += np.int64((bits >> HALF) <= keep[word])
        shard.ends[sentence - first] = n_kept
    return n_kept, state


@register_jitable
def _noise_word(noise, vocabulary_size, bits):
    """A draw from the alias table: the upper half of the bits chooses the column, the lower one within it."""
    column = _below(bits, vocabulary_size)
    own = np.int64((bits & LOW) < noise[2 * column])
    alias = np.int64(noise[2 * column + 1])
    return alias + own * (column - alias)  # without a branch, which would be guessed


@register_jitable
def _other_word(word, cumulative, bits):
    """A draw from the noise distribution given that it is not `word`: by inversion, stepping over its stretch."""
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
    # subtle: rounding may land on the word all the same; its most frequent neighbor takes that sliver
    return low if low != word else np.int64(word == 0)


def _digest_of_parts() -> int:
    return zlib.crc32(b"".join(Path(__file__).with_name(name).read_bytes() for name in ("simd.py", "objectives.py")))
