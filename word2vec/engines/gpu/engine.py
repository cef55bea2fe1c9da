"""The fused engine for CUDA: sampling, scores, gradients and steps in triton kernels, a chunk of the text at a time.

It draws its examples from the same distributions as the other engines. As in the fused engine for CPUs the pairs of a
center word shard one set of noise words and take their steps at once (Ji et al. 2016, "Parallelizing word2vec in shared
and distributed memory"). What is its own: an input row stays in registers while the words around it are centers, and
hundreds of programs, each on its own stretch of the text, write to the same tables (Hogwild: Niu et al. 2011).

The host launches kernels and looks at the loss a few times a second; nothing else leaves the device. Additions to the
tables come in any order, so that two runs of one seed differ in the last digits.
"""

import time
from collections import deque
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import triton
from torch import Tensor, nn

from word2vec.engines.base import REPORT_SECONDS, Progress
from word2vec.engines.gpu import kernels as triton_kernels
from word2vec.engines.gpu.objectives import GRADIENTS, constants_of
from word2vec.engines.gpu.tiling import Shape, tile_shape
from word2vec.errors import ConfigError
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import (
    CALIBRATED_LR,
    USES_AS_PAIR,
    USES_IN_ALL,
    SamplingSettings,
    SkipGramDataset,
    variety,
)
from word2vec.sampling.shards import Shard, derive_seed, new_shards, unread_chunks, words_read
from word2vec.system.memory import free_on_card

CHUNK_WORDS = 1 << 21  # a launch: some tens of milliseconds of training, some 80 MB of draws with 5 noise words
DEFAULT_COST = 6 * 6 * 128  # of a word: pairs, targets, numbers of a row
CHUNKS_QUEUED = 2  # so that the device never waits for the host, and Ctrl-C not long for the device
RESIDENT_SHARE = 0.5  # of the free memory that the corpus may take; a larger one is copied chunk by chunk
PROGRAMS_A_MULTIPROCESSOR = 3  # of 128 threads with 140 registers each, as many as a multiprocessor holds
SAMPLED_A_PROGRAM = 256  # words a program of the kernels that sample
ROW_MULTIPLE = 8  # floats: 32 bytes, what memory hands out at once


kernels: Any = triton_kernels  # whose functions are called in triton's way


