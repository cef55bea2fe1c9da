"""What is set up before training: device, engine, objective and learning rate, and what all ranks must agree on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.distributed.thread_ranks import on_ranks
from tests.training.topics import UserObjective, small
from word2vec.config import TrainConfig, read_config
from word2vec.errors import ConfigError, CorpusError, Word2VecError
from word2vec.losses import NegativeSampling
from word2vec.training import train
from word2vec.training.checkpoint import Checkpoint
from word2vec.training.distributed.process_group import ProcessGroup
from word2vec.training.setup import LinearDecay, _reject_different_ranks, default_threads


def test_the_learning_rate_decreases_linearly() -> None:
    schedule = LinearDecay(0.025, 0.0001, words_per_epoch=100, epochs=2)
    rates = [schedule(*position) for position in ((0, 0), (1, 0), (1, 100), (2, 20))]
    assert rates == pytest.approx([0.025, 0.01255, 0.0001, 0.0001])


@pytest.mark.parametrize("engine", ["autograd", "fused"])
def test_losses_are_summed_with_any_reduction_of_the_objective(engine: str, short_file: Path) -> None:
    # the mean of a batch would be trained with a thousandth of the step, and by one engine only
    config = small(short_file, engine=engine, epochs=1)
    mean, total = (train(config, objective=NegativeSampling(reduction)) for reduction in ("mean", "sum"))
    assert np.array_equal(mean.vectors, total.vectors)


@pytest.mark.parametrize("engine", ["autograd", "fused"])
def test_the_window_mode_is_passed_to_the_engine(engine: str, short_file: Path) -> None:
    def vectors(mode: str, window: int) -> bytes:
        config = small(short_file, engine=engine, epochs=1, window_mode=mode, window=window)
        return train(config).vectors.tobytes()

    assert vectors("full", 1) == vectors("full", 7)  # the window is ignored
    assert len({vectors(mode, 2) for mode in ("shrink", "fixed", "full", "left", "right")}) == 5


def test_the_batch_size_depends_on_the_learning_rate_and_on_ngrams(
    short_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def logged(**settings: Any) -> int:
        caplog.clear()
        train(small(short_file, engine="autograd", epochs=1, dim=4, batch_size=1024, **settings))
        (line,) = [line for line in caplog.messages if line.startswith("batch size reduced from 1024 to ")]
        return int(line.removeprefix("batch size reduced from 1024 to ").partition(";")[0])

    caplog.set_level("INFO", "word2vec")
    first = logged(lr=0.025)
    assert logged(lr=0.1) == first // 4
    assert logged(lr=0.025, subwords="1-2", buckets=3) < first // 4  # all words share their rows


def test_an_objective_of_the_user_is_given_by_name_or_as_a_module(short_file: Path) -> None:
    by_name = train(small(short_file, epochs=1, objective="tests.training.topics:UserObjective"))
    module = train(small(short_file, epochs=1), objective=UserObjective())
    assert np.array_equal(by_name.vectors, module.vectors)


def test_the_default_learning_rate_is_checked_before_the_corpus_is_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--min-lr 0\.5 is above --lr 0\.025"):
        train(TrainConfig(corpus=(str(tmp_path / "missing.txt"),), min_lr=0.5))


def test_the_default_learning_rate_of_an_objective_may_be_any_number(short_file: Path, tmp_path: Path) -> None:
    objective = UserObjective()
    objective.default_lr = np.float32(0.5)  # type: ignore[assignment]
    config = TrainConfig(corpus=(str(short_file),), epochs=1, min_count=1, dim=8)
    train(config, tmp_path / "run", objective=objective)
    assert read_config(tmp_path / "run" / "config.toml")["lr"] == 0.5


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_cuda_device_is_reported(topics_file: Path) -> None:
    with pytest.raises(Word2VecError, match="torch finds no CUDA device"):
        train(small(topics_file, device="cuda"))


def test_an_unknown_objective_is_reported(topics_file: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown objective 'negative-samplin'.* negative-sampling"):
        train(small(topics_file, objective="negative-samplin"))


def test_processes_of_one_machine_share_its_processors() -> None:
    available = default_threads(None)
    assert default_threads(None, processes=available) == 1
    assert default_threads(None, processes=2 * available) == 1
    assert default_threads(1) == 1


def test_threads_do_not_exceed_the_quota_of_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.training.setup.usable_processors", lambda: 3)
    assert default_threads(None) == 3
    assert default_threads(2) == 2


# What ranks must agree on


def compare_ranks(
    settings: list[dict[str, Any]], corpora: Sequence[str] = "aaa", engines: Sequence[str] = "eee"
) -> None:
    """Compare the ranks of a group; each has its own settings, corpus and engine."""

    def compare(group: ProcessGroup) -> None:
        start = Checkpoint(settings[group.rank], corpora[group.rank], "vocabulary", engines[group.rank])
        _reject_different_ranks(start, group)

    on_ranks(len(settings), compare)


def test_ranks_must_have_the_same_settings() -> None:
    with pytest.raises(ConfigError, match="--dim is 10 on rank 0 and 11 on rank 2"):
        compare_ranks([{"dim": 10}, {"dim": 10}, {"dim": 11}])
    compare_ranks([{"dim": 10, "threads": 1, "corpus": ["a"]}, {"dim": 10, "threads": 2, "corpus": ["b"]}])


def test_ranks_must_have_the_same_corpus() -> None:
    with pytest.raises(CorpusError, match="rank 1 has another corpus than rank 0"):
        compare_ranks([{}, {}], corpora=["a", "b"])


def test_ranks_must_have_the_same_engine() -> None:
    with pytest.raises(ConfigError, match="rank 0 trains with GpuEngine and rank 1 with FusedEngine"):
        compare_ranks([{}, {}], engines=["GpuEngine", "FusedEngine"])


def test_a_text_without_pairs_is_reported(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("cat\ndog\n" * 10 + "cat zebra\n")
    with pytest.raises(CorpusError, match=r"no sentence has two words of the vocabulary; .*lower --min-count"):
        train(small(tmp_path / "words.txt", epochs=1))
    assert train(small(tmp_path / "words.txt", epochs=1, min_count=1)).words == ["cat", "dog", "zebra"]
