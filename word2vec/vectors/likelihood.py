"""Probabilities of words under hierarchical softmax, and likelihoods of sentences.

    log p(word | x) = sum_k log sigmoid(sign_k (x . y_k)) = -sum_k softplus(-sign_k (x . y_k))

The sum runs over the inner nodes y_k on the path from the root of the Huffman tree to the word; losses/
hierarchical_softmax.py derives it. The tree is determined by the word counts, so files contain the nodes only.

The likelihood of a sentence scores text by how well a model predicts it: Taddy 2015, "Document classification by
inversion of distributed language representations".
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import Word2VecError


def known_rows(sentence: Iterable[str], rows: Mapping[str, int]) -> list[int]:
    """Return the rows of those words of a sentence that have one.

    Raises:
        Word2VecError: The sentence is not a list of words.
    """
    if isinstance(sentence, str):
        raise Word2VecError(f"log_likelihood: {sentence!r} is not a list of words; split it into words")
    words = list(sentence)
    for word in words:
        if not isinstance(word, str):
            raise Word2VecError(f"log_likelihood: {word!r} is not a word; pass the words of one sentence")
    return [rows[word] for word in words if word in rows]


class SoftmaxTree:
    """The Huffman tree of a vocabulary, with the vectors of its inner nodes.

    Args:
        counts: (V,) word counts, in descending order.
        nodes: (V, D) vectors of the inner nodes, from the root on.

    Raises:
        Word2VecError: The counts are not in descending order.
    """

    def __init__(self, counts: NDArray[np.int64], nodes: NDArray[np.float32]) -> None:
        from word2vec.sampling.huffman import HuffmanTree

        if (np.diff(counts) > 0).any():
            raise Word2VecError("the counts are not in descending order; pass words and nodes as they were trained")
        self._tree, self._nodes = HuffmanTree.of(counts), nodes

    def log_probabilities(self, row: int, inputs: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return log p(word | x) for the row of a word and input vectors (N, D), (N,)."""
        path = slice(self._tree.starts[row], self._tree.starts[row + 1])
        nodes = self._nodes[self._tree.nodes[path]].astype(np.float64)  # (L, D)
        scores = (inputs.astype(np.float64) @ nodes.T) * self._tree.signs[path]  # (N, L)
        log_probabilities: NDArray[np.float64] = -np.logaddexp(0, -scores).sum(axis=1)
        return log_probabilities

    def probability(self, row: int, context: NDArray[np.float32]) -> float:
        """Return p(word | context) for the row of a word and the vectors of the context words, (N, D).

        Raises:
            Word2VecError: There is no context word.
        """
        if not len(context):
            raise Word2VecError("no context word given; pass at least one")
        mean = context.mean(axis=0, dtype=np.float64, keepdims=True)  # (1, D)
        return float(np.exp(self.log_probabilities(row, mean)[0]))

    def log_likelihood(
        self, rows: Sequence[int], vectors: NDArray[np.float32], sides: tuple[int, int], model: str
    ) -> float:
        """Return the log-likelihood of a sentence; see `WordVectors.log_likelihood`.

        Args:
            rows: (N,) rows of the words of the sentence.
            vectors: (N, D) their vectors.
            sides: How many words before and after a center word its window contains.
            model: "skipgram" or "cbow".

        Raises:
            Word2VecError: The model is unknown, or a number of words is negative.
        """
        if model not in ("skipgram", "cbow") or min(sides) < 0:
            raise Word2VecError(
                f"model {model!r}, window {sides}: use skipgram or cbow, and a window of 0 or more words"
            )
        before, after = sides
        total = 0.0
        for place, row in enumerate(rows):
            first, last = max(0, place - before), place + after + 1
            context = np.concatenate([vectors[first:place], vectors[place + 1 : last]])  # (n, D)
            if model == "cbow" and len(context):
                context = context.mean(axis=0, keepdims=True)  # (1, D)
            total += float(self.log_probabilities(row, context).sum())
        return total
