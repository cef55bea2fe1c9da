"""The checkpoint file: the inverse of writing is reading, and damage of any kind is reported."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.interruptions import unfinished
from tests.training.topics import results, small
from word2vec.cli import run as command
from word2vec.config import TrainConfig
from word2vec.errors import FormatError
from word2vec.formats.run import CHECKPOINT_FILE, VECTORS_FILE
from word2vec.formats.tensor_file import write_checked
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.shards import Shard
from word2vec.training import checkpoint, train
from word2vec.training.checkpoint import Checkpoint, load_tables, read_checkpoint, write_checkpoint
from word2vec.training.metrics import MetricsState
from word2vec.vectors.word_vectors import WordVectors


def make_checkpoint() -> Checkpoint:
    """A checkpoint in the middle of an epoch."""
    state = {"random": torch.tensor([2**63 - 1, -5]), "loss": torch.tensor([0.1, 1e-300], dtype=torch.float64)}
    shards = [Shard([(3, 7), (9, 10)], (0, 4), 40, 2, 7, 0.1, 3, state), Shard([], (1, 4))]
    return Checkpoint(
        TrainConfig(epochs=3).as_dict(), "c", "v", "FusedEngine", 2, shards, MetricsState(12, 0.5, 15, 99)
    )


def test_a_checkpoint_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = make_checkpoint()
    model, other = (SkipGram(5, 3, torch.Generator().manual_seed(seed)) for seed in (0, 1))
    write_checkpoint(tmp_path, written, model.tables())
    found = read_checkpoint(tmp_path)
    for one, two in zip(found.shards, written.shards, strict=True):
        assert vars(one) | {"engine_state": None} == vars(two) | {"engine_state": None}
        assert one.engine_state.keys() == two.engine_state.keys()
        assert all(one.engine_state[name].equal(tensor) for name, tensor in two.engine_state.items())
    assert replace(found, shards=[]) == replace(written, shards=[])
    load_tables(tmp_path, found, other)
    assert other.input.equal(model.input)
    assert other.output.equal(model.output)


def test_shards_are_used_as_they_are_only_by_the_same_engine_and_threads() -> None:
    saved, offsets = make_checkpoint(), np.arange(11)
    assert saved.shards_for("FusedEngine", 2, offsets) is saved.shards
    for engine, threads in (("AutogradEngine", 2), ("FusedEngine", 3)):
        shards = saved.shards_for(engine, threads, offsets)
        assert shards is not None
        assert len(shards) == threads
        assert not any(shard.engine_state for shard in shards)
        assert sorted(place for shard in shards for unread in shard.unread for place in range(*unread)) == [
            3,
            4,
            5,
            6,
            9,
        ]
    assert replace(saved, shards=[]).shards_for("FusedEngine", 2, offsets) is None


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "three bytes": lambda data: data[:3],
    "last byte missing": lambda data: data[:-1],
    "half": lambda data: data[: len(data) // 2],
    "one byte more": lambda data: data + b"\0",
    "one bit": lambda data: data[:2000] + bytes([data[2000] ^ 1]) + data[2001:],
    "random bytes": lambda data: os.urandom(5000),
}


def test_a_damaged_checkpoint_is_reported(short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    config = unfinished(short_file, run, monkeypatch)
    path = run / CHECKPOINT_FILE
    original = path.read_bytes()
    for damage in DAMAGES.values():
        path.write_bytes(damage(original))
        for resume in (True, False):
            with pytest.raises(FormatError) as caught:
                train(config, run, resume=resume)
            assert str(caught.value).startswith(f"{path} is incomplete or corrupt (checksum mismatch")
            assert str(caught.value).endswith("remove it to restart")


def test_another_version_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "VERSION", 99)
        write_checkpoint(tmp_path, make_checkpoint(), {})
    with pytest.raises(FormatError, match="has version 99, not 3"):
        read_checkpoint(tmp_path)


def test_a_setting_of_another_version_is_reported(
    short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    unfinished(short_file, run, monkeypatch)
    saved = read_checkpoint(run)
    tables = {name: torch.zeros(18, 16) for name in ("input", "output")}
    write_checkpoint(run, replace(saved, settings=saved.settings | {"new_setting": 3}), tables)
    assert command(["train", "--output", str(run), "--resume"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "unknown setting 'new_setting'; it was written by another version of word2vec" in line


@pytest.mark.parametrize("name", ["epochs", "tensorboard", "window"])  # their values are the defaults
def test_a_setting_that_an_earlier_version_did_not_have_is_the_default(
    name: str, short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    unfinished(short_file, run, monkeypatch)
    saved = read_checkpoint(run)
    settings = {key: value for key, value in saved.settings.items() if key != name}
    tables = {key: torch.zeros(18, 16) for key in ("input", "output")}
    write_checkpoint(run, replace(saved, settings=settings), tables)
    assert command(["train", "--output", str(run), "--resume"]) == 0, capsys.readouterr().err
    assert read_checkpoint(run).finished


def test_a_run_of_version_2_holds_nothing_out(
    short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train(small(short_file), tmp_path / "whole")  # without validation
    run = tmp_path / "run"
    unfinished(short_file, run, monkeypatch)
    saved = read_checkpoint(run)
    model = SkipGram(18, 16)
    load_tables(run, saved, model)
    tables = {name: table.detach().clone() for name, table in model.tables().items()}
    settings = {name: value for name, value in saved.settings.items() if name != "validation"}
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "VERSION", 2)
        write_checkpoint(run, replace(saved, settings=settings), tables)
    assert command(["train", "--output", str(run), "--resume"]) == 0, capsys.readouterr().err
    assert results(run) == results(tmp_path / "whole")


def test_a_position_outside_the_corpus_is_rejected(
    short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the checksum is correct: made by someone who wants the compiled loop to read other memory
    run = tmp_path / "run"
    config = unfinished(short_file, run, monkeypatch)
    saved = read_checkpoint(run)
    tables = {name: torch.zeros(18, 16) for name in ("input", "output")}
    for unread in ([(0, 201)], [(-1, 5)], [(7, 3)]):
        write_checkpoint(run, replace(saved, shards=[Shard(unread, (0,))]), tables)
        with pytest.raises(FormatError, match="its position is outside the corpus; remove it to restart"):
            train(config, run, resume=True)


@pytest.mark.parametrize("facts", ["[]", "{}", "3", "{", '{"shards": [{"x": 1}]}'])
def test_invalid_facts_are_reported(facts: str, tmp_path: Path) -> None:
    write_checked(tmp_path / CHECKPOINT_FILE, {}, {checkpoint.VERSION_KEY: "2", "facts": facts})
    with pytest.raises(FormatError, match=r"is incomplete or corrupt \(.+\); remove it to restart"):
        read_checkpoint(tmp_path)


def replace_vectors(run: Path, *, change: float = 0, dim: int | None = None, output: bool = True) -> None:
    """Save other vectors in a run folder."""
    vectors = WordVectors.load(run)
    kept = vectors.output[:, :dim] if output and vectors.output is not None else None
    WordVectors(vectors.words, vectors.vectors[:, :dim] + change, counts=vectors.counts, output=kept).save(run)


REPLACEMENTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "other numbers": (lambda run: replace_vectors(run, change=1), "does not contain the tables of this run"),
    "other dimensions": (lambda run: replace_vectors(run, dim=15), "does not contain the tables of this run"),
    "no output table": (lambda run: replace_vectors(run, output=False), "does not contain the tables of this run"),
    "no file": (lambda run: (run / VECTORS_FILE).unlink(), "No such file or directory"),
}


@pytest.mark.parametrize("change", REPLACEMENTS)
def test_vectors_that_were_replaced_are_reported(change: str, short_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(small(short_file, epochs=1), run)
    replace_them, reason = REPLACEMENTS[change]
    replace_them(run)
    with pytest.raises(FormatError) as caught:
        train(small(short_file, epochs=2), run, resume=True)
    assert str(caught.value).startswith(str(run / VECTORS_FILE))
    assert reason in str(caught.value)
    assert str(caught.value).endswith(f"restore the file, or remove {run / CHECKPOINT_FILE} to restart")
