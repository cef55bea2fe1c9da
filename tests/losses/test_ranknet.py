import pytest
import torch

from word2vec.errors import ConfigError
from word2vec.losses import RankNet, ranknet_gradient, ranknet_loss


def test_objective_is_the_list_loss_of_the_pairs_with_the_true_word() -> None:
    torch.manual_seed(0)
    scores = torch.randn(6, dtype=torch.float64)
    relevance = torch.tensor([1, 0, 0, 0, 0, 0])
    with_true_word = torch.zeros(6, 6)
    with_true_word[0] = with_true_word[:, 0] = 1
    objective = RankNet(sigma=0.5, reduction="sum")
    expected = ranknet_loss(scores, relevance, 0.5, with_true_word)
    torch.testing.assert_close(objective(scores[:1], scores[None, 1:]), expected)
    expected = ranknet_gradient(scores, relevance, 0.5, with_true_word)
    torch.testing.assert_close(objective.score_gradients(scores[None])[0], expected)


def test_sigma_must_be_positive() -> None:
    with pytest.raises(ConfigError, match="sigma 0 must be greater than 0"):
        RankNet(sigma=0)
