"""metrics.jsonl: its keys, the numbers in it, and that training does not depend on it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.interruptions import unfinished
from tests.training.topics import metrics_lines, small
from word2vec.config import TrainConfig
from word2vec.engines.base import Progress
from word2vec.training import train
from word2vec.training.metrics import Metrics
from word2vec.vectors.word_vectors import WordVectors

TITLES = """human interface computer
survey user computer system response time
eps user interface system
system human system eps
user response time
trees
graph trees
graph minors trees
graph minors survey
"""


def test_lines_have_the_documented_keys_and_numbers(topics_file: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "topic-pairs.csv"
    pairs.write_text("cat,dog,9\nred,green,8\ncat,red,1\none,green,2\n", encoding="utf-8")
    train(small(topics_file, epochs=3, pairs=(str(pairs),)), tmp_path / "run")
    lines = metrics_lines(tmp_path / "run")
    keys = {"kind", "epoch", "words", "words_per_second", "lr", "loss", "elapsed_seconds"}
    assert all(set(line) - {"similarity"} == keys for line in lines)
    epochs = [line for line in lines if line["kind"] == "epoch"]
    assert [line["epoch"] for line in epochs] == [1, 2, 3]
    assert [line["words"] for line in epochs] == [6_000, 12_000, 18_000]
    assert epochs[0]["loss"] > epochs[1]["loss"] > epochs[2]["loss"]
    assert epochs[2]["lr"] == pytest.approx(1e-4)
    assert [set(line["similarity"]) for line in epochs] == [{"topic-pairs"}] * 3
    assert epochs[2]["similarity"]["topic-pairs"] > 0.5


def test_test_sets_with_the_same_file_name_are_all_logged(topics_file: Path, tmp_path: Path) -> None:
    sources = [tmp_path / "en" / "ws.csv", tmp_path / "de" / "ws.csv"]
    texts = ("cat,dog,9\nred,green,8\ncat,red,1\n", "cat,dog,1\nred,green,2\ncat,red,9\n")
    for source, text in zip(sources, texts, strict=True):
        source.parent.mkdir()
        source.write_text(text, encoding="utf-8")
    train(small(topics_file, pairs=tuple(map(str, sources))), tmp_path / "run")
    found = metrics_lines(tmp_path / "run")[-1]["similarity"]
    assert set(found) == {"en/ws", "de/ws"}
    assert found["en/ws"] > 0 > found["de/ws"]


def test_precision_in_the_batch_is_logged(short_file: Path, tmp_path: Path) -> None:
    train(small(short_file, objective="in-batch-softmax", epochs=2), tmp_path / "run")
    assert all(0 <= line["precision_at_1"] <= 1 for line in metrics_lines(tmp_path / "run"))


def test_the_loss_does_not_depend_on_batches_and_threads(short_file: Path, tmp_path: Path) -> None:
    # with a learning rate of nearly zero all runs see the same scores, so all means must agree
    losses = []
    for number, (batch_size, threads) in enumerate([(8, 1), (1000, 1), (64, 3)]):
        run = tmp_path / str(number)
        settings = {"lr": 1e-30, "min_lr": 0.0, "epochs": 1, "batch_size": batch_size, "threads": threads}
        train(small(short_file, engine="autograd", **settings), run)
        losses.append(metrics_lines(run)[-1]["loss"])
    assert losses == pytest.approx([6 * np.log(2)] * 3, rel=1e-6)  # scores of 0: log 2 for each of 1 + 5 words


def test_elapsed_time_continues_when_a_run_resumes(
    short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = unfinished(short_file, tmp_path / "run", monkeypatch)
    train(config, tmp_path / "run", resume=True)
    times = [line["elapsed_seconds"] for line in metrics_lines(tmp_path / "run")]
    assert times == sorted(times)
    assert times[-1] > 0


def test_training_continues_if_the_log_cannot_be_written(
    short_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/metrics.jsonl").symlink_to("/dev/full")
    train(small(short_file, epochs=1), tmp_path / "run")
    assert len(WordVectors.load(tmp_path / "run")) == 18
    assert sum("metrics.jsonl cannot be written" in message for message in caplog.messages) == 1


@pytest.mark.parametrize("engine", ["plain", "autograd", "fused"])
def test_texts_that_subsampling_leaves_empty_are_trained(
    engine: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # nine short documents, as in gensim's first example: most epochs have no two words left in a sentence
    (tmp_path / "text.txt").write_text(TITLES, encoding="utf-8")
    warned = 0
    for seed in range(30):
        caplog.clear()
        config = TrainConfig(
            corpus=(str(tmp_path / "text.txt"),), min_count=1, threads=1, dim=8, seed=seed, engine=engine
        )
        vectors = train(config)
        assert np.isfinite(vectors.vectors).all()
        assert len(vectors) == 12
        messages = [record.getMessage() for record in caplog.records]
        assert len(messages) <= 1
        assert all("set --subsample 0" in message for message in messages)
        warned += len(messages)
    assert 20 < warned <= 30  # 29 when this was written
    caplog.clear()
    train(replace(config, subsample=0.0))
    assert caplog.records == []


def test_the_size_is_that_of_the_file_where_text_files_end_lines_with_two_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_open = Path.open

    def open_as_on_windows(path: Path, mode: str = "r", **options: Any) -> Any:
        return real_open(path, mode, **options | ({} if "b" in mode else {"newline": "\r\n"}))

    monkeypatch.setattr(Path, "open", open_as_on_windows)
    path = tmp_path / "metrics.jsonl"
    with Metrics(path, words_per_epoch=10, epochs=2) as metrics:
        metrics.start_clock()
        metrics.step(0, Progress(10, 5, 1.0), 0.1)
        metrics.epoch(0, None, {})
        state = metrics.state()
    assert state.size == path.stat().st_size
    assert b"\r" not in path.read_bytes()
