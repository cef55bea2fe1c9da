"""The fused CPU engine: sampling, scores, gradients and updates in one compiled loop.

It draws its examples from the same distributions as the autograd engine and makes the same steps, with differences that
make it fast:

- The pairs of a center word with the words of its window share one set of K noise words (Ji et al. 2016, "Parallelizing
  word2vec in shared and distributed memory").
- The pairs of a window, up to BLOCK_ROWS of them, are updated at once, from the values before the update.
- Some hundred center words pick their noise words from one pool, and are trained on private copies of their rows
  (staging.py).

Nothing is stored per pair. Threads run the kernel (kernel.py) on shards of the corpus without the interpreter lock and
write to the same tables (Hogwild: Niu et al. 2011); deterministic.py makes threads wait for each other instead.
`engines/plain.py` is the same algorithm in plain numpy.

This is skip-gram; vector_kernel.py, ngram_kernel.py and tree_kernel.py describe the loops for CBOW, for skip-gram with
n-grams and for hierarchical softmax.
"""

from collections.abc import Callable, Generator, Sequence
from threading import Event
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from word2vec.engines.base import Engine, LearningRate, Progress, Workers
from word2vec.engines.cpu.kernel import NONE_FROZEN, Sampling, StagedState, Tables, Text, ThreadState, kernel
from word2vec.engines.cpu.ngram_kernel import ngram_kernel
from word2vec.engines.cpu.simd import LANES, padded_width
from word2vec.engines.cpu.staging import CACHE_LINE_BYTES, aligned_memory, new_stage
from word2vec.engines.cpu.tree_kernel import TreeSampling, path_size, tree_kernel
from word2vec.engines.cpu.vector_kernel import VectorTables, cbow_kernel
from word2vec.engines.draws import block_words, unseen_words
from word2vec.errors import ConfigError
from word2vec.losses.base import Objective
from word2vec.losses.registry import objective_name
from word2vec.models import CBOW, EmbeddingModel
from word2vec.sampling.datasets import ExampleDataset, TextDataset
from word2vec.sampling.shards import Shard, derive_seed, words_read

# What a thread trains between two checks of the learning rate and of the stop flag: at most as many words as word2vec.c
# does, and fewer where a word needs more multiply-adds than with default settings (about 4,000 for each of the three
# products).
CHUNK_WORDS, CHUNK_PRODUCTS = 10_000, 40_000_000
MAX_AHEAD = 64  # words between a center word and the word whose input row is prefetched

State = ThreadState | StagedState

T = TypeVar("T", bound=np.integer)


class Counters(Protocol):
    """What the states of threads of all compiled loops have in common."""

    @property
    def random(self) -> npt.NDArray[np.uint64]:
        """(1,) state of the random numbers."""
        ...

    @property
    def pairs(self) -> npt.NDArray[np.int64]:
        """(1,) pairs trained."""
        ...

    @property
    def loss(self) -> npt.NDArray[np.float64]:
        """(LANES,) sums of the losses."""
        ...


