"""Losses and gradients of scores by the compiled forms of the fused GPU engine, interpreted if there is no GPU."""

import numpy as np
import torch
import triton
import triton.language as tl
from torch import Tensor

from word2vec.engines.gpu.objectives import GRADIENTS, constants_of
from word2vec.losses import Objective

ROWS = 1024
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@triton.jit
def _score_tile(
    scores,
    n_rows,
    constants,
    losses,
    gradients,
    gradient: tl.constexpr,
    N: tl.constexpr,
    TARGETS: tl.constexpr,
    ROWS: tl.constexpr,
):  # type: ignore[no-untyped-def]
    row, column = tl.program_id(0) * ROWS + tl.arange(0, ROWS), tl.arange(0, TARGETS)
    inside = row < n_rows
    place = row[:, None] * N + column[None, :]
    used = inside[:, None] & (column < N)[None, :]
    tile = tl.load(scores + place, mask=used, other=0.0)
    tile_losses, tile_gradients = gradient(tile, column, N, constants)
    tl.store(losses + row, tile_losses, mask=inside)
    tl.store(gradients + place, tile_gradients, mask=used)


def score(objective: Objective, scores: Tensor) -> tuple[Tensor, Tensor]:
    """Losses (B,) and gradients (B, 1 + K) of float32 scores (B, 1 + K)."""
    n_rows, n_targets = scores.shape
    losses, gradients = torch.full((n_rows,), torch.nan), torch.full(scores.shape, torch.nan)
    out = [tensor.to(DEVICE) for tensor in (losses, gradients)]
    with np.errstate(invalid="ignore", over="ignore"):  # the interpreter works with numpy
        _score_tile[(triton.cdiv(n_rows, ROWS),)](
            scores.contiguous().to(DEVICE),
            n_rows,
            constants_of(objective, n_targets - 1, DEVICE),
            *out,
            gradient=GRADIENTS[type(objective)],
            N=n_targets,
            TARGETS=triton.next_power_of_2(n_targets + 2),  # with columns that fill up, as in the engine
            ROWS=ROWS,
        )
    losses, gradients = (tensor.cpu() for tensor in out)
    return losses, gradients
