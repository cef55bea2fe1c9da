"""The compiled objectives of the fused CPU engine: losses and gradients of a block of scores.

losses/ has the definition, derivation and paper of each objective; this module has the same arithmetic for a number of
examples at a time, in loops that the compiler turns into vector instructions. A test compares each function with its
module in losses/, value by value.

A block is a flat array. The score of target k (0 is the true word) of example i is at k * lanes + i; the gradients
follow in the same layout, then the losses and working memory, one number per lane each. It is a single array so that
the compiler knows that its parts do not overlap: with four arrays it does not vectorize the longer functions. Lanes
without an example may contain anything, and anything may be written to them.

In most blocks more than half of the lanes have no example. So if the loss is a sum over targets that each depend on
their own score only, the objective has a second form for packed blocks. Score and gradient of target k of example i are
at i * padded + k there, each lane of the losses has the sum of some of them, and the signs of the scores follow the
working memory.
"""

from collections.abc import Callable

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import overload, register_jitable

from word2vec.engines.cpu.compiling import INLINED
from word2vec.losses import (
    LOSSES,
    WARP,
    WMRB,
    HierarchicalSoftmax,
    MarginRanking,
    NegativeSampling,
    Objective,
    RankNet,
    SampledSoftmax,
)
from word2vec.system.instructions import intrinsic

F, U64 = np.float32, np.uint64
ZERO, ONE, INFINITY = F(0), F(1), F(np.inf)
IGNORED = F(-np.inf)  # the score of a noise word that is ignored
LOG2_E, LN_2 = F(1.4426950408889634), F(0.6931471805599453)
# Exponents of two in float32. The smallest is negligible compared with 1 and leaves room for products: the processor is
# a hundred times slower for numbers below 2^-126.
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


@register_jitable(**INLINED)
def _exp(x):
    """Return exp(x), clipped to 2^-64 .. 2^127, with relative error 2e-7.

    The result is 2^n times a minimax polynomial for 2^f, 0 <= f < 1.
    """
    x = x * LOG2_E
    # subtle: written so that NaN, for which every comparison is false, stays NaN
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


@register_jitable(**INLINED)
def _log1p(x):
    """Return log(1 + x) with relative error 2e-7, for 0 <= x <= 1: x times a minimax polynomial."""
    ratio = F(-0.008539105765521526)
    ratio = ratio * x + F(0.044089287519454956)
    ratio = ratio * x + F(-0.1076812595129013)
    ratio = ratio * x + F(0.17745211720466614)
    ratio = ratio * x + F(-0.24495454132556915)
    ratio = ratio * x + F(0.33275479078292847)
    ratio = ratio * x + F(-0.4999740421772003)
    ratio = ratio * x + F(0.9999998211860657)
    return ratio * x


@register_jitable(**INLINED)
def _log(x):
    """Return log(x) for x >= 1: the exponent of x, plus `_log1p` of its mantissa."""
    bits = _bits_of_float(x)
    exponent = (bits >> MANTISSA_BITS) - EXPONENT_BIAS
    mantissa = _float_of_bits((bits & MANTISSA) | (EXPONENT_BIAS << MANTISSA_BITS))  # in [1, 2)
    log = F(exponent) * LN_2 + _log1p(mantissa - ONE)
    return log if x < INFINITY else x  # the bits of infinity and NaN encode no number


@register_jitable(**INLINED)
def _sigmoid_and_tail(x):
    """Return sigmoid(x) and the tail log(1 + exp(-|x|)) from one exponential.

    softplus(x) = max(x, 0) + tail, and softplus(-x) = max(-x, 0) + tail.
    """
    power = _exp(-abs(x))  # at most 1, so that nothing overflows
    sigmoid = ONE / (ONE + power)  # of |x|
    return (sigmoid if x > ZERO else power * sigmoid), _log1p(power)


def block_size(padded: int, lanes: int) -> int:
    """Return the number of floats in a block for a padded number of targets."""
    return (2 * padded + 2) * lanes


@register_jitable(**INLINED)
def block_offsets(padded, lanes):
    """Return the offsets of the gradients, of the losses and of the working memory in a block."""
    return padded * lanes, 2 * padded * lanes, (2 * padded + 1) * lanes


@register_jitable(**INLINED)
def packed_block(n_targets, padded, lanes):
    """Allocate a packed block and write its signs: -1 for the true word, 1 for noise words, 0 for the padding."""
    _, _, work = block_offsets(padded, lanes)
    signs = work + lanes
    block = np.zeros(signs + padded * lanes, np.float32)
    for i in range(lanes):
        for k in range(n_targets):
            block[signs + i * padded + k] = ONE if k > 0 else -ONE
    return block


