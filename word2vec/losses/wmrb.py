"""WMRB: WARP for batches, with the rank estimated from all noise words instead of the first offender.

    rank = Y / |Z| * sum_k max(0, margin - s_0 + s_k)        loss = log(1 + rank / resolution)

Derivation: the true word's rank is the number of words above it; the hinge bounds each "is above" from above, and the
sum over a sample Z of the noise words, scaled by Y / |Z|, estimates the sum over the vocabulary. The log favors the
top of the list as WARP's weight does. With h_k = 1 where the hinge of k is above 0,

    dL/ds_k = Y / |Z| * h_k / (resolution + rank)        dL/ds_0 = -sum_k dL/ds_k

The paper has resolution 1, and samples of thousands. A sample of |Z| words cannot tell ranks below Y / |Z| apart: where
one of five noise words offends by a hair, the rank is estimated near 0, and the step is up to Y / |Z|, thousands of
times the usual one. On wiki8 nothing was learnt that way at any learning rate. So the default resolution is Y / |Z|,
which makes the loss log(1 + the sum of the hinges) and bounds a step by 1.

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
        resolution: The smallest difference in rank that counts in full; None: Y / |Z|, 1 as in the paper.
        reduction: "none", "mean" or "sum".
    """

    default_lr: ClassVar[float] = 0.05
    needs_num_labels: ClassVar[bool] = True

    def __init__(
        self, num_labels: int, margin: float = 1.0, resolution: float | None = None, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction)
        if num_labels < 2:
            raise ConfigError(f"num_labels {num_labels} must be at least 2: the number of words in the vocabulary")
        if resolution is not None and not resolution > 0:
            raise ConfigError(f"resolution {resolution} must be above 0, or None")
        self.num_labels, self.margin, self.resolution = num_labels, margin, resolution

    def forward(self, positive: Tensor, negative: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of true words (B,) against noise words (B, K), under an optional weight (B,)."""
        hinges, scale = self._hinges(join_scores(positive, negative))
        return reduce_losses((scale * hinges).sum(dim=1).log1p(), weight, self.reduction)

    def score_gradients(self, scores: Tensor) -> Tensor:
        """The same for each offender, less their sum for the true word: (B, 1 + K) -> (B, 1 + K)."""
        hinges, scale = self._hinges(at_least_float32(scores))
        offenders = scale * (hinges > 0) / (1 + (scale * hinges).sum(dim=1, keepdim=True))  # (B, K)
        return torch.cat((-offenders.sum(dim=1, keepdim=True), offenders), dim=1).to(scores.dtype)

    def constants(self, negatives: int) -> list[float]:
        """The margin, and what the sum of the hinges is multiplied by."""
        return [self.margin, 1.0 if self.resolution is None else self.num_labels / negatives / self.resolution]

    def _hinges(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Hinges (B, K) of the noise words, and what their sum is scaled by (B, 1): Z is without the absent ones."""
        negative = scores[:, 1:]  # (B, K)
        drawn = (negative > -torch.inf).sum(dim=1, keepdim=True).clamp(min=1).to(scores.dtype)  # (B, 1)
        scale = torch.ones_like(drawn) if self.resolution is None else self.num_labels / drawn / self.resolution
        return (self.margin - scores[:, :1] + negative).relu(), scale
