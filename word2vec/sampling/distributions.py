"""What training draws at random: which words survive subsampling, window widths, noise words.

Plain tensor functions that run on any device and take their random state as an argument. The fused engines draw the
same distributions inside their kernels; these functions are what they are tested against.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def subsample(keep: Tensor, ids: Tensor, generator: torch.Generator) -> Tensor:
    """Decide for each occurrence whether it survives.

    Args:
        keep: (V,) float32 probabilities from `Vocabulary.keep_probability`.
        ids: (N,) word ids; ids below 0 or from V on are out of vocabulary and never survive.
        generator: random state, on the device of `ids`.

    Returns:
        (N,) bool.
    """
    known = (ids >= 0) & (ids < len(keep))
    chance = keep[ids.clamp(0, len(keep) - 1)]  # (N,)
    return known & (torch.rand(len(ids), generator=generator, device=ids.device) < chance)


def window_pairs(sentence: Tensor, window: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """All (center, context) pairs of positions, each center with a width drawn uniformly from 1..window.

    The drawn width is how word2vec weighs near words above far ones. A window ends at its sentence's ends.

    Args:
        sentence: (N,) the number of the sentence that each word is in, ascending.
        window: the largest width, in words to either side.
        generator: random state, on the device of `sentence`.

    Returns:
        (P,) positions of center words and (P,) positions of context words, ordered by distance.
    """
    size, device = len(sentence), sentence.device
    width = torch.randint(1, window + 1, (size,), generator=generator, device=device)  # (N,)
    centers, contexts = [], []
    for distance in range(1, min(window, size - 1) + 1):
        together = sentence[:-distance] == sentence[distance:]  # (N - distance,)
        if not together.any():
            break  # no sentence is this long
        left = (together & (width[:-distance] >= distance)).nonzero().squeeze(1)  # centers with a context to the right
        right = (together & (width[distance:] >= distance)).nonzero().squeeze(1) + distance  # and to the left
        centers += [left, right]
        contexts += [left + distance, right - distance]
    if not centers:
        nothing = torch.empty(0, dtype=torch.int64, device=device)
        return nothing, nothing
    return torch.cat(centers), torch.cat(contexts)


class AliasTable:
    """Draws from a discrete distribution in constant time (Walker 1977; the construction of Vose 1991).

    Each of the V columns holds a word and its alias and the share of the column that is the word's own, so a draw
    is one column, one uniform number and one comparison. `torch.multinomial`, by contrast, takes at most 2^24
    words and a pass over all of them.

    Attributes:
        acceptance: (V,) float32, the probability that a column gives its own word.
        alias: (V,) int64, the word it gives otherwise.
        probability: (V,) float64, the distribution.
        cumulative: (V,) float64, the probability of each word and all before it.
    """

    def __init__(self, probabilities: npt.ArrayLike, device: torch.device | str = "cpu") -> None:
        acceptance, alias = _build_alias(np.asarray(probabilities, dtype=np.float64))
        probability = torch.as_tensor(probabilities, dtype=torch.float64)
        self.probability = (probability / probability.sum()).to(device)
        self.cumulative = self.probability.cumsum(0)
        self.acceptance = torch.from_numpy(acceptance.astype(np.float32)).to(device)
        self.alias = torch.from_numpy(alias).to(device)

    def draw(self, size: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Draw word ids, independently and with replacement.

        Returns:
            int64 of the given size.
        """
        device = self.acceptance.device
        column = torch.randint(len(self.acceptance), size, generator=generator, device=device)
        own = torch.rand(size, generator=generator, device=device) < self.acceptance[column]
        return torch.where(own, column, self.alias[column])

    def draw_other(self, words: Tensor, generator: torch.Generator) -> Tensor:
        """Draw for each of `words` (N,) another word: the distribution given that it is not that one.

        By inversion, not by drawing until it differs: a word may have nearly all of the probability.

        Returns:
            (N,) int64.
        """
        own = self.probability[words]  # (N,)
        before = self.cumulative[words] - own  # (N,)
        place = torch.rand(len(words), dtype=torch.float64, generator=generator, device=words.device) * (1 - own)
        place += torch.where(place >= before, own, 0.0)  # steps over the word's own stretch
        drawn = torch.searchsorted(self.cumulative, place, right=True).clamp(max=len(self.cumulative) - 1)
        # subtle: rounding may land on the word all the same; its most frequent neighbor takes that sliver
        return torch.where(drawn == words, (words == 0).long(), drawn)


def _build_alias(probabilities: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    if probabilities.ndim != 1 or not len(probabilities) or np.any(probabilities < 0) or not probabilities.sum() > 0:
        raise ValueError("an alias table needs one or more probabilities, none negative, not all zero")
    acceptance = probabilities / probabilities.sum() * len(probabilities)  # (V,) 1 on average
    alias = np.arange(len(acceptance))
    small = [int(word) for word in np.flatnonzero(acceptance < 1)]
    large = [int(word) for word in np.flatnonzero(acceptance >= 1)]
    while small and large:
        poor, rich = small.pop(), large[-1]
        alias[poor] = rich
        acceptance[rich] -= 1 - acceptance[poor]
        if acceptance[rich] < 1:
            small.append(large.pop())
    acceptance[small + large] = 1.0  # what rounding left over
    return acceptance, alias


def draw_negatives(table: AliasTable, positive: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Draw noise words for each example; one that equals the true word is replaced.

    So the noise of an example follows the table's distribution given that it is not the true word (as in fastText;
    word2vec.c and gensim skip such a draw and train on fewer noise words).

    Args:
        table: the noise distribution, over at least two words of probability above zero.
        positive: (B,) the true words.
        count: K, noise words per example.
        generator: random state, on the table's device.

    Returns:
        (B, K) word ids, none equal to its row's true word.
    """
    negatives = table.draw((len(positive), count), generator)
    row, column = (negatives == positive[:, None]).nonzero(as_tuple=True)
    negatives[row, column] = table.draw_other(positive[row], generator)
    return negatives
