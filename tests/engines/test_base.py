"""Workers: threads that can be paused and resumed, and that never outlive the loop that runs them."""

import gc
import time
import weakref
from collections.abc import Generator
from contextlib import closing
from itertools import pairwise
from threading import Event

import pytest

from tests.engines.small import make_dataset, make_model, random_sentences
from word2vec.engines.autograd import AutogradEngine
from word2vec.engines.base import Engine, Progress, Workers
from word2vec.engines.cpu.engine import FusedEngine
from word2vec.engines.plain import PlainEngine
from word2vec.losses import NegativeSampling

CHUNKS = 100  # per thread


@pytest.fixture(autouse=True)
def frequent_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.engines.base.REPORT_SECONDS", 0.002)


class Chunks:
    """Work as an engine does it: chunk by chunk, resumable, and at least one chunk per call."""

    def __init__(self, threads: int, failing_chunk: int | None = None) -> None:
        self.done = [0] * threads
        self.failing_chunk = failing_chunk
        self.workers = Workers(threads)

    def work(self, rank: int, stop: Event) -> None:
        first = self.done[rank]
        for number in range(first, CHUNKS):
            if number > first and stop.is_set():
                return
            if rank == 0 and number == self.failing_chunk:
                raise RuntimeError("a defect in the engine")
            time.sleep(0.001)
            self.done[rank] += 1

    def progress(self) -> Progress:
        return Progress(sum(self.done), 0, 0.0)

    def run(self) -> Generator[Progress]:
        return self.workers.run(self.work, self.progress)

    def run_to_the_end(self, pausing: bool) -> None:
        with closing(self.run()) as reports:
            for _ in reports:
                if pausing:
                    self.workers.pause()


@pytest.mark.parametrize("threads", [1, 3])
def test_all_work_is_done_and_reported(threads: int) -> None:
    chunks = Chunks(threads)
    words = [report.words for report in chunks.run()]
    assert words == sorted(words)
    assert len(words) > 2
    assert words[-1] == threads * CHUNKS


@pytest.mark.parametrize("threads", [1, 3])
def test_each_thread_does_at_least_one_chunk_between_two_pauses(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.engines.base.REPORT_SECONDS", 0)  # a pause before the threads have even started
    chunks, history = Chunks(threads), [[0] * threads]
    for _ in chunks.run():
        if history[-1] != [CHUNKS] * threads:
            chunks.workers.pause()
            history.append(list(chunks.done))
    assert history[-1] == [CHUNKS] * threads
    assert len(history) > 4
    for before, after in pairwise(history[:-1]):
        for earlier, later in zip(before, after, strict=True):
            assert later > earlier or earlier == CHUNKS


def test_nothing_runs_during_a_pause() -> None:
    chunks = Chunks(2)
    reports = chunks.run()
    next(reports)
    chunks.workers.pause()
    before = list(chunks.done)
    time.sleep(0.02)
    assert chunks.done == before
    assert sum(before) < 2 * CHUNKS
    assert [report.words for report in reports][-1] == 2 * CHUNKS


def test_a_pause_after_the_end_does_nothing() -> None:
    chunks = Chunks(2)
    list(chunks.run())
    chunks.workers.pause()
    assert chunks.done == [CHUNKS] * 2


@pytest.mark.parametrize("pausing", [False, True])
def test_an_error_in_a_thread_is_raised_and_stops_the_others(pausing: bool) -> None:
    chunks = Chunks(2, failing_chunk=5)
    with pytest.raises(RuntimeError, match="a defect in the engine"):
        chunks.run_to_the_end(pausing)
    after = list(chunks.done)
    assert after[0] == 5
    assert after[1] < CHUNKS
    time.sleep(0.01)
    assert chunks.done == after


def test_closing_stops_the_threads() -> None:
    chunks = Chunks(2)
    with closing(chunks.run()) as reports:
        next(reports)
    after = list(chunks.done)
    assert sum(after) < 2 * CHUNKS
    time.sleep(0.01)
    assert chunks.done == after


@pytest.mark.parametrize("engine_class", [PlainEngine, AutogradEngine, FusedEngine])
def test_an_engine_is_freed_with_its_last_reference(engine_class: type[Engine]) -> None:
    # a reference cycle would keep the tables in memory until the garbage collector runs
    counts = [40, 30, 20]
    dataset = make_dataset(random_sentences(100, counts), counts, subsample=0.0)
    engine = engine_class(make_model(3, 8), NegativeSampling("sum"), dataset, lambda epoch, words: 0.1, 1)
    gc.disable()
    try:
        for _ in engine.epoch(0):
            engine.state()
        reference = weakref.ref(engine)
        del engine
        assert reference() is None
    finally:
        gc.enable()
