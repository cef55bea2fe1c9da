"""The tiny corpus of three topics, whose correct result is known, and helpers that read the results of training."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from tests.conftest import TOPICS
from word2vec.config import TrainConfig, make_config
from word2vec.formats.run import CHECKPOINT_FILE
from word2vec.vectors.word_vectors import WordVectors


def small(corpus: Path, **settings: object) -> TrainConfig:
    """Settings that learn the topics in a second."""
    defaults = {
        "corpus": (str(corpus),),
        "dim": 16,
        "epochs": 5,
        "subsample": 0.0,
        "lr": 0.1,
        "threads": 1,
        "batch_size": 64,
        "validation": 0.0,
    }
    return make_config(defaults, settings)


def margin(vectors: WordVectors) -> float:
    """Mean similarity within topics minus that across topics: about 0 before training, near 1 or above after it."""
    topics = list(TOPICS.values())
    within = [vectors.similarity(a, b) for topic in topics for a, b in combinations(topic, 2)]
    across = [vectors.similarity(a, b) for one, two in combinations(topics, 2) for a in one for b in two]
    return float(np.mean(within) - np.mean(across))


def contents(run: Path) -> dict[str, bytes]:
    """The files of a run folder."""
    return {path.name: path.read_bytes() for path in run.iterdir()}


def results(run: Path) -> dict[str, bytes]:
    """The files that two equal runs have in common: all but the metrics and the checkpoint, which contain times."""
    return {name: data for name, data in contents(run).items() if name not in ("metrics.jsonl", CHECKPOINT_FILE)}


def metrics_lines(run: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def untimed_lines(run: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl without the times."""
    times = ("words_per_second", "elapsed_seconds")
    return [{key: value for key, value in line.items() if key not in times} for line in metrics_lines(run)]


def words_after_epochs(run: Path) -> list[int]:
    """The number of trained words after each epoch, from metrics.jsonl."""
    return [line["words"] for line in metrics_lines(run) if line["kind"] == "epoch"]


class UserObjective(nn.Module):
    """An objective that a user may write: the margin between the true word and the best noise word."""

    def forward(self, positive: Tensor, negative: Tensor, weight: Tensor | None = None) -> Tensor:
        return nn.functional.softplus(negative.amax(dim=1) - positive)
