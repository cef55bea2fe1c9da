"""RankNet and LambdaRank for a whole list with graded relevance, as functions rather than as a training objective.

For N items with scores s and relevances r, let t_ij = 1, 0 or 0.5 (a tie) say whether item i is more relevant than
item j. Over the unordered pairs {i, j},

    loss = sum t_ij softplus(-x_ij) + (1 - t_ij) softplus(x_ij)        x_ij = sigma (s_i - s_j)
    dL/ds_i = sum_j sigma (sigmoid(x_ij) - t_ij)

Derivation: sigmoid(x_ij) is the modeled probability that i ranks above j, and the loss is its cross-entropy with t_ij.

LambdaRank weights each pair by what NDCG would change if the two items swapped places, at positions p (from 1) by
score; its gradient then follows NDCG, which is not differentiable. Pairs of equal relevance have weight 0:

    |delta NDCG|_ij = |(2^r_i - 2^r_j) (1 / log2(1 + p_i) - 1 / log2(1 + p_j))| / maxDCG

Papers: Burges et al. 2005, "Learning to rank using gradient descent"; Burges 2010, "From RankNet to LambdaRank to
LambdaMART".
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from word2vec.errors import ConfigError
from word2vec.losses.base import at_least_float32


def ranknet_loss(scores: Tensor, relevance: Tensor, sigma: float = 1.0, weights: Tensor | None = None) -> Tensor:
    """Compute the RankNet loss of one list, summed over its unordered pairs.

    Args:
        scores: Scores of the items, (N,).
        relevance: Relevances of the items, (N,).
        sigma: Steepness of the sigmoid.
        weights: Weights of the pairs, (N, N). If they are not symmetric, a pair counts with the mean of its two. Pass
            `ndcg_weights(scores, relevance)` for LambdaRank.

    Raises:
        ConfigError: The scores and relevances do not both have the shape (N,).
    """
    margins, targets, weights = _pairs(scores, relevance, sigma, weights)
    # subtle: softplus because log(1 - sigmoid) overflows; halved because the matrix contains each pair twice
    return 0.5 * (weights * (targets * softplus(-margins) + (1 - targets) * softplus(margins))).sum()


def ranknet_gradient(scores: Tensor, relevance: Tensor, sigma: float = 1.0, weights: Tensor | None = None) -> Tensor:
    """Compute the gradient (N,) of `ranknet_loss` with respect to the scores directly, without loss and autograd."""
    with torch.no_grad():
        margins, targets, weights = _pairs(scores, relevance, sigma, weights)
        lambdas = sigma * (margins.sigmoid() - targets)  # (N, N), antisymmetric
        return (0.5 * (weights + weights.T) * lambdas).sum(dim=1).to(scores.dtype)


def ndcg_weights(scores: Tensor, relevance: Tensor) -> Tensor:
    """Compute |delta NDCG| of each pair, (N, N), as weights for `ranknet_loss` and `ranknet_gradient`.

    The weights are constants: no gradient flows through them.

    Args:
        scores: Scores of the items, (N,); items of equal score are ranked in the order given.
        relevance: Relevances of the items, (N,), 0 or more.
    """
    scores = at_least_float32(scores)
    gains = 2 ** relevance.to(scores.dtype) - 1  # (N,)
    discounts = 1 / torch.log2(torch.arange(2, len(scores) + 2, dtype=scores.dtype, device=scores.device))  # (N,)
    order = scores.argsort(descending=True, stable=True)  # (N,) the item at each position
    item_discounts = torch.empty_like(discounts).scatter(0, order, discounts)  # (N,)
    max_dcg = (gains.sort(descending=True).values * discounts).sum()
    swaps = (gains[:, None] - gains) * (item_discounts[:, None] - item_discounts)  # (N, N)
    # if no item is relevant there is nothing to rank, and all swaps are 0
    return swaps.abs() / max_dcg.clamp(min=torch.finfo(scores.dtype).tiny)


def _pairs(scores: Tensor, relevance: Tensor, sigma: float, weights: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Return the margins x_ij, targets t_ij and weights, each (N, N); an item forms no pair with itself."""
    if scores.dim() != 1 or relevance.shape != scores.shape:
        raise ConfigError(f"scores {tuple(scores.shape)}, relevance {tuple(relevance.shape)}: both must be (N,)")
    scores = at_least_float32(scores)
    margins = sigma * (scores[:, None] - scores)
    targets = 0.5 + 0.5 * torch.sign(relevance[:, None] - relevance).to(scores.dtype)
    off_diagonal = 1 - torch.eye(len(scores), dtype=scores.dtype, device=scores.device)
    return margins, targets, off_diagonal if weights is None else weights.to(scores.dtype) * off_diagonal
