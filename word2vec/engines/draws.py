"""The random draws of the plain and the fused engines, in plain Python.

The fused engines make the same draws in compiled code; tests compare them with these. `sampling/distributions.py` makes
them on tensors, from torch's random numbers, for the autograd engine.
"""

import numpy as np
import torch
from torch import Tensor

from word2vec.sampling.distributions import AliasTable

BITS = 1 << 64


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
