"""Users' objectives: what the wrapper passes on, checks and differentiates."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from word2vec.errors import ConfigError, TrainingError
from word2vec.losses import NegativeSampling, Objective, RankNet, UserObjective, as_objective, make_objective


class PerExample(nn.Module):
    """Negative sampling as a user may write it, without weights."""

    default_lr = 0.5

    def forward(self, positive: Tensor, negative: Tensor) -> Tensor:
        return softplus(-positive) + softplus(negative).sum(1)


class Total(PerExample):
    def forward(self, positive: Tensor, negative: Tensor) -> Tensor:
        return super().forward(positive, negative).sum()


class Corrected(nn.Module):
    needs_log_q = True

    def forward(self, positive: Tensor, negative: Tensor, weight: Any = None, log_q: Any = 0) -> Tensor:
        losses: Tensor = softplus(log_q[:, 0] - positive) + softplus(negative - log_q[:, 1:]).sum(1)
        return losses if weight is None else losses * weight


def random_scores(examples: int = 7) -> Tensor:
    return torch.randn(examples, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("module", [PerExample(), Total()])
def test_losses_per_example_and_their_sum_are_the_same_objective(module: nn.Module) -> None:
    objective, scores, reference = as_objective(module), random_scores(), NegativeSampling("sum")
    torch.testing.assert_close(objective(scores[:, 0], scores[:, 1:]), reference(scores[:, 0], scores[:, 1:]))
    torch.testing.assert_close(objective.score_gradients(scores), reference.score_gradients(scores))


def test_declared_attributes_are_passed_on_and_others_have_their_defaults() -> None:
    assert as_objective(PerExample()).default_lr == 0.5
    assert not as_objective(PerExample()).needs_log_q
    assert as_objective(Corrected()).needs_log_q
    assert as_objective(Corrected()).default_lr == Objective.default_lr
    assert as_objective(Corrected()).targets == "noise"


class Earlier(PerExample):
    in_batch = True


class Misspelled(PerExample):
    targets = "trees"


@pytest.mark.parametrize(("module", "message"), [(Earlier(), 'declare targets = "batch"'), (Misspelled(), "'trees'")])
def test_targets_that_are_unknown_or_declared_as_in_earlier_versions_are_rejected(
    module: nn.Module, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        as_objective(module)


def test_log_q_and_weights_reach_the_module() -> None:
    scores, log_q, weight = random_scores(), random_scores() - 3, torch.arange(7.0)
    found = as_objective(Corrected())(scores[:, 0], scores[:, 1:], weight, log_q=log_q)
    shifted = scores - log_q
    expected = NegativeSampling("sum")(shifted[:, 0], shifted[:, 1:], weight)
    torch.testing.assert_close(found, expected)


def test_an_objective_is_not_wrapped() -> None:
    objective = RankNet()
    assert as_objective(objective) is objective
    assert isinstance(as_objective(PerExample()), UserObjective)
    assert isinstance(make_objective(f"{__name__}:Corrected"), UserObjective)


def test_parameters_of_the_module_are_those_of_the_objective() -> None:
    module = nn.Sequential(nn.Linear(3, 1))
    assert list(as_objective(module).parameters()) == list(module.parameters())


class WrongShape(nn.Module):
    def forward(self, positive: Tensor, negative: Tensor) -> Tensor:
        return positive - negative.sum(1, keepdim=True)  # (B, B): a missing squeeze


class NoGradient(nn.Module):
    def forward(self, positive: Tensor, negative: Tensor) -> Tensor:
        return positive.detach()


@pytest.mark.parametrize(
    ("module", "message"),
    [(WrongShape(), r"of shape \(7, 7\) for 7 examples"), (NoGradient(), "without a gradient")],
)
def test_a_module_without_a_loss_per_example_is_rejected(module: nn.Module, message: str) -> None:
    scores = random_scores().requires_grad_()
    with pytest.raises(TrainingError, match=message):
        as_objective(module)(scores[:, 0], scores[:, 1:])
    with pytest.raises(TrainingError, match=message):
        as_objective(module).score_gradients(scores)


class Doubled(NegativeSampling):
    """Overrides the loss, not its gradient."""

    def forward(self, positive: Tensor, negative: Tensor, weight: Tensor | None = None) -> Tensor:
        return 2 * super().forward(positive, negative, weight)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_a_subclass_with_another_loss_does_not_inherit_the_gradient(reduction: str) -> None:
    scores = random_scores()
    with torch.inference_mode():
        found = Doubled(reduction).score_gradients(scores)  # type: ignore[arg-type]
    torch.testing.assert_close(found, 2 * NegativeSampling().score_gradients(scores))
