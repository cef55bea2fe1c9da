"""Rounds and the averaging of tables; the ranks are threads here."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier, Event
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.engines.small import make_dataset, make_model, random_sentences
from word2vec.engines.autograd import AutogradEngine
from word2vec.engines.base import Pause, Progress
from word2vec.engines.cpu.engine import FusedEngine
from word2vec.losses import NegativeSampling
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.shards import Shard, new_shards
from word2vec.training.distributed import rounds as rounds_module
from word2vec.training.distributed import shared_rows as shared_rows_module
from word2vec.training.distributed.process_group import ProcessGroup
from word2vec.training.distributed.rounds import Rounds
from word2vec.training.distributed.shared_rows import (
    PROBE_COLUMNS,
    CompiledRows,
    SharedRows,
    send_buffer,
    shared_rows,
)

COUNTS = [40, 30, 20, 10, 10, 5]
ROWS, DIM = 40, 20  # wider than the columns in which a change is looked for


@dataclass
class Meeting:
    """Where threads meet to make one value of theirs."""

    size: int
    barrier: Barrier = field(init=False)

    def __post_init__(self) -> None:
        self.barrier, self.values = Barrier(self.size, timeout=20), [None] * self.size

    def together(self, rank: int, value: Any, combine: Callable[[list[Any]], Any]) -> Any:
        self.values[rank] = value
        self.barrier.wait()
        result = combine([each.clone() if isinstance(each, Tensor) else each for each in self.values])
        self.barrier.wait()
        return result


@dataclass(frozen=True)
class Threads(ProcessGroup):
    """Ranks that are threads of this process."""

    meeting: Meeting = field(default_factory=lambda: Meeting(1))

    def gather(self, value: Any) -> list[Any]:
        return self.meeting.together(self.rank, value, list)  # type: ignore[no-any-return]

    def sum(self, tensor: Tensor) -> Tensor:
        return tensor.copy_(self.meeting.together(self.rank, tensor, sum))

    def max(self, tensor: Tensor) -> Tensor:
        return tensor.copy_(self.meeting.together(self.rank, tensor, lambda all_: torch.stack(all_).amax(dim=0)))

    def wait(self) -> None:
        self.meeting.together(self.rank, None, list)


def on_ranks(size: int, work: Callable[[ProcessGroup], Any]) -> list[Any]:
    """What the work gives on each of so many ranks."""
    meeting = Meeting(size)
    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(work, [Threads(rank, size, meeting=meeting) for rank in range(size)]))


def small_dataset() -> Any:
    return make_dataset(random_sentences(600, COUNTS), COUNTS, subsample=0.0)


def make_rows(kind: type[SharedRows], dim: int, seed: int = 0) -> SharedRows:
    """Rows in the middle of a training; every third is as it was, and the table has room between its rows."""
    draw = torch.Generator().manual_seed(seed)
    rows = kind(torch.randn(30, dim + 5, generator=draw)[:, :dim], rare_from=15)
    rows.momentum.copy_(torch.randn(30, dim, generator=draw))
    rows.table += torch.randn(30, dim, generator=draw) * (torch.arange(30) % 3 > 0).float().unsqueeze(1)
    if dim > PROBE_COLUMNS:
        rows.table[3, -1] += 1  # a change that is not noticed, and stays on this rank
    return rows


@pytest.mark.parametrize("dim", [1, 7, 16, 100])
def test_the_compiled_rows_do_what_the_plain_ones_do(dim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_rows_module, "BLOCK_NUMBERS", 3 * dim)
    plain, compiled = make_rows(SharedRows, dim), make_rows(CompiledRows, dim)
    some = torch.tensor([1, 3, 4, 18, 19])
    draw = torch.Generator().manual_seed(1)
    since = torch.randn(30, dim, generator=draw)
    since[4] = 0
    totals = []
    for rows in (plain, compiled):
        rows.snapshot(20)
        assert rows.changed.tolist() == [int(row % 3 > 0) for row in range(20)]
        rows.table += since  # what is trained on the way is not sent
        sent = send_buffer([rows])[: len(some)]
        rows.delta(some, sent)
        assert sent[:, -1].tolist() == [1, 0, 1, 0, 1]
        totals.append(sent + torch.tensor([0.5] * dim + [1.0]).bfloat16())
    assert totals[0].equal(totals[1])
    was = plain.synced.clone()
    for rows, total in zip((plain, compiled), totals, strict=True):
        rows.apply(some, total)
    for name in ("table", "synced", "momentum"):
        assert getattr(plain, name).equal(getattr(compiled, name)), name
    kept = since.clone()
    kept[3, -1] += dim > PROBE_COLUMNS
    torch.testing.assert_close(plain.table[some], plain.synced[some] + kept[some])
    assert plain.table[4].equal(plain.synced[4])
    others = [row for row in range(30) if row not in some]
    assert plain.synced[others].equal(was[others])


def test_what_is_sent_is_rounded_as_torch_rounds_it() -> None:
    # halfway between two numbers of bfloat16, above an even and above an odd one, then what has no room or is none
    bits = [0x3F808000, 0x3F818000, 0x3F808001, 0x3F807FFF, 0x00008000, 0x7F7FFFFF, 0x7F800000, 0x7FFF8000]
    values = torch.tensor(bits, dtype=torch.int32).view(torch.float32)
    values = torch.stack([values, -values])  # (2, D)
    rows = CompiledRows(torch.zeros_like(values), rare_from=2)
    rows.table.copy_(values)
    rows.snapshot(2)
    sent = send_buffer([rows])
    rows.delta(torch.arange(2), sent)
    torch.testing.assert_close(sent[:, :-1], values.bfloat16(), rtol=0, atol=0, equal_nan=True)


def test_tables_on_a_cpu_get_compiled_rows() -> None:
    assert isinstance(shared_rows(torch.zeros(3, 2), 3), CompiledRows)
    assert type(shared_rows(torch.zeros(3, 2, device="meta"), 3)) is SharedRows


def arrive(rounds: Rounds, shards: list[Shard]) -> None:
    """Train nothing while what is under way arrives."""
    if not rounds.together:
        rounds.split_off(shards)
        rounds.end(shards, Pause.NONE)


def averaged(changes: list[dict[int, float]], rounds: int = 1) -> list[Tensor]:
    """The input table of each rank after so many rounds in which rank r adds changes[r][row] to its rows."""
    dataset = small_dataset()

    def work(group: ProcessGroup) -> Tensor:
        model = SkipGram(ROWS, DIM)
        table = model.input.detach().zero_()
        turns = Rounds(group, model, dataset, 1, 300)  # an epoch has as many rounds as ranks, and so all rows are due
        shards = turns.begin(None)
        for _ in range(rounds):
            turns.split_off(shards)
            for row, change in changes[group.rank].items():
                table[row] += change
            turns.end(shards, Pause.NONE)
            arrive(turns, shards)
        return table

    return on_ranks(len(changes), work)


def test_what_one_rank_has_changed_is_not_diluted() -> None:
    for table in averaged([{0: 1.0, 1: 2.0}, {2: 4.0}, {}, {}]):
        assert table[:4, 0].tolist() == [1.0, 2.0, 4.0, 0.0]
        assert table[:, 0].equal(table[:, -1])


def test_what_all_have_changed_begins_with_the_mean_and_ends_with_the_sum() -> None:
    changes: list[dict[int, float]] = [{0: 1.0}, {0: 3.0}]
    (first, _), (after, other) = averaged(changes), averaged(changes, rounds=60)
    # mean 2, and half of it again as momentum
    assert first[0].tolist() == [3.0] * DIM
    # in the long run each round adds the sum, behind which the row stays by what is left in the momentum
    assert after[0, 0].item() == pytest.approx(60 * 4 - 2, rel=1e-6)
    assert after.equal(other)


def test_what_is_learnt_while_it_travels_is_kept_and_travels_next() -> None:
    def work(group: ProcessGroup) -> list[float]:
        model, found = SkipGram(ROWS, DIM), []
        table = model.input.detach().zero_()
        rounds = Rounds(group, model, small_dataset(), 1, 300)
        shards = rounds.begin(None)
        for change in ([1.0, 3.0], [10.0, 20.0], [100.0, 200.0]):
            rounds.split_off(shards)
            table[0] += change[group.rank]
            rounds.end(shards, Pause.NONE)
            found.append(float(table[0, 0]))
        assert rounds.together
        return found

    # first nothing has arrived; then the mean, 2, and half of it again, but not what the other has done since; then
    # 165 more, the mean of 110 and 220, and half of the momentum, which is 165 and half of 2
    assert on_ranks(2, work) == [[1, 3 + 10, 3 + 165 + 83], [3, 3 + 20, 3 + 165 + 83]]


def test_no_rank_waits_for_another_between_two_rounds() -> None:
    trained = Event()

    def work(group: ProcessGroup) -> None:
        rounds = Rounds(group, SkipGram(ROWS, DIM), small_dataset(), 1, 300)
        shards = rounds.begin(None)
        rounds.split_off(shards)
        if group.rank:
            assert trained.wait(timeout=10)  # that rank 0 has begun the next round, before this one ends its first
        rounds.end(shards, Pause.NONE)
        rounds.split_off(shards)
        trained.set()
        rounds.end(shards, Pause.NONE)

    on_ranks(2, work)
    assert trained.is_set()


def test_what_is_used_too_little_to_overshoot_is_summed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # an epoch has 2 rounds of 300 words, each word in pairs with 6 others
    uses = 300 * 6 * (np.array(COUNTS) / sum(COUNTS))
    monkeypatch.setattr(rounds_module, "MAX_USES_IN_PAIRS", (uses[1] + uses[2]) / 2)
    changes = [dict.fromkeys(range(6), 1.0), dict.fromkeys(range(6), 3.0)]
    for table in averaged(changes):
        assert table[:6, 0].tolist() == [3, 3, 4, 4, 4, 4]
    for table in averaged(changes, rounds=3):
        assert table[2:6, 0].tolist() == [12, 12, 12, 12]


def read(rounds: Rounds, shards: list[Shard]) -> None:
    """Read what is to be trained next."""
    rounds.split_off(shards)
    offsets = rounds.dataset.offsets
    for shard in shards:
        shard.words += sum(int(offsets[last] - offsets[first]) for first, last in shard.unread)
        shard.unread = []


def due_rows(wishes: dict[int, Pause], sync_every: int, size: int = 2) -> list[list[int]]:
    """For each round of an epoch, which rows are the same on all ranks after all have changed all of theirs."""
    counts = [400, 100, 50, 25, 13, 12]
    dataset = make_dataset(random_sentences(600, counts, length=1), counts, subsample=0.0)

    def work(group: ProcessGroup) -> list[Tensor]:
        model = SkipGram(len(counts), DIM)
        table, found = model.output.detach().zero_(), []
        rounds = Rounds(group, model, dataset, 1, sync_every)
        shards = rounds.begin(None)
        while rounds.left or not rounds.together:
            read(rounds, shards)
            table += 1.0 + group.rank
            rounds.end(shards, wishes.get(len(found), Pause.NONE))
            if not rounds.together:
                read(rounds, shards)
                rounds.end(shards, Pause.NONE)
            found.append(table[:, 0].clone())
        return found

    tables = on_ranks(size, work)
    return [(first == second).nonzero().flatten().tolist() for first, second in zip(*tables[:2], strict=True)]


def test_rare_words_wait_until_they_were_used_and_all_are_the_same_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    # 600 words in 8 rounds of 2 ranks: 37.5 words a round and rank, each in pairs with 6 others at a window of 5
    monkeypatch.setattr(rounds_module, "FREQUENT_USES", 0.15 * 37.5 * 6)
    # so words are due after a round that have 15 % of the pairs, or after two that have half as many
    one, two, three, all_rows = [0], [0, 1], [0, 1, 2], [0, 1, 2, 3, 4, 5]
    assert due_rows({}, 37) == [two, three, two, all_rows] * 2
    assert due_rows({1: Pause.SAVE, 4: Pause.STOP}, 37) == [
        two, all_rows, two, three, all_rows, two, three, all_rows,
    ]  # fmt: skip
    # in rounds of half the words a word needs twice the shard
    assert due_rows({}, 18) == [one, two, one, all_rows] * 4
    # all rows are averaged as often as there are ranks, and fewer rounds than twice that leave no choice
    assert due_rows({}, 75) == [three, all_rows] * 2
    assert due_rows({}, 300) == due_rows({}, 10_000) == [all_rows, all_rows]


def test_no_row_waits_longer_than_the_period_where_sentences_overshoot() -> None:
    counts = [400, 100, 50, 25, 13, 12]
    dataset = make_dataset(random_sentences(6000, counts, length=30), counts, subsample=0.0)

    def work(group: ProcessGroup) -> list[int]:
        rounds, due = Rounds(group, SkipGram(len(counts), DIM), dataset, 4, 40), []
        shards = rounds.begin(None)
        while rounds.left or not rounds.together:
            read(rounds, shards)
            rounds.end(shards, Pause.NONE)
            due.append(rounds._since_all)
        return due

    since, other = on_ranks(2, work)
    assert since == other
    assert 0 in since[:-1]
    assert max(since) == rounds_module.MAX_PERIOD - 1


def test_what_counts_as_frequent(monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand: 2 ranks of 75 words a round, in periods of 4; half of the text survives subsampling."""
    dataset = small_dataset()
    dataset.keep = torch.full((6,), 0.5)
    uses = 37.5 * 0.5 * 6 * dataset.pair_frequency

    def counted(group: ProcessGroup) -> tuple[list[int], int]:
        rounds = Rounds(group, SkipGram(6, DIM), dataset, 1, 37)
        return rounds._frequent, rounds._tables[0].rare_from

    monkeypatch.setattr(rounds_module, "FREQUENT_USES", float(uses[1]) - 0.1)
    monkeypatch.setattr(
        rounds_module, "MAX_USES_IN_PAIRS", float(uses[3]) * 4 * 2 / rounds_module.vocabulary_factor(6) + 0.1
    )
    ((once, twice), rare_from), other = on_ranks(2, counted)
    assert ([once, twice], rare_from) == other
    assert once == 2
    assert twice == 3  # shards of .35, .26, .17 and .09: the third has over half of the second's
    assert rare_from == 3
    assert len(dataset.pair_frequency) == 6


