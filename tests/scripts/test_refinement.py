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
    monkeypatch.setattr(refinement, "SAMPLED", 5)
    refinement.main([str(run), "--settings", ",".join(labels), "--output", str(tmp_path / "r.json")])
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


def test_pairs_with_unknown_words_are_scored_apart(run: Path) -> None:
    whole = WordVectors.load(run)
    pairs = read_pairs("wordsim353").words
    first = {pairs[i][0].lower() for i in range(0, len(pairs), 3)}
    kept = [row for row, word in enumerate(whole.words) if word not in first]
    assert whole.counts is not None
    vectors = WordVectors([whole.words[row] for row in kept], whole.vectors[kept], counts=whole.counts[kept])
    unknown = sum(any(word.lower() in first for word in pair) for pair in pairs)
    scores = refinement.score_unknown(vectors)
    found = scores["wordsim353"]
    assert found["missing"] == unknown
    assert len({found[name] for name in ("unknown", "plain", "known", "refined")} - {None}) == 4
    assert scores["analogies"]["missing"] == sum(
        any(word.lower() not in vectors for word in question)
        for section in read_questions("questions-words").sections
        for question in section.questions
    )
    found = refinement.score_unknown(whole)["wordsim353"]
    assert found["missing"] == 0
    assert found["unknown"] is None
    assert found["known"] == found["refined"]


def test_tables_of_corpora() -> None:
    def measured(run: str, label: str, score: float) -> dict[str, Any]:
        scores = {name: [score, score + 0.01, score - 0.01] for name in tables.MEASURES} | {"semantic": [None] * 3}
        pairs = {"size": 353, "missing": 70, "unknown": None, "plain": score, "known": score, "refined": 0.25}
        unknown = {"wordsim353": pairs, "analogies": {"size": 2000, "missing": 1000}}
        facts = {"words": 1_000_000, "unknown": unknown} if label == "plain" else {}
        return {"run": run, "label": label, "scores": scores, **facts}

    small = {"measurements": [measured("w1m-1", "plain", 0.5), measured("w1m-1", "defaults", 0.6)]}
    large = {"measurements": [measured("quality-1", "plain", 0.7), measured("quality-1", "defaults", 0.8)]}

    def cells(table: str) -> list[list[str]]:
        return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]

    rows = cells(tables.sizes(large, small))
    assert [(row[0].split(",")[0], row[1], row[2]) for row in rows] == [
        ("Wikipedia", "plain", "50.0"),
        ("Wikipedia", "refined", "60.0"),
        ("wiki8", "plain", "70.0"),
        ("wiki8", "refined", "80.0"),
    ]
    assert cells(tables.size_ablations(large, small)) == [
        ["plain", "51.0 / 49.0", "71.0 / 69.0", "61.0 / 59.0"],
        ["defaults", "61.0 / 59.0", "81.0 / 79.0", "71.0 / 69.0"],
    ]
    assert [row[1:] for row in cells(tables.unknown(small))] == [
        ["WordSim-353", "70 of 353", "50.0", "50.0", "25.0"],
        ["analogies", "1,000 of 2,000", "-", "-", "-"],
    ]


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
