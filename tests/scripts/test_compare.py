"""evaluation/compare.py: planning, starting and measuring processes."""

import importlib
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

compare: Any = importlib.import_module("compare")

TRAINER = """
import json, pathlib, sys
run = pathlib.Path(sys.argv[sys.argv.index("--output") + 1])
run.mkdir()
lines = [{"words": 600, "elapsed_seconds": 0.5}, {"words": 1200, "elapsed_seconds": 2.0}]
run.joinpath("metrics.jsonl").write_text("".join(json.dumps(line) + chr(10) for line in lines))
"""


def measured(label: str, round_number: int, **figures: float) -> dict[str, Any]:
    return {"label": label, "round": round_number, "seed": round_number, "figures": figures}


def test_notes_warn_of_a_busy_machine() -> None:
    quiet = measured("tutorial", 1, words_per_second=10, steps=60, vocabulary=68000, other_cores=0.05)
    busy = measured("gensim", 1, words_per_second=10, vocabulary_seconds=6.5, other_cores=0.7)
    assert "60 steps" in compare.notes([quiet])[-1]
    assert "6.5 s" in compare.notes([busy])[-2]
    assert "The machine was busy" in compare.notes([quiet, busy])[-1]
    assert "0.7 cores" in compare.notes([quiet, busy])[-1]


def test_plan_has_all_systems_and_objectives_in_order() -> None:
    labels = [task.label for task in compare.plan(["gensim", "ours", "indexing"], ["warp", "ranknet"])]
    assert labels == ["gensim", "ours, warp", "ours, ranknet", "ours (indexing)", "gensim (indexing)"]
    assert [task.label for task in compare.plan(["ours"], [])] == ["ours"]


def test_training_command_passes_the_settings(tmp_path: Path) -> None:
    options = compare.parse_arguments([str(tmp_path / "corpus"), "--epochs", "2", "--threads", "3", "--subsample", "0"])
    job = compare.first_job(options, tmp_path)
    task = compare.Task("ours, warp", "ours", "warp")
    command = compare.training_command(job, task, engine="", device="cpu")
    assert command[1:5] == ["-m", "word2vec", "train", str(tmp_path / "corpus")]
    given = dict(zip(command[5::2], command[6::2], strict=True))
    assert given["--objective"] == "warp"
    assert given["--epochs"] == "2"
    assert given["--threads"] == "3"
    assert given["--subsample"] == "0.0"
    assert given["--device"] == "cpu"
    assert "--engine" not in given
    assert "--engine" in compare.training_command(job, task, engine="fused", device="cpu")
    (preset,) = compare.SYSTEMS["preset"]
    of_preset = compare.training_command(job, preset, engine="", device="cpu")
    assert of_preset[of_preset.index("--preset") + 1] == "quality"
    assert "--dim" not in of_preset  # it would override the preset's
    assert "--min-count" in of_preset


def test_caches_are_empty_when_a_training_is_measured(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, str] = {}
    monkeypatch.setattr(compare, "run_process", lambda command, log, environment: given.update(environment) or {})
    monkeypatch.setattr(compare, "training_figures", lambda run: {"training_seconds": 2.0, "raw_words": 600.0})
    options = compare.parse_arguments([str(corpus)])
    job = compare.first_job(options, tmp_path)
    assert compare.measure(compare.SYSTEMS["ours"][0], job, 600, options, tmp_path)["words_per_second"] == 300
    caches = [Path(given[name]) for name in ("NUMBA_CACHE_DIR", "TRITON_CACHE_DIR", "WORD2VEC_CACHE")]
    assert len(set(caches)) == 3
    assert all(cache.parent == tmp_path and not cache.exists() for cache in caches)


def test_peak_memory_is_that_of_the_child(tmp_path: Path) -> None:
    # a child starts with the peak memory of its parent, here pytest with torch, so it has to exceed that
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    size = own + 50_000_000
    figures = compare.run_process([sys.executable, "-c", f"b'x' * {size}"], tmp_path / "log", dict(os.environ))
    assert size < figures["peak_mb"] * 1e6 < size + 50_000_000
    assert figures["wall_seconds"] > 0
    assert figures["other_cores"] >= 0


