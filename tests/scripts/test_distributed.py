"""evaluation/distributed.py: speedups, and both subcommands end to end."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

distributed: Any = importlib.import_module("distributed")


def test_speedups_compare_with_one_process_of_the_same_seed() -> None:
    speeds = [(1, 0, 1, 100), (2, 50, 1, 150), (2, 70, 1, 120), (1, 0, 2, 200), (2, 50, 2, 400), (2, 50, 3, 999)]
    names = "ranks", "sync_every", "seed", "words_per_second"
    measured = [dict(zip(names, each, strict=True)) for each in speeds]
    assert distributed.speedup_lines(measured) == [
        "2 processes, --sync-every 50: 1.75 (1.50 to 2.00) times as fast as one",
        "2 processes, --sync-every 70: 1.20 times as fast as one",
    ]


def test_a_repeated_run_is_compared_with_its_own_single_process() -> None:
    names = "ranks", "sync_every", "seed", "words_per_second"
    first = [(1, 0, 1, 100), (2, 50, 1, 150)]
    repeated = [(1, 0, 1, 200), (2, 50, 1, 400)]
    measured = [dict(zip(names, each, strict=True)) for each in first + repeated]
    assert distributed.speedups(measured) == {(2, 50): [1.5, 2.0]}


def test_last_line_of_the_log_has_the_traffic_of_all_epochs() -> None:
    log = "".join(f"2 processes averaged {n} times so far: {n},000 bytes per process, {n}.5 s\n" for n in (4, 8))
    assert distributed.AVERAGED.findall(log)[-1] == ("8", "8,000", "8.5")


@pytest.mark.slow
def test_both_subcommands_end_to_end(topics_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["tiger", "cat", "man", "woman", "king", "queen", "boy", "girl", "he", "she", "old", "new"]
    topics_file.write_text((" ".join(words) + "\n") * 50)
    output = tmp_path / "train.json"
    settings = [part for value in ("dim=4", "epochs=1", "min_count=1", "subsample=0") for part in ("--set", value)]
    assert distributed.main(["--output", str(output), "train", str(topics_file), "--ranks", "1,2", *settings]) == 0
    one, two = json.loads(output.read_text())["measurements"]
    assert (one["ranks"], one["averaged"], one["bytes"]) == (1, 0, 0)
    assert (two["ranks"], two["averaged"]) == (2, 2)  # as many rounds as ranks
    # twice: a flag and a row for each of 12 words in both tables
    assert two["bytes"] == 2 * 2 * 12 * (1 + 5 * 2)
    output = tmp_path / "cost.json"
    assert distributed.main(["--output", str(output), "cost", "--words", "1000", "--dims", "10"]) == 0
    (cost,) = json.loads(output.read_text())["measurements"]
    assert cost["bytes"] == 2 * 1000 * (1 + 11 * 2)
    assert cost["seconds"] > 0
    assert "times as fast as one" in capsys.readouterr().out
