"""The random draws of training: subsampling, window widths and noise words.

Tensor functions that run on any device and take their random state as an argument. The fused engines draw from the same
distributions inside their kernels and are tested against these functions.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from word2vec.sampling.windows import Window


def subsample(keep: Tensor, ids: Tensor, generator: torch.Generator) -> Tensor:
    """Draw which occurrences of words survive subsampling.

    Args:
        keep: (V,) float32, keep probabilities from `Vocabulary.keep_probability`.
        ids: (N,) word ids; ids below 0 or of at least V are out of vocabulary and never survive.
        generator: Random state, on the device of `ids`.

    Returns:
        (N,) bool mask of the survivors.
    """
    known = (ids >= 0) & (ids < len(keep))
    chance = keep[ids.clamp(0, len(keep) - 1)]  # (N,)
    return known & (torch.rand(len(ids), generator=generator, device=ids.device) < chance)


def window_pairs(sentence: Tensor, window: Window, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Form all (center, context) pairs of positions, with a window width drawn for each center.

    Windows do not cross the ends of sentences.

    Args:
        sentence: (N,) sentence number of each word, ascending.
        window: The widths to draw from, and the sides of the center word.
        generator: Random state, on the device of `sentence`.

    Returns:
        Positions of the center words (P,) and of the context words (P,), ordered by distance.
    """
    size, device = len(sentence), sentence.device
    width = torch.randint(window.min_width, window.max_width + 1, (size,), generator=generator, device=device)  # (N,)
    first = torch.arange(size, device=device)  # (M,) first words of the pairs of words at a distance
    remaining = torch.searchsorted(sentence, sentence, right=True) - 1 - first  # (N,) words after each word
    centers, contexts = [], []
    for distance in range(1, window.max_width + 1):
        first = first[remaining[first] >= distance]
        if not len(first):
            break  # no sentence is this long
        if distance <= window.right:
            center = first[width[first] >= distance]
            centers.append(center)
            contexts.append(center + distance)
        if distance <= window.left:
            center = first[width[first + distance] >= distance] + distance
            centers.append(center)
            contexts.append(center - distance)
    if not centers:
        empty = torch.empty(0, dtype=torch.int64, device=device)
        return empty, empty
    return torch.cat(centers), torch.cat(contexts)


def windows_of(sentence: Tensor, window: Window, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Form the window of each word that has context words; the widths drawn are those of `window_pairs`.

    Args:
        sentence: (N,) sentence number of each word, ascending.
        window: The widths to draw from, and the sides of the center word.
        generator: Random state, on the device of `sentence`.

    Returns:
        Positions of the center words, (E,), and of their context words, (E, P), -1 for none. The P columns are the
        positions before the center word, left to right, and then those after it. If windows are whole sentences, they
        are the other words of the sentence, left to right.
    """
    center, context = window_pairs(sentence, window, generator)  # (M,) each
    if window.whole:
        begin = torch.searchsorted(sentence, sentence)  # (N,) the first word of each word's sentence
        column = context - begin[context] - (context > center).long()  # (M,)
        columns = int(column.max()) + 1 if len(column) else 0
    else:
        column = context - center + window.left - (context > center).long()
        columns = window.left + window.right
    windows = torch.full((len(sentence), columns), -1, dtype=torch.int64, device=sentence.device)
    windows[center, column] = context
    centers = torch.unique(center)  # (E,)
    return centers, windows[centers]


class AliasTable:
    """Draws from a discrete distribution in constant time (Walker 1977; construction of Vose 1991).

    Each of the V columns contains a word, an alias and the probability of accepting the word rather than its alias, so
    a draw needs one column, one uniform number and one comparison. `torch.multinomial`, by contrast, supports at most
    2^24 categories and passes over all of them.

    Args:
        probabilities: (V,) nonnegative weights, not all zero; normalized here.
        device: Where to draw.

    Attributes:
        acceptance: (V,) float32, probability that a column gives its own word.
        alias: (V,) int64, the word that a column gives otherwise.
        probability: (V,) float64, the normalized distribution.
        cumulative: (V,) float64, cumulative probabilities.

    Raises:
        ValueError: The weights are empty, negative or all zero.
    """

    def __init__(self, probabilities: npt.ArrayLike, device: torch.device | str = "cpu") -> None:
        acceptance, alias = _build_alias(np.asarray(probabilities, dtype=np.float64))
        probability = torch.as_tensor(probabilities, dtype=torch.float64)
        self.probability = (probability / probability.sum()).to(device)
        self.cumulative = self.probability.cumsum(0)
        self.acceptance = torch.from_numpy(acceptance.astype(np.float32)).to(device)
        self.alias = torch.from_numpy(alias).to(device)

    def draw(self, size: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Draw word ids independently, with replacement.

        Returns:
            int64 ids of shape `size`.
        """
        device = self.acceptance.device
        column = torch.randint(len(self.acceptance), size, generator=generator, device=device)
        own = torch.rand(size, generator=generator, device=device) < self.acceptance[column]
        return torch.where(own, column, self.alias[column])

    def draw_other(self, words: Tensor, generator: torch.Generator) -> Tensor:
        """Draw for each of `words` (N,) a different word, from the distribution conditioned on being different.

        By inversion rather than by rejection, since one word may have nearly all of the probability.

        Returns:
            (N,) int64.
        """
        own = self.probability[words]  # (N,)
        before = self.cumulative[words] - own  # (N,)
        place = torch.rand(len(words), dtype=torch.float64, generator=generator, device=words.device) * (1 - own)
        place += torch.where(place >= before, own, 0.0)  # skip the interval of the word itself
        drawn = torch.searchsorted(self.cumulative, place, right=True).clamp(max=len(self.cumulative) - 1)
        # subtle: rounding can still hit the word itself; use the most frequent other word then
        return torch.where(drawn == words, (words == 0).long(), drawn)


def _build_alias(probabilities: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    if probabilities.ndim != 1 or not len(probabilities) or np.any(probabilities < 0) or not probabilities.sum() > 0:
        raise ValueError("alias table: weights must be a nonempty vector, nonnegative and not all zero")
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
    acceptance[small + large] = 1.0  # left over from rounding
    return acceptance, alias


def draw_negatives(table: AliasTable, positive: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Draw noise words for each example; a noise word equal to the true word is drawn again.

    The noise words of an example thus follow the distribution of the table conditioned on not being the true word, as
    in fastText. (word2vec.c and gensim skip such a draw and train on fewer noise words.)

    Args:
        table: The noise distribution, with at least two words of positive probability.
        positive: (B,) true words.
        count: K, noise words per example.
        generator: Random state, on the device of the table.

    Returns:
        (B, K) word ids, none equal to the true word of its row.
    """
    negatives = table.draw((len(positive), count), generator)
    row, column = (negatives == positive[:, None]).nonzero(as_tuple=True)
    negatives[row, column] = table.draw_other(positive[row], generator)
    return negatives
