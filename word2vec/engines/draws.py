"""The random draws of the plain and the fused engines, in plain Python.

The fused engines make the same draws in compiled code; tests compare them with these. `sampling/distributions.py` makes
them on tensors, from torch's random numbers, for the autograd engine.
"""

import numpy as np
import torch
from torch import Tensor

from word2vec.sampling.distributions import AliasTable

BITS = 1 << 64
BLOCK_WORDS = 512  # center words that pick their noise words from one pool
BLOCK_FLOATS = 1 << 16  # limit on the floats in the rows of a block, so that wide rows have smaller blocks
NOISE_USES = 8  # how often a noise word of the pool is picked, on average
# Limits on the center words of all blocks that are trained at once, and on the occurrences of the most frequent word in
# them, for windows of so many words. Blocks do not see each other's steps, whose sum is too large if there are many.
# On 340,000 words of text, 2,048 words at once made visibly shorter vectors, and 8,192 diverged.
UNSEEN_WORDS, UNSEEN_OCCURRENCES, UNSEEN_REACH = 1024, 12, 10


def unseen_words(max_frequency: float, reach: int) -> int:
    """Return the number of center words that may be trained at once in several blocks.

    Args:
        max_frequency: Fraction of the center words that are the most frequent word.
        reach: Words before and after the center word that a window contains, at most.
    """
    return int(min(UNSEEN_WORDS, UNSEEN_OCCURRENCES / max_frequency) * min(1, UNSEEN_REACH / reach))


def block_words(dim: int) -> int:
    """Return the number of center words in a block that is trained alone."""
    return max(4, min(BLOCK_WORDS, BLOCK_FLOATS // dim))


def pool_size(words: int, negatives: int) -> int:
    """Return the number of noise words in the pool of a block of center words."""
    return max(2, negatives, words * negatives // NOISE_USES)


class SplitMix64:
    """Random numbers of 64 bits: Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators"."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    @classmethod
    def from_tensor(cls, state: Tensor) -> "SplitMix64":
        """Create a generator from the result of `to_tensor`."""
        return cls(int(state.item()) % BITS)

    def to_tensor(self) -> Tensor:
        """Return the state as int64, (1,)."""
        return torch.tensor([self.state - BITS if self.state >= BITS // 2 else self.state])

    def bits(self) -> int:
        """Draw 64 random bits."""
        self.state = (self.state + 0x9E3779B97F4A7C15) % BITS
        return mix(self.state)


def mix(state: int) -> int:
    """Scramble the state of a `SplitMix64` to 64 random bits."""
    bits = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % BITS
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB % BITS
    return bits ^ (bits >> 31)


def below(bits: int, bound: int) -> int:
    """Turn random bits into a number from 0 to bound - 1, using the upper half of the bits."""
    return (bits >> 32) * bound >> 32


def noise_word(alias: AliasTable, true: int | None, random: SplitMix64) -> int:
    """Draw a noise word that is not the true word; any noise word if that is None."""
    word = alias_word(alias, random.bits())
    return word if word != true else other_word(alias, word, random.bits())


def draw_pool(alias: AliasTable, size: int, random: SplitMix64) -> list[int]:
    """Draw noise words for the center words of a block; two or more of them, at least two of which are distinct."""
    pool = [alias_word(alias, random.bits()) for _ in range(size)]
    if len(set(pool)) == 1:  # each center word must find a noise word that differs from it
        pool[0] = other_word(alias, pool[0], random.bits())
    return pool


def pick_noise(pool: list[int], true: int, random: SplitMix64) -> int:
    """Pick a noise word of a pool at random: the first one from there on that is not the true word."""
    place = below(random.bits(), len(pool))
    while pool[place] == true:
        place = (place + 1) % len(pool)
    return pool[place]


def alias_word(alias: AliasTable, bits: int) -> int:
    """Draw from an alias table: the upper half of the bits selects a column, the lower half accepts it or not."""
    column = below(bits, len(alias.acceptance))
    accepted = bits % (1 << 32) < alias.acceptance[column].item() * 2.0**32
    return column if accepted else int(alias.alias[column])


def other_word(alias: AliasTable, word: int, bits: int) -> int:
    """Draw from the noise distribution without one word, by inverting the cumulative distribution."""
    probability = alias.probability.cpu().numpy().copy()  # (V,)
    probability[word] = 0.0
    cumulative = np.cumsum(probability)
    drawn = int(np.searchsorted(cumulative, (bits >> 11) * 2.0**-53 * cumulative[-1], side="right"))
    return min(drawn, len(cumulative) - 1)
