"""Held-out sentences: how many, which ones, and that training gets all others exactly once."""

import numpy as np
import numpy.typing as npt
import pytest

from word2vec.sampling.held_out import MAX_BLOCKS, shorten_ranges, split_corpus
from word2vec.sampling.shards import count_words, new_shards


def offsets_of(lengths: npt.ArrayLike) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def sentences(ranges: list[tuple[int, int]]) -> list[int]:
    return [number for first, last in ranges for number in range(first, last)]


@pytest.mark.parametrize("fraction", [None, 0.0, 0.003, 0.1, 0.5])
@pytest.mark.parametrize("lengths", [[1000] * 400, [5] * 3000, [3] * 7, [900, 1, 1, 1], [1, 2, 3, 500] * 300, [7]])
def test_every_sentence_is_in_exactly_one_part(lengths: list[int], fraction: float | None) -> None:
    offsets = offsets_of(lengths)
    training, held_out = split_corpus(offsets, fraction)
    assert sorted(sentences(training) + sentences(held_out)) == list(range(len(lengths)))
    assert count_words(held_out, offsets) <= sum(lengths) * (0.01 if fraction is None else fraction)
    assert len(held_out) <= MAX_BLOCKS


def test_about_as_many_words_as_requested_are_held_out() -> None:
    offsets = offsets_of(np.random.default_rng(0).integers(1, 60, 20_000))
    for fraction in (0.01, 0.2, 0.5):
        held_out = count_words(split_corpus(offsets, fraction).held_out, offsets)
        assert 0.95 * fraction < held_out / offsets[-1] <= fraction


def test_by_default_at_most_200_000_words_are_held_out() -> None:
    offsets = offsets_of([1000] * 30_000)
    assert 190_000 <= count_words(split_corpus(offsets, None).held_out, offsets) <= 200_000


def test_held_out_sentences_come_from_the_whole_corpus() -> None:
    chosen = np.array(sentences(split_corpus(offsets_of([10] * 10_000), None).held_out))
    assert np.histogram(chosen, bins=4, range=(0, 10_000))[0].min() >= 20


def test_sentences_longer_than_the_fraction_are_not_held_out() -> None:
    assert split_corpus(offsets_of([3] * 9), None).held_out == []


def test_shards_contain_the_training_sentences_only() -> None:
    offsets = offsets_of([10] * 10_000)
    training, held_out = split_corpus(offsets, 0.05)
    shards = new_shards(offsets, 3, training)
    assert sentences([each for shard in shards for each in shard.unread]) == sentences(training)
    assert set(sentences(training)).isdisjoint(sentences(held_out))


def test_shorten_keeps_the_beginning_of_each_range() -> None:
    offsets = offsets_of([10] * 1000)
    assert shorten_ranges([(0, 100), (500, 600)], offsets, 200) == [(0, 10), (500, 510)]
    assert shorten_ranges([(0, 100)], offsets, 5_000) == [(0, 100)]
    assert shorten_ranges([(3, 9)], offsets, 1) == [(3, 4)]
