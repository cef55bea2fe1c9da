"""evaluation/kernels.py: each subcommand runs on a small input, and lockstep equals the plain GPU engine."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engines.gpu.gpu_twin import GpuTwin
from tests.engines.small import make_dataset, make_model, random_sentences
from word2vec.engines.gpu.tiling import tile_shape
from word2vec.losses import NegativeSampling

kernels: Any = importlib.import_module("kernels")

SCORED_WORDS = ["tiger", "cat", "man", "woman", "king", "queen", "boy", "girl", "he", "she", "old", "new"]
"""Words that occur in all three sets."""


def test_each_part_is_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kernels, "REPEATS", 10)
    monkeypatch.setattr(kernels, "ROUNDS", 1)
    output = tmp_path / "parts.json"
    assert kernels.main(["parts", "--dim", "20", "--rows", "2", "--output", str(output)]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == ["scores", "objective", "steps", "vectors"]
    assert list(json.loads(output.read_text())["parts"]) == names[:3]


def test_a_block_has_a_maximum_of_rows(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        kernels.main(["parts", "--rows", "1000"])
    assert "--rows: a block has at most" in capsys.readouterr().err


def test_each_setting_is_measured_once_per_round_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib").use("svg")
    monkeypatch.setattr(kernels, "WORDS", 3000)
    monkeypatch.setattr(kernels, "BASE", {"vocabulary": 50, "dimensions": 4, "negatives": 5, "window": 2, "threads": 1})
    monkeypatch.setattr(kernels, "VARIED", {"window": (1, 2), "threads": (1, 2)})
    assert len(kernels.plan()) == 3  # both contain the base
    assert kernels.main(["scaling", "--rounds", "2", "--output", str(tmp_path / "speeds")]) == 0
    report = json.loads((tmp_path / "speeds.json").read_text())
    assert {name: [value for value, _ in points] for name, points in report["million_words_per_second"].items()} == {
        "window": [1, 2],
        "threads": [1, 2],
    }
    assert all(len(each["words_per_second"]) == 2 for each in report["measurements"])
    assert "<svg" in (tmp_path / "speeds.svg").read_text()


def test_lockstep_with_one_program_equals_the_plain_gpu_engine() -> None:
    counts = [60, 40, 30, 20, 10, 8]
    dataset = make_dataset(random_sentences(150, counts, length=11), counts, window=3, subsample=0)
    model, shape = make_model(len(counts), 8, spread=1.0), tile_shape(8, 5, 2 * 3)
    twin = GpuTwin(model, NegativeSampling("sum"), dataset, lambda epoch, words: 0.1, 10**6, shape)
    drawn = twin.draws(0, 0, len(dataset.offsets) - 1)
    words, sentences, widths = (np.array([each[i] for each in drawn]) for i in range(3))
    targets = np.array([[each.word, *each.noise] for each in drawn])
    inputs, outputs = (table.detach().numpy().copy() for table in (model.input, model.output))
    single = [inputs.copy(), outputs.copy()]
    arguments = (words, sentences, targets, widths)
    kernels.lockstep(*arguments, *single, 1, shape.centers, shape.rows, 3, 0.1, 0.1)
    list(twin.epoch(0))
    np.testing.assert_allclose(single[0], twin.input, rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(single[1], twin.output, rtol=1e-4, atol=2e-5)
    kernels.lockstep(*arguments, inputs, outputs, 5, shape.centers, shape.rows, 3, 0.1, 0.1)
    assert not np.allclose(inputs, single[0], rtol=1e-4, atol=2e-5)  # updates from stale values


def test_staleness_is_measured_for_each_number_of_programs(topics_file: Path, tmp_path: Path) -> None:
    topics_file.write_text(" ".join(SCORED_WORDS) * 50)
    output = tmp_path / "staleness.json"
    settings = [part for value in ("dim=4", "epochs=1", "min_count=1") for part in ("--set", value)]
    assert kernels.main(["staleness", str(topics_file), "--programs", "1,3", *settings, "--output", str(output)]) == 0
    measured = json.loads(output.read_text())["measurements"]
    assert [each["programs"] for each in measured] == [1, 3]
    assert measured[0] | {"programs": 3} != measured[1]
