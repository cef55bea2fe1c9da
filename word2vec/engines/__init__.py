"""Engines train the tables; which one is chosen here, in one place.

All are made of the same arguments and have `epoch(number)`, which trains one pass and yields Progress.
"""

import logging
from typing import TYPE_CHECKING

import torch
from torch import nn

from word2vec.engines.autograd import AutogradEngine
from word2vec.errors import ConfigError
from word2vec.losses import LOSSES

if TYPE_CHECKING:
    from word2vec.engines.cpu import FusedEngine

logger = logging.getLogger("word2vec")

Engine = type["AutogradEngine | FusedEngine"]


def choose_engine(name: str, objective: type[nn.Module], device: torch.device) -> Engine:
    """The engine of that name; "auto" takes the fused one where it can train.

    Raises:
        ConfigError: the fused engine is asked for and cannot train this objective, or not on this device.
    """
    if name == "autograd":
        return AutogradEngine
    reason = _why_not_fused(objective, device)
    if reason and name == "fused":
        raise ConfigError(f"--engine fused {reason}, or --engine autograd")
    if reason:
        logger.info("the autograd engine trains: the fused one %s", reason)
        return AutogradEngine
    from word2vec.engines.cpu import FusedEngine

    return FusedEngine


def _why_not_fused(objective: type[nn.Module], device: torch.device) -> str:
    """What keeps the fused engine from training, and what else to use; nothing, if it can."""
    if device.type != "cpu":
        return f"trains on the CPU only: use --device cpu, not {device.type}"
    from numba.core import config  # takes a third of a second: only where it is needed

    from word2vec.engines.cpu_gradients import COMPILED

    compiled = {kind: name for name, kind in LOSSES.items() if kind in COMPILED}
    if objective not in compiled:
        return f"has no compiled form of {objective.__name__}: use --objective {', '.join(compiled.values())}"
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return "cannot be compiled while NUMBA_DISABLE_JIT is set: unset it"
    return ""
