"""The compiled objectives against those of losses/: losses and gradients of the same scores, lane by lane."""

import functools
from collections.abc import Callable
from functools import partial
from itertools import product

import numba
import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from tests.losses.test_contract import spread_scores
from word2vec.engines.cpu_blocks import LANES, padded_targets
from word2vec.engines.cpu_gradients import COMPILED, FLAGS, block_size, score_gradients
from word2vec.losses import WARP, WMRB, MarginRanking, Objective, RankNet

VOCABULARY = 1000

# Each compiled objective as the command line builds it, then with other settings. Margins are multiples of 1/4, as
# spread_scores needs to stay away from the kinks, where rounding decides.
CASES: dict[str, Callable[..., Objective]] = {
    **{kind.__name__: partial(kind, VOCABULARY) if kind.needs_num_labels else kind for kind in COMPILED},
    "RankNet steep": partial(RankNet, sigma=2.0),
    "MarginRanking wide": partial(MarginRanking, margin=1.5),
    "MarginRanking none": partial(MarginRanking, margin=0.0),
    "WARP harmonic": partial(WARP, VOCABULARY, rank_weight="harmonic"),
    "WARP few draws, wide margin": partial(WARP, VOCABULARY, max_draws=2, margin=1.5),
    "WARP more draws than words": partial(WARP, VOCABULARY, max_draws=100),
    "WARP few labels": partial(WARP, 3, rank_weight="harmonic"),
    "WMRB wide margin": partial(WMRB, 50, margin=1.5),
    "WMRB of the paper": partial(WMRB, VOCABULARY, resolution=1.0),
}
every_case = pytest.mark.parametrize("build", CASES.values(), ids=CASES.keys())


@functools.cache
def compiled(objective: int) -> Callable[..., None]:
    @numba.njit(fastmath=FLAGS)
    def call(n_targets, padded, block, constants):  # type: ignore[no-untyped-def]
        score_gradients(objective, n_targets, padded, block, constants)

    return call


def fused(objective: Objective, scores: Tensor) -> tuple[Tensor, Tensor]:
    """Losses (B,) and gradients (B, 1 + K) of float32 scores (B, 1 + K), by the compiled form."""
    parts = [_fused_block(objective, part.numpy()) for part in scores.split(LANES)]
    losses, gradients = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return torch.from_numpy(losses), torch.from_numpy(gradients)


def _fused_block(
    objective: Objective, scores: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    examples, n_targets = scores.shape
    padded = padded_targets(n_targets)
    # lanes without an example, and what is to be written, hold anything before
    block = np.full(block_size(padded), np.nan, np.float32)
    places = block[: 2 * padded * LANES].reshape(2, padded, LANES)
    places[0, :n_targets, :examples] = scores.T
    # a last 0 as in the engine: some have no constants, and numba wants to see an array
    constants = np.array([*COMPILED[type(objective)].constants(objective, n_targets - 1), 0.0], np.float32)
    compiled(list(COMPILED).index(type(objective)))(n_targets, padded, block, constants)
    assert np.array_equal(places[0, :n_targets, :examples], scores.T, equal_nan=True)  # read only
    assert np.isnan(places[:, n_targets:]).all()  # the steps rely on the zeros of the padding
    losses = block[2 * padded * LANES :][:examples]
    return losses, places[1, :n_targets, :examples].T


def assert_as_in_torch(objective: Objective, scores: Tensor) -> None:
    """Hold the compiled form of float32 scores against the torch module, which is given float64."""
    losses, gradients = fused(objective, scores)
    precise = scores.double()
    # The polynomials for exp and log are good to 2e-7; sums over K terms and a product with a weight lose a digit.
    torch.testing.assert_close(gradients.double(), objective.score_gradients(precise), rtol=2e-6, atol=1e-6)
    # A loss is a difference of scores, of which float32 keeps 6e-8 of their size.
    atol = 1e-6 + 2e-7 * scores.abs().max().item()
    torch.testing.assert_close(losses.double(), objective(precise[:, 0], precise[:, 1:]), rtol=2e-6, atol=atol)


def test_every_compiled_objective_has_a_case() -> None:
    assert {type(build()) for build in CASES.values()} == set(COMPILED)


@every_case
@pytest.mark.parametrize("negatives", [1, 5, 20])
def test_random_scores_are_as_in_torch(build: Callable[..., Objective], negatives: int) -> None:
    assert_as_in_torch(build(reduction="none"), spread_scores(10 * LANES, negatives, seed=negatives).float())


@every_case
def test_scores_all_along_the_line_are_as_in_torch(build: Callable[..., Objective]) -> None:
    lead = torch.cat([torch.linspace(-30, 30, 2000), torch.linspace(-1, 1, 2000)])
    scores = torch.stack([lead, 0.3 * lead.flip(0)], dim=1)  # (4000, 2)
    # multiples of 2^-10, whose hinges come without rounding: WMRB of the paper multiplies them by 1000
    assert_as_in_torch(build(reduction="none"), (1024 * scores).round() / 1024)


@every_case
@pytest.mark.parametrize("negatives", [1, 5])
def test_extreme_scores_are_as_in_torch(build: Callable[..., Objective], negatives: int) -> None:
    extremes = [-1e4, -80.0, -20.0, 0.0, 20.0, 80.0, 1e4]
    scores = torch.tensor([[true, *[noise] * (negatives - 1), 0.0] for true, noise in product(extremes, extremes)])
    if negatives == 1:
        scores = torch.tensor(list(product(extremes, extremes)))
    objective = build(reduction="none")
    if isinstance(objective, MarginRanking) and objective.margin == 0:
        scores[:, 0] += 0.25  # equal scores are on the kink of this one
    assert_as_in_torch(objective, scores)
    losses, gradients = fused(objective, scores)
    assert (losses >= -1e-3).all()
    assert gradients.isfinite().all()


@every_case
@pytest.mark.parametrize(
    # not -inf as noise, which torch takes for an absent word
    ("column", "score"),
    [(0, torch.nan), (0, torch.inf), (0, -torch.inf), (1, torch.nan), (1, torch.inf), (5, torch.nan), (5, torch.inf)],
)
def test_a_loss_that_is_no_number_in_torch_is_none_here(
    build: Callable[..., Objective], column: int, score: float
) -> None:
    scores = spread_scores(LANES, 5).float()
    scores[3, column] = score  # this is how divergence comes up
    objective = build(reduction="none")
    losses, _ = fused(objective, scores)
    expected = objective(scores[:, 0], scores[:, 1:])
    if not expected[3].isfinite():
        assert not losses[3].isfinite()
    others = torch.arange(LANES) != 3
    torch.testing.assert_close(losses[others], expected[others], rtol=1e-5, atol=1e-5)  # lanes know nothing of others
