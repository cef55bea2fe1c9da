"""The fused CPU engine whose result does not depend on the number of threads.

Racing threads read each other's steps at random moments, so two runs differ. This engine trains skip-gram in rounds:

1. The corpus is split into up to MAX_SHARDS shards, whatever the number of threads, and a chunk of each is read.
2. Each shard trains one block of its chunk on private copies of the rows (staging.py), while the tables do not change.
3. The changes of all blocks are added to the tables, those of each row in the order of the shards.

2 and 3 repeat until the chunks are trained. Threads divide the shards among them in step 2 and the rows in step 3, so
the same seed gives the same bytes with any number of threads, also if training was interrupted and resumed. Threads
beyond the number of shards gain nothing.
"""

import logging
from collections.abc import Generator, Iterator
from threading import Barrier, BrokenBarrierError, Event
from typing import ClassVar

import numpy as np

from word2vec.engines.base import LearningRate, Progress
from word2vec.engines.cpu import engine
from word2vec.engines.cpu.engine import FusedEngine, State, with_buffers
from word2vec.engines.cpu.round_kernel import read_kernel, round_kernel
from word2vec.engines.draws import unseen_words
from word2vec.losses.base import Objective
from word2vec.losses.registry import objective_name
from word2vec.models import EmbeddingModel
from word2vec.sampling.datasets import TextDataset
from word2vec.sampling.shards import Shard, words_read

logger = logging.getLogger("word2vec")

MAX_SHARDS = 16
"""Blocks that are trained at once, at most. More of them would occupy more threads, but would have to be smaller."""

MIN_SHARD_WORDS, MIN_BLOCK_WORDS = 20_000, 32  # small corpora and vocabularies have fewer shards


class DeterministicEngine(FusedEngine):
    """Trains skip-gram with noise words to the same bytes with any number of threads.

    The arguments are those of `FusedEngine`.
    """

    max_threads: ClassVar[int | None] = MAX_SHARDS

    def __init__(
        self,
        model: EmbeddingModel,
        objective: Objective,
        dataset: TextDataset,
        learning_rate: LearningRate,
        threads: int = 1,
    ) -> None:
        reach = dataset.window.left + dataset.window.right
        at_once = unseen_words(float(dataset.pair_frequency.max()), reach)
        shards = max(1, min(MAX_SHARDS, at_once // MIN_BLOCK_WORDS, int(dataset.offsets[-1]) // MIN_SHARD_WORDS))
        self._number_of_shards, self._number_of_threads = shards, min(threads, shards)
        self._read = read_kernel()
        self._readers: list[Iterator[tuple[int, int]]] = []  # of the chunks of each shard, while threads run
        self._chunks: list[tuple[int, int] | None] = []  # the current one of each shard; [] when threads shall stop
        self._rates = 0.0, 0.0  # learning rates before and after these chunks
        self._kept = np.zeros(shards, np.int64)  # words of each chunk that survived subsampling
        self._met = np.zeros(1, np.int64)  # arrivals of threads; see round_kernel.py
        super().__init__(model, objective, dataset, learning_rate, self._number_of_threads)
        self.threads = shards  # the number of shards that `epoch` expects
        if self._number_of_threads < threads:
            reason = "the corpus or the vocabulary is small, or windows are wide"
            logger.info("deterministic training uses %d of %d threads: %s", self._number_of_threads, threads, reason)

    def _compile(self) -> None:
        objective, negatives = self.objective, self.dataset.settings.negatives
        name, frozen = objective_name(type(objective)), self.model.has_frozen_rows
        self._kernel = round_kernel(name, negatives, objective.needs_log_q, frozen)
        states = [self._new_state(0) for _ in range(self._number_of_shards)]
        self._read(self._text, 0, 0, self._sampling, states[0])
        self._train_words(states, rank=0, threads=1)

    def epoch(self, number: int, shards: list[Shard] | None = None) -> Generator[Progress]:
        """Train one pass over the corpus; see `Engine.epoch`."""
        shards = shards or self.dataset.new_shards(self.threads)
        self._barrier, self._readers, self._kept = Barrier(self._number_of_threads), [], np.zeros(len(shards), np.int64)
        yield from super().epoch(number, shards)

    def _train_shard(self, rank: int, stop: Event) -> None:
        """Train the shards of a thread, in step with the other threads, until all are done or `stop` is set."""
        try:
            while True:
                if self._barrier.wait() == 0:  # in one thread
                    self._next_chunks(stop)
                self._barrier.wait()
                if not self._chunks:
                    return
                self._train_chunks(rank)
        except BaseException as error:
            if self._barrier.broken and isinstance(error, BrokenBarrierError):
                return  # another thread failed, and raises its error
            self._barrier.abort()
            raise

    def _next_chunks(self, stop: Event) -> None:
        """Request the next chunk of each shard, after which the previous one counts as read."""
        begins = not self._readers
        if begins:
            unread = self.dataset.unread_chunks
            self._readers = [unread(shard, engine.CHUNK_WORDS, self._chunk_pairs) for shard in self._shards]
        self._met[0] = 0
        self._chunks = [next(reader, None) for reader in self._readers]
        if not any(self._chunks) or (stop.is_set() and not begins):
            self._chunks, self._readers = [], []
            return
        offsets, read = self.dataset.offsets, words_read(self._shards)
        words = sum(int(offsets[chunk[1]] - offsets[chunk[0]]) for chunk in self._chunks if chunk)
        self._rates = self.learning_rate(self._epoch, read), self.learning_rate(self._epoch, read + words)

    def _train_chunks(self, rank: int) -> None:
        """Train the current chunks: those of the shards of this thread, and the steps of its part of the words."""
        offsets, mine = self.dataset.offsets, range(rank, len(self._shards), self._number_of_threads)
        for number in mine:
            begin, end = self._chunks[number] or (0, 0)
            state = with_buffers(self._states[number], int(offsets[end] - offsets[begin]), end - begin)
            self._states[number] = state
            self._kept[number] = self._read(self._text, begin, end, self._sampling, state)
        self._barrier.wait()
        states = list(self._states)
        # subtle: nothing may fail from here on; the other threads would wait in the compiled loop for ever
        self._barrier.wait()
        self._train_words(states, rank, self._number_of_threads)

    def _train_words(self, states: list[State], rank: int, threads: int) -> None:
        """Train the words that `_read` has written to the states of all shards, together with the other threads."""
        tables, constants = self._tables, self._constants
        self._kernel(
            self._kept, self._sampling, tables, constants, *self._rates, tuple(states), rank, threads, self._met
        )
