"""The algorithm of the fused GPU engine in plain numpy and float64, where it differs from the plain engine.

Programs run one after another, as in triton's interpreter. Every word of the text has its own random numbers, so the
draws do not depend on the order of the work: number i of the epoch's stream decides whether word i survives; the n-th
survivor of a chunk that begins with word c uses the numbers from (c + n) * (1 + 2 K) on of another stream: one for its
width, K for its noise words, and K for second draws.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from tests.engines.oracle import Oracle
from word2vec.engines.draws import BITS, alias_word, below, mix, other_word
from word2vec.engines.gpu.engine import DEFAULT_COST
from word2vec.engines.gpu.tiling import Shape
from word2vec.engines.plain import Word, window_predicts
from word2vec.losses import Objective
from word2vec.models import CBOW, EmbeddingModel
from word2vec.sampling.datasets import TextDataset
from word2vec.sampling.shards import Shard, derive_seed

GOLDEN = 0x9E3779B97F4A7C15


class Drawn(NamedTuple):
    """A surviving word with its window width and noise words."""

    word: int
    sentence: int
    width: int
    noise: list[int]


class GpuTwin(Oracle):
    """Trains as GpuEngine does, with its own draws and its own order of updates."""

    dataset: TextDataset

    def __init__(
        self,
        model: EmbeddingModel,
        objective: Objective,
        dataset: TextDataset,
        learning_rate: Callable[[int, int], float],
        chunk_words: int,
        shape: Shape,
    ) -> None:
        super().__init__(model, objective, dataset, learning_rate)
        self.chunk_words, self.shape = chunk_words, shape

    def _train_chunks(self, shard: Shard) -> Iterator[None]:
        offsets = self.dataset.offsets
        pairs = self.chunk_words * DEFAULT_COST // ((1 + self.dataset.settings.negatives) * self.shape.columns)
        for begin, end in self.dataset.unread_chunks(shard, self.chunk_words, pairs):
            yield
            rates = [self.learning_rate(self._epoch, int(offsets[edge])) for edge in (begin, end)]
            self._load_tables()
            drawn = self.draws(self._epoch, begin, end)
            train = self.train_window if isinstance(self.model, CBOW) else self.train_group
            for first in range(0, len(drawn), self.shape.centers):
                train(shard, drawn, first, rates[0] + (rates[1] - rates[0]) * first / len(drawn))
            self._store_tables()

    def draws(self, epoch: int, begin: int, end: int) -> list[Drawn]:
        """Draw the surviving words of the sentences begin..end, and for each its width and noise words."""
        dataset, settings, window = self.dataset, self.dataset.settings, self.dataset.window
        offset, seeds = int(dataset.offsets[begin]), [derive_seed(dataset.seed, epoch, 0, which) for which in (0, 1)]
        drawn: list[Drawn] = []
        for sentence in range(begin, end):
            for place in range(dataset.offsets[sentence], dataset.offsets[sentence + 1]):
                word = int(dataset.tokens[place])
                bits = mix((seeds[0] + place * GOLDEN) % BITS) >> 32
                if not 0 <= word < len(dataset.keep) or bits >= dataset.keep[word].item() * 2.0**32:
                    continue
                number = (offset + len(drawn)) * (1 + 2 * settings.negatives)
                stream = [mix((seeds[1] + (number + i) * GOLDEN) % BITS) for i in range(1 + 2 * settings.negatives)]
                first, second = stream[1 : 1 + settings.negatives], stream[1 + settings.negatives :]
                noise = [alias_word(dataset.alias, each) for each in first]
                for k in range(settings.negatives):
                    if noise[k] == word:
                        noise[k] = other_word(dataset.alias, word, second[k])
                drawn.append(Drawn(word, sentence, window.min_width + below(stream[0], window.widths), noise))
        return drawn

    def train_window(self, shard: Shard, drawn: list[Drawn], center: int, lr: float) -> None:
        """Train CBOW on the window of a center word, as the plain engine does."""
        window, own = self.dataset.window, drawn[center]
        low, high = max(0, center - min(own.width, window.left)), center + min(own.width, window.right) + 1
        context = [
            Word(word.word, place - center + window.left - (place > center))
            for place, word in enumerate(drawn[low:high], start=low)
            if place != center and word.sentence == own.sentence
        ]
        self.largest_window = max(self.largest_window, len(context))
        for group in window_predicts(own.word, context, own.noise):
            shard.loss += self.step(group, lr)
            shard.pairs += 1

    def train_group(self, shard: Shard, drawn: list[Drawn], first: int, lr: float) -> None:
        """Train center words whose windows share the input rows in registers, one tile of rows at a time."""
        window, rows = self.dataset.window, self.shape.rows
        last = min(first + self.shape.centers, len(drawn))
        low, high = first - window.left, last + window.right
        if self.shape.centers + window.left + window.right > rows:
            in_sentences = range(drawn[first].sentence, drawn[last - 1].sentence + 1)
            places = [place for place, word in enumerate(drawn) if word.sentence in in_sentences]
            low, high = max(low, places[0]), min(high, places[-1] + 1)
        for block in range(low, high, rows):
            places = [place for place in range(block, block + rows) if 0 <= place < len(drawn)]
            words = [drawn[place].word for place in places]
            x = self.input[words]  # (R, D), a copy
            before = x.copy()
            for center in range(max(first, block - window.right), min(last, block + rows + window.left)):
                own = drawn[center]
                near = [
                    i
                    for i, place in enumerate(places)
                    if (
                        0 < center - place <= min(own.width, window.left)
                        or 0 < place - center <= min(own.width, window.right)
                    )
                    and drawn[place].sentence == own.sentence
                ]
                steps = self.move_targets(shard, x[near], np.array([own.word, *own.noise]), lr)
                if "input" in self.frozen:
                    steps[[bool(self.frozen["input"][words[i]]) for i in near]] = 0
                x[near] += steps
            self.move("input", np.array(words), x - before)

    def move_targets(
        self, shard: Shard, x: npt.NDArray[np.float64], targets: npt.NDArray[np.int64], lr: float
    ) -> npt.NDArray[np.float64]:
        """Update the output rows of the targets; returns the steps of the input rows x (B, D)."""
        y = self.output[targets]  # (1 + K, D)
        scores = torch.from_numpy(x @ y.T)  # (B, 1 + K)
        if self.log_q is not None:
            scores -= self.log_q[targets]
        shard.loss += self.objective(scores[:, 0], scores[:, 1:]).sum().item()
        shard.pairs += len(x)
        if len(x):
            self.nearest_kink = min(self.nearest_kink, (1 - scores[:, :1] + scores[:, 1:]).abs().min().item())
        g = -lr * self.objective.score_gradients(scores).numpy()  # (B, 1 + K)
        self.move("output", targets, g.T @ x)
        steps: npt.NDArray[np.float64] = g @ y
        return steps
