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
X (B, D) and Y (1 + K, D) are small matrices, and so are the scores X Y^T and the gradients G Y and G^T X. For some
hundred center words a pool of noise words is drawn, among which each center word picks its own: so the fused engine
has to fetch fewer rows from memory (engines/cpu/staging.py).

**Hierarchical softmax** has no noise words. Its targets are the nodes on the path to the center word in a Huffman tree,
whose scores have signs: s_k = sign_k (x . y_k), and so dL/dx = sum_k sign_k g_k y_k.

**Other models** differ only in the rows that x is gathered from, and that its step is scattered to (models/). For CBOW
x is the mean of the context words, one example per window. With character n-grams, a word is the mean of its own row
and the rows of its n-grams. These are many, so they are gathered once per window, for the center word, which predicts
the context words, as in fastText; the pairs are the same, only their roles are exchanged.

The fused CPU engine (engines/cpu/) makes the same draws in the same order and is tested against this one: with one
thread and one seed, both end with the same tables except for rounding. This module leaves speed and threads to the
other engines, the loss to losses/ and everything else about training to training/.

Papers: Mikolov et al. 2013, "Efficient estimation of word representations in vector space" and "Distributed
representations of words and phrases and their compositionality".
"""

import time
from collections.abc import Generator, Iterator
from typing import ClassVar, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch

from word2vec.engines.base import REPORT_SECONDS, Engine, LearningRate, Progress
from word2vec.engines.draws import SplitMix64, below, block_words, draw_pool, noise_word, pick_noise, pool_size
from word2vec.errors import ConfigError
from word2vec.losses import Objective
from word2vec.models import CBOW, EmbeddingModel, SkipGram
from word2vec.sampling.datasets import Batch, ExampleDataset, TextDataset
from word2vec.sampling.shards import Shard, derive_seed, words_read

CHUNK_WORDS = 10_000  # corpus words for which the learning rate stays the same, as in engines/cpu/engine.py
CHUNK_PAIRS = 60_000  # limit on their pairs, which wide windows reach; a second or two
BLOCK_ROWS = 10  # context words that move at once, as in engines/cpu/simd.py
BLOCK_TARGETS = 16  # words that the center word predicts at once, as in engines/cpu/ngram_kernel.py
SHARED_WINDOWS = 8  # consecutive windows that share their noise words


class Word(NamedTuple):
    """A context word."""

    id: int
    position: int = 0  # in the window: 0 is the leftmost one


class Group(NamedTuple):
    """B examples that are updated at once."""

    inputs: list[list[Word]]  # the words that the input vector of each example is the mean of
    targets: list[list[int]]  # (B, 1 + K) words; the first one is the true word


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
        model: EmbeddingModel,
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
        frequency = dataset.pair_frequency if objective.targets == "batch" else dataset.noise
        self.log_q = frequency.double().log() if objective.needs_log_q else None  # (V,) subtracted from the scores
        self.paths = cast("TextDataset", dataset).tree.padded() if objective.targets == "tree" else None  # (V, L) each
        frozen = {"input": model.frozen_input, "output": model.frozen_output, "ngrams": model.frozen_ngrams}
        self.frozen = {name: rows.cpu().numpy() for name, rows in frozen.items() if rows is not None}  # (rows,) bool

    def epoch(self, number: int, shards: list[Shard] | None = None) -> Generator[Progress]:
        """Train one pass over the corpus; see `Engine.epoch`."""
        self.dataset.set_epoch(number)
        self._epoch, self._shards = number, shards or self.dataset.new_shards(1)
        train = self._train_batches if self.objective.targets == "batch" else self._train_chunks
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
        shard, counts_hits = self._shards[0], self.objective.targets == "batch"
        return Progress(words_read([shard]), shard.pairs, shard.loss, shard.hits if counts_hits else None)

    def _load_tables(self) -> None:
        """Copy the tables to float64; other processes may have changed them since the last chunk."""
        parameters = self.model.named_parameters()
        self.tables = {name: table.detach().cpu().double().numpy() for name, table in parameters}
        self.input, self.output = self.tables["input"], self.tables["output"]  # (V, D)

    @torch.no_grad()
    def _store_tables(self) -> None:
        for name, table in self.model.named_parameters():
            table.copy_(torch.from_numpy(self.tables[name]))

    def _train_chunks(self, shard: Shard) -> Iterator[None]:
        """Train a shard with drawn noise words; yields before each chunk."""
        random = SplitMix64(derive_seed(self.dataset.seed, self._epoch, *shard.stream))
        if shard.engine_state:
            random = SplitMix64.from_tensor(shard.engine_state["random"])
        for first, last in self.dataset.unread_chunks(shard, CHUNK_WORDS, CHUNK_PAIRS):
            yield
            lr = self.learning_rate(self._epoch, words_read([shard]))
            self._load_tables()
            for group in self.groups(first, last, random):
                shard.loss += self.step(group, lr)
                shard.pairs += len(group.inputs)
            self._store_tables()
            shard.engine_state = {"random": random.to_tensor()}

    def groups(self, first: int, last: int, random: SplitMix64) -> Iterator[Group]:
        """Yield the examples of the sentences first..last in the order in which they are trained."""
        if self.model.center_is_input:
            yield from self._groups_of_centers(first, last, random)
            return
        form = window_predicts if isinstance(self.model, CBOW) else each_predicts
        for center, context, noise in self.windows(first, last, random):
            yield from form(center, context, noise)

    def _groups_of_centers(self, first: int, last: int, random: SplitMix64) -> Iterator[Group]:
        """Yield the examples in which the center word predicts each context word, up to BLOCK_TARGETS at once.

        They have the same input, so each has noise words of its own. SHARED_WINDOWS consecutive windows share them.
        """
        window = cast("TextDataset", self.dataset).window
        places, noise = min(BLOCK_TARGETS, window.left + window.right), [[0]]
        for number, (center, context, _) in enumerate(self.windows(first, last, random)):
            for start in range(0, max(1, len(context)), BLOCK_TARGETS):
                if start > 0 or number % SHARED_WINDOWS == 0:
                    noise = [self._draw_noise(None, random) for _ in range(places)]
                yield from center_predicts(center, context[start : start + BLOCK_TARGETS], noise)

    def _draw_noise(self, true: int | None, random: SplitMix64) -> list[int]:
        return [noise_word(self.dataset.alias, true, random) for _ in range(self.dataset.settings.negatives)]

    def windows(self, first: int, last: int, random: SplitMix64) -> Iterator[tuple[int, list[Word], list[int]]]:
        """Yield each center word of the sentences first..last with its context words, left to right, and noise words.

        A chunk is subsampled first, with one draw per word. Then, for each remaining word, K noise words and the window
        width are drawn; no noise words if the center word is the input, because they are not those of one true word.
        """
        text = cast("TextDataset", self.dataset)
        window, center_is_input = text.window, self.model.center_is_input
        left, right = (window.right, window.left) if center_is_input else (window.left, window.right)
        sentences = [self._subsample(number, random) for number in range(first, last)]
        noise_words = self._noise_of_centers([word for words in sentences for word in words], random)
        for words in sentences:
            for place, center in enumerate(words):
                noise = next(noise_words)
                width = window.min_width + below(random.bits(), window.widths)
                begin, end = max(0, place - min(width, left)), min(len(words), place + min(width, right) + 1)
                around = [*range(begin, place), *range(place + 1, end)]
                yield center, [Word(words[other], other - place + left - (other > place)) for other in around], noise

    def _noise_of_centers(self, centers: list[int], random: SplitMix64) -> Iterator[list[int]]:
        """Yield the noise words of each center word; skip-gram draws a pool for each block of center words first."""
        negatives = self.dataset.settings.negatives
        uses_pool = type(self.model) is SkipGram and self.model.ngram_index is None and self.paths is None
        block = block_words(self.model.input.shape[1])
        pool: list[int] = []
        for number, center in enumerate(centers):
            if self.model.center_is_input:
                yield []
            elif uses_pool:
                if number % block == 0:
                    size = pool_size(min(block, len(centers) - number), negatives)
                    pool = draw_pool(self.dataset.alias, size, random)
                yield [pick_noise(pool, center, random) for _ in range(negatives)]
            else:
                yield self._draw_noise(center, random)

    def _subsample(self, sentence: int, random: SplitMix64) -> list[int]:
        text = cast("TextDataset", self.dataset)
        begin, end = text.offsets[sentence : sentence + 2]
        known = [word for word in text.tokens[begin:end].tolist() if 0 <= word < len(text.keep)]
        return [word for word in known if random.bits() >> 32 < text.keep[word].item() * 2.0**32]

    @np.errstate(over="ignore", invalid="ignore")  # the loss shows if training diverges
    def step(self, group: Group, lr: float) -> float:
        """Make one step for a group of examples; returns the sum of the losses before it.

        Args:
            group: B examples with 1 + K targets each.
            lr: Learning rate.
        """
        targets, signs = self.rows_of(group)  # (B, T) each
        x, y = np.array([self.gather(words) for words in group.inputs]), self.output[targets]  # (B, D), (B, T, D)
        scores = torch.from_numpy(signs * np.einsum("bd,bkd->bk", x, y)).to(self.dataset.device)  # s_k = x . y_k
        scores[torch.from_numpy(signs == 0)] = torch.inf  # beyond the end of a path
        if self.log_q is not None:
            scores -= self.log_q[targets]
        hits = targets[:, 1:] == targets[:, :1]  # (B, T - 1) noise words that are the true word
        scores[:, 1:][torch.from_numpy(hits)] = -torch.inf  # which objectives ignore
        loss = self.objective(scores[:, 0], scores[:, 1:]).sum().item()
        g = signs * self.objective.score_gradients(scores).cpu().numpy()  # (B, T), g_k = dL/ds_k
        self.scatter(group.inputs, -lr * np.einsum("bk,bkd->bd", g, y))  # dL/dx = sum_k g_k y_k
        self.move("output", targets, -lr * np.einsum("bk,bd->bkd", g, x))  # dL/dy_k = g_k x
        return float(loss)

    def move(self, name: str, rows: npt.NDArray[np.integer], steps: npt.NDArray[np.float64]) -> None:
        """Add steps, (..., D), to rows of a table, (...), except to those that are frozen."""
        if name in self.frozen:
            moving = ~self.frozen[name][rows]
            rows, steps = rows[moving], steps[moving]
        # subtle: a row may occur several times, and `+=` would apply only one of its steps
        np.add.at(self.tables[name], rows, steps)

    def rows_of(self, group: Group) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]:
        """Return the rows of the targets of a group, and the signs of their scores, (B, T) each.

        These are 1 + K words with the sign 1, or the nodes of the path to the true word with its signs; shorter paths
        end with an unused row and the sign 0.
        """
        words = np.array(group.targets)  # (B, 1 + K)
        if self.paths is None:
            return words, np.ones_like(words)
        nodes, signs = self.paths
        return nodes[words[:, 0]], signs[words[:, 0]]

    def gather(self, words: list[Word]) -> npt.NDArray[np.float64]:
        """Return the input vector of an example, (D,): the mean of its words."""
        mean: npt.NDArray[np.float64] = np.mean([self._weight(word) * self.vector(word.id) for word in words], axis=0)
        return mean

    def scatter(self, inputs: list[list[Word]], steps: npt.NDArray[np.float64]) -> None:
        """Move the words of each example by the step of its input vector, steps (B, D), divided by their number."""
        moves = [
            (word, self._weight(word) * step / len(words), self.vector(word.id) * step / len(words))
            for words, step in zip(inputs, steps, strict=True)
            for word in words
        ]  # all from before the step
        self.move("input", np.array([word.id for word, _, _ in moves]), np.array([step for _, step, _ in moves]))
        for word, step, position_step in moves:
            if len(rows := self._ngram_rows(word.id)):
                self.move("ngrams", rows, np.tile(step, (len(rows), 1)))
            if "positions" in self.tables:
                self.tables["positions"][word.position] += position_step

    def vector(self, word: int) -> npt.NDArray[np.float64]:
        """Return the vector of a word, (D,): the mean of its own row and the rows of its n-grams, if it has any."""
        rows = self._ngram_rows(word)
        own: npt.NDArray[np.float64] = self.input[word]
        return (own + self.tables["ngrams"][rows].sum(axis=0)) / (1 + len(rows)) if len(rows) else own

    def _ngram_rows(self, word: int) -> npt.NDArray[np.int32]:
        index = self.model.ngram_index
        return np.empty(0, np.int32) if index is None else index.rows[index.starts[word] : index.starts[word + 1]]

    def _weight(self, word: Word) -> npt.NDArray[np.float64]:
        return self.tables["positions"][word.position] if "positions" in self.tables else np.ones(1)

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
        centers = batch.center.cpu().numpy()
        windows = batch.context.cpu().reshape(len(centers), -1).tolist()
        inputs = [[Word(word, place) for place, word in enumerate(window) if word >= 0] for window in windows]
        x = torch.from_numpy(np.array([self.gather(words) for words in inputs])).to(self.dataset.device)  # (B, D)
        x.requires_grad_()
        y = torch.from_numpy(self.output[centers]).to(self.dataset.device).requires_grad_()  # (B, D)
        log_q = None if self.log_q is None else self.log_q[batch.center]  # (B,)
        loss, predictions = self.objective.fortraining(x, y, ids=batch.center, log_q=log_q)
        step_x, step_y = torch.autograd.grad(loss.sum(), (x, y))
        self.scatter(inputs, -lr * step_x.cpu().numpy())
        self.move("output", centers, -lr * step_y.cpu().numpy())
        return loss.sum().item(), int((predictions.cpu() == torch.arange(len(inputs))).sum())


def each_predicts(center: int, context: list[Word], noise: list[int]) -> Iterator[Group]:
    """Yield the examples of skip-gram: each context word predicts the center word."""
    for start in range(0, len(context), BLOCK_ROWS):
        block = context[start : start + BLOCK_ROWS]
        yield Group([[word] for word in block], [[center, *noise]] * len(block))


def center_predicts(center: int, context: list[Word], noise: list[list[int]]) -> Iterator[Group]:
    """Yield the examples of skip-gram with n-grams: the center word predicts each context word.

    Args:
        center: The center word.
        context: Up to BLOCK_TARGETS context words.
        noise: The noise words of each.
    """
    if context:
        targets = [[word.id, *drawn] for word, drawn in zip(context, noise, strict=False)]
        yield Group([[Word(center)]] * len(context), targets)


def window_predicts(center: int, context: list[Word], noise: list[int]) -> Iterator[Group]:
    """Yield the example of CBOW: the mean of the context words predicts the center word."""
    if context:
        yield Group([context], [[center, *noise]])
