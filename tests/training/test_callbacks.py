"""Callbacks: what they receive, that they can stop training, and that their failures lose nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.topics import margin, metrics_lines, small
from word2vec.errors import ConfigError
from word2vec.evaluation import PairSet, evaluate_similarity
from word2vec.training import EpochResult, train
from word2vec.training.checkpoint import read_checkpoint
from word2vec.vectors.word_vectors import WordVectors


def test_a_callback_receives_every_epoch(topics_file: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("cat,dog,9\nred,green,8\ncat,red,1\n")
    seen: list[EpochResult] = []
    config = small(topics_file, epochs=3, validation=0.1, pairs=(str(tmp_path / "mine.csv"),))
    vectors = train(config, tmp_path / "run", callbacks=[lambda result: seen.append(result)])
    lines = [line for line in metrics_lines(tmp_path / "run") if line["kind"] == "epoch"]
    assert [(each.epoch, each.epochs) for each in seen] == [(1, 3), (2, 3), (3, 3)]
    assert [each.validation_loss for each in seen] == [line["validation_loss"] for line in lines]
    assert [each.training_loss for each in seen] == [line["loss"] for line in lines]
    assert [each.similarity for each in seen] == [line["similarity"] for line in lines]
    assert [(each.words, each.lr) for each in seen] == [(line["words"], line["lr"]) for line in lines]
    assert np.array_equal(seen[-1].vectors.vectors, vectors.vectors)
    assert seen[-1].vectors.output is not None


def test_the_vectors_of_an_epoch_are_a_copy(topics_file: Path) -> None:
    seen: list[WordVectors] = []
    train(small(topics_file, dim=20), callbacks=[lambda result: seen.append(result.vectors)])
    assert len({each.vectors.tobytes() for each in seen}) == 5
    assert margin(seen[0]) > 0.3


@pytest.mark.parametrize("engine", ["plain", "autograd", "fused"])
def test_true_stops_training(engine: str, short_file: Path, tmp_path: Path) -> None:
    vectors = train(
        small(short_file, engine=engine), tmp_path / "run", callbacks=[lambda result: result.epoch == 2, lambda _: None]
    )
    assert [line["epoch"] for line in metrics_lines(tmp_path / "run") if line["kind"] == "epoch"] == [1, 2]
    assert np.array_equal(WordVectors.load(tmp_path / "run").vectors, vectors.vectors)
    assert read_checkpoint(tmp_path / "run").finished


def test_the_result_of_a_numpy_comparison_stops_training(short_file: Path) -> None:
    seen: list[int] = []

    def compare(result: EpochResult) -> bool:
        seen.append(result.epoch)
        return np.float64(result.epoch) > 1.5  # type: ignore[return-value]

    train(small(short_file), callbacks=[compare])
    assert seen == [1, 2]


@pytest.mark.parametrize("callbacks", [print, ["print"], [print, None]])
def test_what_is_no_list_of_functions_is_reported_before_training(callbacks: Any, short_file: Path) -> None:
    with pytest.raises(ConfigError, match="pass a list of functions"):
        train(small(short_file), callbacks=callbacks)


def test_other_values_do_not_stop_training(short_file: Path) -> None:
    seen: list[int] = []

    def count(result: EpochResult) -> int:
        seen.append(result.epoch)
        return 1  # a callback that returns, for example, the length of a list means nothing by it

    train(small(short_file, epochs=3), callbacks=[count])  # type: ignore[list-item]
    assert seen == [1, 2, 3]


def test_a_measure_of_ones_own_decides(topics_file: Path) -> None:
    words = (("cat", "dog"), ("red", "green"), ("cat", "red"), ("one", "sheep"))
    pairs = PairSet("mine", words, np.array([9.0, 8.0, 1.0, 0.5]))
    scores: list[float] = []

    def good_enough(result: EpochResult) -> bool:
        scores.append(evaluate_similarity(result.vectors, pairs).spearman)
        return scores[-1] > 0.7

    train(small(topics_file, epochs=50), callbacks=[good_enough])
    assert scores[-1] > 0.7
    assert len(scores) < 50


def test_a_failing_callback_loses_no_epoch(short_file: Path, tmp_path: Path) -> None:
    def fail(result: EpochResult) -> None:
        if result.epoch == 3:
            raise ZeroDivisionError

    config = small(short_file, epochs=3)
    with pytest.raises(ZeroDivisionError):
        train(config, tmp_path / "run", callbacks=[fail])
    assert read_checkpoint(tmp_path / "run").epoch == 3
    whole = train(config)
    assert np.array_equal(train(config, tmp_path / "run", resume=True).vectors, whole.vectors)
