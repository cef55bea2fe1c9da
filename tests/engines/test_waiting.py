"""The autograd engine gives a GPU its work without waiting for it: no step may need to know what is on the device.

On a machine without a GPU, most of the operations for which the host would have to wait are caught as they are called;
what makes a tensor on the device from numbers of the host is not.
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
from word2vec.losses import LOSSES, InBatchSoftmax, NegativeSampling
from word2vec.sampling.shards import new_shards

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
WORDS, COUNTS = 30, [30 - word for word in range(30)]

aten: Any = torch.ops.aten
# those that give a number to Python, and those whose result has as many elements as are found
WAITING = {
    aten._local_scalar_dense, aten.is_nonzero, aten.equal, aten.allclose, aten.nonzero, aten.masked_select,
    aten._unique, aten._unique2, aten.unique_consecutive, aten.unique_dim, aten.bincount,
}  # fmt: skip
COPYING = ("tolist", "numpy", "cpu")  # methods that bring a tensor to the host

pytestmark = pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype:UserWarning")


class Waits(TorchDispatchMode):
    """Notes what a GPU would have to be waited for."""

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
    """What the host waits for inside; on a GPU an error besides, at the first."""
    with Waits() as found, ExitStack() as stack:
        for name in COPYING:
            method = getattr(Tensor, name)

            def noted(tensor: Tensor, *arguments: Any, name: str = name, method: Any = method, **named: Any) -> Any:
                found.names.append(name)
                return method(tensor, *arguments, **named)

            stack.enter_context(patch.object(Tensor, name, noted))
        if DEVICE.type == "cuda":
            stack.callback(torch.cuda.set_sync_debug_mode, torch.cuda.get_sync_debug_mode())
            torch.cuda.set_sync_debug_mode("error")
        yield found.names


class OfMyOwn(nn.Module):
    """An objective as a user may write it."""

    def forward(self, positive: Tensor, negative: Tensor) -> Tensor:
        return nn.functional.softplus(negative - positive[:, None]).sum(dim=1)


@pytest.mark.parametrize("name", [*LOSSES, "of my own"])
def test_no_step_waits(name: str) -> None:
    sentences = random_sentences(600, COUNTS)
    dataset = make_dataset(sentences, COUNTS, subsample=0.0, negatives=3, batch_size=64, device=DEVICE)
    model = make_model(WORDS, 8, spread=1.0).to(DEVICE)
    objective: Any = make_objective(LOSSES[name], WORDS) if name in LOSSES else OfMyOwn()
    objective = objective.to(DEVICE)
    batch = next(dataset.batches(new_shards(dataset.offsets, 1)[0]))
    log_q = dataset.noise.log() if getattr(objective, "needs_log_q", False) else None
    before = model.input.detach().clone()
    with waits() as found:
        if isinstance(objective, InBatchSoftmax):
            in_batch_step(model, objective, batch, 0.1, log_q)
        else:
            train_step(model, objective, batch, 0.1, log_q)
    assert found == []
    assert not model.input.equal(before)


@pytest.mark.skipif(DEVICE.type == "cuda", reason="a chunk of text does wait there, and that is an error")
def test_more_batches_wait_no_more_often() -> None:
    def waited(batch_size: int) -> tuple[int, int]:
        sentences = random_sentences(3000, COUNTS)
        dataset = make_dataset(sentences, COUNTS, subsample=0.0, negatives=3, batch_size=batch_size)
        with waits() as found:
            batches = sum(1 for _ in dataset.batches(new_shards(dataset.offsets, 1)[0]))
        return batches, len(found)

    (few, once), (many, again) = waited(4096), waited(32)
    assert many > 50 * few
    assert once == again > 0


class Looking(NegativeSampling):
    """Looks at the scores, as nobody should who wants to be fast."""

    def __init__(self, look: Callable[[Tensor], Any]) -> None:
        super().__init__("sum")
        self.look = look

    def forward(self, positive: Tensor, negative: Tensor, weight: Tensor | None = None) -> Tensor:
        self.look(positive.detach())
        return super().forward(positive, negative, weight)


LOOKS: list[Callable[[Tensor], Any]] = [
    Tensor.item, Tensor.nonzero, Tensor.unique, bool, float, lambda scores: scores[scores > 0],
    lambda scores: scores.tolist(), lambda scores: scores.numpy(), lambda scores: scores.cpu(),
]  # fmt: skip


@pytest.mark.skipif(DEVICE.type == "cuda", reason="is an error there")
@pytest.mark.parametrize("look", LOOKS)
def test_an_objective_that_looks_at_the_scores_is_noticed(look: Callable[[Tensor], Any]) -> None:
    dataset = make_dataset(random_sentences(600, COUNTS), COUNTS, subsample=0.0, negatives=3, batch_size=64)
    batch = next(dataset.batches(new_shards(dataset.offsets, 1)[0]))
    with waits() as found:
        train_step(make_model(WORDS, 8), Looking(lambda scores: look(scores[:1])), batch, 0.1)
    assert found
