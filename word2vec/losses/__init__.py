"""The training objectives: one a file, all modules over scores, found by the names of the command line.

An objective of one's own needs no base class: any torch module with `forward(positive, negative, weight=None)`, of
shapes (B,), (B, K) and (B,), will do; it gives a loss per example, (B,), or their sum.
`--objective package.module:ClassName` finds it.
"""

import difflib
import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

from torch import nn

from word2vec.errors import ConfigError
from word2vec.losses.base import Objective, Reduction
from word2vec.losses.in_batch_softmax import InBatchSoftmax
from word2vec.losses.lambdarank import ndcg_weights
from word2vec.losses.margin_ranking import MarginRanking, margin_ranking_loss
from word2vec.losses.negative_sampling import NegativeSampling
from word2vec.losses.ranknet import RankNet, ranknet_gradient, ranknet_loss
from word2vec.losses.sampled_softmax import SampledSoftmax
from word2vec.losses.warp import WARP, warp_loss
from word2vec.losses.wmrb import WMRB

__all__ = [
    "LOSSES",
    "WARP",
    "WMRB",
    "InBatchSoftmax",
    "MarginRanking",
    "NegativeSampling",
    "Objective",
    "RankNet",
    "SampledSoftmax",
    "find_objective",
    "load_objective",
    "make_objective",
    "margin_ranking_loss",
    "ndcg_weights",
    "ranknet_gradient",
    "ranknet_loss",
    "warp_loss",
]

LOSSES: dict[str, type[Objective]] = {
    "negative-sampling": NegativeSampling,
    "sampled-softmax": SampledSoftmax,
    "in-batch-softmax": InBatchSoftmax,
    "warp": WARP,
    "wmrb": WMRB,
    "ranknet": RankNet,
    "margin-ranking": MarginRanking,
}


def find_objective(name: str) -> type[nn.Module]:
    """The class of an objective.

    Args:
        name: A key of LOSSES, or the place of a user's class, "package.module:ClassName".

    Raises:
        ConfigError: there is no such objective.
    """
    if ":" in name:
        return load_objective(name)
    if name not in LOSSES:
        near = difflib.get_close_matches(name, LOSSES, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(f"unknown objective {name!r}: {hint}use {', '.join(LOSSES)} or package.module:ClassName")
    return LOSSES[name]


def make_objective(name: str, num_labels: int | None = None, reduction: Reduction = "sum") -> nn.Module:
    """An objective with its default settings; see `find_objective` for its name.

    Args:
        name: As for `find_objective`; a user's class is built without arguments.
        num_labels: The number of words in the vocabulary, for the objectives that declare `needs_num_labels`.
        reduction: What the objectives derived from `Objective` give; learning rates are meant for "sum".

    Raises:
        ConfigError: there is no such objective, or the vocabulary's size is missing.
    """
    found = find_objective(name)
    if name not in LOSSES:
        objective = found()
        if isinstance(objective, Objective):
            objective.reduction = reduction
        return objective
    if not LOSSES[name].needs_num_labels:
        return LOSSES[name](reduction=reduction)
    if num_labels is None:
        raise ConfigError(f"objective {name} estimates ranks: give num_labels, the number of words in the vocabulary")
    sized = cast("Callable[..., Objective]", LOSSES[name])
    return sized(num_labels=num_labels, reduction=reduction)


def load_objective(place: str) -> type[nn.Module]:
    """Imports a user's objective by "package.module:ClassName"; the current folder is looked in last.

    Raises:
        ConfigError: no such module or class, or one that cannot serve as an objective.
    """
    module_name, _, class_name = place.partition(":")
    if not module_name or not class_name:
        raise ConfigError(f"objective {place!r}: write it as package.module:ClassName")
    here = str(Path.cwd())
    if here not in sys.path:  # a console script has its own folder there; kept, for imports inside the user's functions
        sys.path.append(here)
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ConfigError(f"objective {place}: no module {error.name!r} is installed or in {here}") from error
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigError(f"objective {place}: importing {module_name} failed with {reason}") from error
    found = getattr(module, class_name, None)
    if found is None:
        raise ConfigError(f"objective {place}: {module.__file__} has no class {class_name}")
    return _checked(place, found)


def _checked(place: str, found: object) -> type[nn.Module]:
    """The class, if an engine can build it without arguments and call it with scores."""
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise ConfigError(f"objective {place} is not a class of torch.nn.Module: derive it from that")
    if found.forward is nn.Module.forward:
        raise ConfigError(f"objective {place} has no forward: give it forward(self, positive, negative, weight=None)")
    try:
        inspect.signature(found.forward).bind(found, "positive", "negative", "weight")
    except TypeError as error:
        raise ConfigError(f"objective {place}: forward has to be (self, positive, negative, weight=None)") from error
    try:
        inspect.signature(found).bind()
    except TypeError as error:
        raise ConfigError(f"objective {place}: {error}; give each argument of __init__ a default") from error
    return found
