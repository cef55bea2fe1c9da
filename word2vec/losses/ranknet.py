"""RankNet: put the true word above each noise word, pair by pair; with sigma = 1 this is BPR.

    loss = sum_k softplus(-sigma (s_0 - s_k))

Derivation: the probability that i ranks above j is sigmoid(sigma (s_i - s_j)); the loss is the cross-entropy with the
known order. It is summed over the noise words, not averaged, so that its learning rates compare with those of negative
sampling. With lambda_k = sigma sigmoid(-sigma (s_0 - s_k)),

    dL/ds_k = lambda_k        dL/ds_0 = -sum_k lambda_k

For a whole list with graded relevances r and t_ij = 1, 0 or 0.5 (a tie), over the unordered pairs {i, j}:

    loss = sum t_ij softplus(-x_ij) + (1 - t_ij) softplus(x_ij)        x_ij = sigma (s_i - s_j)
    dL/ds_i = sum_j sigma (sigmoid(x_ij) - t_ij)

Papers: Burges et al. 2005, "Learning to rank using gradient descent"; Burges 2010, "From RankNet to LambdaRank to
LambdaMART"; Rendle et al. 2009, "BPR: Bayesian personalized ranking from implicit feedback".
"""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import softplus

from word2vec.errors import ConfigError
from word2vec.losses.base import Objective, Reduction, at_least_float32, join_scores, reduce_losses


class RankNet(Objective):
    """Pairwise logistic ranking of the true word against each noise word.

    Args:
        sigma: Steepness of the sigmoid.
        reduction: "none", "mean" or "sum".
    """

    default_lr: ClassVar[float] = 0.0125

    def __init__(self, sigma: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        if sigma <= 0:
            raise ConfigError(f"sigma {sigma} must be above 0")
        self.sigma = sigma

    def forward(self, positive: Tensor, negative: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of true words (B,) against noise words (B, K), under an optional weight (B,)."""
        scores = join_scores(positive, negative)  # (B, 1 + K)
        losses = softplus(-self.sigma * (scores[:, :1] - scores[:, 1:])).sum(dim=1)  # (B,)
        return reduce_losses(losses, weight, self.reduction)

    def score_gradients(self, scores: Tensor) -> Tensor:
        """lambda_k for each noise word, less their sum for the true word: (B, 1 + K) -> (B, 1 + K)."""
        precise = at_least_float32(scores)
        lambdas = self.sigma * (-self.sigma * (precise[:, :1] - precise[:, 1:])).sigmoid()  # (B, K)
        return torch.cat((-lambdas.sum(dim=1, keepdim=True), lambdas), dim=1).to(scores.dtype)

    def constants(self, negatives: int) -> list[float]:
        """Sigma."""
        return [self.sigma]


def ranknet_loss(scores: Tensor, relevance: Tensor, sigma: float = 1.0, weights: Tensor | None = None) -> Tensor:
    """The loss of one list, scores (N,) and relevance (N,), summed over its unordered pairs.

    `weights (N, N)` weigh the pairs; where they are not symmetric a pair counts with the mean of its two. Pass
    `ndcg_weights(scores, relevance)` for LambdaRank.
    """
    margins, targets, weights = _pairs(scores, relevance, sigma, weights)
    # subtle: softplus, for log(1 - sigmoid) overflows; halved, for the matrix holds each pair twice
    return 0.5 * (weights * (targets * softplus(-margins) + (1 - targets) * softplus(margins))).sum()


def ranknet_gradient(scores: Tensor, relevance: Tensor, sigma: float = 1.0, weights: Tensor | None = None) -> Tensor:
    """The gradient (N,) of `ranknet_loss` by the scores, from N x N lambdas: no loss, no autograd."""
    with torch.no_grad():
        margins, targets, weights = _pairs(scores, relevance, sigma, weights)
        lambdas = sigma * (margins.sigmoid() - targets)  # (N, N), antisymmetric
        return (0.5 * (weights + weights.T) * lambdas).sum(dim=1).to(scores.dtype)


def _pairs(scores: Tensor, relevance: Tensor, sigma: float, weights: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Margins x_ij, targets t_ij and weights, each (N, N); an item is no pair with itself."""
    if scores.dim() != 1 or relevance.shape != scores.shape:
        raise ConfigError(f"scores {tuple(scores.shape)}, relevance {tuple(relevance.shape)}: both must be (N,)")
    scores = at_least_float32(scores)
    margins = sigma * (scores[:, None] - scores)
    targets = 0.5 + 0.5 * torch.sign(relevance[:, None] - relevance).to(scores.dtype)
    off_diagonal = 1 - torch.eye(len(scores), dtype=scores.dtype, device=scores.device)
    return margins, targets, off_diagonal if weights is None else weights.to(scores.dtype) * off_diagonal
