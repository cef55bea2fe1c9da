"""The training history in metrics.jsonl, complete or truncated."""

import json
from pathlib import Path

import pytest

from word2vec.config import TrainConfig
from word2vec.report.history import History, read_history, similarities, speeds
from word2vec.training import train


def line(epoch: int, words: int, seconds: float, loss: float = 2.0, kind: str = "step", **more: object) -> str:
    return json.dumps(
        {"kind": kind, "epoch": epoch, "words": words, "loss": loss, "elapsed_seconds": seconds, "lr": 0.01} | more
    )


TWO_EPOCHS = [
    line(1, 500, 1.0, 3.0),
    line(1, 1000, 2.0, 2.5, "epoch", similarity={"mine": 0.1, "bad": None}),
    line(2, 1500, 4.0, 2.2),
    line(2, 2000, 8.0, 2.0, "epoch", similarity={"mine": 0.4, "bad": None}),
]


def history(lines: list[str], folder: Path) -> History:
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    found = read_history(folder / "metrics.jsonl")
    assert found is not None
    return found


def test_epochs_are_separate_curves(tmp_path: Path) -> None:
    found = history(TWO_EPOCHS, tmp_path)
    assert [(curve.epoch, curve.seconds, curve.loss, curve.complete) for curve in found.epochs] == [
        (1, [1.0, 2.0], [3.0, 2.5], True),
        (2, [4.0, 8.0], [2.2, 2.0], True),
    ]
    assert (found.corpus_words, found.seconds, found.speed, found.unreadable) == (1000, 8.0, 250.0, 0)


def test_speed_of_each_interval(tmp_path: Path) -> None:
    assert speeds(history(TWO_EPOCHS, tmp_path)) == [(1.0, 500.0), (2.0, 500.0), (4.0, 250.0), (8.0, 125.0)]


def test_short_intervals_are_merged(tmp_path: Path) -> None:
    lines = [line(1, 10 * i, i / 100) for i in range(1, 1001)]  # ten seconds in steps of a hundredth
    points = speeds(history(lines, tmp_path))
    assert 40 <= len(points) <= 50
    assert all(words == pytest.approx(1000) for _, words in points)


def test_similarity_by_epoch(tmp_path: Path) -> None:
    assert similarities(history(TWO_EPOCHS, tmp_path)) == {"mine": [(1, 0.1), (2, 0.4)], "bad": [(1, None), (2, None)]}


def test_truncated_log(tmp_path: Path) -> None:
    found = history([*TWO_EPOCHS[:3], TWO_EPOCHS[3][:40]], tmp_path)
    assert found.unreadable == 1
    assert not found.last.complete
    assert found.corpus_words == 1000


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "{",
        "[1]",
        "3",
        "null",
        line(1, 1, float("nan")),
        line(1, 1, 1.0, float("inf")),
        line(1, 1, 1.0).replace("2.0", '"<b>"'),
        line(1, 1, 1.0, similarity=[1]),
        line(1, 1, 1.0, similarity={"x": "y"}),
        '{"epoch": true, "words": 1, "loss": 1, "elapsed_seconds": 1}',
        "[" * 100_000,
        "\udcff",
    ],
)
def test_invalid_lines_are_counted(bad: str, tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_bytes("\n".join([TWO_EPOCHS[0], bad]).encode(errors="surrogateescape") + b"\n")
    found = read_history(tmp_path / "metrics.jsonl")
    assert found is not None
    assert found.unreadable == 1
    assert len(found.epochs[0].loss) == 1


def test_unreadable_logs(tmp_path: Path) -> None:
    assert read_history(tmp_path / "none.jsonl") is None
    (tmp_path / "bad.jsonl").write_bytes(b"\xff\xfe\x00nothing\n")
    assert read_history(tmp_path / "bad.jsonl") is None
    assert read_history(tmp_path) is None


def test_no_time_passed(tmp_path: Path) -> None:
    found = history([line(1, 10, 0.0, kind="epoch")], tmp_path)
    assert found.speed is None
    assert speeds(found) == []


def test_the_log_of_a_real_run(topics_file: Path, tmp_path: Path) -> None:
    train(TrainConfig(corpus=(str(topics_file),), dim=4, epochs=2, subsample=0.0), tmp_path / "run")
    found = read_history(tmp_path / "run" / "metrics.jsonl")
    assert found is not None
    assert found.unreadable == 0
    assert [curve.complete for curve in found.epochs] == [True, True]
    assert found.corpus_words == 6000


def test_an_epoch_before_the_first_is_invalid(tmp_path: Path) -> None:
    found = history([line(0, 500, 1.0, 3.0, "epoch"), line(-1, 500, 1.0), *TWO_EPOCHS], tmp_path)
    assert ([curve.epoch for curve in found.epochs], found.corpus_words, found.unreadable) == ([1, 2], 1000, 2)
