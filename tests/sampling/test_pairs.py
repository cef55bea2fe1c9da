"""PairDataset: batches of explicit pairs."""

from collections import Counter

import numpy as np
import pytest
import torch

from word2vec.errors import CorpusError
from word2vec.sampling import PairDataset
from word2vec.sampling.stability import stable_pair_batch_size

INPUTS = np.array([0, 0, 1, 2, 2, 2, 3])
TARGETS = np.array([1, 2, 0, 1, 1, 0, 2])


def dataset(weights: np.ndarray | None = None, **settings: object) -> PairDataset:
    return PairDataset(INPUTS, TARGETS, weights, (4, 3), **settings)  # type: ignore[arg-type]


def batch_pairs(data: PairDataset, epoch: int = 0) -> list[tuple[int, int]]:
    data.set_epoch(epoch)
    return [pair for batch in data for pair in zip(batch.context.tolist(), batch.center.tolist(), strict=True)]


def test_an_epoch_has_every_pair_once_in_another_order() -> None:
    data = dataset(batch_size=3)
    epochs = [batch_pairs(data, epoch) for epoch in range(4)]
    given = Counter(zip(INPUTS.tolist(), TARGETS.tolist(), strict=True))
    assert all(Counter(pairs) == given for pairs in epochs)
    assert len({tuple(pairs) for pairs in epochs}) == 4
    assert data.words == 7


def test_weights_are_sampling_weights() -> None:
    size = 20_000
    inputs = np.arange(size) % 4
    weights = np.array([1.0, 2.0, 3.0, 10.0])[inputs]
    data = PairDataset(inputs, inputs % 2, weights, (4, 2))
    counts = np.bincount([left for left, _ in batch_pairs(data)], minlength=4)
    assert counts.sum() == size  # an epoch draws as many pairs as there are
    np.testing.assert_allclose(counts / size, np.array([1, 2, 3, 10]) / 16, atol=0.015)
    np.testing.assert_allclose(data.input_frequency, np.array([1, 2, 3, 10]) / 16, rtol=1e-6)
    np.testing.assert_allclose(data.pair_frequency, np.array([4, 12]) / 16, rtol=1e-6)


def test_noise_words_are_targets_by_their_weighted_frequency() -> None:
    weights = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 4.0])
    data = dataset(weights, noise_exponent=0.5)
    frequency = np.array([2, 3, 5]) / 10
    np.testing.assert_allclose(data.noise, frequency**0.5 / (frequency**0.5).sum(), rtol=1e-6)
    for batch in data:
        assert (batch.negatives != batch.center[:, None]).all()
        assert batch.negatives.max() < 3


def test_a_shared_vocabulary_may_have_words_that_are_never_targets() -> None:
    for exponent in (0.75, 0.0, -1.0):
        data = PairDataset(np.array([0, 1]), np.array([2, 3]), None, (4, 4), noise_exponent=exponent)
        np.testing.assert_allclose(data.noise, [0, 0, 0.5, 0.5])


def test_a_part_of_the_pairs_keeps_the_frequencies_of_all() -> None:
    data = dataset(part=np.array([0, 3]))
    assert Counter(batch_pairs(data)) == Counter([(0, 1), (2, 1)])
    np.testing.assert_allclose(data.pair_frequency, np.array([2, 3, 2]) / 7, rtol=1e-6)


def test_a_shard_that_was_interrupted_continues_with_the_same_batches() -> None:
    draw = np.random.default_rng(0)
    data = PairDataset(draw.integers(50, size=1000), draw.integers(20, size=1000), None, (50, 20), batch_size=64)
    complete = list(data)
    (shard,) = data.new_shards(1)
    reader = data.batches(shard)
    first = [next(reader) for _ in range(5)]  # the last one is not trained yet
    rest = list(data.batches(shard))
    for before, after in zip(complete, first[:4] + rest, strict=True):
        assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_the_batch_size_is_limited_by_the_most_frequent_input_and_target() -> None:
    one_input = PairDataset(np.zeros(100, int), np.arange(100), None, (1, 100))
    assert stable_pair_batch_size(one_input, 1024) == 32
    one_target = PairDataset(np.arange(101), np.array([0] * 100 + [1]), None, (101, 2), negatives=1)
    assert stable_pair_batch_size(one_target, 1024) == 32
    assert stable_pair_batch_size(one_target, 1024, threads=4) == 8


@pytest.mark.parametrize(
    ("inputs", "targets", "weights", "message"),
    [
        ([0, 4], [0, 1], None, "input ids range from 0 to 4, but the table has 4 rows"),
        ([0, 1], [0, 3], None, "target ids range from 0 to 3, but the table has 3 rows"),
        ([-1, 1], [0, 1], None, "input ids range from -1"),
        ([0], [0, 1], None, "1 inputs, 2 targets"),
        ([0, 1], [0, 1], [1.0], "one weight"),
        ([0, 1], [0, 1], [1.0, 0.0], "positive"),
        ([0, 1], [0, 1], [1.0, np.nan], "positive"),
    ],
)
def test_ids_outside_their_table_are_rejected(
    inputs: list[int], targets: list[int], weights: list[float] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        PairDataset(np.array(inputs), np.array(targets), None if weights is None else np.array(weights), (4, 3))


def test_training_needs_pairs_and_two_targets() -> None:
    with pytest.raises(CorpusError, match="no pairs"):
        PairDataset(np.empty(0, int), np.empty(0, int), None, (4, 3))
    with pytest.raises(CorpusError, match="only one target"):
        PairDataset(np.array([0, 1]), np.array([1, 1]), None, (4, 3))
