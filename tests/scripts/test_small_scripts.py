"""The smaller scripts of evaluation/: they run, and what they write is what they measured."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engines.gpu.gpu_twin import GpuTwin
from tests.engines.small import make_dataset, make_model, random_sentences
from word2vec.engines.gpu.tiling import tile_shape
from word2vec.losses import NegativeSampling

sys.path.append(str(Path(__file__).parents[2] / "evaluation"))
objectives: Any = importlib.import_module("objectives")
parts: Any = importlib.import_module("parts")


def test_objectives_are_trained_at_multiples_of_their_rate(
    topics_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["tiger", "cat", "man", "woman", "king", "queen", "boy", "girl", "he", "she", "old", "new"]
    topics_file.write_text(" ".join(words) * 50)  # words that the question sets ask for
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
    assert report["settings"] == {"subsample": 1e-4, "dim": 4, "epochs": 1, "min_count": 1}
    assert str(tmp_path) not in output.read_text()
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split("|")[3].strip() for row in rows] == ["2"] * 4  # seeds


def test_scores_are_means_over_the_seeds() -> None:
    one = objectives.Measured("warp", 0.002, 1, 9.0, wordsim353=0.5, simlex999=0.3, analogies=0.1)
    two = objectives.Measured("warp", 0.002, 2, 9.0, wordsim353=0.7, simlex999=0.3, analogies=0.2)
    *_, row = objectives.table([one, two]).splitlines()
    assert [cell.strip() for cell in row.strip("|").split("|")] == ["warp", "0.002", "2", "60.0", "30.0", "15.0"]


def test_parts_are_measured_one_by_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(parts, "REPEATS", 10)
    monkeypatch.setattr(parts, "ROUNDS", 1)
    assert parts.main(["--dim", "20", "--rows", "2"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == ["scores", "objective", "steps", "vectors"]


def test_speeds_are_measured_once_a_setting_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib").use("svg")
    scaling: Any = importlib.import_module("scaling")
    monkeypatch.setattr(scaling, "WORDS", 3000)
    monkeypatch.setattr(scaling, "BASE", {"vocabulary": 50, "dimensions": 4, "negatives": 5, "window": 2, "threads": 1})
    monkeypatch.setattr(scaling, "VARIED", {"window": (1, 2), "threads": (1, 2)})
    assert len(scaling.plan()) == 3  # the base is among both
    assert scaling.main(["--rounds", "2", "--output", str(tmp_path / "speeds")]) == 0
    report = json.loads((tmp_path / "speeds.json").read_text())
    assert {name: [value for value, _ in points] for name, points in report["million_words_per_second"].items()} == {
        "window": [1, 2],
        "threads": [1, 2],
    }
    assert all(len(each["words_per_second"]) == 2 for each in report["measurements"])
    assert "<svg" in (tmp_path / "speeds.svg").read_text()


def test_lockstep_is_what_the_kernel_does() -> None:
    staleness: Any = importlib.import_module("staleness")
    counts = [60, 40, 30, 20, 10, 8]
    dataset = make_dataset(random_sentences(150, counts, length=11), counts, window=3, subsample=0)
    model, shape = make_model(len(counts), 8, spread=1.0), tile_shape(8, 5, 3)
    twin = GpuTwin(model, NegativeSampling("sum"), dataset, lambda epoch, words: 0.1, 10**6, shape)
    drawn = twin.draws(0, 0, len(dataset.offsets) - 1)
    words, sentences, widths = (np.array([each[i] for each in drawn]) for i in range(3))
    targets = np.array([[each.word, *each.noise] for each in drawn])
    inputs, outputs = (table.detach().numpy().copy() for table in (model.input, model.output))
    alone = [inputs.copy(), outputs.copy()]
    arguments = (words, sentences, targets, widths)
    staleness.lockstep(*arguments, *alone, 1, shape.centers, shape.rows, 3, 0.1, 0.1)
    twin.epoch(0)
    np.testing.assert_allclose(alone[0], twin.input, rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(alone[1], twin.output, rtol=1e-4, atol=2e-5)
    staleness.lockstep(*arguments, inputs, outputs, 5, shape.centers, shape.rows, 3, 0.1, 0.1)
    assert not np.allclose(inputs, alone[0], rtol=1e-4, atol=2e-5)  # from values that are stale


def test_staleness_is_measured_for_each_number_of_programs(topics_file: Path, tmp_path: Path) -> None:
    staleness: Any = importlib.import_module("staleness")
    words = ["tiger", "cat", "man", "woman", "king", "queen", "boy", "girl", "he", "she", "old", "new"]
    topics_file.write_text(" ".join(words) * 50)
    output = tmp_path / "staleness.json"
    settings = [part for value in ("dim=4", "epochs=1", "min_count=1") for part in ("--set", value)]
    assert staleness.main([str(topics_file), "--programs", "1,3", *settings, "--output", str(output)]) == 0
    measured = json.loads(output.read_text())["measurements"]
    assert [each["programs"] for each in measured] == [1, 3]
    assert measured[0] | {"programs": 3} != measured[1]


def test_processes_are_compared_with_one_of_the_same_seed() -> None:
    distributed: Any = importlib.import_module("distributed")
    speeds = [(1, 0, 1, 100), (2, 50, 1, 150), (2, 70, 1, 120), (1, 0, 2, 200), (2, 50, 2, 400), (2, 50, 3, 999)]
    names = "ranks", "sync_every", "seed", "words_per_second"
    measured = [dict(zip(names, each, strict=True)) for each in speeds]
    assert distributed.speedups(measured) == [
        "2 processes, --sync-every 50: 1.75 (1.50 to 2.00) times as fast as one",
        "2 processes, --sync-every 70: 1.20 times as fast as one",
    ]


@pytest.mark.slow
def test_processes_are_measured_from_end_to_end(
    topics_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    distributed: Any = importlib.import_module("distributed")
    words = ["tiger", "cat", "man", "woman", "king", "queen", "boy", "girl", "he", "she", "old", "new"]
    topics_file.write_text((" ".join(words) + "\n") * 50)
    output = tmp_path / "train.json"
    settings = [part for value in ("dim=4", "epochs=1", "min_count=1", "subsample=0") for part in ("--set", value)]
    assert distributed.main(["--output", str(output), "train", str(topics_file), "--ranks", "1,2", *settings]) == 0
    one, two = json.loads(output.read_text())["measurements"]
    assert (one["ranks"], one["averaged"], one["bytes"]) == (1, 0, 0)
    assert (two["ranks"], two["averaged"]) == (2, 2)  # as many rounds as ranks
    # a flag and a row for each of 12 words in both tables, twice
    assert two["bytes"] == 2 * 2 * 12 * (1 + 5 * 2)
    output = tmp_path / "cost.json"
    assert distributed.main(["--output", str(output), "cost", "--words", "1000", "--dims", "10"]) == 0
    (cost,) = json.loads(output.read_text())["measurements"]
    assert cost["bytes"] == 2 * 1000 * (1 + 11 * 2)
    assert cost["seconds"] > 0
    assert "times as fast as one" in capsys.readouterr().out
