"""A recurrent language model: it predicts each word of a text from all words before it.

Words become rows of an embedding table, a recurrent network of one or more layers (LSTM, GRU or Elman's) reads them,
and a softmax over the vocabulary predicts the next word, with dropout between the parts as in Zaremba, Sutskever and
Vinyals (2014), "Recurrent neural network regularization". Large vocabularies get the adaptive softmax of Grave et al.
(2017), "Efficient softmax approximation for GPUs", which is exact but spends less on rare words.
"""

import torch
from torch import Tensor, nn

CELLS: dict[str, type[nn.RNN | nn.LSTM | nn.GRU]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
"""Name -> recurrent layers."""

State = Tensor | tuple[Tensor, Tensor]
"""What a network remembers: (layers, B, hidden), for an LSTM two of them."""

MAX_FULL_SOFTMAX = 20_000
"""Vocabularies with more words get the adaptive softmax."""
CUTOFFS = (1_000, 6_000)
"""Ids at which its clusters end; ids are ordered by frequency. The first 1,000 words are some 70 % of English text."""


class FullSoftmax(nn.Linear):
    """Log-probabilities of all words, with the interface of `nn.AdaptiveLogSoftmaxWithLoss`."""

    def losses(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Return the negative log-probabilities (N,) of targets (N,) after states (N, H)."""
        return nn.functional.cross_entropy(self(hidden), targets, reduction="none")

    def log_prob(self, hidden: Tensor) -> Tensor:
        """Return the log-probabilities (N, V) of all words after states (N, H)."""
        return torch.log_softmax(self(hidden), dim=1)


class AdaptiveSoftmax(nn.AdaptiveLogSoftmaxWithLoss):
    """The same for large vocabularies."""

    def losses(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Return the negative log-probabilities (N,) of targets (N,) after states (N, H)."""
        log_probabilities: Tensor = self(hidden, targets).output
        return -log_probabilities


class LanguageModel(nn.Module):
    """Embedding table, recurrent layers, softmax.

    Args:
        table: (V, D) the initial embedding table; rows are words, most frequent first.
        freeze: Whether the table stays as it is.
        cell: A name in `CELLS`.
        layers: Number of recurrent layers.
        hidden: H, the size of their states.
        dropout: Probability that a number between two parts is dropped in training.
    """

    def __init__(self, table: Tensor, *, freeze: bool, cell: str, layers: int, hidden: int, dropout: float) -> None:
        super().__init__()
        size, dim = table.shape
        self.embedding: nn.Embedding = nn.Embedding.from_pretrained(table, freeze=freeze)  # type: ignore[no-untyped-call]
        self.dropout = nn.Dropout(dropout)
        self.recurrent = CELLS[cell](dim, hidden, layers, dropout=dropout if layers > 1 else 0.0)
        self.softmax: FullSoftmax | AdaptiveSoftmax = FullSoftmax(hidden, size)
        if size > MAX_FULL_SOFTMAX:
            cutoffs = [cutoff for cutoff in CUTOFFS if cutoff < size]
            shrinkage = 4.0 if hidden >= 4 ** (len(cutoffs) + 1) else 1.0  # of the states from cluster to cluster
            self.softmax = AdaptiveSoftmax(hidden, size, cutoffs, div_value=shrinkage)

    def forward(self, inputs: Tensor, targets: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the cross-entropy of each target, in nats, and the state after the last input.

        Args:
            inputs: (T, B) word ids, one sequence per column.
            targets: (T, B) the word that follows each input.
            state: The state before the first input; None for zeros.

        Returns:
            (T * B,) losses, and the state.
        """
        hidden, after = self._read(inputs, state)  # (T, B, H)
        return self.softmax.losses(hidden.flatten(0, 1), targets.flatten()), after

    def next_words(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the log-probabilities (B, V) of the word after inputs (T, B), and the state."""
        hidden, after = self._read(inputs, state)  # (T, B, H)
        return self.softmax.log_prob(hidden[-1]), after

    def _read(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        embedded = self.dropout(self.embedding(inputs))  # (T, B, D)
        hidden, after = self.recurrent(embedded, state)
        return self.dropout(hidden), after


def detached(state: State) -> State:
    """Return a state without its history, so that gradients end there."""
    return state.detach() if isinstance(state, Tensor) else (state[0].detach(), state[1].detach())
