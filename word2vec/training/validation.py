"""The validation loss: the mean loss of examples from held-out sentences, with fixed windows and fixed noise words.

The examples are drawn once, so that the losses of two epochs differ only because the tables differ. They are drawn from
the same distribution as those of training (subsampling, windows, noise), so both losses have the same scale; only that
of an objective whose noise words are the batch is lower if fewer examples are held out than a batch has. The training
loss of an epoch, on the other hand, is a mean over tables that change, on examples that change.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from word2vec.engines.targets import paths_for, signed, targets_of, targets_per_example
from word2vec.losses.base import Objective, sum_losses
from word2vec.models.base import EmbeddingModel, scores
from word2vec.sampling.datasets import Batch, ExampleDataset

MAX_EXAMPLES = 1 << 16  # scored in a tenth of a second; the standard error of their mean is below 0.01
MAX_ROWS = 6 * MAX_EXAMPLES  # scored: with many noise words there are fewer examples, so that the time is the same
SPARE = 2  # examples drawn for each that is scored, because the words of short sentences have fewer pairs
SEED = 0  # of the examples, which do not depend on the seed of the run


class Validation:
    """Scores a model on held-out sentences.

    Args:
        dataset: The held-out sentences; its batches are the examples.
        objective: The objective, with the reduction "sum".

    Attributes:
        examples: Number of examples; 0 if nothing is held out or no held-out sentence has a pair.
    """

    def __init__(self, dataset: ExampleDataset, objective: Objective) -> None:
        self._objective = objective
        frequency = dataset.pair_frequency if objective.targets == "batch" else dataset.noise
        self._log_q = frequency.log() if objective.needs_log_q else None  # (V,)
        self._paths = paths_for(objective, dataset)
        rows = targets_per_example(dataset, self._paths)
        self._batches = _evenly(dataset, min(MAX_EXAMPLES, MAX_ROWS // rows))
        self.examples = sum(len(batch.center) for batch in self._batches)

    @torch.no_grad()
    def loss(self, model: EmbeddingModel) -> float:
        """Return the mean loss per example; NaN if there is none."""
        mode = self._objective.training
        self._objective.train(False)  # a user's objective may have dropout
        losses = [self._batch_loss(model, batch) for batch in self._batches]
        self._objective.train(mode)
        return float(torch.stack(losses).double().sum()) / self.examples if losses else math.nan

    def _batch_loss(self, model: EmbeddingModel, batch: Batch) -> Tensor:
        x = model.gather(batch)  # (B, D)
        if self._objective.targets == "batch":
            right = model.output.index_select(0, batch.center)  # (B, D)
            log_q = None if self._log_q is None else self._log_q[batch.center]  # (B,)
            loss, _ = self._objective.fortraining(x, right, ids=batch.center, log_q=log_q)
            return loss.sum()
        targets, signs = targets_of(batch, self._paths)  # (B, T) each, or None
        y = model.output.index_select(0, targets.view(-1)).view(*targets.shape, -1)  # (B, T, D)
        s = signed(scores(x, y), signs)  # (B, T)
        correction = {} if self._log_q is None else {"log_q": self._log_q[targets]}
        return sum_losses(self._objective(s[:, 0], s[:, 1:], **correction), len(s), needs_gradient=False)


def validation_words(pairs: float) -> int:
    """Return how many held-out words provide enough examples.

    Args:
        pairs: Examples per word, on average; `ExampleDataset.pairs_per_word`.
    """
    return int(SPARE * MAX_EXAMPLES / pairs)


def _evenly(batches: Iterable[Batch], examples: int) -> list[Batch]:
    """Return every n-th batch, such that at most `examples` examples, but at least one batch, are in memory."""
    kept: list[Batch] = []
    step = 1
    for number, batch in enumerate(batches):
        if number % step == 0:
            kept.append(Batch(*(ids.clone() for ids in batch)))  # subtle: a slice would keep its whole chunk in memory
        if len(kept) > 1 and sum(len(each.center) for each in kept) > examples:
            kept, step = kept[::2], 2 * step
    return kept
