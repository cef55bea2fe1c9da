"""The fused GPU engine: sampling, scores, gradients and updates in Triton kernels, one chunk of the text at a time.

It draws its examples from the same distributions as the other engines. As in the fused CPU engine, the pairs of a
center word share one set of noise words and are updated at once (Ji et al. 2016, "Parallelizing word2vec in shared and
distributed memory"). In addition, an input row of skip-gram stays in registers while the words around it are center
words, and hundreds of programs, each on its own stretch of the text, write to the same tables (Hogwild: Niu et al.
2011).

The host launches kernels and reads the loss a few times a second; nothing else leaves the device. Atomic additions to
the tables occur in any order, so two runs with the same seed differ in the last digits.
"""

import math
import time
from collections import deque
from collections.abc import Generator
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import triton
from torch import Tensor, nn

from word2vec.engines.base import REPORT_SECONDS, Engine, LearningRate, Progress
from word2vec.engines.gpu import cbow_kernel as triton_cbow
from word2vec.engines.gpu import kernels as triton_kernels
from word2vec.engines.gpu.objectives import GRADIENTS, constants_of
from word2vec.engines.gpu.tiling import Shape, tile_shape
from word2vec.errors import ConfigError
from word2vec.losses.base import Objective
from word2vec.models import CBOW, EmbeddingModel
from word2vec.sampling.datasets import TextDataset
from word2vec.sampling.shards import Shard, derive_seed, words_read
from word2vec.sampling.stability import CALIBRATED_LR, MAX_USES_IN_ALL, MAX_USES_IN_PAIRS, vocabulary_factor
from word2vec.sampling.windows import Window
from word2vec.system.memory import free_on_card

CHUNK_WORDS = 1 << 21  # words per launch: tens of milliseconds of training, about 80 MB of draws with 5 noise words
DEFAULT_COST = 6 * 6 * 128  # of a word with default settings: pairs x targets x numbers per row
CHUNKS_QUEUED = 2  # launches ahead: the device never waits for the host, and Ctrl-C not long for the device
RESIDENT_FRACTION = 0.5  # of the free memory that the corpus may take; a larger corpus is copied chunk by chunk
# of 128 threads each: as many as a multiprocessor of 9.0 can hold, with 140 registers for skip-gram and 78 for CBOW
PROGRAMS_PER_MULTIPROCESSOR, CBOW_PROGRAMS_PER_MULTIPROCESSOR = 3, 6
SAMPLING_BLOCK = 256  # words per program of the sampling kernels
ROW_MULTIPLE = 8  # floats: 32 bytes, the smallest unit of a memory access


kernels: Any = triton_kernels  # their functions are launched with triton's syntax, which type checkers do not know
cbow_kernel: Any = triton_cbow


