"""The fused GPU engine again, in plain numpy and float64: slow, short, and the oracle of its tests.

As tests/engines/twin.py for the CPU engine. Programs work one after another, as triton's interpreter runs them. Every
word of the text has its own random numbers, so that draws need no order: number i of the stream of the epoch decides
whether word i survives; the n-th survivor of a chunk that begins with word c has the numbers from
(c + n) * (1 + 2 K) on of another stream: one for its width, K for its noise words, K for second draws.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from tests.engines.twin import BITS, alias_word, below, mixed, other_word
from word2vec.engines.gpu.tiling import Shape
from word2vec.losses import Objective
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import SkipGramDataset
from word2vec.sampling.shards import chunks, derive_seed

GOLDEN = 0x9E3779B97F4A7C15


class Drawn(NamedTuple):
    """A surviving word."""

    word: int
    sentence: int
    width: int
    noise: list[int]


class GpuTwin:
    """Trains as GpuEngine does; its tables are float64, and the model is left as it is."""

    def __init__(
        self,
        model: SkipGram,
        objective: Objective,
        dataset: SkipGramDataset,
        lr_at: Callable[[int, int], float],
        chunk_words: int,
        shape: Shape,
    ) -> None:
        self.input = model.input.detach().double().numpy().copy()  # (V, D)
        self.output = model.output.detach().double().numpy().copy()  # (V, D)
        self.objective, self.dataset, self.lr_at = objective, dataset, lr_at
        self.chunk_words, self.shape = chunk_words, shape
        self.log_q = dataset.noise.double().log().numpy() if objective.needs_log_q else np.zeros(len(self.input))
        self.loss, self.pairs = 0.0, 0
        self.nearest_kink = np.inf  # of a hinge with margin 1, over all scores so far

    def epoch(self, number: int) -> None:
        """Train one pass over the corpus."""
        offsets = self.dataset.offsets
        for begin, end in chunks(offsets, 0, len(offsets) - 1, self.chunk_words):
            rates = [self.lr_at(number, int(offsets[edge])) for edge in (begin, end)]
            drawn = self.draws(number, begin, end)
            for first in range(0, len(drawn), self.shape.centers):
                lr = rates[0] + (rates[1] - rates[0]) * first / len(drawn)
                self.train_group(drawn, first, lr)

    def draws(self, epoch: int, begin: int, end: int) -> list[Drawn]:
        """The surviving words of the sentences begin..end, with what is drawn for each."""
        dataset, settings = self.dataset, self.dataset.settings
        offset, seeds = int(dataset.offsets[begin]), [derive_seed(dataset.seed, epoch, 0, which) for which in (0, 1)]
        drawn: list[Drawn] = []
        for sentence in range(begin, end):
            for place in range(dataset.offsets[sentence], dataset.offsets[sentence + 1]):
                word = int(dataset.tokens[place])
                bits = mixed((seeds[0] + place * GOLDEN) % BITS) >> 32
                if not 0 <= word < len(self.input) or bits >= dataset.keep[word].item() * 2.0**32:
                    continue
                number = (offset + len(drawn)) * (1 + 2 * settings.negatives)
                stream = [mixed((seeds[1] + (number + i) * GOLDEN) % BITS) for i in range(1 + 2 * settings.negatives)]
                first, second = stream[1 : 1 + settings.negatives], stream[1 + settings.negatives :]
                noise = [alias_word(dataset.alias, each) for each in first]
                for k in range(settings.negatives):
                    if noise[k] == word:
                        noise[k] = other_word(dataset.alias, word, second[k])
                drawn.append(Drawn(word, sentence, 1 + below(stream[0], settings.window), noise))
        return drawn

    def train_group(self, drawn: list[Drawn], first: int, lr: float) -> None:
        """Train on centers whose windows share the input rows in registers, a tile of these at a time."""
        window, rows = self.dataset.settings.window, self.shape.rows
        last = min(first + self.shape.centers, len(drawn))
        for block in range(first - window, last + window, rows):
            places = [place for place in range(block, block + rows) if 0 <= place < len(drawn)]
            words = [drawn[place].word for place in places]
            x = self.input[words]  # (R, D), a copy
            before = x.copy()
            for center in range(max(first, block - window), min(last, block + rows + window)):
                own = drawn[center]
                near = [
                    i
                    for i, place in enumerate(places)
                    if 0 < abs(place - center) <= own.width and drawn[place].sentence == own.sentence
                ]
                x[near] += self.step(x[near], np.array([own.word, *own.noise]), lr)
            np.add.at(self.input, words, x - before)

    def step(self, x: npt.NDArray[np.float64], targets: npt.NDArray[np.int64], lr: float) -> npt.NDArray[np.float64]:
        """Move the output rows of the targets; returns the steps of the input rows x (B, D)."""
        y = self.output[targets]  # (1 + K, D)
        scores = torch.from_numpy(x @ y.T - self.log_q[targets])  # (B, 1 + K)
        self.loss += self.objective(scores[:, 0], scores[:, 1:]).sum().item()
        self.pairs += len(x)
        if len(x):
            self.nearest_kink = min(self.nearest_kink, (1 - scores[:, :1] + scores[:, 1:]).abs().min().item())
        g = -lr * self.objective.score_gradients(scores).numpy()  # (B, 1 + K)
        np.add.at(self.output, targets, g.T @ x)
        steps: npt.NDArray[np.float64] = g @ y
        return steps
