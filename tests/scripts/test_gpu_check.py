"""evaluation/gpu_check.py, and what gpu_summary.py computes from its measurements; no GPU is needed for either."""

import argparse
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

compare: Any = importlib.import_module("compare")
gpu_check: Any = importlib.import_module("gpu_check")
gpu_summary: Any = importlib.import_module("gpu_summary")

WORDS = ["tiger", "cat", "man", "woman", "king", "queen", "boy", "girl", "he", "she", "old", "new"]  # words of all sets


def run(*speeds: float, **scores: Sequence[float]) -> dict[str, Any]:
    """A report of compare.py: rounds with these speeds and scores."""
    rounds = [{name: values[number] for name, values in scores.items()} for number in range(len(speeds))]
    return {
        "measurements": [
            {"label": "ours", "round": number, "seed": number, "figures": {"words_per_second": speed, **own}}
            for number, (speed, own) in enumerate(zip(speeds, rounds, strict=True), 1)
        ]
    }


RUNS = {"gpu": run(100e6, 500e6, 120e6), "cpu": run(30e6), "autograd": run(6e6), "gensim": run(4e6)}


def cells(table: str) -> list[list[str]]:
    """The rows of a table without its header."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


# ---- ratios and targets


def test_ratios_of_medians_are_compared_with_their_targets() -> None:
    speed, seconds, autograd, gensim, cpu = gpu_summary.targets(RUNS)
    assert (speed.measured, speed.wanted, speed.met) == (120e6, 100e6, True)
    assert seconds.measured == pytest.approx(5 * 17_005_207 / 120e6)
    assert (seconds.wanted, seconds.met) == (2, True)
    assert (autograd.measured, autograd.wanted, autograd.met) == (20, 20, True)  # at least
    assert (gensim.measured, gensim.wanted, gensim.met) == (30, 40, False)
    assert (cpu.measured, cpu.wanted, cpu.met) == (4, None, None)


def test_time_has_a_maximum_target() -> None:
    assert gpu_summary.targets({"gpu": run(42_513_018)})[1].met  # 5 epochs in 1.999999976 s
    assert not gpu_summary.targets({"gpu": run(42_513_017)})[1].met


def test_figures_that_were_not_measured_have_no_verdict() -> None:
    for runs in ({}, {"gensim": run(4e6)}, {"gpu": run(), "gensim": run(4e6)}):
        assert [each.measured for each in gpu_summary.targets(runs)] == [None] * 5
        assert [each.met for each in gpu_summary.targets(runs)] == [None] * 5
    without = gpu_summary.targets({name: each for name, each in RUNS.items() if name != "gensim"})
    assert [each.met for each in without] == [True, True, True, None, None]


def test_tables_show_met_targets_and_missing_systems() -> None:
    targets = cells(gpu_summary.target_table(gpu_summary.targets(RUNS)))
    assert [row[1:] for row in targets] == [
        ["120,000,000", "at least 100,000,000", "met"],
        ["0.71", "at most 2.00", "met"],
        ["20.0", "at least 20.0", "met"],
        ["30.0", "at least 40.0", "not met"],
        ["4.00", "-", "-"],
    ]
    missing = cells(gpu_summary.target_table(gpu_summary.targets({"gpu": RUNS["gpu"]})))
    assert missing[3][1:] == ["not measured", "at least 40.0", "-"]
    speeds = cells(gpu_summary.speed_table({"gpu": RUNS["gpu"], "cpu": RUNS["cpu"]}, {"gensim": "not installed"}))
    assert speeds[0][1:] == ["120,000,000 (100,000,000 to 500,000,000)", "1.0", "-"]
    assert speeds[1][1:] == ["30,000,000", "4.0", "-"]
    assert speeds[3][1:] == ["-", "-", "not installed"]


# ---- quality


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ([64.0, 65.0, 99.0], "within"),
        ([64.5, 64.5, 64.5], "within"),  # the minimum minus the noise
        ([64.4, 64.4, 99.0], "below"),
        ([67.5, 67.5, 67.5], "within"),
        ([60.0, 67.6, 99.0], "above"),
        ([], "not measured"),
    ],
)
def test_verdict_compares_the_median_with_the_widened_range(own: list[float], expected: str) -> None:
    assert gpu_summary.verdict(own, [66.0, 65.0, 67.0], 0.5) == expected


def test_verdict_needs_a_reference() -> None:
    assert gpu_summary.verdict([1.0], [], 0.5) == "not measured"


def test_quality_table_has_the_ranges_of_both_engines() -> None:
    gpu = run(1, 1, 1, wordsim353=[0.65, 0.66, 0.64], simlex999=[0.30, 0.29, 0.30], analogies=[0.40, 0.40, 0.41])
    cpu = run(1, 1, 1, wordsim353=[0.66, 0.66, 0.67], simlex999=[0.31, 0.32, 0.31], analogies=[0.38, 0.39, 0.39])
    assert cells(gpu_summary.quality_table(gpu_summary.quality({"gpu": gpu, "cpu": cpu}))) == [
        ["WordSim-353", "65.0 (64.0 to 66.0)", "66.0 (66.0 to 67.0)", "0.7", "below"],
        ["SimLex-999", "30.0 (29.0 to 30.0)", "31.0 (31.0 to 32.0)", "0.5", "below"],
        ["analogies (top 30k)", "40.0 (40.0 to 41.0)", "39.0 (38.0 to 39.0)", "0.4", "above"],
    ]
    assert [each.verdict for each in gpu_summary.quality({"gpu": gpu})] == ["not measured"] * 3


# ---- bounds


def test_costs_count_operations_and_bytes() -> None:
    config = gpu_check.TrainConfig(dim=100, negatives=5, window=5)
    costs = gpu_summary.costs(config, kept=0.5, pairs=3.0)
    assert costs.operations == 3 * 3 * 6 * 2 * 100  # pairs, products, targets, a multiply and an add, dimensions
    assert costs.bytes == 0.5 * (6 + 16 / 6) * 2 * 400  # six targets, and 16 context rows for every six words


def test_float32_rate_is_units_times_clock() -> None:
    # the 67 TFLOP/s of an H200's data sheet, the 19.5 of an A100's
    assert gpu_summary.float32_rate((9, 0), 132, 1_980_000) == pytest.approx(67e12, rel=0.01)
    assert gpu_summary.float32_rate((8, 0), 108, 1_410_000) == pytest.approx(19.5e12, rel=0.01)
    assert gpu_summary.float32_rate((99, 0), 132, 1_980_000) is None
    assert gpu_summary.float32_rate((9, 0), 132, None) is None


def sweep(float32_per_second: float | None) -> dict[str, Any]:
    return {
        "costs": {"pairs": 4.0, "operations": 10_000.0, "bytes": 5000.0},
        "gpu_rates": {"float32_per_second": float32_per_second, "copied_bytes_per_second": 4e12},
        "rows": [
            {"precision": "ieee", "words_per_second": 200e6, "loss": 2.0},
            {"precision": "ieee", "words_per_second": 100e6, "loss": 2.0},
            {"precision": "ieee", "words_per_second": 300e6, "loss": None},  # diverged
            {"precision": "tf32", "words_per_second": 400e6, "loss": 2.0},
            {"precision": "tf32x3", "error": "too large"},
        ],
    }


def test_bounds_and_the_fraction_that_was_reached() -> None:
    operations, traffic = gpu_summary.bounds(sweep(6e13), RUNS)
    assert (operations.limit, traffic.limit) == (6e9, 8e8)
    assert operations.fraction(operations.training) == 120e6 / 6e9
    assert operations.fraction(operations.sweep) == 200e6 / 6e9
    assert traffic.fraction(traffic.sweep) == 200e6 / 8e8
    rows = cells(gpu_summary.bound_table([operations, traffic]))
    assert rows[0][1:] == ["10,000", "6e+13", "6,000,000,000", "2.0 %", "3.3 %"]


def test_an_unknown_gpu_has_no_bound_by_operations() -> None:
    operations, traffic = gpu_summary.bounds(sweep(None), {})
    assert (operations.limit, operations.fraction(operations.sweep), traffic.fraction(traffic.training)) == (
        None,
        None,
        None,
    )
    assert cells(gpu_summary.bound_table([operations, traffic]))[0][1:] == ["10,000", "not known", "-", "-"]


def test_tables_and_verdicts_need_only_the_parts_that_ran() -> None:
    assert gpu_summary.tables({}) == []
    assert len(gpu_summary.tables({"sweep": sweep(6e13)})) == 1
    assert len(gpu_summary.tables({"sweep": {"exit": 1}, "compare": {"runs": RUNS, "left_out": {}}})) == 3
    found = gpu_summary.verdicts({"sweep": sweep(6e13), "compare": {"runs": RUNS, "left_out": {}}})
    assert [each["met"] for each in found["targets"]] == [True, True, True, False, None]
    assert [each["verdict"] for each in found["quality"]] == ["not measured"] * 3
    assert [each["fraction_sweep"] for each in found["bounds"]] == [200e6 / 6e9, 200e6 / 8e8]
    assert found["speeds"]["gensim"] == 4e6


# ---- the script


@pytest.fixture
def options(tmp_path: Path) -> argparse.Namespace:
    (tmp_path / "corpus").write_text(" ".join(WORDS) * 5)
    return argparse.Namespace(corpus=str(tmp_path / "corpus"), epochs=2, output=tmp_path / "gpu.json")


def fake_compare(monkeypatch: pytest.MonkeyPatch, failing: str = "") -> None:
    """Replace compare.py; the failing run has written one measurement before it fails."""

    def done(command: list[str], **_: object) -> SimpleNamespace:
        output = Path(command[command.index("--output") + 1])
        output.write_text(json.dumps(run(7.0)))
        return SimpleNamespace(returncode=int(output.stem == f"gpu-{failing}"))

    monkeypatch.setattr(subprocess, "run", done)


def nothing() -> None:
    """Replaces writing the report."""


def test_gensim_is_left_out_if_it_is_not_installed(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_compare(monkeypatch)
    monkeypatch.setattr(gpu_check, "find_spec", lambda name: None if name == "gensim" else object())
    part: dict[str, Any] = {}
    gpu_check.run_comparison(options, part, nothing)
    assert list(part["runs"]) == ["gpu", "cpu", "autograd"]
    assert part["left_out"] == {"gensim": "gensim is not installed"}
    assert "exit" not in part
    assert [path.name for path in options.output.parent.glob("*.json")] == []
    monkeypatch.setattr(gpu_check, "find_spec", lambda name: object())
    gpu_check.run_comparison(options, part, nothing)
    assert list(part["runs"]) == ["gpu", "cpu", "autograd", "gensim"]
    assert part["left_out"] == {}


def test_a_failed_comparison_keeps_the_others(options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_compare(monkeypatch, failing="autograd")
    monkeypatch.setattr(gpu_check, "find_spec", lambda name: object())
    part: dict[str, Any] = {}
    gpu_check.run_comparison(options, part, nothing)
    assert list(part["runs"]) == ["gpu", "cpu", "autograd", "gensim"]
    assert part["left_out"] == {"autograd": "compare.py ended with exit code 1"}
    assert part["exit"] == 1


def test_engines_are_compared_at_equal_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_check, "DEVICE", torch.device("cuda"))
    gpu, cpu, autograd, gensim = (
        vars(compare.parse_arguments(["corpus", *own])) for own in gpu_check.comparisons().values()
    )
    assert {name: value for name, value in gpu.items() if value != cpu[name]} == {"device": "cuda"}
    assert (gpu["engine"], gpu["systems"], gpu["rounds"], gpu["quality"]) == ("fused", ["ours"], 3, True)
    assert (autograd["engine"], autograd["device"], autograd["threads"]) == ("autograd", "cuda", 1)
    assert (gensim["systems"], gensim["threads"]) == (["gensim"], gpu["threads"])
    settings = ("epochs", "dim", "window", "negatives", "subsample", "words")
    assert [gensim[name] for name in settings] == [gpu[name] for name in settings]


def test_sweep_continues_after_a_precision_that_does_not_compile(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Trainings:
        kept = 0.5

        def __init__(self, config: object) -> None:
            self.config = config

        def train(self, precision: str, programs: int, epochs: int) -> dict[str, Any]:
            if precision == "tf32":
                raise gpu_check.ConfigError("too large")
            return {"seconds": 1.0, "words_per_second": programs, "pairs_per_word": 4.0, "loss": None} | dict.fromkeys(
                ("wordsim353", "simlex999", "analogies")
            )

    monkeypatch.setattr(gpu_check, "Trainings", Trainings)
    monkeypatch.setattr(gpu_check, "PROGRAMS_PER_MULTIPROCESSOR", (1,))
    monkeypatch.setattr(gpu_check, "COPIED_FLOATS", 100)
    part: dict[str, Any] = {}
    gpu_check.run_sweep(options, part, nothing)
    assert [row.get("error") for row in part["rows"]] == [None, "too large", None]
    ieee, tf32, _, cbow = cells(capsys.readouterr().out.strip())
    assert ieee[5] == "diverged"
    assert tf32[4:6] == ["not compiled", "not compiled"]
    assert cbow[:3] == ["cbow", "ieee", ieee[2]]


def test_a_failed_part_keeps_the_others_and_those_of_earlier_calls(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(options: object, part: dict[str, Any], save: object) -> None:
        part["rows"] = []
        raise RuntimeError("an illegal memory access was encountered")

    def works(options: object, part: dict[str, Any], save: object) -> None:
        part |= {"runs": RUNS, "left_out": {}}

    monkeypatch.setattr(gpu_check, "PARTS", {"sweep": breaks, "compare": works})
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    options.output.write_text(json.dumps({"tests": {"summary": "9 passed"}}))
    arguments = [options.corpus, "--output", str(options.output)]
    assert gpu_check.main([*arguments, "--parts", "compare"]) == 0
    assert gpu_check.main(arguments) == 1
    report = json.loads(options.output.read_text())
    assert report["tests"] == {"summary": "9 passed"}
    assert report["sweep"]["error"] == "RuntimeError"
    assert report["compare"]["commit"]
    assert report["verdicts"]["targets"][3]["met"] is False
    assert str(options.output.parent) not in options.output.read_text()
    shown = capsys.readouterr()
    assert "illegal memory access" in shown.err
    assert "not met" in shown.out


def test_failed_tests_are_listed(options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "..F\nFAILED tests/engines/test_gpu.py::test_one - AssertionError\n1 failed, 2 passed in 3.00s\n"
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1, stdout=said, stderr=""))
    part: dict[str, Any] = {}
    gpu_check.run_tests(options, part, nothing)
    assert part == {
        "exit": 1,
        "summary": "1 failed, 2 passed in 3.00s",
        "failed": ["FAILED tests/engines/test_gpu.py::test_one - AssertionError"],
    }

    def hangs(command: list[str], timeout: float, **_: object) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", hangs)
    gpu_check.run_tests(options, part, nothing)
    assert (part["exit"], part["summary"]) == (1, "stopped after 540 s")


def test_sweep_runs_in_the_interpreter(options: argparse.Namespace) -> None:
    code = (
        "import sys, gpu_check; gpu_check.PROGRAMS_PER_MULTIPROCESSOR = (1, 2); gpu_check.PRECISIONS = ('ieee',); "
        "sys.exit(gpu_check.main(sys.argv[1:]))"
    )
    arguments = [options.corpus, "--parts", "sweep", "--epochs", "1", "--output", str(options.output)]
    environment = os.environ | {"TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""}
    environment["PYTHONPATH"] = str(Path(gpu_check.__file__).parent)
    done = subprocess.run([sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    report = json.loads(options.output.read_text())
    found = report["sweep"]
    assert [each["programs"] for each in found["rows"]] == [each["programs"] for each in found["cbow"]] == [1, 2]
    assert 0 < found["cbow"][0]["pairs_per_word"] < found["rows"][0]["pairs_per_word"]
    assert found["rows"][0]["loss"] == found["rows"][1]["loss"]  # in the interpreter, programs run one after another
    assert found["gpu_rates"]["copied_bytes_per_second"] > 0
    assert found["gpu_rates"]["float32_per_second"] is None
    assert found["costs"]["pairs"] == pytest.approx(found["rows"][0]["pairs_per_word"])
    assert report["verdicts"]["bounds"][1]["fraction_sweep"] > 0
    assert done.stdout.count("ieee") == 4
    assert done.stdout.count("cbow") == 2
    assert "not known" in done.stdout
    assert str(options.output.parent) not in options.output.read_text()


def test_words_outside_the_vocabulary_are_not_kept(tmp_path: Path) -> None:
    (tmp_path / "corpus").write_text("to be or not to be " * 10 + "once " * 4)
    config = gpu_check.TrainConfig(corpus=(str(tmp_path / "corpus"),), subsample=0)
    assert gpu_check.Trainings(config).kept == 60 / 64
