"""The validation loss: the mean loss of examples from held-out sentences, with fixed windows and fixed noise words.

The examples are drawn once, so that the losses of two epochs differ only because the tables differ. They are drawn from
the same distribution as those of training (subsampling, windows, noise), so both losses have the same scale. The
training loss of an epoch, on the other hand, is a mean over tables that change, on examples that change.
"""

import math

import torch
from torch import Tensor

from word2vec.losses.base import Objective, sum_losses
from word2vec.models.skipgram import SkipGram, scores
from word2vec.sampling.datasets import Batch, SkipGramDataset

MAX_EXAMPLES = 1 << 16  # scored in a tenth of a second; the standard error of a mean is then below 0.01
SEED = 0  # of the examples, which do not depend on the seed of the run


class Validation:
    """Scores a model on held-out sentences.

    Args:
        dataset: The held-out sentences; its batches are the examples.
        objective: The objective, with the reduction "sum".

    Attributes:
        examples: Number of examples; 0 if nothing is held out or no held-out sentence has a pair.
    """

    def __init__(self, dataset: SkipGramDataset, objective: Objective) -> None:
        self._objective = objective
        frequency = dataset.pair_frequency if objective.in_batch else dataset.noise
        self._log_q = frequency.log() if objective.needs_log_q else None  # (V,)
        self._batches = _spread(list(dataset), MAX_EXAMPLES)
        self.examples = sum(len(batch.center) for batch in self._batches)

    @torch.no_grad()
    def loss(self, model: SkipGram) -> float:
        """Return the mean loss per example; NaN if there is none."""
        losses = [self._batch_loss(model, batch) for batch in self._batches]
        return float(torch.stack(losses).double().sum()) / self.examples if losses else math.nan

    def _batch_loss(self, model: SkipGram, batch: Batch) -> Tensor:
        x = model.input.index_select(0, batch.context)  # (B, D)
        if self._objective.in_batch:
            right = model.output.index_select(0, batch.center)  # (B, D)
            log_q = None if self._log_q is None else self._log_q[batch.center]  # (B,)
            loss, _ = self._objective.fortraining(x, right, ids=batch.center, log_q=log_q)
            return loss.sum()
        targets = torch.cat([batch.center.unsqueeze(1), batch.negatives], dim=1)  # (B, 1 + K)
        y = model.output.index_select(0, targets.view(-1)).view(*targets.shape, -1)  # (B, 1 + K, D)
        s = scores(x, y)  # (B, 1 + K)
        correction = {} if self._log_q is None else {"log_q": self._log_q[targets]}
        return sum_losses(self._objective(s[:, 0], s[:, 1:], **correction), len(s), needs_gradient=False)


def _spread(batches: list[Batch], examples: int) -> list[Batch]:
    """Return at most about `examples` examples, in batches that are spread evenly over all batches."""
    total = sum(len(batch.center) for batch in batches)
    number = len(batches) if total <= examples else max(1, len(batches) * examples // total)
    return [batches[position * len(batches) // number] for position in range(number)]
