"""evaluation/objectives.py: which trainings it runs, and what it writes."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

objectives: Any = importlib.import_module("objectives")


def test_objectives_are_trained_at_multiples_of_their_learning_rate(
    topics_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["tiger", "cat", "man", "woman", "king", "queen", "boy", "girl", "he", "she", "old", "new"]
    topics_file.write_text(" ".join(words) * 50)  # words of the evaluation sets
    output = tmp_path / "objectives.json"
    arguments = [str(topics_file), "--objectives", "negative-sampling,ranknet", "--rates", ".5,1", "--seeds", "2"]
    settings = [part for value in ("dim=4", "epochs=1", "min_count=1") for part in ("--set", value)]
    assert objectives.main([*arguments, *settings, "--output", str(output)]) == 0
    report = json.loads(output.read_text())
    assert [(each["objective"], each["lr"], each["seed"]) for each in report["measurements"]] == [
        (name, lr, seed)
        for name, rates in (("negative-sampling", (0.0125, 0.025)), ("ranknet", (0.00625, 0.0125)))
        for lr in rates
        for seed in (1, 2)
    ]
    assert report["settings"] == {"subsample": 1e-4, "validation": 0.0, "dim": 4, "epochs": 1, "min_count": 1}
    assert str(tmp_path) not in output.read_text()
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split("|")[3].strip() for row in rows] == ["2"] * 4  # seeds


def test_unknown_objectives_are_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        objectives.parse_arguments(["corpus", "--objectives", "warp,bpr"])
    assert "'bpr' is not one of" in capsys.readouterr().err
