"""Diverged training is detected and never replaces good tables."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.engines.small import make_dataset
from tests.training.interruptions import killed
from tests.training.topics import small
from word2vec.engines.cpu.objectives import COMPILED
from word2vec.errors import TrainingError
from word2vec.formats.run import CHECKPOINT_FILE, VECTORS_FILE
from word2vec.losses import LOSSES, make_objective
from word2vec.models.skipgram import SkipGram
from word2vec.training import divergence, train
from word2vec.training.divergence import check_epoch, check_loss, check_tables, untrained_loss
from word2vec.training.setup import LinearDecay


@pytest.mark.parametrize("table", ["input", "output"])
@pytest.mark.parametrize("row", [0, 11, 12, 19])
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -1e5])
def test_a_diverged_number_is_found_in_every_block(
    value: float, row: int, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(divergence.BLOCK_BYTES, "cpu", 4 * 3 * 4)  # blocks of four rows
    model = SkipGram(20, 3)
    check_tables(model, 1)
    getattr(model, table).data[row, 1] = value
    with pytest.raises(TrainingError, match=r"diverged in epoch 1: the vectors contain numbers up to .* lower --lr"):
        check_tables(model, 1)


@pytest.mark.parametrize("loss", [torch.nan, torch.inf, 1e7])
def test_a_diverged_loss_is_reported_with_the_learning_rate(loss: float) -> None:
    check_loss(1e3, 1, 0.5)
    with pytest.raises(TrainingError, match=r"training diverged in epoch 2: .*lower --lr \(it is 0.5 now\)"):
        check_loss(loss, 1, 0.5)


def test_a_loss_far_above_that_of_an_untrained_model_is_reported() -> None:
    check_epoch(40.0, 0, 0.5, untrained=4.2)
    check_epoch(9.0, 0, 0.5, untrained=0.05)  # a hinge with a small margin
    check_epoch(9.0, 0, 0.5, untrained=torch.nan)
    with pytest.raises(TrainingError, match=r"training diverged in epoch 3: the loss is 43, .* is 4.2; .*lower --lr"):
        check_epoch(43.0, 2, 0.5, untrained=4.2)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("negatives", [1, 5, 200])
def test_the_loss_of_an_untrained_model_is_that_of_the_first_batch(name: str, negatives: int) -> None:
    objective = make_objective(name, num_labels=18)
    objective.reduction = "sum"
    dataset = make_dataset([[0, 1]], [1] * 18, negatives=negatives, batch_size=64)
    loss = untrained_loss(objective, dataset)
    expected = {
        "negative-sampling": (1 + negatives) * math.log(2),
        "sampled-softmax": math.log(1 + negatives),
        "in-batch-softmax": math.log(64),
        "hierarchical-softmax": (14 * 4 + 4 * 5) / 18 * math.log(2),  # four of the paths have one node more
        "warp": math.log(17),
        "wmrb": math.log1p(17),
        "ranknet": negatives * math.log(2),
        "margin-ranking": negatives,
    }
    if name != "wmrb":  # whose estimate of the rank depends on its settings
        assert loss == pytest.approx(expected[name], rel=1e-4)
    assert loss > 0


class Worsening(nn.Module):
    """An objective whose loss grows with each batch, and stays finite."""

    def __init__(self) -> None:
        super().__init__()
        self.batches = 0

    def forward(self, positive: Tensor, negative: Tensor) -> Tensor:
        self.batches += 1
        return nn.functional.softplus(negative.amax(dim=1) - positive) + self.batches


def test_divergence_that_stays_finite_is_detected(short_file: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"^training diverged in epoch 1: .* untrained model .* fewer --negatives"):
        train(small(short_file), tmp_path / "run", objective=Worsening())
    assert not (tmp_path / "run" / VECTORS_FILE).exists()


@pytest.mark.parametrize(("engine", "objective"), [("autograd", name) for name in LOSSES] + [("fused", "warp")])
@pytest.mark.parametrize("lr", [None, 0.1])
def test_training_that_learns_is_not_taken_for_divergence(
    lr: float | None, engine: str, objective: str, short_file: Path, tmp_path: Path
) -> None:
    train(small(short_file, engine=engine, objective=objective, lr=lr, epochs=1), tmp_path / "run")
    assert (tmp_path / "run" / VECTORS_FILE).exists()


class Exploding(nn.Module):
    """An objective whose loss is infinite."""

    def forward(self, positive: Tensor, negative: Tensor) -> Tensor:
        return (positive * torch.inf).sum() + negative.sum()


def test_an_infinite_loss_ends_training_without_vectors(short_file: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"training diverged in epoch 1: .* restart with a lower --lr"):
        train(small(short_file), tmp_path / "run", objective=Exploding())
    assert not (tmp_path / "run" / VECTORS_FILE).exists()


# WMRB soon has no gradient with so few words
DIVERGING = [("autograd", name) for name in sorted(LOSSES) if name != "wmrb"]
DIVERGING += [("fused", name) for name, kind in LOSSES.items() if kind in COMPILED and name != "wmrb"]


@pytest.mark.parametrize(("engine", "objective"), DIVERGING)
def test_a_learning_rate_of_100_is_detected_within_an_epoch(
    engine: str, objective: str, topics_file: Path, tmp_path: Path
) -> None:
    config = small(topics_file, engine=engine, objective=objective, lr=100.0, epochs=1, batch_size=1024)
    with pytest.raises(TrainingError, match=r"^training diverged in epoch 1: .* restart with a lower --lr"):
        train(config, tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").glob("*")] in ([], ["metrics.jsonl"])


@pytest.mark.parametrize("engine", ["autograd", "fused"])
def test_divergence_keeps_the_last_good_checkpoint(
    engine: str, short_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    config = small(short_file, engine=engine)
    killed(config, run, 1, monkeypatch)
    good = (run / CHECKPOINT_FILE).read_bytes()
    monkeypatch.setattr(LinearDecay, "__call__", lambda *_: 1e30)
    with pytest.raises(TrainingError, match="training diverged in epoch 2: "):
        train(config, run, resume=True)
    assert (run / CHECKPOINT_FILE).read_bytes() == good
    assert not (run / VECTORS_FILE).exists()
