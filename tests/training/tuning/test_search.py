"""A complete search on a tiny corpus: what is trained, what is chosen, what is left after an interruption."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from word2vec.config import make_config, read_config
from word2vec.errors import ConfigError, TrainingError, TuningInterrupted, Word2VecError
from word2vec.training.tuning import TuningResult, schedule, search, space, trainer, tune
from word2vec.training.tuning.trials import Trial
from word2vec.vectors.word_vectors import WordVectors

SEARCHED = ("lr", "epochs")
DEFAULT = {"lr": 0.02, "epochs": 1, "subsample": 0.0}


def length(vectors: WordVectors) -> float:
    """Grows with the learning rate and the number of epochs."""
    return float(np.linalg.norm(vectors.vectors))


@pytest.fixture
def find(short_file: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., TuningResult]:
    """A search with seven settings, rungs of 7, 3 and 2 of them, and samples of at least 100 words."""
    monkeypatch.setattr(search, "MAX_SETTINGS", 7)
    monkeypatch.setattr(trainer, "smallest_sample", lambda words, vectors: 100 / words)
    monkeypatch.setattr(schedule, "MIN_SETTINGS", 2)

    def run(output: Path, measure: Any, **changes: Any) -> TuningResult:
        settings = DEFAULT | {"dim": 8, "threads": 1, "batch_size": 64} | changes
        fixed = ("window", "noise_exponent", "negatives", "subsample")
        return tune(str(short_file), output, measure=measure, fixed=fixed, **settings)

    return run


def lines(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (output / "trials.jsonl").read_text().splitlines()]


def test_the_best_settings_win(find: Callable[..., TuningResult], tmp_path: Path) -> None:
    result = find(tmp_path / "out", length)
    assert result.better
    assert result.changes
    assert "better than the default (" in result.verdict
    config = make_config(read_config(tmp_path / "out" / "config.toml"))
    assert config == result.config
    assert result.best == {name: getattr(config, name) for name in SEARCHED}
    assert config.lr is not None
    assert config.lr * config.epochs > 0.02
    assert config.dim == 8

    trials = lines(tmp_path / "out")
    assert [sum(trial["rung"] == rung for trial in trials) for rung in range(4)] == [7, 3, 2, 6]
    rungs = [[trial for trial in trials if trial["rung"] == rung] for rung in range(4)]
    assert [{trial["fraction"] for trial in rung} for rung in rungs] == [{0.111111}, {0.333333}, {1}, {1}]
    assert [rung[0]["setting"] for rung in rungs] == [0, 0, 0, 0]  # the default is in all of them
    for earlier, later in itertools.pairwise(rungs):
        ranked = sorted((t for t in earlier if t["setting"]), key=lambda t: -t["score"])
        assert {t["setting"] for t in later} == {0} | {t["setting"] for t in ranked[: len({*map(_id, later)}) - 1]}
    assert {(t["setting"], t["seed"]) for t in rungs[3]} == {
        (s, seed) for s in (0, result.setting) for seed in (2, 3, 4)
    }
    assert {t["held_out"] for t in trials} == {None}
    assert [t["elapsed"] for t in trials] == sorted(t["elapsed"] for t in trials)


def _id(trial: dict[str, Any]) -> int:
    return int(trial["setting"])


def test_the_held_out_half_decides_and_chooses_nothing(find: Callable[..., TuningResult], tmp_path: Path) -> None:
    result = find(tmp_path / "out", lambda vectors: (length(vectors), -length(vectors)))
    alone = find(tmp_path / "alone", length)
    assert result.best == alone.best
    assert result.comparison.better
    assert result.held_out
    assert not result.held_out.better
    assert not result.better
    assert "no better than the default on the held-out half" in result.verdict
    assert result.config.epochs == 1
    assert read_config(tmp_path / "out" / "config.toml")["lr"] == 0.02
    scored = [trial["rung"] for trial in lines(tmp_path / "out") if trial["held_out"] is not None]
    assert scored == [3] * 6


def test_noise_is_no_advantage(find: Callable[..., TuningResult], tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    result = find(tmp_path / "out", lambda vectors: float(draw.normal()))
    assert result.verdict.startswith("no better than the default")
    assert result.config.epochs == 1


def test_an_interrupted_search_is_resumed(find: Callable[..., TuningResult], tmp_path: Path) -> None:
    calls = 0

    def interrupted(vectors: WordVectors) -> float:
        nonlocal calls
        calls += 1
        if calls == 2 + 9:  # after two trainings that measure the speed
            raise KeyboardInterrupt
        return length(vectors)

    out = tmp_path / "out"
    with pytest.raises(TuningInterrupted, match=r"after 8 trainings; .*--resume") as caught:
        find(out, interrupted)
    assert caught.value.result.verdict.startswith("the search ended before")
    assert read_config(out / "config.toml")["epochs"] == 1
    before = (out / "trials.jsonl").read_text()
    assert len(before.splitlines()) == 8

    with pytest.raises(ConfigError, match="contains a search; add --resume or --overwrite"):
        find(out, length)
    with pytest.raises(ConfigError, match="its search has another measure"):
        find(out, length, resume=True)
    with pytest.raises(ConfigError, match="its search has another settings"):
        find(out, interrupted, resume=True, dim=9)

    with (out / "trials.jsonl").open("a") as file:
        file.write('{"setting": 3, "ru')  # a process was killed while it wrote
    calls = 100
    result = find(out, interrupted, resume=True)
    assert calls == 100 + 2 + 10
    after = (out / "trials.jsonl").read_text()
    assert after.startswith(before)
    assert len(after.splitlines()) == 18
    assert result.better
    assert find(out, interrupted, resume=True).best == result.best  # nothing is left to do
    assert (out / "trials.jsonl").read_text() == after

    (out / "trials.jsonl").write_text(before + "no JSON\n")
    with pytest.raises(Word2VecError, match=r"trials.jsonl, line 9: invalid"):
        find(out, interrupted, resume=True)


def test_the_budget_is_kept(find: Callable[..., TuningResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def slow(self: trainer.Trainer, values: Any, fraction: float, *args: Any, **kwargs: Any) -> trainer.Outcome:
        nonlocal now
        seconds = 1 + 60 * fraction * self.work.relative(values)
        seconds *= 1 if now < slow_from else slowdown  # other programs take most of the machine
        now += seconds
        return trainer.Outcome(values["lr"], None, seconds, None)

    monkeypatch.setattr(trainer.Trainer, "train", slow)
    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setattr(trainer, "WARM_UP_WORDS", 12)
    for minutes, slow_from, slowdown in ((8, 1e9, 1), (20, 1e9, 1), (20, 80, 6), (8, 80, 3)):
        now = 0.0
        trials = find(tmp_path / f"{minutes}-{slow_from}-{slowdown}", length, budget=minutes).trials
        assert 0.6 * 60 * minutes < now <= 60 * minutes
        assert {trial.rung for trial in trials} == {0, 1, 2, 3}
    with pytest.raises(ConfigError, match="raise --budget"):
        find(tmp_path / "little", length, budget=0.5)


def test_a_comparison_that_is_resumed_has_one_sample(
    find: Callable[..., TuningResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sample of the last rung, whatever a plan for the time that is left would choose."""
    now, speed, left = 0.0, 1.0, 0

    def train(self: trainer.Trainer, values: Any, fraction: float, *args: Any, **kwargs: Any) -> trainer.Outcome:
        nonlocal now, left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        seconds = (1 + 60 * fraction * self.work.relative(values)) / speed
        now += seconds
        return trainer.Outcome(values["lr"], None, seconds, None)

    monkeypatch.setattr(trainer.Trainer, "train", train)
    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setattr(trainer, "WARM_UP_WORDS", 12)
    out = tmp_path / "out"
    # two trainings measure the speed; then all 12 trainings of the rungs, and one more of the comparison at a time
    for trainings, relative_speed in ((2 + 12, 1.0), (2 + 1, 0.5), (2 + 1, 3.0)):
        left, speed = trainings, relative_speed
        with pytest.raises(TuningInterrupted):
            find(out, length, budget=8, resume=out.exists())
    left = 100
    trials = find(out, length, budget=8, resume=True).trials
    last_rung, compared = ([trial.fraction for trial in trials if trial.rung == rung] for rung in (2, 3))
    assert last_rung[0] < 1
    assert len(compared) >= 4
    assert {*compared} == {*last_rung}


def test_settings_that_diverge_are_reported_and_never_chosen(
    find: Callable[..., TuningResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "LR_FACTORS", (0.5, 1e4))
    result = find(tmp_path / "out", length)
    failed: list[Trial] = [trial for trial in result.trials if trial.error]
    assert failed
    assert all(trial.score is None and "diverged" in str(trial.error) for trial in failed)
    assert result.best
    assert result.best["lr"] < 1
    with pytest.raises(TrainingError, match="training diverged"):
        find(tmp_path / "other", length, lr=200.0)
    monkeypatch.setattr(space, "LR_FACTORS", (1e4,))
    monkeypatch.setattr(space, "EPOCH_FACTORS", ())
    alone = find(tmp_path / "alone", length)
    assert (alone.best, alone.better, alone.config.lr) == (None, False, 0.02)
    assert alone.verdict == "no settings but the default could be trained"
