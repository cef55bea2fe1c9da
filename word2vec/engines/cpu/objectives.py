"""The objectives as the fused engine needs them: losses and gradients of a block of scores, compiled.

What an objective is, its formula, its derivation and its paper stand in losses/; here is the same arithmetic for LANES
examples at a time, in loops that become vector instructions. A test holds each to the one in losses/, value by value.

A block is flat. The score of target k (0 is the true word) of example i stands at k * LANES + i; behind the scores
come the gradients, laid out alike, then the losses and working memory, LANES numbers each. It is one array, so that the
compiler knows that they do not overlap: with four it gives up vectors for the longer functions. Lanes without an
example hold any number, and so may what is written for them.
"""

from collections.abc import Callable

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import overload, register_jitable
from torch import nn

from word2vec.engines.cpu.simd import LANES, intrinsic
from word2vec.losses import WARP, WMRB, MarginRanking, NegativeSampling, RankNet, SampledSoftmax

FLAGS = {"reassoc", "contract", "nsz", "arcp"}
"""Liberties that arithmetic may take: all but to assume that there is no NaN, which is how divergence is noticed."""

F = np.float32
ZERO, ONE, INFINITY = F(0), F(1), F(np.inf)
LOG2_E, LN_2 = F(1.4426950408889634), F(0.6931471805599453)
# Of two, in float32. The smallest is nothing beside 1, and leaves room for products: from 2^-126 down the processor
# takes a hundred times as long.
SMALLEST_EXPONENT, LARGEST_EXPONENT = F(-64), F(127)
EXPONENT_BIAS, MANTISSA_BITS = np.int32(127), np.int32(23)
MANTISSA = np.int32((1 << 23) - 1)


@intrinsic
def _float_of_bits(typing_context, bits):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@intrinsic
def _bits_of_float(typing_context, number):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


@register_jitable
def _exp(x):
    """exp(x) to 2e-7 of it: 2^n times a minimax polynomial for 2^f, f in [0, 1); from 2^-64 to 2^127."""
    x = x * LOG2_E
    # subtle: written so that NaN, which compares false with everything, comes out as NaN
    x = SMALLEST_EXPONENT if x < SMALLEST_EXPONENT else x
    x = LARGEST_EXPONENT if x > LARGEST_EXPONENT else x
    whole = np.floor(x)
    f = x - whole
    power = F(0.0018775759963318706)
    power = power * f + F(0.008989342488348484)
    power = power * f + F(0.05582631379365921)
    power = power * f + F(0.24015361070632935)
    power = power * f + F(0.6931530833244324)
    power = power * f + F(0.9999999403953552)
    return power * _float_of_bits((np.int32(whole) + EXPONENT_BIAS) << MANTISSA_BITS)


@register_jitable
def _log1p(x):
    """log(1 + x) to 2e-7 of it, for x from 0 to 1: x times a minimax polynomial."""
    ratio = F(-0.008539105765521526)
    ratio = ratio * x + F(0.044089287519454956)
    ratio = ratio * x + F(-0.1076812595129013)
    ratio = ratio * x + F(0.17745211720466614)
    ratio = ratio * x + F(-0.24495454132556915)
    ratio = ratio * x + F(0.33275479078292847)
    ratio = ratio * x + F(-0.4999740421772003)
    ratio = ratio * x + F(0.9999998211860657)
    return ratio * x


@register_jitable
def _log(x):
    """log(x) for x from 1 on: its power of two, and the rest by `_log1p`."""
    bits = _bits_of_float(x)
    exponent = (bits >> MANTISSA_BITS) - EXPONENT_BIAS
    rest = _float_of_bits((bits & MANTISSA) | (EXPONENT_BIAS << MANTISSA_BITS))  # in [1, 2)
    log = F(exponent) * LN_2 + _log1p(rest - ONE)
    return log if x < INFINITY else x  # the bits of infinity and NaN are no powers of two


@register_jitable
def _sigmoid_and_tail(x):
    """sigmoid(x), and what softplus(x) and softplus(-x) are above max(x, 0) and max(-x, 0), from one exponential."""
    small = _exp(-abs(x))  # at most 1, so that nothing overflows
    shard = ONE / (ONE + small)
    return (shard if x > ZERO else small * shard), _log1p(small)


def block_size(padded: int) -> int:
    """How many numbers a block has for so many targets."""
    return (2 * padded + 2) * LANES


@register_jitable
def places(padded):
    """Where in a block the gradients begin, the losses, and LANES numbers to work with."""
    return padded * LANES, 2 * padded * LANES, (2 * padded + 1) * LANES


def _negative_sampling(objective, n_targets, padded, block, constants):
    gradients, losses, _ = places(padded)
    for i in range(LANES):
        sigmoid, tail = _sigmoid_and_tail(block[i])
        block[losses + i] = max(-block[i], ZERO) + tail
        block[gradients + i] = sigmoid - ONE
    for k in range(1, n_targets):
        for i in range(LANES):
            sigmoid, tail = _sigmoid_and_tail(block[k * LANES + i])
            block[losses + i] += max(block[k * LANES + i], ZERO) + tail
            block[gradients + k * LANES + i] = sigmoid


