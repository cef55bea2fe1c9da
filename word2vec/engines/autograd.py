"""The autograd engine: any objective on any device, with gradients by autograd.

For an example with input row x and target rows y_0 (the true word) and y_1..y_K (noise words), an objective sees only
the scores s_k = x . y_k. Autograd computes g_k = dL/ds_k; what remains is

    dL/dx = sum_k g_k y_k        dL/dy_k = g_k x.

With hierarchical softmax, the targets are the nodes of a path, and g_k is multiplied by the sign of the score.
The step is added to the rows that were used: no gradient of the size of a table is created, and no other row moves. An
objective whose noise words are the other examples of the batch receives the rows themselves.

All examples of a batch see the tables as they were at its start, and a row used by several examples moves by the sum of
their steps. With too many uses the sum overshoots until training diverges; `sampling/stability.py` has the limits.
"""

from collections.abc import Generator
from threading import Event
from typing import ClassVar

import torch
from torch import Tensor

from word2vec.engines.base import Engine, LearningRate, Progress, Workers
from word2vec.engines.targets import Paths, paths_for, signed, targets_of, targets_per_example
from word2vec.losses.base import Objective, sum_losses
from word2vec.models.base import EmbeddingModel, scores
from word2vec.sampling.datasets import Batch, ExampleDataset
from word2vec.sampling.shards import Shard, words_read


class AutogradEngine(Engine):
    """Trains a model on the batches of a dataset, on the CPU or on CUDA.

    On the CPU each thread trains its own shard of the corpus, and all threads write to the same tables without locks
    (Hogwild: Niu et al. 2011; rows that two threads update at once are rare). That is faster than splitting one batch
    over threads, and does not stall when other programs need the processor. With one thread the order of all steps is
    fixed, and the same seed gives the same bytes.

    Args:
        model: The model.
        objective: Any objective.
        dataset: The batches.
        learning_rate: The learning rate schedule.
        threads: Number of threads; on CUDA there is always one.
    """

    max_threads: ClassVar[int | None] = 8  # the interpreter lock keeps more threads from training at once
    uses_batches: ClassVar[bool] = True
    sync_every: ClassVar[int] = 250_000  # a few seconds; a round cannot be interrupted

    def __init__(
        self,
        model: EmbeddingModel,
        objective: Objective,
        dataset: ExampleDataset,
        learning_rate: LearningRate,
        threads: int = 1,
    ) -> None:
        super().__init__(model, objective, dataset, learning_rate, threads if dataset.device.type == "cpu" else 1)
        # (V,) log probability of each word as a negative, for objectives that correct for it
        frequency = dataset.pair_frequency if objective.targets == "batch" else dataset.noise
        self._log_q = frequency.log() if objective.needs_log_q else None
        self._paths = paths_for(objective, dataset)
        self._workers = Workers(self.threads)

    def epoch(self, number: int, shards: list[Shard] | None = None) -> Generator[Progress]:
        """Train one pass over the corpus; see `Engine.epoch`."""
        self.dataset.set_epoch(number)
        self._epoch = number
        self._shards = shards or self.dataset.new_shards(self.threads)
        self._loss = [self._sum(shard.loss, torch.float64) for shard in self._shards]
        self._hits = [self._sum(shard.hits, torch.int64) for shard in self._shards]
        threads_before = torch.get_num_threads()
        try:
            yield from self._workers.run(self._train_shard, self._total)
        finally:
            torch.set_num_threads(threads_before)  # what _train_shard sets also affects threads started later

    def state(self) -> list[Shard]:
        """Return the shards of the current epoch; see `Engine.state`."""
        self._workers.pause()
        for shard, loss, hits in zip(self._shards, self._loss, self._hits, strict=True):
            shard.loss, shard.hits = loss.item(), int(hits.item())
        return self._shards

    def _train_shard(self, rank: int, stop: Event) -> None:
        if self.dataset.device.type == "cpu":
            # subtle: applies to the calling thread; otherwise each of our threads would start threads of its own
            torch.set_num_threads(1)
        shard = self._shards[rank]
        targets = self.dataset.batch_size * targets_per_example(self.dataset, self._paths)
        buffer = self.model.output.new_empty(targets, self.model.output.shape[1])
        for number, batch in enumerate(self.dataset.batches(shard)):
            if number and stop.is_set():
                return
            lr = self.learning_rate(self._epoch, words_read(self._shards))
            if self.objective.targets == "batch":
                loss, hits = in_batch_step(self.model, self.objective, batch, lr, self._log_q)
                self._hits[rank] += hits
            else:
                loss = train_step(self.model, self.objective, batch, lr, self._log_q, buffer, self._paths)
            self._loss[rank] += loss
            shard.pairs += len(batch.center)

    def _sum(self, start: float, dtype: torch.dtype) -> Tensor:
        """Return a scalar on the device, so that adding to it does not wait for the device."""
        return torch.tensor(start, dtype=dtype, device=self.dataset.device)

    def _total(self) -> Progress:
        """Return the progress of all shards; waits for the device."""
        return Progress(
            words=words_read(self._shards),
            pairs=sum(shard.pairs for shard in self._shards),
            loss=sum(loss.item() for loss in self._loss),
            hits=sum(int(hits.item()) for hits in self._hits) if self.objective.targets == "batch" else None,
        )


