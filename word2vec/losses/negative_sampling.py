"""Negative sampling: tell the true word from K noise words, each by a logistic regression of its own.

    loss = softplus(-s_0) + sum_k softplus(s_k)

Derivation: the probability that a word is the true one is sigmoid(s). The true word answers yes with
-log sigmoid(s_0) = softplus(-s_0), a noise word no with -log(1 - sigmoid(s_k)) = softplus(s_k). As softplus' = sigmoid,

    dL/ds_0 = sigmoid(s_0) - 1        dL/ds_k = sigmoid(s_k)

Paper: Mikolov et al. 2013, "Distributed representations of words and phrases and their compositionality".
"""

from torch import Tensor
from torch.nn.functional import softplus

from word2vec.losses.base import Objective, at_least_float32, join_scores, reduce_losses


class NegativeSampling(Objective):
    """The objective of word2vec, softplus(-s_0) + sum_k softplus(s_k)."""

    def forward(self, positive: Tensor, negative: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of true words (B,) against noise words (B, K), under an optional weight (B,)."""
        scores = join_scores(positive, negative)  # (B, 1 + K)
        # subtle: sigmoid().log() would be -inf from a score of about 90 on in float32; softplus stays linear
        losses = softplus(-scores[:, 0]) + softplus(scores[:, 1:]).sum(dim=1)  # (B,)
        return reduce_losses(losses, weight, self.reduction)

    def score_gradients(self, scores: Tensor) -> Tensor:
        """sigmoid(s) less 1 for the true word: (B, 1 + K) -> (B, 1 + K)."""
        gradients = at_least_float32(scores).sigmoid()  # (B, 1 + K)
        gradients[:, 0] -= 1
        return gradients.to(scores.dtype)
