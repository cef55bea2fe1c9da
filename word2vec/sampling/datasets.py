"""SkipGramDataset: an indexed corpus as mixed batches of (center, context, negatives).

The corpus is read in chunks of whole sentences. A chunk is subsampled, paired and shuffled at once with a few tensor
operations, on the CPU or on the GPU, and cut into batches: no Python runs per word or pair, and a batch mixes pairs
from a whole chunk, so that few rows are updated twice from the same stale values.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from word2vec.corpus.vocabulary import Vocabulary
from word2vec.sampling.distributions import AliasTable, draw_negatives, subsample, window_pairs
from word2vec.sampling.shards import Shard, derive_seed, new_shards, unread_chunks

CHUNK_PAIRS = 400_000  # pairs made at once, before subsampling; some 20 MB of ids
NEGATIVES_AT_ONCE = 1 << 21  # noise words drawn at once, 16 MB
USES_AS_PAIR, USES_IN_ALL, FEW_WORDS, CALIBRATED_LR = 32, 100, 2500, 0.025  # see stable_pairs


class Batch(NamedTuple):
    """A batch of skip-gram examples.

    word2vec predicts the center word from each context word of its window: `context` names the input rows, `center`
    the true output rows. (The textbook reads it the other way round; windows being symmetric, the pairs are the same
    in distribution.)
    """

    center: Tensor  # (B,) int64, the words to predict
    context: Tensor  # (B,) int64, the words given
    negatives: Tensor  # (B, K) int64, noise words, none equal to its row's center


@dataclass(frozen=True)
class SamplingSettings:
    """How examples are drawn; see the fields of the same names in config.py."""

    window: int = 5
    negatives: int = 5
    subsample: float = 1e-3
    noise_exponent: float = 0.75


class _MapOnDisk(NamedTuple):
    """Where a memory-mapped array lies."""

    path: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int

    @classmethod
    def of(cls, value: Any) -> Any:
        """The place of a whole memory map; anything else as it is."""
        # subtle: a part of a map says that it begins where the whole does
        if isinstance(value, np.memmap) and isinstance(value.base, mmap) and value.filename:
            return cls(str(value.filename), value.dtype, value.shape, value.offset)
        return value

    def opened(self) -> npt.NDArray[Any]:
        return np.memmap(self.path, self.dtype, "r", self.offset, self.shape)


class SkipGramDataset(IterableDataset[Batch]):
    """Batches of skip-gram examples over one pass of a corpus.

    Works with a plain `DataLoader(dataset, batch_size=None, num_workers=N)`: each worker reads its own contiguous shard
    of the sentences with its own random state. The same seed, epoch and number of workers give the same batches.

    Args:
        tokens: (words,) integer word ids, such as `IndexedCorpus.tokens`; ids outside the vocabulary are left out.
        offsets: (sentences + 1,) where sentences begin and the last ends.
        vocabulary: the words that are trained.
        settings: window, negatives and so on.
        batch_size: pairs a batch; the last batch of a pass may be smaller.
        seed: of the random state.
        device: where batches are built.

    Attributes:
        keep: (V,) float32, the probability that an occurrence of each word survives subsampling.
        alias: draws the noise words.
        noise: (V,) float32, the probability of each word as a noise word.
        pair_frequency: (V,) float32, each word's share of the pairs, as center and as context alike.
    """

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
    ) -> None:
        self.tokens, self.offsets = tokens, offsets
        self.settings = settings = settings or SamplingSettings()
        self.batch_size, self.seed, self.device = batch_size, seed, torch.device(device)
        self.epoch = 0
        keep = vocabulary.keep_probability(settings.subsample)  # (V,)
        noise = vocabulary.noise_distribution(settings.noise_exponent)  # (V,)
        self.keep = torch.from_numpy(keep).float().to(self.device)
        self.alias = AliasTable(noise, self.device)
        self.noise = torch.from_numpy(noise).float().to(self.device)
        self.pair_frequency = torch.from_numpy(vocabulary.pair_frequency(settings.subsample)).float().to(self.device)

    def set_epoch(self, epoch: int) -> None:
        """Choose which pass comes next: each draws anew."""
        self.epoch = epoch

    def __getstate__(self) -> dict[str, Any]:
        """What goes to the workers of a DataLoader: of a memory map its place on the disk, not gigabytes of ids."""
        return {name: _MapOnDisk.of(value) for name, value in self.__dict__.items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = {
            name: value.opened() if isinstance(value, _MapOnDisk) else value for name, value in state.items()
        }

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        rank, shards = (worker.id, worker.num_workers) if worker else (0, 1)
        return self.batches(new_shards(self.offsets, shards)[rank])

    def batches(self, shard: Shard) -> Iterator[Batch]:
        """The batches of a share of the corpus, from where it stands.

        A batch counts as trained when the next one is asked for; `shard` is kept up to date, and given again goes on
        from there with the same batches. Inside a chunk that is done by drawing it again from its start.
        """
        generator = torch.Generator(self.device)
        if shard.own:
            generator.set_state(shard.own["random"])
        else:
            generator.manual_seed(derive_seed(self.seed, self.epoch, *shard.stream))
            nothing = torch.empty(0, dtype=torch.int64, device=self.device)
            _remember(shard, generator, nothing, nothing)
        for begin, end in unread_chunks(shard, self.offsets, CHUNK_PAIRS // (self.settings.window + 1)):
            words = int(self.offsets[end] - self.offsets[begin])
            drawn = self._pairs(begin, end, generator)
            center = torch.cat([shard.own["center"].to(self.device), drawn[0]])
            context = torch.cat([shard.own["context"].to(self.device), drawn[1]])
            whole = len(center) // self.batch_size * self.batch_size
            yield from self._from_where_it_stands(shard, center[:whole], context[:whole], words, generator)
            _remember(shard, generator, center[whole:], context[whole:])
        yield from self._from_where_it_stands(shard, shard.own["center"], shard.own["context"], 0, generator)
        nothing = torch.empty(0, dtype=torch.int64, device=self.device)
        _remember(shard, generator, nothing, nothing)  # for a shard that is given more to read

    def _from_where_it_stands(
        self, shard: Shard, center: Tensor, context: Tensor, words: int, generator: torch.Generator
    ) -> Iterator[Batch]:
        """The batches of a chunk of so many words; those trained before are drawn and left out."""
        trained = int(shard.own["batches"])
        batches = -(-len(center) // self.batch_size)
        for number, batch in enumerate(self._batches(center, context, generator)):
            if number >= trained:
                yield batch
                shard.own["batches"] += 1
                shard.part = words * (number + 1) // batches  # so that progress is smooth however few chunks there are

    def _pairs(self, begin: int, end: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The shuffled (center, context) word ids of the sentences begin..end."""
        ids, sentence = self._read(begin, end)
        kept = subsample(self.keep, ids, generator).nonzero().squeeze(1)
        ids, sentence = ids[kept], sentence[kept]
        center, context = window_pairs(sentence, self.settings.window, generator)
        order = torch.randperm(len(center), generator=generator, device=self.device)
        return ids[center[order]], ids[context[order]]

    def _read(self, begin: int, end: int) -> tuple[Tensor, Tensor]:
        """Word ids and sentence numbers, both (N,), of the sentences begin..end."""
        bounds = np.asarray(self.offsets[begin : end + 1])
        ids = torch.from_numpy(np.asarray(self.tokens[bounds[0] : bounds[-1]], dtype=np.int64))
        sentence = torch.from_numpy(np.repeat(np.arange(end - begin), np.diff(bounds)))
        return ids.to(self.device), sentence.to(self.device)

    def _batches(self, center: Tensor, context: Tensor, generator: torch.Generator) -> Iterator[Batch]:
        group = max(1, NEGATIVES_AT_ONCE // (self.batch_size * max(self.settings.negatives, 1))) * self.batch_size
        for begin in range(0, len(center), group):
            negatives = draw_negatives(self.alias, center[begin : begin + group], self.settings.negatives, generator)
            for start in range(0, len(negatives), self.batch_size):
                part = slice(begin + start, begin + start + self.batch_size)
                yield Batch(center[part], context[part], negatives[start : start + self.batch_size])


def _remember(shard: Shard, generator: torch.Generator, center: Tensor, context: Tensor) -> None:
    """Note what the next chunk begins with: the random state, and the pairs that were too few for a batch."""
    # subtle: a copy, so that the few pairs do not keep the whole chunk in memory
    carried = {"center": center.clone(), "context": context.clone()}
    shard.own = {"random": generator.get_state(), "batches": torch.zeros((), dtype=torch.int64), **carried}


def stable_batch_size(vocabulary: Vocabulary, settings: SamplingSettings, wanted: int, threads: int = 1) -> int:
    """The largest batch, up to `wanted`, whose summed steps do not overshoot where so many threads work at once."""
    in_pairs = torch.from_numpy(vocabulary.pair_frequency(settings.subsample))
    noise = torch.from_numpy(vocabulary.noise_distribution(settings.noise_exponent))
    return max(1, min(wanted, int(stable_pairs(in_pairs, noise, settings.negatives) / threads)))


def stable_pairs(pair_frequency: Tensor, noise: Tensor, negatives: int) -> float:
    """How many pairs may be trained from the same values of the tables.

    All pairs of a batch see the tables as they were before it, and so nearly do those that other threads or programs
    work on meanwhile. A row that many of them use moves by the sum of as many stale steps. By trial at the learning
    rate 0.025 (CALIBRATED_LR), training diverged from 64 uses of one word in pairs, or 200 in pairs and as noise
    together, where up to 300 words made up the text, whose vectors shard few directions; with 15,000 and 68,000 words
    from five times that. Half is allowed, counting the uses that are expected of the most frequent word.

    Args:
        pair_frequency: (V,) each word's share of the pairs.
        noise: (V,) the probability of each as a noise word.
        negatives: K, noise words a pair.
    """
    in_pairs, as_noise = float(pair_frequency.max()), float(noise.max()) * negatives
    return variety(len(noise)) * min(USES_AS_PAIR / in_pairs, USES_IN_ALL / (in_pairs + as_noise))


def variety(words: int) -> float:
    """How many times more uses of a word are stable than where few words make up the text."""
    return min(4.0, max(1.0, words / FEW_WORDS))
