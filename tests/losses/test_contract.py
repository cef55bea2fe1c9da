"""One contract for all objectives: the properties of each entry of LOSSES, with its default and with other settings."""

import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from word2vec.errors import ConfigError
from word2vec.losses import (
    LOSSES,
    WARP,
    WMRB,
    HierarchicalSoftmax,
    InBatchSoftmax,
    MarginRanking,
    NegativeSampling,
    Objective,
    RankNet,
    SampledSoftmax,
)

NUM_LABELS = 1000
BATCHES = [1, 7, 1023]


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def negative_sampling(objective: NegativeSampling, positive: float, negatives: list[float]) -> float:
    return softplus(-positive) + sum(softplus(score) for score in negatives)


def softmax(objective: SampledSoftmax | InBatchSoftmax, positive: float, negatives: list[float]) -> float:
    temperature = objective.temperature if isinstance(objective, InBatchSoftmax) else 1.0
    total = sum(math.exp(score / temperature) for score in [positive, *negatives])
    return -math.log(math.exp(positive / temperature) / total)


def warp(objective: WARP, positive: float, negatives: list[float]) -> float:
    for draw, score in enumerate(negatives, start=1):
        if objective.max_draws is not None and draw > objective.max_draws:
            break
        if score > positive - objective.margin:
            rank = max(1, math.floor((objective.num_labels - 1) / draw))
            harmonic = sum(1 / j for j in range(1, rank + 1))
            weight = math.log(rank) if objective.rank_weight == "log" else harmonic
            return weight * (objective.margin - positive + score)
    return 0.0


def wmrb(objective: WMRB, positive: float, negatives: list[float]) -> float:
    hinges = sum(max(0.0, objective.margin - positive + score) for score in negatives)
    finest = objective.num_labels / len(negatives)
    return math.log(1 + finest * hinges / (objective.resolution or finest))


def ranknet(objective: RankNet, positive: float, negatives: list[float]) -> float:
    return sum(softplus(-objective.sigma * (positive - score)) for score in negatives)


def margin_ranking(objective: MarginRanking, positive: float, negatives: list[float]) -> float:
    return sum(max(0.0, objective.margin - (positive - score)) for score in negatives)


# Each objective as the command line builds it, then with other settings: (how to build it, its formula float by float).
# Margins are multiples of 1/4, as spread_scores needs.
CASES: dict[str, tuple[Callable[..., Objective], Callable[..., float]]] = {
    "negative-sampling": (NegativeSampling, negative_sampling),
    "sampled-softmax": (SampledSoftmax, softmax),
    "in-batch-softmax": (InBatchSoftmax, softmax),
    "in-batch-softmax sharp": (partial(InBatchSoftmax, temperature=0.5), softmax),
    "hierarchical-softmax": (HierarchicalSoftmax, negative_sampling),  # with the signs of `scores_for`
    "warp": (partial(WARP, NUM_LABELS), warp),
    "warp harmonic": (partial(WARP, NUM_LABELS, rank_weight="harmonic"), warp),
    "warp few draws, wide margin": (partial(WARP, NUM_LABELS, max_draws=2, margin=1.5), warp),
    "warp few labels": (partial(WARP, 3, rank_weight="harmonic"), warp),
    "wmrb": (partial(WMRB, NUM_LABELS), wmrb),
    "wmrb as published, wide margin": (partial(WMRB, 50, margin=1.5, resolution=1), wmrb),
    "ranknet": (RankNet, ranknet),
    "ranknet steep": (partial(RankNet, sigma=2.5), ranknet),
    "margin-ranking": (MarginRanking, margin_ranking),
    "margin-ranking wide": (partial(MarginRanking, margin=1.5), margin_ranking),
}
every_case = pytest.mark.parametrize(("build", "oracle"), CASES.values(), ids=CASES.keys())
every_build = pytest.mark.parametrize("build", [build for build, _ in CASES.values()], ids=CASES.keys())
every_reduction = pytest.mark.parametrize("reduction", ["none", "mean", "sum"])


def scores_for(objective: Objective, scores: Tensor) -> Tensor:
    """The scores (B, 1 + K) of a true word and noise words, as signed scores of a path if the targets are a tree.

    A true word is the first child of its node and a noise word the second one, so that the loss is
    that of negative sampling.
    """
    signs = torch.ones_like(scores)
    if objective.targets == "tree":
        signs[:, 1:] = -1
    return scores * signs


def gradients_of(objective: Objective, scores: Tensor) -> Tensor:
    """The gradients `score_gradients` with respect to the scores (B, 1 + K) of a true word and noise words."""
    return scores_for(objective, objective.score_gradients(scores_for(objective, scores)))


def loss_of(objective: Objective, scores: Tensor, weight: Tensor | None = None) -> Tensor:
    """The loss of scores (B, 1 + K) with the true word in column 0, for all forms of call."""
    scores = scores_for(objective, scores)
    if objective.targets == "batch":
        return objective(scores, torch.zeros(len(scores), dtype=torch.long, device=scores.device), weight)
    return objective(scores[:, 0], scores[:, 1:], weight)


