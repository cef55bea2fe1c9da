"""evaluation/drift.py: words that are exchanged in one of two slices are found."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import TOPICS

script: Any = importlib.import_module("drift")
table: Any = importlib.import_module("renderers.drift")


def test_exchanged_words_are_counted_and_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw, topics = np.random.default_rng(0), list(TOPICS.values())
    chances = [0.2, 0.2, 0.15, 0.15, 0.15, 0.15]
    sentences = [" ".join(draw.choice(topics[number % 3], 10, p=chances)) for number in range(600)]
    (tmp_path / "text").write_text(" ".join(sentences), encoding="utf-8")
    monkeypatch.setattr(script, "BLOCK", 30)
    monkeypatch.setattr(script, "BANDS", {"all": (170, 10_000)})  # frequent words, neighbors of other topics
    monkeypatch.setattr(script, "SETTINGS", {"subsample": 0.0, "dim": 16, "lr": 0.1})
    output = tmp_path / "drift.json"
    arguments = ["--pairs", "1", "--epochs", "3", "--threads", "1", "--seed", "2", "--work", str(tmp_path / "work")]
    script.main([str(tmp_path / "text"), *arguments, "--output", str(output)])
    first, second = ((tmp_path / "work" / f"{name}.txt").read_text().split() for name in ("first", "second"))
    assert len(first) == len(second) == 3000
    report = json.loads(output.read_text())
    for kind in ("anchored", "independent"):
        assert report[kind]["changed"] == 2
        assert report[kind]["precision"] == 1
        assert report[kind]["median_changed"] > 2 * report[kind]["median_others"]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.drift(report).splitlines()[2:]]
    assert [row[:4] for row in rows] == [["anchored", "18", "2", "100.0"], ["independent", "18", "2", "100.0"]]
