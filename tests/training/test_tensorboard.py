"""The files of `train --tensorboard`, read as TensorBoard reads them."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.training.topics import metrics_lines, small
from word2vec.cli import run
from word2vec.config import TrainConfig, read_config
from word2vec.errors import ConfigError, Word2VecError
from word2vec.training import tensorboard, train
from word2vec.training.tensorboard import Board
from word2vec.vectors.word_vectors import WordVectors


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """The (step, value) pairs of each tag."""
    events = EventAccumulator(str(folder))
    events.Reload()
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def with_tensorboard(corpus: Path, **settings: object) -> TrainConfig:
    """Settings of a short training that writes TensorBoard files."""
    return small(corpus, **{"dim": 8, "epochs": 2, "tensorboard": True} | settings)


def test_scalars_are_the_numbers_of_the_metrics_log(topics_file: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "mine.csv"
    pairs.write_text("cat,dog,9\nred,green,8\ncat,red,1\n")
    train(with_tensorboard(topics_file, pairs=(str(pairs),), validation=0.1), tmp_path / "run")
    found = scalars(tmp_path / "run" / "tensorboard")
    lines = metrics_lines(tmp_path / "run")
    assert len(lines) >= 4
    for name, key in (("training_loss", "loss"), ("words_per_second", "words_per_second"), ("lr", "lr")):
        assert [step for step, _ in found[name]] == [line["words"] for line in lines]
        assert [value for _, value in found[name]] == pytest.approx([line[key] for line in lines], rel=1e-6)
    validation = [(line["words"], line["validation_loss"]) for line in lines if line["kind"] == "epoch"]
    assert found["validation_loss"] == [(words, pytest.approx(value, rel=1e-6)) for words, value in validation]
    epochs = [(line["words"], line["similarity"]["mine"]) for line in lines if line["kind"] == "epoch"]
    assert found["similarity/mine"] == [(words, pytest.approx(value, rel=1e-6)) for words, value in epochs]
    assert set(found) == {"validation_loss", "training_loss", "words_per_second", "lr", "similarity/mine"}


def test_tensorboard_does_not_change_the_result(topics_file: Path, tmp_path: Path) -> None:
    # rows of 20 numbers: the fused engine pads them while it trains
    config = with_tensorboard(topics_file, dim=20, epochs=3)
    with_it = train(config, tmp_path / "with")
    without = train(replace(config, tensorboard=False), tmp_path / "without")
    assert np.array_equal(with_it.vectors, without.vectors)


def test_a_resumed_run_keeps_earlier_entries(topics_file: Path, tmp_path: Path) -> None:
    train(with_tensorboard(topics_file, epochs=1), tmp_path / "run")
    before = scalars(tmp_path / "run" / "tensorboard")["training_loss"]
    train(with_tensorboard(topics_file, epochs=2), tmp_path / "run", resume=True)
    lines = metrics_lines(tmp_path / "run")
    after = scalars(tmp_path / "run" / "tensorboard")["training_loss"]
    assert after[: len(before)] == before
    assert [step for step, _ in after] == [line["words"] for line in lines]


def test_the_projector_shows_the_words_after_each_epoch(topics_file: Path, tmp_path: Path) -> None:
    vectors = train(with_tensorboard(topics_file), tmp_path / "run")
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


def test_a_new_run_removes_earlier_entries(topics_file: Path, tmp_path: Path) -> None:
    train(with_tensorboard(topics_file, epochs=3), tmp_path / "run")
    train(with_tensorboard(topics_file, epochs=1), tmp_path / "run", overwrite=True)
    steps = [step for step, _ in scalars(tmp_path / "run" / "tensorboard")["training_loss"]]
    assert max(steps) == 6000
    assert not (tmp_path / "run" / "tensorboard" / "00003").exists()


def test_nothing_is_written_by_default(topics_file: Path, tmp_path: Path) -> None:
    train(with_tensorboard(topics_file, tensorboard=False), tmp_path / "run")
    assert not (tmp_path / "run" / "tensorboard").exists()


def test_the_option_of_the_command_line(topics_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", str(topics_file), "-o", str(tmp_path / "run"), "--tensorboard", "--epochs", "1", "--dim", "4"]
    assert run(arguments) == 0
    assert capsys.readouterr().out == ""
    assert scalars(tmp_path / "run" / "tensorboard")["training_loss"]
    assert read_config(tmp_path / "run" / "config.toml")["tensorboard"] is True


def test_a_missing_package_is_reported_before_the_corpus_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    assert run(["train", "no-such-corpus.txt", "-o", str(tmp_path / "run"), "--tensorboard"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("word2vec: --tensorboard: TensorBoard is not installed; ")
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_run_folder_is_required(topics_file: Path) -> None:
    with pytest.raises(ConfigError, match="needs a run folder"):
        train(with_tensorboard(topics_file))


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    with pytest.raises(Word2VecError, match="cannot be written"):
        Board(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "precious"


def test_training_continues_if_the_disk_is_full(
    topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from torch.utils.tensorboard import SummaryWriter

    def full(*values: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SummaryWriter, "add_scalar", full)
    with caplog.at_level(logging.WARNING, logger="word2vec"):
        vectors = train(with_tensorboard(topics_file), tmp_path / "run")
    assert len(vectors) == 18
    (message,) = caplog.messages
    assert message.startswith(f"{tmp_path / 'run' / 'tensorboard'} cannot be written: No space left on device")
