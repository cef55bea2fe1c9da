"""The fused engine again, in plain numpy and float64: slow, short, and the oracle of its tests.

One thread only. It makes the same draws in the same order, so that whole tables can be compared after thousands of
words, but shards nothing with the kernel that could be wrong in both: random numbers are Python integers, scores and
steps are written as in the papers, and the objective is the torch module of losses/.

The order of the draws: a chunk is subsampled first, one draw for each word of the vocabulary; then come, word by word
over those that are left, K noise words (each followed by a second draw where it hit the center) and the window's width.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch

from word2vec.engines.cpu.simd import BLOCK_ROWS
from word2vec.losses import Objective
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import SkipGramDataset
from word2vec.sampling.distributions import AliasTable
from word2vec.sampling.shards import chunks, derive_seed

BITS = 1 << 64


def mixed(state: int) -> int:
    """64 random bits of a state: what SplitMix64 makes of it."""
    bits = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % BITS
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB % BITS
    return bits ^ (bits >> 31)


class SplitMix64:
    """Random numbers of 64 bits: Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators"."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def bits(self) -> int:
        self.state = (self.state + 0x9E3779B97F4A7C15) % BITS
        return mixed(self.state)


class Twin:
    """Trains as FusedEngine with one thread does; its tables are float64, and the model is left as it is."""

    def __init__(
        self,
        model: SkipGram,
        objective: Objective,
        dataset: SkipGramDataset,
        lr_at: Callable[[int, int], float],
        chunk_words: int,
    ) -> None:
        self.input = model.input.detach().double().numpy().copy()  # (V, D)
        self.output = model.output.detach().double().numpy().copy()  # (V, D)
        self.objective, self.dataset, self.lr_at, self.chunk_words = objective, dataset, lr_at, chunk_words
        self.log_q = dataset.noise.double().log().numpy() if objective.needs_log_q else np.zeros(len(self.input))
        self.loss, self.pairs, self.largest_window = 0.0, 0, 0
        self.nearest_kink = np.inf  # of a hinge with margin 1, over all scores so far

    def epoch(self, number: int) -> None:
        """Train one pass over the corpus."""
        random = SplitMix64(derive_seed(self.dataset.seed, number, 0))
        offsets, words = self.dataset.offsets, 0
        for first, last in chunks(offsets, 0, len(offsets) - 1, self.chunk_words):
            lr = self.lr_at(number, words)
            for center, contexts, noise in list(self.examples(first, last, random)):
                self.largest_window = max(self.largest_window, len(contexts))
                for start in range(0, len(contexts), BLOCK_ROWS):
                    self.step(contexts[start : start + BLOCK_ROWS], np.array([center, *noise]), lr)
            words += int(offsets[last] - offsets[first])

    def examples(self, first: int, last: int, random: SplitMix64) -> Iterator[tuple[int, list[int], list[int]]]:
        """Each center word of the sentences first..last, its contexts from left to right, and its noise words."""
        settings, sentences = self.dataset.settings, [self.survivors(i, random) for i in range(first, last)]
        for words in sentences:
            for place, center in enumerate(words):
                noise = [self.noise_word(center, random) for _ in range(settings.negatives)]
                width = 1 + below(random.bits(), settings.window)
                yield center, words[max(0, place - width) : place] + words[place + 1 : place + 1 + width], noise

    def survivors(self, sentence: int, random: SplitMix64) -> list[int]:
        begin, end = self.dataset.offsets[sentence : sentence + 2]
        known = [word for word in self.dataset.tokens[begin:end].tolist() if word < len(self.input)]
        return [word for word in known if random.bits() >> 32 < self.dataset.keep[word].item() * 2.0**32]

    def noise_word(self, center: int, random: SplitMix64) -> int:
        word = alias_word(self.dataset.alias, random.bits())
        return word if word != center else other_word(self.dataset.alias, center, random.bits())

    def step(self, contexts: list[int], targets: npt.NDArray[np.int64], lr: float) -> None:
        """One step on the pairs of a center word, all from the values before it."""
        x, y = self.input[contexts], self.output[targets]  # (B, D), (1 + K, D)
        scores = torch.from_numpy(x @ y.T - self.log_q[targets])  # (B, 1 + K)
        self.loss += self.objective(scores[:, 0], scores[:, 1:]).sum().item()
        self.pairs += len(contexts)
        self.nearest_kink = min(self.nearest_kink, (1 - scores[:, :1] + scores[:, 1:]).abs().min().item())
        g = -lr * self.objective.score_gradients(scores).numpy()  # (B, 1 + K)
        # subtle: += would keep one step only of a row that stands here several times
        np.add.at(self.input, contexts, g @ y)
        np.add.at(self.output, targets, g.T @ x)


def below(bits: int, bound: int) -> int:
    """A number from 0 to bound - 1, from the upper half of the bits."""
    return (bits >> 32) * bound >> 32


def alias_word(alias: AliasTable, bits: int) -> int:
    """A draw from an alias table: a column by the upper half of the bits, and which word of it by the lower."""
    column = below(bits, len(alias.acceptance))
    own = bits % (1 << 32) < alias.acceptance[column].item() * 2.0**32
    return column if own else int(alias.alias[column])


def other_word(alias: AliasTable, center: int, bits: int) -> int:
    """A noise word given that it is not the center: the distribution without it, inverted."""
    probability = alias.probability.numpy().copy()  # (V,)
    probability[center] = 0.0
    # what is left of 1 after all others is rounding; it goes where the kernel sends it
    sums = np.cumsum(probability)
    word = int(np.searchsorted(sums, (bits >> 11) * 2.0**-53 * sums[-1], side="right"))
    return min(word, len(sums) - 1)
