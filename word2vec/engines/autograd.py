"""The reference engine: any objective, any device, gradients by autograd.

For an example with input row x and target rows y_0 (the true word) and y_1..y_K (noise words), an objective sees only
the scores s_k = x . y_k. Autograd gives g_k = dL/ds_k; the rest is two sums,

    dL/dx = sum_k g_k y_k        dL/dy_k = g_k x,

and the step is added to just the rows that were used: no gradient the size of a table is ever made, and no row that
was not drawn moves. An objective whose noise words are the other examples of the batch is given the rows themselves.

All examples of a batch see the values of its start, and a row that several of them use gets the sum of their steps.
Where those are too many the sum overshoots until training diverges: dataset.stable_batch_size says where.
"""

from collections.abc import Callable, Generator
from threading import Event
from typing import cast

import torch
from torch import Tensor, nn

from word2vec.engines.base import Progress, run_threads
from word2vec.errors import TrainingError
from word2vec.losses import InBatchSoftmax
from word2vec.models.skipgram import SkipGram, scores
from word2vec.sampling.datasets import Batch, SkipGramDataset
from word2vec.sampling.shards import Shard, new_shards, words_read


class AutogradEngine:
    """Trains a model on a dataset.

    On the CPU each thread trains on its own share of the corpus and all write to the same tables without locks
    (Hogwild: Niu et al. 2011; rows that two threads change at once are rare). That is faster than letting all threads
    work on one batch, whose parts are too small to share out, and does not stall when other programs want the
    processor. With one thread the order of all steps is fixed, and the same seed gives the same bytes.

    Args:
        model: the tables, changed in place.
        objective: a module over scores, `forward(positive (B,), negative (B, K))`, that gives the examples' losses or
            their sum, or one of losses/ with `in_batch`.
        dataset: the batches, on the model's device.
        lr_at: the learning rate by the number of the epoch and the corpus words read in it.
        threads: how many train at once; a GPU takes one, being parallel itself.
    """

    max_threads = 8  # unless asked for: the interpreter's lock lets hardly more than this train at once
    in_batches = True
    sync_every = 250_000  # words of a process between two averagings; some seconds, and a round is not cut short

    def __init__(
        self,
        model: SkipGram,
        objective: nn.Module,
        dataset: SkipGramDataset,
        lr_at: Callable[[int, int], float],
        threads: int = 1,
    ) -> None:
        self.model, self.objective, self.dataset, self.lr_at = model, objective, dataset, lr_at
        self.threads = threads if dataset.device.type == "cpu" else 1
        self._in_batch = bool(getattr(objective, "in_batch", False))
        # (V,) what an objective that corrects for how its noise is drawn needs to know
        needs_log_q = bool(getattr(objective, "needs_log_q", False))
        self._log_q = (dataset.pair_frequency if self._in_batch else dataset.noise).log() if needs_log_q else None

    def epoch(self, number: int, shards: list[Shard] | None = None) -> Generator[Progress]:
        """Train one pass over the corpus; reports a few times a second and at the end.

        Closing the iterator early stops the threads after their batches; `state` then says how to go on.

        Args:
            number: of the pass, from 0.
            shards: where to go on, one for each thread; a new pass by default.
        """
        self.dataset.set_epoch(number)
        self._shards = shards or new_shards(self.dataset.offsets, self.threads)
        self._loss = [self._sum(shard.loss, torch.float64) for shard in self._shards]
        self._hits = [self._sum(shard.hits, torch.int64) for shard in self._shards]
        threads_before = torch.get_num_threads()
        try:
            yield from run_threads(lambda rank, stop: self._train_shard(number, rank, stop), self.threads, self._total)
        finally:
            torch.set_num_threads(threads_before)  # what _train_shard sets reaches threads that others start later

    def state(self) -> list[Shard]:
        """How far the pass is that was closed; to be given to `epoch`."""
        for shard, loss, hits in zip(self._shards, self._loss, self._hits, strict=True):
            shard.loss, shard.hits = loss.item(), int(hits.item())
        return self._shards

    def _train_shard(self, epoch: int, rank: int, stop: Event) -> None:
        if self.dataset.device.type == "cpu":
            # subtle: counts for the thread that calls it; without it each of ours would start threads of its own
            torch.set_num_threads(1)
        shard = self._shards[rank]
        targets = self.dataset.batch_size * (1 + self.dataset.settings.negatives)
        rows = self.model.output.new_empty(targets, self.model.output.shape[1])
        for batch in self.dataset.batches(shard):
            if stop.is_set():
                return
            lr = self.lr_at(epoch, words_read(self._shards))
            if self._in_batch:
                objective = cast(InBatchSoftmax, self.objective)
                loss, hits = in_batch_step(self.model, objective, batch, lr, self._log_q)
                self._hits[rank] += hits
            else:
                loss = train_step(self.model, self.objective, batch, lr, self._log_q, rows)
            self._loss[rank] += loss
            shard.pairs += len(batch.center)

    def _sum(self, start: float, dtype: torch.dtype) -> Tensor:
        """A number to add to without waiting for the device."""
        return torch.tensor(start, dtype=dtype, device=self.dataset.device)

    def _total(self) -> Progress:
        """Waits for the device."""
        return Progress(
            words=words_read(self._shards),
            pairs=sum(shard.pairs for shard in self._shards),
            loss=sum(loss.item() for loss in self._loss),
            hits=sum(int(hits.item()) for hits in self._hits) if self._in_batch else None,
        )


