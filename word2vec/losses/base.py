"""What all objectives share: the settings they declare, the form of the scores, weights and reductions.

An objective knows nothing of words, tables or engines. It sees, for each example, the score of the true word and the
scores of K noise words; the layout `scores (B, 1 + K)` has the true word in column 0. Two conventions hold for all:

- A weight counts its example that many times. Under "mean" the sum is divided by the sum of the weights, so that an
  example of weight 0 is absent and one of weight 2 is there twice, whatever the reduction.
- A noise word with score -inf is absent. This is how an engine drops a noise word that equals the true word.

Learning rates are meant for the sum over the examples, as word2vec applies one step per pair.
"""

from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor, nn

from word2vec.errors import ConfigError

Reduction = Literal["none", "mean", "sum"]


class Objective(nn.Module):
    """Base of the objectives: `forward(positive, negative, weight=None)` gives the loss, `score_gradients` its slope.

    The attributes tell an engine what to hand over, so that it need not know the single objectives.

    Args:
        reduction: "none" gives a loss per example, (B,); "sum" and "mean" give a scalar.

    Attributes:
        default_lr: The learning rate to start from where the user gives none; found by evaluation/objectives.py, which
            tries multiples of it, as evaluation/README.md shows.
        needs_log_q: `forward` takes the keyword `log_q (B, 1 + K)`, the log probability with which each of these words
            is drawn as noise. It is a shift of the scores, so `score_gradients` holds as it is for `scores - log_q`.
            In the batch it is `log_q (B,)`, the log share of each true word in the training pairs.
        needs_num_labels: `__init__` takes `num_labels`, the number of words in the vocabulary.
        in_batch: The noise words are the other true words of the batch: an engine calls
            `fortraining(left (B, D), right (B, D), ids, log_q, weight)`, which gives the loss and the predictions.
    """

    default_lr: ClassVar[float] = 0.025
    needs_log_q: bool = False
    needs_num_labels: ClassVar[bool] = False
    in_batch: ClassVar[bool] = False

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__()
        if reduction not in get_args(Reduction):
            raise ConfigError(f"unknown reduction {reduction!r}: use one of {', '.join(get_args(Reduction))}")
        self.reduction: Reduction = reduction

    def score_gradients(self, scores: Tensor) -> Tensor:
        """The derivative of each example's loss, not weighted and not reduced, by its scores: (B, 1 + K) -> the same.

        Written out by hand, without autograd: the fused engines' compiled forms are held to it by tests.
        """
        raise NotImplementedError

    def constants(self, negatives: int) -> list[float]:
        """The numbers that the compiled forms of the fused engines need to know, for so many noise words."""
        return []


def at_least_float32(values: Tensor) -> Tensor:
    """The same values in float32, or float64 where they come so: bfloat16 and float16 are for storage only."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def join_scores(positive: Tensor, negative: Tensor) -> Tensor:
    """Puts (B,) and (B, K) together as (B, 1 + K); other shapes fail here instead of spreading to a (B, B) loss."""
    return at_least_float32(torch.cat((positive.unsqueeze(1), negative), dim=1))


def reduce_losses(losses: Tensor, weight: Tensor | None, reduction: Reduction) -> Tensor:
    """Weighs and reduces the losses; the mean of nothing, or of weights that are all 0, is 0."""
    if weight is not None:
        if weight.shape != losses.shape:
            raise ConfigError(f"weight has shape {tuple(weight.shape)}: give one per example, {tuple(losses.shape)}")
        weight = weight.to(losses.dtype)
        losses = losses * weight
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if weight is None:
        return losses.sum() / max(losses.numel(), 1)
    return losses.sum() / weight.sum().clamp(min=torch.finfo(losses.dtype).tiny)
