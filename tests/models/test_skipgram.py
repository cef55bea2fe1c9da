"""SkipGram: initial values of the tables, scores, and removal of padding."""

import pytest
import torch

from word2vec.models.skipgram import SkipGram


def test_initial_values_follow_word2vec() -> None:
    model = SkipGram(1000, 50, torch.Generator().manual_seed(0))
    bound = 0.5 / 50
    assert model.input.abs().max() <= bound
    assert abs(model.input.mean().item()) < bound / 50
    assert abs(model.input.std().item() - bound / 3**0.5) < bound / 50  # standard deviation of a uniform distribution
    assert not model.output.any()


def test_scores_are_inner_products() -> None:
    model = SkipGram(10, 4, torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.output.normal_()
    inputs, targets = torch.tensor([1, 2, 1]), torch.tensor([[0, 1], [2, 2], [9, 0]])
    scores = model(inputs, targets)
    expected = [
        [sum((model.input[word] * model.output[target]).tolist()) for target in row]
        for word, row in zip(inputs.tolist(), targets.tolist(), strict=True)
    ]
    torch.testing.assert_close(scores, torch.tensor(expected))


@pytest.mark.parametrize(("size", "dim", "width"), [(1, 1, 16), (5000, 7, 16), (9000, 100, 112), (3, 16, 16)])
def test_pack_removes_padding_in_place(size: int, dim: int, width: int) -> None:
    model = SkipGram(size, dim)
    values = torch.rand(size, dim)
    for table in (model.input, model.output):
        table.data = torch.empty(size, width)[:, :dim].copy_(values)
    addresses = [table.data_ptr() for table in (model.input, model.output)]
    model.pack()
    for table, address in zip((model.input, model.output), addresses, strict=True):
        assert table.is_contiguous()
        assert table.data_ptr() == address
        assert torch.equal(table.data, values)
