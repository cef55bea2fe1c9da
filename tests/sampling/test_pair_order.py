"""The order of the pairs of an epoch: permutations without weights, draws with weights."""

import numpy as np
import pytest

from word2vec.sampling.pair_order import U64, drawn, epoch_keys, permuted, weight_columns


def positions(number: int) -> np.ndarray:
    return np.arange(number, dtype=U64)


@pytest.mark.parametrize("pairs", [1, 2, 3, 5, 64, 65, 1023, 4097])
def test_an_epoch_without_weights_has_every_pair_once(pairs: int) -> None:
    for epoch in range(3):
        assert sorted(permuted(positions(pairs), pairs, epoch_keys(1, epoch)).tolist()) == list(range(pairs))


def test_epochs_and_seeds_have_unrelated_orders() -> None:
    orders = [permuted(positions(10_000), 10_000, epoch_keys(*key)) for key in ((1, 0), (1, 1), (2, 0))]
    orders.append(np.arange(10_000))
    for number, order in enumerate(orders):
        for other in orders[:number]:
            assert abs(np.corrcoef(order, other)[0, 1]) < 0.05


def test_neighbors_in_the_order_are_not_neighbors_in_the_data() -> None:
    order = permuted(positions(100_000), 100_000, epoch_keys(3, 0))
    assert abs(np.corrcoef(order[:-1], order[1:])[0, 1]) < 0.02
    assert np.abs(np.diff(order)).mean() == pytest.approx(100_000 / 3, rel=0.03)
    spread = np.histogram(order[:6400], bins=64)[0]  # the first part covers all of the data evenly
    assert ((spread - 100) ** 2 / 100).sum() < 110  # chi-squared with 63 degrees of freedom: 1 in 5,000


@pytest.mark.parametrize("shape", [0.3, 1.0, 50.0])
def test_alias_columns_have_the_probabilities_of_the_weights(shape: float) -> None:
    weights = np.random.default_rng(0).gamma(shape, size=1000) + 1e-9
    columns = weight_columns(weights).astype(np.float64)
    probability = columns[::2] / 2.0**32
    np.add.at(probability, columns[1::2].astype(int), 1 - columns[::2] / 2.0**32)
    np.testing.assert_allclose(probability / 1000, weights / weights.sum(), atol=1e-9)


def test_pairs_are_drawn_in_proportion_to_their_weights() -> None:
    weights = np.array([1.0, 2.0, 0.5, 10.0, 1e-6, 3.0])
    draws = drawn(positions(200_000), weight_columns(weights), epoch_keys(1, 0))
    counts = np.bincount(draws, minlength=len(weights))
    expected = 200_000 * weights / weights.sum()
    assert np.all(np.abs(counts - expected) < 4.5 * np.sqrt(expected) + 2)
