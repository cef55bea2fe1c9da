"""WMRB: WARP for batches, with the rank estimated from all noise words instead of the first offender.

    rank = Y / |Z| * sum_k max(0, margin - s_0 + s_k)        loss = log(1 + rank)

Derivation: the true word's rank is the number of words above it; the hinge bounds each "is above" from above, and the
sum over a sample Z of the noise words, scaled by Y / |Z|, estimates the sum over the vocabulary. The log favours the
top of the list as WARP's weight does. With h_k = 1 where the hinge of k is above 0,

    dL/ds_k = Y / |Z| * h_k / (1 + rank)        dL/ds_0 = -sum_k dL/ds_k

Trap: where one word offends by a hair, the rank is near 0 and its step is up to Y / |Z|. Few noise words from a large
vocabulary want a small learning rate.

Paper: Liu & Natarajan 2017, "WMRB: learning to rank in a scalable batch training approach".
"""

from typing import ClassVar

import torch
from torch import Tensor

from word2vec.errors import ConfigError
from word2vec.losses.base import Objective, Reduction, at_least_float32, join_scores, reduce_losses


class WMRB(Objective):
    """Weighted margin-rank batch loss, log(1 + estimated rank).

    Args:
        num_labels: Y, the number of words in the vocabulary.
        margin: How far the true word has to be ahead.
        reduction: "none", "mean" or "sum".
    """

    # on 1.2 M words of text8, 5 noise words: of .0005, .0025, .005, .01 the loss fell most at .005; at .025 it rose
    default_lr: ClassVar[float] = 0.005
    needs_num_labels: ClassVar[bool] = True

    def __init__(self, num_labels: int, margin: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        if num_labels < 2:
            raise ConfigError(f"num_labels {num_labels} must be at least 2: the number of words in the vocabulary")
        self.num_labels, self.margin = num_labels, margin

    def forward(self, positive: Tensor, negative: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of true words (B,) against noise words (B, K), under an optional weight (B,)."""
        hinges, scale = self._hinges(join_scores(positive, negative))
        return reduce_losses((scale * hinges).sum(dim=1).log1p(), weight, self.reduction)

    def score_gradients(self, scores: Tensor) -> Tensor:
        """Y / |Z| / (1 + rank) for each offender, less their sum for the true word: (B, 1 + K) -> (B, 1 + K)."""
        hinges, scale = self._hinges(at_least_float32(scores))
        offenders = scale * (hinges > 0) / (1 + (scale * hinges).sum(dim=1, keepdim=True))  # (B, K)
        return torch.cat((-offenders.sum(dim=1, keepdim=True), offenders), dim=1).to(scores.dtype)

    def _hinges(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Hinges (B, K) of the noise words, and Y / |Z| (B, 1), Z without the absent ones."""
        negative = scores[:, 1:]  # (B, K)
        drawn = (negative > -torch.inf).sum(dim=1, keepdim=True).clamp(min=1)  # (B, 1)
        return (self.margin - scores[:, :1] + negative).relu(), self.num_labels / drawn.to(scores.dtype)
