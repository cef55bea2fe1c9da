"""WMRB: WARP for batches, with the rank estimated from all noise words instead of from the first offender.

    rank = Y / |Z| * sum_k max(0, margin - s_0 + s_k)        loss = log(1 + rank / resolution)

Derivation: the true word's rank is the number of words above it. A hinge is an upper bound of the indicator of "above",
and the sum over a sample Z of noise words, scaled by Y / |Z|, estimates the sum over the vocabulary. The log favors the
top of the ranking, as WARP's weight does. With h_k = 1 where the hinge of k is positive, else 0,

    dL/ds_k = Y / |Z| * h_k / (resolution + rank)        dL/ds_0 = -sum_k dL/ds_k

The paper has resolution 1 and samples of thousands of words. A sample of |Z| words cannot distinguish ranks below
Y / |Z|: if one of five noise words barely violates the margin, the estimated rank is near 0 and the gradient up to
Y / |Z|, thousands of times the usual one. On wiki8 nothing was learned that way at any learning rate. The default
resolution is therefore Y / |Z|, which makes the loss log(1 + the sum of the hinges) and bounds each g_k by 1.

Paper: Liu & Natarajan 2017, "WMRB: learning to rank in a scalable batch training approach".
"""

import torch
from torch import Tensor

from word2vec.errors import ConfigError
from word2vec.losses.base import Objective, Reduction, at_least_float32, join_scores, reduce_losses


class WMRB(Objective):
    """Weighted margin-rank batch loss, log(1 + estimated rank).

    Args:
        num_labels: Y, the number of words in the vocabulary.
        margin: Required lead of the true word.
        resolution: Smallest difference in rank that counts in full. None means Y / |Z|; the paper has 1.
        reduction: "none", "mean" or "sum".
    """

    default_lr = 0.05
    needs_num_labels = True

    def __init__(
        self, num_labels: int, margin: float = 1.0, resolution: float | None = None, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction)
        if num_labels < 2:
            raise ConfigError(f"num_labels {num_labels} must be at least 2: the number of words in the vocabulary")
        if resolution is not None and not resolution > 0:
            raise ConfigError(f"resolution {resolution} must be greater than 0, or None")
        self.num_labels, self.margin, self.resolution = num_labels, margin, resolution

    def forward(self, positive: Tensor, negative: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the loss of true words (B,) against noise words (B, K), with optional weights (B,)."""
        hinges, scale = self._hinges(join_scores(positive, negative))
        return reduce_losses((scale * hinges).sum(dim=1).log1p(), weight, self.reduction)

    def score_gradients(self, scores: Tensor) -> Tensor:
        """Return one value for all offenders, minus their sum for the true word: (B, 1 + K) -> (B, 1 + K)."""
        hinges, scale = self._hinges(at_least_float32(scores))
        offenders = scale * (hinges > 0) / (1 + (scale * hinges).sum(dim=1, keepdim=True))  # (B, K)
        return torch.cat((-offenders.sum(dim=1, keepdim=True), offenders), dim=1).to(scores.dtype)

    def constants(self, negatives: int) -> list[float]:
        """Return the margin, the factor of the sum of the hinges, and 1 if it is inversely proportional to |Z|."""
        if self.resolution is None:
            return [self.margin, 1.0, 0.0]
        return [self.margin, self.num_labels / negatives / self.resolution, 1.0]

    def _hinges(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Return the hinges (B, K) and the factor of their sum (B, 1); ignored noise words do not count in |Z|."""
        negative = scores[:, 1:]  # (B, K)
        drawn = (negative > -torch.inf).sum(dim=1, keepdim=True).clamp(min=1).to(scores.dtype)  # (B, 1)
        scale = torch.ones_like(drawn) if self.resolution is None else self.num_labels / drawn / self.resolution
        return (self.margin - scores[:, :1] + negative).relu(), scale
