"""Detection of diverged training, so that diverged tables never replace good ones."""

import math
from typing import cast

import torch

from word2vec.errors import TrainingError
from word2vec.losses.base import Objective
from word2vec.models.base import EmbeddingModel
from word2vec.sampling.datasets import ExampleDataset, TextDataset

MAX_LOSS = 1e6  # per pair; objectives that learn stay far below, and diverging ones pass it long before infinity
# Mean loss of an epoch relative to that of an untrained model. In experiments with all objectives on two small texts,
# an epoch that learned ended below 1.5, and WARP's first steps reached 7.5. Diverged epochs that stayed finite ended at
# 80 and far above; one that ended at 2.3, RankNet with 100 negatives, is not detected.
MAX_RELATIVE_LOSS = 10.0
MIN_REFERENCE = 1.0  # the untrained loss of a hinge with a small margin is near 0, which is not informative
MAX_REFERENCE_BATCH = 1024  # examples of an untrained batch, for objectives that score the words of the batch
MAX_ELEMENT = 1e4  # of a table; vectors that learn stay below 100, and diverging ones soon pass 1e6
# Bytes of a table checked at a time. subtle: on the CPU torch would divide a larger block among threads, which takes
# a hundred times as long on a busy machine, where they wait for each other
BLOCK_BYTES = {"cpu": 1 << 16, "cuda": 1 << 26}


def check_loss(loss: float, epoch: int, lr: float) -> None:
    """Check the mean loss per pair in an epoch (from 0).

    Raises:
        TrainingError: The loss is NaN, infinite or extremely large.
    """
    if not loss < MAX_LOSS:  # also true for NaN
        raise TrainingError(
            f"training diverged in epoch {epoch + 1}: the loss is {loss:.6g}; restart with a lower --lr "
            f"(it is {lr:.3g} now) or, with --engine autograd, a smaller --batch-size"
        )


def check_epoch(loss: float, epoch: int, lr: float, untrained: float) -> None:
    """Check the mean loss per pair at the end of an epoch (from 0).

    Args:
        loss: The mean loss per pair.
        epoch: The epoch.
        lr: The learning rate.
        untrained: The mean loss of a model that is not trained; NaN if it is unknown.

    Raises:
        TrainingError: The loss is far above that of an untrained model.
    """
    if loss > MAX_RELATIVE_LOSS * max(untrained, MIN_REFERENCE):  # false for NaN
        raise TrainingError(
            f"training diverged in epoch {epoch + 1}: the loss is {loss:.6g}, and that of an untrained model is "
            f"{untrained:.3g}; restart with a lower --lr (it is {lr:.3g} now), fewer --negatives or, with "
            "--engine autograd, a smaller --batch-size"
        )


@torch.no_grad()
def untrained_loss(objective: Objective, dataset: ExampleDataset) -> float:
    """Return the mean loss per pair of a model whose output table, and so whose scores, are zero, as before training.

    Args:
        objective: The objective, with the reduction "sum", on the device of the dataset.
        dataset: The examples.
    """
    device = dataset.device
    if objective.targets == "batch":
        size = min(dataset.batch_size, MAX_REFERENCE_BATCH)
        rows = torch.zeros(size, 1, device=device)  # (B, 1)
        loss, _ = objective.fortraining(rows, rows, ids=torch.arange(size, device=device))
        return float(loss.sum()) / size
    if objective.targets == "tree":  # whose loss is the sum over the nodes of a path
        text = cast("TextDataset", dataset)
        node = torch.zeros(1, 1, device=device)  # (1, 1)
        return float(objective(node[:, 0], node[:, 1:]).sum()) * text.tree.mean_length(
            text.pair_frequency.cpu().numpy()
        )
    scores = torch.zeros(1, 1 + dataset.settings.negatives, device=device)  # (1, 1 + K)
    correction = {"log_q": torch.full_like(scores, -math.log(len(dataset.noise)))} if objective.needs_log_q else {}
    return float(objective(scores[:, 0], scores[:, 1:], **correction).sum())


def check_tables(model: EmbeddingModel, epoch: int) -> None:
    """Check the tables after `epoch` epochs.

    Raises:
        TrainingError: A table contains NaN or extremely large numbers.
    """
    for parameter in model.parameters():
        table = parameter.detach()
        step = max(1, BLOCK_BYTES[table.device.type] // (table.shape[1] * table.element_size()))
        blocks = (table[start : start + step] for start in range(0, len(table), step))
        # subtle: the maximum of torch, unlike that of Python, is NaN if any element is
        largest = float(torch.stack([block.abs().max() for block in blocks]).max())
        if not largest < MAX_ELEMENT:  # also true for NaN
            raise TrainingError(
                f"training diverged in epoch {max(epoch, 1)}: the vectors contain numbers up to {largest:.3g}; "
                "restart with a lower --lr"
            )
