"""train() on every kind of source: the vectors are those of the same text in a file, and runs resume."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.training.topics import margin, results, small
from word2vec.cli import run as command
from word2vec.config import TrainConfig
from word2vec.errors import ConfigError, CorpusError, TrainingInterrupted, Word2VecError
from word2vec.training import run_folder, train
from word2vec.training.checkpoint import Checkpoint, read_checkpoint
from word2vec.training.metrics import Metrics
from word2vec.training.run_folder import RunFolder
from word2vec.training.source import CORPUS_FOLDER
from word2vec.vectors.word_vectors import WordVectors

SETTINGS: dict[str, Any] = {
    "dim": 8,
    "epochs": 2,
    "subsample": 0.0,
    "lr": 0.1,
    "threads": 1,
    "validation": 0.0,
    "batch_size": 64,
}


def token_lists(path: Path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines()]


def interrupt_after_first_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    log_epoch = Metrics.epoch

    def interrupt(self: Metrics, epoch: int, *measures: Any) -> None:
        log_epoch(self, epoch, *measures)
        if epoch == 0:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Metrics, "epoch", interrupt)


@pytest.mark.parametrize("engine", ["plain", "autograd", "fused"])
def test_sequences_in_memory_give_the_vectors_of_the_file(engine: str, short_file: Path) -> None:
    from_file = train(str(short_file), engine=engine, **SETTINGS)
    lists = token_lists(short_file)
    texts = pd.Series([" ".join(tokens) for tokens in lists], index=range(7, 7 + len(lists)))
    generator = (tuple(tokens) for tokens in lists)
    for corpus, tokenizer in ((lists, None), (generator, None), (texts, "whitespace"), (texts, str.split)):
        vectors = train(corpus, engine=engine, tokenizer=tokenizer, **SETTINGS)
        assert vectors.words == from_file.words
        assert np.array_equal(vectors.vectors, from_file.vectors)


def test_a_function_also_splits_files(short_file: Path) -> None:
    expected = train(short_file, lowercase=True, **SETTINGS)
    vectors = train(short_file, tokenizer=lambda line: line.lower().split(), **SETTINGS)
    assert np.array_equal(vectors.vectors, expected.vectors)


def test_a_function_also_splits_the_files_of_settings(short_file: Path, tmp_path: Path) -> None:
    config = TrainConfig(corpus=(str(short_file),), **SETTINGS)
    vectors = train(config, tokenizer=lambda line: line.upper().split())
    assert vectors.words == [word.upper() for word in train(config).words]
    with pytest.raises(CorpusError, match=r"missing.txt' is not a file"):
        train(replace(config, corpus=(str(tmp_path / "missing.txt"),)), tokenizer=str.split)


def test_a_generator_is_consumed_once_and_trained_in_every_epoch(topics_file: Path) -> None:
    starts = 0

    def sentences() -> Iterator[list[str]]:
        nonlocal starts
        starts += 1
        yield from token_lists(topics_file)

    assert margin(train(sentences(), dim=16, subsample=0.0, lr=0.1, threads=1)) > 0.5
    assert starts == 1


def test_integers_are_words(short_file: Path) -> None:
    words = sorted({token for tokens in token_lists(short_file) for token in tokens})
    rows = [[words.index(token) for token in tokens] for tokens in token_lists(short_file)]
    from_lists = train(rows, **SETTINGS)
    from_array = train(np.array(rows), **SETTINGS)
    padded = train(np.array([[*row, -1, -1] for row in rows]), padding=-1, **SETTINGS)
    assert set(from_lists.words) == {str(number) for number in range(len(words))}
    assert np.array_equal(from_lists.vectors, from_array.vectors)
    assert np.array_equal(from_lists.vectors, padded.vectors)


def test_settings_are_keywords_or_an_object(short_file: Path) -> None:
    config = TrainConfig(corpus=(str(short_file),), **SETTINGS)
    vectors = train(config)
    assert np.array_equal(vectors.vectors, train([short_file], **SETTINGS).vectors)
    assert np.array_equal(train(config, dim=4).vectors, train(replace(config, dim=4)).vectors)
    assert np.array_equal(train(config, objective="negative-sampling").vectors, vectors.vectors)


def test_items_with_spaces_are_not_split() -> None:
    sessions = [["The Matrix", "Heat"], ["Heat", "Blade Runner"], ["Blade Runner", "The Matrix"]] * 50
    assert sorted(train(sessions, **SETTINGS).words) == ["Blade Runner", "Heat", "The Matrix"]


# Run folders


@pytest.mark.parametrize("as_generator", [False, True])
def test_a_run_from_memory_resumes_without_its_data(
    as_generator: bool, short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = token_lists(short_file)
    train(lists, tmp_path / "whole", **SETTINGS)
    with monkeypatch.context() as patch:
        interrupt_after_first_epoch(patch)
        with pytest.raises(TrainingInterrupted):
            train(iter(lists) if as_generator else lists, tmp_path / "run", **SETTINGS)
    assert (tmp_path / "run" / CORPUS_FOLDER).is_dir()
    assert command(["train", "--output", str(tmp_path / "run"), "--resume"]) == 0  # in another process
    assert results(tmp_path / "run") == results(tmp_path / "whole")
    assert not (tmp_path / "run" / CORPUS_FOLDER).exists()


def test_a_run_from_memory_resumes_with_the_same_data_only(
    short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists, run = token_lists(short_file), tmp_path / "run"
    with monkeypatch.context() as patch:
        interrupt_after_first_epoch(patch)
        with pytest.raises(TrainingInterrupted):
            train(lists, run, **SETTINGS)
    with pytest.raises(CorpusError, match="cannot resume on another corpus"):
        train(lists[1:], run, resume=True, **SETTINGS)
    assert (run / CORPUS_FOLDER).is_dir()
    whole = train(lists, **SETTINGS)
    assert np.array_equal(train((tuple(each) for each in lists), run, resume=True, **SETTINGS).vectors, whole.vectors)
    assert read_checkpoint(run).finished


def test_more_epochs_need_the_data_again(short_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lists, run = token_lists(short_file), str(tmp_path / "run")
    train(lists, run, **SETTINGS)
    assert command(["train", "--output", run, "--resume", "--epochs", "3"]) == 2
    assert "contains none; pass the corpus again" in capsys.readouterr().err
    assert len(train(lists, run, resume=True, **SETTINGS | {"epochs": 3})) == 18


def interrupted(corpus: Any, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        interrupt_after_first_epoch(patch)
        with pytest.raises(TrainingInterrupted):
            train(corpus, run, **SETTINGS)


def test_a_run_from_files_resumes_without_naming_them(
    short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(short_file, tmp_path / "run", monkeypatch)
    vectors = train(output=tmp_path / "run", resume=True, **SETTINGS)
    assert np.array_equal(vectors.vectors, train(short_file, **SETTINGS).vectors)


def test_the_corpus_of_an_unfinished_run_is_for_resuming_only(
    short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(token_lists(short_file), tmp_path / "run", monkeypatch)
    with pytest.raises(ConfigError, match="no corpus given; pass"):
        train(output=tmp_path / "run", overwrite=True, **SETTINGS)


def test_a_damaged_corpus_of_a_run_is_replaced_by_the_data(
    short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    interrupted(token_lists(short_file), run, monkeypatch)
    with (run / CORPUS_FOLDER / "tokens.npy").open("r+b") as file:
        file.seek(200)
        file.write(b"damage")
    with pytest.raises(CorpusError, match="of this run is incomplete or corrupt; pass the same data again"):
        train(output=run, resume=True, **SETTINGS)
    vectors = train(token_lists(short_file), run, resume=True, **SETTINGS)
    assert np.array_equal(vectors.vectors, train(short_file, **SETTINGS).vectors)


def test_the_corpus_is_kept_until_the_last_checkpoint_is_written(
    short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = run_folder.write_checkpoint

    def fail(run: Path, checkpoint: Checkpoint, *tables: Any) -> None:
        if checkpoint.tables is not None:
            raise Word2VecError("the disk is full")
        write(run, checkpoint, *tables)

    with monkeypatch.context() as patch:
        patch.setattr(run_folder, "write_checkpoint", fail)
        vectors = train(token_lists(short_file), tmp_path / "run", **SETTINGS)
    again = train(output=tmp_path / "run", resume=True, **SETTINGS)
    assert np.array_equal(again.vectors, vectors.vectors)
    assert not (tmp_path / "run" / CORPUS_FOLDER).exists()


def test_a_run_killed_at_its_end_leaves_no_corpus(
    short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, lists = tmp_path / "run", token_lists(short_file)
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "_remove_corpus", lambda self: None)
        train(lists, run, **SETTINGS)
    assert (run / CORPUS_FOLDER).is_dir()
    assert command(["train", "--output", str(run), "--resume"]) == 0
    assert not (run / CORPUS_FOLDER).exists()


def test_a_run_from_a_file_removes_the_corpus_of_an_earlier_run(
    short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupt_after_first_epoch(patch)
        with pytest.raises(TrainingInterrupted):
            train(token_lists(short_file), tmp_path / "run", **SETTINGS)
    train(short_file, tmp_path / "run", overwrite=True, **SETTINGS)
    assert not (tmp_path / "run" / CORPUS_FOLDER).exists()
    assert WordVectors.load(tmp_path / "run").words


# Wrong input


@pytest.mark.parametrize(
    ("corpus", "settings", "message"),
    [
        ("no such file.txt", {}, "no such file"),
        ([["a", "b"]], {"size": 100}, "unknown setting 'size'"),
        ([["a", "b"]], {"dim": 0}, "--dim must be at least 1"),
        (["a text", "another text"], {}, "tokenizer="),
        ([["a", None]], {}, "None"),
        (iter([]), {}, "empty"),
        (None, {}, "no corpus given"),
        ([["a", "b"]] * 9, {"tokenizer": "sentences"}, "tokenizer"),
    ],
)
def test_wrong_input_is_reported_in_one_line(corpus: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises((ConfigError, CorpusError)) as caught:
        train(corpus, **settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_padding_is_for_arrays_only(short_file: Path) -> None:
    for corpus in (short_file, TrainConfig(corpus=(str(short_file),))):
        with pytest.raises(ConfigError, match="padding= applies to arrays of integers"):
            train(corpus, padding=0)


def test_resume_and_overwrite_contradict_each_other(short_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="contradict"):
        train(small(short_file), tmp_path / "run", resume=True, overwrite=True)
