"""Engines train the tables; which one is chosen here, in one place.

All are made of the same arguments and have `epoch(number)`, which trains one pass and yields Progress.
"""

import logging
from collections.abc import Collection
from typing import TYPE_CHECKING

import torch
from torch import nn

from word2vec.engines.autograd import AutogradEngine
from word2vec.engines.gpu.tiling import tile_shape, triton_version
from word2vec.errors import ConfigError
from word2vec.losses import LOSSES

if TYPE_CHECKING:
    from word2vec.engines.cpu.engine import FusedEngine
    from word2vec.engines.gpu.engine import GpuEngine

logger = logging.getLogger("word2vec")

MIN_TRITON = (3, 2)

Engine = type["AutogradEngine | FusedEngine | GpuEngine"]


def choose_engine(
    name: str, objective: type[nn.Module], device: torch.device, *, dim: int, negatives: int, window: int
) -> Engine:
    """The engine of that name; "auto" takes the fused one where it can train.

    Raises:
        ConfigError: the fused engine is asked for and cannot train this objective, or not with these settings.
    """
    if name == "autograd":
        return AutogradEngine
    on_gpu = device.type == "cuda"
    reason = _why_not_on_gpu(objective, dim, negatives, window) if on_gpu else _why_not_on_cpu(objective)
    if reason and name == "fused":
        raise ConfigError(f"--engine fused {reason}, or --engine autograd")
    if reason:
        logger.info("the autograd engine trains: the fused one %s", reason)
        return AutogradEngine
    if on_gpu:
        from word2vec.engines.gpu.engine import GpuEngine

        return GpuEngine
    from word2vec.engines.cpu.engine import FusedEngine

    return FusedEngine


def _why_not_on_cpu(objective: type[nn.Module]) -> str:
    """What keeps the fused engine for CPUs from training, and what else to use; nothing, if it can."""
    from numba.core import config  # takes a third of a second: only where it is needed

    from word2vec.engines.cpu.objectives import COMPILED

    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return "cannot be compiled while NUMBA_DISABLE_JIT is set: unset it"
    return _why_not_this(objective, COMPILED.keys())


def _why_not_on_gpu(objective: type[nn.Module], dim: int, negatives: int, window: int) -> str:
    """The same for CUDA."""
    if triton_version() < MIN_TRITON:
        return "needs triton 3.2 or newer on a GPU: pip install 'triton>=3.2'"
    from word2vec.engines.gpu.objectives import GRADIENTS

    try:
        tile_shape(dim, negatives, window)
    except ConfigError as error:
        return str(error)
    return _why_not_this(objective, GRADIENTS.keys())


def _why_not_this(objective: type[nn.Module], compiled: Collection[type[nn.Module]]) -> str:
    if objective in compiled:
        return ""
    names = [name for name, kind in LOSSES.items() if kind in compiled]
    return f"has no compiled form of {objective.__name__}: use --objective {', '.join(names)}"
