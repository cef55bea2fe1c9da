"""A convolutional network for texts: Kim (2014), "Convolutional neural networks for sentence classification".

Filters of widths 3, 4 and 5 slide over the vectors of a text's words; the largest value of each filter, wherever it
occurs, is a feature of the text. A linear layer classifies the features, with dropout. The paper also limits the norm
of the linear layer's weights, which is left out here: it matters little, as Zhang and Wallace (2017) found, "A
sensitivity analysis of (and practitioners' guide to) convolutional neural networks for sentence classification".
"""

import torch
from torch import Tensor, nn

WIDTHS = (3, 4, 5)
FILTERS = 100
"""Number of filters of each width, as in the paper."""


class TextConvolution(nn.Module):
    """Embedding table, word dropout, convolutions, maximum over the text, dropout, linear layer.

    Args:
        table: (V, D) the initial embedding table; row 0 is padding.
        outputs: Number of outputs.
        freeze: Whether the table stays as it is.
        dropout: Probability that a feature is dropped in training.
        word_dropout: Probability that a word is replaced by padding in training.
    """

    def __init__(self, table: Tensor, outputs: int, *, freeze: bool, dropout: float, word_dropout: float) -> None:
        super().__init__()
        self.embedding: nn.Embedding = nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
            table, freeze=freeze, padding_idx=0
        )
        self.convolutions = nn.ModuleList(nn.Conv1d(table.shape[1], FILTERS, width) for width in WIDTHS)
        self.word_dropout = word_dropout
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(FILTERS * len(WIDTHS), outputs)

    def forward(self, texts: Tensor) -> Tensor:
        """Return the outputs (B, outputs) for texts (B, T) of word ids, padded with 0."""
        if self.training and self.word_dropout:
            texts = texts * (torch.rand(texts.shape, device=texts.device) >= self.word_dropout)
        edge = max(WIDTHS) - 1  # padding, so that the shortest text fits the widest filter, as in the paper's code
        padded = nn.functional.pad(texts, (edge, edge))  # (B, T + 2 * edge)
        embedded = self.embedding(padded).transpose(1, 2)  # (B, D, T + 2 * edge)
        features = [torch.relu(convolution(embedded)).amax(dim=2) for convolution in self.convolutions]  # (B, FILTERS)
        outputs: Tensor = self.linear(self.dropout(torch.cat(features, dim=1)))
        return outputs