class FusedEngine(Engine):
    """Trains a model on the CPU with one of the compiled objectives of objectives.py.

    The engine uses the corpus and the settings of the dataset, not its batches. With one thread the order of all steps
    is fixed, and the same seed gives the same bytes.

    Args:
        model: The model, trained in place; its tables move to memory with padded rows.
        objective: An objective of a class in `COMPILED`, or for skip-gram without n-grams in `COMPILED_TREES`.
        dataset: The corpus and its sampling settings.
        learning_rate: The learning rate schedule.
        threads: Number of threads.

    Raises:
        ConfigError: The vocabulary has fewer than two words.
    """

    def __init__(
        self,
        model: EmbeddingModel,
        objective: Objective,
        dataset: TextDataset,
        learning_rate: LearningRate,
        threads: int = 1,
    ) -> None:
        if len(dataset.keep) < 2:
            raise ConfigError(
                "the vocabulary has only one word, but training needs a second one as noise; use more text"
            )
        super().__init__(model, objective, dataset, learning_rate, threads)
        words = len(dataset.keep)
        if not len(model.input) == len(model.output) == words or (
            model.ngram_index is not None and len(model.ngram_index.starts) != words + 1
        ):  # compiled code reads and writes the tables at these ids without a check
            raise ValueError(f"{words} words, but tables of {len(model.input)} and {len(model.output)} rows")
        self._sampling: Sampling | TreeSampling
        self._text = Text(read_only(dataset.tokens, np.int32), read_only(dataset.offsets, np.int64))
        self._tables = _tables_of(model)
        negatives, width = dataset.settings.negatives, self._tables.width
        self._constants = np.array([*objective.constants(negatives), 0.0], np.float32)
        self._workers, self._reach = Workers(threads), dataset.window.left + dataset.window.right
        if objective.targets == "tree" and model.has_frozen_rows:
            raise ValueError("the loop for trees does not support frozen rows")
        if objective.targets == "tree":  # of skip-gram without n-grams; see engines/choice.py
            targets, self._sampling = dataset.tree.longest, _tree_sampling(dataset)
            self._kernel = tree_kernel(objective_name(type(objective)), path_size(targets))
        else:
            targets, self._sampling = 1 + negatives, _sampling(dataset, objective, reverse=model.center_is_input)
            self._kernel = _kernel_of(model, objective, negatives)
        self._chunk_pairs = CHUNK_PRODUCTS // (targets * width)
        self._staged = objective.targets == "noise" and isinstance(self._tables, Tables)
        self._compile()

    def _compile(self) -> None:
        """Compile what an epoch calls, by a call without words."""
        self._train(self._new_state(0), 0, 0, 0.0)

    def epoch(self, number: int, shards: list[Shard] | None = None) -> Generator[Progress]:
        """Train one pass over the corpus; see `Engine.epoch`."""
        self._epoch = number
        self._shards = shards or self.dataset.new_shards(self.threads)
        self._states = [
            self._new_state(derive_seed(self.dataset.seed, number, *shard.stream)) for shard in self._shards
        ]
        for state, shard in zip(self._states, self._shards, strict=True):
            resume_thread(state, shard)
        yield from self._workers.run(self._train_shard, self._total)

    def state(self) -> list[Shard]:
        """Return the shards of the current epoch; see `Engine.state`."""
        self._workers.pause()
        save_threads(self._shards, self._states)
        return self._shards

    def _train_shard(self, rank: int, stop: Event) -> None:
        offsets, unread = self.dataset.offsets, self.dataset.unread_chunks
        for number, (begin, end) in enumerate(unread(self._shards[rank], CHUNK_WORDS, self._chunk_pairs)):
            if number and stop.is_set():
                return
            words = int(offsets[end] - offsets[begin])
            self._states[rank] = with_buffers(self._states[rank], words, end - begin)
            self._train(self._states[rank], begin, end, self.learning_rate(self._epoch, words_read(self._shards)))

    def _new_state(self, seed: int) -> State:
        state = _new_state(seed)
        if not self._staged:
            return state
        dim, reach, negatives = self.model.input.shape[1], self._reach, self.dataset.settings.negatives
        block = block_words(dim)
        if self.threads > 1:
            at_once = unseen_words(float(self.dataset.pair_frequency.max()), reach)
            block = max(4, min(block, at_once // self.threads))
        return StagedState(*state, new_stage(0, block, reach, self._tables.width, negatives))

    def _total(self) -> Progress:
        return total_progress(self._shards, self._states)

    def _train(self, state: State, first: int, last: int, lr: float) -> None:
        """Train the sentences from `first` to before `last`."""
        self._kernel(self._text, first, last, self._sampling, self._tables, self._constants, np.float32(lr), state)


def _sampling(dataset: TextDataset, objective: Objective, *, reverse: bool) -> Sampling:
    """Return the distributions to draw from; `reverse` exchanges the two sides of a window."""
    window = dataset.window
    left, right = (window.right, window.left) if reverse else (window.left, window.right)
    return Sampling(
        keep=_thresholds(dataset.keep.double().numpy()),
        noise=noise_table(dataset),
        cumulative=dataset.alias.cumulative.numpy(),
        log_q=dataset.noise.log().numpy() if objective.needs_log_q else np.empty(0, np.float32),
        min_width=window.min_width,
        widths=window.widths,
        left=left,
        right=right,
        ahead=min(right, MAX_AHEAD),
    )


def _tree_sampling(dataset: TextDataset) -> TreeSampling:
    """Return the tree and the distributions to draw from."""
    window, tree = dataset.window, dataset.tree
    return TreeSampling(
        keep=_thresholds(dataset.keep.double().numpy()),
        starts=tree.starts,
        nodes=tree.nodes,
        signs=tree.signs,
        min_width=window.min_width,
        widths=window.widths,
        left=window.left,
        right=window.right,
        ahead=min(window.right, MAX_AHEAD),
    )


def _tables_of(model: EmbeddingModel) -> Tables | VectorTables:
    """Return the memory of the tables, in which each row is padded to complete vectors."""
    width = padded_width(model.input.shape[1])
    words, output = aligned_rows(model.input, width), aligned_rows(model.output, width)
    positions = model.positions if isinstance(model, CBOW) else None
    frozen_input, frozen_output = _frozen(model.frozen_input, model.input), _frozen(model.frozen_output, model.output)
    if model.ngrams is None and not isinstance(model, CBOW):
        return Tables(words, output, width, frozen_input, frozen_output)
    none = np.empty(0, np.float32)
    index = model.ngram_index
    frozen_ngrams = NONE_FROZEN if model.ngrams is None else _frozen(model.frozen_ngrams, model.ngrams)
    return VectorTables(
        input=words,
        output=output,
        ngrams=none if model.ngrams is None else aligned_rows(model.ngrams, width),
        ngram_starts=read_only(np.empty(0, np.int64) if index is None else index.starts, np.int64),
        ngram_rows=read_only(np.empty(0, np.int32) if index is None else index.rows, np.int32),
        gains=none if index is None else index.gains(frozen_input > 0, frozen_ngrams > 0).astype(np.float32),
        positions=none if positions is None else aligned_rows(positions, width),
        width=width,
        frozen_input=frozen_input,
        frozen_output=frozen_output,
        frozen_ngrams=frozen_ngrams,
    )


def _frozen(rows: torch.Tensor | None, table: nn.Parameter) -> npt.NDArray[np.uint8]:
    """Return 1 for each row of a table that is frozen and 0 for the others, (rows,)."""
    return np.zeros(len(table), np.uint8) if rows is None else rows.numpy().astype(np.uint8)


def _kernel_of(model: EmbeddingModel, objective: Objective, negatives: int) -> Callable[..., None]:
    """Return the compiled loop for a model."""
    name, corrected, ngrams = objective_name(type(objective)), objective.needs_log_q, model.ngrams is not None
    frozen = model.has_frozen_rows
    if isinstance(model, CBOW):
        return cbow_kernel(name, negatives, corrected, ngrams, model.positions is not None, frozen)
    return (ngram_kernel if ngrams else kernel)(name, negatives, corrected, frozen)


def _new_state(seed: int) -> ThreadState:
    return ThreadState(
        kept=np.zeros(1, np.int32),
        ends=np.zeros(1, np.int64),
        random=np.array([seed], np.uint64),
        pairs=np.zeros(1, np.int64),
        loss=np.zeros(LANES, np.float64),
    )


def resume_thread(state: Counters, shard: Shard) -> None:
    """Continue the counters of a thread from a shard; the random state is that of the shard, if it has one."""
    state.pairs[0], state.loss[0] = shard.pairs, shard.loss
    if shard.engine_state:
        state.random[:] = shard.engine_state["random"].numpy().view(np.uint64)
        state.loss[:] = shard.engine_state["loss"].numpy()


def save_threads(shards: Sequence[Shard], states: Sequence[Counters]) -> None:
    """Write the counters of all threads to their shards; the threads must be paused."""
    for shard, state in zip(shards, states, strict=True):
        shard.pairs, shard.loss = int(state.pairs[0]), float(state.loss.sum())
        shard.engine_state = {
            "random": torch.from_numpy(state.random.view(np.int64)),
            "loss": torch.from_numpy(state.loss),
        }


def total_progress(shards: Sequence[Shard], states: Sequence[Counters]) -> Progress:
    """Return the progress of all threads together."""
    # subtle: the kernel adds the pairs first, so a loss that is read before them always has its pairs
    loss = sum(float(state.loss.sum()) for state in states)
    return Progress(words_read(shards), sum(int(state.pairs[0]) for state in states), loss)


def with_buffers(state: State, words: int, sentences: int) -> State:
    """Return the state with buffers large enough for a chunk; chunks differ in size because sentences are never cut."""
    if words >= len(state.kept):
        state = state._replace(kept=np.zeros(words + 1, np.int32))  # the kernel writes one word beyond those it keeps
        if isinstance(state, StagedState):
            old = state.stage
            stage = new_stage(words, old.block_words, old.reach, old.width, old.negatives)
            state = state._replace(stage=stage)
    if sentences > len(state.ends):
        state = state._replace(ends=np.zeros(sentences, np.int64))
    return state


def read_only(array: npt.NDArray[np.integer], dtype: type[T]) -> npt.NDArray[T]:
    """Return a read-only view, so that numba compiles one version for writable and read-only arrays."""
    view = np.ascontiguousarray(array, dtype=dtype).view(np.ndarray)
    view.flags.writeable = False
    return view


def _thresholds(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.uint32]:
    """Return, for each probability, the largest draw from 0..2^32-1 that is a success; no probability becomes 0."""
    thresholds: npt.NDArray[np.uint32] = np.clip(np.ceil(probabilities * 2.0**32) - 1, 0, 2**32 - 1).astype(np.uint32)
    return thresholds


def noise_table(dataset: ExampleDataset) -> npt.NDArray[np.uint32]:
    """Return the alias table as (2 V,) pairs of acceptance, in units of 2^-32, and alias: one cache line per draw."""
    acceptance, alias = dataset.alias.acceptance.double().numpy(), dataset.alias.alias.numpy()
    scaled = np.clip(np.round(acceptance * 2.0**32), 0, 2**32 - 1)  # (V,)
    table: npt.NDArray[np.uint32] = np.stack([scaled, alias], axis=1).astype(np.uint32)
    return table.reshape(-1)


def aligned_rows(table: nn.Parameter, width: int) -> npt.NDArray[np.float32]:
    """Move a table to memory, (V * width,), that begins at a cache line, and return that memory.

    The parameter is moved to such memory, unless a previous engine has already done so.
    """
    if table.stride() != (width, 1) or table.data_ptr() % CACHE_LINE_BYTES:
        flat = torch.from_numpy(aligned_memory(len(table) * width))
        rows = flat.view(len(table), width)[:, : table.shape[1]]
        table.data = rows.copy_(table.detach())
    return torch.as_strided(table.detach(), (len(table) * width,), (1,)).numpy()