def _negative_sampling(name, n_targets, padded, lanes, block, constants):
    gradients, losses, _ = block_offsets(padded, lanes)
    for i in range(lanes):
        sigmoid, tail = _sigmoid_and_tail(block[i])
        block[losses + i] = max(-block[i], ZERO) + tail
        block[gradients + i] = sigmoid - ONE
    for k in range(1, n_targets):
        for i in range(lanes):
            sigmoid, tail = _sigmoid_and_tail(block[k * lanes + i])
            block[losses + i] += max(block[k * lanes + i], ZERO) + tail
            block[gradients + k * lanes + i] = sigmoid


def _sampled_softmax(name, n_targets, padded, lanes, block, constants):
    gradients, losses, work = block_offsets(padded, lanes)
    for i in range(lanes):
        block[losses + i] = block[i]  # the largest score, at first
        block[work + i] = ZERO  # the sum of the powers
    for k in range(1, n_targets):
        for i in range(lanes):
            block[losses + i] = max(block[losses + i], block[k * lanes + i])
    for k in range(n_targets):
        for i in range(lanes):
            power = _exp(block[k * lanes + i] - block[losses + i])
            block[gradients + k * lanes + i] = power
            block[work + i] += power
    for i in range(lanes):
        block[losses + i] += _log(block[work + i]) - block[i]
        block[work + i] = ONE / block[work + i]
    for k in range(n_targets):
        for i in range(lanes):
            block[gradients + k * lanes + i] *= block[work + i]
    for i in range(lanes):
        block[gradients + i] -= ONE


def _ranknet(name, n_targets, padded, lanes, block, constants):
    gradients, losses, _ = block_offsets(padded, lanes)
    sigma = constants[0]
    for i in range(lanes):
        block[losses + i] = ZERO
        block[gradients + i] = ZERO
    for k in range(1, n_targets):
        for i in range(lanes):
            lead = sigma * (block[k * lanes + i] - block[i])  # of the noise word over the true word
            sigmoid, tail = _sigmoid_and_tail(lead)
            block[losses + i] += max(lead, ZERO) + tail
            block[gradients + k * lanes + i] = sigma * sigmoid
            block[gradients + i] -= sigma * sigmoid


def _margin_ranking(name, n_targets, padded, lanes, block, constants):
    gradients, losses, _ = block_offsets(padded, lanes)
    margin = constants[0]
    for i in range(lanes):
        block[losses + i] = ZERO
        block[gradients + i] = ZERO
    for k in range(1, n_targets):
        for i in range(lanes):
            hinge = margin - block[i] + block[k * lanes + i]
            within = ONE if hinge > ZERO else ZERO
            block[losses + i] += max(hinge, ZERO)
            block[gradients + k * lanes + i] = within
            block[gradients + i] -= within


def _warp(name, n_targets, padded, lanes, block, constants):
    gradients, losses, work = block_offsets(padded, lanes)
    margin = constants[0]  # constants[k] is the rank weight of an offender at draw k
    for i in range(lanes):
        block[losses + i] = ZERO
        block[gradients + i] = ZERO
        block[work + i] = ONE  # 0 from the first offender on
    for k in range(1, n_targets):
        for i in range(lanes):
            hinge = margin - block[i] + block[k * lanes + i]
            first = block[work + i] if hinge > ZERO else ZERO
            block[work + i] -= first
            block[losses + i] += first * constants[k] * max(hinge, ZERO)
            block[gradients + k * lanes + i] = first * constants[k]
            block[gradients + i] -= first * constants[k]


def _wmrb(name, n_targets, padded, lanes, block, constants):
    gradients, losses, work = block_offsets(padded, lanes)
    margin, scale, per_word = constants[0], constants[1], constants[2]
    for i in range(lanes):
        block[losses + i] = ZERO  # the number of noise words that are not ignored, at first
        block[work + i] = ZERO  # the sum of the hinges
        block[gradients + i] = ZERO  # minus the number of offenders, at first
    for k in range(1, n_targets):
        for i in range(lanes):
            hinge = margin - block[i] + block[k * lanes + i]
            offends = ONE if hinge > ZERO else ZERO
            block[losses + i] += ZERO if block[k * lanes + i] == IGNORED else ONE
            block[work + i] += max(hinge, ZERO)
            block[gradients + k * lanes + i] = offends
            block[gradients + i] -= offends
    for i in range(lanes):
        factor = scale * (ONE + per_word * (F(n_targets - 1) / max(block[losses + i], ONE) - ONE))
        block[losses + i] = _log(ONE + factor * block[work + i])
        block[work + i] = factor / (ONE + factor * block[work + i])
    for k in range(n_targets):
        for i in range(lanes):
            block[gradients + k * lanes + i] *= block[work + i]


