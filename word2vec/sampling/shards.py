"""An epoch in shards: which sentences each thread still has to read, and how far it is.

A shard is all that a thread needs to go on where it stopped, so an engine that gives its shards away between two parts
of an epoch, and gets them back, ends with the same tables as one that never stopped. checkpoint.py keeps them on disk.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from torch import Tensor

Runs = list[tuple[int, int]]  # of sentences, each from the first to before the last


@dataclass
class Shard:
    """How far a thread is with its shard of an epoch; changed by that thread alone.

    Attributes:
        unread: the sentences that are left; the first run begins with the chunk at work.
        stream: numbers that tell its random draws from those of other shards.
        words: corpus words read, in whole chunks.
        part: those read of the chunk at work, where the engine counts them.
        pairs: examples trained.
        loss: the sum of their losses.
        hits: examples whose true word scored best in the batch, where the objective tells.
        own: what the engine needs besides to go on exactly, random states above all; nothing at the beginning.
    """

    unread: Runs
    stream: tuple[int, ...]
    words: int = 0
    part: int = 0
    pairs: int = 0
    loss: float = 0.0
    hits: int = 0
    own: dict[str, Tensor] = field(default_factory=dict)


def new_shards(offsets: npt.NDArray[np.integer], number: int) -> list[Shard]:
    """The whole corpus in shards: contiguous, disjoint, about equal in words.

    Args:
        offsets: (sentences + 1,) where sentences begin and the last ends.
        number: of shards.
    """
    parts = _cut([(0, len(offsets) - 1)], offsets, number)
    return [Shard(unread, (rank,)) for rank, unread in enumerate(parts)]


def reshard(shards: Sequence[Shard], offsets: npt.NDArray[np.integer], number: int) -> list[Shard]:
    """What is left of an epoch in another number of shards, or for another engine.

    No sentence is left out, and none is read twice but those of the chunks at work; what is drawn is no longer what
    would have been drawn, and pairs that waited for others to make a batch, fewer than that for each shard, are not
    trained. What was counted so far is counted in the first shard.
    """
    words = sum(shard.words for shard in shards)
    parts = _cut([run for shard in shards for run in shard.unread], offsets, number)
    anew = [Shard(unread, (rank, words)) for rank, unread in enumerate(parts)]
    anew[0].words = words
    anew[0].pairs = sum(shard.pairs for shard in shards)
    anew[0].loss = sum(shard.loss for shard in shards)
    anew[0].hits = sum(shard.hits for shard in shards)
    return anew


def split_off(shard: Shard, offsets: npt.NDArray[np.integer], parts: int, of: int) -> Runs:
    """Leave in a shard the first parts `of` so many equal ones of what is unread; returns the rest."""
    left = sum(int(offsets[last] - offsets[first]) for first, last in shard.unread)
    wanted, now, later = -(-left * parts // of), [], list(shard.unread)
    while later and (wanted > 0 or parts == of):
        first, last = later.pop(0)
        end = last if parts == of else min(int(np.searchsorted(offsets, offsets[first] + wanted)), last)
        now.append((first, end))
        wanted -= int(offsets[end] - offsets[first])
        if end < last:
            later.insert(0, (end, last))
    shard.unread = now
    return later


def words_read(shards: Sequence[Shard]) -> int:
    """The corpus words that all shards together have read."""
    return sum(shard.words + shard.part for shard in shards)


def _cut(unread: Runs, offsets: npt.NDArray[np.integer], number: int) -> list[Runs]:
    """The runs in parts of about equally many words."""
    total = sum(int(offsets[last] - offsets[first]) for first, last in unread)
    parts: list[Runs] = [[] for _ in range(number)]
    part = words = 0
    for first, last in unread:
        while first < last:
            wanted = total * (part + 1) // number - words  # to fill the part
            end = int(np.searchsorted(offsets, offsets[first] + wanted)) if part < number - 1 else last
            end = min(max(end, first), last)
            if first < end:
                parts[part].append((first, end))
                words += int(offsets[end] - offsets[first])
            if end < last:
                part += 1
            first = end
    return parts


def unread_chunks(shard: Shard, offsets: npt.NDArray[np.integer], words: int) -> Iterator[tuple[int, int]]:
    """What is left of a shard in runs of whole sentences of about so many words.

    A chunk counts as read when the next one is asked for. So a thread that stops with one in its hand, not trained,
    will find it in `unread` again.
    """
    while shard.unread:
        first, last = shard.unread[0]
        for begin, end in chunks(offsets, first, last, words):
            yield begin, end
            shard.unread[0] = (end, last)
            shard.words += int(offsets[end] - offsets[begin])
            shard.part = 0
        shard.unread.pop(0)


def chunks(offsets: npt.NDArray[np.integer], first: int, last: int, words: int) -> Iterator[tuple[int, int]]:
    """Runs of whole sentences of about so many words."""
    while first < last:
        end = int(np.searchsorted(offsets, offsets[first] + words, side="right")) - 1
        end = min(max(end, first + 1), last)
        yield first, end
        first = end


def derive_seed(*numbers: int) -> int:
    """One seed from several, such that neighbors have nothing in common."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])
