"""Margin ranking: the true word ahead of each noise word by a margin, and no further.

    loss = sum_k max(0, margin - (s_0 - s_k))

Derivation: the hinge bounds the number of noise words above the true word; a pair that is far enough apart costs
nothing and teaches nothing. With h_k = 1 where s_0 - s_k < margin, else 0,

    dL/ds_k = h_k        dL/ds_0 = -sum_k h_k

Paper: Collobert & Weston 2008, "A unified architecture for natural language processing", trained word vectors with it;
Herbrich et al. 2000, "Large margin rank boundaries for ordinal regression".
"""

from typing import ClassVar

import torch
from torch import Tensor

from word2vec.errors import ConfigError
from word2vec.losses.base import Objective, Reduction, at_least_float32, join_scores, reduce_losses


class MarginRanking(Objective):
    """Hinge loss of the true word against each noise word, summed over them.

    Args:
        margin: How far the true word has to be ahead.
        reduction: "none", "mean" or "sum".
    """

    default_lr: ClassVar[float] = 0.00625

    def __init__(self, margin: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, positive: Tensor, negative: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of true words (B,) against noise words (B, K), under an optional weight (B,)."""
        scores = join_scores(positive, negative)  # (B, 1 + K)
        losses = (self.margin - scores[:, :1] + scores[:, 1:]).relu().sum(dim=1)  # (B,)
        return reduce_losses(losses, weight, self.reduction)

    def score_gradients(self, scores: Tensor) -> Tensor:
        """1 for each noise word within the margin, less their number for the true word: (B, 1 + K) -> (B, 1 + K)."""
        precise = at_least_float32(scores)
        within = (self.margin - precise[:, :1] + precise[:, 1:] > 0).to(precise.dtype)  # (B, K)
        return torch.cat((-within.sum(dim=1, keepdim=True), within), dim=1).to(scores.dtype)

    def constants(self, negatives: int) -> list[float]:
        """The margin."""
        return [self.margin]


def margin_ranking_loss(
    first: Tensor, second: Tensor, target: Tensor, margin: float = 0.0, reduction: Reduction = "mean"
) -> Tensor:
    """max(0, -target (first - second) + margin), as torch.nn.MarginRankingLoss; all three of one shape.

    Raises:
        ConfigError: a target is neither +1 (first ranks higher) nor -1. PyTorch takes 0 and learns nothing from it.
    """
    if not first.shape == second.shape == target.shape:
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in (first, second, target))
        raise ConfigError(f"margin ranking got shapes {shapes}: give first, second and target one shape")
    wrong = target[target.abs() != 1]
    if len(wrong):
        raise ConfigError(f"margin ranking target {wrong[0].item():g}: use +1 or -1, and leave pairs without order out")
    losses = (margin - target * (at_least_float32(first) - at_least_float32(second))).relu()
    return reduce_losses(losses, None, reduction)
