"""The fused CPU engine whose result does not depend on the number of threads.

Racing threads read each other's steps at random moments, so two runs differ. This engine trains skip-gram in rounds:

1. The corpus is split into up to MAX_SHARDS shards, whatever the number of threads, and a chunk of each is read.
2. Each shard trains one block of its chunk on private copies of the rows (staging.py), while the tables do not change.
3. The changes of all blocks are added to the tables, those of each row in the order of the shards.

2 and 3 repeat until the chunks are trained. Threads divide the shards among them in step 2 and the rows in step 3, so
the same seed gives the same bytes with any number of threads, also if training was interrupted and resumed. Threads
beyond the number of shards gain nothing.
"""

from collections.abc import Generator, Iterator
from threading import Barrier, BrokenBarrierError, Event
from typing import ClassVar

import numpy as np

from word2vec.engines.base import LearningRate, Progress
from word2vec.engines.cpu import engine
from word2vec.engines.cpu.engine import FusedEngine, with_buffers
from word2vec.engines.cpu.round_kernel import read_kernel, round_kernel
from word2vec.engines.draws import unseen_words
from word2vec.losses.base import Objective
from word2vec.losses.registry import objective_name
from word2vec.models import EmbeddingModel
from word2vec.sampling.datasets import TextDataset
from word2vec.sampling.shards import Shard, words_read

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
        super().__init__(model, objective, dataset, learning_rate, min(threads, shards))
        self._parts, self.threads = self.threads, shards  # `threads` counts shards
        settings = objective_name(type(objective)), dataset.settings.negatives, objective.needs_log_q
        self._train_rounds, self._read = round_kernel(*settings), read_kernel()
        self._readers: list[Iterator[tuple[int, int]]] = []  # of the chunks of each shard, while threads run
        self._chunks: list[tuple[int, int] | None] = []  # the current one of each shard; [] when threads shall stop
        self._kept = np.zeros(0, np.int64)  # words of each chunk that survived subsampling
        self._met = np.zeros(1, np.int64)  # arrivals of threads; see round_kernel.py

    def epoch(self, number: int, shards: list[Shard] | None = None) -> Generator[Progress]:
        """Train one pass over the corpus; see `Engine.epoch`."""
        shards = shards or self.dataset.new_shards(self.threads)
        self._meet, self._readers, self._kept = Barrier(self._parts), [], np.zeros(len(shards), np.int64)
        yield from super().epoch(number, shards)

    def _train_shard(self, rank: int, stop: Event) -> None:
        """Train the shards of a thread, in step with the other threads, until all are done or `stop` is set."""
        try:
            while True:
                if self._meet.wait() == 0:  # in one thread
                    self._next_chunks(stop)
                self._meet.wait()
                if not self._chunks:
                    return
                self._train_chunks(rank)
        except BaseException as error:
            if self._meet.broken and isinstance(error, BrokenBarrierError):
                return  # another thread failed, and raises its error
            self._meet.abort()
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

    def _train_chunks(self, rank: int) -> None:
        """Train the current chunks: those of the shards of this thread, and the steps of its part of the words."""
        offsets, mine = self.dataset.offsets, range(rank, len(self._shards), self._parts)
        for number in mine:
            begin, end = self._chunks[number] or (0, 0)
            state = with_buffers(self._states[number], int(offsets[end] - offsets[begin]), end - begin)
            self._states[number] = state
            self._kept[number] = self._read(self._text, begin, end, self._sampling, state)
        self._meet.wait()
        read = words_read(self._shards)
        words = sum(int(offsets[chunk[1]] - offsets[chunk[0]]) for chunk in self._chunks if chunk)
        rates = (self.learning_rate(self._epoch, done) for done in (read, read + words))
        self._train_rounds(
            self._kept,
            self._sampling,
            self._tables,
            self._constants,
            *rates,
            tuple(self._states),
            rank,
            self._parts,
            self._met,
        )
