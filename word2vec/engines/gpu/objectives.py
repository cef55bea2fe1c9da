"""The objectives as the fused GPU engine needs them: losses and gradients of a tile of scores, in triton.

What an objective is, its formula, its derivation and its paper stand in losses/; here is the same arithmetic for a tile
of scores (ROWS, TARGETS): a row is an example, column 0 is its true word, the columns up to `n_targets` are its noise
words, and what lies behind them is there to fill the tile. Each function takes the tile, the numbers of the columns
(TARGETS,), `n_targets` and a pointer to the objective's constants, and gives the losses (ROWS,) and the gradients
(ROWS, TARGETS), of which those behind `n_targets` mean nothing. Tests hold each function to its module in losses/.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import nn

from word2vec.losses import WARP, WMRB, MarginRanking, NegativeSampling, RankNet, SampledSoftmax

# Divergence is noticed by a loss that is no number, so what is no number must stay so.
KEEP_NAN = tl.constexpr(tl.PropagateNan.ALL)


@triton.jit
def _sigmoid_and_softplus(x):
    """sigmoid(x) and softplus(x) from one exponential, of a number that is never above 0: nothing overflows."""
    small = tl.exp(-tl.abs(x))
    shard = 1.0 / (1.0 + small)
    return tl.where(x > 0, shard, small * shard), tl.maximum(x, 0.0, propagate_nan=KEEP_NAN) + tl.log(1.0 + small)


@triton.jit
def _true_scores(scores, column):
    """The scores of the true words, (ROWS, 1)."""
    return tl.sum(tl.where(column[None, :] == 0, scores, 0.0), axis=1)[:, None]


@triton.jit
def _noise(column, n_targets):
    """Which columns are noise words, (1, TARGETS)."""
    return ((column > 0) & (column < n_targets))[None, :]


@triton.jit
def _pairwise(slopes, column):
    """The gradients where each noise word pulls as hard as it pushes the true word: (ROWS, TARGETS)."""
    return tl.where(column[None, :] == 0, -tl.sum(slopes, axis=1)[:, None], slopes)


@triton.jit
def negative_sampling(scores, column, n_targets, constants):
    """As losses/negative_sampling.py."""
    true = (column == 0)[None, :]
    sigmoid, softplus = _sigmoid_and_softplus(tl.where(true, -scores, scores))
    losses = tl.sum(tl.where((column < n_targets)[None, :], softplus, 0.0), axis=1)
    return losses, tl.where(true, -sigmoid, sigmoid)


@triton.jit
def sampled_softmax(scores, column, n_targets, constants):
    """As losses/sampled_softmax.py."""
    scores = tl.where((column < n_targets)[None, :], scores, float("-inf"))
    largest = tl.max(scores, axis=1)[:, None]
    powers = tl.exp(scores - largest)
    total = tl.sum(powers, axis=1)[:, None]
    true = tl.sum(tl.where(column[None, :] == 0, scores - largest, 0.0), axis=1)
    return tl.log(tl.sum(powers, axis=1)) - true, powers / total - tl.where(column[None, :] == 0, 1.0, 0.0)


@triton.jit
def ranknet(scores, column, n_targets, constants):
    """As losses/ranknet.py; constants: sigma."""
    sigma = tl.load(constants)
    sigmoid, softplus = _sigmoid_and_softplus(sigma * (scores - _true_scores(scores, column)))
    noise = _noise(column, n_targets)
    return tl.sum(tl.where(noise, softplus, 0.0), axis=1), _pairwise(tl.where(noise, sigma * sigmoid, 0.0), column)


@triton.jit
def _hinges(scores, column, n_targets, margin):
    """How far each noise word is within the margin, else 0, and 1 where it is: both (ROWS, TARGETS)."""
    hinges = margin - _true_scores(scores, column) + scores
    noise = _noise(column, n_targets)
    amounts = tl.where(noise, tl.maximum(hinges, 0.0, propagate_nan=KEEP_NAN), 0.0)
    return amounts, tl.where(noise & (hinges > 0), 1.0, 0.0)


@triton.jit
def margin_ranking(scores, column, n_targets, constants):
    """As losses/margin_ranking.py; constants: the margin."""
    amounts, offends = _hinges(scores, column, n_targets, tl.load(constants))
    return tl.sum(amounts, axis=1), _pairwise(offends, column)


@triton.jit
def warp(scores, column, n_targets, constants):
    """As losses/warp.py; constants: the margin, and from 1 on the rank weight of an offender by its draw."""
    amounts, offends = _hinges(scores, column, n_targets, tl.load(constants))
    weights = tl.load(constants + column, mask=(column > 0) & (column < n_targets), other=0.0)[None, :]
    # the first to offend: the smallest of their columns
    first = tl.min(tl.where(offends > 0, column[None, :], n_targets), axis=1)[:, None]
    slopes = tl.where(column[None, :] == first, weights * offends, 0.0)
    return tl.sum(slopes * amounts, axis=1), _pairwise(slopes, column)


@triton.jit
def wmrb(scores, column, n_targets, constants):
    """As losses/wmrb.py; constants: the margin, and what the sum of the hinges is multiplied by."""
    amounts, offends = _hinges(scores, column, n_targets, tl.load(constants))
    scale = tl.load(constants + 1)
    rank = 1.0 + scale * tl.sum(amounts, axis=1)
    return tl.log(rank), _pairwise(offends * (scale / rank)[:, None], column)


GRADIENTS: dict[type[nn.Module], Any] = {
    NegativeSampling: negative_sampling,
    SampledSoftmax: sampled_softmax,
    RankNet: ranknet,
    MarginRanking: margin_ranking,
    WARP: warp,
    WMRB: wmrb,
}
"""The objectives that the fused GPU engine trains."""


def constants_of(objective: Any, negatives: int, device: torch.device) -> torch.Tensor:
    """The numbers that an objective's function needs to know: float32 on the device."""
    return torch.tensor([*objective.constants(negatives), 0.0], dtype=torch.float32, device=device)
