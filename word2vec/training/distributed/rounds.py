"""Rounds: periodic averaging of the tables of several processes, weighted by use.

An epoch consists of rounds. In a round each rank trains its own copy of the tables on about `sync_every` words. A row w
that k ranks have changed by d_1 .. d_k then moves by

    mean = (d_1 + ... + d_k) / k        momentum = (1 - 1/k) momentum + mean        w += mean + (1 - 1/k) momentum

The mean alone would reduce what was learned by a factor of k, and ranks that did not use the row would reduce it
further; the sum overshoots if all ranks have moved the row to the same place, and training diverges. Momentum spreads
the sum over about k rounds: sum_i (1 - 1/k)^i = k. A row that a single rank has changed moves as on that rank. This is
the blockwise model-update filtering of Chen and Huo 2016 ("Scalable training of deep learning machines by incremental
block training ..."), with Nesterov's momentum, applied per row with the number of ranks that used it. A row of a word
so rare that all ranks together use it in too few pairs to overshoot moves by the sum, as if k were 1;
sampling/stability.py has the limit (uses as a noise word and the learning rate are not counted).

Ranks do not wait for each other between rounds. The changes of a round are exchanged while the ranks train the first
eighth of the next round; then each rank adds its changes made meanwhile. Training pauses, and all rows are averaged,
only at the end of an epoch, for a checkpoint and before a stop, so the same seed gives the same bytes if checkpoints
are due at the same rounds. On CUDA devices training pauses for every exchange, since both use the same stream.

Only rows that changed on some rank are exchanged, as changes rounded to bfloat16 (8 bits of precision), as is each
partial sum; above 256 ranks k is rounded as well. Seeds make a far larger difference. Rows of rare words wait until
they have been used a number of times: a word is due after every round, every second or every fourth. Ji et al. 2016
("Parallelizing word2vec in shared and distributed memory") average frequent words more often too, by a plain mean.
"""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from word2vec.engines.base import Pause, Progress
from word2vec.models.base import EmbeddingModel
from word2vec.sampling.datasets import ExampleDataset
from word2vec.sampling.shards import Shard, split_off, words_read
from word2vec.sampling.stability import MAX_USES_IN_PAIRS, vocabulary_factor
from word2vec.training.distributed.process_group import ProcessGroup
from word2vec.training.distributed.shared_rows import SharedRows, send_buffer, shared_rows

MAX_PERIOD = 4  # rounds after which all rows are averaged, at the latest; a power of two
FREQUENT_USES = 64  # uses of a word in pairs on a rank, from which it is averaged
PARTS = 8  # of a round; the previous round is exchanged during the first one


class Exchange(NamedTuple):
    """The data that the ranks exchange at the end of a round."""

    mine: Progress  # of this rank
    all: Progress  # of all ranks
    pause: Pause  # requested by any rank
    rows: list[tuple[Tensor, Tensor]]  # for each table: the changed rows (N,), and their summed changes (N, D + 1)
    bytes_sent: int  # that this rank passed to all-reduce for them