def test_rank_0_says_what_is_frequent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds_module, "FREQUENT_USES", 30)

    def counted(group: ProcessGroup) -> list[int]:
        dataset = small_dataset()
        if group.rank:  # as a machine may that adds up differently
            dataset.pair_frequency = torch.full((6,), 1 / 6)
        return Rounds(group, SkipGram(6, DIM), dataset, 1, 37)._frequent

    first, second = on_ranks(2, counted)
    assert first == second
    assert 0 < first[0] < 6


def test_the_bytes_that_travel_are_counted() -> None:
    def work(group: ProcessGroup) -> int:
        model = SkipGram(ROWS, DIM)
        rounds = Rounds(group, model, small_dataset(), 1, 300)
        shards = rounds.begin(None)
        rounds.split_off(shards)
        model.input.detach()[:3] += 1
        model.output.detach()[2 * group.rank] += 1
        rounds.end(shards, Pause.NONE)
        arrive(rounds, shards)
        return rounds.bytes_sent

    # a flag a row and table; three rows of the one and two of the other, with a number more than dimensions
    assert on_ranks(2, work) == [2 * ROWS + (3 + 2) * (DIM + 1) * 2] * 2


def test_all_ranks_have_the_same_tables() -> None:
    draw = np.random.default_rng(0)
    changes = [{int(row): float(draw.normal()) for row in draw.choice(ROWS, 10)} for _ in range(5)]
    first, *others = averaged(changes, rounds=3)
    assert all(table.equal(first) for table in others)


