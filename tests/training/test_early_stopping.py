"""Early stopping: when training ends, which vectors are kept, and that interrupted runs decide the same."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.engines.small import KINDS
from tests.training.interruptions import killed
from tests.training.topics import metrics_lines, results, small
from word2vec.config import TrainConfig
from word2vec.errors import ConfigError, TrainingInterrupted
from word2vec.models.skipgram import SkipGram
from word2vec.training import EpochResult, train
from word2vec.training.checkpoint import read_checkpoint
from word2vec.training.early_stopping import Best, EarlyStopping
from word2vec.training.metrics import Metrics
from word2vec.training.validation import Validation

LOSSES = [2.0, 1.5, 1.6, 1.7, 1.4, 1.3]
"""Validation losses of successive epochs: the best of the first four is the second."""


@pytest.fixture
def falling_and_rising(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let the validation loss follow LOSSES; returns those that are left."""
    left = list(LOSSES)
    monkeypatch.setattr(Validation, "loss", lambda self, model: left.pop(0))
    return left


@pytest.mark.parametrize("kind", KINDS)
def test_the_best_tables_are_kept(kind: str) -> None:
    model = KINDS[kind].make_model(["walking", "walked", "walker"], 2)
    stopping = EarlyStopping(2)
    for epoch, loss in enumerate(LOSSES[:4], start=1):
        with torch.no_grad():
            for table in model.parameters():
                table.fill_(epoch)
        stopping.update(epoch, loss, model)
        assert stopping.out_of_patience(epoch) == (epoch == 4)
    assert stopping.best == Best(2, 1.5)
    stopping.finish(model)
    assert all(table.eq(2).all() for table in model.parameters())
    assert not stopping.tables


def test_without_patience_nothing_is_kept() -> None:
    model = SkipGram(3, 2)
    stopping = EarlyStopping(None)
    for epoch in range(1, 9):
        stopping.update(epoch, float(epoch), model)
        assert not stopping.out_of_patience(epoch)
    assert not stopping.tables


@pytest.mark.parametrize("engine", ["autograd", "fused"])
def test_training_stops_and_returns_the_best_epoch(
    engine: str, topics_file: Path, tmp_path: Path, falling_and_rising: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "word2vec")
    seen: list[EpochResult] = []
    config = small(topics_file, engine=engine, dim=20, epochs=6, validation=0.05, patience=2)
    vectors = train(config, tmp_path / "run", callbacks=[lambda result: seen.append(result)])
    assert [result.epoch for result in seen] == [1, 2, 3, 4]
    assert np.array_equal(vectors.vectors, seen[1].vectors.vectors)
    assert not np.array_equal(vectors.vectors, seen[3].vectors.vectors)
    assert "stopping early: the validation loss was lowest in epoch 2 (1.5000)" in caplog.messages
    assert read_checkpoint(tmp_path / "run").finished


def test_a_stopped_run_is_finished(topics_file: Path, tmp_path: Path, falling_and_rising: list[float]) -> None:
    config = small(topics_file, epochs=6, validation=0.05, patience=2)
    first = train(config, tmp_path / "run")
    again = train(config, tmp_path / "run", resume=True)
    assert np.array_equal(first.vectors, again.vectors)
    assert falling_and_rising == LOSSES[4:]  # nothing was trained again


@pytest.mark.parametrize(("epoch", "model"), [(1, {}), (2, {}), (3, {"model": "cbow", "position_weights": True})])
def test_an_interrupted_run_stops_at_the_same_epoch(
    epoch: int, model: dict[str, Any], topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small(topics_file, epochs=6, validation=0.05, patience=2, **model)

    def follow(losses: list[float]) -> None:
        left = list(losses)
        monkeypatch.setattr(Validation, "loss", lambda self, model: left.pop(0))

    follow(LOSSES)
    train(config, tmp_path / "whole")
    log_epoch = Metrics.epoch

    def interrupt(self: Metrics, number: int, *measures: Any) -> None:
        log_epoch(self, number, *measures)
        if number + 1 == epoch:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Metrics, "epoch", interrupt)
    follow(LOSSES)
    with pytest.raises(TrainingInterrupted):
        train(config, tmp_path / "run")
    monkeypatch.setattr(Metrics, "epoch", log_epoch)
    follow(LOSSES[epoch:])
    train(config, tmp_path / "run", resume=True)
    assert results(tmp_path / "run") == results(tmp_path / "whole")
    assert len([line for line in metrics_lines(tmp_path / "run") if line["kind"] == "epoch"]) == 4


def test_patience_needs_held_out_sentences(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--patience needs the validation loss"):
        TrainConfig(patience=1, validation=0)
    (tmp_path / "a.txt").write_text("a b c d\n" * 9)
    with pytest.raises(ConfigError, match=r"--patience needs held-out sentences, .* raise --validation"):
        train(replace(small(tmp_path / "a.txt"), validation=None, patience=1))


@pytest.mark.parametrize(("later", "kept"), [((1.4, 1.6), 5), ((1.6, 1.7), 2)])
def test_more_epochs_continue_from_the_best(
    later: tuple[float, float], kept: int, topics_file: Path, tmp_path: Path, falling_and_rising: list[float]
) -> None:
    falling_and_rising[4:] = later
    seen: list[EpochResult] = []
    config = small(topics_file, epochs=4, validation=0.05, patience=2)
    train(config, tmp_path / "run", callbacks=[lambda result: seen.append(result)])
    config = replace(config, epochs=6)
    vectors = train(config, tmp_path / "run", resume=True, callbacks=[lambda result: seen.append(result)])
    assert [result.epoch for result in seen] == [1, 2, 3, 4, 5, 6]
    assert np.array_equal(vectors.vectors, seen[kept - 1].vectors.vectors)


def test_a_run_killed_while_it_finishes_stops_at_the_same_epoch(
    topics_file: Path, tmp_path: Path, falling_and_rising: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small(topics_file, epochs=6, validation=0.05, patience=2)
    killed(config, tmp_path / "run", 4, monkeypatch)  # after the fourth epoch, which is the last one
    killed(config, tmp_path / "run", 1, monkeypatch, resume=True)
    seen: list[EpochResult] = []
    vectors = train(config, tmp_path / "run", resume=True, callbacks=[lambda result: seen.append(result)])
    assert not seen
    falling_and_rising[:] = LOSSES
    assert np.array_equal(vectors.vectors, train(config).vectors)


def test_without_patience_a_resumed_run_returns_its_last_epoch(
    topics_file: Path, tmp_path: Path, falling_and_rising: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small(topics_file, epochs=4, validation=0.05, patience=2)
    killed(config, tmp_path / "run", 3, monkeypatch)
    assert read_checkpoint(tmp_path / "run").best == Best(2, 1.5)
    seen: list[EpochResult] = []
    vectors = train(replace(config, patience=None), tmp_path / "run", resume=True, callbacks=[seen.append])  # type: ignore[list-item]
    assert [result.epoch for result in seen] == [4]
    assert np.array_equal(vectors.vectors, seen[-1].vectors.vectors)
