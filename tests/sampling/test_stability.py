"""Limits on how many examples are trained from the same values of the tables."""

import numpy as np
import pytest
import torch

from word2vec.corpus.vocabulary import Vocabulary
from word2vec.sampling.datasets import SamplingSettings
from word2vec.sampling.pairs import PairDataset
from word2vec.sampling.stability import (
    GROUP_ROWS,
    MAX_GROWTH,
    MAX_USES_IN_ALL,
    MAX_USES_IN_PAIRS,
    SMALL_VOCABULARY,
    stable_batch_size,
    stable_group_rows,
    stable_pair_batch_size,
    stable_pairs,
    vocabulary_factor,
)


def test_the_batch_size_is_limited_by_uses_of_the_most_frequent_word() -> None:
    settings = SamplingSettings(negatives=5, subsample=0, noise_exponent=1.0)
    even = Vocabulary([str(word) for word in range(1000)], np.full(1000, 10))
    assert stable_batch_size(even, settings, 100_000) == pytest.approx(100 / (6 / 1000), rel=0.01)
    assert stable_batch_size(even, settings, 100_000, threads=4) == pytest.approx(100 / (6 / 1000) / 4, rel=0.01)
    assert stable_batch_size(even, settings, 1024) == 1024
    many = Vocabulary([str(word) for word in range(10_000)], np.full(10_000, 10))
    assert stable_batch_size(many, settings, 10**9) == pytest.approx(4 * 100 / (6 / 10_000), rel=0.01)
    skewed = Vocabulary(["a", "b", "c"], [98, 1, 1])
    assert stable_batch_size(skewed, SamplingSettings(negatives=1, subsample=0), 1024) == 32
    assert stable_batch_size(skewed, SamplingSettings(negatives=100_000, subsample=0), 1024) == 1


def test_a_high_learning_rate_and_shared_rows_reduce_the_batch_size() -> None:
    settings = SamplingSettings(negatives=5, subsample=0, noise_exponent=1.0)
    even = Vocabulary([str(word) for word in range(100)], np.full(100, 10))
    sizes = [stable_batch_size(even, settings, 10**6, relative_lr=lr) for lr in (0.1, 1.0, 2.0, 4.0)]
    assert sizes == [1666, 1666, 833, 416]
    assert [stable_batch_size(even, settings, 10**6, shared_steps=steps) for steps in (0.001, 0.2)] == [1666, 160]


def test_the_stricter_of_both_limits_applies() -> None:
    noise = torch.full((10,), 0.1)
    few, many = torch.tensor([0.2] * 5 + [0.0] * 5), torch.tensor([0.5] * 2 + [0.0] * 8)
    assert stable_pairs(few, noise, 5) == pytest.approx(MAX_USES_IN_ALL / (0.2 + 0.5))
    assert stable_pairs(many, noise, 1) == pytest.approx(MAX_USES_IN_PAIRS / 0.5)


def test_the_limits_grow_with_the_vocabulary_up_to_a_maximum() -> None:
    sizes = (2, SMALL_VOCABULARY, 2 * SMALL_VOCABULARY, 100 * SMALL_VOCABULARY)
    assert [vocabulary_factor(size) for size in sizes] == [1.0, 1.0, 2.0, MAX_GROWTH]


def test_a_high_learning_rate_reduces_the_limits_for_explicit_pairs() -> None:
    even = np.arange(100) % 10
    pairs = PairDataset(even, even, None, (10, 10), negatives=5, noise_exponent=1.0)
    rows = [stable_group_rows(pairs, relative_lr) for relative_lr in (0.5, 2.0, 4.0, 8.0, 100.0)]
    assert rows == [GROUP_ROWS, GROUP_ROWS, 2, 1, 1]
    sizes = [stable_pair_batch_size(pairs, 10**6, relative_lr=relative_lr) for relative_lr in (0.5, 2.0, 4.0)]
    assert sizes == [166, 166, 41]
    assert stable_pair_batch_size(pairs, 10**6, relative_lr=1000.0) == 1
    many = np.arange(10_000)
    assert stable_group_rows(PairDataset(many, many, None, (10_000, 10_000)), 4.0) == GROUP_ROWS
    one = PairDataset(np.zeros(100, int), even, None, (1, 10))
    assert [stable_group_rows(one, relative_lr) for relative_lr in (2.0, 4.0)] == [6, 1]
