"""The fused engine whose result does not depend on the number of threads."""

import time
from collections.abc import Sequence
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
import torch

import word2vec
from tests.engines.cpu.test_engine import ZIPF, compare_with_plain, falling, table_bytes
from tests.engines.small import make_dataset, make_model, random_sentences
from word2vec.engines import plain
from word2vec.engines.base import LearningRate
from word2vec.engines.cpu import deterministic
from word2vec.engines.cpu import engine as cpu
from word2vec.engines.cpu.deterministic import DeterministicEngine
from word2vec.engines.cpu.engine import State
from word2vec.engines.cpu.round_kernel import round_kernel
from word2vec.errors import ConfigError
from word2vec.losses import NegativeSampling
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.shards import Shard, words_read

COUNTS = [300 - rank for rank in range(200)]
SENTENCES = random_sentences(3000, COUNTS, length=15)


@pytest.fixture(autouse=True)
def many_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven shards, and several chunks and rounds, even for a small corpus."""
    for engine in (cpu, plain):
        monkeypatch.setattr(engine, "CHUNK_WORDS", 130)
    monkeypatch.setattr(deterministic, "MIN_SHARD_WORDS", 400)
    monkeypatch.setattr("word2vec.engines.draws.UNSEEN_WORDS", 224)


def engine_of(threads: int, lr_at: LearningRate = falling) -> tuple[DeterministicEngine, SkipGram]:
    model = make_model(len(COUNTS), 20, spread=1.0)
    dataset = make_dataset(SENTENCES, COUNTS, subsample=0.01)
    engine = DeterministicEngine(model, NegativeSampling("sum"), dataset, lr_at, threads)
    assert engine.threads == 7  # shards
    return engine, model


def trained(threads: int, epochs: Sequence[int] = (0, 1)) -> bytes:
    engine, model = engine_of(threads)
    for epoch in epochs:
        list(engine.epoch(epoch))
    return table_bytes(model)


def test_any_number_of_threads_gives_the_same_bytes() -> None:
    expected = trained(1)
    assert expected != trained(1, [0, 2])
    for threads in (2, 3, 7, 64):
        assert trained(threads) == expected


def slowly_falling(epoch: int, words: int) -> float:
    """A learning rate that takes longer than it takes to request a pause."""
    time.sleep(0.01)
    return falling(epoch, words)


def test_an_interrupted_epoch_ends_with_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.engines.base.REPORT_SECONDS", 0.0)
    monkeypatch.setattr(cpu, "CHUNK_WORDS", 40)
    expected, shards, stops = trained(3, [0]), None, 0
    model = make_model(len(COUNTS), 20, spread=1.0)
    while shards is None or words_read(shards) < len(SENTENCES) * 15:
        engine, resumed = engine_of(1 + stops % 3, slowly_falling)  # another number of threads each time
        with torch.no_grad():
            resumed.input.copy_(model.input)
            resumed.output.copy_(model.output)
        reports = engine.epoch(0, shards)
        next(reports)
        shards = [Shard.from_dict(shard.to_dict()) for shard in engine.state()]
        reports.close()
        model, stops = resumed, stops + 1
    assert stops > 3
    assert table_bytes(model) == expected


def test_a_single_shard_is_trained_as_by_the_plain_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deterministic, "MAX_SHARDS", 1)
    round_kernel.cache_clear()  # compiled for another number of shards
    monkeypatch.setattr("tests.engines.cpu.test_engine.FusedEngine", DeterministicEngine)
    # within a chunk, this engine changes the learning rate
    monkeypatch.setattr("tests.engines.cpu.test_engine.falling", lambda epoch, words: 0.05)
    compare_with_plain(random_sentences(1500, ZIPF), ZIPF)


def test_an_error_in_one_thread_ends_all_of_them() -> None:
    calls = []

    def fail_later(epoch: int, words: int) -> float:
        calls.append(words)
        if len(calls) == 5:  # once: the other threads must not wait for ever for the one that fails
            raise KeyError("learning rate")
        return 0.05

    engine, _ = engine_of(3, fail_later)
    with pytest.raises(KeyError, match="learning rate"):
        list(engine.epoch(0))


def test_threads_train_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, _ = engine_of(3)
    all_threads, train_words, numbers = Barrier(3), engine._train_words, set()

    def train_together(states: list[State], rank: int, threads: int) -> None:
        all_threads.wait(timeout=10)
        numbers.add(rank)
        train_words(states, rank, threads)

    monkeypatch.setattr(engine, "_train_words", train_together)
    list(engine.epoch(0))
    assert numbers == {0, 1, 2}


def test_the_learning_rate_falls_within_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    # otherwise small corpora, whose shards are single chunks, would train each epoch at a single rate
    monkeypatch.setattr(cpu, "CHUNK_WORDS", 10_000)
    engine, model = engine_of(2, lambda epoch, words: 0.001 if words == 0 else 0.0)
    constant, moved = engine_of(2, lambda epoch, words: 0.001)
    for each in (engine, constant):
        list(each.epoch(0))
    start = make_model(len(COUNTS), 20, spread=1.0).input
    steps = [float((table.input - start).abs().mean().detach()) for table in (model, moved)]
    assert 0.3 < steps[0] / steps[1] < 0.8
    assert np.isfinite(steps).all()


def test_trainings_with_any_number_of_threads_write_the_same_vectors(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("\n".join(" ".join(f"w{word}" for word in sentence) for sentence in SENTENCES))
    settings: dict[str, Any] = {"dim": 10, "epochs": 2, "deterministic": True, "validation": 0.05, "refine": True}
    for threads in (1, 2, 5):
        word2vec.train(text, output=tmp_path / str(threads), threads=threads, **settings)
    one, *others = [(tmp_path / name / "vectors.safetensors").read_bytes() for name in ("1", "2", "5")]
    assert others == [one, one]


def test_other_models_are_rejected() -> None:
    for settings in ({"model": "cbow"}, {"objective": "hierarchical-softmax"}, {"engine": "autograd"}):
        with pytest.raises(ConfigError, match=r"--deterministic .* --threads 1"):
            word2vec.train(SENTENCES, deterministic=True, **settings)
