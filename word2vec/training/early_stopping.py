"""Early stopping: end training when the validation loss no longer falls, and keep the tables of the best epoch.

The copy of the best tables is saved in each checkpoint, so that an interrupted run keeps it. A finished run contains
the best tables only; if it is resumed with more epochs, they remain the best until an epoch has a lower loss.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from word2vec.models.base import EmbeddingModel


class Best(NamedTuple):
    """The best epoch so far.

    Attributes:
        epoch: Its number, from 1.
        loss: Its validation loss.
    """

    epoch: int
    loss: float


class EarlyStopping:
    """Watches the validation loss.

    Args:
        patience: Stop after this many epochs without a lower loss; None disables early stopping.
        best: The best epoch before the run was interrupted.
        tables: The tables of that epoch, by name.

    Attributes:
        best: The best epoch; None before the first one, and without patience.
        tables: Copies of its tables, by name; empty after `finish`.
    """

    def __init__(self, patience: int | None, best: Best | None = None, tables: dict[str, Tensor] | None = None) -> None:
        self._patience = patience
        self.best, self.tables = best, tables or {}

    def update(self, epoch: int, loss: float | None, model: EmbeddingModel) -> None:
        """Record the loss after an epoch (from 1), and keep the tables if it is the lowest."""
        if self._patience is not None and loss is not None and (self.best is None or loss < self.best.loss):
            self.best = Best(epoch, loss)
            self.tables = {name: table.detach().cpu().clone() for name, table in model.tables().items()}

    def out_of_patience(self, epochs: int) -> bool:
        """Return whether training should stop after this many epochs."""
        return self._patience is not None and self.best is not None and epochs - self.best.epoch >= self._patience

    @torch.no_grad()
    def finish(self, model: EmbeddingModel) -> None:
        """Copy the tables of the best epoch into the model, if there is one; `tables` is empty afterwards."""
        for name, table in model.tables().items():
            if name in self.tables:
                table.copy_(self.tables[name])
        self.tables = {}
