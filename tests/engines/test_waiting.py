"""Steps of the autograd engine never wait for the GPU: none may need a value that is on the device.

On a machine without a GPU, most operations for which the host would have to wait are detected when they are called;
creating a tensor on the device from numbers of the host is not.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tests.engines.small import make_dataset, make_model, make_objective, random_sentences
from word2vec.engines.autograd import in_batch_step, train_step
from word2vec.losses import LOSSES, InBatchSoftmax, NegativeSampling, Objective, as_objective
from word2vec.sampling.shards import new_shards

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
WORDS, COUNTS = 30, [30 - word for word in range(30)]

aten: Any = torch.ops.aten
# operations that return a number to Python, and operations whose result has a size that depends on the values
WAITING = {
    aten._local_scalar_dense, aten.is_nonzero, aten.equal, aten.allclose, aten.nonzero, aten.masked_select,
    aten._unique, aten._unique2, aten.unique_consecutive, aten.unique_dim, aten.bincount,
}  # fmt: skip
COPYING = ("tolist", "numpy", "cpu")  # methods that copy a tensor to the host

pytestmark = pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype:UserWarning")


class Waits(TorchDispatchMode):
    """Records the operations for which the host would have to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        by_mask = func.overloadpacket in (aten.index, aten.index_put, aten.index_put_) and any(
            isinstance(index, Tensor) and index.dtype in (torch.bool, torch.uint8) for index in args[1]
        )
        repeats = func is aten.repeat_interleave.Tensor and (kwargs or {}).get("output_size") is None
        if func.overloadpacket in WAITING or by_mask or repeats:
            self.names.append(str(func))
        return func(*args, **(kwargs or {}))


@contextmanager
def waits() -> Iterator[list[str]]:
    """Record the operations for which the host waits; on a GPU the first one is also an error."""
    with Waits() as found, ExitStack() as stack:
        for name in COPYING:
            method = getattr(Tensor, name)

            def recorded(tensor: Tensor, *arguments: Any, name: str = name, method: Any = method, **named: Any) -> Any:
                found.names.append(name)
                return method(tensor, *arguments, **named)

            stack.enter_context(patch.object(Tensor, name, recorded))
        if DEVICE.type == "cuda":
            stack.callback(torch.cuda.set_sync_debug_mode, torch.cuda.get_sync_debug_mode())
            torch.cuda.set_sync_debug_mode("error")
        yield found.names


class UserObjective(nn.Module):
    """An objective that a user may write."""

    def forward(self, positive: Tensor, negative: Tensor) -> Tensor:
        return nn.functional.softplus(negative - positive[:, None]).sum(dim=1)


@pytest.mark.parametrize("name", [*LOSSES, "user"])
def test_no_step_waits(name: str) -> None:
    sentences = random_sentences(600, COUNTS)
    dataset = make_dataset(sentences, COUNTS, subsample=0.0, negatives=3, batch_size=64, device=DEVICE)
    model = make_model(WORDS, 8, spread=1.0).to(DEVICE)
    objective: Objective = make_objective(LOSSES[name], WORDS) if name in LOSSES else as_objective(UserObjective())
    objective = objective.to(DEVICE)
    batch = next(dataset.batches(new_shards(dataset.offsets, 1)[0]))
    log_q = dataset.noise.log() if objective.needs_log_q else None
    before = model.input.detach().clone()
    with waits() as found:
        if isinstance(objective, InBatchSoftmax):
            in_batch_step(model, objective, batch, 0.1, log_q)
        else:
            train_step(model, objective, batch, 0.1, log_q)
    assert found == []
    assert not model.input.equal(before)


@pytest.mark.skipif(DEVICE.type == "cuda", reason="forming pairs waits for the device, which is an error there")
def test_the_number_of_waits_does_not_depend_on_the_batch_size() -> None:
    def count(batch_size: int) -> tuple[int, int]:
        sentences = random_sentences(3000, COUNTS)
        dataset = make_dataset(sentences, COUNTS, subsample=0.0, negatives=3, batch_size=batch_size)
        with waits() as found:
            batches = sum(1 for _ in dataset.batches(new_shards(dataset.offsets, 1)[0]))
        return batches, len(found)

    (few, waits_of_few), (many, waits_of_many) = count(4096), count(32)
    assert many > 50 * few
    assert waits_of_few == waits_of_many > 0


class Reading(NegativeSampling):
    """Reads the values of the scores, for which the host has to wait."""

    def __init__(self, read: Callable[[Tensor], Any]) -> None:
        super().__init__("sum")
        self.read = read

    def forward(self, positive: Tensor, negative: Tensor, weight: Tensor | None = None) -> Tensor:
        self.read(positive.detach())
        return super().forward(positive, negative, weight)


READS: list[Callable[[Tensor], Any]] = [
    Tensor.item, Tensor.nonzero, Tensor.unique, bool, float, lambda scores: scores[scores > 0],
    lambda scores: scores.tolist(), lambda scores: scores.numpy(), lambda scores: scores.cpu(),
]  # fmt: skip


@pytest.mark.skipif(DEVICE.type == "cuda", reason="waiting is an error there")
@pytest.mark.parametrize("read", READS)
def test_reading_the_scores_is_detected(read: Callable[[Tensor], Any]) -> None:
    dataset = make_dataset(random_sentences(600, COUNTS), COUNTS, subsample=0.0, negatives=3, batch_size=64)
    batch = next(dataset.batches(new_shards(dataset.offsets, 1)[0]))
    with waits() as found:
        train_step(make_model(WORDS, 8), Reading(lambda scores: read(scores[:1])), batch, 0.1)
    assert found
