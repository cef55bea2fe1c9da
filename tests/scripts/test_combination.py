"""evaluation/combination.py: what it measures, and how its tables present it."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from word2vec.vectors.word_vectors import WordVectors

combination: Any = importlib.import_module("combination")
tables: Any = importlib.import_module("renderers.combination")

WORDS = ["walk", "walks", "walked", "talk", "talks", "talked"]


def test_measurements_and_their_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scored: list[tuple[int, bool]] = []

    def score(vectors: WordVectors) -> dict[str, list[float]]:
        scored.append((vectors.dim, vectors.plain is not None))
        return {measure: [len(scored) / 100] for measure in tables.MEASURES}

    monkeypatch.setattr(combination, "score", score)
    for seed in (1, 2):
        rows = np.random.default_rng(seed).standard_normal((2, 6, 4))
        for kind in ("quality", "lr"):
            WordVectors(WORDS, rows[0], counts=range(6, 0, -1), output=rows[1]).save(tmp_path / f"{kind}-{seed}")
    lists = [["quality-1", "lr-1"], ["quality-2", "lr-2"], ["quality-1", "quality-2"], ["lr-1"]]
    arguments = [word for each in lists for word in ("--members", *(str(tmp_path / name) for name in each))]
    combination.main([*arguments, "--dims", "7", "--output", str(tmp_path / "r.json")])
    assert scored == 3 * [(7, False), (7, True)] + [(4, False), (4, True)]
    report = json.loads((tmp_path / "r.json").read_text())
    assert str(tmp_path) not in report["command"]
    assert first_cells(tables.combination(report), 3) == [
        ["quality + lr 0.05", "plain", "2.0 (1.0 to 3.0)"],
        ["quality + lr 0.05", "refined", "3.0 (2.0 to 4.0)"],
        ["2 x quality", "plain", "5.0"],
        ["2 x quality", "refined", "6.0"],
        ["lr 0.05", "plain", "7.0"],
        ["lr 0.05", "refined", "8.0"],
    ]
    combination.main(
        [*arguments[:6], "--dims", "5", "6", "--output-weights", "0", "0.2", "--output", str(tmp_path / "s.json")]
    )
    settings = first_cells(tables.settings(json.loads((tmp_path / "s.json").read_text())), 2)
    assert settings == [["5", "0"], ["5", "0.2"], ["6", "0"], ["6", "0.2"]]


def first_cells(table: str, number: int) -> list[list[str]]:
    """The first cells of the rows of a table."""
    return [[cell.strip() for cell in line.split("|")[1 : number + 1]] for line in table.splitlines()[2:]]
