"""SkipGramDataset and CBOWDataset: an indexed corpus as shuffled batches of (center, context, negatives).

The corpus is read in chunks of complete sentences. A few tensor operations, on the CPU or on the GPU, subsample a
chunk, form its examples and shuffle them; then it is cut into batches. No Python code runs per word or per example, and
a batch mixes examples from a whole chunk, so that few rows are updated twice from the same stale values.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from mmap import mmap
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import IterableDataset, get_worker_info

from word2vec.corpus.vocabulary import Vocabulary
from word2vec.sampling.distributions import AliasTable, draw_negatives, subsample, window_pairs, windows_of
from word2vec.sampling.huffman import HuffmanTree
from word2vec.sampling.shards import SentenceRanges, Shard, chunks, count_words, derive_seed, new_shards, unread_chunks
from word2vec.sampling.windows import make_window

CHUNK_PAIRS = 400_000  # pairs formed at once, before subsampling: about 20 MB of ids
PROBED_WORDS = 1 << 16  # examined at once for a sentence that can be trained; usually the first one can
MAX_NEGATIVES_AT_ONCE = 1 << 21  # noise words drawn at once: 16 MB


class Batch(NamedTuple):
    """A batch of B examples with K noise words each.

    As in word2vec.c, the context words of a window predict the center word: `context` selects rows of the input table,
    `center` the true rows of the output table. (Textbooks present skip-gram the other way round; with windows on both
    sides the distribution of the pairs is the same.)
    """

    center: Tensor  # (B,) int64, the words to predict
    # int64, the words that predict them: (B,) one each, or (B, P) a window each, with -1 where it has no word. The
    # columns are the positions before the center word, left to right, and then those after it
    context: Tensor
    negatives: Tensor  # (B, K) int64, noise words, none equal to the center word of its row


@dataclass(frozen=True)
class SamplingSettings:
    """How examples are drawn; the fields of the same names in `TrainConfig` describe them."""

    window: int = 5
    negatives: int = 5
    subsample: float = 1e-3
    noise_exponent: float = 0.75
    window_mode: str = "shrink"


class _MemoryMap(NamedTuple):
    """The location of a memory-mapped array, sent to worker processes in place of its content."""

    path: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int

    @classmethod
    def locate(cls, value: Any) -> Any:
        """Return the location of a complete memory map; any other value unchanged."""
        # subtle: a slice of a memory map reports the offset of the whole map
        if isinstance(value, np.memmap) and isinstance(value.base, mmap) and value.filename:
            return cls(str(value.filename), value.dtype, value.shape, value.offset)
        return value

    def open(self) -> npt.NDArray[Any]:
        return np.memmap(self.path, self.dtype, "r", self.offset, self.shape)


class ExampleDataset(IterableDataset[Batch], ABC):
    """Batches of examples over one epoch, from any source that yields pairs of an input and a target.

    Works with `DataLoader(dataset, batch_size=None, num_workers=N)`: each worker reads its own contiguous shard of the
    sentences with its own random state. The same seed, epoch and number of workers give the same batches.

    Args:
        offsets: (sentences + 1,) positions at which sentences begin; the last one is the end of the corpus.
        settings: Window, number of noise words, subsampling and noise distribution.
        noise: (targets,) probability of each target as a noise word.
        input_frequency: (inputs,) fraction of the pairs with this input.
        pair_frequency: (targets,) fraction of the pairs with this target.
        batch_size: Pairs per batch; the last batch of an epoch may be smaller.
        seed: Random seed.
        device: Where batches are built.
        sentences: Ranges of sentences to train; all by default.

    Attributes:
        words: Corpus words in an epoch.
        alias: Alias table that draws the noise words.
        noise: (targets,) float32, probability of each target as a noise word.
        input_frequency: (inputs,) float32, fraction of the pairs with this word as their input (context word).
        pair_frequency: (targets,) float32, fraction of the pairs with this word as their target (center word).
        inputs_per_example: Average number of words in the input of an example.
    """

    inputs_per_example: float = 1.0

    def __init__(
        self,
        offsets: npt.NDArray[np.integer],
        settings: SamplingSettings,
        noise: npt.NDArray[np.float64],
        input_frequency: npt.NDArray[np.float64],
        pair_frequency: npt.NDArray[np.float64],
        *,
        batch_size: int,
        seed: int,
        device: torch.device | str,
        sentences: SentenceRanges | None,
    ) -> None:
        self.offsets, self.settings = offsets, settings
        self.sentences = [(0, len(offsets) - 1)] if sentences is None else sentences
        self.words = count_words(self.sentences, offsets)
        self.batch_size, self.seed, self.device = batch_size, seed, torch.device(device)
        self.epoch = 0
        self.alias = AliasTable(noise, self.device)
        self.noise = torch.from_numpy(noise).float().to(self.device)
        self.input_frequency = torch.from_numpy(input_frequency).float().to(self.device)
        self.pair_frequency = torch.from_numpy(pair_frequency).float().to(self.device)

    @abstractmethod
    def _examples(self, begin: int, end: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return the shuffled examples of the sentences from `begin` to before `end`.

        Returns:
            Center words (E,) and context words (E,) or (E, P), as in a `Batch`.
        """

    @abstractmethod
    def pairs_per_word(self) -> float:
        """Return how many examples a corpus word gives on average."""

    @abstractmethod
    def unread_chunks(self, shard: Shard, words: int, pairs: int) -> Iterator[tuple[int, int]]:
        """Yield the rest of a shard as ranges of complete sentences; see `sampling.shards.unread_chunks`.

        Args:
            shard: The shard.
            words: Approximate limit on the words of a chunk.
            pairs: Approximate limit on its pairs, before subsampling. A sentence is never split.
        """

    def set_epoch(self, epoch: int) -> None:
        """Set the number of the next epoch; each epoch has its own random draws."""
        self.epoch = epoch

    def new_shards(self, number: int) -> list[Shard]:
        """Split an epoch into shards of about equally many words; see `shards.new_shards`."""
        return new_shards(self.offsets, number, self.sentences)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for the workers of a DataLoader: memory maps are sent as locations, not as their content."""
        return {name: _MemoryMap.locate(value) for name, value in self.__dict__.items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(
            {name: value.open() if isinstance(value, _MemoryMap) else value for name, value in state.items()}
        )

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        rank, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        return self.batches(self.new_shards(workers)[rank])

    def batches(self, shard: Shard) -> Iterator[Batch]:
        """Yield the batches of a shard from its current position, and keep the shard up to date.

        A batch counts as trained when the next one is requested. A shard passed in again continues with the same
        batches: the current chunk is drawn again from its saved random state, and its trained batches are skipped.
        """
        generator = torch.Generator(self.device)
        if shard.engine_state:
            generator.set_state(shard.engine_state["random"])
        else:
            generator.manual_seed(derive_seed(self.seed, self.epoch, *shard.stream))
            self._begin_chunk(shard, generator)
        for begin, end in self.unread_chunks(shard, CHUNK_PAIRS, CHUNK_PAIRS):
            words = int(self.offsets[end] - self.offsets[begin])
            center, context = self._examples(begin, end, generator)
            state = shard.engine_state
            center = torch.cat([state["center"].to(self.device), center])
            context = _joined(state["context"].to(self.device), context)
            full = len(center) // self.batch_size * self.batch_size  # pairs that fill whole batches
            yield from self._untrained(shard, center[:full], context[:full], words, generator)
            self._begin_chunk(shard, generator, center[full:], context[full:])
        state = shard.engine_state
        yield from self._untrained(shard, state["center"], state["context"], 0, generator)
        self._begin_chunk(shard, generator)  # for a shard that receives more sentences to read

    def _begin_chunk(
        self,
        shard: Shard,
        generator: torch.Generator,
        center: Tensor | None = None,
        context: Tensor | None = None,
    ) -> None:
        """Save the state at the start of a chunk: the random state, and the pairs left from the previous chunk."""
        empty = torch.empty(0, dtype=torch.int64, device=self.device)
        shard.engine_state = {
            "random": generator.get_state(),
            "batches": torch.zeros((), dtype=torch.int64),
            # subtle: cloned, since a slice would keep the memory of the whole chunk; without columns if there are no
            # rows, since files do not keep the shape of an empty table
            "center": empty if center is None else center.clone(),
            "context": empty if context is None or not len(context) else context.clone(),
        }

    def _untrained(
        self, shard: Shard, center: Tensor, context: Tensor, words: int, generator: torch.Generator
    ) -> Iterator[Batch]:
        """Yield the batches of a chunk of `words` corpus words; batches trained before are drawn and skipped."""
        trained = int(shard.engine_state["batches"])
        count = -(-len(center) // self.batch_size)
        for number, batch in enumerate(self._batches(center, context, generator)):
            if number >= trained:
                yield batch
                shard.engine_state["batches"] += 1
                shard.partial_words = words * (number + 1) // count  # smooth progress, however few chunks there are

    def _batches(self, center: Tensor, context: Tensor, generator: torch.Generator) -> Iterator[Batch]:
        size, negatives_per_batch = self.batch_size, self.batch_size * max(self.settings.negatives, 1)
        group = max(1, MAX_NEGATIVES_AT_ONCE // negatives_per_batch) * size
        for begin in range(0, len(center), group):
            negatives = draw_negatives(self.alias, center[begin : begin + group], self.settings.negatives, generator)
            for start in range(0, len(negatives), size):
                rows = slice(begin + start, begin + start + size)
                yield Batch(center[rows], context[rows], negatives[start : start + size])


def _joined(first: Tensor, second: Tensor) -> Tensor:
    """Concatenate context words, (E,) or (E, P); windows of different sizes are padded with -1."""
    if not len(first) or second.dim() == 1:
        return torch.cat([first, second]) if len(first) else second
    columns = max(first.shape[1], second.shape[1])
    return torch.cat([pad(windows, (0, columns - windows.shape[1]), value=-1) for windows in (first, second)])


class TextDataset(ExampleDataset, ABC):
    """Batches of examples over one epoch of a corpus; see `ExampleDataset`.

    Args:
        tokens: (words,) integer word ids, such as `IndexedCorpus.tokens`; ids outside the vocabulary are ignored.
        offsets: (sentences + 1,) positions at which sentences begin; the last one is the end of the corpus.
        vocabulary: The words to train.
        settings: Window, number of noise words, subsampling and noise distribution.
        batch_size: Pairs per batch; the last batch of an epoch may be smaller.
        seed: Random seed.
        device: Where batches are built.
        sentences: Ranges of sentences to train; all by default.
        tree: The Huffman tree of the words, if it is built already.

    Attributes:
        window: The window of the settings, for the sentences of this corpus.
        keep: (V,) float32, keep probability of each word under subsampling.
        counts: (V,) int64, number of occurrences of each word.
    """

    _padded: ClassVar[bool] = False  # whether the examples of a chunk take as much memory as those with the most words

    def __init__(
        self,
        tokens: npt.NDArray[np.integer],
        offsets: npt.NDArray[np.integer],
        vocabulary: Vocabulary,
        settings: SamplingSettings | None = None,
        *,
        batch_size: int = 1024,
        seed: int = 0,
        device: torch.device | str = "cpu",
        sentences: SentenceRanges | None = None,
        tree: HuffmanTree | None = None,
    ) -> None:
        settings = settings or SamplingSettings()
        frequency = vocabulary.pair_frequency(settings.subsample)  # (V,)
        super().__init__(
            offsets,
            settings,
            vocabulary.noise_distribution(settings.noise_exponent),
            frequency,
            frequency,
            batch_size=batch_size,
            seed=seed,
            device=device,
            sentences=sentences,
        )
        self.tokens, self.counts, self._tree = tokens, vocabulary.counts, tree
        self.window = make_window(settings.window_mode, settings.window, offsets)
        self.keep = torch.from_numpy(vocabulary.keep_probability(settings.subsample)).float().to(self.device)

    @cached_property
    def tree(self) -> HuffmanTree:
        """The Huffman tree of the words, for objectives whose targets are its nodes; built on first use."""
        return HuffmanTree.of(self.counts) if self._tree is None else self._tree

    def has_pairs(self) -> bool:
        """Return whether a sentence to train has two words of the vocabulary, before subsampling."""
        for first, last in self.sentences:
            for begin, end in chunks(self.offsets, first, last, PROBED_WORDS):
                bounds = np.asarray(self.offsets[begin : end + 1], dtype=np.int64)
                ids = np.asarray(self.tokens[bounds[0] : bounds[-1]])  # (N,)
                known = np.cumsum((ids >= 0) & (ids < len(self.keep)))  # (N,) number of known words up to each word
                known = np.concatenate([[0], known])[bounds - bounds[0]]
                if (np.diff(known) > 1).any():
                    return True
        return False

    def kept_words(self) -> float:
        """Return the fraction of the words that survive subsampling."""
        return float(1 / (self.pair_frequency / self.keep).sum())

    def unread_chunks(self, shard: Shard, words: int, pairs: int) -> Iterator[tuple[int, int]]:
        """Yield the rest of a shard as ranges of complete sentences; see `ExampleDataset.unread_chunks`."""
        words = max(1, min(words, int(pairs / self.window.pairs)))
        return unread_chunks(shard, self.offsets, words, pairs if self.window.whole else None, padded=self._padded)

    def _examples(self, begin: int, end: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return shuffled examples; see `ExampleDataset`."""
        ids, sentence = self._read(begin, end)
        kept = subsample(self.keep, ids, generator).nonzero().squeeze(1)
        ids, sentence = ids[kept], sentence[kept]
        center, context = self._windows(sentence, generator)
        order = torch.randperm(len(center), generator=generator, device=self.device)
        center, context = center[order], context[order]
        return ids[center], torch.where(context < 0, context, ids[context])

    @abstractmethod
    def _windows(self, sentence: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Form the examples of words with the sentence numbers `sentence`, (N,).

        Returns:
            Positions among these words: of the center words, (E,), and of the context words, (E,) or (E, P).
        """

    def _read(self, begin: int, end: int) -> tuple[Tensor, Tensor]:
        """Return word ids and sentence numbers, both (N,), of the sentences from `begin` to before `end`."""
        bounds = np.asarray(self.offsets[begin : end + 1])
        ids = torch.from_numpy(np.asarray(self.tokens[bounds[0] : bounds[-1]], dtype=np.int64))
        sentence = torch.from_numpy(np.repeat(np.arange(end - begin), np.diff(bounds)))
        return ids.to(self.device), sentence.to(self.device)


class SkipGramDataset(TextDataset):
    """Batches of pairs of a center word and a context word; see `TextDataset`."""

    def pairs_per_word(self) -> float:
        """Return how many pairs a corpus word gives on average, if sentences are long."""
        return self.kept_words() * self.window.pairs

    def _windows(self, sentence: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Form all pairs; see `window_pairs`."""
        return window_pairs(sentence, self.window, generator)


class CBOWDataset(TextDataset):
    """Batches of center words with their whole windows; see `TextDataset`. A word without context is no example."""

    _padded = True

    @property
    def inputs_per_example(self) -> float:  # type: ignore[override]
        """Average number of words in a window, if sentences are long."""
        return self.window.pairs

    def pairs_per_word(self) -> float:
        """Return how many windows a corpus word gives on average, if sentences are long."""
        return self.kept_words()

    def _windows(self, sentence: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Form the windows; see `windows_of`."""
        return windows_of(sentence, self.window, generator)
