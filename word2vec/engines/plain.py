"""The plain engine: word2vec in numpy and loops, slow and readable. Read this file first.

**The model.** Every word has two vectors: a row of the input table and a row of the output table. A training example is
a context word with input row x and 1 + K target rows of the output table: y_0 of the center word, which really occurred
there, and y_1..y_K of noise words, which were drawn at random. The model scores each target by an inner product,

    s_k = x . y_k

**The loss.** An objective (losses/) turns the scores of an example into a loss L(s_0, .., s_K) that is low when s_0 is
high and the other scores are low. Negative sampling, for example, is softplus(-s_0) + sum_k softplus(s_k).

**The step.** The objective depends on the rows only through the scores. Gradient descent needs only its derivatives

    g_k = dL/ds_k                    for negative sampling sigmoid(s_0) - 1 and sigmoid(s_k)

and the chain rule. Because ds_k/dx = y_k and ds_k/dy_k = x,

    dL/dx = sum_k g_k y_k            dL/dy_k = g_k x

and each row moves by -lr times its gradient: x toward y_0 and away from y_1..y_K, and these rows toward or away from x.

**The examples.** Frequent words are subsampled. Each remaining word is the center of a window, usually of random width,
which selects its context words. These share one set of noise words, and up to BLOCK_ROWS of them are updated at once,
from the values before the update (Ji et al. 2016, "Parallelizing word2vec in shared and distributed memory"). Then
X (B, D) and Y (1 + K, D) are small matrices, and so are the scores X Y^T and the gradients G Y and G^T X.

The fused CPU engine (engines/cpu/) makes the same draws in the same order and is tested against this one: with one
thread and one seed, both end with the same tables except for rounding. This module leaves speed and threads to the
other engines, the loss to losses/ and everything else about training to training/.

Papers: Mikolov et al. 2013, "Efficient estimation of word representations in vector space" and "Distributed
representations of words and phrases and their compositionality".
"""

import time
from collections.abc import Generator, Iterator
from typing import ClassVar, cast

import numpy as np
import torch

from word2vec.engines.base import REPORT_SECONDS, Engine, LearningRate, Progress
from word2vec.engines.draws import SplitMix64, below, noise_word
from word2vec.errors import ConfigError
from word2vec.losses import Objective
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import Batch, ExampleDataset, SkipGramDataset
from word2vec.sampling.shards import Shard, derive_seed, words_read

CHUNK_WORDS = 10_000  # corpus words for which the learning rate stays the same, as in engines/cpu/engine.py
CHUNK_PAIRS = 60_000  # limit on their pairs, which wide windows reach; a second or two
BLOCK_ROWS = 10  # context words that move at once, as in engines/cpu/simd.py


