"""Detection of diverged training, so that diverged tables never replace good ones."""

import torch

from word2vec.errors import TrainingError
from word2vec.models.skipgram import SkipGram

MAX_LOSS = 1e6  # per pair; objectives that learn stay far below, and diverging ones pass it long before infinity
MAX_ELEMENT = 1e4  # of a table; vectors that learn stay below 100, and diverging ones soon pass 1e6
BLOCK_BYTES = 1 << 20  # of a table checked at a time: fits the cache


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


def check_tables(model: SkipGram, epoch: int) -> None:
    """Check the tables after `epoch` epochs.

    Raises:
        TrainingError: A table contains NaN or extremely large numbers.
    """
    for table in (model.input.detach(), model.output.detach()):
        step = max(1, BLOCK_BYTES // (table.shape[1] * table.element_size()))
        blocks = (table[start : start + step] for start in range(0, len(table), step))
        # subtle: the maximum of torch, unlike that of Python, is NaN if any element is
        largest = float(torch.stack([block.abs().max() for block in blocks]).max())
        if not largest < MAX_ELEMENT:  # also true for NaN
            raise TrainingError(
                f"training diverged in epoch {max(epoch, 1)}: the vectors contain numbers up to {largest:.3g}; "
                "restart with a lower --lr"
            )
