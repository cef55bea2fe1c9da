"""Runs that stop and go on: the same bytes, nothing lost, and a clear no to what cannot go on."""

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.conftest import topic_text
from tests.training.test_loop import margin, small
from word2vec.cli import run as command
from word2vec.config import SETTINGS, TrainConfig
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.engines.cpu.objectives import COMPILED
from word2vec.errors import ConfigError, CorpusError, FormatError, TrainingError, TrainingInterrupted, Word2VecError
from word2vec.formats.run import CHECKPOINT_FILE, VECTORS_FILE
from word2vec.formats.tensor_file import write_checked
from word2vec.losses import LOSSES
from word2vec.sampling.shards import Shard
from word2vec.training import checkpoint, run_folder
from word2vec.training.checkpoint import Checkpoint, read_checkpoint
from word2vec.training.loop import train
from word2vec.training.metrics import Metrics
from word2vec.training.resume import saved_settings
from word2vec.training.run_folder import RunFolder
from word2vec.training.setup import LinearDecay
from word2vec.vectors.word_vectors import WordVectors

every_engine = pytest.mark.parametrize("engine", ["autograd", "fused"])


class Killed(BaseException):
    """Stands for kill -9: nothing that training has catches it, and nothing more is written."""


def kill_at(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let training die right behind the checkpoint of that number."""
    write, written = run_folder.write_checkpoint, []

    def dying(*arguments: Any) -> None:
        write(*arguments)
        written.append(arguments)
        if len(written) == count:
            monkeypatch.setattr(run_folder, "write_checkpoint", write)
            raise Killed

    monkeypatch.setattr(run_folder, "write_checkpoint", dying)


def killed(config: TrainConfig, run: Path, count: int, monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
    kill_at(count, monkeypatch)
    with pytest.raises(Killed):
        train(config, run, **options)


learning_rate = LinearDecay.__call__


def slowly(self: LinearDecay, epoch: int, words: int) -> float:
    """The learning rate, which engines request before each chunk or batch."""
    time.sleep(0.0005)
    return learning_rate(self, epoch, words)


def many_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint whenever the engine reports, and many reports in chunks of little work."""
    monkeypatch.setattr("word2vec.engines.base.REPORT_SECONDS", 0.005)
    monkeypatch.setattr("word2vec.engines.cpu.engine.CHUNK_WORDS", 20)
    monkeypatch.setattr("word2vec.sampling.datasets.CHUNK_PAIRS", 3000)
    monkeypatch.setattr(LinearDecay, "__call__", slowly)
    monkeypatch.setattr(RunFolder, "checkpoint_due", True)


def contents(run: Path, *besides: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.iterdir() if path.name not in besides}


def lines(run: Path) -> list[dict[str, Any]]:
    """What metrics.jsonl says, without the times."""
    times = ("words_per_second", "elapsed_seconds")
    read = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in times} for line in read]


# Going on


