"""In-batch softmax: the true words of the other examples in the batch serve as noise words.

    z_ij = left_i . right_j / temperature [- log q_j]        loss_i = -log(exp z_ii / sum_j exp z_ij)

Derivation: this is a sampled softmax whose B - 1 noise words need no additional rows. They occur in proportion to q,
which here is the word's frequency in the training pairs and not the noise distribution of negative sampling. With
p = softmax(z_i), the gradient of one row with respect to its raw scores is

    dL_i/ds_ii = (p_i - 1) / temperature        dL_i/ds_ij = p_j / temperature

With the correction by log q, the scores learn log p(word | given word), which is right for ranking items, popular ones
above rare ones. Without it they learn log p(word | given word) - log q, the pointwise mutual information, as negative
sampling does (Levy & Goldberg 2014, "Neural word embedding as implicit matrix factorization"). That is better for word
vectors: corrected scores have to encode log p(word), which is the same for all given words, so all vectors share a
direction and their cosines carry less information (evaluation/FINDINGS.md has figures).

Papers: Yi et al. 2019, "Sampling-bias-corrected neural modeling for large corpus item recommendations" (logQ);
Chen et al. 2017, "On sampling strategies for neural network-based collaborative filtering" (negatives from the batch).
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from word2vec.errors import ConfigError
from word2vec.losses.base import Objective, Reduction, Targets, at_least_float32, reduce_losses


class InBatchSoftmax(Objective):
    """Cross-entropy of each left row over all right rows of the batch.

    Args:
        temperature: Divisor of the scores. Values below 1 sharpen the softmax, which rows of length one need.
        block_rows: How many left rows are scored at a time. Memory is block_rows x B instead of B x B, because the
            backward pass recomputes the scores of each block.
        corrected: Whether an engine should pass log q; `fortraining` applies it whenever it is given.
        reduction: "none", "mean" or "sum".
    """

    default_lr = 0.05
    targets: Targets = "batch"

    def __init__(
        self,
        temperature: float = 1.0,
        block_rows: int = 1024,
        corrected: bool = False,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction)
        if temperature <= 0 or block_rows < 1:
            raise ConfigError(f"temperature {temperature} and block_rows {block_rows}: both must be greater than 0")
        self.temperature = temperature
        self.block_rows = block_rows
        self.needs_log_q = corrected

    def fortraining(
        self,
        left: Tensor,
        right: Tensor,
        ids: Tensor | None = None,
        log_q: Tensor | None = None,
        weight: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Compute the loss of left rows (B, D) against right rows (B, D), and the predicted column of each row (B,).

        `(predictions == arange(B)).mean()` is precision at 1 within the batch, by the logits that the loss sees.

        Args:
            left: Input rows, (B, D).
            right: Rows of the true words, (B, D).
            ids: Ids of the true words, (B,). Rows with the same word do not serve as noise words for each other.
            log_q: Log frequency of each true word in the training pairs, (B,).
            weight: Weights of the examples, (B,). An example of weight 0 does not serve as a noise word either.
        """
        if len(left) <= self.block_rows:
            losses, predictions = self._score_rows(0, left, right, ids, log_q, weight)
        else:
            blocks = [
                checkpoint(self._score_rows, first, left, right, ids, log_q, weight, use_reentrant=False)
                for first in range(0, len(left), self.block_rows)
            ]
            losses, predictions = (torch.cat(parts) for parts in zip(*blocks, strict=True))
        return reduce_losses(losses, weight, self.reduction), predictions

    def forward(self, scores: Tensor, labels: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the cross-entropy of scores (B, N) with labels (B,), as nn.CrossEntropyLoss, for fixed distractors."""
        losses = cross_entropy(at_least_float32(scores) / self.temperature, labels, reduction="none")  # (B,)
        return reduce_losses(losses, weight, self.reduction)

    def score_gradients(self, scores: Tensor) -> Tensor:
        """Return (softmax(s / temperature), minus 1 for the true word) / temperature; column 0 is the true word."""
        gradients = (at_least_float32(scores) / self.temperature).softmax(dim=1)  # (B, 1 + K)
        gradients[:, 0] -= 1
        return (gradients / self.temperature).to(scores.dtype)

    def _score_rows(
        self, first: int, left: Tensor, right: Tensor, ids: Tensor | None, log_q: Tensor | None, weight: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return losses (R,) and predictions (R,) of the block of rows that begins at row `first`."""
        rows = left[first : first + self.block_rows]  # (R, D)
        own = torch.arange(first, first + len(rows), device=left.device)  # (R,)
        logits = at_least_float32(rows @ right.T) / self.temperature  # (R, B)
        if log_q is not None:
            logits = logits - log_q
        absent = torch.zeros_like(logits, dtype=torch.bool)  # (R, B)
        if ids is not None:
            absent = absent | (ids[own, None] == ids)
        if weight is not None:
            absent = absent | (weight == 0)
        logits = logits.masked_fill(absent.scatter(1, own[:, None], value=False), -torch.inf)
        predictions = logits.argmax(dim=1) if len(right) else own
        return cross_entropy(logits, own, reduction="none"), predictions
