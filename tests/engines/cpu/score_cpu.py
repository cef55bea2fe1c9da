"""Losses and gradients of a matrix of scores by the compiled forms of the fused CPU engine."""

import functools
from collections.abc import Callable

import numba
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from word2vec.engines.cpu.compiling import FLAGS
from word2vec.engines.cpu.objectives import block_size, packed_block, packed_gradients, score_gradients
from word2vec.engines.cpu.simd import LANES, padded_targets
from word2vec.losses import Objective, objective_name


def score(objective: Objective, scores: Tensor) -> tuple[Tensor, Tensor]:
    """Losses (B,) and gradients (B, 1 + K) of float32 scores (B, 1 + K)."""
    parts = [_score_block(objective, part.numpy()) for part in scores.split(LANES)]
    losses, gradients = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return torch.from_numpy(losses), torch.from_numpy(gradients)


@functools.cache
def _compiled(name: str) -> Callable[..., None]:
    @numba.njit(fastmath=FLAGS)
    def call(n_targets, padded, block, constants):  # type: ignore[no-untyped-def]
        score_gradients(name, n_targets, padded, LANES, block, constants)

    return call


def score_packed(objective: Objective, scores: Tensor) -> tuple[Tensor, Tensor]:
    """The sum of the losses (1,) and gradients (B, 1 + K) of up to LANES examples, by the form for packed blocks."""
    examples, n_targets = scores.shape
    padded = padded_targets(n_targets)
    block = _packed(objective_name(type(objective)))(scores.numpy(), padded)
    places = block[: 2 * padded * LANES].reshape(2, LANES, padded)
    assert not places[1, :examples, n_targets:].any()  # the steps rely on the zeros of the padding
    losses = block[2 * padded * LANES :][:LANES]
    return torch.from_numpy(losses.sum(keepdims=True)), torch.from_numpy(places[1, :examples, :n_targets].copy())


@functools.cache
def _packed(name: str) -> Callable[..., npt.NDArray[np.float32]]:
    @numba.njit(fastmath=FLAGS)
    def call(scores, padded):  # type: ignore[no-untyped-def]
        block = packed_block(scores.shape[1], padded, LANES)
        block[: 2 * padded * LANES] = np.nan  # what is not a score may be anything
        for i in range(len(scores)):
            for k in range(padded):
                block[i * padded + k] = scores[i, k if k < scores.shape[1] else 0]  # as the kernels fill the padding
        packed_gradients(name, len(scores), padded, LANES, block)
        return block

    return call


def _score_block(
    objective: Objective, scores: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    examples, n_targets = scores.shape
    padded = padded_targets(n_targets)
    # lanes without an example, and what is to be written, hold anything before
    block = np.full(block_size(padded, LANES), np.nan, np.float32)
    places = block[: 2 * padded * LANES].reshape(2, padded, LANES)
    places[0, :n_targets, :examples] = scores.T
    # a last 0 as in the engine: some have no constants, and numba wants to see an array
    constants = np.array([*objective.constants(n_targets - 1), 0.0], np.float32)
    _compiled(objective_name(type(objective)))(n_targets, padded, block, constants)
    assert np.array_equal(places[0, :n_targets, :examples], scores.T, equal_nan=True)  # read only
    assert np.isnan(places[:, n_targets:]).all()  # the steps rely on the zeros of the padding
    losses = block[2 * padded * LANES :][:examples]
    return losses, places[1, :n_targets, :examples].T
