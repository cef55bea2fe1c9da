"""SkipGram: the input and output tables of word vectors, and the scores between their rows."""

import torch
from torch import Tensor, nn

PACK_ROWS = 4096  # rows moved at a time, a few MB


class SkipGram(nn.Module):
    """The skip-gram model of Mikolov et al. (2013), in which each word has an input vector and an output vector.

    Initial values are those of word2vec.c: input vectors uniform in (-0.5, 0.5) / dim, output vectors zero.

    Args:
        vocabulary_size: V, number of words.
        dim: D, dimensions of the vectors.
        generator: Random state for the initial values.
        targets: Number of prediction targets, if they are not the same words as the inputs.

    Attributes:
        input: (V, D) vectors of words as inputs; the word vectors that training is for.
        output: (V, D) vectors of words as prediction targets, or (targets, D).
    """

    def __init__(
        self, vocabulary_size: int, dim: int, generator: torch.Generator | None = None, targets: int | None = None
    ) -> None:
        super().__init__()
        table = torch.rand(vocabulary_size, dim, generator=generator)  # (V, D)
        self.input = nn.Parameter(table.sub_(0.5).div_(dim))
        self.output = nn.Parameter(torch.zeros(vocabulary_size if targets is None else targets, dim))

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Score each input word against its target words.

        Args:
            inputs: (B,) ids of input rows.
            targets: (B, T) ids of output rows.

        Returns:
            (B, T) inner products.
        """
        return scores(nn.functional.embedding(inputs, self.input), nn.functional.embedding(targets, self.output))

    @torch.no_grad()
    def pack(self) -> None:
        """Make the tables contiguous in place, without a copy of a table, after an engine has padded their rows."""
        for table in (self.input, self.output):
            rows, (size, dim) = table.detach(), table.shape
            if not rows.is_contiguous():
                packed = rows.as_strided((size * dim,), (1,))
                for start in range(0, size, PACK_ROWS):
                    block = rows[start : start + PACK_ROWS].reshape(-1)  # a copy: source and target may overlap
                    packed[start * dim : start * dim + len(block)] = block
                table.data = packed.view(size, dim)


def scores(x: Tensor, y: Tensor) -> Tensor:
    """Return the scores s_k = x . y_k: x (B, D), y (B, T, D) -> (B, T)."""
    # subtle: y @ x computes the same as matrix-vector products, which are five times slower on a CPU
    return torch.bmm(x.unsqueeze(1), y.transpose(1, 2)).squeeze(1)
