"""Shards: contiguous parts of a corpus, one per thread, and how far each one is read.

A shard contains everything a thread needs to continue where it stopped. An engine that returns its shards in the middle
of an epoch and receives them again therefore ends with the same tables as one that never stopped.
`training/checkpoint.py` saves shards to disk.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

SentenceRanges = list[tuple[int, int]]
"""Ranges of sentences, each from the first to one past the last."""

DTYPES = {str(dtype): dtype for dtype in (torch.float32, torch.float64, torch.int64, torch.uint8)}


@dataclass
class Shard:
    """The progress of one thread in its part of an epoch; modified by that thread only.

    Attributes:
        unread: Ranges of sentences that are left. The first range begins with the current chunk.
        stream: Numbers that distinguish the random draws of this shard from those of other shards.
        words: Corpus words read, counted in complete chunks.
        partial_words: Corpus words read of the current chunk, for engines that count them.
        pairs: Examples trained.
        loss: Sum of the losses of these examples.
        hits: Examples whose true word had the highest score in the batch, for objectives that report it.
        engine_state: Further state that an engine needs to resume exactly, such as random states; empty at first.
    """

    unread: SentenceRanges
    stream: tuple[int, ...]
    words: int = 0
    partial_words: int = 0
    pairs: int = 0
    loss: float = 0.0
    hits: int = 0
    engine_state: dict[str, Tensor] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Convert the shard to a dictionary for JSON."""
        state = {name: (str(tensor.dtype), tensor.tolist()) for name, tensor in self.engine_state.items()}
        return vars(self) | {"engine_state": state}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Shard":
        """Create a shard from the result of `to_dict`; exact, because JSON stores enough digits of a float."""
        state = values["engine_state"].items()
        return cls(
            **values
            | {
                "unread": [(first, last) for first, last in values["unread"]],
                "stream": tuple(values["stream"]),
                "engine_state": {name: torch.tensor(numbers, dtype=DTYPES[dtype]) for name, (dtype, numbers) in state},
            }
        )


def new_shards(offsets: npt.NDArray[np.integer], number: int, sentences: SentenceRanges | None = None) -> list[Shard]:
    """Split a corpus into contiguous, disjoint shards of about equally many words.

    Args:
        offsets: (sentences + 1,) positions at which sentences begin; the last one is the end of the corpus.
        number: How many shards to create.
        sentences: The sentences to train; all by default.
    """
    parts = _split([(0, len(offsets) - 1)] if sentences is None else sentences, offsets, number)
    return [Shard(unread, (rank,)) for rank, unread in enumerate(parts)]


def reshard(shards: Sequence[Shard], offsets: npt.NDArray[np.integer], number: int) -> list[Shard]:
    """Split the rest of an epoch into another number of shards, or for another engine.

    No sentence is lost, and only the sentences of the current chunks are read twice. The random draws differ from those
    of an uninterrupted run, and pairs that were waiting to complete a batch (fewer than one batch per shard) are
    dropped. The first new shard receives all previous counts.

    Args:
        shards: The shards of an epoch in progress.
        offsets: (sentences + 1,) positions at which sentences begin; the last one is the end of the corpus.
        number: How many shards to create.
    """
    words = sum(shard.words for shard in shards)
    parts = _split([unread for shard in shards for unread in shard.unread], offsets, number)
    result = [Shard(unread, (rank, words)) for rank, unread in enumerate(parts)]
    result[0].words = words
    result[0].pairs = sum(shard.pairs for shard in shards)
    result[0].loss = sum(shard.loss for shard in shards)
    result[0].hits = sum(shard.hits for shard in shards)
    return result


def split_off(shard: Shard, offsets: npt.NDArray[np.integer], keep: int, of: int) -> SentenceRanges:
    """Keep `keep` of `of` equal parts of the unread sentences of a shard; return the ranges of the remaining parts."""
    words_left = count_words(shard.unread, offsets)
    wanted, now, later = -(-words_left * keep // of), [], list(shard.unread)
    while later and (wanted > 0 or keep == of):
        first, last = later.pop(0)
        end = last if keep == of else min(int(np.searchsorted(offsets, offsets[first] + wanted)), last)
        now.append((first, end))
        wanted -= int(offsets[end] - offsets[first])
        if end < last:
            later.insert(0, (end, last))
    shard.unread = now
    return later


def count_words(sentences: SentenceRanges, offsets: npt.NDArray[np.integer]) -> int:
    """Return the number of corpus words in ranges of sentences."""
    return sum(int(offsets[last] - offsets[first]) for first, last in sentences)


def words_read(shards: Sequence[Shard]) -> int:
    """Return the number of corpus words read in all shards together."""
    return sum(shard.words + shard.partial_words for shard in shards)


def unread_chunks(
    shard: Shard, offsets: npt.NDArray[np.integer], words: int, pairs: int | None = None, *, padded: bool = False
) -> Iterator[tuple[int, int]]:
    """Yield the rest of a shard as ranges of complete sentences; see `chunks` for their size.

    A chunk counts as read when the next one is requested. A thread that stops before it trains the chunk it has
    received finds that chunk in `unread` again.
    """
    while shard.unread:
        first, last = shard.unread[0]
        for begin, end in chunks(offsets, first, last, words, pairs, padded=padded):
            yield begin, end
            shard.unread[0] = (end, last)
            shard.words += int(offsets[end] - offsets[begin])
            shard.partial_words = 0
        shard.unread.pop(0)


def chunks(
    offsets: npt.NDArray[np.integer],
    first: int,
    last: int,
    words: int,
    pairs: int | None = None,
    *,
    padded: bool = False,
) -> Iterator[tuple[int, int]]:
    """Yield ranges of complete sentences, from `first` to before `last`, with about `words` words each.

    Args:
        offsets: (sentences + 1,) positions at which sentences begin; the last one is the end of the corpus.
        first: First sentence.
        last: One past the last sentence.
        words: Words per chunk; a longer sentence is a chunk of its own.
        pairs: Limit on the pairs of a chunk if each word is paired with all others of its sentence; a sentence with
            more pairs is a chunk of its own. None for no limit.
        padded: Whether all words count as many pairs as those of the longest sentence of the chunk.
    """
    while first < last:
        end = int(np.searchsorted(offsets, offsets[first] + words, side="right")) - 1
        end = min(max(end, first + 1), last)
        if pairs is not None:
            lengths = np.diff(offsets[first : end + 1]).astype(np.int64)
            others = np.maximum.accumulate(lengths - 1) if padded else lengths - 1  # (sentences,)
            total = np.cumsum(lengths) * others if padded else np.cumsum(lengths * others)
            end = first + max(1, int(np.searchsorted(total, pairs, side="right")))
        yield first, end
        first = end


def derive_seed(*numbers: int) -> int:
    """Derive one 64-bit seed from several numbers, such that similar inputs give unrelated seeds."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])


def _split(unread: SentenceRanges, offsets: npt.NDArray[np.integer], number: int) -> list[SentenceRanges]:
    """Split ranges of sentences into `number` parts of about equally many words."""
    total = count_words(unread, offsets)
    parts: list[SentenceRanges] = [[] for _ in range(number)]
    part = words = 0
    for first, last in unread:
        while first < last:
            wanted = total * (part + 1) // number - words  # words missing to complete the part
            end = int(np.searchsorted(offsets, offsets[first] + wanted)) if part < number - 1 else last
            end = min(max(end, first), last)
            if first < end:
                parts[part].append((first, end))
                words += int(offsets[end] - offsets[first])
            if end < last:
                part += 1
            first = end
    return parts
