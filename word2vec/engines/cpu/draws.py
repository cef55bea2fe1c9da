"""The random draws of the compiled loops; `engines/draws.py` makes the same draws in plain Python."""

import numpy as np

from word2vec.engines.cpu.compiling import inlined
from word2vec.engines.cpu.simd import prefetch_row

U64 = np.uint64
GOLDEN, MIX_1, MIX_2 = U64(0x9E3779B97F4A7C15), U64(0xBF58476D1CE4E5B9), U64(0x94D049BB133111EB)
SHIFT_1, SHIFT_2, SHIFT_3, HALF = U64(30), U64(27), U64(31), U64(32)
LOW = U64(0xFFFFFFFF)
UNIT = 2.0**-53  # 53 bits fill the mantissa of a float64
MANTISSA_SHIFT = U64(11)


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
