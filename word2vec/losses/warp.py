"""WARP: push the true word above the first noise word within the margin, harder the worse its estimated rank.

    loss = w(rank) * (margin - s_0 + s_v)        v = the first k with s_k > s_0 - margin; loss 0 if there is none
    rank = max(1, floor((Y - 1) / v))            w = log(rank), or harmonic: 1 + 1/2 + .. + 1/rank

Derivation: a noise word that violates the margin is called an offender. If `rank` of the Y - 1 other words offend, the
first offender is found after about (Y - 1) / rank draws, so the number of draws v estimates the rank of the true word
without scoring the whole vocabulary. The harmonic weight favors the top of the ranking; the log approximates it, but
log(1) = 0: an offender that was hard to find has no gradient. The number of draws is treated as a constant, so only two
scores have a gradient:

    dL/ds_0 = -w(rank)        dL/ds_v = w(rank)

Papers: Weston et al. 2011, "WSABIE: scaling up to large vocabulary image annotation"; Usunier et al. 2009, "Ranking
with ordered weighted pairwise classification".
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from word2vec.errors import ConfigError
from word2vec.losses.base import Objective, Reduction, at_least_float32, join_scores, reduce_losses

EULER_GAMMA = 0.5772156649015329  # the n-th harmonic number is digamma(n + 1) + gamma

RankWeight = Literal["log", "harmonic"]
RANK_WEIGHTS: dict[str, Callable[[Tensor], Tensor]] = {
    "log": torch.log,
    "harmonic": lambda ranks: torch.digamma(ranks + 1) + EULER_GAMMA,
}


class WARP(Objective):
    """Weighted approximate-rank pairwise loss; an ignored noise word (score -inf) still counts as a draw.

    Args:
        num_labels: Y, the number of words in the vocabulary.
        margin: Required lead of the true word.
        rank_weight: "log" or "harmonic".
        max_draws: How many noise words are considered at most; None means all K.
        reduction: "none", "mean" or "sum".
    """

    # the weight of an offender at the first draw is log Y, about 11: steps are as long as margin ranking's at 0.02
    default_lr = 0.002
    needs_num_labels = True

    def __init__(
        self,
        num_labels: int,
        margin: float = 1.0,
        rank_weight: RankWeight = "log",
        max_draws: int | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction)
        if rank_weight not in RANK_WEIGHTS:
            raise ConfigError(f"unknown rank_weight {rank_weight!r}; use one of {', '.join(RANK_WEIGHTS)}")
        if num_labels < 2 or (max_draws is not None and max_draws < 1):
            raise ConfigError(f"num_labels {num_labels} must be at least 2, max_draws {max_draws} at least 1 or None")
        self.num_labels, self.margin, self.rank_weight, self.max_draws = num_labels, margin, rank_weight, max_draws

    def forward(self, positive: Tensor, negative: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the loss of true words (B,) against noise words (B, K), with optional weights (B,)."""
        scores = join_scores(positive, negative)  # (B, 1 + K)
        first, rank_weights = self.first_offenders(scores)
        hinges = self.margin - scores[:, 0] + scores.gather(1, first).squeeze(1)  # (B,)
        # subtle: without an offender the weight is already 0, but the hinge may be -inf, and 0 x -inf is NaN
        return reduce_losses(rank_weights.squeeze(1) * hinges.relu(), weight, self.reduction)

    def score_gradients(self, scores: Tensor) -> Tensor:
        """Return -w for the true word and w for the first offender: (B, 1 + K) -> (B, 1 + K)."""
        precise = at_least_float32(scores)
        first, rank_weights = self.first_offenders(precise)
        gradients = torch.zeros_like(precise).scatter(1, first, rank_weights)  # (B, 1 + K)
        gradients[:, 0] = -rank_weights.squeeze(1)
        return gradients.to(scores.dtype)

    def constants(self, negatives: int) -> list[float]:
        """Return the margin, then the rank weight of the first offender for each draw at which it may be found."""
        draws = torch.arange(1, negatives + 1)
        ranks = ((self.num_labels - 1) // draws).clamp(min=1).double()
        weights = RANK_WEIGHTS[self.rank_weight](ranks) * (draws <= (self.max_draws or negatives))
        return [self.margin, *weights.tolist()]

    def first_offenders(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Return the column of the first offender (B, 1) and its rank weight (B, 1), which is 0 without an offender."""
        offends = self.margin - scores[:, :1] + scores[:, 1:][:, : self.max_draws] > 0  # (B, N)
        # argmax finds the first 1, or column 0 if there is none: no loop, and no nonzero(), which waits for the device
        draw = offends.int().argmax(dim=1, keepdim=True)  # (B, 1), from 0
        ranks = ((self.num_labels - 1) // (draw + 1)).clamp(min=1)
        weights = RANK_WEIGHTS[self.rank_weight](ranks.to(scores.dtype))
        return draw + 1, weights * offends.any(dim=1, keepdim=True)


def warp_loss(positive: Tensor, negative: Tensor, num_labels: int, device: torch.device | str | None = None) -> Tensor:
    """Compute the sum of the log-weighted WARP losses.

    Args:
        positive: Scores of the true words, (B, 1).
        negative: Scores of the noise words, (B, N).
        num_labels: Number of words in the vocabulary.
        device: Device to compute on; None keeps each tensor where it is.
    """
    return WARP(num_labels, reduction="sum").forward(positive.to(device).squeeze(1), negative.to(device))
