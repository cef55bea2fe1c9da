"""Shards: creating them, splitting them again, reading them in chunks, and storing them as JSON."""

import json

import numpy as np
import pytest
import torch

from word2vec.sampling.shards import (
    Shard,
    chunks,
    derive_seed,
    new_shards,
    reshard,
    split_off,
    unread_chunks,
    words_read,
)

OFFSETS = np.cumsum([0, 3, 1, 0, 7, 2, 2, 30, 1, 4, 0])  # of ten sentences, 50 words


def sentences(shards: list[Shard]) -> list[int]:
    """The numbers of the unread sentences, in the order of the shards."""
    return [sentence for shard in shards for first, last in shard.unread for sentence in range(first, last)]


@pytest.mark.parametrize("number", [1, 2, 3, 20])
def test_new_shards_contain_each_sentence_once(number: int) -> None:
    shards = new_shards(OFFSETS, number)
    assert sentences(shards) == list(range(10))
    assert [shard.stream for shard in shards] == [(rank,) for rank in range(number)]
    assert words_read(shards) == 0


def test_new_shards_have_about_equally_many_words() -> None:
    offsets = np.arange(0, 1001, 5)
    shards = new_shards(offsets, 3)
    words = [sum(int(offsets[last] - offsets[first]) for first, last in shard.unread) for shard in shards]
    assert max(words) - min(words) <= 5


@pytest.mark.parametrize("number", [1, 2, 3, 20])
def test_resharding_keeps_unread_sentences_and_counts(number: int) -> None:
    shards = [Shard([(1, 3), (4, 5)], (0,), 3, 0, 10, 0.5, 2), Shard([(6, 10)], (1,), 4, 0, 20, 0.25, 3)]
    result = reshard(shards, OFFSETS, number)
    assert len(result) == number
    assert sentences(result) == [1, 2, 4, 6, 7, 8, 9]
    counts = [[getattr(shard, name) for name in ("words", "pairs", "loss", "hits")] for shard in result]
    assert np.sum(counts, axis=0).tolist() == [7, 30, 0.75, 5]
    # random draws differ from those of the shards before, and from each other
    assert len({shard.stream for shard in [*shards, *result]}) == number + 2


def test_a_chunk_counts_as_read_when_the_next_one_is_requested() -> None:
    shard = Shard([(0, 5), (6, 8)], (0,))
    reader = unread_chunks(shard, OFFSETS, 4)
    assert next(reader) == (0, 3)
    assert (shard.unread, shard.words) == ([(0, 5), (6, 8)], 0)
    shard.partial_words = 2
    assert next(reader) == (3, 4)
    assert (shard.unread, shard.words, shard.partial_words) == ([(3, 5), (6, 8)], 4, 0)
    assert list(unread_chunks(shard, OFFSETS, 4)) == [(3, 4), (4, 5), (6, 7), (7, 8)]
    assert (shard.unread, shard.words) == ([], 4 + 9 + 31)


def test_chunks_are_complete_sentences() -> None:
    assert list(chunks(OFFSETS, 0, 10, 4)) == [(0, 3), (3, 4), (4, 6), (6, 7), (7, 8), (8, 10)]
    assert list(chunks(OFFSETS, 4, 6, 100)) == [(4, 6)]
    assert list(chunks(OFFSETS, 4, 4, 100)) == []


def test_chunks_of_whole_windows_have_a_limited_number_of_pairs() -> None:
    # the sentences have 6, 0, 0, 42, 2, 2, 870, 0, 12 and 0 pairs
    assert list(chunks(OFFSETS, 0, 10, 1000, pairs=50)) == [(0, 5), (5, 6), (6, 7), (7, 10)]
    assert list(chunks(OFFSETS, 0, 10, 1000, pairs=48)) == [(0, 4), (4, 6), (6, 7), (7, 10)]
    assert list(chunks(OFFSETS, 0, 10, 4, pairs=50)) == list(chunks(OFFSETS, 0, 10, 4))
    assert list(chunks(OFFSETS, 2, 5, 1000, pairs=0)) == [(2, 3), (3, 4), (4, 5)]


@pytest.mark.parametrize("keep", range(1, 8))
def test_split_off_returns_what_is_not_kept(keep: int) -> None:
    shard = Shard([(0, 6), (7, 10)], (0,))
    later = split_off(shard, OFFSETS, keep, 7)
    assert sentences([shard, Shard(later, (0,))]) == [0, 1, 2, 3, 4, 5, 7, 8, 9]
    assert bool(later) == (keep < 7)


def test_the_last_part_keeps_empty_sentences() -> None:
    offsets = np.array([0, 3, 3, 6, 6, 6])  # sentences of 3, 0, 3, 0 and 0 words
    shard = Shard([(0, 3), (3, 5)], (0,))
    assert split_off(shard, offsets, 1, 2) == [(1, 3), (3, 5)]
    assert shard.unread == [(0, 1)]
    shard.unread = [(1, 3), (3, 5)]
    assert split_off(shard, offsets, 7, 7) == []
    assert shard.unread == [(1, 3), (3, 5)]


def test_derived_seeds_differ() -> None:
    inputs = [(seed, epoch, rank) for seed in range(5) for epoch in range(5) for rank in range(5)]
    assert len({derive_seed(*numbers) for numbers in inputs}) == len(inputs)
    assert derive_seed(1, 2) == derive_seed(1, 2)
    assert 0 <= derive_seed(0) < 2**64


def test_json_stores_a_shard_exactly() -> None:
    state = {
        "random": torch.tensor([2**63 - 1, -5]),
        "loss": torch.tensor([0.1, 1e-300, float("inf")], dtype=torch.float64),
        "bytes": torch.arange(256, dtype=torch.uint8),
        "batches": torch.tensor(3),
        "empty": torch.empty(0, dtype=torch.int64),
    }
    shard = Shard([(1, 2), (5, 9)], (3, 70), 5, 2, 10, 0.1, 4, state)
    found = Shard.from_dict(json.loads(json.dumps(shard.to_dict())))
    assert vars(found) | {"engine_state": None} == vars(shard) | {"engine_state": None}
    assert found.engine_state.keys() == state.keys()
    for name, tensor in state.items():
        assert found.engine_state[name].dtype == tensor.dtype
        assert found.engine_state[name].equal(tensor)
