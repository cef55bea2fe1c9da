"""SkipGram: each word of a window alone predicts the center word."""

import torch
from torch import Tensor, nn

from word2vec.models.base import EmbeddingModel, scores
from word2vec.sampling.datasets import Batch


class SkipGram(EmbeddingModel):
    """The skip-gram model of Mikolov et al. (2013), in which the input of an example is one word.

    See `EmbeddingModel` for the arguments and attributes. "Efficient estimation of word representations in vector
    space", arXiv 1301.3781.
    """

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Score each input word against its target words.

        Args:
            inputs: (B,) ids of input words.
            targets: (B, T) ids of output rows.

        Returns:
            (B, T) inner products.
        """
        return scores(self.word_vectors(inputs), nn.functional.embedding(targets, self.output))

    def gather(self, batch: Batch) -> Tensor:
        """Return the vectors of the context words, (B, D)."""
        return self.word_vectors(batch.context)

    @torch.no_grad()
    def scatter(self, batch: Batch, steps: Tensor) -> None:
        """Move the context words; see `EmbeddingModel.scatter`."""
        self.move_words(batch.context, steps)