@every_engine
@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_run_that_goes_on_ends_in_the_same_bytes(
    engine: str, count: int, topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_checkpoints(monkeypatch)
    topics_file.write_text(topic_text(200))
    config = small(topics_file, engine=engine, epochs=3)
    train(config, tmp_path / "whole")
    killed(config, tmp_path / "run", count, monkeypatch)
    killed(config, tmp_path / "run", count, monkeypatch, resume=True)
    train(config, tmp_path / "run", resume=True)
    log = ("metrics.jsonl", CHECKPOINT_FILE)
    assert contents(tmp_path / "run", *log) == contents(tmp_path / "whole", *log)
    epochs = [[line for line in lines(tmp_path / name) if line["kind"] == "epoch"] for name in ("run", "whole")]
    assert epochs[0] == epochs[1]


def test_a_run_killed_between_two_epochs_goes_on(
    topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small(topics_file)
    train(config, tmp_path / "whole")
    killed(config, tmp_path / "run", 2, monkeypatch)
    saved = read_checkpoint(tmp_path / "run")
    assert (saved.epoch, saved.shards, saved.finished, saved.log.words) == (2, [], False, 12_000)
    with (tmp_path / "run/metrics.jsonl").open("a") as file:
        file.write('{"kind": "step", "words": 12345, "lo')  # what training wrote before it was killed
    train(config, tmp_path / "run", resume=True)
    assert contents(tmp_path / "run", "metrics.jsonl", CHECKPOINT_FILE) == contents(
        tmp_path / "whole", "metrics.jsonl", CHECKPOINT_FILE
    )
    assert lines(tmp_path / "run") == lines(tmp_path / "whole")


def test_elapsed_time_goes_on(topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(small(topics_file), tmp_path / "run", 3, monkeypatch)
    train(small(topics_file), tmp_path / "run", resume=True)
    times = [json.loads(line)["elapsed_seconds"] for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert times == sorted(times)


@pytest.mark.parametrize(("engine", "threads"), [("fused", 3), ("autograd", 1), ("autograd", 2)])
def test_engine_and_threads_may_change(
    engine: str, threads: int, topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_checkpoints(monkeypatch)
    killed(small(topics_file, threads=2), tmp_path / "run", 8, monkeypatch)
    saved = read_checkpoint(tmp_path / "run")
    assert len(saved.shards) == 2
    monkeypatch.undo()
    monkeypatch.setenv("WORD2VEC_CACHE", str(tmp_path / "cache"))
    assert margin(train(small(topics_file, engine=engine, threads=threads), tmp_path / "run", resume=True)) > 0.5
    epochs = [line["words"] for line in lines(tmp_path / "run") if line["kind"] == "epoch"]
    assert epochs == [6_000, 12_000, 18_000, 24_000, 30_000]


def test_a_finished_run_takes_more_epochs(topics_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(small(topics_file, epochs=2), run)
    assert read_checkpoint(run).finished
    assert (run / CHECKPOINT_FILE).stat().st_size < 5_000  # the tables are in vectors.safetensors
    train(small(topics_file, epochs=4), run, resume=True)
    epochs = [line for line in lines(run) if line["kind"] == "epoch"]
    assert [line["epoch"] for line in epochs] == [1, 2, 3, 4]
    assert epochs[-1]["words"] == 24_000
    # the rate follows the line over four epochs: at the end of the third a quarter is left
    assert epochs[2]["lr"] == pytest.approx(0.1 + (1e-4 - 0.1) * 0.75)


def test_a_finished_run_with_nothing_to_do_is_left_alone(
    topics_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "word2vec")
    first = train(small(topics_file), tmp_path / "run")
    before = contents(tmp_path / "run")
    again = train(small(topics_file), tmp_path / "run", resume=True)
    assert contents(tmp_path / "run") == before
    assert np.array_equal(first.vectors, again.vectors)
    assert f"{tmp_path / 'run'} has all its 5 epochs already; give more --epochs to go on" in caplog.messages


def test_without_a_checkpoint_resume_begins(
    topics_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "word2vec")
    train(small(topics_file), tmp_path / "whole")
    train(small(topics_file), tmp_path / "run", resume=True)
    assert contents(tmp_path / "run", "metrics.jsonl", CHECKPOINT_FILE) == contents(
        tmp_path / "whole", "metrics.jsonl", CHECKPOINT_FILE
    )
    assert f"{tmp_path / 'run'} contains no checkpoint: training starts from scratch" in caplog.messages


@every_engine
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_was_interrupted_goes_on_exactly(
    engine: str, number: int, topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_checkpoints(monkeypatch)
    monkeypatch.setattr(RunFolder, "checkpoint_due", False)
    topics_file.write_text(topic_text(200))
    config = small(topics_file, engine=engine)
    train(config, tmp_path / "whole")
    step = Metrics.step

    def interrupted(self: Metrics, *arguments: Any) -> None:
        step(self, *arguments)
        if self.words > 1_200:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(Metrics, "step", interrupted)
    with pytest.raises(TrainingInterrupted) as caught:
        train(config, tmp_path / "run")
    assert 1_200 < caught.value.words < 2_400
    assert len(WordVectors.load(tmp_path / "run")) == 18
    monkeypatch.setattr(Metrics, "step", step)
    train(config, tmp_path / "run", resume=True)
    assert contents(tmp_path / "run", "metrics.jsonl", CHECKPOINT_FILE) == contents(
        tmp_path / "whole", "metrics.jsonl", CHECKPOINT_FILE
    )


@pytest.mark.parametrize("saved", [True, False])
def test_no_moment_of_saving_loses_the_run(
    saved: bool, topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the checkpoint of the two epochs before names vectors that are replaced at the end of the third
    run = tmp_path / "run"
    train(small(topics_file, epochs=2), run)
    write = RunFolder.write_result

    def dying(self: RunFolder) -> WordVectors:
        if saved:
            write(self)
        raise Killed

    monkeypatch.setattr(RunFolder, "write_result", dying)
    with pytest.raises(Killed):
        train(small(topics_file, epochs=3), run, resume=True)
    monkeypatch.setattr(RunFolder, "write_result", write)
    train(small(topics_file, epochs=2), tmp_path / "whole")
    train(small(topics_file, epochs=3), tmp_path / "whole", resume=True)
    train(small(topics_file, epochs=3), run, resume=True)
    assert contents(run, "metrics.jsonl", CHECKPOINT_FILE) == contents(
        tmp_path / "whole", "metrics.jsonl", CHECKPOINT_FILE
    )
    assert lines(run) == lines(tmp_path / "whole")
    assert read_checkpoint(run).finished


# Where a run does not go on


def unfinished(topics_file: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    config = small(topics_file)
    killed(config, run, 2, monkeypatch)
    return config


def test_an_unfinished_run_is_not_overwritten(
    topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    config = unfinished(topics_file, run, monkeypatch)
    before = contents(run)
    with pytest.raises(TrainingError) as caught:
        train(config, run)
    assert str(caught.value) == (
        f"{run} holds the checkpoint of an unfinished run (epoch 3 of 5): add --resume to go on, "
        f"choose another --output, or remove {run / CHECKPOINT_FILE} to begin anew"
    )
    assert contents(run) == before
    (run / CHECKPOINT_FILE).unlink()
    train(config, run)


def test_a_finished_run_is_replaced(topics_file: Path, tmp_path: Path) -> None:
    train(small(topics_file, dim=4), tmp_path / "run")
    train(small(topics_file), tmp_path / "run")
    assert WordVectors.load(tmp_path / "run").dim == 16
    assert saved_settings(tmp_path / "run")["dim"] == 16


OTHER: dict[str, Any] = {
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
}


@pytest.mark.parametrize("name", OTHER)
def test_other_settings_are_refused_by_name(
    name: str, topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    config = unfinished(topics_file, run, monkeypatch)
    before = contents(run)
    with pytest.raises(ConfigError) as caught:
        train(replace(config, **{name: OTHER[name]}), run, resume=True)
    option = "--" + name.replace("_", "-")
    was = getattr(config, name)
    assert f"cannot go on with other settings ({option} was {was}, not {OTHER[name]}): leave" in str(caught.value)
    assert contents(run) == before


def test_every_setting_may_change_or_is_refused() -> None:
    assert set(OTHER) == {name for name, (_, setting) in SETTINGS.items() if not setting.changeable_on_resume}


def test_another_text_is_refused(topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    config = unfinished(topics_file, run, monkeypatch)
    topics_file.write_text(topic_text(seed=1))
    with pytest.raises(CorpusError, match=r"run cannot go on with another text: the corpus was [0-9a-f]{8} and is now"):
        train(config, run, resume=True)


def test_a_text_that_was_moved_is_the_same(topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unfinished(topics_file, tmp_path / "run", monkeypatch)
    moved = topics_file.rename(tmp_path / "moved.txt")
    train(small(moved), tmp_path / "run", resume=True)
    assert read_checkpoint(tmp_path / "run").finished


def test_fewer_epochs_than_begun_are_refused(
    topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = unfinished(topics_file, tmp_path / "run", monkeypatch)
    with pytest.raises(ConfigError, match="run is in epoch 2 already: --epochs 1 is too few to go on"):
        train(replace(config, epochs=1), tmp_path / "run", resume=True)
    train(replace(config, epochs=2), tmp_path / "run", resume=True)
    assert read_checkpoint(tmp_path / "run").finished


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "short": lambda data: data[:3],
    "cut": lambda data: data[:-1],
    "half": lambda data: data[: len(data) // 2],
    "longer": lambda data: data + b"\0",
    "one bit": lambda data: data[:2000] + bytes([data[2000] ^ 1]) + data[2001:],
    "garbage": lambda data: os.urandom(5000),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("resume", [True, False])
def test_a_damaged_checkpoint_is_told(
    damage: str, resume: bool, topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    config = unfinished(topics_file, run, monkeypatch)
    path = run / CHECKPOINT_FILE
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(FormatError) as caught:
        train(config, run, resume=resume)
    assert str(caught.value) == (
        f"{path} is incomplete or corrupt (checksum mismatch: the file is damaged or truncated); remove it to restart"
    )


def test_a_newer_version_is_told(topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "VERSION", 99)
    config = unfinished(topics_file, tmp_path / "run", monkeypatch)
    monkeypatch.setattr(checkpoint, "VERSION", 2)
    with pytest.raises(FormatError, match="has version 99, not 2: use the word2vec that wrote it, or remove it"):
        train(config, tmp_path / "run", resume=True)


def test_a_place_outside_of_the_corpus_is_refused(
    topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # its checksum is right: made by someone who wants the compiled loop to read other memory
    run = tmp_path / "run"
    config = unfinished(topics_file, run, monkeypatch)
    saved = read_checkpoint(run)
    tables = {name: torch.zeros(18, 16) for name in ("input", "output")}
    for unread in ([(0, 1001)], [(-1, 5)], [(7, 3)]):
        checkpoint.write_checkpoint(run, replace(saved, shards=[Shard(unread, (0,))]), tables)
        with pytest.raises(FormatError, match="its position is outside the corpus; remove it to restart"):
            train(config, run, resume=True)


def test_facts_that_are_none_are_told(topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    config = unfinished(topics_file, run, monkeypatch)
    for facts in ("[]", "{}", "3", "{", '{"shards": [{"x": 1}]}'):
        write_checked(run / CHECKPOINT_FILE, {}, {checkpoint.VERSION_KEY: "2", "facts": facts})
        with pytest.raises(FormatError, match=r"is incomplete or corrupt \(.+\); remove it to restart"):
            train(config, run, resume=True)


def other_tables(run: Path, *, change: float = 0, dim: int | None = None, output: bool = True) -> None:
    vectors = WordVectors.load(run)
    kept = vectors.output[:, :dim] if output and vectors.output is not None else None
    WordVectors(vectors.words, vectors.vectors[:, :dim] + change, counts=vectors.counts, output=kept).save(run)


OTHER_TABLES = "{} does not contain the tables of this run: training cannot resume"
OTHER_VECTORS: dict[str, tuple[Callable[[Path], object], str]] = {
    "others": (
        lambda run: other_tables(run, change=1),
        "{} does not contain the tables of this run: training cannot resume",
    ),
    "shorter": (
        lambda run: other_tables(run, dim=15),
        "{} does not contain the tables of this run: training cannot resume",
    ),
    "one table": (
        lambda run: other_tables(run, context=False),
        "{} does not contain the tables of this run: training cannot resume",
    ),
    "none": (lambda run: (run / VECTORS_FILE).unlink(), "{0} cannot be read: No such file or directory: {0}"),
}


@pytest.mark.parametrize("change", OTHER_VECTORS)
def test_vectors_that_were_replaced_are_noticed(change: str, topics_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(small(topics_file, epochs=1), run)
    replace_vectors, expected = OTHER_VECTORS[change]
    replace_vectors(run)
    with pytest.raises(FormatError) as caught:
        train(small(topics_file, epochs=2), run, resume=True)
    remedy = f"restore the file, or remove {run / CHECKPOINT_FILE} to restart"
    assert str(caught.value) == f"{expected.format(run / VECTORS_FILE)}; {remedy}"


def test_a_checkpoint_that_cannot_be_written_does_not_end_training(
    topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise Word2VecError("cannot write it: No space left on device")

    monkeypatch.setattr(run_folder, "write_checkpoint", full)
    assert margin(train(small(topics_file), tmp_path / "run")) > 0.6
    assert "cannot write it: No space left on device; training continues without a new checkpoint" in caplog.messages


@every_engine
@pytest.mark.parametrize("objective", sorted(LOSSES))
def test_a_learning_rate_of_100_is_caught_within_an_epoch(
    engine: str, objective: str, topics_file: Path, tmp_path: Path
) -> None:
    if engine == "fused" and (LOSSES[objective] not in COMPILED or objective == "wmrb"):
        pytest.skip("not trained by this engine, or, with so few words, soon without a gradient")
    config = small(topics_file, engine=engine, objective=objective, lr=100.0, epochs=1, batch_size=1024)
    with pytest.raises(TrainingError, match=r"^training diverged in epoch 1: .* restart with a lower --lr"):
        train(config, tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").glob("*")] in ([], ["metrics.jsonl"])


@every_engine
def test_divergence_leaves_the_last_good_checkpoint(
    engine: str, topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    config = small(topics_file, engine=engine)
    killed(config, run, 1, monkeypatch)
    good = (run / CHECKPOINT_FILE).read_bytes()
    monkeypatch.setattr(LinearDecay, "__call__", lambda *_: 1e30)
    with pytest.raises(TrainingError, match=r"training diverged in epoch 2: "):
        train(config, run, resume=True)
    assert (run / CHECKPOINT_FILE).read_bytes() == good
    assert not (run / "vectors.safetensors").exists()


def test_no_checkpoint_is_written_of_what_is_no_number(topics_file: Path, tmp_path: Path) -> None:
    model = torch.nn.Module()
    model.input = model.output = torch.nn.Parameter(torch.tensor([[1.0, torch.nan]]))
    start = Checkpoint({}, "", "", "")
    folder = RunFolder(tmp_path, model, Vocabulary(["a"], np.ones(1)), TrainConfig(), start)  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match="diverged in epoch 3: the vectors contain numbers up to nan"):
        folder.save_checkpoint(3, [Shard([], (0,))], start.metrics)
    assert not (tmp_path / CHECKPOINT_FILE).exists()


# On the command line


def test_resume_takes_the_settings_of_the_run(
    topics_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(tmp_path / "run")
    assert command(["train", str(topics_file), "--output", run, "--dim", "7", "--epochs", "1", "--resume"]) == 0
    assert command(["train", "--output", run, "--resume", "--epochs", "2"]) == 0
    assert WordVectors.load(run).dim == 7
    capsys.readouterr()
    assert command(["train", "--output", run, "--resume", "--dim", "8"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"word2vec: {run} cannot resume with other settings (--dim was 7, not 8): keep them, or choose another --output"
    )


def test_resume_without_a_checkpoint_and_a_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["train", "--output", str(tmp_path / "run"), "--resume"]) == 2
    assert capsys.readouterr().err.startswith("word2vec: no CORPUS")
    assert not (tmp_path / "run").exists()
