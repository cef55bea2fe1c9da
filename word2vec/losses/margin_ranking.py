"""Margin ranking: the score of the true word should exceed that of each noise word by a margin.

    loss = sum_k max(0, margin - (s_0 - s_k))

Derivation: the hinges bound the number of noise words above the true word; a pair that is far enough apart has no loss
and no gradient. With h_k = 1 where s_0 - s_k < margin, else 0,

    dL/ds_k = h_k        dL/ds_0 = -sum_k h_k

Paper: Collobert & Weston 2008, "A unified architecture for natural language processing", trained word vectors with it;
Herbrich et al. 2000, "Large margin rank boundaries for ordinal regression".
"""

import torch
from torch import Tensor

from word2vec.errors import ConfigError
from word2vec.losses.base import Objective, Reduction, at_least_float32, join_scores, reduce_losses


class MarginRanking(Objective):
    """Hinge loss of the true word against each noise word, summed over them.

    Args:
        margin: Required lead of the true word.
        reduction: "none", "mean" or "sum".
    """

    default_lr = 0.00625

    def __init__(self, margin: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, positive: Tensor, negative: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the loss of true words (B,) against noise words (B, K), with optional weights (B,)."""
        scores = join_scores(positive, negative)  # (B, 1 + K)
        losses = (self.margin - scores[:, :1] + scores[:, 1:]).relu().sum(dim=1)  # (B,)
        return reduce_losses(losses, weight, self.reduction)

    def score_gradients(self, scores: Tensor) -> Tensor:
        """1 for each noise word within the margin, minus their number for the true word: (B, 1 + K) -> (B, 1 + K)."""
        precise = at_least_float32(scores)
        within = (self.margin - precise[:, :1] + precise[:, 1:] > 0).to(precise.dtype)  # (B, K)
        return torch.cat((-within.sum(dim=1, keepdim=True), within), dim=1).to(scores.dtype)

    def constants(self, negatives: int) -> list[float]:
        """Return the margin."""
        return [self.margin]


def margin_ranking_loss(
    first: Tensor, second: Tensor, target: Tensor, margin: float = 0.0, reduction: Reduction = "mean"
) -> Tensor:
    """Compute max(0, -target (first - second) + margin), as torch.nn.MarginRankingLoss does.

    Args:
        first: First scores, of any shape.
        second: Second scores, of the same shape.
        target: +1 where the first score should be higher, -1 where the second should be, of the same shape.
        margin: Required difference.
        reduction: "none", "mean" or "sum".

    Raises:
        ConfigError: The shapes differ, or a target is neither +1 nor -1. PyTorch accepts 0, which has no gradient.
    """
    if not first.shape == second.shape == target.shape:
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in (first, second, target))
        raise ConfigError(f"margin ranking got shapes {shapes}; pass first, second and target of the same shape")
    wrong = target[target.abs() != 1]
    if len(wrong):
        raise ConfigError(f"margin ranking target {wrong[0].item():g}: must be +1 or -1; remove pairs without an order")
    losses = (margin - target * (at_least_float32(first) - at_least_float32(second))).relu()
    return reduce_losses(losses, None, reduction)
