"""RankNet: rank the true word above each noise word, pair by pair; with sigma = 1 this is BPR.

    loss = sum_k softplus(-sigma (s_0 - s_k))

Derivation: the probability that i ranks above j is modeled as sigmoid(sigma (s_i - s_j)); the loss is the cross-entropy
with the known order. It is summed over the noise words, not averaged, so that its learning rates compare with those of
negative sampling. With lambda_k = sigma sigmoid(-sigma (s_0 - s_k)),

    dL/ds_k = lambda_k        dL/ds_0 = -sum_k lambda_k

listwise.py has the same loss for whole lists with graded relevance.

Papers: Burges et al. 2005, "Learning to rank using gradient descent"; Rendle et al. 2009, "BPR: Bayesian personalized
ranking from implicit feedback".
"""

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

    default_lr = 0.0125

    def __init__(self, sigma: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        if sigma <= 0:
            raise ConfigError(f"sigma {sigma} must be greater than 0")
        self.sigma = sigma

    def forward(self, positive: Tensor, negative: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the loss of true words (B,) against noise words (B, K), with optional weights (B,)."""
        scores = join_scores(positive, negative)  # (B, 1 + K)
        losses = softplus(-self.sigma * (scores[:, :1] - scores[:, 1:])).sum(dim=1)  # (B,)
        return reduce_losses(losses, weight, self.reduction)

    def score_gradients(self, scores: Tensor) -> Tensor:
        """lambda_k for each noise word, minus their sum for the true word: (B, 1 + K) -> (B, 1 + K)."""
        precise = at_least_float32(scores)
        lambdas = self.sigma * (-self.sigma * (precise[:, :1] - precise[:, 1:])).sigmoid()  # (B, K)
        return torch.cat((-lambdas.sum(dim=1, keepdim=True), lambdas), dim=1).to(scores.dtype)

    def constants(self, negatives: int) -> list[float]:
        """Sigma."""
        return [self.sigma]