def test_failed_process_shows_the_end_of_its_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-c", "print('no such device'); raise SystemExit(3)"]
    with pytest.raises(compare.ComparisonError, match="exit code 3"):
        compare.run_process(command, tmp_path / "log", dict(os.environ))
    assert "no such device" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.txt"], "nowhere.txt: no such file"),
        (["CORPUS", "--systems", "gensim"], "gensim is not installed"),
    ],
)
def test_missing_files_and_packages_are_reported_before_measuring(
    arguments: list[str],
    message: str,
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(compare, "find_spec", lambda name: None)
    monkeypatch.setattr(compare, "run_process", lambda *_: pytest.fail("a process was started"))
    output = tmp_path / "out.json"
    code = compare.main([str(corpus) if each == "CORPUS" else each for each in arguments] + ["--output", str(output)])
    assert code == 1
    assert message in capsys.readouterr().err
    assert not output.exists()


def test_unknown_systems_and_invalid_numbers_are_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong, message in ((["--systems", "ours,glove"], "'glove' is not one of"), (["--rounds", "0"], "'0' is not")):
        with pytest.raises(SystemExit, match="2"):
            compare.parse_arguments(wrong)
        assert message in capsys.readouterr().err


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus"
    path.write_text("to be or not to be " * 100)
    return path


def test_comparison_end_to_end(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fake(job: Any, *_: object, **__: object) -> list[str]:
        return [sys.executable, "-c", TRAINER, "--output", job.output]

    monkeypatch.setattr(compare, "training_command", fake)
    output = tmp_path / "results" / "out.json"
    arguments = [str(corpus), "--systems", "ours", "--rounds", "2", "--epochs", "2", "--output", str(output)]
    assert compare.main(arguments) == 0
    report = json.loads(output.read_text())
    assert report["corpus"]["words"] == report["corpus"]["words_used"] == 600
    assert [each["seed"] for each in report["measurements"]] == [1, 2]
    assert all(each["figures"]["training_seconds"] == 2.0 for each in report["measurements"])
    assert all(each["figures"]["words_per_second"] == 600 for each in report["measurements"])
    assert {"date", "command", "commit", "hardware", "versions"} <= report.keys()
    assert str(tmp_path) not in output.read_text()
    shown = capsys.readouterr().out
    assert "| ours   | 600 (600 to 600) |" in shown
    assert "indexing" not in shown


def test_measurements_before_a_failure_are_kept(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails_in_round_two(job: Any, *_: object, **__: object) -> list[str]:
        program = TRAINER if job.seed == 1 else "raise SystemExit(9)"
        return [sys.executable, "-c", program, "--output", job.output]

    monkeypatch.setattr(compare, "training_command", fails_in_round_two)
    output = tmp_path / "out.json"
    assert compare.main([str(corpus), "--systems", "ours", "--output", str(output)]) == 1
    assert "ours, round 2: exit code 9" in capsys.readouterr().err
    assert len(json.loads(output.read_text())["measurements"]) == 1


@pytest.mark.slow
def test_peers_run_on_a_small_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("gensim")
    pytest.importorskip("fasttext")
    words = np.random.default_rng(0).zipf(1.2, 40_000).clip(max=2000)
    (tmp_path / "corpus").write_text(" ".join(f"w{word}" for word in words))
    systems = "gensim,fasttext,tutorial,indexing"
    arguments = [str(tmp_path / "corpus"), "--systems", systems, "--rounds", "1", "--epochs", "1"]
    assert compare.main([*arguments, "--quality", "--output", str(tmp_path / "out.json")]) == 0
    figures = {
        each["label"]: each["figures"] for each in json.loads((tmp_path / "out.json").read_text())["measurements"]
    }
    assert list(figures) == ["gensim", "fasttext", "tutorial", "ours (indexing)", "gensim (indexing)"]
    assert all(figures[label]["words_per_second"] > 0 for label in ("gensim", "fasttext", "tutorial"))
    assert all(figures[label]["indexing_seconds"] > 0 for label in ("ours (indexing)", "gensim (indexing)"))
    assert capsys.readouterr().out.count("| gensim") == 2
