"""evaluation/refinement.py: what it measures, and how its tables present it."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from word2vec import read_pairs
from word2vec.evaluation.benchmarks import read_questions
from word2vec.vectors.word_vectors import WordVectors

refinement: Any = importlib.import_module("refinement")
tables: Any = importlib.import_module("renderers.refinement")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with the words of the test sets."""
    pairs = [word for name in ("wordsim353", "simlex999") for pair in read_pairs(name).words for word in pair]
    asked = [
        word
        for section in read_questions("questions-words").sections
        for each in section.questions[:3]
        for word in each
    ]
    words = list(dict.fromkeys(map(str.lower, pairs + asked)))
    table = np.random.default_rng(0).standard_normal((len(words), 6))
    counts = np.linspace(3000, 5, len(words)).astype(int)
    WordVectors(words, table, counts=counts, output=table).save(tmp_path / "run")
    return tmp_path / "run"


def test_measurements_and_their_tables(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = ("defaults", "output_weight 0")
    monkeypatch.setattr(refinement, "ABLATIONS", {label: refinement.ABLATIONS[label] for label in labels})
    monkeypatch.setattr(refinement, "SAMPLED", 5)
    refinement.main([str(run), "--output", str(tmp_path / "r.json")])
    report = json.loads((tmp_path / "r.json").read_text())
    assert str(tmp_path) not in report["command"]
    assert [m["label"] for m in report["measurements"]] == ["plain", *labels]
    for measured in report["measurements"]:
        whole, first, second = measured["scores"]["analogies"]
        assert min(first, second) <= whole <= max(first, second)
    rows = tables.refinement(report).splitlines()[2:]
    assert [row.split("|")[1].strip() for row in rows] == ["plain", "refined", "refined without the output table"]
    assert len(tables.ablations(report).splitlines()) == 2 + 3
    assert len(tables.spelling(report).splitlines()) == 2 + len(refinement.BANDS)
    assert "king (over 1,000)" in tables.examples(report)


def test_settings_are_chosen_by_prediction(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refinement, "CHOICES", {"lengths": ((4, 6),), "penalty": (0.1, 3.0)})
    refinement.main([str(run), "--choose", "--output", str(tmp_path / "r.json")])
    (measured,) = json.loads((tmp_path / "r.json").read_text())["measurements"]
    best = max(measured["tried"], key=lambda each: each["cosine"])
    assert measured["settings"] == {"lengths": best["lengths"], "penalty": best["penalty"]}
    assert len(measured["tried"]) == 2
    assert f"| {best['penalty']:g} |" in " ".join(tables.chosen({"measurements": [measured]}).split())


def test_halves_share_no_first_pair_of_an_analogy() -> None:
    questions = [("a", "b", "c", "d"), ("a", "b", "e", "f"), ("c", "d", "a", "b"), ("e", "f", "a", "b")]
    assert refinement._half_of(questions) == [0, 0, 1, 0]
