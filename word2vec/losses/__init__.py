"""Training objectives: torch modules over scores, one per file, found by the names of the command line.

Reading order: base.py, then negative_sampling.py. To write an objective, derive from `Objective`, or write any torch
module with `forward(positive, negative, weight=None)` for scores of shape (B,) and (B, K) that returns one loss per
example, (B,), or their sum; `--objective package.module:ClassName` selects it.
"""

from word2vec.losses.base import Objective, Reduction, Targets, sum_losses
from word2vec.losses.hierarchical_softmax import HierarchicalSoftmax
from word2vec.losses.in_batch_softmax import InBatchSoftmax
from word2vec.losses.listwise import ndcg_weights, ranknet_gradient, ranknet_loss
from word2vec.losses.margin_ranking import MarginRanking, margin_ranking_loss
from word2vec.losses.negative_sampling import NegativeSampling
from word2vec.losses.ranknet import RankNet
from word2vec.losses.registry import LOSSES, find_objective, load_objective, make_objective, objective_name
from word2vec.losses.sampled_softmax import SampledSoftmax
from word2vec.losses.user import UserObjective, as_objective
from word2vec.losses.warp import WARP, warp_loss
from word2vec.losses.wmrb import WMRB

__all__ = [
    "LOSSES",
    "WARP",
    "WMRB",
    "HierarchicalSoftmax",
    "InBatchSoftmax",
    "MarginRanking",
    "NegativeSampling",
    "Objective",
    "RankNet",
    "Reduction",
    "SampledSoftmax",
    "Targets",
    "UserObjective",
    "as_objective",
    "find_objective",
    "load_objective",
    "make_objective",
    "margin_ranking_loss",
    "ndcg_weights",
    "objective_name",
    "ranknet_gradient",
    "ranknet_loss",
    "sum_losses",
    "warp_loss",
]