@torch.no_grad()
def train_step(
    model: SkipGram,
    objective: nn.Module,
    batch: Batch,
    lr: float,
    log_q: Tensor | None = None,
    rows: Tensor | None = None,
) -> Tensor:
    """One step of stochastic gradient descent on the summed loss of a batch.

    Args:
        model: the tables, changed in place.
        objective: as for the engine.
        batch: B examples with K noise words each.
        lr: the learning rate.
        log_q: (V,) log probability of each word as noise, for objectives that ask for it.
        rows: working memory, (B * (1 + K) or more, D). Fresh memory of that size costs more in page faults than the
            arithmetic does.

    Returns:
        The loss before the step, summed over the batch, a scalar on the device.
    """
    targets = torch.cat([batch.center.unsqueeze(1), batch.negatives], dim=1)  # (B, 1 + K)
    if rows is None:
        rows = model.output.new_empty(targets.numel(), model.output.shape[1])
    x = model.input.index_select(0, batch.context)  # (B, D)
    y = rows[: targets.numel()]  # (B * (1 + K), D)
    torch.index_select(model.output, 0, targets.view(-1), out=y)
    y = y.view(*targets.shape, -1)  # (B, 1 + K, D)
    with torch.enable_grad():
        s = scores(x, y).requires_grad_()  # (B, 1 + K)
        correction = {} if log_q is None else {"log_q": log_q[targets]}
        loss = _summed(objective(s[:, 0], s[:, 1:], **correction), len(s))
        (g,) = torch.autograd.grad(loss, s)  # (B, 1 + K)
    g = -lr * g
    # subtle: both steps come from the values before the step, so dL/dx is taken before y is overwritten
    step_x = torch.bmm(g.unsqueeze(1), y).squeeze(1)  # (B, D)
    step_y = torch.mul(g.unsqueeze(2), x.unsqueeze(1), out=y)  # (B, 1 + K, D)
    model.input.index_add_(0, batch.context, step_x)
    model.output.index_add_(0, targets.view(-1), step_y.view(-1, step_y.shape[-1]))
    return loss.detach()  # subtle: with its history it would keep the batch in memory for as long as it is added up


def _summed(loss: Tensor, examples: int) -> Tensor:
    """The sum over the examples, checked: a user's (B, B) loss would train, on something that nobody meant."""
    if loss.shape not in ((), (examples,)) or not loss.requires_grad:
        raise TrainingError(
            f"the objective gave a loss of shape {tuple(loss.shape)} for {examples} examples, "
            f"{'with' if loss.requires_grad else 'without'} a gradient: return one loss for each, or their sum"
        )
    return loss.sum()


@torch.no_grad()
def in_batch_step(
    model: SkipGram, objective: InBatchSoftmax, batch: Batch, lr: float, log_q: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """As `train_step` for an objective whose noise words are the other true words of the batch; negatives are not used.

    Returns:
        The summed loss, and the number of examples whose own true word scored best, both scalars on the device.
    """
    left = model.input.index_select(0, batch.context).requires_grad_()  # (B, D)
    right = model.output.index_select(0, batch.center).requires_grad_()  # (B, D)
    with torch.enable_grad():
        correction = None if log_q is None else log_q[batch.center]  # (B,)
        loss, predictions = objective.fortraining(left, right, ids=batch.center, log_q=correction)
        step_left, step_right = torch.autograd.grad(loss.sum(), (left, right))  # both (B, D)
    model.input.index_add_(0, batch.context, step_left, alpha=-lr)
    model.output.index_add_(0, batch.center, step_right, alpha=-lr)
    hits = (predictions == torch.arange(len(predictions), device=predictions.device)).sum()
    return loss.detach().sum(), hits
