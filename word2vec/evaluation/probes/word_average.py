"""WordAVG: a text is the mean of its words' vectors, and a linear layer classifies it.

Word dropout removes whole words from texts in training, as in Iyyer et al. (2015), "Deep unordered composition rivals
syntactic methods for text classification"; ordinary dropout removes numbers of the mean.
"""

import torch
from torch import Tensor, nn


class WordAverage(nn.Module):
    """Embedding table, word dropout, mean, dropout, linear layer.

    Args:
        table: (V, D) the initial embedding table; row 0 is padding.
        outputs: Number of outputs.
        freeze: Whether the table stays as it is.
        dropout: Probability that a number of the mean is dropped in training.
        word_dropout: Probability that a word is dropped in training.
    """

    def __init__(self, table: Tensor, outputs: int, *, freeze: bool, dropout: float, word_dropout: float) -> None:
        super().__init__()
        self.embedding: nn.Embedding = nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
            table, freeze=freeze, padding_idx=0
        )
        self.word_dropout = word_dropout
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(table.shape[1], outputs)

    def forward(self, texts: Tensor) -> Tensor:
        """Return the outputs (B, outputs) for texts (B, T) of word ids, padded with 0."""
        kept = texts != 0  # (B, T)
        if self.training:
            kept = kept & (torch.rand(texts.shape, device=texts.device) >= self.word_dropout)
        weights = kept.to(self.embedding.weight.dtype).unsqueeze(2)  # (B, T, 1)
        sums = (self.embedding(texts) * weights).sum(dim=1)  # (B, D)
        outputs: Tensor = self.linear(self.dropout(sums / weights.sum(dim=1).clamp(min=1)))
        return outputs