class GpuEngine(Engine):
    """Trains a model on a CUDA device with one of the objectives of objectives.py.

    The engine uses the corpus and the settings of the dataset, not its batches.

    Args:
        model: The model without n-grams, trained in place.
        objective: An objective of a class in `GRADIENTS`.
        dataset: The corpus and its sampling settings.
        learning_rate: The learning rate schedule.
        threads: Ignored; the device has its own.
        precision: Precision of the products, as in `tl.dot`; "ieee" is float32 throughout.
        programs: How many programs work at once; by default as many as fill the device and are stable.

    Raises:
        ConfigError: The vocabulary has fewer than two words, the settings do not fit the device, or the kernels cannot
            be compiled.
    """

    max_threads: ClassVar[int | None] = 1

    def __init__(
        self,
        model: EmbeddingModel,
        objective: Objective,
        dataset: TextDataset,
        learning_rate: LearningRate,
        threads: int = 1,  # noqa: ARG002
        *,
        precision: str = "ieee",
        programs: int | None = None,
    ) -> None:
        if len(dataset.keep) < 2:
            raise ConfigError(
                "the vocabulary has only one word, but training needs a second one as noise; use more text"
            )
        super().__init__(model, objective, dataset, learning_rate)
        self._text = dataset
        settings, device = dataset.settings, dataset.device
        self._shape = tile_shape(model.input.shape[1], settings.negatives, typical_context(dataset.window))
        if isinstance(model, CBOW):
            self._shape = self._shape._replace(centers=1)  # windows do not share the rows in registers
        self._tables = [_padded(table) for table in (model.input, model.output)]
        masks = (model.frozen_input, model.frozen_output)
        self._frozen = [None if rows is None else rows.to(device).to(torch.uint8) for rows in masks]
        self._training = _training_kernel(model, self._shape, precision)
        self._keep, self._alias_acceptance = _fixed_point(dataset.keep), _fixed_point(dataset.alias.acceptance)
        self._gradient = GRADIENTS[type(objective)]
        self._constants = constants_of(objective, settings.negatives, device)
        self._log_q = dataset.noise.log() if objective.needs_log_q else None
        self._fixed_programs, self._programs = programs, 1
        self._tokens = _resident(dataset)
        self._compile()

    def _compile(self) -> None:
        """Compile the kernels by training a chunk of one word that is outside of the vocabulary."""
        word = torch.tensor([-1], dtype=torch.int32, device=self.dataset.device)
        self._begin(self.dataset.new_shards(self.threads))
        try:
            self._train_tokens(0, 0, word, torch.ones_like(word, dtype=torch.int64), (0.0, 0.0))
        except (triton.runtime.errors.OutOfResources, RuntimeError, OSError) as error:
            # a tile too large for this device, no C compiler for triton's launcher, or no writable folder
            raise ConfigError(
                f"--engine fused: the kernels cannot be compiled here ({error}); use --engine autograd"
            ) from error

    def _begin(self, shards: list[Shard]) -> None:
        device = self.dataset.device
        self._shards = shards
        self._losses = torch.zeros(self._programs, dtype=torch.float64, device=device)  # of each program
        self._pairs = torch.zeros(self._programs, dtype=torch.int64, device=device)
        self._losses[0], self._pairs[0] = shards[0].loss, shards[0].pairs

    def epoch(self, number: int, shards: list[Shard] | None = None) -> Generator[Progress]:
        """Train one pass over the corpus; see `Engine.epoch`."""
        self._programs = self._fixed_programs or _programs(
            self._text, self._training.per_multiprocessor, self._shape.centers, self.learning_rate(number, 0)
        )
        self._begin(shards or self.dataset.new_shards(self.threads))
        reported, queued = time.monotonic(), deque[torch.cuda.Event]()
        for begin, end in self.dataset.unread_chunks(self._shards[0], CHUNK_WORDS, self._chunk_pairs()):
            if time.monotonic() > reported + REPORT_SECONDS:
                yield self._total()  # subtle: before training the chunk, so that it is unread if training stops here
                reported = time.monotonic()
            self._train_chunk(number, begin, end)
            _wait_for_queue(CHUNKS_QUEUED, queued, self.dataset.device)
        yield self._total()

    def state(self) -> list[Shard]:
        """Return the shards of the current epoch; see `Engine.state`."""
        done = self._total()
        self._shards[0].loss, self._shards[0].pairs = done.loss, done.pairs
        return self._shards

    def _chunk_pairs(self) -> int:
        """Limit on the pairs of a launch: fewer where they cost more than by default, for Ctrl-C not to wait long."""
        return CHUNK_WORDS * DEFAULT_COST // ((1 + self.dataset.settings.negatives) * self._shape.columns)

    def _total(self) -> Progress:
        """Return the progress of all programs; waits for the device."""
        return Progress(words_read(self._shards), int(self._pairs.sum().item()), self._losses.sum().item())

    def _train_chunk(self, epoch: int, begin: int, end: int) -> None:
        """Train the sentences from `begin` to before `end`."""
        bounds = np.asarray(self.dataset.offsets[begin : end + 1], dtype=np.int64)
        first, last = int(bounds[0]), int(bounds[-1])
        if first == last:
            return
        tokens = _copy_tokens(self._text, first, last) if self._tokens is None else self._tokens[first:last]
        lengths = _on_device(np.diff(bounds), tokens.device)
        done = words_read(self._shards)
        rates = self.learning_rate(epoch, done), self.learning_rate(epoch, done + last - first)
        self._train_tokens(epoch, first, tokens, lengths, rates)

    def _train_tokens(
        self,
        epoch: int,
        first: int,
        tokens: Tensor,
        lengths: Tensor,
        rates: tuple[float, float],
    ) -> None:
        """Train on word ids (N,), from position `first` of the corpus on, in sentences of the given lengths (S,)."""
        words, sentences, bounds = self._subsample(epoch, first, tokens, lengths)
        count = bounds[-1:]  # (1,), known only on the device, so that the host does not wait
        targets, widths = self._draw(epoch, first, words, count)
        inputs, outputs = self._tables
        self._training.kernel[(self._programs,)](
            words,
            sentences,
            bounds,
            count,
            targets,
            widths,
            inputs,
            outputs,
            *self._frozen,
            self._constants if self._log_q is None else self._log_q,
            self._constants,
            *rates,
            self._losses,
            self._pairs,
            gradient=self._gradient,
            CORRECTED=self._log_q is not None,
            STRIDE=inputs.stride(0),
            COLUMNS=self._shape.columns,
            N_TARGETS=targets.shape[1],
            TARGETS=self._shape.targets,
            LEFT=self._text.window.left,
            RIGHT=self._text.window.right,
            ROWS=self._shape.rows,
            **self._training.arguments,
            num_warps=self._shape.warps,
            enable_fp_fusion=True,
        )

    def _subsample(self, epoch: int, first: int, tokens: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Subsample word ids (N,): survivors and their sentence numbers, both (N,) int32, and the sentence bounds.

        The bounds (S + 1,), int64, are the number of survivors before each sentence and the number of all survivors.
        Beyond the latter, survivors and sentence numbers are undefined.
        """
        kept = torch.empty(len(tokens), dtype=torch.int8, device=tokens.device)
        grid, seed = (
            (triton.cdiv(len(tokens), SAMPLING_BLOCK),),
            derive_seed(self.dataset.seed, epoch, *self._shards[0].stream, 0),
        )
        kernels.survivors[grid](
            tokens, len(tokens), first, self._keep, len(self._keep), seed, kept, BLOCK=SAMPLING_BLOCK
        )
        numbers = torch.arange(len(lengths), dtype=torch.int32, device=tokens.device)
        sentence = torch.repeat_interleave(numbers, lengths, output_size=len(tokens))
        places = kept.cumsum(0, dtype=torch.int64)
        words, sentences = torch.empty_like(tokens), torch.empty_like(tokens)
        kernels.compact[grid](tokens, sentence, kept, places, len(tokens), words, sentences, BLOCK=SAMPLING_BLOCK)
        edges = torch.nn.functional.pad(lengths.cumsum(0), (1, 0))  # (S + 1,), where sentences begin in the tokens
        return words, sentences, torch.nn.functional.pad(places, (1, 0))[edges]

    def _draw(self, epoch: int, first: int, words: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
        """Draw targets (N, 1 + K) and window widths (N,), both int32, for the first `count` of the words (N,)."""
        negatives, size = self.dataset.settings.negatives, len(self._keep)
        targets = torch.empty(len(words), 1 + negatives, dtype=torch.int32, device=words.device)
        widths = torch.empty_like(words)
        kernels.draw[(triton.cdiv(len(words), SAMPLING_BLOCK),)](
            words,
            count,
            first,
            self._alias_acceptance,
            self.dataset.alias.alias,
            self.dataset.alias.cumulative,
            size,
            (size - 1).bit_length(),
            self._text.window.min_width,
            self._text.window.widths,
            derive_seed(self.dataset.seed, epoch, *self._shards[0].stream, 1),
            targets,
            widths,
            NEGATIVES=negatives,
            BLOCK=SAMPLING_BLOCK,
        )
        return targets, widths


def _fixed_point(probabilities: Tensor) -> Tensor:
    """Return probabilities in units of 2^-32, rounded up, int64."""
    return (probabilities.double() * 2.0**32).ceil().long()


class _Training(NamedTuple):
    """The kernel that trains a model."""

    kernel: Any
    arguments: dict[str, Any]  # those that the kernels of other models do not have
    per_multiprocessor: int  # programs


def _training_kernel(model: EmbeddingModel, shape: Shape, precision: str) -> _Training:
    if isinstance(model, CBOW):
        positions = None if model.positions is None else _padded(model.positions)
        return _Training(cbow_kernel.train, {"positions": positions}, CBOW_PROGRAMS_PER_MULTIPROCESSOR)
    arguments = {"CENTERS": shape.centers, "PRECISION": precision}
    return _Training(kernels.train, arguments, PROGRAMS_PER_MULTIPROCESSOR)


def _programs(dataset: TextDataset, per_multiprocessor: int, centers: int, lr: float) -> int:
    """Return as many programs as fill the device, but no more than are stable."""
    if dataset.device.type != "cuda":
        return 1
    multiprocessors = torch.cuda.get_device_properties(dataset.device).multi_processor_count
    negatives, examples = dataset.settings.negatives, dataset.window.pairs / dataset.inputs_per_example
    stable = stable_programs(dataset.pair_frequency, dataset.noise, negatives, examples, centers, lr)
    return min(multiprocessors * per_multiprocessor, stable)


def typical_context(window: Window) -> int:
    """Return the number of context words of a center word for which the shape of the tiles is chosen.

    It is the maximum, unless windows are whole sentences and a few sentences are far longer than the others.
    """
    return min(window.left + window.right, 2 * math.ceil(window.pairs))


def stable_programs(
    pair_frequency: Tensor, noise: Tensor, negatives: int, examples: float, centers: int, lr: float
) -> int:
    """Return how many programs may work at once without too many stale updates; see sampling/stability.py.

    An output row is stale for the duration of one center word, an input row for that of all center words of a tile.
    The context words of a CBOW window divide one step among them, and so count as one use.

    Args:
        pair_frequency: (V,) fraction of the pairs with this word as their center.
        noise: (V,) probability of each word as a noise word.
        negatives: Noise words per center word.
        examples: Examples per center word, on average: the context words of skip-gram, 1 with CBOW.
        centers: Center words that share the input rows in registers.
        lr: Initial learning rate.
    """
    in_pairs, as_noise = float(pair_frequency.max()), float(noise.max()) * negatives
    by_inputs = MAX_USES_IN_PAIRS / (in_pairs * examples * centers)
    by_outputs = MAX_USES_IN_ALL / ((in_pairs + as_noise) * examples)
    by_lr = min(1.0, CALIBRATED_LR / max(lr, 1e-9))
    return max(1, int(vocabulary_factor(len(noise)) * min(by_inputs, by_outputs) * by_lr))


def _padded(table: nn.Parameter) -> Tensor:
    """Move a table to memory in which rows start at multiples of 32 bytes, and return it; the parameter is a view."""
    width = -(-table.shape[1] // ROW_MULTIPLE) * ROW_MULTIPLE
    if table.stride() != (width, 1):
        memory = table.detach().new_zeros(len(table), width)
        rows = memory[:, : table.shape[1]]
        table.data = rows.copy_(table.detach())
    return torch.as_strided(table.detach(), (len(table), width), (width, 1))


def _resident(dataset: TextDataset) -> Tensor | None:
    """Return all word ids on the device, int32, or None if they would take too much of its memory."""
    if dataset.device.type == "cuda" and 4 * len(dataset.tokens) > RESIDENT_FRACTION * free_on_card(dataset.device):
        return None
    tokens = torch.empty(len(dataset.tokens), dtype=torch.int32, device=dataset.device)
    for first in range(0, len(tokens), CHUNK_WORDS):
        part = tokens[first : first + CHUNK_WORDS]
        part.copy_(_copy_tokens(dataset, first, first + len(part)))
    return tokens


def _copy_tokens(dataset: TextDataset, first: int, last: int) -> Tensor:
    """Return the word ids from `first` to before `last`, (last - first,) int32 on the device."""
    return _on_device(np.array(dataset.tokens[first:last], dtype=np.int32), dataset.device)


def _on_device(array: npt.NDArray[Any], device: torch.device) -> Tensor:
    """Return a copy on the device, made asynchronously from pinned memory."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


def _wait_for_queue(number: int, queued: deque[torch.cuda.Event], device: torch.device) -> None:
    """Record an event after the latest launches, and wait until at most `number` events are pending."""
    if device.type != "cuda":
        return
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record(torch.cuda.current_stream(device))
    queued.append(event)
    if len(queued) > number:
        queued.popleft().synchronize()
