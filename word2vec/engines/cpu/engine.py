"""The fused engine for CPUs: sampling, scores, gradients and steps in one compiled loop.

It draws its examples from the same distributions as the reference engine and takes the same steps, with two differences
that make it fast (Ji et al. 2016, "Parallelizing word2vec in shared and distributed memory"):

- The pairs of a center word with the words of its window shard one set of K noise words.
- The pairs of a window, BLOCK_ROWS of them at most, take their steps at once, from the values before.

Nothing is stored per pair. Threads run the kernel (cpu_kernel.py) on shards of the corpus without the interpreter's
lock and write to the same tables (Hogwild: Niu et al. 2011).
"""

import logging
from collections.abc import Callable, Generator
from threading import Event
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from word2vec.engines.base import Progress, run_threads
from word2vec.engines.cpu.kernel import Sampling, Tables, Text, ThreadState, kernel
from word2vec.engines.cpu.objectives import COMPILED
from word2vec.engines.cpu.simd import LANES, padded_width
from word2vec.errors import ConfigError
from word2vec.losses import Objective
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import SkipGramDataset
from word2vec.sampling.shards import Shard, derive_seed, new_shards, unread_chunks, words_read

# What a thread does between two looks at the learning rate and at Ctrl-C: at most as many words as in word2vec.c, and
# fewer where a word costs more multiply-adds than by default, some 4,000 for each of the three products.
CHUNK_WORDS, CHUNK_PRODUCTS = 10_000, 40_000_000
LINE_BYTES = 64  # of a cache

T = TypeVar("T", bound=np.integer)

logger = logging.getLogger("word2vec")


