"""Objectives written by users: any torch module over scores, wrapped once so that engines see an `Objective`."""

from typing import Any, get_args

import torch
from torch import Tensor, nn

from word2vec.errors import ConfigError
from word2vec.losses.base import Objective, Targets, sum_losses


class UserObjective(Objective):
    """A user's torch module as an objective whose loss is always the sum over the examples.

    The module may declare `default_lr`, `needs_log_q` and `targets` (see `Objective`); what it does not declare has
    the default value. Gradients come from autograd.

    Args:
        module: A module with `forward(positive, negative, weight=None)` for scores of shape (B,) and (B, K). It returns
            one loss per example, (B,), or their sum. `weight` is passed only if there are weights.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__(reduction="sum")
        self.module = module
        for name in ("default_lr", "needs_log_q", "targets"):
            setattr(self, name, getattr(module, name, getattr(Objective, name)))

    def forward(
        self, positive: Tensor, negative: Tensor, weight: Tensor | None = None, log_q: Tensor | None = None
    ) -> Tensor:
        """Return the summed loss of true words (B,) against noise words (B, K).

        Raises:
            TrainingError: The module returned neither a loss per example nor their sum, or detached the gradient.
        """
        optional: dict[str, Any] = {"weight": weight, "log_q": log_q}
        loss: Tensor = self.module(positive, negative, **{name: x for name, x in optional.items() if x is not None})
        return sum_losses(loss, len(positive), needs_gradient=torch.is_grad_enabled() and positive.requires_grad)

    def fortraining(
        self,
        left: Tensor,
        right: Tensor,
        ids: Tensor | None = None,
        log_q: Tensor | None = None,
        weight: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Call the `fortraining` of the module, whose targets are the batch."""
        module: Any = self.module
        result: tuple[Tensor, Tensor] = module.fortraining(left, right, ids=ids, log_q=log_q, weight=weight)
        return result


def as_objective(module: nn.Module) -> Objective:
    """Return the module itself if it is an `Objective`, else a `UserObjective` around it.

    Raises:
        ConfigError: The module declares its targets as in earlier versions, or declares unknown ones.
    """
    name = type(module).__name__
    if hasattr(module, "in_batch"):
        raise ConfigError(f'objective {name}: in_batch has been replaced; declare targets = "batch", or omit it')
    objective = module if isinstance(module, Objective) else UserObjective(module)
    if objective.targets not in get_args(Targets):
        raise ConfigError(
            f"objective {name}: unknown targets {objective.targets!r}; use {', '.join(get_args(Targets))}"
        )
    return objective