class GpuEngine:
    """Trains a model on a CUDA device with one of the objectives of gpu_gradients.py; see AutogradEngine.

    Of the dataset it takes the corpus and the settings; the batches are not made. `threads` is not used.

    Args:
        precision: of the products, as `tl.dot` has it: "ieee" is float32 throughout.
        programs: how many work at once; by default as many as fill the device, and no more than are stable.

    Raises:
        ConfigError: the vocabulary has fewer than two words, a tile of rows does not fit into registers, or triton
            cannot compile here.
    """

    max_threads = 1
    threads = 1
    in_batches = False
    sync_every = 1_000_000  # as on a CPU

    def __init__(
        self,
        model: SkipGram,
        objective: nn.Module,
        dataset: SkipGramDataset,
        lr_at: Callable[[int, int], float],
        threads: int = 1,  # noqa: ARG002, the device has its own
        *,
        precision: str = "ieee",
        programs: int | None = None,
    ) -> None:
        if len(dataset.keep) < 2:
            raise ConfigError("the vocabulary has one word: training needs two, one of them to be drawn as noise")
        self.model, self.dataset, self.lr_at, self.precision = model, dataset, lr_at, precision
        settings, device = dataset.settings, dataset.device
        self._shape = tile_shape(model.input.shape[1], settings.negatives, settings.window)
        self._tables = [_padded(table) for table in (model.input, model.output)]
        self._keep, self._alias_acceptance = _of_32_bits(dataset.keep), _of_32_bits(dataset.alias.acceptance)
        self._gradient = GRADIENTS[type(objective)]
        self._constants = constants_of(objective, settings.negatives, device)
        self._log_q = dataset.noise.log() if getattr(objective, "needs_log_q", False) else None
        self._wanted, self._programs = programs, 1
        self._tokens = _resident(dataset)
        self._compile()

    def _compile(self) -> None:
        """Compile the kernels by a chunk of one word, which is outside of the vocabulary."""
        word = torch.tensor([-1], dtype=torch.int32, device=self.dataset.device)
        self._begin(new_shards(self.dataset.offsets, self.threads))
        try:
            self._train_tokens(0, 0, word, torch.ones_like(word, dtype=torch.int64), (0.0, 0.0))
        except (triton.runtime.errors.OutOfResources, RuntimeError, OSError) as error:
            # a tile too large for this card, no C compiler for triton's launcher, no folder to compile in
            raise ConfigError(f"--engine fused cannot be compiled here ({error}): use --engine autograd") from error

    def _begin(self, shards: list[Shard]) -> None:
        device = self.dataset.device
        self._shards = shards
        self._losses = torch.zeros(self._programs, dtype=torch.float64, device=device)  # of each program
        self._pairs = torch.zeros(self._programs, dtype=torch.int64, device=device)
        self._losses[0], self._pairs[0] = shards[0].loss, shards[0].pairs

    def epoch(self, number: int, shards: list[Shard] | None = None) -> Generator[Progress]:
        """Train one pass over the corpus; reports a few times a second and at the end.

        Closing the iterator early stops it at the next chunk; `state` then says how to go on.

        Args:
            number: of the pass, from 0.
            shards: where to go on, one shard; a new pass by default.
        """
        self._programs = self._wanted or _programs(self.dataset, self._shape, self.lr_at(number, 0))
        self._begin(shards or new_shards(self.dataset.offsets, self.threads))
        reported, queued = time.monotonic(), deque[torch.cuda.Event]()
        for begin, end in unread_chunks(self._shards[0], self.dataset.offsets, self._chunk_words()):
            if time.monotonic() > reported + REPORT_SECONDS:
                yield self._total()  # subtle: before the chunk, so that whoever stops here finds it unread
                reported = time.monotonic()
            self._train_chunk(number, begin, end)
            _wait_for_all_but(CHUNKS_QUEUED, queued, self.dataset.device)
        yield self._total()

    def state(self) -> list[Shard]:
        """How far the pass is that was closed; to be given to `epoch`."""
        done = self._total()
        self._shards[0].loss, self._shards[0].pairs = done.loss, done.pairs
        return self._shards

    def _chunk_words(self) -> int:
        """Fewer words a launch where a word costs more than by default, so that Ctrl-C need not wait long."""
        settings = self.dataset.settings
        cost = (settings.window + 1) * (1 + settings.negatives) * self._shape.columns
        return max(1, min(CHUNK_WORDS, CHUNK_WORDS * DEFAULT_COST // cost))

    def _total(self) -> Progress:
        """Waits for the device."""
        return Progress(words_read(self._shards), int(self._pairs.sum().item()), self._losses.sum().item())

    def _train_chunk(self, epoch: int, begin: int, end: int) -> None:
        """Train on the sentences begin..end."""
        bounds = np.asarray(self.dataset.offsets[begin : end + 1], dtype=np.int64)
        first, last = int(bounds[0]), int(bounds[-1])
        if first == last:
            return
        tokens = _copied(self.dataset, first, last) if self._tokens is None else self._tokens[first:last]
        lengths = _on_device(np.diff(bounds), tokens.device)
        done = words_read(self._shards)
        rates = self.lr_at(epoch, done), self.lr_at(epoch, done + last - first)
        self._train_tokens(epoch, first, tokens, lengths, rates)

    def _train_tokens(
        self,
        epoch: int,
        first: int,
        tokens: Tensor,
        lengths: Tensor,
        rates: tuple[float, float],
    ) -> None:
        """Train on word ids (N,), of which the first is number `first` of the text, in sentences of these lengths."""
        words, sentences, count = self._survivors(epoch, first, tokens, lengths)
        targets, widths = self._draw(epoch, first, words, count)
        inputs, outputs = self._tables
        kernels.train[(self._programs,)](
            words,
            sentences,
            count,
            targets,
            widths,
            inputs,
            outputs,
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
            WINDOW=self.dataset.settings.window,
            CENTERS=self._shape.centers,
            ROWS=self._shape.rows,
            PRECISION=self.precision,
            num_warps=self._shape.warps,
            enable_fp_fusion=True,
        )

    def _survivors(self, epoch: int, first: int, tokens: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The words that survive subsampling, their sentences, both (N,) int32, and how many they are, (1,) int64.

        The number is known to the device only, so that the host need not wait; what lies behind it is not written.
        """
        kept = torch.empty(len(tokens), dtype=torch.int8, device=tokens.device)
        grid, seed = (
            (triton.cdiv(len(tokens), SAMPLED_A_PROGRAM),),
            derive_seed(self.dataset.seed, epoch, *self._shards[0].stream, 0),
        )
        kernels.survivors[grid](
            tokens, len(tokens), first, self._keep, len(self._keep), seed, kept, BLOCK=SAMPLED_A_PROGRAM
        )
        numbers = torch.arange(len(lengths), dtype=torch.int32, device=tokens.device)
        sentence = torch.repeat_interleave(numbers, lengths, output_size=len(tokens))
        places = kept.cumsum(0, dtype=torch.int64)
        words, sentences = torch.empty_like(tokens), torch.empty_like(tokens)
        kernels.compact[grid](tokens, sentence, kept, places, len(tokens), words, sentences, BLOCK=SAMPLED_A_PROGRAM)
        return words, sentences, places[-1:]

    def _draw(self, epoch: int, first: int, words: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
        """Targets (N, 1 + K) and window widths (N,) of the words (N,), of which `count` are there; both int32."""
        negatives, size = self.dataset.settings.negatives, len(self._keep)
        targets = torch.empty(len(words), 1 + negatives, dtype=torch.int32, device=words.device)
        widths = torch.empty_like(words)
        kernels.draw[(triton.cdiv(len(words), SAMPLED_A_PROGRAM),)](
            words,
            count,
            first,
            self._alias_acceptance,
            self.dataset.alias.alias,
            self.dataset.alias.cumulative,
            size,
            (size - 1).bit_length(),
            self.dataset.settings.window,
            derive_seed(self.dataset.seed, epoch, *self._shards[0].stream, 1),
            targets,
            widths,
            NEGATIVES=negatives,
            BLOCK=SAMPLED_A_PROGRAM,
        )
        return targets, widths


def _of_32_bits(probabilities: Tensor) -> Tensor:
    """How many of the 2^32 numbers of 32 bits mean yes, int64."""
    return (probabilities.double() * 2.0**32).ceil().long()


def _programs(dataset: SkipGramDataset, shape: Shape, lr: float) -> int:
    """As many programs as fill the device, and no more than are stable."""
    if dataset.device.type != "cuda":
        return 1
    multiprocessors = torch.cuda.get_device_properties(dataset.device).multi_processor_count
    stable = stable_programs(dataset.pair_frequency, dataset.noise, dataset.settings, shape.centers, lr)
    return min(multiprocessors * PROGRAMS_A_MULTIPROCESSOR, stable)


def stable_programs(pair_frequency: Tensor, noise: Tensor, settings: SamplingSettings, centers: int, lr: float) -> int:
    """How many programs may work at once without meeting too many stale rows; see dataset.stable_pairs.

    The steps of an output row wait for one center word, those of an input row for all that share its tile.

    Args:
        pair_frequency: (V,) each word's share of the pairs.
        noise: (V,) the probability of each as a noise word.
        settings: window and number of noise words.
        centers: words that share a tile.
        lr: the learning rate at the start.
    """
    in_pairs, as_noise = float(pair_frequency.max()), float(noise.max()) * settings.negatives
    pairs = settings.window + 1  # of a center word
    by_inputs = USES_AS_PAIR / (in_pairs * pairs * centers)
    by_outputs = USES_IN_ALL / ((in_pairs + as_noise) * pairs)
    return max(1, int(variety(len(noise)) * min(by_inputs, by_outputs) * min(1.0, CALIBRATED_LR / max(lr, 1e-9))))


def _padded(table: nn.Parameter) -> Tensor:
    """The memory of a table, in which rows begin at multiples of 32 bytes; the parameter becomes a view of it."""
    width = -(-table.shape[1] // ROW_MULTIPLE) * ROW_MULTIPLE
    if table.stride() != (width, 1):
        memory = table.detach().new_zeros(len(table), width)
        rows = memory[:, : table.shape[1]]
        table.data = rows.copy_(table.detach())
    return torch.as_strided(table.detach(), (len(table), width), (width, 1))


def _resident(dataset: SkipGramDataset) -> Tensor | None:
    """All word ids on the device, int32, or None where they would take too much of it."""
    if dataset.device.type == "cuda" and 4 * len(dataset.tokens) > RESIDENT_SHARE * free_on_card(dataset.device):
        return None
    tokens = torch.empty(len(dataset.tokens), dtype=torch.int32, device=dataset.device)
    for first in range(0, len(tokens), CHUNK_WORDS):
        part = tokens[first : first + CHUNK_WORDS]
        part.copy_(_copied(dataset, first, first + len(part)))
    return tokens


def _copied(dataset: SkipGramDataset, first: int, last: int) -> Tensor:
    """The word ids first..last, (last - first,) int32 on the device."""
    return _on_device(np.array(dataset.tokens[first:last], dtype=np.int32), dataset.device)


def _on_device(array: npt.NDArray[Any], device: torch.device) -> Tensor:
    """A copy on the device, for which the host does not wait: from memory that stays where it is."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


def _wait_for_all_but(number: int, queued: deque[torch.cuda.Event], device: torch.device) -> None:
    """Mark what is launched so far, and wait until no more than so many marks are ahead of the device."""
    if device.type != "cuda":
        return
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record(torch.cuda.current_stream(device))
    queued.append(event)
    if len(queued) > number:
        queued.popleft().synchronize()