@torch.no_grad()
def train_step(
    model: EmbeddingModel,
    objective: Objective,
    batch: Batch,
    lr: float,
    log_q: Tensor | None = None,
    buffer: Tensor | None = None,
    paths: Paths | None = None,
) -> Tensor:
    """Make one step of stochastic gradient descent on the summed loss of a batch.

    Args:
        model: The model, changed in place.
        objective: Loss over scores.
        batch: B examples with K noise words each.
        lr: Learning rate.
        log_q: (V,) log probability of each word as a noise word, for objectives that ask for it.
        buffer: (B * T or more, D) working memory. Allocating it for each step costs more time in page faults than
            the arithmetic.
        paths: The paths of all words, for objectives whose targets are their nodes. There are T targets per example:
            the L nodes of a path, or 1 + K words.

    Returns:
        The loss before the step, summed over the batch; a scalar on the device.
    """
    targets, signs = targets_of(batch, paths)  # (B, T) each, or None
    if buffer is None:
        buffer = model.output.new_empty(targets.numel(), model.output.shape[1])
    x = model.gather(batch)  # (B, D)
    y = buffer[: targets.numel()]  # (B * T, D)
    torch.index_select(model.output, 0, targets.view(-1), out=y)
    y = y.view(*targets.shape, -1)  # (B, T, D)
    with torch.enable_grad():
        s = signed(scores(x, y), signs).requires_grad_()  # (B, T)
        correction = {} if log_q is None else {"log_q": log_q[targets]}
        loss = sum_losses(objective(s[:, 0], s[:, 1:], **correction), len(s))
        (g,) = torch.autograd.grad(loss, s)  # (B, T)
    g = -lr * g if signs is None else -lr * g * signs
    # subtle: both steps use the values before the step, so dL/dx is computed before y is overwritten
    step_x = torch.bmm(g.unsqueeze(1), y).squeeze(1)  # (B, D)
    step_y = torch.mul(g.unsqueeze(2), x.unsqueeze(1), out=y)  # (B, T, D)
    model.scatter(batch, step_x)
    model.move_targets(targets.view(-1), step_y.view(-1, step_y.shape[-1]))
    return loss.detach()  # subtle: a loss with its history would keep the batch in memory


@torch.no_grad()
def in_batch_step(
    model: EmbeddingModel, objective: Objective, batch: Batch, lr: float, log_q: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Make one step for an objective whose noise words are the other center words of the batch.

    Args:
        model: The model, changed in place.
        objective: Loss over pairs of rows.
        batch: B examples; their negatives are ignored.
        lr: Learning rate.
        log_q: (V,) log frequency of each word among the pairs, for objectives that ask for it.

    Returns:
        The summed loss, and how many examples scored their own center word highest; both scalars on the device.
    """
    left = model.gather(batch).requires_grad_()  # (B, D)
    right = model.output.index_select(0, batch.center).requires_grad_()  # (B, D)
    with torch.enable_grad():
        correction = None if log_q is None else log_q[batch.center]  # (B,)
        loss, predictions = objective.fortraining(left, right, ids=batch.center, log_q=correction)
        step_left, step_right = torch.autograd.grad(loss.sum(), (left, right))  # both (B, D)
    model.scatter(batch, -lr * step_left)
    model.move_targets(batch.center, step_right, -lr)
    hits = (predictions == torch.arange(len(predictions), device=predictions.device)).sum()
    return loss.detach().sum(), hits
