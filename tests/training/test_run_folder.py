"""The run folder: its files, when they are replaced, and the files that remain after a failure."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.training.interruptions import Killed
from tests.training.topics import UserObjective, contents, margin, results, small, untimed_lines
from word2vec.config import TrainConfig, make_config, read_config
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.errors import TrainingError, Word2VecError
from word2vec.formats.run import CHECKPOINT_FILE, VECTORS_FILE
from word2vec.losses import LOSSES
from word2vec.sampling.shards import Shard
from word2vec.training import run_folder, train
from word2vec.training.checkpoint import Checkpoint, read_checkpoint
from word2vec.training.early_stopping import EarlyStopping
from word2vec.training.result import WordResult
from word2vec.training.run_folder import RunFolder
from word2vec.vectors.word_vectors import WordVectors


def test_the_files_of_a_run(topics_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "new" / "run"
    config = small(topics_file, epochs=2)
    vectors = train(config, run)
    assert sorted(path.name for path in run.iterdir()) == [
        "checkpoint.safetensors", "config.toml", "metrics.jsonl", "vectors.safetensors", "vocab.tsv",
    ]  # fmt: skip
    assert make_config(read_config(run / "config.toml")) == config
    words = [line.split("\t") for line in (run / "vocab.tsv").read_text(encoding="utf-8").splitlines()]
    counts = [int(count) for _, count in words]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == 6_000
    loaded = WordVectors.load(run)
    assert loaded.words == vectors.words == [word for word, _ in words]
    np.testing.assert_array_equal(loaded.vectors, vectors.vectors)
    np.testing.assert_array_equal(loaded.output, vectors.output)


def test_the_saved_settings_are_those_that_were_used(topics_file: Path, tmp_path: Path) -> None:
    train(make_config({"corpus": (str(topics_file),), "epochs": 1, "objective": "warp"}), str(tmp_path / "run"))
    saved = read_config(tmp_path / "run/config.toml")
    assert (saved["objective"], saved["lr"]) == ("warp", LOSSES["warp"].default_lr)


def test_the_saved_objective_of_a_user_is_its_class(topics_file: Path, tmp_path: Path) -> None:
    train(small(topics_file, epochs=1), tmp_path / "run", objective=UserObjective())
    assert read_config(tmp_path / "run/config.toml")["objective"] == f"{UserObjective.__module__}:UserObjective"


class Failing(nn.Module):
    """An objective with a defect."""

    def forward(self, positive: Tensor, negative: Tensor) -> Tensor:
        raise RuntimeError("a defect in the objective")


def test_a_failed_training_keeps_the_earlier_vectors(topics_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(small(topics_file, epochs=1), run)
    before = (run / VECTORS_FILE).read_bytes()
    with pytest.raises(RuntimeError, match="a defect in the objective"):
        train(small(topics_file), run, objective=Failing(), overwrite=True)
    assert (run / VECTORS_FILE).read_bytes() == before


def test_a_failure_before_training_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(Word2VecError):
        train(TrainConfig(corpus=(str(tmp_path / "missing.txt"),)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_output_that_is_a_file_is_rejected(topics_file: Path, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("precious")
    with pytest.raises(Word2VecError, match="run"):
        train(small(topics_file), tmp_path / "run")
    assert (tmp_path / "run").read_text() == "precious"


def test_training_continues_if_a_checkpoint_cannot_be_written(
    topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise Word2VecError("the checkpoint cannot be written: No space left on device")

    monkeypatch.setattr(run_folder, "write_checkpoint", full)
    assert margin(train(small(topics_file), tmp_path / "run")) > 0.6
    assert any("No space left on device; training continues" in message for message in caplog.messages)


@pytest.mark.parametrize("saved", [True, False])
def test_a_process_killed_while_saving_can_resume(
    saved: bool, topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the checkpoint of the first two epochs refers to vectors that are replaced after the third
    run = tmp_path / "run"
    train(small(topics_file, epochs=2), run)
    write = RunFolder.write_result

    def write_and_die(self: RunFolder, *, refine: bool = False) -> WordVectors:
        if saved:
            write(self, refine=refine)
        raise Killed

    monkeypatch.setattr(RunFolder, "write_result", write_and_die)
    with pytest.raises(Killed):
        train(small(topics_file, epochs=3), run, resume=True)
    monkeypatch.setattr(RunFolder, "write_result", write)
    train(small(topics_file, epochs=2), tmp_path / "whole")
    train(small(topics_file, epochs=3), tmp_path / "whole", resume=True)
    train(small(topics_file, epochs=3), run, resume=True)
    assert results(run) == results(tmp_path / "whole")
    assert untimed_lines(run) == untimed_lines(tmp_path / "whole")
    assert read_checkpoint(run).finished


def test_a_finished_run_is_not_changed(topics_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "word2vec")
    first = train(small(topics_file), tmp_path / "run")
    before = contents(tmp_path / "run")
    again = train(small(topics_file), tmp_path / "run", resume=True)
    assert contents(tmp_path / "run") == before
    assert np.array_equal(first.vectors, again.vectors)
    assert f"{tmp_path / 'run'}: all 5 epochs are trained; increase --epochs to continue" in caplog.messages


def test_tables_with_nan_are_not_saved(tmp_path: Path) -> None:
    model = torch.nn.Module()
    model.input = model.output = torch.nn.Parameter(torch.tensor([[1.0, torch.nan]]))
    start = Checkpoint({}, "", "", "")
    folder = RunFolder(
        tmp_path, model, WordResult(Vocabulary(["a"], np.ones(1))), TrainConfig(), start, EarlyStopping(None)
    )  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match="diverged in epoch 3"):
        folder.save_checkpoint(3, [Shard([], (0,))], start.metrics)
    with pytest.raises(TrainingError, match="diverged in epoch 3"):
        folder.save_vectors(3, [], start.metrics)
    assert not (tmp_path / CHECKPOINT_FILE).exists()
    assert not (tmp_path / VECTORS_FILE).exists()


def test_a_refined_run_can_train_more_epochs(tmp_path: Path) -> None:
    corpus, run, plain = tmp_path / "corpus.txt", tmp_path / "run", tmp_path / "plain"
    corpus.write_text("walk walks walked walker jump jumps jumped jumper\n" * 50, encoding="utf-8")
    refined = None
    for epochs, resume in ((2, False), (3, True)):
        refined = train(small(corpus, epochs=epochs, refine=True), run, resume=resume)
        expected = train(small(corpus, epochs=epochs), plain, resume=resume)
        np.testing.assert_array_equal(refined.plain, expected.vectors)  # type: ignore[arg-type]
        np.testing.assert_array_equal(refined.vectors, expected.refine().vectors)
        loaded = WordVectors.load(run)
        np.testing.assert_array_equal(loaded.plain, expected.vectors)  # type: ignore[arg-type]
        np.testing.assert_array_equal(loaded.vectors, refined.vectors)
    assert refined is not None
    assert read_checkpoint(run).finished
    again = train(small(corpus, epochs=3, refine=True), run, resume=True)
    np.testing.assert_array_equal(again.vectors, refined.vectors)


def test_vectors_that_cannot_be_refined_are_saved_plain(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("a b c d\n" * 50, encoding="utf-8")
    vectors = train(small(corpus, epochs=1, refine=True), tmp_path / "run")
    assert vectors.plain is None
    assert any("no 3 of 4 words" in message and "not refined" in message for message in caplog.messages)
    np.testing.assert_array_equal(WordVectors.load(tmp_path / "run").vectors, vectors.vectors)
