"""An epoch in rounds, after each of which the tables of all ranks become one: periodic averaging, weighted by use.

In a round each rank trains its own copy of the tables on about `sync_every` words. A row w that k ranks have changed by
d_1 .. d_k then moves by

    mean = (d_1 + ... + d_k) / k        momentum = (1 - 1/k) momentum + mean        w += mean + (1 - 1/k) momentum

The reason: the mean alone loses a factor k of what was learnt, and a rank that left the row alone would dilute it even
more; the sum overshoots where all ranks have gone the whole way to the same place, and training diverges. So the sum is
spread over about k rounds: sum_i (1 - 1/k)^i = k. A row that one rank has changed moves as that rank has moved it. This
is the blockwise model-update filtering of Chen and Huo 2016 ("Scalable training of deep learning machines by
incremental block training ..."), with Nesterov's momentum, for each row by the number of those that used it. The row of
a word so rare that all ranks together use it in pairs too little to overshoot moves by the sum, as if k were 1. How
little is taken from dataset.stable_pairs; uses as noise and the learning rate are not counted.

Ranks do not wait for each other between rounds. What they have done in a round travels while they train on the first
eighth of the next, at the end of which each adds to its rows what it has learnt meanwhile. Training rests, and all rows
are averaged, only at the end of an epoch, for a checkpoint and before a stop; so the same seed gives the same bytes
where checkpoints are due at the same rounds. On CUDA devices training rests always, for both work in one stream.

Only rows travel that changed somewhere, and what travels is how far they have moved, rounded to bfloat16, eight bits of
precision, as is each sum on its way; above 256 ranks k is rounded, too. Seeds give other vectors by far more. Those of
a rare word wait until it was used some times: a word is due after each round, each second or each fourth. Ji et al.
2016 ("Parallelizing word2vec in shared and distributed memory") average the frequent words more often, too, by a plain
mean.
"""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from enum import IntEnum
from typing import NamedTuple

import torch
from torch import Tensor

from word2vec.engines.base import Progress
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import USES_AS_PAIR, SkipGramDataset, variety
from word2vec.sampling.shards import Shard, new_shards, split_off, words_read
from word2vec.training.distributed.process_group import Ranks
from word2vec.training.distributed.shared_rows import SharedRows, room_to_send, shared_rows

LONGEST_WAIT = 4  # rounds after which all rows are averaged, at the latest; a power of two
USES_BETWEEN = 64  # in pairs, of a word on a rank, after which it counts as frequent
PIECES = 8  # of a round; in the first of them the round before is averaged


class Pause(IntEnum):
    """Why training pauses before an epoch ends."""

    NONE = 0
    SAVE = 1
    STOP = 2


class Exchange(NamedTuple):
    """What ranks have told each other at the end of a round."""

    mine: Progress  # of this rank
    done: Progress  # of all
    pause: Pause
    rows: list[tuple[Tensor, Tensor]]  # for each table: which rows have moved (N,), and their sums (N, D + 1)
    sent: int  # bytes that this rank gave into all-reduce for them


