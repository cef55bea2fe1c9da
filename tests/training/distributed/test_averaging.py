"""AveragingEngine: several processes behind the interface of one engine; the processes are threads here."""

from contextlib import closing
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.engines.small import KINDS, make_dataset, make_model, random_sentences
from tests.training.distributed.thread_ranks import COUNTS, on_ranks
from word2vec.engines.autograd import AutogradEngine
from word2vec.engines.base import Engine, Pause, Progress
from word2vec.engines.cpu.engine import FusedEngine
from word2vec.losses import NegativeSampling
from word2vec.models import SkipGram
from word2vec.sampling.shards import Shard, words_read
from word2vec.training.distributed.averaging import AveragingEngine
from word2vec.training.distributed.process_group import ProcessGroup

every_engine = pytest.mark.parametrize("engine_class", [AutogradEngine, FusedEngine])
SENTENCES = random_sentences(600, COUNTS)


def make_engine(
    group: ProcessGroup,
    engine_class: type[Engine] = FusedEngine,
    sentences: list[list[int]] = SENTENCES,
    sync_every: int = 10,
    **options: Any,
) -> AveragingEngine:
    """An engine that averages with the other ranks; all start from the same model."""
    dataset = make_dataset(sentences, COUNTS, subsample=0.0)
    schedule = options.get("learning_rate", lambda epoch, words: 0.1)
    engine = engine_class(make_model(6, 8), NegativeSampling("sum"), dataset, schedule, options.get("threads", 1))
    return AveragingEngine(engine, group, sync_every)


@every_engine
@pytest.mark.parametrize("sentences", [SENTENCES, [[0, 1, 2, 3] * 10], [[0, 1]] * 7])
def test_an_epoch_ends_with_equal_tables_and_all_words_read(
    engine_class: type[Engine], sentences: list[list[int]]
) -> None:
    def work(group: ProcessGroup) -> tuple[list[Progress], Tensor]:
        engine = make_engine(group, engine_class, sentences)
        reports = list(engine.epoch(0))
        assert engine.agree(Pause.NONE) is Pause.NONE
        assert sum(shard.words for shard in engine.state()) == sum(map(len, sentences))
        return reports, engine.model.input.detach()

    (first, table), (second, other) = on_ranks(2, work)
    for reports in (first, second):
        words = [report.words for report in reports]
        assert words == sorted(words)
        assert words[-1] == sum(map(len, sentences))
    assert first[-1] == second[-1]
    assert table.equal(other)


@pytest.mark.parametrize("name", ["cbow-positions", "skipgram-ngrams", "cbow-ngrams"])
def test_all_tables_of_a_model_are_averaged(name: str) -> None:
    kind, words = KINDS[name], ["walking", "walked", "walker", "a", "jumping", "jumped"]

    def work(group: ProcessGroup) -> dict[str, Tensor]:
        model, objective = kind.make_model(words, 8, positions=10), NegativeSampling("sum")
        dataset = kind.make_dataset(SENTENCES, COUNTS, subsample=0.0, batch_size=20)
        engine = AveragingEngine(AutogradEngine(model, objective, dataset, lambda *_: 0.05), group, 50)
        *_, last = engine.epoch(0)
        assert last.words == 600
        assert engine.rounds.averaged > 2
        return {name: table.detach() for name, table in model.tables().items()}

    one, other = on_ranks(2, work)
    for name, before in kind.make_model(words, 8, positions=10).tables().items():
        assert torch.equal(one[name], other[name])
        assert (one[name] != before).any(dim=1).all()


@every_engine
def test_frozen_rows_keep_their_bytes_on_all_ranks(engine_class: type[Engine]) -> None:
    fixed = np.arange(6) % 2 == 0

    def work(group: ProcessGroup) -> SkipGram:
        model = make_model(6, 8, spread=1.0)
        model.freeze(input=fixed, output=~fixed)
        dataset = make_dataset(SENTENCES, COUNTS, subsample=0.0, batch_size=20)
        engine = AveragingEngine(engine_class(model, NegativeSampling("sum"), dataset, lambda *_: 0.05), group, 50)
        list(engine.epoch(0))
        assert engine.rounds.averaged > 2
        return model

    before = make_model(6, 8, spread=1.0)
    for model in on_ranks(2, work):
        assert (model.input != before.input).any(dim=1).tolist() == (~fixed).tolist()
        assert (model.output != before.output).any(dim=1).tolist() == fixed.tolist()


