"""Engines train the tables; which one is chosen here, in one place."""

from collections.abc import Callable

from torch import nn

from word2vec.dataset import SkipGramDataset
from word2vec.engines.autograd import AutogradEngine
from word2vec.model import SkipGram

ENGINES = {"autograd": AutogradEngine}
DEFAULT = "autograd"


def make_engine(
    name: str,
    model: SkipGram,
    objective: nn.Module,
    dataset: SkipGramDataset,
    lr_at: Callable[[int, int], float],
    threads: int,
) -> AutogradEngine:
    """The engine of that name; "auto" takes the default."""
    return ENGINES[DEFAULT if name == "auto" else name](model, objective, dataset, lr_at, threads)
