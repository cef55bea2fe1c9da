"""Limits on how many examples may be trained from the same values of the tables without divergence.

All pairs of a batch see the tables as they were before it, and so, nearly, do the pairs that other threads or GPU
programs train at the same time. A row used by many of them moves by the sum of as many stale steps, and overshoots.

In experiments at learning rate 0.025, training diverged from 64 uses of one word in pairs, or from 200 uses in pairs
and as a noise word together, for vocabularies of up to 300 words, whose vectors share few directions; for vocabularies
of 15,000 and 68,000 words, from five times as many. The limits below allow half of that.
"""

import torch
from torch import Tensor

from word2vec.corpus.vocabulary import Vocabulary
from word2vec.sampling.datasets import ExampleDataset, SamplingSettings

MAX_USES_IN_PAIRS = 32  # expected uses of the most frequent word in pairs
MAX_USES_IN_ALL = 100  # the same, in pairs and as a noise word together
CALIBRATED_LR = 0.025  # the learning rate of the experiments
SMALL_VOCABULARY = 2500  # words; the limits grow in proportion above this size
MAX_GROWTH = 4.0  # of the limits, for large vocabularies


def stable_batch_size(vocabulary: Vocabulary, settings: SamplingSettings, wanted: int, threads: int = 1) -> int:
    """Return the largest stable batch size, up to `wanted`.

    Args:
        vocabulary: The words to train.
        settings: How examples are drawn.
        wanted: The batch size in the settings.
        threads: How many threads train batches at the same time.
    """
    pair_frequency = torch.from_numpy(vocabulary.pair_frequency(settings.subsample))
    noise = torch.from_numpy(vocabulary.noise_distribution(settings.noise_exponent))
    return max(1, min(wanted, int(stable_pairs(pair_frequency, noise, settings.negatives) / threads)))


def stable_pair_batch_size(dataset: ExampleDataset, wanted: int, threads: int = 1) -> int:
    """Return the largest stable batch size for explicit pairs, up to `wanted`.

    Args:
        dataset: The pairs.
        wanted: The batch size in the settings.
        threads: How many threads train batches at the same time.
    """
    by_target = stable_pairs(dataset.pair_frequency, dataset.noise, dataset.settings.negatives)
    most_frequent_input = float(dataset.input_frequency.max())
    by_input = vocabulary_factor(len(dataset.input_frequency)) * MAX_USES_IN_PAIRS / most_frequent_input
    return max(1, min(wanted, int(min(by_target, by_input) / threads)))


def stable_pairs(pair_frequency: Tensor, noise: Tensor, negatives: int) -> float:
    """Return how many pairs may be trained from the same values of the tables.

    Args:
        pair_frequency: (V,) fraction of the pairs with this word as their center.
        noise: (V,) probability of each word as a noise word.
        negatives: K, noise words per pair.
    """
    in_pairs, as_noise = float(pair_frequency.max()), float(noise.max()) * negatives
    return vocabulary_factor(len(noise)) * min(MAX_USES_IN_PAIRS / in_pairs, MAX_USES_IN_ALL / (in_pairs + as_noise))


def vocabulary_factor(words: int) -> float:
    """Return how many times more uses of one word are stable than with a small vocabulary."""
    return min(MAX_GROWTH, max(1.0, words / SMALL_VOCABULARY))
