"""Rounds: averaging weighted by use, which rows are due, and progress of all ranks; the ranks are threads here."""

from threading import Event
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.engines.small import make_dataset, make_model, random_sentences
from tests.training.distributed.thread_ranks import COUNTS, on_ranks, small_dataset
from word2vec.engines.autograd import AutogradEngine
from word2vec.engines.base import Pause, Progress
from word2vec.engines.cpu.engine import FusedEngine
from word2vec.losses import NegativeSampling
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.shards import Shard, new_shards
from word2vec.training.distributed import rounds as rounds_module
from word2vec.training.distributed.process_group import ProcessGroup
from word2vec.training.distributed.rounds import Rounds

ROWS, DIM = 40, 20  # of a table; wider than the columns in which changes are looked for


def arrive(rounds: Rounds, shards: list[Shard]) -> None:
    """Train nothing while the current exchange ends."""
    if not rounds.together:
        rounds.split_off(shards)
        rounds.end(shards, Pause.NONE)


def averaged(changes: list[dict[int, float]], times: int = 1) -> list[Tensor]:
    """The input table of each rank after rounds in which rank r adds changes[r][row] to its rows."""
    dataset = small_dataset()

    def work(group: ProcessGroup) -> Tensor:
        model = SkipGram(ROWS, DIM)
        table = model.input.detach().zero_()
        rounds = Rounds(group, model, dataset, 1, 300)  # an epoch has as many rounds as ranks, so all rows are due
        shards = rounds.begin(None)
        for _ in range(times):
            rounds.split_off(shards)
            for row, change in changes[group.rank].items():
                table[row] += change
            rounds.end(shards, Pause.NONE)
            arrive(rounds, shards)
        return table

    return on_ranks(len(changes), work)


def test_a_row_changed_by_one_rank_moves_as_on_that_rank() -> None:
    for table in averaged([{0: 1.0, 1: 2.0}, {2: 4.0}, {}, {}]):
        assert table[:4, 0].tolist() == [1.0, 2.0, 4.0, 0.0]
        assert table[:, 0].equal(table[:, -1])


def test_a_row_changed_by_all_ranks_moves_first_by_the_mean_and_in_the_long_run_by_the_sum() -> None:
    changes: list[dict[int, float]] = [{0: 1.0}, {0: 3.0}]
    (first, _), (after, other) = averaged(changes), averaged(changes, times=60)
    # the mean, 2, and half of it again as momentum
    assert first[0].tolist() == [3.0] * DIM
    # in the long run each round adds the sum; the row lags behind by what is left in the momentum
    assert after[0, 0].item() == pytest.approx(60 * 4 - 2, rel=1e-6)
    assert after.equal(other)


def test_changes_made_during_an_exchange_are_kept_and_sent_next() -> None:
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

    # at first nothing has arrived; then the mean, 2, and half of it again, without the later changes of the other rank;
    # then 165 more, the mean of 110 and 220, and half of the momentum, which is 165 and half of 2
    assert on_ranks(2, work) == [[1, 3 + 10, 3 + 165 + 83], [3, 3 + 20, 3 + 165 + 83]]


def test_ranks_do_not_wait_for_each_other_between_rounds() -> None:
    trained = Event()

    def work(group: ProcessGroup) -> None:
        rounds = Rounds(group, SkipGram(ROWS, DIM), small_dataset(), 1, 300)
        shards = rounds.begin(None)
        rounds.split_off(shards)
        if group.rank:
            assert trained.wait(timeout=10)  # until rank 0 has started its next round
        rounds.end(shards, Pause.NONE)
        rounds.split_off(shards)
        trained.set()
        rounds.end(shards, Pause.NONE)

    on_ranks(2, work)
    assert trained.is_set()


def test_changes_of_rare_rows_are_summed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # an epoch has 2 rounds of 300 words, each word in pairs with 6 others
    uses = 300 * 6 * (np.array(COUNTS) / sum(COUNTS))
    monkeypatch.setattr(rounds_module, "MAX_USES_IN_PAIRS", (uses[1] + uses[2]) / 2)
    changes = [dict.fromkeys(range(6), 1.0), dict.fromkeys(range(6), 3.0)]
    for table in averaged(changes):
        assert table[:6, 0].tolist() == [3, 3, 4, 4, 4, 4]
    for table in averaged(changes, times=3):
        assert table[2:6, 0].tolist() == [12, 12, 12, 12]


def read(rounds: Rounds, shards: list[Shard]) -> None:
    """Count what is to be trained next as read."""
    rounds.split_off(shards)
    offsets = rounds.dataset.offsets
    for shard in shards:
        shard.words += sum(int(offsets[last] - offsets[first]) for first, last in shard.unread)
        shard.unread = []


def due_rows(requests: dict[int, Pause], sync_every: int, size: int = 2) -> list[list[int]]:
    """For each round of an epoch, the rows that are equal on all ranks after every rank has changed all its rows."""
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
            rounds.end(shards, requests.get(len(found), Pause.NONE))
            if not rounds.together:
                read(rounds, shards)
                rounds.end(shards, Pause.NONE)
            found.append(table[:, 0].clone())
        return found

    tables = on_ranks(size, work)
    return [(first == second).nonzero().flatten().tolist() for first, second in zip(*tables[:2], strict=True)]


