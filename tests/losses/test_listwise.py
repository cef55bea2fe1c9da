import math

import pytest
import torch
from torch import Tensor

from word2vec.errors import ConfigError
from word2vec.losses import ndcg_weights, ranknet_gradient, ranknet_loss

# scores and graded relevances, with ties in both, of one item, of extremes
LISTS: dict[str, tuple[list[float], list[int]]] = {
    "graded": ([0.3, -1.2, 2.0, 0.7, 0.1], [2, 0, 1, 4, 3]),
    "ties": ([0.5, 0.5, -1.0, 0.25, 2.0, 2.0], [1, 0, 1, 1, 2, 2]),
    "all tied": ([0.5, 1.5, -1.0], [1, 1, 1]),
    "irrelevant": ([0.5, 1.5, -1.0], [0, 0, 0]),
    "one item": ([3.0], [1]),
    "no item": ([], []),
    "extreme": ([1e4, -1e4, 1e4, 0.0, -1e4], [0, 3, 3, 1, 0]),
}
every_list = pytest.mark.parametrize(("scores", "relevance"), LISTS.values(), ids=LISTS.keys())


def pair_weights(size: int) -> Tensor:
    """Weights that are not symmetric, and not 0 on the diagonal, where they must not matter."""
    return torch.rand(size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.5


def softplus(x: float) -> float:
    return max(x, 0) + math.log1p(math.exp(-abs(x)))


@every_list
@pytest.mark.parametrize("sigma", [1.0, 0.5])
@pytest.mark.parametrize("weighted", [False, True])
def test_list_loss_is_that_of_the_plain_loop(
    scores: list[float], relevance: list[int], sigma: float, weighted: bool
) -> None:
    weights = pair_weights(len(scores)) if weighted else None
    expected = 0.0
    for i in range(len(scores)):
        for j in range(i + 1, len(scores)):
            target = 0.5 if relevance[i] == relevance[j] else float(relevance[i] > relevance[j])
            margin = sigma * (scores[i] - scores[j])
            loss = target * softplus(-margin) + (1 - target) * softplus(margin)
            expected += loss if weights is None else loss * (weights[i, j].item() + weights[j, i].item()) / 2
    found = ranknet_loss(torch.tensor(scores, dtype=torch.float64), torch.tensor(relevance), sigma, weights)
    assert found.item() == pytest.approx(expected, rel=1e-8)


@every_list
@pytest.mark.parametrize("sigma", [1.0, 0.5])
@pytest.mark.parametrize("weighting", ["none", "pairs", "ndcg"])
def test_direct_gradient_is_that_of_autograd(
    scores: list[float], relevance: list[int], sigma: float, weighting: str
) -> None:
    leaf, grades = torch.tensor(scores, dtype=torch.float64, requires_grad=True), torch.tensor(relevance)
    weights = {"none": None, "pairs": pair_weights(len(scores)), "ndcg": ndcg_weights(leaf, grades)}[weighting]
    ranknet_loss(leaf, grades, sigma, weights).backward()
    gradient = ranknet_gradient(leaf, grades, sigma, weights)
    assert not gradient.requires_grad
    assert gradient.isfinite().all()
    torch.testing.assert_close(gradient, leaf.grad, rtol=0, atol=1e-6)


def test_gradcheck_of_the_list_loss() -> None:
    scores, relevance = LISTS["ties"]
    leaf = torch.tensor(scores, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: ranknet_loss(s, torch.tensor(relevance), 0.5, pair_weights(6)), leaf)


def test_following_the_direct_gradient_sorts_the_list() -> None:
    relevance = torch.tensor([2.0, 0.0, 1.0, 4.0, 3.0])
    scores = torch.tensor([0.3, 1.2, 2.0, -0.7, 0.1])
    for _ in range(200):
        scores = scores - 0.1 * ranknet_gradient(scores, relevance)
    assert torch.equal(scores.argsort(), relevance.argsort())


@every_list
def test_ndcg_weights_are_what_swapping_two_items_changes(scores: list[float], relevance: list[int]) -> None:
    def dcg(grades: list[int]) -> float:
        return sum((2**grade - 1) / math.log2(position + 1) for position, grade in enumerate(grades, start=1))

    order = sorted(range(len(scores)), key=lambda i: -scores[i])  # stable, as the documented order of ties
    best = dcg(sorted(relevance, reverse=True))
    found = ndcg_weights(torch.tensor(scores, dtype=torch.float64), torch.tensor(relevance))
    assert found.shape == (len(scores), len(scores))
    for i in range(len(scores)):
        for j in range(len(scores)):
            swapped = [relevance[{i: j, j: i}.get(item, item)] for item in order]
            change = abs(dcg(swapped) - dcg([relevance[item] for item in order]))
            assert found[i, j].item() == pytest.approx(change / best if best else 0, abs=1e-12)


def test_bfloat16_lists_are_computed_in_float32() -> None:
    scores, relevance = torch.tensor([0.3, -1.2, 2.0]).bfloat16(), torch.tensor([0, 1, 2])
    assert ranknet_loss(scores, relevance).equal(ranknet_loss(scores.float(), relevance))
    assert ranknet_gradient(scores, relevance).equal(ranknet_gradient(scores.float(), relevance).bfloat16())


def test_wrong_shapes_are_rejected() -> None:
    with pytest.raises(ConfigError, match=r"scores \(3,\), relevance \(2,\): both must be \(N,\)"):
        ranknet_loss(torch.zeros(3), torch.zeros(2))
    with pytest.raises(ConfigError, match=r"both must be \(N,\)"):
        ranknet_gradient(torch.zeros(3, 1), torch.zeros(3, 1))