def _hierarchical_softmax(name, n_targets, padded, lanes, block, constants):
    # constants[k] is the sign of node k, and the scores and the gradients are those of x . y_k
    # subtle: unsigned, because `n_targets` is not a constant. The compiler would not know that signed indices are not
    # negative, which count from the end, and would not vectorize the loops
    gradients, losses, _ = block_offsets(padded, lanes)
    gradients, losses, lanes = U64(gradients), U64(losses), U64(lanes)
    for i in range(lanes):
        block[losses + i] = ZERO
    for k in range(U64(n_targets)):
        for i in range(lanes):
            opposed = -constants[k] * block[k * lanes + i]
            sigmoid, tail = _sigmoid_and_tail(opposed)
            block[losses + i] += max(opposed, ZERO) + tail
            block[gradients + k * lanes + i] = -constants[k] * sigmoid


def _packed_negative_sampling(name, n, padded, lanes, block):
    # subtle: unsigned, as in _hierarchical_softmax
    gradients, losses, work = block_offsets(padded, lanes)
    gradients, losses, signs, lanes, size = U64(gradients), U64(losses), U64(work + lanes), U64(lanes), U64(n * padded)
    for i in range(lanes):
        block[losses + i] = ZERO
    for number in range((size + lanes - U64(1)) // lanes):
        start = number * lanes
        for i in range(lanes):
            sign = block[signs + start + i]
            opposed = sign * block[start + i]
            sigmoid, tail = _sigmoid_and_tail(opposed)
            loss = sign * sign * (max(opposed, ZERO) + tail)
            block[gradients + start + i] = sign * sigmoid
            block[losses + i] += loss if start + i < size else ZERO


COMPILED: dict[type[Objective], Callable[..., None]] = {
    NegativeSampling: _negative_sampling,
    SampledSoftmax: _sampled_softmax,
    RankNet: _ranknet,
    MarginRanking: _margin_ranking,
    WARP: _warp,
    WMRB: _wmrb,
}
"""The compiled form of each objective over noise words that has one."""

PACKED: dict[type[Objective], Callable[..., None]] = {NegativeSampling: _packed_negative_sampling}
"""The form for packed blocks of each objective that has one."""


def is_packed(name: str, corrected: bool) -> int:
    """Return whether the blocks of an objective are packed, 0 or 1: not if its scores have to be corrected."""
    return int(LOSSES[name] in PACKED and not corrected)


COMPILED_TREES: dict[type[Objective], Callable[..., None]] = {HierarchicalSoftmax: _hierarchical_softmax}
"""The compiled form of each objective over the nodes of a tree that has one."""


def score_gradients(name, n_targets, padded, lanes, block, constants):
    """Write the losses and gradients of a block of scores.

    Can be called from compiled code only, where the first four arguments are compile-time constants; for a path, only
    the name and the lanes.

    Args:
        name: Name of the objective in LOSSES, a string literal.
        n_targets: 1 + K, the true word and K noise words, or L, the nodes of a path.
        padded: Number of targets with padding, which has space in the block.
        lanes: Number of examples that the block has space for: LANES, or 1 to compute a single example.
        block: (block_size(padded, lanes),) float32, scores in, losses and gradients out.
        constants: What `Objective.constants` returned, float32.
    """
    raise NotImplementedError("score_gradients runs in compiled code only: call it from a function under numba.njit")


@overload(score_gradients, prefer_literal=True, jit_options=INLINED)
def _choose(name, n_targets, padded, lanes, block, constants):
    # subtle: the name is a literal rather than the function an argument, because a kernel that takes or captures a
    # function is never found in numba's cache
    if isinstance(name, types.StringLiteral):
        return (COMPILED | COMPILED_TREES)[LOSSES[name.literal_value]]
    return None


def packed_gradients(name, n, padded, lanes, block):
    """Write the losses and gradients of a packed block; nothing if the objective has no form for such blocks.

    Args:
        name: Name of the objective in LOSSES, a string literal.
        n: Number of examples.
        padded: Number of targets with padding, a compile-time constant.
        lanes: LANES, a compile-time constant.
        block: What `packed_block` returned, with scores.
    """
    raise NotImplementedError("packed_gradients runs in compiled code only: call it from a function under numba.njit")


@overload(packed_gradients, prefer_literal=True, jit_options=INLINED)
def _choose_packed(name, n, padded, lanes, block):
    if isinstance(name, types.StringLiteral):
        return PACKED.get(LOSSES[name.literal_value], _nothing)
    return None


def _nothing(name, n, padded, lanes, block):
    pass
