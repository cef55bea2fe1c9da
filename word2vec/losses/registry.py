"""The objectives by the names of the command line, and users' objectives by "package.module:ClassName"."""

import difflib
import inspect
from collections.abc import Callable
from typing import cast

from torch import nn

from word2vec.errors import ConfigError
from word2vec.losses.base import Objective, Reduction
from word2vec.losses.hierarchical_softmax import HierarchicalSoftmax
from word2vec.losses.in_batch_softmax import InBatchSoftmax
from word2vec.losses.margin_ranking import MarginRanking
from word2vec.losses.negative_sampling import NegativeSampling
from word2vec.losses.ranknet import RankNet
from word2vec.losses.sampled_softmax import SampledSoftmax
from word2vec.losses.user import as_objective
from word2vec.losses.warp import WARP
from word2vec.losses.wmrb import WMRB
from word2vec.system.user_code import import_by_location

LOSSES: dict[str, type[Objective]] = {
    "negative-sampling": NegativeSampling,
    "sampled-softmax": SampledSoftmax,
    "in-batch-softmax": InBatchSoftmax,
    "hierarchical-softmax": HierarchicalSoftmax,
    "warp": WARP,
    "wmrb": WMRB,
    "ranknet": RankNet,
    "margin-ranking": MarginRanking,
}


def find_objective(name: str) -> type[nn.Module]:
    """Find the class of an objective.

    Args:
        name: A key of LOSSES, or the location of a user's class, "package.module:ClassName".

    Raises:
        ConfigError: There is no such objective.
    """
    if ":" in name:
        return load_objective(name)
    if name not in LOSSES:
        near = difflib.get_close_matches(name, LOSSES, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(f"unknown objective {name!r}; {hint}choose {', '.join(LOSSES)} or package.module:ClassName")
    return LOSSES[name]


def objective_name(kind: type[nn.Module]) -> str:
    """Return the name by which `find_objective` finds a class."""
    names = (name for name, registered in LOSSES.items() if registered is kind)
    return next(names, f"{kind.__module__}:{kind.__qualname__}")


def make_objective(name: str, num_labels: int | None = None, reduction: Reduction = "sum") -> Objective:
    """Create an objective with its default settings.

    Args:
        name: See `find_objective`. A user's class is created without arguments, and wrapped if it is not an
            `Objective`; see `UserObjective`.
        num_labels: Number of words in the vocabulary, for the objectives that declare `needs_num_labels`.
        reduction: What classes derived from `Objective` return; learning rates are meant for "sum".

    Raises:
        ConfigError: There is no such objective, or the vocabulary size is missing.
    """
    found = find_objective(name)
    if name not in LOSSES:
        module = found()
        if isinstance(module, Objective):
            module.reduction = reduction
        return as_objective(module)
    if not LOSSES[name].needs_num_labels:
        return LOSSES[name](reduction=reduction)
    if num_labels is None:
        raise ConfigError(f"objective {name} estimates ranks; pass num_labels, the number of words in the vocabulary")
    sized = cast("Callable[..., Objective]", LOSSES[name])
    return sized(num_labels=num_labels, reduction=reduction)


def load_objective(location: str) -> type[nn.Module]:
    """Import a user's objective by "package.module:ClassName"; the current folder is searched last.

    Raises:
        ConfigError: There is no such module or class, or the class is not a valid objective.
    """
    return _checked(location, import_by_location(location, "objective", "class"))


def _checked(location: str, found: object) -> type[nn.Module]:
    """Return the class if an engine can create it without arguments and call it with scores."""
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise ConfigError(f"objective {location}: not a subclass of torch.nn.Module; derive it from that class")
    if found.forward is nn.Module.forward:
        raise ConfigError(
            f"objective {location}: no method forward; define forward(self, positive, negative, weight=None)"
        )
    try:
        inspect.signature(found.forward).bind(found, "positive", "negative", "weight")
    except TypeError as error:
        raise ConfigError(
            f"objective {location}: forward must have the signature (self, positive, negative, weight=None)"
        ) from error
    try:
        inspect.signature(found).bind()
    except TypeError as error:
        raise ConfigError(f"objective {location}: {error}; define a default for each argument of __init__") from error
    return found