class Rounds:
    """The rounds of a run: the shards of each rank, the progress of all ranks, and the averaging of the tables.

    A round is trained in two steps, the first of them while the previous round is exchanged.

    Args:
        group: The processes.
        model: The tables, in the memory where the engine trains them.
        dataset: The corpus.
        threads: Number of shards of the engine of this rank.
        sync_every: Approximate number of corpus words per rank between two averagings; all rounds have the same length.

    Attributes:
        threads: Number of shards of all ranks together.
        done: Progress of all ranks when they last exchanged it.
        pause: The pause that ranks had requested then.
        together: Whether the tables of all ranks are equal, and `done` is current.
        averaged: Number of averagings.
        bytes_sent: Bytes passed to all-reduce, which sends about 2 (R - 1) / R times as many from each of R ranks.
        seconds: Time in which training paused for averaging, including the wait for other ranks.
    """

    def __init__(
        self, group: ProcessGroup, model: EmbeddingModel, dataset: ExampleDataset, threads: int, sync_every: int
    ) -> None:
        self.group, self.model, self.dataset = group, model, dataset
        all_threads = [int(number) for number in group.gather(threads)]
        self.threads = sum(all_threads)
        self._mine = slice(sum(all_threads[: group.rank]), sum(all_threads[: group.rank + 1]))
        self._words = dataset.words
        # momentum spreads a round over as many rounds as there are ranks, so there must be at least that many
        rounds = max(group.size, self._words // (group.size * sync_every))
        self._period = min(MAX_PERIOD, 1 << (rounds // group.size).bit_length() - 1)
        self._round_words = max(1, -(-self._words // (round(rounds / self._period) * self._period)))
        self.pause, self.together = Pause.NONE, True
        self.averaged, self.bytes_sent, self.seconds = 0, 0, 0.0
        self._since_all = 0  # rounds since all rows were averaged
        self._background = ThreadPoolExecutor(1, "averaging")
        self._pending: Future[Exchange] | None = None
        # the counts of rank 0, since all ranks have to use the same
        of_words = dataset.input_frequency.cpu().numpy() * dataset.inputs_per_example
        frequencies = model.row_frequencies(of_words, dataset.pair_frequency.cpu().numpy())
        tables = model.tables()
        counted = group.gather([self._count_frequent_rows(frequencies[name]) for name in tables])[0]
        self._frequent = [due for *due, _ in counted]  # of each table
        self._tables = [
            shared_rows(table.detach(), rare_from)
            for table, (*_, rare_from) in zip(tables.values(), counted, strict=True)
        ]
        # subtle: kept between rounds, since allocating it takes longer; untouched pages cost no memory
        self._buffer = send_buffer(self._tables)

    def begin(self, all_shards: Sequence[Shard] | None) -> list[Shard]:
        """Start an epoch, or resume one with the shards of all ranks; returns the shards of this rank."""
        shards = list((all_shards or self.dataset.new_shards(self.threads))[self._mine])
        self._record(self._exchange_progress(_progress(shards), Pause.NONE))
        return shards

    @property
    def left(self) -> int:
        """Corpus words of the epoch that, as far as this rank knows, no rank has read."""
        return self._words - self.done.words

    def split_off(self, shards: Sequence[Shard]) -> None:
        """Keep in the shards only the sentences of the next round or step; `end` returns the rest to them."""
        if self.together:
            self._parts = PARTS * max(1, round(self.left / self._round_words))  # that are left of the epoch
            self._goal = self.done.words  # of all ranks, when the next step is trained
        parts = 1 if self._pending else self._parts % PARTS or PARTS
        self._goal += (self._words - self._goal) * parts // self._parts
        self._later = [split_off(shard, self.dataset.offsets, parts, self._parts) for shard in shards]
        self._parts -= parts

    def words_at(self, words: int) -> int:
        """Estimate the words of the epoch read by all ranks when this rank has read `words`."""
        estimate = self.done.words + (words - self._sent.words) * self.group.size
        return max(min(estimate, self._goal), self.done.words)

    def progress_at(self, report: Progress) -> Progress:
        """Return the known progress of all ranks, given the current progress of this rank."""
        done, sent = self.done, self._sent
        return Progress(
            report.words + done.words - sent.words,
            report.pairs + done.pairs - sent.pairs,
            report.loss + (done.loss - sent.loss),
            None if report.hits is None else report.hits + (done.hits or 0) - (sent.hits or 0),
        )

    def end(self, shards: Sequence[Shard], request: Pause) -> None:
        """End a step: restore what was split off, and start or finish the exchange of a round.

        Afterwards, the tables of all ranks are equal if the epoch has ended or a rank has requested a pause; the
        request reaches the other ranks after the first eighth of the next round.
        """
        for shard, later in zip(shards, self._later, strict=True):
            shard.unread += later
        begun = time.perf_counter()
        mine, self.pause = _progress(shards), Pause.NONE
        pending, self._pending = self._pending, None
        if pending:
            self._apply(pending.result())
        self.together = self.pause is not Pause.NONE or not self._parts
        if self.together:
            self._snapshot([len(rows.table) for rows in self._tables])
            self._since_all = 0
            self._apply(self._exchange(mine, max(request, self.pause)))
        elif not pending:
            self._snapshot(self._due_rows())
            self._pending = self._background.submit(self._exchange, mine, request)
        self.seconds += time.perf_counter() - begun

    def _snapshot(self, due: Sequence[int]) -> None:
        for rows, number in zip(self._tables, due, strict=True):
            rows.snapshot(number)

    def _exchange(self, mine: Progress, request: Pause) -> Exchange:
        """Exchange progress, requests and changed rows, during which training may continue."""
        result = self._exchange_progress(mine, request)
        rows, bytes_sent = exchange_rows(self.group, self._tables, self._buffer)
        return result._replace(rows=rows, bytes_sent=bytes_sent)

    def _apply(self, exchange: Exchange) -> None:
        """Update the tables in the same way as all other ranks."""
        self._record(exchange)
        self.averaged += 1
        self.bytes_sent += exchange.bytes_sent
        for rows, (changed, total) in zip(self._tables, exchange.rows, strict=True):
            rows.apply(changed, total)

    def _record(self, exchange: Exchange) -> None:
        self._sent, self.done, self.pause = exchange.mine, exchange.all, exchange.pause

    def _count_frequent_rows(self, frequency: npt.NDArray[np.floating]) -> list[int]:
        """Return how many rows of a table are due after every round, and after every second one.

        The last number says how many are used too often between two averagings of all rows to sum their changes.

        Args:
            frequency: (V,) uses of each row in an example, in descending order; with weights nearly so.
        """
        pairs = self._round_words / self.group.size * self.dataset.pairs_per_word()
        uses = pairs * np.maximum.accumulate(frequency[::-1])[::-1]  # (V,) on a rank in a round
        due = [uses * 2**turn >= FREQUENT_USES for turn in range(self._period.bit_length() - 1)]
        frequent = uses * self._period * self.group.size > MAX_USES_IN_PAIRS * vocabulary_factor(len(uses))
        return [int(rows.sum()) for rows in (*due, frequent)]

    def _due_rows(self) -> list[int]:
        """Return how many rows of each table are averaged after a round that does not end an epoch."""
        self._since_all += 1
        if self._since_all == self._period:
            self._since_all = 0
            return [len(rows.table) for rows in self._tables]
        halvings = (self._since_all & -self._since_all).bit_length() - 1
        return [due[halvings] for due in self._frequent]

    def _exchange_progress(self, mine: Progress, request: Pause) -> Exchange:
        """Sum the progress of all ranks, and find out whether one of them requests a pause."""
        requests = [float(request is pause) for pause in (Pause.SAVE, Pause.STOP)]
        numbers = torch.tensor([mine.words, mine.pairs, mine.loss, mine.hits or 0, *requests], dtype=torch.float64)
        words, pairs, loss, hits, save, stop = self.group.sum(numbers).tolist()
        pause = Pause.STOP if stop else Pause.SAVE if save else Pause.NONE
        return Exchange(mine, Progress(int(words), int(pairs), loss, int(hits) or None), pause, [], 0)


def exchange_rows(
    group: ProcessGroup, tables: Sequence[SharedRows], buffer: Tensor
) -> tuple[list[tuple[Tensor, Tensor]], int]:
    """Sum the changes in the latest snapshots of all ranks.

    Args:
        group: The processes.
        tables: The tables of this rank, after `SharedRows.snapshot`.
        buffer: Memory from `send_buffer`.

    Returns:
        For each table the rows (N,) that changed on some rank and the sums of their changes (N, D + 1), whose last
        column counts the ranks that changed the row; and the number of bytes that this rank sent.
    """
    flags = group.max(torch.cat([rows.changed for rows in tables]))
    changed = [flag.nonzero().squeeze(1) for flag in torch.split(flags, [len(rows.changed) for rows in tables])]
    sums = buffer[: sum(map(len, changed))]
    parts = torch.split(sums, [len(rows) for rows in changed])
    for table, rows, part in zip(tables, changed, parts, strict=True):
        table.delta(rows, part)
    group.sum(sums)
    return list(zip(changed, parts, strict=True)), flags.nbytes + sums.nbytes


def _progress(shards: Sequence[Shard]) -> Progress:
    return Progress(
        words_read(shards),
        sum(shard.pairs for shard in shards),
        sum(shard.loss for shard in shards),
        sum(shard.hits for shard in shards),
    )