def _sampled_softmax(objective, n_targets, padded, block, constants):
    gradients, losses, work = places(padded)
    for i in range(LANES):
        block[losses + i] = block[i]  # for now the largest score
        block[work + i] = ZERO  # the sum of the powers
    for k in range(1, n_targets):
        for i in range(LANES):
            block[losses + i] = max(block[losses + i], block[k * LANES + i])
    for k in range(n_targets):
        for i in range(LANES):
            power = _exp(block[k * LANES + i] - block[losses + i])
            block[gradients + k * LANES + i] = power
            block[work + i] += power
    for i in range(LANES):
        block[losses + i] += _log(block[work + i]) - block[i]
        block[work + i] = ONE / block[work + i]
    for k in range(n_targets):
        for i in range(LANES):
            block[gradients + k * LANES + i] *= block[work + i]
    for i in range(LANES):
        block[gradients + i] -= ONE


def _ranknet(objective, n_targets, padded, block, constants):
    gradients, losses, _ = places(padded)
    sigma = constants[0]
    for i in range(LANES):
        block[losses + i] = ZERO
        block[gradients + i] = ZERO
    for k in range(1, n_targets):
        for i in range(LANES):
            lead = sigma * (block[k * LANES + i] - block[i])  # of the noise word
            sigmoid, tail = _sigmoid_and_tail(lead)
            block[losses + i] += max(lead, ZERO) + tail
            block[gradients + k * LANES + i] = sigma * sigmoid
            block[gradients + i] -= sigma * sigmoid


def _margin_ranking(objective, n_targets, padded, block, constants):
    gradients, losses, _ = places(padded)
    margin = constants[0]
    for i in range(LANES):
        block[losses + i] = ZERO
        block[gradients + i] = ZERO
    for k in range(1, n_targets):
        for i in range(LANES):
            hinge = margin - block[i] + block[k * LANES + i]
            within = ONE if hinge > ZERO else ZERO
            block[losses + i] += max(hinge, ZERO)
            block[gradients + k * LANES + i] = within
            block[gradients + i] -= within


def _warp(objective, n_targets, padded, block, constants):
    gradients, losses, work = places(padded)
    margin = constants[0]  # and from 1 on the rank weight of an offender by its draw
    for i in range(LANES):
        block[losses + i] = ZERO
        block[gradients + i] = ZERO
        block[work + i] = ONE  # until the first offender is found
    for k in range(1, n_targets):
        for i in range(LANES):
            hinge = margin - block[i] + block[k * LANES + i]
            first = block[work + i] if hinge > ZERO else ZERO
            block[work + i] -= first
            block[losses + i] += first * constants[k] * max(hinge, ZERO)
            block[gradients + k * LANES + i] = first * constants[k]
            block[gradients + i] -= first * constants[k]


def _wmrb(objective, n_targets, padded, block, constants):
    gradients, losses, work = places(padded)
    margin, scale = constants[0], constants[1]
    for i in range(LANES):
        block[work + i] = ZERO  # the sum of the hinges
        block[gradients + i] = ZERO  # less one for each offender, for now
    for k in range(1, n_targets):
        for i in range(LANES):
            hinge = margin - block[i] + block[k * LANES + i]
            offends = ONE if hinge > ZERO else ZERO
            block[work + i] += max(hinge, ZERO)
            block[gradients + k * LANES + i] = offends
            block[gradients + i] -= offends
    for i in range(LANES):
        block[losses + i] = _log(ONE + scale * block[work + i])
        block[work + i] = scale / (ONE + scale * block[work + i])
    for k in range(n_targets):
        for i in range(LANES):
            block[gradients + k * LANES + i] *= block[work + i]


COMPILED: dict[type[nn.Module], Callable[..., None]] = {
    NegativeSampling: _negative_sampling,
    SampledSoftmax: _sampled_softmax,
    RankNet: _ranknet,
    MarginRanking: _margin_ranking,
    WARP: _warp,
    WMRB: _wmrb,
}
"""The compiled forms of the objectives that have one."""


def score_gradients(objective, n_targets, padded, block, constants):
    """Write the losses and gradients of a block's scores, by the objective of that number in COMPILED.

    To be called from a kernel; the first three are known when it is compiled.

    Args:
        objective: position in COMPILED.
        n_targets: 1 + K.
        padded: n_targets or more, the places for scores and gradients.
        block: (block_size(padded),) float32.
        constants: float32, what the objective's `constants` gave.
    """
    raise NotImplementedError("compiled code only")


@overload(score_gradients, prefer_literal=True, jit_options={"fastmath": FLAGS})
def _choose(objective, n_targets, padded, block, constants):
    # subtle: a function handed to the kernel, or caught by it, would keep numba from ever finding it in its cache
    if isinstance(objective, types.IntegerLiteral):
        return list(COMPILED.values())[objective.literal_value]
    return None
