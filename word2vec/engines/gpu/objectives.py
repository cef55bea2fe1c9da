"""The objectives of the fused GPU engine: losses and gradients of a tile of scores, in triton.

losses/ has the definition, derivation and paper of each objective; this module has the same arithmetic for a tile of
scores (ROWS, TARGETS). A row is an example; column 0 is its true word, the columns before `n_targets` are its noise
words, and the remaining columns are padding. Each function takes the tile, the column numbers (TARGETS,), `n_targets`
and a pointer to the constants of the objective. It returns the losses (ROWS,) and the gradients (ROWS, TARGETS), whose
values in the padding are arbitrary. Tests compare each function with its module in losses/.
"""

from typing import Any

import torch
import triton
import triton.language as tl

from word2vec.losses import WARP, WMRB, MarginRanking, NegativeSampling, Objective, RankNet, SampledSoftmax

# Divergence is detected by a loss of NaN, so NaN must propagate.
KEEP_NAN = tl.constexpr(tl.PropagateNan.ALL)


@triton.jit
def _sigmoid_and_softplus(x):
    """Return sigmoid(x) and softplus(x) from one exponential, which cannot overflow: its argument is never positive."""
    power = tl.exp(-tl.abs(x))
    sigmoid = 1.0 / (1.0 + power)  # of |x|
    return tl.where(x > 0, sigmoid, power * sigmoid), tl.maximum(x, 0.0, propagate_nan=KEEP_NAN) + tl.log(1.0 + power)


@triton.jit
def _true_scores(scores, column):
    """Return the scores of the true words, (ROWS, 1)."""
    return tl.sum(tl.where(column[None, :] == 0, scores, 0.0), axis=1)[:, None]


@triton.jit
def _noise(column, n_targets):
    """Return whether each column is a noise word, (1, TARGETS)."""
    return ((column > 0) & (column < n_targets))[None, :]


@triton.jit
def _pairwise(slopes, column):
    """Return gradients that sum to 0, (ROWS, TARGETS): those of noise words, and minus their sum for the true word."""
    return tl.where(column[None, :] == 0, -tl.sum(slopes, axis=1)[:, None], slopes)


@triton.jit
def negative_sampling(scores, column, n_targets, constants):
    """See losses/negative_sampling.py."""
    true = (column == 0)[None, :]
    sigmoid, softplus = _sigmoid_and_softplus(tl.where(true, -scores, scores))
    losses = tl.sum(tl.where((column < n_targets)[None, :], softplus, 0.0), axis=1)
    return losses, tl.where(true, -sigmoid, sigmoid)


@triton.jit
def sampled_softmax(scores, column, n_targets, constants):
    """See losses/sampled_softmax.py."""
    scores = tl.where((column < n_targets)[None, :], scores, float("-inf"))
    largest = tl.max(scores, axis=1)[:, None]
    powers = tl.exp(scores - largest)
    total = tl.sum(powers, axis=1)[:, None]
    true = tl.sum(tl.where(column[None, :] == 0, scores - largest, 0.0), axis=1)
    return tl.log(tl.sum(powers, axis=1)) - true, powers / total - tl.where(column[None, :] == 0, 1.0, 0.0)


@triton.jit
def ranknet(scores, column, n_targets, constants):
    """See losses/ranknet.py; constants: sigma."""
    sigma = tl.load(constants)
    sigmoid, softplus = _sigmoid_and_softplus(sigma * (scores - _true_scores(scores, column)))
    noise = _noise(column, n_targets)
    return tl.sum(tl.where(noise, softplus, 0.0), axis=1), _pairwise(tl.where(noise, sigma * sigmoid, 0.0), column)


@triton.jit
def _hinges(scores, column, n_targets, margin):
    """Return the hinge of each noise word, and 1 where it is positive, else 0: both (ROWS, TARGETS)."""
    hinges = margin - _true_scores(scores, column) + scores
    noise = _noise(column, n_targets)
    amounts = tl.where(noise, tl.maximum(hinges, 0.0, propagate_nan=KEEP_NAN), 0.0)
    return amounts, tl.where(noise & (hinges > 0), 1.0, 0.0)


@triton.jit
def margin_ranking(scores, column, n_targets, constants):
    """See losses/margin_ranking.py; constants: the margin."""
    amounts, offends = _hinges(scores, column, n_targets, tl.load(constants))
    return tl.sum(amounts, axis=1), _pairwise(offends, column)


@triton.jit
def warp(scores, column, n_targets, constants):
    """See losses/warp.py; constants: the margin, then the rank weight of the first offender for each draw."""
    amounts, offends = _hinges(scores, column, n_targets, tl.load(constants))
    weights = tl.load(constants + column, mask=(column > 0) & (column < n_targets), other=0.0)[None, :]
    # the first offender is the one with the smallest column
    first = tl.min(tl.where(offends > 0, column[None, :], n_targets), axis=1)[:, None]
    slopes = tl.where(column[None, :] == first, weights * offends, 0.0)
    return tl.sum(slopes * amounts, axis=1), _pairwise(slopes, column)


@triton.jit
def wmrb(scores, column, n_targets, constants):
    """See losses/wmrb.py; constants: the margin and the factor of the sum of the hinges."""
    amounts, offends = _hinges(scores, column, n_targets, tl.load(constants))
    scale = tl.load(constants + 1)
    rank = 1.0 + scale * tl.sum(amounts, axis=1)
    return tl.log(rank), _pairwise(offends * (scale / rank)[:, None], column)


GRADIENTS: dict[type[Objective], Any] = {
    NegativeSampling: negative_sampling,
    SampledSoftmax: sampled_softmax,
    RankNet: ranknet,
    MarginRanking: margin_ranking,
    WARP: warp,
    WMRB: wmrb,
}
"""The compiled form of each objective that has one."""


def constants_of(objective: Objective, negatives: int, device: torch.device) -> torch.Tensor:
    """Return the constants of an objective for its function here, float32 on the device."""
    return torch.tensor([*objective.constants(negatives), 0.0], dtype=torch.float32, device=device)
