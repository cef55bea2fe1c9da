"""The base class of all objectives: their interface for engines, the layout of scores, weights and reductions.

An objective is independent of words, tables and engines. For each example it receives the score of the true word and
the scores of K noise words. In the layout `scores (B, 1 + K)` the true word is column 0. An objective may declare other
targets, see `Targets`. Two conventions apply everywhere:

- A weight counts its example that many times. With reduction "mean", the sum of the losses is divided by the sum of the
  weights, so with every reduction an example of weight 0 is ignored and one of weight 2 counts twice.
- A noise word with score -inf is ignored. This is how a caller drops a noise word that equals the true word. So is a
  node of a tree with the signed score +inf, which ends a short path.

Learning rates are meant for the sum over the examples, because word2vec takes one step per pair.
"""

from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor, nn

from word2vec.errors import ConfigError, TrainingError

Reduction = Literal["none", "mean", "sum"]
Targets = Literal["noise", "batch", "tree"]
"""What the input vector of an example is scored with.

- "noise": its true word and K noise words. `forward` receives their scores, (B,) and (B, K).
- "batch": the true words of all examples of the batch. An engine calls `fortraining` instead of `forward`.
- "tree": the inner nodes on the path to its true word in a Huffman tree. `forward` receives their signed scores, (B,)
  for the root and (B, L - 1) for the others, +inf beyond the end of a path; see hierarchical_softmax.py.
"""


class Objective(nn.Module):
    """Base class of the objectives: `forward` computes the loss, `score_gradients` its gradient.

    A subclass has to implement `forward` only. The attributes tell an engine what to pass, so that no engine needs to
    know the individual objectives.

    Args:
        reduction: "none" returns one loss per example, (B,); "sum" and "mean" return a scalar.

    Attributes:
        default_lr: Initial learning rate if the user specifies none. Found by evaluation/objectives.py, which tries
            multiples of it; evaluation/README.md has the results.
        needs_log_q: Whether `forward` takes the keyword argument `log_q (B, 1 + K)`, the log probability with which
            each of these words is drawn as noise. It is subtracted from the scores, so `score_gradients` applies
            unchanged to `scores - log_q`. For in-batch objectives it is `log_q (B,)`, the log frequency of each true
            word in the training pairs. Nodes of a tree have no `log_q`.
        needs_num_labels: Whether `__init__` takes `num_labels`, the number of words in the vocabulary.
        targets: What the input vector of an example is scored with; see `Targets`.
    """

    default_lr: float = 0.025  # word2vec.c's for skip-gram
    needs_log_q: bool = False
    needs_num_labels: ClassVar[bool] = False
    targets: Targets = "noise"

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__()
        if reduction not in get_args(Reduction):
            raise ConfigError(f"unknown reduction {reduction!r}; use one of {', '.join(get_args(Reduction))}")
        self.reduction: Reduction = reduction

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Make a subclass that overrides only `forward` use autograd rather than its parent's handwritten gradient."""
        super().__init_subclass__(**arguments)
        if "forward" in cls.__dict__ and "score_gradients" not in cls.__dict__:
            cls.score_gradients = Objective.score_gradients  # type: ignore[method-assign]

    def score_gradients(self, scores: Tensor) -> Tensor:
        """Compute dL/ds of each example's loss, neither weighted nor reduced: (B, 1 + K) -> (B, 1 + K).

        This default differentiates `forward` by autograd. An objective that has a compiled form overrides it with the
        formula, which is the reference for the compiled forms.
        """
        with torch.inference_mode(False), torch.enable_grad():
            leaf = scores.detach().clone().requires_grad_()  # (B, 1 + K)
            loss = sum_losses(self(leaf[:, 0], leaf[:, 1:]), len(leaf))
            (gradients,) = torch.autograd.grad(loss, leaf)
        return gradients * len(scores) if self.reduction == "mean" else gradients

    def fortraining(
        self,
        left: Tensor,
        right: Tensor,
        ids: Tensor | None = None,
        log_q: Tensor | None = None,
        weight: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Compute the loss of left rows (B, D) against right rows (B, D), and the predicted column of each row (B,).

        Only for objectives whose targets are the batch; see `InBatchSoftmax.fortraining` for the arguments.
        """
        raise NotImplementedError(f"{type(self).__name__} scores noise words, not the rows of a batch")

    def constants(self, negatives: int) -> list[float]:
        """Return the numbers that the compiled forms need, for `negatives` noise words per example."""
        return []


def at_least_float32(values: Tensor) -> Tensor:
    """Convert to float32, or keep float64: bfloat16 and float16 are for storage only."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def join_scores(positive: Tensor, negative: Tensor) -> Tensor:
    """Concatenate (B,) and (B, K) to (B, 1 + K); other shapes fail here instead of broadcasting to a (B, B) loss."""
    return at_least_float32(torch.cat((positive.unsqueeze(1), negative), dim=1))


def reduce_losses(losses: Tensor, weight: Tensor | None, reduction: Reduction) -> Tensor:
    """Weight and reduce the losses (B,); the mean of an empty batch, or of weights that are all 0, is 0."""
    if weight is not None:
        if weight.shape != losses.shape:
            raise ConfigError(f"weight has shape {tuple(weight.shape)}; pass one per example, {tuple(losses.shape)}")
        weight = weight.to(losses.dtype)
        losses = losses * weight
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if weight is None:
        return losses.sum() / max(losses.numel(), 1)
    return losses.sum() / weight.sum().clamp(min=torch.finfo(losses.dtype).tiny)


def sum_losses(loss: Tensor, examples: int, *, needs_gradient: bool = True) -> Tensor:
    """Check the loss that an objective returned for a number of examples, and sum it.

    Args:
        loss: One loss per example, (examples,), or their sum, ().
        examples: Number of examples.
        needs_gradient: Whether the loss has to be differentiable.

    Raises:
        TrainingError: The loss has another shape, or no gradient. A (B, B) loss, for example, results from a missing
            squeeze; it would train, but not the intended objective.
    """
    if loss.shape not in ((), (examples,)) or (needs_gradient and not loss.requires_grad):
        raise TrainingError(
            f"the objective returned a loss of shape {tuple(loss.shape)} for {examples} examples, "
            f"{'with' if loss.requires_grad else 'without'} a gradient; return one loss per example, or their sum"
        )
    return loss.sum()
