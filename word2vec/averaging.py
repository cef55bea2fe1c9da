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

Only rows travel that changed somewhere, and what travels is how far they have moved, rounded to bfloat16, eight bits of
precision, as is each sum on its way; above 256 ranks k is rounded, too. Seeds give other vectors by far more. Those of
a rare word wait until it was used some times: a word is due after each round, each second or each fourth. Ji et al.
2016 ("Parallelizing word2vec in shared and distributed memory") average the frequent words more often, too, by a plain
mean.
"""

import time
from collections.abc import Sequence
from enum import Enum

import torch

from word2vec.averaging_rows import SharedRows, shared_rows
from word2vec.dataset import USES_AS_PAIR, SkipGramDataset, variety
from word2vec.distributed import Ranks
from word2vec.engines.progress import Progress
from word2vec.model import SkipGram
from word2vec.shares import CorpusShare, hold_back, new_shares, words_read

LONGEST_WAIT = 4  # rounds after which all rows are averaged, at the latest; a power of two
USES_BETWEEN = 64  # in pairs, of a word on a rank, after which it counts as frequent


class Pause(Enum):
    """Why training pauses between two rounds."""

    NONE = 0
    SAVE = 1
    STOP = 2


class Rounds:
    """The rounds of a run: what each is made of, how far all ranks are, and the averaging at its end.

    Where there is one rank, a round is all that is left of an epoch, and nothing is averaged.

    Args:
        ranks: who trains.
        model: the tables, which an engine has already put where it wants them.
        dataset: what is trained on.
        threads: of this rank's engine.
        sync_every: corpus words a rank between two averagings, about; rounds are of equal length.

    Attributes:
        threads: of all ranks together.
        may_stop: whether a round may be cut short, as that of a rank alone may.
        done: what all ranks have done in this epoch, at the end of the last round.
        pause: what a rank wished for at the end of the last round.
        averaged: how often the tables were averaged.
        bytes_sent: that this rank gave into all-reduce, which sends about 2 (R - 1) / R times as much from each.
        seconds: that averaging took, waiting for other ranks included.
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
        self.pause, self.may_stop = Pause.NONE, ranks.size == 1
        self.averaged, self.bytes_sent, self.seconds = 0, 0, 0.0
        self._since_all = 0  # rounds since all rows were averaged
        # as rank 0 counts them, for all have to do the same
        *self._frequent, rare_from = ranks.gather(self._frequent_rows())[0]
        tables = (model.input.detach(), model.output.detach()) if ranks.size > 1 else ()
        self._tables = [shared_rows(table, rare_from) for table in tables]

    def begin(self, everyones: Sequence[CorpusShare]) -> list[CorpusShare]:
        """Begin an epoch, or go on with the shares of all threads of all ranks; returns this rank's."""
        shares = list((everyones or new_shares(self.dataset.offsets, self.threads))[self._own])
        self._note(_progress(shares), Pause.NONE)
        return shares

    @property
    def left(self) -> int:
        """Corpus words of the epoch that no rank has read."""
        return self._words - self.done.words

    def hold_back(self, shares: Sequence[CorpusShare]) -> None:
        """Leave in the shares what is to be trained in the next round."""
        parts = max(1, round(self.left / self._round_words)) if self.ranks.size > 1 else 1
        self._planned = -(-self.left // parts)
        self._later = [hold_back(share, self.dataset.offsets, parts) for share in shares]

    def words_at(self, words: int) -> int:
        """The words of the epoch that all have read, as far as a rank can know that has read so many itself."""
        here = self.done.words + (words - self._mine.words) * self.ranks.size
        return min(max(here, self.done.words), self.done.words + self._planned)

    def progress_at(self, step: Progress) -> Progress:
        """What all ranks have done, as far as this one can know that has done so much itself."""
        all_, mine = self.done, self._mine
        return Progress(
            step.words + all_.words - mine.words,
            step.pairs + all_.pairs - mine.pairs,
            step.loss + (all_.loss - mine.loss),
            None if step.hits is None else step.hits + (all_.hits or 0) - (mine.hits or 0),
        )

    def end(self, shares: Sequence[CorpusShare], wish: Pause) -> None:
        """End a round: what was held back is to be read again, and the tables of all ranks become the same."""
        for share, later in zip(shares, self._later, strict=True):
            share.unread += later
        begun = time.perf_counter()
        self._note(_progress(shares), wish)
        self.averaged += 1
        due = self._due()
        for rows in self._tables:
            self.bytes_sent += average(self.ranks, rows, due)
        self.seconds += time.perf_counter() - begun

    def _frequent_rows(self) -> list[int]:
        """How many rows, of the words by frequency, are due after each round and after each second, where not all are.

        And last, how many are used so often until all are due that their movements may not be summed.
        """
        data = self.dataset
        kept = 1 / (data.pair_share / data.keep).sum()  # the share of the words that survives subsampling
        pairs = self._round_words / self.ranks.size * kept * (data.settings.window + 1)
        uses = pairs * data.pair_share  # (V,) on a rank in a round
        due = [uses * 2**turn >= USES_BETWEEN for turn in range(self._period.bit_length() - 1)]
        too_frequent = uses * self._period * self.ranks.size > USES_AS_PAIR * variety(len(uses))
        return [int(rows.sum()) for rows in (*due, too_frequent)]

    def _due(self) -> int:
        """How many rows are averaged now: all of them where others look at the tables next."""
        self._since_all += 1
        if self.pause is not Pause.NONE or not self.left or self._since_all == self._period:
            self._since_all = 0
            return len(self.model.input)
        halvings = (self._since_all & -self._since_all).bit_length() - 1
        return int(self._frequent[halvings])

    def _note(self, mine: Progress, wish: Pause) -> None:
        """Make known to all what each has done, and whether one wishes to pause."""
        wishes = [float(wish is pause) for pause in (Pause.SAVE, Pause.STOP)]
        numbers = torch.tensor([mine.words, mine.pairs, mine.loss, mine.hits or 0, *wishes], dtype=torch.float64)
        words, pairs, loss, hits, save, stop = self.ranks.sum(numbers).tolist()
        self._mine, self.done = mine, Progress(int(words), int(pairs), loss, int(hits) or None)
        self.pause = Pause.STOP if stop else Pause.SAVE if save else Pause.NONE


def average(ranks: Ranks, rows: SharedRows, due: int) -> int:
    """Make the rows of a table the same on all ranks.

    Args:
        ranks: who has it.
        rows: those of this rank.
        due: how many of them, from the first; the others stay apart for now.

    Returns:
        The bytes that this rank gave into all-reduce.
    """
    changed = rows.changed(due)  # (due,)
    moved = ranks.any(changed.clone()).nonzero().squeeze(1)  # (N,)
    for part in torch.split(moved, len(rows.room)):
        sent = rows.room[: len(part)]
        rows.subtract(part, changed, sent)
        rows.move(part, ranks.sum(sent))
    return due + len(moved) * rows.room.shape[1] * rows.room.element_size()


def _progress(shares: Sequence[CorpusShare]) -> Progress:
    return Progress(
        words_read(shares),
        sum(share.pairs for share in shares),
        sum(share.loss for share in shares),
        sum(share.hits for share in shares),
    )
