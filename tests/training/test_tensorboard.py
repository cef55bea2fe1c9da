"""What `train --tensorboard` writes, read back as TensorBoard would."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from word2vec.cli import run
from word2vec.config import TrainConfig, read_config
from word2vec.errors import ConfigError, Word2VecError
from word2vec.training import tensorboard
from word2vec.training.loop import train
from word2vec.training.tensorboard import Board
from word2vec.vectors.word_vectors import WordVectors


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    events = EventAccumulator(str(folder))
    events.Reload()
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def small(corpus: Path, **settings: object) -> TrainConfig:
    chosen = {"dim": 8, "epochs": 2, "subsample": 0.0, "threads": 1, "tensorboard": True}
    return TrainConfig(corpus=(str(corpus),), **chosen | settings)  # type: ignore[arg-type]


def test_it_holds_what_the_log_holds(topics_file: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "mine.csv"
    pairs.write_text("cat,dog,9\nred,green,8\ncat,red,1\n")
    train(small(topics_file, pairs=(str(pairs),)), tmp_path / "run")
    found = scalars(tmp_path / "run" / "tensorboard")
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert len(lines) >= 4
    for name in ("loss", "words_per_second", "lr"):
        assert [step for step, _ in found[name]] == [line["words"] for line in lines]
        assert [value for _, value in found[name]] == pytest.approx([line[name] for line in lines], rel=1e-6)
    epochs = [(line["words"], line["similarity"]["mine"]) for line in lines if line["kind"] == "epoch"]
    assert found["similarity/mine"] == [(words, pytest.approx(value, rel=1e-6)) for words, value in epochs]
    assert set(found) == {"loss", "words_per_second", "lr", "similarity/mine"}


def test_what_is_learnt_is_the_same_with_it(topics_file: Path, tmp_path: Path) -> None:
    # 20 numbers a row: the engines keep room between the rows while they train
    config = small(topics_file, dim=20, epochs=3)
    with_it = train(config, tmp_path / "with")
    without = train(replace(config, tensorboard=False), tmp_path / "without")
    assert np.array_equal(with_it.vectors, without.vectors)


def test_a_run_that_goes_on_keeps_what_was_written(topics_file: Path, tmp_path: Path) -> None:
    train(small(topics_file, epochs=1), tmp_path / "run")
    before = scalars(tmp_path / "run" / "tensorboard")["loss"]
    train(small(topics_file, epochs=2), tmp_path / "run", resume=True)
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    after = scalars(tmp_path / "run" / "tensorboard")["loss"]
    assert after[: len(before)] == before
    assert [step for step, _ in after] == [line["words"] for line in lines]


def test_the_projector_gets_the_words_of_each_epoch(topics_file: Path, tmp_path: Path) -> None:
    vectors = train(small(topics_file), tmp_path / "run")
    folder = tmp_path / "run" / "tensorboard"
    projector = (folder / "projector_config.pbtxt").read_text()
    for epoch in (1, 2):
        assert f'tensor_path: "0000{epoch}/words/tensors.tsv"' in projector
        rows = np.loadtxt(folder / f"0000{epoch}" / "words" / "tensors.tsv")
        assert rows.shape == (18, 8)
    np.testing.assert_allclose(rows, vectors.unit, atol=1e-4)
    header, *labels = (folder / "00002" / "words" / "metadata.tsv").read_text().splitlines()
    assert header == "word\tcount"
    assert vectors.counts is not None
    assert labels == [f"{word}\t{count}" for word, count in zip(vectors.words, vectors.counts, strict=True)]


def test_only_the_most_frequent_words_are_projected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorboard, "PROJECTOR_WORDS", 3)
    with Board(tmp_path / "b") as board:
        board.embedding(WordVectors(["a", "b", "c", "d"], np.eye(4)), 1)
    assert (tmp_path / "b/00001/words/metadata.tsv").read_text() == "word\tcount\na\t0\nb\t0\nc\t0\n"


def test_a_new_run_begins_anew(topics_file: Path, tmp_path: Path) -> None:
    train(small(topics_file, epochs=3), tmp_path / "run")
    train(small(topics_file, epochs=1), tmp_path / "run")
    steps = [step for step, _ in scalars(tmp_path / "run" / "tensorboard")["loss"]]
    assert max(steps) == 6000
    assert not (tmp_path / "run" / "tensorboard" / "00003").exists()


def test_nothing_is_written_unasked(topics_file: Path, tmp_path: Path) -> None:
    train(small(topics_file, tensorboard=False), tmp_path / "run")
    assert not (tmp_path / "run" / "tensorboard").exists()


def test_the_command_line_takes_it(topics_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", str(topics_file), "-o", str(tmp_path / "run"), "--tensorboard", "--epochs", "1", "--dim", "4"]
    assert run(arguments) == 0
    assert capsys.readouterr().out == ""
    assert scalars(tmp_path / "run" / "tensorboard")["loss"]
    assert read_config(tmp_path / "run" / "config.toml")["tensorboard"] is True


def test_a_missing_package_is_told_before_the_corpus_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    assert run(["train", "no-such-corpus.txt", "-o", str(tmp_path / "run"), "--tensorboard"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("word2vec: --tensorboard needs a package that is not here: pip install ")
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_there_has_to_be_a_run_folder(topics_file: Path) -> None:
    with pytest.raises(ConfigError, match="writes into the run folder"):
        train(small(topics_file))


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(Word2VecError, match="cannot write"):
        Board(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_training_goes_on_where_the_disk_is_full(
    topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from torch.utils.tensorboard import SummaryWriter

    def full(*values: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SummaryWriter, "add_scalar", full)
    with caplog.at_level(logging.WARNING, logger="word2vec"):
        vectors = train(small(topics_file), tmp_path / "run")
    assert len(vectors) == 18
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 'run' / 'tensorboard'}: cannot be written (No space left on device); training goes on without it"
    ]
