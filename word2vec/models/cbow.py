"""CBOW: the mean of all words of a window predicts the center word.

The input vector of a window of n words with the vectors u_j is

    x = 1/n sum_j u_j                    du_j = 1/n dx

so each word gets 1/n of the step. word2vec.c and gensim add the whole step to each word, which is not the gradient and
why CBOW was found to be worse than skip-gram: Irsoy, Benton and Stratos 2021, "Corrected CBOW performs as well
as skip-gram" (arXiv 2012.15332).

With position weights, each position j of the window has a vector p_j that its word is multiplied by, dimension by
dimension (Mikolov, Grave, Bojanowski, Puhrsch and Joulin 2018, "Advances in pre-training distributed word
representations"):

    x = 1/n sum_j p_j * u_j              du_j = 1/n p_j * dx        dp_j = 1/n u_j * dx
"""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from word2vec.models.base import EmbeddingModel
from word2vec.models.ngram_index import NgramIndex
from word2vec.sampling.datasets import Batch
from word2vec.sampling.huffman import HuffmanTree


class CBOW(EmbeddingModel):
    """The continuous bag-of-words model of Mikolov et al. (2013), with the corrected gradient.

    "Efficient estimation of word representations in vector space", arXiv 1301.3781.

    Args:
        vocabulary_size: V, number of words.
        dim: D, dimensions of the vectors.
        generator: Random state for the initial values.
        targets: Number of rows of the output table, if they are not the same words as the inputs.
        ngrams: The n-grams of the words; by default words have none.
        tree: The tree whose inner nodes are the rows of the output table; by default they are words.
        positions: Number of positions in a window, with a learned weight each; 0 for no weights.

    Attributes:
        positions: (P, D) weights of the positions, 1 at first, or None.
    """

    # each word gets 1/n of the step; the best of 0.025 to 0.2 with negative sampling on 17 million words, five epochs
    lr_factor: ClassVar[float] = 6.0
    ngram_lr_factor: ClassVar[float] = 6.0

    def __init__(
        self,
        vocabulary_size: int,
        dim: int,
        generator: torch.Generator | None = None,
        targets: int | None = None,
        ngrams: NgramIndex | None = None,
        tree: HuffmanTree | None = None,
        positions: int = 0,
    ) -> None:
        super().__init__(vocabulary_size, dim, generator, targets, ngrams, tree)
        self.positions = nn.Parameter(torch.ones(positions, dim)) if positions else None

    @property
    def center_is_input(self) -> bool:
        """Always false: the window is the input."""
        return False

    def gather(self, batch: Batch) -> Tensor:
        """Return the means of the words of the windows, (B, D)."""
        window, place = _words_of(batch)
        vectors = self.word_vectors(batch.context[window, place])  # (N, D)
        if self.positions is not None:
            vectors.mul_(self.positions[place])
        means = vectors.new_zeros(len(batch.context), vectors.shape[1])
        return means.index_add_(0, window, vectors).div_(_sizes(batch))

    @torch.no_grad()
    def scatter(self, batch: Batch, steps: Tensor) -> None:
        """Move the words of the windows, and the weights of their positions; see `EmbeddingModel.scatter`."""
        window, place = _words_of(batch)
        words = batch.context[window, place]  # (N,)
        steps = (steps / _sizes(batch)).index_select(0, window)  # (N, D)
        if self.positions is None:
            self.move_words(words, steps)
            return
        weights, vectors = self.positions[place], self.word_vectors(words)  # (N, D), before the step
        self.move_words(words, steps * weights)
        self.positions.index_add_(0, place, steps * vectors)

    def tables(self) -> dict[str, nn.Parameter]:
        """Return all tables by name; see `EmbeddingModel.tables`."""
        return super().tables() | ({} if self.positions is None else {"positions": self.positions})

    def row_frequencies(
        self, of_words: npt.NDArray[np.floating], of_targets: npt.NDArray[np.floating]
    ) -> dict[str, npt.NDArray[np.floating]]:
        """Return how often an example uses each row; every window uses every position."""
        uses = super().row_frequencies(of_words, of_targets)
        return uses if self.positions is None else uses | {"positions": np.ones(len(self.positions))}


def _words_of(batch: Batch) -> tuple[Tensor, Tensor]:
    """Return the window and the position of each context word of a batch, both (N,)."""
    window, place = (batch.context >= 0).nonzero(as_tuple=True)
    return window, place


def _sizes(batch: Batch) -> Tensor:
    """Return the number of words in each window, (B, 1)."""
    return (batch.context >= 0).sum(dim=1, keepdim=True)
