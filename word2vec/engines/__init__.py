"""Engines train the tables; which one is chosen here, in one place.

All are made of the same arguments and have `epoch(number)`, which trains one pass and yields Progress.
"""

from typing import TYPE_CHECKING

import torch
from torch import nn

from word2vec.engines.autograd import AutogradEngine
from word2vec.errors import ConfigError

if TYPE_CHECKING:
    from word2vec.engines.cpu import FusedEngine

Engine = type["AutogradEngine | FusedEngine"]


def choose_engine(name: str, objective: nn.Module, device: torch.device) -> Engine:
    """The engine of that name; "auto" takes the fused one where it can train.

    Raises:
        ConfigError: the fused engine is asked for and cannot train this objective, or not on this device.
    """
    if name == "autograd":
        return AutogradEngine
    # numba and the kernel's parts take a third of a second to import: only where they are needed
    from word2vec.engines.cpu import FusedEngine

    reason = _why_not_fused(objective, device)
    if reason and name == "fused":
        raise ConfigError(f"--engine fused {reason}; use --engine autograd")
    return AutogradEngine if reason else FusedEngine


def _why_not_fused(objective: nn.Module, device: torch.device) -> str:
    from word2vec.engines.cpu_gradients import COMPILED

    if device.type != "cpu":
        return f"trains on the CPU only, not on {device.type}"
    if getattr(objective, "in_batch", False):
        return f"makes no batches, which {type(objective).__name__} takes its noise words from"
    if type(objective) not in COMPILED:
        return f"has no compiled form of {type(objective).__name__}, only of {', '.join(c.__name__ for c in COMPILED)}"
    return ""
