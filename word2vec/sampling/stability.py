"""Limits on how many examples may be trained from the same values of the tables without divergence.

All pairs of a batch see the tables as they were before it, and so, nearly, do the pairs that other threads or GPU
programs train at the same time. A row used by many of them moves by the sum of as many stale steps, and overshoots.

In experiments at learning rate 0.025, training diverged from 64 uses of one word in pairs, or from 200 uses in pairs
and as a noise word together, for vocabularies of up to 300 words, whose vectors share few directions; for vocabularies
of 15,000 and 68,000 words, from five times as many. The limits below allow half of that.

Experiments with CBOW, with and without position weights, and with n-grams of 3 to 6 characters for both models used 2
words, 21 words that share stems and endings, and the 300 most frequent words of Wikipedia. With the default learning
rate of negative sampling, CBOW is as stable as skip-gram. So are its position weights, although each example uses all
of them: their steps are divided by the number of words. With 2, 4 and 8 times that learning rate, the limits divided by
as many were stable, and the whole limits diverged with 2 and with 21 words. N-grams reduce the limits if words share
most of their rows: the 21 words diverged from half as many examples. What counts then are not the uses of a row, but
how far the vector of a word moves, which is the mean of its rows. For English text, where that is less than the
frequency of the most frequent word, the limits are the same as without n-grams.

With hierarchical softmax the root of the tree is in every path, but its steps in both directions nearly cancel. With 2
threads and vocabularies of 100 and of 7,700 words, batches of 512 pairs were stable at learning rate 0.025 and 0.05,
and had the loss of batches of 32; batches of 2048 diverged at 0.025 and at 0.05, respectively.

Explicit pairs can be many copies of a few. Experiments with all objectives used 2 to 100 names: copies of one pair for
each input, pairs of skewed frequency, and pairs of a single input. Twice the objective's default learning rate, the
default for pairs, was stable with batches of this size and, in the CPU engines, with groups of 10 pairs of one target,
or 8 if all pairs have the same input. With 4 times the default, groups of 3 were stable, with 8 times only single
pairs, and batches shrank alike: the limits fall with the square of the learning rate. With 16 times the default, some
of these data sets diverge even if their pairs are trained one by one.
"""

import torch
from torch import Tensor

from word2vec.corpus.vocabulary import Vocabulary
from word2vec.sampling.datasets import ExampleDataset, SamplingSettings

MAX_USES_IN_PAIRS = 32  # expected uses of the most frequent word in pairs
MAX_USES_IN_ALL = 100  # the same, in pairs and as a noise word together
CALIBRATED_LR = 0.025  # the learning rate of the experiments
MAX_TREE_BATCH = 512  # pairs; the root of a tree is used by all of them
SMALL_VOCABULARY = 2500  # words; the limits grow in proportion above this size
GROUP_ROWS = 10  # maximum number of pairs with the same target that are updated at once
MAX_INPUT_USES_IN_GROUP = 6  # expected uses of the most frequent input; with a single one, groups of 10 diverge
STABLE_PAIR_LR = 2.0  # times the default of the objective: up to here the limits for pairs hold
MAX_RELATIVE_LR = 8.0  # the highest of the experiments; with a much higher one, training should be seen to diverge
MAX_GROWTH = 4.0  # of the limits, for large vocabularies


def stable_batch_size(
    vocabulary: Vocabulary,
    settings: SamplingSettings,
    wanted: int,
    threads: int = 1,
    *,
    relative_lr: float = 1.0,
    shared_steps: float = 0.0,
    tree: bool = False,
) -> int:
    """Return the largest stable batch size, up to `wanted`.

    Args:
        vocabulary: The words to train.
        settings: How examples are drawn.
        wanted: The batch size in the settings.
        threads: How many threads train batches at the same time.
        relative_lr: The learning rate, relative to the default of the objective.
        shared_steps: Largest expected number of steps that the vector of a word makes for an example, if words share
            rows; see `NgramIndex.shared_steps`.
        tree: Whether the targets are the nodes of a tree, whose root is in every path.
    """
    pair_frequency = torch.from_numpy(vocabulary.pair_frequency(settings.subsample)).clamp(min=shared_steps)
    noise = torch.from_numpy(vocabulary.noise_distribution(settings.noise_exponent))
    stable = stable_pairs(pair_frequency, noise, settings.negatives)
    stable = min(stable, MAX_TREE_BATCH) if tree else stable
    return max(1, min(wanted, int(stable / min(max(relative_lr, 1.0), MAX_RELATIVE_LR) / threads)))


def stable_pair_batch_size(dataset: ExampleDataset, wanted: int, threads: int = 1, relative_lr: float = 1.0) -> int:
    """Return the largest stable batch size for explicit pairs, up to `wanted`.

    Args:
        dataset: The pairs.
        wanted: The batch size in the settings.
        threads: How many threads train batches at the same time.
        relative_lr: The learning rate, relative to the default of the objective.
    """
    by_target = stable_pairs(dataset.pair_frequency, dataset.noise, dataset.settings.negatives)
    most_frequent_input = float(dataset.input_frequency.max())
    by_input = vocabulary_factor(len(dataset.input_frequency)) * MAX_USES_IN_PAIRS / most_frequent_input
    return max(1, min(wanted, int(lr_factor(relative_lr) * min(by_target, by_input) / threads)))


def stable_group_rows(dataset: ExampleDataset, relative_lr: float = 1.0) -> int:
    """Return how many explicit pairs with the same target may be updated at once; in the worst case all are the same.

    Args:
        dataset: The pairs.
        relative_lr: The learning rate, relative to the default of the objective.
    """
    names = min(len(dataset.input_frequency), len(dataset.noise))
    rows = min(GROUP_ROWS, MAX_INPUT_USES_IN_GROUP / float(dataset.input_frequency.max()))
    return max(1, min(GROUP_ROWS, int(rows * lr_factor(relative_lr) * vocabulary_factor(names))))


def lr_factor(relative_lr: float) -> float:
    """Return the factor by which a high learning rate reduces the limits for explicit pairs."""
    return (STABLE_PAIR_LR / max(relative_lr, STABLE_PAIR_LR)) ** 2


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
