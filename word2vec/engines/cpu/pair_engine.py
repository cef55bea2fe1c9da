"""The fused CPU engine for explicit pairs: order, noise words, scores, gradients and updates in one compiled loop.

As in the engine for text (engine.py), up to BLOCK_ROWS pairs with the same target share their noise words and are
updated at once; here a chunk of pairs is arranged in such groups first. Threads run the kernel (pair_kernel.py) on
ranges of positions and write to the same tables (Hogwild: Niu et al. 2011).
"""

from collections.abc import Generator
from threading import Event

import numpy as np

from word2vec.engines.base import Engine, LearningRate, Progress, Workers
from word2vec.engines.cpu.engine import (
    aligned_rows,
    noise_table,
    read_only,
    resume_thread,
    save_threads,
    total_progress,
)
from word2vec.engines.cpu.kernel import Tables
from word2vec.engines.cpu.pair_kernel import Noise, Pairs, PairThread, pair_kernel
from word2vec.engines.cpu.simd import BLOCK_ROWS, LANES, padded_width
from word2vec.losses.base import Objective
from word2vec.losses.registry import objective_name
from word2vec.models import EmbeddingModel
from word2vec.sampling.pair_order import U64, width_of
from word2vec.sampling.pairs import BLOCK_PAIRS, PairDataset
from word2vec.sampling.shards import Shard, derive_seed, words_read

# What a thread trains between two checks of the learning rate and of the stop flag, as in engines/plain.py. With up to
# 1,000 equally frequent targets, such a chunk fills the groups; with 100,000, most groups have one pair anyway.
CHUNK_PAIRS = 10_000


class FusedPairEngine(Engine):
    """Trains pairs on the CPU with one of the compiled objectives of objectives.py.

    With one thread the order of all steps is fixed, and the same seed gives the same bytes.

    Args:
        model: The model, trained in place; its tables move to memory with aligned rows.
        objective: An objective of a class in `COMPILED`.
        dataset: The pairs.
        learning_rate: The learning rate schedule.
        threads: Number of threads.
    """

    def __init__(
        self,
        model: EmbeddingModel,
        objective: Objective,
        dataset: PairDataset,
        learning_rate: LearningRate,
        threads: int = 1,
    ) -> None:
        super().__init__(model, objective, dataset, learning_rate, threads)
        self._dataset, self._group_rows = dataset, min(dataset.group_rows, BLOCK_ROWS)
        bits = width_of(len(dataset.inputs))
        self._pairs = Pairs(
            inputs=read_only(dataset.inputs, np.int32),
            targets=read_only(dataset.targets, np.int32),
            columns=np.empty(0, np.uint32) if dataset.columns is None else dataset.columns,
            keys=dataset.order_keys(0),
            mask=U64((1 << bits) - 1),
            shift=U64((bits + 1) // 2),
        )
        self._noise = Noise(
            noise=noise_table(dataset),
            cumulative=dataset.alias.cumulative.numpy(),
            log_q=dataset.noise.log().numpy() if objective.needs_log_q else np.empty(0, np.float32),
        )
        width = padded_width(model.input.shape[1])
        self._tables = Tables(aligned_rows(model.input, width), aligned_rows(model.output, width), width)
        negatives = dataset.settings.negatives
        self._constants = np.array([*objective.constants(negatives), 0.0], np.float32)
        self._workers = Workers(threads)
        self._kernel = pair_kernel(objective_name(type(objective)), negatives, objective.needs_log_q)
        self._train(_new_thread(0, len(dataset.noise)), 0, 0, 0.0)  # a call without pairs, to compile

    def epoch(self, number: int, shards: list[Shard] | None = None) -> Generator[Progress]:
        """Train one pass over the pairs; see `Engine.epoch`."""
        self._epoch = number
        self._pairs = self._pairs._replace(keys=self._dataset.order_keys(number))
        self._shards = shards or self.dataset.new_shards(self.threads)
        self._states = [self._state_of(shard) for shard in self._shards]
        yield from self._workers.run(self._train_shard, self._total)

    def state(self) -> list[Shard]:
        """Return the shards of the current epoch; see `Engine.state`."""
        self._workers.pause()
        save_threads(self._shards, self._states)
        return self._shards

    def _train_shard(self, rank: int, stop: Event) -> None:
        offsets, unread = self.dataset.offsets, self.dataset.unread_chunks
        for number, (begin, end) in enumerate(unread(self._shards[rank], CHUNK_PAIRS, CHUNK_PAIRS)):
            if number and stop.is_set():
                return
            lr = self.learning_rate(self._epoch, words_read(self._shards))
            self._train(self._states[rank], int(offsets[begin]), int(offsets[end]), lr)

    def _state_of(self, shard: Shard) -> PairThread:
        """Return the state of a thread that continues a shard."""
        state = _new_thread(derive_seed(self.dataset.seed, self._epoch, *shard.stream), len(self.dataset.noise))
        resume_thread(state, shard)
        return state

    def _total(self) -> Progress:
        return total_progress(self._shards, self._states)

    def _train(self, state: PairThread, first: int, last: int, lr: float) -> None:
        """Train the pairs at the positions from `first` to before `last`, at most CHUNK_PAIRS."""
        self._kernel(
            self._pairs,
            first,
            last,
            self._noise,
            self._tables,
            self._constants,
            np.float32(lr),
            self._group_rows,
            state,
        )


def _new_thread(seed: int, targets: int) -> PairThread:
    size = max(CHUNK_PAIRS, BLOCK_PAIRS)  # a chunk has at least one block
    return PairThread(
        inputs=np.zeros(size, np.int32),
        targets=np.zeros(size, np.int32),
        group_of=np.zeros(size, np.int32),
        members=np.zeros(size, np.int32),
        group_targets=np.zeros(size, np.int32),
        starts=np.zeros(size + 1, np.int64),
        open_group=np.full(targets, -1, np.int32),
        random=np.array([seed], np.uint64),
        pairs=np.zeros(1, np.int64),
        loss=np.zeros(LANES, np.float64),
    )
