"""Sampled softmax: classify the true word among itself and K noise words.

    loss = -log(exp z_0 / sum_{k=0..K} exp z_k)        z_k = s_k - log q_k

Derivation: the softmax over the whole vocabulary needs V scores. Drawing words with probability q and dividing each
exp(s) by its q gives a sum whose expectation does not depend on q, so that the scores learn log p(word) instead of
log p(word)/q(word). A constant factor in q (such as K, for the expected number of draws) cancels. With p = softmax(z),

    dL/ds_0 = p_0 - 1        dL/ds_k = p_k

The correction is a shift, so the gradient with respect to s equals the gradient with respect to z.

Papers: Bengio & Senécal 2008, "Adaptive importance sampling to accelerate training of a neural probabilistic language
model"; Jean et al. 2015, "On using very large target vocabulary for neural machine translation".
"""

from torch import Tensor

from word2vec.losses.base import Objective, at_least_float32, join_scores, reduce_losses


class SampledSoftmax(Objective):
    """Cross-entropy over the true word and the noise words, with logQ correction."""

    default_lr = 0.05
    needs_log_q = True

    def forward(
        self, positive: Tensor, negative: Tensor, weight: Tensor | None = None, log_q: Tensor | None = None
    ) -> Tensor:
        """Return the loss of true words (B,) against noise words (B, K), with optional weights (B,).

        `log_q (B, 1 + K)` is the log probability of each word as noise, the true word first. None means that the scores
        are already corrected, or that all words are equally likely.
        """
        logits = join_scores(positive, negative)  # (B, 1 + K)
        if log_q is not None:
            logits = logits - log_q
        return reduce_losses(-logits.log_softmax(dim=1)[:, 0], weight, self.reduction)

    def score_gradients(self, scores: Tensor) -> Tensor:
        """Return softmax, minus 1 for the true word: scores (B, 1 + K), already corrected by log q -> (B, 1 + K)."""
        gradients = at_least_float32(scores).softmax(dim=1)  # (B, 1 + K)
        gradients[:, 0] -= 1
        return gradients.to(scores.dtype)
