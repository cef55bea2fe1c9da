"""The order in which an epoch trains its pairs, as a function of the position in the epoch.

Without weights an epoch is a permutation of the pairs; with weights it is a sequence of independent draws. Both are
computed for any position from the seed and the epoch alone: no shuffled copy of the pairs is stored, and a run that
resumes, with whatever number of threads or processes, trains the same pairs as one that was never interrupted.

The permutation of 2^b numbers alternates multiplications by odd numbers (modulo 2^b), additions, and shifts that are
combined by exclusive or; each of them is a bijection. For another number of pairs it is applied again until the result
is small enough (cycle walking: Black & Rogaway 2002, "Ciphers with arbitrary finite domains"), less than twice on
average. The weighted draws use an alias table (Walker 1977).

The functions work on arrays; engines/cpu/pair_kernel.py compiles `scramble` for single numbers.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

U64 = np.uint64
GOLDEN, MIX_1, MIX_2 = U64(0x9E3779B97F4A7C15), U64(0xBF58476D1CE4E5B9), U64(0x94D049BB133111EB)
SHIFT_1, SHIFT_2, SHIFT_3, HALF, LOW = U64(30), U64(27), U64(31), U64(32), U64(0xFFFFFFFF)
KEYS = 6  # numbers that determine the order of an epoch


def epoch_keys(seed: int, epoch: int) -> npt.NDArray[np.uint64]:
    """Return the numbers that determine the order of an epoch, (KEYS,): odd factors at even places, then terms."""
    keys = np.asarray(np.random.SeedSequence((seed, epoch)).generate_state(KEYS, np.uint64), U64)
    keys[::2] |= U64(1)
    return keys


def width_of(pairs: int) -> int:
    """Return b, the number of bits of the domain that is permuted, for a number of pairs."""
    return max(1, (pairs - 1).bit_length())


def scramble(x: Any, keys: Any, mask: Any, shift: Any) -> Any:
    """Apply a bijection of 0..mask to uint64 numbers; `mask` is 2^b - 1, and `shift` about b / 2 and at least 1."""
    x = (x * keys[0] + keys[1]) & mask
    x = x ^ (x >> shift)
    x = (x * keys[2] + keys[3]) & mask
    x = x ^ (x >> shift)
    x = (x * keys[4] + keys[5]) & mask
    return x ^ (x >> shift)


def permuted(positions: npt.NDArray[np.uint64], pairs: int, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Return the pair at each position of an epoch without weights.

    Args:
        positions: (N,) positions below `pairs`.
        pairs: Number of pairs.
        keys: The result of `epoch_keys`.
    """
    bits = width_of(pairs)
    mask, shift, bound = U64((1 << bits) - 1), U64((bits + 1) // 2), U64(pairs)
    numbers = scramble(positions, keys, mask, shift)
    outside = np.flatnonzero(numbers >= bound)
    while len(outside):
        numbers[outside] = scramble(numbers[outside], keys, mask, shift)
        outside = outside[numbers[outside] >= bound]
    return np.asarray(numbers, np.int64)


def drawn(
    positions: npt.NDArray[np.uint64], columns: npt.NDArray[np.uint32], keys: npt.NDArray[np.uint64]
) -> npt.NDArray[np.int64]:
    """Return the pair that is drawn at each position of an epoch with weights.

    Args:
        positions: (N,) positions.
        columns: (2 * pairs,) the alias table of the weights; see `weight_columns`.
        keys: The result of `epoch_keys`.
    """
    bits = random_bits(positions, keys)  # (N,)
    column = ((bits >> HALF) * U64(len(columns) // 2)) >> HALF
    accepted = (bits & LOW) < columns[2 * column]
    return np.where(accepted, column, columns[2 * column + U64(1)]).astype(np.int64)


def random_bits(positions: npt.NDArray[np.uint64], keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return 64 random bits for each position: item `position` of the SplitMix64 stream that begins at a key."""
    state = keys[1] + (positions + U64(1)) * GOLDEN
    bits = (state ^ (state >> SHIFT_1)) * MIX_1
    bits = (bits ^ (bits >> SHIFT_2)) * MIX_2
    return np.asarray(bits ^ (bits >> SHIFT_3))


def weight_columns(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.uint32]:
    """Return an alias table as (2 * pairs,) numbers: for each column its acceptance in units of 2^-32, then its alias.

    Args:
        weights: (pairs,) positive sampling weights.
    """
    from word2vec.sampling.alias_kernel import fill_columns  # numba, which takes a third of a second to import

    columns = np.empty(2 * len(weights), np.uint32)
    fill_columns(weights * (len(weights) / weights.sum()), columns)
    return columns
