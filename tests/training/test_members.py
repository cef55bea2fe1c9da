"""Training of several members, and the combination of their vectors."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.topics import margin, small
from word2vec.config import TrainConfig, read_config
from word2vec.errors import ConfigError, TrainingError
from word2vec.training import members
from word2vec.training.checkpoint import read_checkpoint
from word2vec.training.members import train_members
from word2vec.vectors.combination import combine
from word2vec.vectors.word_vectors import WordVectors


@pytest.fixture
def settings(topics_file: Path) -> list[TrainConfig]:
    return [small(topics_file, dim=8), small(topics_file, dim=10, lr=0.05)]


def test_members_are_trained_and_combined(settings: list[TrainConfig], tmp_path: Path) -> None:
    vectors = train_members(settings, tmp_path / "run")
    folders = [tmp_path / "run" / "members" / number for number in ("1", "2")]
    own = [read_config(folder / "config.toml") for folder in folders]
    assert [(each["dim"], each["lr"], each["seed"]) for each in own] == [(8, 0.1, 1), (10, 0.05, 2)]
    np.testing.assert_array_equal(vectors.vectors, combine([WordVectors.load(folder) for folder in folders]).vectors)
    np.testing.assert_array_equal(WordVectors.load(tmp_path / "run").vectors, vectors.vectors)
    assert margin(vectors) > 0.8
    with pytest.raises(TrainingError, match="contains vectors; add --overwrite"):
        train_members(settings, tmp_path / "run")


def test_finished_members_are_kept_on_resume(
    settings: list[TrainConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, train = tmp_path / "run", members.train

    def interrupt_second(config: TrainConfig, folder: Path, **options: Any) -> WordVectors:
        if folder.name == "2":
            raise KeyboardInterrupt
        return train(config, folder, **options)

    with monkeypatch.context() as patched:
        patched.setattr(members, "train", interrupt_second)
        with pytest.raises(KeyboardInterrupt):
            train_members(settings, run)
    written = (run / "members" / "1" / "vectors.safetensors").stat()
    with pytest.raises(TrainingError, match="members of an unfinished run; add --resume"):
        train_members(settings, run)
    vectors = train_members(settings, run, resume=True)
    assert (run / "members" / "1" / "vectors.safetensors").stat() == written
    np.testing.assert_array_equal(train_members(settings, tmp_path / "at_once").vectors, vectors.vectors)
    np.testing.assert_array_equal(train_members(settings, run, resume=True).vectors, vectors.vectors)  # all finished


def test_members_of_a_replaced_run_are_not_resumed(
    settings: list[TrainConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_members(settings, tmp_path)

    def interrupted(*_: Any, **__: Any) -> WordVectors:
        raise KeyboardInterrupt

    monkeypatch.setattr(members, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_members(settings, tmp_path, overwrite=True)
    assert not list((tmp_path / "members").iterdir())


def test_refinement_is_of_the_result_only(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("walk walks walked walking\ntalk talks talked talking\n" * 20)
    for refine in (True, False):
        run = tmp_path / str(refine)
        both = [small(text, dim=4, epochs=1, refine=refine)] * 2
        assert (train_members(both, run).plain is not None) == refine
        assert WordVectors.load(run / "members" / "1").plain is None
        assert read_checkpoint(run / "members" / "2").settings["seed"] == 2


def test_what_members_cannot_be_trained_on_is_reported_at_once(
    settings: list[TrainConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    with pytest.raises(ConfigError, match="cannot share standard input"):
        train_members([TrainConfig(corpus=("-",))] * 2, run)
    run.mkdir()
    (run / "checkpoint.safetensors").touch()
    with pytest.raises(ConfigError, match="contains a training run"):
        train_members(settings, run, overwrite=True)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="several processes cannot combine"):
        train_members(settings, tmp_path / "other")
    assert not (run / "members").exists()
