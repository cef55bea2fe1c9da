"""The autograd engine: its steps against autograd through the whole model, its threads, and its reports."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.engines.small import make_dataset, random_sentences
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.engines.autograd import AutogradEngine, in_batch_step, train_step
from word2vec.errors import TrainingError
from word2vec.losses import InBatchSoftmax, NegativeSampling, SampledSoftmax, as_objective
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import Batch, SamplingSettings, SkipGramDataset
from word2vec.sampling.shards import new_shards


def make_model(size: int = 9, dim: int = 5, dtype: torch.dtype = torch.float64) -> SkipGram:
    model = SkipGram(size, dim, torch.Generator().manual_seed(0)).to(dtype)
    with torch.no_grad():
        model.output.copy_(torch.randn(size, dim, generator=torch.Generator().manual_seed(1)))
    return model


def make_batch() -> Batch:
    """Five examples with two noise words each."""
    # words occur several times, as context, center and noise words, also in one row
    center, context = torch.tensor([1, 2, 2, 3, 1]), torch.tensor([4, 4, 1, 0, 4])
    return Batch(center, context, torch.tensor([[5, 5], [1, 3], [3, 4], [6, 2], [0, 0]]))


def test_a_step_equals_autograd_through_the_whole_model() -> None:
    model, reference, batch = make_model(), make_model(), make_batch()
    loss = train_step(model, NegativeSampling("sum"), batch, lr=0.1)

    scores = reference(batch.context, torch.cat([batch.center[:, None], batch.negatives], dim=1))
    expected = NegativeSampling("sum")(scores[:, 0], scores[:, 1:])
    expected.backward()
    torch.optim.SGD(reference.parameters(), lr=0.1).step()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    assert not loss.requires_grad  # summed over an epoch, a loss with its history would keep every batch in memory
    torch.testing.assert_close(model.input, reference.input, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(model.output, reference.output, rtol=1e-12, atol=1e-12)


def test_only_the_rows_used_move() -> None:
    model, before = make_model(), make_model()
    train_step(model, NegativeSampling("sum"), make_batch(), lr=0.1)
    moved_input = (model.input != before.input).any(dim=1)
    moved_output = (model.output != before.output).any(dim=1)
    assert moved_input.nonzero().squeeze(1).tolist() == [0, 1, 4]
    assert moved_output.nonzero().squeeze(1).tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_working_memory_does_not_change_the_result() -> None:
    model, reference, batch = make_model(), make_model(), make_batch()
    buffer = torch.full((100, 5), torch.nan, dtype=torch.float64)
    for _ in range(2):
        train_step(model, NegativeSampling("sum"), batch, 0.1, buffer=buffer)
        train_step(reference, NegativeSampling("sum"), batch, 0.1)
    assert torch.equal(model.input, reference.input)
    assert torch.equal(model.output, reference.output)


def test_a_step_passes_log_q_to_objectives_that_ask_for_it() -> None:
    model, reference, batch = make_model(), make_model(), make_batch()
    log_q = torch.linspace(-3, -1, 9, dtype=torch.float64)
    loss = train_step(model, SampledSoftmax("sum"), batch, 0.1, log_q)

    targets = torch.cat([batch.center[:, None], batch.negatives], dim=1)
    expected = nn.functional.cross_entropy(
        reference(batch.context, targets) - log_q[targets], torch.zeros(5, dtype=torch.int64), reduction="sum"
    )
    expected.backward()
    torch.optim.SGD(reference.parameters(), lr=0.1).step()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    torch.testing.assert_close(model.output, reference.output, rtol=1e-12, atol=1e-12)


def test_an_in_batch_step_equals_autograd_through_the_whole_model() -> None:
    model, reference, batch = make_model(), make_model(), make_batch()
    log_q = torch.linspace(-3, -1, 9, dtype=torch.float64)
    loss, hits = in_batch_step(model, InBatchSoftmax(reduction="sum"), batch, 0.1, log_q)

    logits = reference.input[batch.context] @ reference.output[batch.center].T - log_q[batch.center]
    same_word = (batch.center[:, None] == batch.center) & ~torch.eye(5, dtype=torch.bool)
    logits = logits.masked_fill(same_word, -torch.inf)
    expected = nn.functional.cross_entropy(logits, torch.arange(5), reduction="sum")
    expected.backward()
    torch.optim.SGD(reference.parameters(), lr=0.1).step()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    assert hits.item() == (logits.argmax(1) == torch.arange(5)).sum().item()
    torch.testing.assert_close(model.input, reference.input, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(model.output, reference.output, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("corrected", [False, True])
def test_in_batch_scores_are_corrected_only_if_requested(corrected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[tuple[Tensor, Tensor | None]] = []

    class Watched(InBatchSoftmax):
        def fortraining(
            self, left: Tensor, right: Tensor, ids: Any = None, log_q: Any = None, weight: Any = None
        ) -> Any:
            received.append((ids, log_q))
            return super().fortraining(left, right, ids, log_q, weight)

    counts = [40, 30, 20, 10]
    dataset = make_dataset(random_sentences(100, counts), counts, subsample=0.0, negatives=0, batch_size=16)
    objective = Watched(corrected=corrected, reduction="sum")
    for _ in AutogradEngine(SkipGram(4, 8), objective, dataset, lambda *_: 0.1).epoch(0):
        pass
    assert received
    for ids, log_q in received:
        if corrected:
            assert log_q is not None
            torch.testing.assert_close(log_q.exp(), torch.tensor(counts)[ids] / 100)
        else:
            assert log_q is None


class PerExample(nn.Module):
    """An objective of a user that returns the loss of each example."""

    def forward(self, positive: Tensor, negative: Tensor) -> Tensor:
        return nn.functional.softplus(-positive) + nn.functional.softplus(negative).sum(1)


def test_losses_per_example_are_summed() -> None:
    model, reference = make_model(), make_model()
    train_step(model, as_objective(PerExample()), make_batch(), 0.1)
    train_step(reference, NegativeSampling("sum"), make_batch(), 0.1)
    torch.testing.assert_close(model.input, reference.input, rtol=1e-12, atol=1e-12)


def make_engine(
    threads: int = 1, objective: nn.Module | None = None, lr_at: Callable[[int, int], float] = lambda e, w: 0.05
) -> tuple[SkipGram, AutogradEngine]:
    tokens = np.random.default_rng(0).integers(0, 20, 6000).astype(np.int32)
    vocabulary = Vocabulary([str(word) for word in range(20)], np.full(20, 300))
    settings = SamplingSettings(window=2, negatives=3, subsample=0)
    dataset = SkipGramDataset(tokens, np.arange(0, 6001, 10), vocabulary, settings, batch_size=100, seed=1)
    model = SkipGram(20, 8, torch.Generator().manual_seed(0))
    return model, AutogradEngine(model, as_objective(objective or NegativeSampling("sum")), dataset, lr_at, threads)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_an_epoch_trains_the_batches_of_every_shard(threads: int) -> None:
    _, engine = make_engine(threads)
    *_, last = engine.epoch(0)
    shards = new_shards(engine.dataset.offsets, threads)
    expected = sum(len(batch.center) for shard in shards for batch in engine.dataset.batches(shard))
    assert last.pairs == expected


def test_the_loss_is_the_sum_over_the_pairs() -> None:
    # with a learning rate of zero the tables stay the same, so the loss can be computed again
    model, engine = make_engine(lr_at=lambda e, w: 0.0)
    *_, last = engine.epoch(0)
    again = 0.0
    for batch in engine.dataset:
        scores = model(batch.context, torch.cat([batch.center[:, None], batch.negatives], 1)).double()
        again += NegativeSampling("sum")(scores[:, 0], scores[:, 1:]).item()
    assert last.loss == pytest.approx(again, rel=1e-6)


class WrongShape(nn.Module):
    """An objective with a missing squeeze."""

    def forward(self, positive: Tensor, negative: Tensor) -> Tensor:
        return positive - negative.sum(1, keepdim=True)  # (B, B)


class NoGradient(nn.Module):
    """An objective whose loss has no gradient."""

    def forward(self, positive: Tensor, negative: Tensor) -> Tensor:
        return positive.detach()


@pytest.mark.parametrize(
    ("objective", "message"),
    [(WrongShape(), r"of shape \(100, 100\) for 100 examples"), (NoGradient(), "without a gradient")],
)
def test_an_invalid_loss_is_reported(objective: nn.Module, message: str) -> None:
    _, engine = make_engine(1, objective)
    with pytest.raises(TrainingError, match=message):
        list(engine.epoch(0))


def test_the_number_of_threads_of_torch_is_restored() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    _, engine = make_engine(2)
    list(engine.epoch(0))
    numbers: list[int] = []
    thread = threading.Thread(target=lambda: numbers.append(torch.get_num_threads()))  # a new thread
    thread.start()
    thread.join()
    torch.set_num_threads(before)
    assert numbers == [2]


class Failing(nn.Module):
    """An objective with a defect."""

    def forward(self, positive: Tensor, negative: Tensor) -> Tensor:
        raise RuntimeError("a defect in the objective")


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_in_an_objective_is_raised(threads: int) -> None:
    _, engine = make_engine(threads, Failing())
    with pytest.raises(RuntimeError, match="a defect in the objective"):
        list(engine.epoch(0))


class Waiting(NegativeSampling):
    """Blocks the first batch until the test lets it continue."""

    def __init__(self, resume: threading.Event) -> None:
        super().__init__("sum")
        self.resume, self.batches = resume, 0

    def forward(self, positive: Tensor, negative: Tensor, weight: Tensor | None = None) -> Tensor:
        self.resume.wait(10)
        self.batches += 1
        return super().forward(positive, negative, weight)


def test_closing_stops_after_the_current_batch() -> None:
    resume = threading.Event()
    objective = Waiting(resume)
    _, engine = make_engine(1, objective)
    steps = engine.epoch(0)
    assert next(steps).words == 0
    threading.Timer(0.05, resume.set).start()
    steps.close()
    assert objective.batches == 1
