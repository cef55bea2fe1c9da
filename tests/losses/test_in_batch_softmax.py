import math

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from word2vec.errors import ConfigError
from word2vec.losses import InBatchSoftmax


def random_batch(size: int = 13, dim: int = 4) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Left and right rows, word ids with many repeats, their log frequencies, and weights of which some are 0."""
    torch.manual_seed(0)
    left, right = torch.randn(2, size, dim, dtype=torch.float64)
    ids = torch.arange(size) // 2 % 5
    log_q = torch.linspace(-4, -1, 5, dtype=torch.float64)[ids]
    weight = torch.arange(size, dtype=torch.float64) % 3
    return left.requires_grad_(), right.requires_grad_(), ids, log_q, weight


def test_loss_and_predictions_are_those_of_the_plain_loop() -> None:
    left, right, ids, log_q, weight = random_batch()
    losses, predictions = InBatchSoftmax(temperature=0.7, reduction="none").fortraining(left, right, ids, log_q, weight)
    assert predictions.shape == (13,)
    for i in range(13):
        logits = {
            j: math.fsum(a * b for a, b in zip(left[i].tolist(), right[j].tolist(), strict=True)) / 0.7
            - log_q[j].item()
            for j in range(13)
            if j == i or (ids[j] != ids[i] and weight[j] != 0)
        }
        expected = math.log(sum(math.exp(logit) for logit in logits.values())) - logits[i]
        assert losses[i].item() == pytest.approx(weight[i].item() * expected, rel=1e-9)
        assert predictions[i].item() == max(logits, key=lambda j: logits[j])


def test_plain_call_is_cross_entropy_with_the_diagonal() -> None:
    left, right, *_ = random_batch()
    loss, predictions = InBatchSoftmax().fortraining(left, right)
    scores = left @ right.T
    torch.testing.assert_close(loss, torch.nn.CrossEntropyLoss()(scores, torch.arange(13)))
    assert torch.equal(predictions, scores.argmax(dim=1))
    precision = InBatchSoftmax().fortraining(left, left * 100)[1] == torch.arange(13)
    assert 0 < precision.float().mean() <= 1


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_fixed_distractors_are_scored_as_cross_entropy_loss_does(reduction: str) -> None:
    torch.manual_seed(0)
    scores, labels = torch.randn(7, 9), torch.randint(9, (7,))
    expected = torch.nn.CrossEntropyLoss(reduction=reduction)(scores, labels)
    torch.testing.assert_close(InBatchSoftmax(reduction=reduction)(scores, labels), expected)


def test_an_accidental_hit_is_not_a_noise_word() -> None:
    left, right, *_ = random_batch(3)
    same = torch.tensor([5, 5, 2])
    scores = left @ right.T
    scores[0, 1] = scores[1, 0] = -torch.inf
    loss, _ = InBatchSoftmax().fortraining(left, right, ids=same)
    torch.testing.assert_close(loss, torch.nn.CrossEntropyLoss()(scores, torch.arange(3)))
    # one word only: nothing is left to tell it from
    loss, predictions = InBatchSoftmax().fortraining(left, right, ids=torch.zeros(3))
    assert loss == 0
    assert predictions.tolist() == [0, 1, 2]


def test_an_example_of_weight_zero_is_absent_from_rows_and_columns() -> None:
    left, right, ids, log_q, weight = random_batch()
    keep = weight > 0
    loss, _ = InBatchSoftmax().fortraining(left, right, ids, log_q, weight)
    alone, _ = InBatchSoftmax().fortraining(left[keep], right[keep], ids[keep], log_q[keep], weight[keep])
    torch.testing.assert_close(loss, alone)


def test_gradcheck() -> None:
    left, right, ids, log_q, weight = random_batch(5)
    objective = InBatchSoftmax(temperature=0.7)
    assert torch.autograd.gradcheck(lambda x, y: objective.fortraining(x, y, ids, log_q, weight)[0], (left, right))


def test_gradient_by_the_left_row_is_score_gradients_times_right_rows() -> None:
    left, right, *_ = random_batch(6)
    objective = InBatchSoftmax(temperature=0.7, reduction="sum")
    objective.fortraining(left, right)[0].backward()
    with torch.no_grad():
        others = right[[2, 0, 1, 3, 4, 5]]  # row 2 first, as score_gradients wants the true word
        expected = objective.score_gradients(left[2:3] @ others.T) @ others
    assert left.grad is not None
    torch.testing.assert_close(left.grad[2:3], expected)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("block_rows", [1, 4, 13])
def test_blocks_change_neither_the_loss_nor_the_gradients(reduction: str, block_rows: int) -> None:
    results = []
    for rows in (block_rows, 1024):
        left, right, ids, log_q, weight = random_batch()
        objective = InBatchSoftmax(temperature=0.7, block_rows=rows, reduction=reduction)
        loss, predictions = objective.fortraining(left, right, ids, log_q, weight)
        loss.sum().backward()
        results.append((loss, predictions, left.grad, right.grad))
    for blocked, whole in zip(*results, strict=True):
        torch.testing.assert_close(blocked, whole)


class LargestTensor(TorchDispatchMode):
    """Records the number of elements of the largest tensor that any operation returns."""

    def __init__(self) -> None:
        super().__init__()
        self.numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, Tensor):
                self.numel = max(self.numel, tensor.numel())
        return result


def test_memory_is_that_of_a_block_of_rows() -> None:
    size, block_rows = 512, 16
    left, right, ids, log_q, weight = random_batch(size)
    saved: dict[int, int] = {}  # elements of each tensor kept for the backward pass, by its address

    def note(tensor: Tensor) -> Tensor:
        saved[tensor.data_ptr()] = tensor.numel()
        return tensor

    with LargestTensor() as largest, torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss, _ = InBatchSoftmax(block_rows=block_rows).fortraining(left, right, ids, log_q, weight)
        kept = sum(saved.values())
        loss.backward()
    assert largest.numel == block_rows * size
    assert kept < size * block_rows


def test_bfloat16_rows_give_a_float32_loss() -> None:
    left, right, *_ = (tensor.detach().bfloat16() for tensor in random_batch())
    loss, _ = InBatchSoftmax().fortraining(left.requires_grad_(), right)
    loss.backward()
    assert loss.dtype == torch.float32
    assert left.grad is not None
    assert left.grad.dtype == torch.bfloat16
    expected, _ = InBatchSoftmax().fortraining(left.float(), right.float())
    # the scores are rounded to 8 bits by the matrix product
    torch.testing.assert_close(loss, expected, rtol=0.02, atol=0)


def test_works_where_the_rows_are_and_reads_no_value_back() -> None:
    tensors = [tensor.detach().to("meta") for tensor in random_batch()]
    for block_rows in (4, 13):
        loss, predictions = InBatchSoftmax(block_rows=block_rows).fortraining(*tensors)
        assert loss.device.type == predictions.device.type == "meta"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("block_rows", [4, 13])
def test_cuda_is_near_cpu(block_rows: int) -> None:
    tensors = random_batch()
    objective = InBatchSoftmax(block_rows=block_rows)
    loss, predictions = objective.fortraining(*tensors)
    cuda_loss, cuda_predictions = objective.fortraining(*(tensor.cuda() for tensor in tensors))
    torch.testing.assert_close(cuda_loss.cpu(), loss)
    assert torch.equal(cuda_predictions.cpu(), predictions)


def test_bad_settings_are_rejected() -> None:
    with pytest.raises(ConfigError, match="temperature 0 and block_rows 1024: both must be greater than 0"):
        InBatchSoftmax(temperature=0)
    with pytest.raises(ConfigError, match=r"temperature 1\.0 and block_rows 0"):
        InBatchSoftmax(block_rows=0)
