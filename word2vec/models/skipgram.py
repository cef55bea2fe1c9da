"""SkipGram: two tables of word vectors and the scores between their rows, nothing else."""

import torch
from torch import Tensor, nn

PACKED_AT_ONCE = 4096  # rows, a few MB


class SkipGram(nn.Module):
    """The skip-gram model of Mikolov et al. (2013): a word as input has one vector, as output another.

    Initial values are those of word2vec.c: inputs uniform in (-0.5, 0.5) / dim, outputs zero, so that the first scores
    are zero and the first gradients are noise-free averages of small vectors.

    Attributes:
        input: (V, D) the word vectors that training is for.
        output: (V, D) the vectors of the same words as things predicted.
    """

    def __init__(self, vocabulary_size: int, dim: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        table = torch.rand(vocabulary_size, dim, generator=generator)  # (V, D)
        self.input = nn.Parameter(table.sub_(0.5).div_(dim))
        self.output = nn.Parameter(torch.zeros(vocabulary_size, dim))

    def forward(self, given: Tensor, targets: Tensor) -> Tensor:
        """Score each given word against its targets.

        Args:
            given: (B,) ids of input rows.
            targets: (B, T) ids of output rows.

        Returns:
            (B, T) inner products.
        """
        return scores(nn.functional.embedding(given, self.input), nn.functional.embedding(targets, self.output))

    @torch.no_grad()
    def pack(self) -> None:
        """Move the rows of the tables together, where an engine has put room between them; no table is copied."""
        for table in (self.input, self.output):
            rows, (size, dim) = table.detach(), table.shape
            if not rows.is_contiguous():
                packed = rows.as_strided((size * dim,), (1,))
                for start in range(0, size, PACKED_AT_ONCE):
                    part = rows[start : start + PACKED_AT_ONCE].reshape(-1)  # a copy, for its place may overlap with it
                    packed[start * dim : start * dim + len(part)] = part
                table.data = packed.view(size, dim)


def scores(x: Tensor, y: Tensor) -> Tensor:
    """The scores s_k = x . y_k: x (B, D), y (B, T, D) -> (B, T)."""
    # subtle: the same product as y @ x is a matrix-vector product for the library, and five times slower on a CPU
    return torch.bmm(x.unsqueeze(1), y.transpose(1, 2)).squeeze(1)
