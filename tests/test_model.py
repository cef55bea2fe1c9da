"""SkipGram: the tables' first values and the scores."""

import torch

from word2vec.model import SkipGram


def test_first_values_are_those_of_word2vec() -> None:
    model = SkipGram(1000, 50, torch.Generator().manual_seed(0))
    bound = 0.5 / 50
    assert model.input.abs().max() <= bound
    assert abs(model.input.mean().item()) < bound / 50
    assert abs(model.input.std().item() - bound / 3**0.5) < bound / 50  # the deviation of a uniform distribution
    assert not model.output.any()


def test_scores_are_inner_products() -> None:
    model = SkipGram(10, 4, torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.output.normal_()
    given, targets = torch.tensor([1, 2, 1]), torch.tensor([[0, 1], [2, 2], [9, 0]])
    scores = model(given, targets)
    plain = [
        [sum((model.input[g] * model.output[t]).tolist()) for t in row]
        for g, row in zip(given.tolist(), targets.tolist(), strict=True)
    ]
    torch.testing.assert_close(scores, torch.tensor(plain))