class PlainEngine(Engine):
    """Trains a model in one thread with any objective; see `Engine` for the arguments. `threads` is ignored.

    The arithmetic is in float64. The tables of the model, float32, are updated after each chunk of CHUNK_WORDS words.

    Raises:
        ConfigError: The vocabulary has fewer than two words.
    """

    max_threads: ClassVar[int | None] = 1
    sync_every: ClassVar[int] = 25_000  # several seconds

    def __init__(
        self,
        model: SkipGram,
        objective: Objective,
        dataset: ExampleDataset,
        learning_rate: LearningRate,
        threads: int = 1,  # noqa: ARG002, one thread is all it has
    ) -> None:
        super().__init__(model, objective, dataset, learning_rate, threads=1)
        if len(dataset.noise) < 2:
            raise ConfigError(
                "the vocabulary has only one word, but training needs a second one as noise; use more text"
            )
        frequency = dataset.pair_frequency if objective.in_batch else dataset.noise
        self.log_q = frequency.double().log() if objective.needs_log_q else None  # (V,) subtracted from the scores

    def epoch(self, number: int, shards: list[Shard] | None = None) -> Generator[Progress]:
        """Train one pass over the corpus; see `Engine.epoch`."""
        self.dataset.set_epoch(number)
        self._epoch, self._shards = number, shards or self.dataset.new_shards(1)
        train = self._train_batches if self.objective.in_batch else self._train_chunks
        reported, threads_before = time.monotonic(), torch.get_num_threads()
        torch.set_num_threads(1)  # subtle: torch splits even a softmax of ten rows, and waits longer than it computes
        try:
            for _ in train(self._shards[0]):  # each time the shard is consistent with the tables
                if time.monotonic() > reported + REPORT_SECONDS:
                    yield self._progress()
                    reported = time.monotonic()
            yield self._progress()
        finally:
            torch.set_num_threads(threads_before)

    def state(self) -> list[Shard]:
        """Return the shards of the current epoch, always up to date; see `Engine.state`."""
        return self._shards

    def _progress(self) -> Progress:
        shard, counts_hits = self._shards[0], self.objective.in_batch
        return Progress(words_read([shard]), shard.pairs, shard.loss, shard.hits if counts_hits else None)

    def _load_tables(self) -> None:
        """Copy the tables to float64; other processes may have changed them since the last chunk."""
        self.input = self.model.input.detach().cpu().double().numpy()  # (V, D)
        self.output = self.model.output.detach().cpu().double().numpy()  # (V, D)

    @torch.no_grad()
    def _store_tables(self) -> None:
        self.model.input.copy_(torch.from_numpy(self.input))
        self.model.output.copy_(torch.from_numpy(self.output))

    def _train_chunks(self, shard: Shard) -> Iterator[None]:
        """Train a shard with drawn noise words; yields before each chunk."""
        random = SplitMix64(derive_seed(self.dataset.seed, self._epoch, *shard.stream))
        if shard.engine_state:
            random = SplitMix64.from_tensor(shard.engine_state["random"])
        for first, last in self.dataset.unread_chunks(shard, CHUNK_WORDS, CHUNK_PAIRS):
            yield
            lr = self.learning_rate(self._epoch, words_read([shard]))
            self._load_tables()
            for center, contexts, noise in self.examples(first, last, random):
                for start in range(0, len(contexts), BLOCK_ROWS):
                    block = contexts[start : start + BLOCK_ROWS]
                    shard.loss += self.step(block, [center, *noise], lr)
                    shard.pairs += len(block)
            self._store_tables()
            shard.engine_state = {"random": random.to_tensor()}

    def examples(self, first: int, last: int, random: SplitMix64) -> Iterator[tuple[int, list[int], list[int]]]:
        """Yield each center word of the sentences first..last with its context words, left to right, and noise words.

        A chunk is subsampled first, with one draw per word. Then, for each remaining word, K noise words and the window
        width are drawn.
        """
        settings, alias, window = (
            self.dataset.settings,
            self.dataset.alias,
            cast("SkipGramDataset", self.dataset).window,
        )
        sentences = [self._subsample(number, random) for number in range(first, last)]
        for words in sentences:
            for place, center in enumerate(words):
                noise = [noise_word(alias, center, random) for _ in range(settings.negatives)]
                width = window.min_width + below(random.bits(), window.widths)
                before = words[max(0, place - min(width, window.left)) : place]
                after = words[place + 1 : place + 1 + min(width, window.right)]
                yield center, before + after, noise

    def _subsample(self, sentence: int, random: SplitMix64) -> list[int]:
        text = cast("SkipGramDataset", self.dataset)
        begin, end = text.offsets[sentence : sentence + 2]
        known = [word for word in text.tokens[begin:end].tolist() if 0 <= word < len(text.keep)]
        return [word for word in known if random.bits() >> 32 < text.keep[word].item() * 2.0**32]

    @np.errstate(over="ignore", invalid="ignore")  # the loss shows if training diverges
    def step(self, contexts: list[int], targets: list[int], lr: float) -> float:
        """Make one step for a block of context words with the same targets; returns the sum of the losses before it.

        Args:
            contexts: B rows of the input table.
            targets: 1 + K rows of the output table, that of the center word first.
            lr: Learning rate.
        """
        x, y = self.input[contexts], self.output[targets]  # (B, D), (1 + K, D)
        scores = torch.from_numpy(x @ y.T).to(self.dataset.device)  # (B, 1 + K), s_k = x . y_k
        if self.log_q is not None:
            scores -= self.log_q[targets]
        loss = self.objective(scores[:, 0], scores[:, 1:]).sum().item()
        g = self.objective.score_gradients(scores).cpu().numpy()  # (B, 1 + K), g_k = dL/ds_k
        # subtle: a row may occur several times, and `+=` would apply only one of its steps
        np.add.at(self.input, contexts, -lr * (g @ y))  # dL/dx = sum_k g_k y_k
        np.add.at(self.output, targets, -lr * (g.T @ x))  # dL/dy_k = g_k x, summed over the block
        return float(loss)

    def _train_batches(self, shard: Shard) -> Iterator[None]:
        """Train a shard with the batch as noise words; yields before each batch."""
        for batch in self.dataset.batches(shard):
            yield
            self._load_tables()
            loss, hits = self.in_batch_step(batch, self.learning_rate(self._epoch, words_read([shard])))
            self._store_tables()
            shard.loss, shard.hits, shard.pairs = shard.loss + loss, shard.hits + hits, shard.pairs + len(batch.center)

    @np.errstate(over="ignore", invalid="ignore")
    def in_batch_step(self, batch: Batch, lr: float) -> tuple[float, int]:
        """Make one step in which each center word of a batch is a noise word for the other examples.

        Here the loss depends on the rows of the whole batch at once, and autograd differentiates it.

        Args:
            batch: B examples; their negatives are not used.
            lr: Learning rate.

        Returns:
            The sum of the losses before the step, and how many examples scored their own center word highest.
        """
        contexts, centers = batch.context.cpu().numpy(), batch.center.cpu().numpy()
        x = torch.from_numpy(self.input[contexts]).to(self.dataset.device).requires_grad_()  # (B, D)
        y = torch.from_numpy(self.output[centers]).to(self.dataset.device).requires_grad_()  # (B, D)
        log_q = None if self.log_q is None else self.log_q[batch.center]  # (B,)
        loss, predictions = self.objective.fortraining(x, y, ids=batch.center, log_q=log_q)
        step_x, step_y = torch.autograd.grad(loss.sum(), (x, y))
        np.add.at(self.input, contexts, -lr * step_x.cpu().numpy())
        np.add.at(self.output, centers, -lr * step_y.cpu().numpy())
        return loss.sum().item(), int((predictions.cpu() == torch.arange(len(contexts))).sum())