def autograd_of(objective: Objective, scores: Tensor) -> Tensor:
    leaf = scores.clone().requires_grad_()
    loss_of(objective, leaf).sum().backward()
    assert leaf.grad is not None
    return leaf.grad


def spread_scores(batch: int, negatives: int, seed: int = 0) -> Tensor:
    """Random float64 scores where each hinge, with a margin in quarters, is at least 0.1 away from its kink."""
    scores = torch.randn(batch, 1 + negatives, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    scores = (8 * scores).round() / 4
    scores[:, 0] += 0.1
    return scores


def extreme_scores() -> Tensor:
    high, low = 1e4, -1e4
    return torch.tensor(
        [[high, high, high], [low, low, low], [0, 0, 0], [high, low, low], [low, high, high], [low, low, high]],
        dtype=torch.float64,
    )  # (6, 3)


def test_every_registered_objective_has_a_case() -> None:
    assert LOSSES.keys() <= CASES.keys()
    for name, registered in LOSSES.items():
        assert type(CASES[name][0]()) is registered


@every_case
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("negatives", [1, 5])
def test_loss_is_that_of_the_plain_loop(
    build: Callable[..., Objective], oracle: Callable[..., float], batch: int, negatives: int
) -> None:
    objective = build(reduction="none")
    scores = spread_scores(batch, negatives)
    expected = [oracle(objective, row[0], row[1:]) for row in scores.tolist()]
    torch.testing.assert_close(
        loss_of(objective, scores), torch.tensor(expected, dtype=torch.float64), rtol=1e-7, atol=1e-7
    )


@every_build
@every_reduction
def test_gradcheck(build: Callable[..., Objective], reduction: str) -> None:
    objective = build(reduction=reduction)
    weight = torch.tensor([1.0, 0.0, 0.5, 2.0], dtype=torch.float64)
    scores = spread_scores(4, 5, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda scores: loss_of(objective, scores, weight), scores)


@every_build
def test_score_gradients_are_those_of_finite_differences(build: Callable[..., Objective]) -> None:
    objective = build(reduction="none")
    scores = spread_scores(11, 5, seed=2)
    step = 1e-5
    for column in range(scores.shape[1]):
        shift = torch.zeros_like(scores)
        shift[:, column] = step
        slope = (loss_of(objective, scores + shift) - loss_of(objective, scores - shift)) / (2 * step)
        torch.testing.assert_close(gradients_of(objective, scores)[:, column], slope, rtol=1e-6, atol=1e-6)


@every_build
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("negatives", [1, 5])
def test_score_gradients_are_those_of_autograd(build: Callable[..., Objective], batch: int, negatives: int) -> None:
    objective = build(reduction="none")
    scores = spread_scores(batch, negatives, seed=3)
    with torch.inference_mode():  # where autograd cannot help
        gradients = gradients_of(objective, scores)
    # 2e-9 and not less: torch's softplus is the straight line from 20 on
    torch.testing.assert_close(gradients, autograd_of(objective, scores), rtol=1e-8, atol=1e-8)


@every_build
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("negatives", [1, 2])
def test_extreme_scores_stay_finite(build: Callable[..., Objective], dtype: torch.dtype, negatives: int) -> None:
    objective = build(reduction="none")
    scores = extreme_scores()[:, : 1 + negatives].to(dtype)
    losses, gradients = loss_of(objective, scores), gradients_of(objective, scores)
    assert losses.isfinite().all()
    assert (losses >= 0).all()
    assert gradients.isfinite().all()
    torch.testing.assert_close(gradients, autograd_of(objective, scores))
    assert gradients[4, 0] < 0 < gradients[4, 1]  # the worst case still has a gradient


@every_build
def test_a_large_lead_has_no_loss_and_no_gradient(build: Callable[..., Objective]) -> None:
    objective = build(reduction="none")
    scores = torch.full((3, 6), -50.0)
    scores[:, 0] = 50
    zero = torch.zeros_like(scores)
    torch.testing.assert_close(loss_of(objective, scores), zero[:, 0], rtol=0, atol=1e-20)
    torch.testing.assert_close(gradients_of(objective, scores), zero, rtol=0, atol=1e-20)
    torch.testing.assert_close(autograd_of(objective, scores), zero, rtol=0, atol=1e-20)


@every_build
def test_score_of_minus_infinity_is_an_absent_noise_word(build: Callable[..., Objective]) -> None:
    objective = build(reduction="none")
    scores = spread_scores(7, 4)
    padded = torch.cat((scores, torch.full((7, 1), -torch.inf, dtype=torch.float64)), dim=1)
    torch.testing.assert_close(loss_of(objective, padded), loss_of(objective, scores))
    for gradients in (autograd_of(objective, padded), gradients_of(objective, padded)):
        torch.testing.assert_close(gradients[:, :-1], gradients_of(objective, scores), rtol=1e-8, atol=1e-8)
        assert (gradients[:, -1] == 0).all()
    padded[:, 1:] = -torch.inf  # no noise word is left
    assert loss_of(objective, padded).isfinite().all()
    assert autograd_of(objective, padded).isfinite().all()
    assert gradients_of(objective, padded).isfinite().all()


@every_build
def test_float32_is_near_float64(build: Callable[..., Objective]) -> None:
    objective = build(reduction="none")
    scores = spread_scores(102, 5)
    losses, gradients = loss_of(objective, scores.float()), gradients_of(objective, scores.float())
    assert losses.dtype == gradients.dtype == torch.float32
    # a float32 has 7 digits; sums of a few terms and log-sum-exp lose one or two
    torch.testing.assert_close(losses.double(), loss_of(objective, scores), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(gradients.double(), gradients_of(objective, scores), rtol=1e-5, atol=1e-5)


@every_build
def test_bfloat16_is_computed_in_float32(build: Callable[..., Objective]) -> None:
    objective = build(reduction="none")
    scores = spread_scores(102, 5).bfloat16()
    losses, gradients = loss_of(objective, scores), gradients_of(objective, scores)
    assert losses.dtype == torch.float32
    assert gradients.dtype == torch.bfloat16
    torch.testing.assert_close(losses, loss_of(objective, scores.float()), rtol=0, atol=0)
    # rounded once, at the end: a bfloat16 keeps 8 bits
    torch.testing.assert_close(gradients.float(), gradients_of(objective, scores.float()), rtol=2**-8, atol=0)


@every_build
def test_reductions_agree(build: Callable[..., Objective]) -> None:
    scores = spread_scores(13, 5)
    losses = loss_of(build(reduction="none"), scores)
    assert losses.shape == (13,)
    torch.testing.assert_close(loss_of(build(reduction="sum"), scores), losses.sum())
    torch.testing.assert_close(loss_of(build(reduction="mean"), scores), losses.mean())
    torch.testing.assert_close(loss_of(build(), scores), losses.mean())


@every_build
@every_reduction
def test_a_weight_counts_its_example_that_many_times(build: Callable[..., Objective], reduction: str) -> None:
    objective = build(reduction=reduction)
    scores = spread_scores(1023, 5)
    weight = torch.arange(1023) % 4 % 3  # 0 1 2 0: half of the batch is empty
    repeated = loss_of(objective, scores.repeat_interleave(weight, dim=0))
    weighted = loss_of(objective, scores, weight.float())
    if reduction == "none":
        assert (weighted[weight == 0] == 0).all()
        assert weighted.shape == (1023,)
        torch.testing.assert_close(weighted[weight == 1], loss_of(objective, scores[weight == 1]))
        torch.testing.assert_close(weighted[weight == 2], 2 * loss_of(objective, scores[weight == 2]))
    else:
        torch.testing.assert_close(weighted, repeated)


@every_build
@every_reduction
def test_all_weights_zero_give_no_loss_and_no_gradient(build: Callable[..., Objective], reduction: str) -> None:
    scores = spread_scores(7, 5).requires_grad_()
    loss = loss_of(build(reduction=reduction), scores, torch.zeros(7)).sum()
    loss.backward()
    assert loss == 0
    assert scores.grad is not None
    assert (scores.grad == 0).all()


@every_build
@every_reduction
def test_empty_batch_has_loss_zero(build: Callable[..., Objective], reduction: str) -> None:
    objective = build(reduction=reduction)
    loss = loss_of(objective, torch.empty(0, 6))
    assert loss.shape == ((0,) if reduction == "none" else ())
    assert loss.sum() == 0
    assert gradients_of(objective, torch.empty(0, 6)).shape == (0, 6)


@every_build
def test_no_value_is_read_back_from_the_device(build: Callable[..., Objective]) -> None:
    # tensors on "meta" have no values: item(), nonzero() and branches on values fail there
    objective = build(reduction="sum")
    scores = torch.empty(7, 6, device="meta", requires_grad=True)
    loss_of(objective, scores, torch.empty(7, device="meta")).backward()
    assert scores.grad is not None
    assert scores.grad.shape == gradients_of(objective, scores.detach()).shape == (7, 6)


@every_build
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_cuda_is_near_cpu(build: Callable[..., Objective], dtype: torch.dtype) -> None:
    objective = build(reduction="none")
    scores = torch.cat((spread_scores(1023, 2), extreme_scores())).to(dtype)
    torch.testing.assert_close(loss_of(objective, scores.cuda()).cpu(), loss_of(objective, scores))
    torch.testing.assert_close(autograd_of(objective, scores.cuda()).cpu(), autograd_of(objective, scores))
    torch.testing.assert_close(gradients_of(objective, scores.cuda()).cpu(), gradients_of(objective, scores))


@every_build
def test_wrong_shapes_and_reductions_are_rejected(build: Callable[..., Objective]) -> None:
    objective = build()
    scores = spread_scores(7, 5)
    with pytest.raises(ConfigError, match=r"weight has shape \(7, 1\); pass one per example, \(7,\)"):
        loss_of(objective, scores, torch.ones(7, 1))
    with pytest.raises(ConfigError, match="unknown reduction 'average'; use one of none, mean, sum"):
        build(reduction="average")
    if objective.targets != "batch":
        with pytest.raises(RuntimeError, match="dimensions"):
            objective(scores[:, :1], scores[:, 1:])