def test_all_ranks_pause_at_once_with_equal_tables() -> None:
    def work(group: ProcessGroup) -> tuple[list[tuple[int, Pause]], list[Tensor], list[int]]:
        engine, pauses, tables, words = make_engine(group), [], [], []
        requests = iter([Pause.SAVE, Pause.NONE] if group.rank == 0 else [])  # one request, by one rank
        for number, report in enumerate(engine.epoch(0)):
            pause = engine.agree(next(requests, Pause.NONE))
            if pause is not Pause.NONE:
                pauses.append((report.words, pause))
                words.append(words_read(engine.state()))
                tables.append(engine.model.output.detach().clone())
            assert number < 1000
        return pauses, tables, words

    (pauses, tables, words), (other_pauses, other_tables, other_words) = on_ranks(2, work)
    assert pauses == other_pauses
    assert [pause for _, pause in pauses] == [Pause.SAVE]
    assert [number for number, _ in pauses] == words == other_words
    assert 0 < words[0] < 600
    assert tables[0].equal(other_tables[0])


def test_a_stop_wins_over_a_checkpoint() -> None:
    def work(group: ProcessGroup) -> Pause:
        engine = make_engine(group)
        with closing(engine.epoch(0)) as reports:
            for _ in reports:
                if pause := engine.agree(Pause.STOP if group.rank else Pause.SAVE):
                    return pause
        return Pause.NONE

    assert on_ranks(2, work) == [Pause.STOP, Pause.STOP]


def test_the_shards_of_all_ranks_resume_the_epoch() -> None:
    def work(group: ProcessGroup, shards: list[Shard] | None = None) -> tuple[list[Shard], Progress]:
        engine, found = make_engine(group), None
        with closing(engine.epoch(0, shards)) as reports:
            for report in reports:
                if engine.agree(Pause.SAVE if found is None and shards is None else Pause.NONE):
                    return engine.state(), report
        return engine.state(), report

    (shards, paused), (same, _) = on_ranks(2, work)
    assert [vars(shard) | {"engine_state": None} for shard in shards] == [
        vars(shard) | {"engine_state": None} for shard in same
    ]
    assert len(shards) == 2
    assert 0 < words_read(shards) == paused.words < 600
    for _, done in on_ranks(2, lambda group: work(group, [Shard.from_dict(shard.to_dict()) for shard in shards])):
        assert done.words == 600


@every_engine
def test_an_epoch_resumed_at_its_end_reports_what_was_trained(engine_class: type[Engine]) -> None:
    def work(group: ProcessGroup) -> tuple[Progress, Progress]:
        engine = make_engine(group, engine_class, learning_rate=lambda epoch, words: 0.01)
        *_, done = engine.epoch(0)
        resumed = make_engine(group, engine_class)
        *_, report = resumed.epoch(0, [Shard.from_dict(shard.to_dict()) for shard in engine.state()])
        return done, report

    for done, report in on_ranks(2, work):
        assert report == done


def test_the_learning_rate_follows_the_words_of_all_ranks() -> None:
    def work(group: ProcessGroup) -> list[int]:
        calls: list[int] = []

        def schedule(epoch: int, words: int) -> float:
            calls.append(words)
            return 0.1

        engine = make_engine(group, sync_every=50, learning_rate=schedule)
        for _ in engine.epoch(0):
            pass
        return calls

    for calls in on_ranks(2, work):
        assert calls[0] == 0
        assert max(calls) > 350  # each rank reads only 300 words
        assert max(calls) <= 600


def test_ranks_may_have_different_numbers_of_threads() -> None:
    def work(group: ProcessGroup) -> tuple[int, int]:
        engine = make_engine(group, threads=1 + group.rank)
        *_, last = engine.epoch(0)
        return engine.threads, last.words

    assert on_ranks(2, work) == [(3, 600), (3, 600)]


@pytest.mark.parametrize(("engine_class", "words"), [(FusedEngine, 1_000_000), (AutogradEngine, 250_000)])
def test_slow_engines_average_more_often(engine_class: type[Engine], words: int) -> None:
    assert engine_class.sync_every == words
    torch.manual_seed(0)

    def averagings(sync_every: int | None) -> int:
        def work(group: ProcessGroup) -> int:
            engine = make_engine(group, engine_class, sync_every=sync_every)  # type: ignore[arg-type]
            for _ in engine.epoch(0):
                pass
            return engine.rounds.averaged

        return int(on_ranks(2, work)[0])

    assert averagings(None) == 2  # as many as there are ranks, the minimum
    assert averagings(20) > 8
