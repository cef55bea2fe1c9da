"""SkipGram: the tables' first values and the scores."""

import pytest
import torch

from word2vec.models.skipgram import SkipGram


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


@pytest.mark.parametrize(("size", "dim", "width"), [(1, 1, 16), (5000, 7, 16), (9000, 100, 112), (3, 16, 16)])
def test_packing_moves_rows_together_in_their_own_memory(size: int, dim: int, width: int) -> None:
    model = SkipGram(size, dim)
    whole = torch.rand(size, dim)
    for table in (model.input, model.output):
        table.data = torch.empty(size, width)[:, :dim].copy_(whole)
    places = [table.data_ptr() for table in (model.input, model.output)]
    model.pack()
    for table, place in zip((model.input, model.output), places, strict=True):
        assert table.is_contiguous()
        assert table.data_ptr() == place
        assert torch.equal(table.data, whole)
