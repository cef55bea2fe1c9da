"""LambdaRank: weights that turn RankNet's list loss towards the top of the list.

    |delta NDCG|_ij = |(2^r_i - 2^r_j) (1 / log2(1 + p_i) - 1 / log2(1 + p_j))| / maxDCG

Derivation: what NDCG would change if items i and j swapped places, at positions p (from 1) by score. RankNet's lambdas
times these weights follow NDCG, which has no gradient of its own. Pairs of equal relevance weigh nothing.

Paper: Burges 2010, "From RankNet to LambdaRank to LambdaMART".
"""

import torch
from torch import Tensor

from word2vec.losses.base import at_least_float32


def ndcg_weights(scores: Tensor, relevance: Tensor) -> Tensor:
    """|delta NDCG| of each pair, (N,) and (N,) -> (N, N), for `ranknet_loss` and `ranknet_gradient`; a constant.

    Relevances are 0 or more; items of equal score stand in the order given.
    """
    scores = at_least_float32(scores)
    gains = 2 ** relevance.to(scores.dtype) - 1  # (N,)
    discounts = 1 / torch.log2(torch.arange(2, len(scores) + 2, dtype=scores.dtype, device=scores.device))  # (N,)
    order = scores.argsort(descending=True, stable=True)  # (N,) item at each position
    item_discounts = torch.empty_like(discounts).scatter(0, order, discounts)
    max_dcg = (gains.sort(descending=True).values * discounts).sum()
    swaps = (gains[:, None] - gains) * (item_discounts[:, None] - item_discounts)  # (N, N)
    # where no item is relevant there is nothing to rank, and all swaps are 0
    return swaps.abs() / max_dcg.clamp(min=torch.finfo(scores.dtype).tiny)
