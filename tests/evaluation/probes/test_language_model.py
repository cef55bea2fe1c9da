"""The recurrent language model: state, softmax, embedding table."""

import pytest
import torch

from word2vec.evaluation.probes import language_model
from word2vec.evaluation.probes.language_model import AdaptiveSoftmax, LanguageModel, detached

TOKENS = torch.arange(24).remainder(7).reshape(8, 3)  # (T, B)
TOKENS[0] = 8  # occurs only there


def small(cell: str = "lstm", size: int = 9) -> LanguageModel:
    torch.manual_seed(0)
    return LanguageModel(torch.randn(size, 4), freeze=False, cell=cell, layers=2, hidden=5, dropout=0.5).eval()


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_state_carries_over_and_gradients_end_there(cell: str) -> None:
    model = small(cell)
    whole, _ = model(TOKENS[:-1], TOKENS[1:])
    first, state = model(TOKENS[:4], TOKENS[1:5])
    second, _ = model(TOKENS[4:-1], TOKENS[5:], detached(state))
    torch.testing.assert_close(torch.cat([first, second]), whole)
    second.sum().backward()  # words that only the first part reads get no gradient
    gradient = model.embedding.weight.grad
    assert gradient is not None
    read = set(TOKENS[4:-1].unique().tolist())
    assert {row for row in range(9) if gradient[row].any()} == read


@pytest.mark.parametrize("adaptive", [False, True])
def test_losses_are_the_log_probabilities_of_next_words(adaptive: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if adaptive:
        monkeypatch.setattr(language_model, "MAX_FULL_SOFTMAX", 8)
        monkeypatch.setattr(language_model, "CUTOFFS", (3, 6, 40))
    model = small(size=12)
    assert isinstance(model.softmax, AdaptiveSoftmax) == adaptive
    losses, _ = model(TOKENS[:-1], TOKENS[1:])
    scores, _ = model.next_words(TOKENS[:-1])  # (B, V)
    torch.testing.assert_close(scores.exp().sum(dim=1), torch.ones(3))
    torch.testing.assert_close(-scores[range(3), TOKENS[-1]], losses.reshape(7, 3)[-1])
