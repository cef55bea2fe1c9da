"""evaluation/recommendation.py: the interactions, what it writes, and the known answer of the simulation."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

recommendation: Any = importlib.import_module("recommendation")


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"USERS": 120, "ITEMS": 60, "CLICKS": 30, "DIM": 8, "IMPLICIT": {}}.items():
        monkeypatch.setattr(recommendation, name, value)


def test_a_fifth_of_the_items_of_each_user_is_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)
    data = recommendation.simulated_interactions()
    train, held_out = (set(zip(*part, strict=True)) for part in (data.train, data.held_out))
    assert not train & held_out
    for user in ("user0", "user7"):
        own, hidden = (len([pair for pair in part if pair[0] == user]) for part in (train, held_out))
        assert hidden == (own + hidden) // 5


def test_documents_and_words_of_pydocs(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [{"common", "rare", *(f"w{number}" for number in range(start, start + 30))} for start in range(40)]
    monkeypatch.setattr(recommendation, "PACKAGES", {"made_up": "made_up"})
    monkeypatch.setattr(recommendation, "MAX_FRACTION", 0.6)
    monkeypatch.setattr(
        recommendation, "document_words", lambda package: ((f"{package}/{n}.py", each) for n, each in enumerate(words))
    )
    data = recommendation.pydocs_interactions()
    used = {*data.train[1], *data.held_out[1]}
    assert "common" not in used  # in more than 60 % of the documents
    assert "w4" in used
    assert "w3" not in used  # in four documents
    assert len(data.train[0]) + len(data.held_out[0]) == len(
        set(zip(*data.train, strict=True)) | set(zip(*data.held_out, strict=True))
    )


def test_every_system_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small(monkeypatch)
    monkeypatch.setattr(recommendation, "pydocs_interactions", recommendation.simulated_interactions)
    monkeypatch.setattr(recommendation, "version", lambda package: "0")
    monkeypatch.setattr(recommendation, "OURS", {"negative-sampling": {}, "ranknet": {"epochs": 3}})
    output = tmp_path / "recommendation.json"
    assert recommendation.main(["--seeds", "2", "--output", str(output)]) == 0
    report = json.loads(output.read_text())
    assert list(report["sets"]) == ["pydocs", "simulation"]
    found = report["sets"]["simulation"]["measurements"]
    assert [each["system"] for each in found] == [
        "popularity",
        "true probabilities",
        *["negative-sampling", "ranknet"] * 2,
    ]
    assert {each["epochs"] for each in found if each["system"] == "ranknet"} == {3}
    scores = {each["system"]: each["ndcg"] for each in found}
    assert max(scores, key=lambda system: scores[system]) == "true probabilities"
    assert "word2vec-fused, ranknet" in capsys.readouterr().out