class Rounds:
    """The rounds of a run: what each is made of, how far all ranks are, and the averaging between them.

    A round is trained in two parts, the first of them while the round before is averaged. Where there is one rank, a
    round is all that is left of an epoch, and nothing is averaged.

    Args:
        ranks: who trains.
        model: the tables, which an engine has already put where it wants them.
        dataset: what is trained on.
        threads: of this rank's engine.
        sync_every: corpus words a rank between two averagings, about; rounds are of equal length.

    Attributes:
        threads: of all ranks together.
        may_stop: whether a round may be cut short, as that of a rank alone may.
        done: what all ranks have done in this epoch, when they last told each other.
        pause: what a rank wished for then, where all ranks are ready for it now.
        together: whether the tables of all ranks are the same now, and `done` is true of this moment.
        averaged: how often the tables were averaged.
        bytes_sent: that this rank gave into all-reduce, which sends about 2 (R - 1) / R times as much from each.
        seconds: that training rested for it, waiting for other ranks included.
    """

    def __init__(self, ranks: Ranks, model: SkipGram, dataset: SkipGramDataset, threads: int, sync_every: int) -> None:
        self.ranks, self.model, self.dataset = ranks, model, dataset
        all_threads = [int(number) for number in ranks.gather(threads)]
        self.threads = sum(all_threads)
        self._own = slice(sum(all_threads[: ranks.rank]), sum(all_threads[: ranks.rank + 1]))
        self._words = int(dataset.offsets[-1])
        # what is learnt in a round is spread over as many as there are ranks, so each row has to be averaged as often
        rounds = max(ranks.size, self._words // (ranks.size * sync_every))
        self._period = min(LONGEST_WAIT, 1 << (rounds // ranks.size).bit_length() - 1)
        self._round_words = max(1, -(-self._words // (round(rounds / self._period) * self._period)))
        self.pause, self.may_stop, self.together = Pause.NONE, ranks.size == 1, True
        self.averaged, self.bytes_sent, self.seconds = 0, 0, 0.0
        self._since_all = 0  # rounds since all rows were averaged
        self._beside = ThreadPoolExecutor(1, "averaging")
        self._under_way: Future[Exchange] | None = None
        # as rank 0 counts them, for all have to do the same
        *self._frequent, rare_from = ranks.gather(self._frequent_rows())[0]
        tables = (model.input.detach(), model.output.detach()) if ranks.size > 1 else ()
        self._tables = [shared_rows(table, rare_from) for table in tables]
        # subtle: kept, for memory that is taken anew each time takes longer; what a CPU never writes to it never takes
        self._room = room_to_send(self._tables) if self._tables else torch.empty(0)

    def begin(self, everyones: Sequence[Shard]) -> list[Shard]:
        """Begin an epoch, or go on with the shards of all threads of all ranks; returns this rank's."""
        shards = list((everyones or new_shards(self.dataset.offsets, self.threads))[self._own])
        self._note(self._told(_progress(shards), Pause.NONE))
        return shards

    @property
    def left(self) -> int:
        """Corpus words of the epoch of which it is not known that a rank has read them."""
        return self._words - self.done.words

    def split_off(self, shards: Sequence[Shard]) -> None:
        """Leave in the shards what is to be trained next: a round, or a part of it."""
        if self.together:
            self._pieces = PIECES * max(1, round(self.left / self._round_words))  # that are left of the epoch
            self._goal = self.done.words  # of all ranks, at the end of what they train now
        pieces = self._pieces if self.may_stop else 1 if self._under_way else self._pieces % PIECES or PIECES
        self._goal += (self._words - self._goal) * pieces // self._pieces
        self._later = [split_off(shard, self.dataset.offsets, pieces, self._pieces) for shard in shards]
        self._pieces -= pieces

    def words_at(self, words: int) -> int:
        """The words of the epoch that all have read, as far as a rank can know that has read so many itself."""
        here = self.done.words + (words - self._mine.words) * self.ranks.size
        return max(min(here, self._goal), self.done.words)

    def progress_at(self, step: Progress) -> Progress:
        """What all ranks have done, as far as this one can know that has done so much itself."""
        all_, mine = self.done, self._mine
        return Progress(
            step.words + all_.words - mine.words,
            step.pairs + all_.pairs - mine.pairs,
            step.loss + (all_.loss - mine.loss),
            None if step.hits is None else step.hits + (all_.hits or 0) - (mine.hits or 0),
        )

    def end(self, shards: Sequence[Shard], wish: Pause) -> None:
        """End what was trained: what was held back is to be read again, and ranks tell each other what they have done.

        Their tables are the same thereafter at the end of an epoch, and where one of them has wished to pause; that
        wish is known when an eighth of the next round is trained.
        """
        for shard, later in zip(shards, self._later, strict=True):
            shard.unread += later
        begun = time.perf_counter()
        mine, self.pause = _progress(shards), Pause.NONE
        arriving, self._under_way = self._under_way, None
        if arriving:
            self._finish(arriving.result())
        self.together = self.pause is not Pause.NONE or not self._pieces
        if self.together:
            self._take(len(self.model.input))
            self._since_all = 0
            self._finish(self._exchange(mine, max(wish, self.pause)))
        elif not arriving:
            self._take(self._due())
            self._under_way = self._beside.submit(self._exchange, mine, wish)
        self.seconds += time.perf_counter() - begun

    def _take(self, due: int) -> None:
        for rows in self._tables:
            rows.take(due)

    def _exchange(self, mine: Progress, wish: Pause) -> Exchange:
        """Tell what this rank has done, and hear what all have; training may go on meanwhile."""
        told = self._told(mine, wish)
        rows, sent = exchange(self.ranks, self._tables, self._room)
        return told._replace(rows=rows, sent=sent)

    def _finish(self, heard: Exchange) -> None:
        """Make of the tables what all ranks make of them."""
        self._note(heard)
        self.averaged += 1
        self.bytes_sent += heard.sent
        for rows, (moved, total) in zip(self._tables, heard.rows, strict=True):
            rows.move(moved, total)

    def _frequent_rows(self) -> list[int]:
        """How many rows, of the words by frequency, are due after each round and after each second, where not all are.

        And last, how many are used so often until all are due that their movements may not be summed.
        """
        data = self.dataset
        kept = 1 / (data.pair_frequency / data.keep).sum()  # the share of the words that survives subsampling
        pairs = self._round_words / self.ranks.size * kept * (data.settings.window + 1)
        uses = pairs * data.pair_frequency  # (V,) on a rank in a round
        due = [uses * 2**turn >= USES_BETWEEN for turn in range(self._period.bit_length() - 1)]
        too_frequent = uses * self._period * self.ranks.size > USES_AS_PAIR * variety(len(uses))
        return [int(rows.sum()) for rows in (*due, too_frequent)]

    def _due(self) -> int:
        """How many rows are averaged after a round with which no epoch ends."""
        self._since_all += 1
        if self._since_all == self._period:
            self._since_all = 0
            return len(self.model.input)
        halvings = (self._since_all & -self._since_all).bit_length() - 1
        return int(self._frequent[halvings])

    def _told(self, mine: Progress, wish: Pause) -> Exchange:
        """Make known to all what each has done, and whether one wishes to pause."""
        wishes = [float(wish is pause) for pause in (Pause.SAVE, Pause.STOP)]
        numbers = torch.tensor([mine.words, mine.pairs, mine.loss, mine.hits or 0, *wishes], dtype=torch.float64)
        words, pairs, loss, hits, save, stop = self.ranks.sum(numbers).tolist()
        pause = Pause.STOP if stop else Pause.SAVE if save else Pause.NONE
        return Exchange(mine, Progress(int(words), int(pairs), loss, int(hits) or None), pause, [], 0)

    def _note(self, heard: Exchange) -> None:
        self._mine, self.done, self.pause = heard.mine, heard.done, heard.pause


def exchange(ranks: Ranks, tables: Sequence[SharedRows], room: Tensor) -> tuple[list[tuple[Tensor, Tensor]], int]:
    """Bring together what the ranks have taken of their tables.

    Args:
        ranks: who has them.
        tables: those of this rank.
        room: memory for what is sent, from room_to_send.

    Returns:
        For each table the rows (N,) that a rank has changed, and what all have sent of them together (N, D + 1); and
        the bytes that this rank has sent.
    """
    if not tables:
        return [], 0
    flags = ranks.any(torch.cat([rows.changed for rows in tables]))
    moved = [part.nonzero().squeeze(1) for part in torch.split(flags, [len(rows.changed) for rows in tables])]
    sent = room[: sum(map(len, moved))]
    parts = torch.split(sent, [len(rows) for rows in moved])
    for rows, some, part in zip(tables, moved, parts, strict=True):
        rows.subtract(some, part)
    ranks.sum(sent)
    return list(zip(moved, parts, strict=True)), flags.nbytes + sent.nbytes


def _progress(shards: Sequence[Shard]) -> Progress:
    return Progress(
        words_read(shards),
        sum(shard.pairs for shard in shards),
        sum(shard.loss for shard in shards),
        sum(shard.hits for shard in shards),
    )
