"""Training that ends in the middle, as after kill -9, and training that writes checkpoints all the time."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.training.topics import small
from word2vec.config import TrainConfig
from word2vec.training import run_folder, train
from word2vec.training.run_folder import RunFolder
from word2vec.training.setup import LinearDecay

learning_rate = LinearDecay.__call__


class Killed(BaseException):
    """Acts like kill -9: nothing in training catches it, and nothing more is written."""


def killed(config: TrainConfig, run: Path, count: int, monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
    """Train, and die right after the checkpoint with this number (from 1) is written."""
    write, written = run_folder.write_checkpoint, []

    def write_and_die(*arguments: Any) -> None:
        write(*arguments)
        written.append(arguments)
        if len(written) == count:
            raise Killed

    monkeypatch.setattr(run_folder, "write_checkpoint", write_and_die)
    with pytest.raises(Killed):
        train(config, run, **options)
    monkeypatch.setattr(run_folder, "write_checkpoint", write)


def unfinished(corpus: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    """Leave a run of five epochs that was killed after the second one; returns its settings."""
    config = small(corpus)
    killed(config, run, 2, monkeypatch)
    return config


def slow_learning_rate(self: LinearDecay, epoch: int, words: int) -> float:
    """The learning rate, which engines request before each chunk or batch."""
    time.sleep(0.0005)
    return learning_rate(self, epoch, words)


def report_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many progress reports in an epoch, between chunks of little work."""
    monkeypatch.setattr("word2vec.engines.base.REPORT_SECONDS", 0.005)
    monkeypatch.setattr("word2vec.engines.cpu.engine.CHUNK_WORDS", 20)
    monkeypatch.setattr("word2vec.sampling.datasets.CHUNK_PAIRS", 3000)
    monkeypatch.setattr(LinearDecay, "__call__", slow_learning_rate)


def many_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint at every one of many progress reports."""
    report_often(monkeypatch)
    monkeypatch.setattr(RunFolder, "checkpoint_due", True)
