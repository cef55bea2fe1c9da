import pytest
import torch

from word2vec.errors import ConfigError
from word2vec.losses import MarginRanking, margin_ranking_loss


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("margin", [0.0, 0.5, 1.0, 3.0, -0.5])
@pytest.mark.parametrize("shape", [(1,), (101,), (7, 3)])
def test_function_agrees_with_pytorch(reduction: str, margin: float, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    target = torch.randint(2, shape) * 2 - 1
    ours = torch.randn(2, *shape, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_()
    found = margin_ranking_loss(ours[0], ours[1], target, margin, reduction)
    expected = torch.nn.MarginRankingLoss(margin, reduction=reduction)(theirs[0], theirs[1], target)
    torch.testing.assert_close(found, expected)
    found.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_margin_and_reduction_are_pytorchs_by_default() -> None:
    torch.manual_seed(0)
    first, second, target = torch.randn(9), torch.randn(9), torch.ones(9)
    expected = torch.nn.MarginRankingLoss()(first, second, target)
    torch.testing.assert_close(margin_ranking_loss(first, second, target), expected)


def test_objective_is_the_function_summed_over_the_noise_words() -> None:
    torch.manual_seed(0)
    positive, negative = torch.randn(7), torch.randn(7, 5)
    first, target = positive[:, None].expand(7, 5), torch.ones(7, 5)
    expected = margin_ranking_loss(first, negative, target, margin=0.5, reduction="none").sum(dim=1)
    torch.testing.assert_close(MarginRanking(margin=0.5, reduction="none")(positive, negative), expected)


@pytest.mark.parametrize("wrong", [0.0, 0.5, -2.0, float("nan")])
def test_targets_without_an_order_are_rejected(wrong: float) -> None:
    target = torch.tensor([1.0, wrong, -1.0])
    with pytest.raises(ConfigError, match=rf"target {wrong:g}: must be \+1 or -1") as caught:
        margin_ranking_loss(torch.zeros(3), torch.ones(3), target)
    assert "\n" not in str(caught.value)


def test_unequal_shapes_are_rejected() -> None:
    with pytest.raises(
        ConfigError, match=r"shapes \(3, 1\), \(3,\), \(3,\); pass first, second and target of the same shape"
    ):
        margin_ranking_loss(torch.zeros(3, 1), torch.zeros(3), torch.ones(3))