@pytest.mark.parametrize("engine_class", [AutogradEngine, FusedEngine])
@pytest.mark.parametrize(("size", "sync_every"), [(2, 50), (3, 7), (3, 10_000)])
def test_all_words_are_trained_once(engine_class: Any, size: int, sync_every: int) -> None:
    dataset = small_dataset()
    whole = list(engine_class(make_model(6, 8), NegativeSampling("sum"), dataset, lambda *_: 0.1, 1).epoch(0))[-1]

    def work(group: ProcessGroup) -> tuple[Tensor, list[Progress], list[int]]:
        model, known = make_model(6, 8), []
        own = small_dataset()

        def lr_at(_: int, words: int) -> float:
            known.append(rounds.words_at(words))
            return 0.1

        engine = engine_class(model, NegativeSampling("sum"), own, lr_at, 2)
        rounds = Rounds(group, model, own, engine.threads, sync_every)
        shards, done = rounds.begin(None), []
        while rounds.left or not rounds.together:
            rounds.split_off(shards)
            for _ in engine.epoch(0, shards):
                pass
            shards = engine.state()
            rounds.end(shards, Pause.NONE)
            done.append(rounds.done)
        return model.input.detach(), [*done, rounds.averaged], known

    (table, (*done, averaged), known), *others = on_ranks(size, work)
    assert done[-1].words == whole.words == 600
    assert abs(done[-1].pairs - whole.pairs) < 0.1 * whole.pairs
    assert size <= averaged <= max(size, -(-600 // (size * sync_every)))
    for other, others_done, others_known in others:
        assert other.equal(table)
        assert others_done == [*done, averaged]
        assert 0 <= min(others_known) <= max(others_known) <= 600
    if engine_class is FusedEngine:  # the other holds words back until they make a batch
        assert known[0] == 0
        assert np.ptp(known) > 300


def test_the_words_of_all_are_known_where_they_read_in_step() -> None:
    """The learning rate and the log follow them; what a rank cannot know is what others do faster or slower."""
    # 8 rounds of 800 words, 50 for each rank in an eighth of them; not so after a checkpoint, when all is cut anew
    dataset = make_dataset(random_sentences(6400, COUNTS, length=1), COUNTS, subsample=0.0)
    near = 10

    def work(group: ProcessGroup) -> None:
        rounds = Rounds(group, SkipGram(ROWS, DIM), dataset, 1, 400)
        for _ in range(2):
            shards, parts, saved = rounds.begin(None), 0, False
            while rounds.left or not rounds.together:
                (shard,) = shards
                begun, loss = shard.words, 1.0 + 2 * group.rank
                rounds.split_off(shards)
                length = sum(int(rounds.dataset.offsets[b] - rounds.dataset.offsets[a]) for a, b in shard.unread)
                for words in (begun, begun + length // 2, begun + length):
                    assert abs(rounds.words_at(words) - 2 * words) <= near
                assert abs(rounds.words_at(begun + 2 * length) - 2 * (begun + length)) <= near  # the others do not
                # each rank knows the loss of the others from when they last told, and its own of this moment
                now = rounds.progress_at(Progress(begun + length, begun + length, loss * (begun + length)))
                assert 1 <= now.loss / max(now.pairs, 1) <= 3
                assert now.words == now.pairs == rounds.done.words + begun + length - rounds._sent.words
                shard.unread, shard.words = [], begun + length
                shard.pairs, shard.loss = shard.words, loss * shard.words
                rounds.end(shards, Pause.NONE if saved or parts < 2 else Pause.SAVE)
                saved, parts = saved or rounds.pause is Pause.SAVE, parts + 1
                assert rounds.done.loss == 2 * rounds.done.pairs
            assert saved
            assert parts > 8

    on_ranks(2, work)


@pytest.mark.parametrize("engine_class", [AutogradEngine, FusedEngine])
@pytest.mark.parametrize("sentences", [[[0, 1, 2, 3] * 10], [[0, 1]] * 4, [[4, 5] * 50, [1, 2], [], [2, 3]]])
def test_a_text_may_have_fewer_sentences_than_rounds_have_parts(engine_class: Any, sentences: list[list[int]]) -> None:
    words = sum(map(len, sentences))

    def work(group: ProcessGroup) -> tuple[Tensor, Progress]:
        dataset = make_dataset(sentences, COUNTS, subsample=0.0)
        model = make_model(6, 8)
        engine = engine_class(model, NegativeSampling("sum"), dataset, lambda *_: 0.1, 2)
        rounds = Rounds(group, model, dataset, engine.threads, 2)
        for epoch in range(2):
            shards = rounds.begin(None)
            while rounds.left or not rounds.together:
                rounds.split_off(shards)
                for step in engine.epoch(epoch, shards):
                    assert 0 <= rounds.words_at(step.words) <= words
                shards = engine.state()
                rounds.end(shards, Pause.NONE)
        return model.input.detach(), rounds.done

    (table, done), *others = on_ranks(3, work)
    assert done.words == words
    for other, others_done in others:
        assert other.equal(table)
        assert others_done == done


def test_a_wish_of_one_is_known_to_all() -> None:
    def pauses(group: ProcessGroup) -> list[tuple[Pause, bool]]:
        rounds, found = Rounds(group, SkipGram(ROWS, DIM), small_dataset(), 1, 10), []
        shards = rounds.begin(None)
        for wish in ([Pause.NONE, Pause.SAVE, Pause.STOP], [Pause.NONE, Pause.NONE, Pause.SAVE])[group.rank]:
            rounds.split_off(shards)
            rounds.end(shards, wish)
            arrive(rounds, shards)
            found.append((rounds.pause, rounds.together))
        return found

    assert on_ranks(2, pauses) == [[(Pause.NONE, False), (Pause.SAVE, True), (Pause.STOP, True)]] * 2


def test_ranks_may_have_different_numbers_of_threads() -> None:
    def first_words(group: ProcessGroup) -> list[Shard]:
        return Rounds(group, SkipGram(ROWS, DIM), small_dataset(), 1 + group.rank, 10).begin(None)

    shards = [shard for rank in on_ranks(2, first_words) for shard in rank]
    whole = new_shards(small_dataset().offsets, 3)
    assert [(shard.unread, shard.stream) for shard in shards] == [(shard.unread, shard.stream) for shard in whole]
