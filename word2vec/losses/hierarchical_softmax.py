"""Hierarchical softmax: a softmax over the whole vocabulary as a sequence of binary decisions.

    s_k = sign_k (x . y_k)        loss = sum_k softplus(-s_k) = -log p(word | x)

Derivation: every word is a leaf of a binary tree, and y_k is the row of the k-th inner node on the path from the root
to the word. At each node, the path continues at one child with probability sigmoid(x . y_k), and at the other one with
sigmoid(-x . y_k) = 1 - sigmoid(x . y_k). With the sign +1 for one child and -1 for the other, the probability of a word
is the product of sigmoid(s_k) over its path. These probabilities sum to 1 over the vocabulary, because those of the two
children sum to 1 at every node. Since -log sigmoid(s) = softplus(-s),

    dL/ds_k = sigmoid(s_k) - 1

There are no noise words: a word has as many targets as its path has nodes, about log2 V. The Huffman tree of the counts
(sampling/huffman.py) gives frequent words short paths.

Papers: Morin and Bengio 2005, "Hierarchical probabilistic neural network language model"; Mikolov et al. 2013,
"Distributed representations of words and phrases and their compositionality" (the Huffman tree).
"""

from torch import Tensor
from torch.nn.functional import softplus

from word2vec.losses.base import Objective, Targets, at_least_float32, join_scores, reduce_losses


class HierarchicalSoftmax(Objective):
    """The negative log-likelihood of words, sum_k softplus(-s_k) over the nodes of their paths."""

    targets: Targets = "tree"

    def forward(self, positive: Tensor, negative: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the loss of paths of L nodes, with optional weights (B,).

        Args:
            positive: (B,) signed scores of the root.
            negative: (B, L - 1) signed scores of the other nodes; +inf ends shorter paths.
            weight: (B,) weights of the examples.
        """
        scores = join_scores(positive, negative)  # (B, L)
        return reduce_losses(softplus(-scores).sum(dim=1), weight, self.reduction)

    def score_gradients(self, scores: Tensor) -> Tensor:
        """Return sigmoid(s) - 1: (B, L) -> (B, L)."""
        # subtle: sigmoid(s) - 1 would have no correct digits for large scores
        return (-(-at_least_float32(scores)).sigmoid()).to(scores.dtype)
