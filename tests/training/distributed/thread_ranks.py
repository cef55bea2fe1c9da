"""Ranks that are threads of the test's process, so that tests of several processes need no torchrun."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any

import torch
from torch import Tensor

from tests.engines.small import make_dataset, random_sentences
from word2vec.sampling.datasets import TextDataset
from word2vec.training.distributed.process_group import ProcessGroup

COUNTS = [40, 30, 20, 10, 10, 5]  # of the words of small_dataset


@dataclass
class Meeting:
    """Where threads combine one value of each."""

    size: int
    barrier: Barrier = field(init=False)

    def __post_init__(self) -> None:
        self.barrier, self.values = Barrier(self.size, timeout=20), [None] * self.size

    def combine(self, rank: int, value: Any, function: Callable[[list[Any]], Any]) -> Any:
        """The function of the values of all ranks, on each rank."""
        self.values[rank] = value
        self.barrier.wait()
        result = function([each.clone() if isinstance(each, Tensor) else each for each in self.values])
        self.barrier.wait()
        return result


@dataclass(frozen=True)
class ThreadGroup(ProcessGroup):
    """A process group whose ranks are threads."""

    meeting: Meeting = field(default_factory=lambda: Meeting(1))

    def gather(self, value: Any) -> list[Any]:
        return self.meeting.combine(self.rank, value, list)  # type: ignore[no-any-return]

    def sum(self, tensor: Tensor) -> Tensor:
        return tensor.copy_(self.meeting.combine(self.rank, tensor, sum))

    def max(self, tensor: Tensor) -> Tensor:
        return tensor.copy_(self.meeting.combine(self.rank, tensor, lambda all_: torch.stack(all_).amax(dim=0)))

    def wait(self) -> None:
        self.meeting.combine(self.rank, None, list)


def on_ranks(size: int, work: Callable[[ProcessGroup], Any]) -> list[Any]:
    """Call a function on each of `size` ranks; returns the results in the order of ranks."""
    meeting = Meeting(size)
    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(work, [ThreadGroup(rank, size, meeting=meeting) for rank in range(size)]))


def small_dataset() -> TextDataset:
    """600 words of a vocabulary of six."""
    return make_dataset(random_sentences(600, COUNTS), COUNTS, subsample=0.0)