def test_rare_words_are_averaged_less_often_and_all_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    # 600 words in 8 rounds of 2 ranks: 37.5 words per round and rank, each in pairs with 6 others at window 5
    monkeypatch.setattr(rounds_module, "FREQUENT_USES", 0.15 * 37.5 * 6)
    # words with 15 % of the pairs are due after every round, words with half as many after every second one
    one, two, three, all_rows = [0], [0, 1], [0, 1, 2], [0, 1, 2, 3, 4, 5]
    assert due_rows({}, 37) == [two, three, two, all_rows] * 2
    assert due_rows({1: Pause.SAVE, 4: Pause.STOP}, 37) == [
        two, all_rows, two, three, all_rows, two, three, all_rows,
    ]  # fmt: skip
    # in rounds of half the words, a word needs twice the fraction
    assert due_rows({}, 18) == [one, two, one, all_rows] * 4
    # all rows are averaged at least as often as there are ranks
    assert due_rows({}, 75) == [three, all_rows] * 2
    assert due_rows({}, 300) == due_rows({}, 10_000) == [all_rows, all_rows]


def test_no_row_waits_longer_than_the_period_with_long_sentences() -> None:
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


def test_the_frequent_and_the_rare_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    # computed by hand: 2 ranks of 37.5 words per round, in periods of 4; half of the text survives subsampling
    dataset = small_dataset()
    dataset.keep = torch.full((6,), 0.5)
    uses = 37.5 * 0.5 * 6 * dataset.pair_frequency

    def counted(group: ProcessGroup) -> tuple[list[int], int]:
        rounds = Rounds(group, SkipGram(6, DIM), dataset, 1, 37)
        assert rounds._frequent[0] == rounds._frequent[1]  # both tables belong to one vocabulary
        return rounds._frequent[0], rounds._tables[0].rare_from

    monkeypatch.setattr(rounds_module, "FREQUENT_USES", float(uses[1]) - 0.1)
    monkeypatch.setattr(
        rounds_module, "MAX_USES_IN_PAIRS", float(uses[3]) * 4 * 2 / rounds_module.vocabulary_factor(6) + 0.1
    )
    ((once, twice), rare_from), other = on_ranks(2, counted)
    assert ([once, twice], rare_from) == other
    assert once == 2
    assert twice == 3  # frequencies of .35, .26, .17 and .09: the third is over half of the second
    assert rare_from == 3
    assert len(dataset.pair_frequency) == 6


def test_all_ranks_use_the_counts_of_rank_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds_module, "FREQUENT_USES", 30)

    def counted(group: ProcessGroup) -> list[int]:
        dataset = small_dataset()
        if group.rank:  # as on a machine that rounds sums differently
            dataset.pair_frequency = torch.full((6,), 1 / 6)
        return Rounds(group, SkipGram(6, DIM), dataset, 1, 37)._frequent[0]

    first, second = on_ranks(2, counted)
    assert first == second
    assert 0 < first[0] < 6


def test_sent_bytes_are_counted() -> None:
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

    # one flag per row and table; three rows of one table and two of the other, with one number more than dimensions
    assert on_ranks(2, work) == [2 * ROWS + (3 + 2) * (DIM + 1) * 2] * 2


def test_all_ranks_get_the_same_tables() -> None:
    draw = np.random.default_rng(0)
    changes = [{int(row): float(draw.normal()) for row in draw.choice(ROWS, 10)} for _ in range(5)]
    first, *others = averaged(changes, times=3)
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
    for other, other_done, other_known in others:
        assert other.equal(table)
        assert other_done == [*done, averaged]
        assert 0 <= min(other_known) <= max(other_known) <= 600
    if engine_class is FusedEngine:  # the other engine counts words once they fill a batch
        assert known[0] == 0
        assert np.ptp(known) > 300


def test_the_estimate_of_words_is_close_if_ranks_are_equally_fast() -> None:
    # the learning rate and the metrics follow this estimate, which a rank makes between two exchanges
    # 8 rounds of 800 words, in which each rank reads 50 in each eighth; after a checkpoint the rounds are split again
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
                assert abs(rounds.words_at(begun + 2 * length) - 2 * (begun + length)) <= near  # at most the goal
                # the loss of the other ranks is that of the last exchange, and that of this rank is current
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
def test_a_text_with_fewer_sentences_than_parts_of_a_round(engine_class: Any, sentences: list[list[int]]) -> None:
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
    for other, other_done in others:
        assert other.equal(table)
        assert other_done == done


def test_all_ranks_learn_of_a_request_of_one() -> None:
    def pauses(group: ProcessGroup) -> list[tuple[Pause, bool]]:
        rounds, found = Rounds(group, SkipGram(ROWS, DIM), small_dataset(), 1, 10), []
        shards = rounds.begin(None)
        for request in ([Pause.NONE, Pause.SAVE, Pause.STOP], [Pause.NONE, Pause.NONE, Pause.SAVE])[group.rank]:
            rounds.split_off(shards)
            rounds.end(shards, request)
            arrive(rounds, shards)
            found.append((rounds.pause, rounds.together))
        return found

    assert on_ranks(2, pauses) == [[(Pause.NONE, False), (Pause.SAVE, True), (Pause.STOP, True)]] * 2


def test_ranks_may_have_different_numbers_of_threads() -> None:
    def first_shards(group: ProcessGroup) -> list[Shard]:
        return Rounds(group, SkipGram(ROWS, DIM), small_dataset(), 1 + group.rank, 10).begin(None)

    shards = [shard for rank in on_ranks(2, first_shards) for shard in rank]
    whole = new_shards(small_dataset().offsets, 3)
    assert [(shard.unread, shard.stream) for shard in shards] == [(shard.unread, shard.stream) for shard in whole]
