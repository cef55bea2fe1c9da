import math

import pytest
import torch
from torch import Tensor

from word2vec.errors import ConfigError
from word2vec.losses import WARP, WMRB, warp_loss


def package_loss(positive: Tensor, negative: Tensor, num_labels: int) -> float:
    """The sum as the known package defines it, by a plain loop; its log has no max(1, .), so it may be NaN."""
    total = 0.0
    for (true_score,), scores in zip(positive.tolist(), negative.tolist(), strict=True):
        draws, hinge = len(scores), 0.0
        for draw, score in enumerate(scores, start=1):
            if 1 - true_score + score > 0:
                draws, hinge = draw, 1 - true_score + score
                break
        rank = (num_labels - 1) // draws
        total += (math.log(rank) if rank else -math.inf) * hinge
    return total


@pytest.mark.parametrize(("batch", "draws"), [(1, 1), (7, 5), (101, 40)])
@pytest.mark.parametrize("num_labels", [3, 41, 1000])
def test_function_is_the_packages_sum_where_that_is_finite(batch: int, draws: int, num_labels: int) -> None:
    torch.manual_seed(0)
    positive = torch.randn(batch, 1, dtype=torch.float64) + 2
    negative = torch.randn(batch, draws, dtype=torch.float64)
    expected = package_loss(positive, negative, num_labels)
    found = warp_loss(positive, negative, num_labels=num_labels, device=torch.device("cpu"))
    assert found.shape == ()
    if math.isfinite(expected):
        assert found.item() == pytest.approx(expected, rel=1e-12)
    else:
        assert num_labels - 1 < draws
        assert found.isfinite()


def test_function_is_zero_where_the_package_gives_nan() -> None:
    positive, negative = torch.full((4, 1), 9.0), torch.zeros(4, 50)
    assert math.isnan(package_loss(positive, negative, num_labels=50))
    assert warp_loss(positive, negative, num_labels=50) == 0


def test_function_works_on_the_device_asked_for() -> None:
    assert warp_loss(torch.zeros(4, 1), torch.zeros(4, 5), 50, "meta").device.type == "meta"


def test_only_the_true_word_and_the_first_offender_get_a_gradient() -> None:
    positive = torch.tensor([2.0, 0.0], requires_grad=True)
    negative = torch.tensor([[0.5, 1.5, 9.0], [-5.0, -5.0, -5.0]], requires_grad=True)
    WARP(num_labels=11, reduction="sum")(positive, negative).backward()
    weight = math.log(5)  # offender at draw 2: (11 - 1) / 2
    torch.testing.assert_close(positive.grad, torch.tensor([-weight, 0.0]))
    torch.testing.assert_close(negative.grad, torch.tensor([[0.0, weight, 0.0], [0.0, 0.0, 0.0]]))


def test_score_at_the_margin_does_not_offend() -> None:
    scores = torch.tensor([[2.0, 1.0, 1.0]])
    assert WARP(11)(scores[:, 0], scores[:, 1:]) == 0
    assert (WARP(11).score_gradients(scores) == 0).all()


def test_an_offender_that_was_hard_to_find_has_a_gradient_only_with_the_harmonic_weight() -> None:
    scores = torch.tensor([[0.0, -9.0, -9.0, -9.0, 0.0]])  # found at draw 4 of 5 labels: rank 1
    assert WARP(5).score_gradients(scores).abs().sum() == 0
    torch.testing.assert_close(
        WARP(5, rank_weight="harmonic").score_gradients(scores), torch.tensor([[-1.0, 0.0, 0.0, 0.0, 1.0]])
    )


def test_an_absent_noise_word_still_counts_as_a_draw() -> None:
    positive, negative = torch.zeros(1), torch.tensor([[-torch.inf, 0.0]])
    assert WARP(11)(positive, negative).item() == pytest.approx(math.log(5))


def test_bad_settings_are_rejected() -> None:
    with pytest.raises(ConfigError, match="unknown rank_weight 'linear'; use one of log, harmonic"):
        WARP(11, rank_weight="linear")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="num_labels 1 must be at least 2"):
        WARP(1)
    with pytest.raises(ConfigError, match="max_draws 0 at least 1"):
        WARP(11, max_draws=0)
    with pytest.raises(ConfigError, match="num_labels 1 must be at least 2"):
        WMRB(1)
    with pytest.raises(ConfigError, match="resolution 0 must be greater than 0"):
        WMRB(11, resolution=0)
