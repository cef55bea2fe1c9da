"""evaluation/combination.py: what it measures, and how its table presents it."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from word2vec.vectors.word_vectors import WordVectors

combination: Any = importlib.import_module("combination")
table: Any = importlib.import_module("renderers.combination")

WORDS = ["walk", "walks", "walked", "talk", "talks", "talked"]


def test_measurements_and_their_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dims: list[tuple[int, bool]] = []

    def score(vectors: WordVectors) -> dict[str, list[float]]:
        dims.append((vectors.dim, vectors.plain is not None))
        return {measure: [len(dims) / 100] for measure in table.MEASURES}

    monkeypatch.setattr(combination, "score", score)
    for seed in (1, 2):
        rows = np.random.default_rng(seed).standard_normal((2, 6, 4))
        for kind in ("quality", "lr"):
            WordVectors(WORDS, rows[0], counts=range(6, 0, -1), output=rows[1]).save(tmp_path / f"{kind}-{seed}")
    lists = [[f"quality-{seed}", f"lr-{seed}"] for seed in (1, 2)] + [["quality-1", "quality-2"], ["lr-1"]]
    arguments = [word for each in lists for word in ("--members", *(str(tmp_path / name) for name in each))]
    combination.main([*arguments, "--output", str(tmp_path / "r.json")])
    assert dims == 6 * [(8, False), (8, True)] + 2 * [(4, False), (4, True)]
    report = json.loads((tmp_path / "r.json").read_text())
    assert str(tmp_path) not in report["command"]
    rows = [[cell.strip() for cell in line.split("|")[1:5]] for line in table.combination(report).splitlines()[2:]]
    both = "preset quality + with --lr 0.05"
    assert rows[:2] == [[both, "0", "plain", "3.0 (1.0 to 5.0)"], [both, "0", "refined", "4.0 (2.0 to 6.0)"]]
    assert [row[0] for row in rows[4:]] == 4 * ["preset quality, 2 seeds"] + 3 * ["with --lr 0.05"]
