"""The compiled forms of the objectives against the modules of losses/: losses and gradients of the same scores."""

from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Tensor

from tests.engines.cpu import score_cpu
from tests.engines.gpu import score_gpu
from tests.engines.objectives import CASES
from tests.losses.test_contract import spread_scores
from word2vec.engines.cpu.objectives import COMPILED, PACKED
from word2vec.engines.gpu.objectives import GRADIENTS
from word2vec.losses import MarginRanking, Objective

Build = Callable[..., Objective]
Form = Callable[[Objective, Tensor], tuple[Tensor, Tensor]]

every_form = pytest.mark.parametrize("form", [score_cpu.score, score_gpu.score], ids=["cpu", "gpu"])
every_case = pytest.mark.parametrize("build", CASES.values(), ids=CASES.keys())


def assert_as_in_torch(form: Form, objective: Objective, scores: Tensor) -> None:
    """Compare the compiled form on float32 scores with the torch module on float64 scores."""
    losses, gradients = form(objective, scores)
    precise = scores.double()
    # The polynomials for exp and log are good to 2e-7; sums over K terms and a product with a weight lose a digit.
    torch.testing.assert_close(gradients.double(), objective.score_gradients(precise), rtol=2e-6, atol=1e-6)
    # A loss is a difference of scores, of which float32 keeps 6e-8 of their size.
    atol = 1e-6 + 2e-7 * scores.abs().max().item()
    torch.testing.assert_close(losses.double(), objective(precise[:, 0], precise[:, 1:]), rtol=2e-6, atol=atol)


def test_every_compiled_objective_has_a_case() -> None:
    assert {type(build()) for build in CASES.values()} == set(COMPILED) == set(GRADIENTS)


@every_form
@every_case
@pytest.mark.parametrize("negatives", [1, 5, 20])
def test_random_scores_are_as_in_torch(form: Form, build: Build, negatives: int) -> None:
    assert_as_in_torch(form, build(reduction="none"), spread_scores(160, negatives, seed=negatives).float())


@every_form
@every_case
def test_scores_all_along_the_line_are_as_in_torch(form: Form, build: Build) -> None:
    lead = torch.cat([torch.linspace(-30, 30, 2000), torch.linspace(-1, 1, 2000)])
    scores = torch.stack([lead, 0.3 * lead.flip(0)], dim=1)  # (4000, 2)
    # multiples of 2^-10, whose hinges come without rounding: WMRB of the paper multiplies them by 1000
    assert_as_in_torch(form, build(reduction="none"), (1024 * scores).round() / 1024)


@every_form
@every_case
@pytest.mark.parametrize("negatives", [1, 5])
def test_extreme_scores_are_as_in_torch(form: Form, build: Build, negatives: int) -> None:
    extremes = [-1e4, -80.0, -20.0, 0.0, 20.0, 80.0, 1e4]
    scores = torch.tensor([[true, *[noise] * (negatives - 1), 0.0] for true, noise in product(extremes, extremes)])
    if negatives == 1:
        scores = torch.tensor(list(product(extremes, extremes)))
    objective = build(reduction="none")
    if isinstance(objective, MarginRanking) and objective.margin == 0:
        scores[:, 0] += 0.25  # equal scores are on the kink of this one
    assert_as_in_torch(form, objective, scores)
    losses, gradients = form(objective, scores)
    assert (losses >= -1e-3).all()
    assert gradients.isfinite().all()


@every_case
@pytest.mark.parametrize("negatives", [1, 5])
def test_ignored_noise_words_are_as_in_torch_on_the_cpu(build: Build, negatives: int) -> None:
    scores = spread_scores(96, negatives, seed=7).float()
    scores[:, 1:][torch.rand(96, negatives, generator=torch.Generator().manual_seed(0)) < 0.4] = -torch.inf
    assert_as_in_torch(score_cpu.score, build(reduction="none"), scores)


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize(("examples", "negatives"), [(1, 1), (3, 5), (10, 10), (16, 5)])
def test_packed_blocks_are_as_in_torch(kind: type[Objective], examples: int, negatives: int) -> None:
    objective, scores = kind(reduction="none"), spread_scores(examples, negatives, seed=examples).float()
    loss, gradients = score_cpu.score_packed(objective, scores)
    precise = scores.double()
    torch.testing.assert_close(
        loss.double(), objective(precise[:, 0], precise[:, 1:]).sum(0, keepdim=True), rtol=2e-6, atol=1e-5
    )
    torch.testing.assert_close(gradients.double(), objective.score_gradients(precise), rtol=2e-6, atol=1e-6)


@every_form
@every_case
@pytest.mark.parametrize(
    # not -inf as noise, which torch takes for an absent word
    ("column", "score"),
    [(0, torch.nan), (0, torch.inf), (0, -torch.inf), (1, torch.nan), (1, torch.inf), (5, torch.nan), (5, torch.inf)],
)
def test_a_loss_that_is_not_finite_in_torch_is_not_finite_here(
    form: Form, build: Build, column: int, score: float
) -> None:
    scores = spread_scores(16, 5).float()
    scores[3, column] = score  # this is how divergence shows
    objective = build(reduction="none")
    losses, _ = form(objective, scores)
    expected = objective(scores[:, 0], scores[:, 1:])
    if not expected[3].isfinite():
        assert not losses[3].isfinite()
    others = torch.arange(16) != 3
    # the examples of a block are independent
    torch.testing.assert_close(losses[others], expected[others], rtol=1e-5, atol=1e-5)
