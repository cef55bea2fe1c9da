"""Negative sampling: distinguish the true word from K noise words by one logistic regression each.

    loss = softplus(-s_0) + sum_k softplus(s_k)

Derivation: the probability that a word is the true one is modeled as sigmoid(s). The negative log-likelihood of the
true word is -log sigmoid(s_0) = softplus(-s_0), that of a noise word -log(1 - sigmoid(s_k)) = softplus(s_k). As
softplus' = sigmoid,

    dL/ds_0 = sigmoid(s_0) - 1        dL/ds_k = sigmoid(s_k)

Paper: Mikolov et al. 2013, "Distributed representations of words and phrases and their compositionality".
"""

from torch import Tensor
from torch.nn.functional import softplus

from word2vec.losses.base import Objective, at_least_float32, join_scores, reduce_losses


class NegativeSampling(Objective):
    """The objective of word2vec, softplus(-s_0) + sum_k softplus(s_k)."""

    def forward(self, positive: Tensor, negative: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the loss of true words (B,) against noise words (B, K), with optional weights (B,)."""
        scores = join_scores(positive, negative)  # (B, 1 + K)
        # subtle: sigmoid().log() would be -inf in float32 for scores below about -90; softplus stays linear
        losses = softplus(-scores[:, 0]) + softplus(scores[:, 1:]).sum(dim=1)  # (B,)
        return reduce_losses(losses, weight, self.reduction)

    def score_gradients(self, scores: Tensor) -> Tensor:
        """Return sigmoid(s), minus 1 for the true word: (B, 1 + K) -> (B, 1 + K)."""
        gradients = at_least_float32(scores).sigmoid()  # (B, 1 + K)
        gradients[:, 0] -= 1
        return gradients.to(scores.dtype)