class FusedEngine:
    """Trains a model on the CPU with one of the objectives of cpu_gradients.py; see AutogradEngine for the arguments.

    Of the dataset it takes the corpus and the settings; the batches are not made. With one thread the order of all
    steps is fixed, and the same seed gives the same bytes.

    Raises:
        ConfigError: the vocabulary has fewer than two words.
    """

    max_threads = None  # as many as there are processors
    in_batches = False
    sync_every = 1_000_000  # see AutogradEngine; by trial, twice as much costs accuracy

    def __init__(
        self,
        model: SkipGram,
        objective: nn.Module,
        dataset: SkipGramDataset,
        lr_at: Callable[[int, int], float],
        threads: int = 1,
    ) -> None:
        if len(dataset.keep) < 2:
            raise ConfigError("the vocabulary has one word: training needs two, one of them to be drawn as noise")
        self.model, self.dataset, self.lr_at, self.threads = model, dataset, lr_at, threads
        self._text = Text(_read_only(dataset.tokens, np.int32), _read_only(dataset.offsets, np.int64))
        needs_log_q = bool(getattr(objective, "needs_log_q", False))
        self._sampling = Sampling(
            keep=_thresholds(dataset.keep.double().numpy()),
            noise=_noise_table(dataset),
            cumulative=dataset.alias.cumulative.numpy(),
            log_q=dataset.noise.log().numpy() if needs_log_q else np.empty(0, np.float32),
            window=dataset.settings.window,
        )
        width = padded_width(model.input.shape[1])
        self._tables = Tables(_flat_rows(model.input, width), _flat_rows(model.output, width), width)
        negatives = dataset.settings.negatives
        self._constants = np.array([*cast(Objective, objective).constants(negatives), 0.0], np.float32)
        self._chunk_words = max(
            1, min(CHUNK_WORDS, CHUNK_PRODUCTS // ((self._sampling.window + 1) * (1 + negatives) * width))
        )
        self._compile(list(COMPILED).index(type(objective)), negatives, needs_log_q)

    def _compile(self, objective: int, negatives: int, needs_log_q: bool) -> None:
        """Compile the kernel by a call that trains nothing; one that cannot be kept on disk is used all the same."""
        try:
            self._kernel = kernel(objective, negatives, needs_log_q)
            self._train(_new_shard(0), 0, 0, 0.0)
        except (OSError, RuntimeError) as error:  # numba's, of a full disk and of no folder to write to
            logger.warning("the compiled kernel cannot be kept for the next training: %s", error)
            self._kernel = kernel(objective, negatives, needs_log_q, cached=False)
            self._train(_new_shard(0), 0, 0, 0.0)

    def epoch(self, number: int, shards: list[Shard] | None = None) -> Generator[Progress]:
        """Train one pass over the corpus; reports a few times a second and at the end.

        Closing the iterator early stops the threads within a fraction of a second; `state` then says how to go on.

        Args:
            number: of the pass, from 0.
            shards: where to go on, one for each thread; a new pass by default.
        """
        self._shards = shards or new_shards(self.dataset.offsets, self.threads)
        seeds = [derive_seed(self.dataset.seed, number, *shard.stream) for shard in self._shards]
        self._own = [_resumed_shard(*both) for both in zip(self._shards, seeds, strict=True)]

        def train_shard(rank: int, stop: Event) -> None:
            offsets = self.dataset.offsets
            for begin, end in unread_chunks(self._shards[rank], offsets, self._chunk_words):
                if stop.is_set():
                    return
                self._own[rank] = _with_room(self._own[rank], int(offsets[end] - offsets[begin]), end - begin)
                self._train(self._own[rank], begin, end, self.lr_at(number, words_read(self._shards)))

        return run_threads(train_shard, self.threads, self._total)

    def state(self) -> list[Shard]:
        """How far the pass is that was closed; to be given to `epoch`."""
        for shard, own in zip(self._shards, self._own, strict=True):
            shard.pairs, shard.loss = int(own.pairs[0]), float(own.loss.sum())
            shard.own = {"random": torch.from_numpy(own.state.view(np.int64)), "loss": torch.from_numpy(own.loss)}
        return self._shards

    def _total(self) -> Progress:
        # subtle: the kernel adds the pairs first, so that a loss that is read before them always has its pairs
        loss = sum(float(own.loss.sum()) for own in self._own)
        return Progress(words_read(self._shards), sum(int(own.pairs[0]) for own in self._own), loss)

    def _train(self, shard: ThreadState, first: int, last: int, lr: float) -> None:
        """Train on the sentences first..last."""
        self._kernel(self._text, first, last, self._sampling, self._tables, self._constants, np.float32(lr), shard)


def _new_shard(seed: int) -> ThreadState:
    return ThreadState(
        kept=np.zeros(1, np.int32),
        ends=np.zeros(1, np.int64),
        state=np.array([seed], np.uint64),
        pairs=np.zeros(1, np.int64),
        loss=np.zeros(LANES, np.float64),
    )


def _resumed_shard(shard: Shard, seed: int) -> ThreadState:
    """What the kernel needs; the seed is for a shard that has not begun or was cut anew."""
    own = _new_shard(seed)
    own.pairs[0], own.loss[0] = shard.pairs, shard.loss
    if shard.own:
        own.state[:] = shard.own["random"].numpy().view(np.uint64)
        own.loss[:] = shard.own["loss"].numpy()
    return own


def _with_room(shard: ThreadState, words: int, sentences: int) -> ThreadState:
    """The shard with working memory for a chunk: all of them are about equal, but a sentence is never cut."""
    if words >= len(shard.kept):
        shard = shard._replace(kept=np.zeros(words + 1, np.int32))  # the kernel writes one word more than it keeps
    if sentences > len(shard.ends):
        shard = shard._replace(ends=np.zeros(sentences, np.int64))
    return shard


def _read_only(array: npt.NDArray[np.integer], kind: type[T]) -> npt.NDArray[T]:
    """A view that numba takes for the same type wherever the array comes from."""
    view = np.ascontiguousarray(array, dtype=kind).view(np.ndarray)
    view.flags.writeable = False
    return view


def _thresholds(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.uint32]:
    """The largest draw from 0..2^32-1 that counts: probability 1 takes all of them, and none is left without any."""
    thresholds: npt.NDArray[np.uint32] = np.clip(np.ceil(probabilities * 2.0**32) - 1, 0, 2**32 - 1).astype(np.uint32)
    return thresholds


def _noise_table(dataset: SkipGramDataset) -> npt.NDArray[np.uint32]:
    """Both columns of the alias table side by side, so that a draw costs one line of the cache."""
    shard, alias = dataset.alias.acceptance.double().numpy(), dataset.alias.alias.numpy()
    own = np.clip(np.round(shard * 2.0**32), 0, 2**32 - 1)  # (V,)
    table: npt.NDArray[np.uint32] = np.stack([own, alias], axis=1).astype(np.uint32)
    return table.reshape(-1)


def _flat_rows(table: nn.Parameter, width: int) -> npt.NDArray[np.float32]:
    """The memory of a table, (V * width,), in which each row begins at a line of the cache.

    The parameter is moved to such memory, unless an engine before this one has done so.
    """
    if table.stride() != (width, 1) or table.data_ptr() % LINE_BYTES:
        memory = np.zeros(len(table) * width + LANES, np.float32)  # numpy's, for it asks the system for huge pages
        first = -memory.ctypes.data % LINE_BYTES // memory.itemsize
        flat = torch.from_numpy(memory[first : first + len(table) * width])
        rows = flat.view(len(table), width)[:, : table.shape[1]]
        table.data = rows.copy_(table.detach())
    return torch.as_strided(table.detach(), (len(table) * width,), (1,)).numpy()
