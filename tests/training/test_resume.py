"""Runs that resume: to the same bytes, with other threads or engines, and never as another run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import topic_text
from tests.training.interruptions import killed, many_checkpoints, unfinished
from tests.training.topics import contents, margin, results, small, untimed_lines, words_after_epochs
from word2vec.cli import run as command
from word2vec.config import PHRASE_SETTINGS, SETTINGS
from word2vec.errors import ConfigError, CorpusError, FormatError, TrainingError
from word2vec.formats.run import CHECKPOINT_FILE
from word2vec.training import train
from word2vec.training.checkpoint import read_checkpoint
from word2vec.training.resume import find_checkpoint, find_run, saved_settings
from word2vec.vectors.word_vectors import WordVectors

MODELS: dict[str, dict[str, Any]] = {
    "skipgram": {},
    "cbow": {"model": "cbow", "window_mode": "full"},
    "cbow-positions": {"model": "cbow", "position_weights": True, "window": 2},
    "skipgram-ngrams": {"subwords": "3-4", "window": 2},
    "cbow-ngrams": {"model": "cbow", "subwords": "3-4", "position_weights": True},
}
"""Settings of all models."""


@pytest.mark.parametrize(
    ("engine", "model"),
    [
        ("autograd", "skipgram"),
        ("fused", "skipgram"),
        ("autograd", "cbow"),
        ("plain", "cbow-positions"),
        ("plain", "skipgram-ngrams"),
        ("autograd", "cbow-ngrams"),
    ],
)
def test_a_run_killed_in_the_middle_of_epochs_resumes_to_the_same_bytes(
    engine: str, model: str, short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_checkpoints(monkeypatch)
    config = small(short_file, engine=engine, epochs=2, **MODELS[model])
    train(config, tmp_path / "whole")
    run, positions = tmp_path / "run", []
    for count in (1, 3):  # it dies twice, each time after some more checkpoints
        killed(config, run, count, monkeypatch, resume=True)
        saved = read_checkpoint(run)
        positions.append((saved.epoch, len(saved.shards), saved.metrics.words))
    assert any(shards for _, shards, _ in positions)
    assert positions == sorted(positions, key=lambda position: position[2])
    train(config, run, resume=True)
    assert results(run) == results(tmp_path / "whole")
    epochs = [
        [line for line in untimed_lines(folder) if line["kind"] == "epoch"] for folder in (run, tmp_path / "whole")
    ]
    assert epochs[0] == epochs[1]


def test_a_run_killed_between_two_epochs_resumes(
    topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, run = unfinished(topics_file, tmp_path / "run", monkeypatch), tmp_path / "run"
    saved = read_checkpoint(run)
    assert (saved.epoch, saved.shards, saved.finished, saved.metrics.words) == (2, [], False, 12_000)
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "step", "words": 12345, "lo')  # written between the checkpoint and the end
    train(config, run, resume=True)
    train(config, tmp_path / "whole")
    assert results(run) == results(tmp_path / "whole")
    assert untimed_lines(run) == untimed_lines(tmp_path / "whole")


@pytest.mark.parametrize(("engine", "threads"), [("fused", 3), ("autograd", 1), ("autograd", 2)])
def test_engine_and_threads_may_change(
    engine: str, threads: int, topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        many_checkpoints(patch)
        killed(small(topics_file, threads=2), tmp_path / "run", 8, patch)
    assert len(read_checkpoint(tmp_path / "run").shards) == 2
    assert margin(train(small(topics_file, engine=engine, threads=threads), tmp_path / "run", resume=True)) > 0.5
    assert words_after_epochs(tmp_path / "run") == [6_000, 12_000, 18_000, 24_000, 30_000]


@pytest.mark.parametrize("model", ["skipgram", "cbow-positions"])
def test_a_finished_run_may_train_more_epochs(model: str, short_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(small(short_file, epochs=2, **MODELS[model]), run)
    assert read_checkpoint(run).finished
    assert (run / CHECKPOINT_FILE).stat().st_size < 6_000  # the tables of words are in vectors.safetensors
    train(small(short_file, epochs=4, **MODELS[model]), run, resume=True)
    epochs = [line for line in untimed_lines(run) if line["kind"] == "epoch"]
    assert [line["epoch"] for line in epochs] == [1, 2, 3, 4]
    assert epochs[-1]["words"] == 4_800
    # the learning rate continues on the line over four epochs: at the end of the third a quarter is left
    assert epochs[2]["lr"] == pytest.approx(0.1 + (1e-4 - 0.1) * 0.75)


def test_without_a_checkpoint_training_starts_from_scratch(
    short_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "word2vec")
    train(small(short_file), tmp_path / "whole")
    train(small(short_file), tmp_path / "run", resume=True)
    assert results(tmp_path / "run") == results(tmp_path / "whole")
    assert f"{tmp_path / 'run'} contains no checkpoint; training starts from scratch" in caplog.messages


def test_a_run_is_replaced_only_on_request(short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    train(small(short_file, dim=4), run)
    before = contents(run)
    with pytest.raises(TrainingError, match=r"run contains a finished run; add --overwrite"):
        train(small(short_file), run)
    with pytest.raises(ConfigError, match="--resume and --overwrite contradict each other"):
        train(small(short_file), run, resume=True, overwrite=True)
    assert contents(run) == before
    train(small(short_file), run, overwrite=True)
    assert WordVectors.load(run).dim == 16
    assert saved_settings(run)["dim"] == 16
    unfinished(short_file, tmp_path / "other", monkeypatch)
    train(small(short_file, dim=4), tmp_path / "other", overwrite=True)
    assert WordVectors.load(tmp_path / "other").dim == 4


def test_exported_vectors_are_replaced_only_on_request(short_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(small(short_file, epochs=1)).save(run)
    before = contents(run)
    with pytest.raises(TrainingError, match="contains vectors without a checkpoint; add --overwrite"):
        train(small(short_file), run)
    with pytest.raises(TrainingError, match="contains vectors without a checkpoint; replace --resume by --overwrite"):
        train(small(short_file), run, resume=True)
    assert contents(run) == before
    train(small(short_file, epochs=1), run, overwrite=True)
    assert read_checkpoint(run).finished


def test_a_damaged_checkpoint_is_replaced_only_on_request(short_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(small(short_file, epochs=1), run)
    (run / CHECKPOINT_FILE).write_bytes(b"damaged")
    with pytest.raises(FormatError):
        find_checkpoint(run, resume=False)
    assert find_checkpoint(run, resume=False, overwrite=True) is None


def test_a_corpus_may_move(short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unfinished(short_file, tmp_path / "run", monkeypatch)
    moved = short_file.rename(tmp_path / "moved.txt")
    train(small(moved), tmp_path / "run", resume=True)
    assert read_checkpoint(tmp_path / "run").finished


# What is rejected


def test_an_unfinished_run_is_not_overwritten(
    short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    config = unfinished(short_file, run, monkeypatch)
    before = contents(run)
    with pytest.raises(TrainingError, match=r"unfinished run \(epoch 3 of 5\); add --resume"):
        train(config, run)
    assert contents(run) == before
    found = find_run(run, config)
    assert found is not None
    assert not found.finished
    assert find_run(run, replace(config, dim=17)) is None
    (run / CHECKPOINT_FILE).unlink()
    assert find_run(run, config) is None
    train(config, run)
    assert read_checkpoint(run).finished


OTHER_VALUES: dict[str, Any] = {
    "objective": "warp",
    "dim": 8,
    "window": 3,
    "negatives": 2,
    "noise_exponent": 0.5,
    "subsample": 0.01,
    "min_count": 2,
    "max_vocab": 10,
    "lowercase": True,
    "lr": 0.2,
    "min_lr": 1e-3,
    "batch_size": 32,
    "seed": 2,
    "window_mode": "fixed",
    "tokenizer": "words",
    "column": "text",
    "validation": 0.1,
    "model": "cbow",
    "subwords": "3-6",
    "buckets": 1000,
    "refine": True,
    "deterministic": True,
    "position_weights": True,
    "freeze": "known",
    "new_words": False,
    "anchor": True,
    "phrases": 1,
    "phrase_scoring": "npmi",
    "phrase_threshold": 0.5,
    "phrase_min_count": 7,
    "phrase_delimiter": "+",
    "connector_words": "english",
}


def test_settings_that_affect_the_result_must_not_change(
    short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    config = unfinished(short_file, run, monkeypatch)
    before = contents(run)
    for name, value in OTHER_VALUES.items():
        needed: dict[str, Any] = {"model": "cbow"} if name == "position_weights" else {}
        needed |= {"start_from": "start"} if name in ("freeze", "new_words", "anchor") else {}
        needed |= {"phrases": 1} if name in PHRASE_SETTINGS else {}
        with pytest.raises(ConfigError) as caught:
            train(replace(config, **{name: value}, **needed), run, resume=True)
        option = "--" + name.replace("_", "-")
        assert "cannot resume with other settings (" in str(caught.value)
        assert f"{option} was {getattr(config, name)}, not {value}" in str(caught.value)
        assert contents(run) == before


def test_all_other_settings_may_change() -> None:
    assert set(OTHER_VALUES) == {name for name, (_, setting) in SETTINGS.items() if not setting.changeable_on_resume}


def test_the_corpus_must_not_change(short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    config = unfinished(short_file, run, monkeypatch)
    short_file.write_text(topic_text(200, seed=1))
    with pytest.raises(CorpusError, match=r"run cannot resume on another corpus \(fingerprint [0-9a-f]{8}, now"):
        train(config, run, resume=True)


def test_epochs_must_not_be_fewer_than_started(
    short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = unfinished(short_file, tmp_path / "run", monkeypatch)
    with pytest.raises(ConfigError, match="run is already in epoch 2; increase --epochs, which is 1"):
        train(replace(config, epochs=1), tmp_path / "run", resume=True)
    train(replace(config, epochs=2), tmp_path / "run", resume=True)
    assert read_checkpoint(tmp_path / "run").finished


# On the command line


def test_a_finished_run_is_kept_without_overwrite(
    short_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(tmp_path / "run")
    arguments = ["train", str(short_file), "--output", run, "--epochs", "1", "--dim", "4"]
    assert command(arguments) == 0
    assert f"wrote {run}: 18 words, 4 dimensions" in capsys.readouterr().err.splitlines()
    assert command(arguments) == 1
    assert capsys.readouterr().err.startswith(f"word2vec: {run} contains a finished run; add --overwrite")
    assert command([*arguments, "--overwrite"]) == 0
    assert command([*arguments, "--overwrite", "--resume"]) == 2


def test_resume_takes_the_settings_of_the_run(
    short_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(tmp_path / "run")
    assert command(["train", str(short_file), "--output", run, "--dim", "7", "--epochs", "1", "--resume"]) == 0
    assert command(["train", "--output", run, "--resume", "--epochs", "2"]) == 0
    assert WordVectors.load(run).dim == 7
    capsys.readouterr()
    assert command(["train", "--output", run, "--resume", "--dim", "8"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"word2vec: {run} cannot resume with other settings (--dim was 7, not 8)")


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_a_finished_run_with_ngrams_trains_more_epochs(model: str, short_file: Path, tmp_path: Path) -> None:
    # with a constant learning rate, one epoch and one more are the same as two
    options = ["--subwords", "3-6", "--model", model, "--dim", "8", "--threads", "1", "--validation", "0"]
    options += ["--lr", "0.05", "--min-lr", "0.05"]
    for run, epochs in ((tmp_path / "run", "1"), (tmp_path / "whole", "2")):
        assert command(["train", str(short_file), "--output", str(run), "--epochs", epochs, *options]) == 0
    first = WordVectors.load(tmp_path / "run")
    assert command(["train", "--output", str(tmp_path / "run"), "--resume", "--epochs", "2"]) == 0
    assert results(tmp_path / "run") == results(tmp_path / "whole")
    second = WordVectors.load(tmp_path / "run")
    assert first.subwords is not None
    assert second.subwords is not None
    for before, after in (
        (first.subwords.rows, second.subwords.rows),
        (first.subwords.word_rows, second.subwords.word_rows),
    ):
        assert not np.array_equal(before, after)  # type: ignore[arg-type]
    WordVectors.load(tmp_path / "run").save(tmp_path / "m.bin")
    np.testing.assert_array_equal(WordVectors.load(tmp_path / "m.bin")["unknown cat"], second["unknown cat"])


def test_resume_without_a_checkpoint_needs_a_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["train", "--output", str(tmp_path / "run"), "--resume"]) == 2
    assert capsys.readouterr().err.startswith("word2vec: no corpus given")
    assert not (tmp_path / "run").exists()
