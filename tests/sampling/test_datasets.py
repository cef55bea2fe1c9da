"""SkipGramDataset and CBOWDataset: their examples and batches, resuming, and the workers of a DataLoader."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain, pairwise
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

import word2vec.sampling.datasets
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.sampling.datasets import Batch, CBOWDataset, SamplingSettings, SkipGramDataset, TextDataset
from word2vec.sampling.shards import Shard, new_shards, words_read
from word2vec.sampling.windows import WINDOW_MODES

ALL_PAIRS = SamplingSettings(window=1, negatives=2, subsample=0, noise_exponent=0.75)


def make_dataset(
    sentences: list[list[int]],
    settings: SamplingSettings = ALL_PAIRS,
    known: int | None = None,
    dataset_class: type[TextDataset] = SkipGramDataset,
    **options: int,
) -> TextDataset:
    tokens = np.array([word for sentence in sentences for word in sentence], dtype=np.int32)
    offsets = np.cumsum([0, *map(len, sentences)])
    size = known or int(tokens.max()) + 1
    vocabulary = Vocabulary([str(word) for word in range(size)], np.full(size, 10))
    return dataset_class(tokens, offsets, vocabulary, settings, **options)


def count_pairs(batches: Iterable[Batch]) -> Counter[tuple[int, int]]:
    """How often each (center, context) pair occurs."""
    return Counter(
        pair for batch in batches for pair in zip(batch.center.tolist(), batch.context.tolist(), strict=True)
    )


def test_window_one_gives_each_neighbor_in_both_directions() -> None:
    pairs = count_pairs(make_dataset([[0, 1, 2], [3], [2, 4]]))
    assert pairs == Counter([(0, 1), (1, 0), (1, 2), (2, 1), (2, 4), (4, 2)])


def test_unknown_words_are_dropped_before_windows_are_formed() -> None:
    # 3 and 4 are unknown: 0 and 1 become neighbors, as in word2vec.c, whose windows reach across dropped words
    assert count_pairs(make_dataset([[0, 3, 4, 1]], known=3)) == Counter([(0, 1), (1, 0)])


def test_subsampling_drops_words_before_windows_are_formed() -> None:
    # word 0 is so frequent that it rarely survives; its neighbors then become neighbors of each other
    sentences = [[1, 0, 2]] * 3000
    tokens = np.array(sentences, dtype=np.int32).ravel()
    vocabulary = Vocabulary(["0", "1", "2"], [10_000_000, 10, 10])
    dataset = SkipGramDataset(
        tokens, np.arange(0, 9001, 3), vocabulary, SamplingSettings(window=1, negatives=1, subsample=1e-6)
    )
    pairs = count_pairs(dataset)
    assert pairs[1, 2] == pairs[2, 1] > 2900
    assert 0 < pairs[1, 0] < 50


@pytest.mark.parametrize("chunk_pairs", [2, 14, 20_000])
def test_chunks_do_not_split_sentences(chunk_pairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word2vec.sampling.datasets, "CHUNK_PAIRS", chunk_pairs)
    sentences = [[0, 1, 2, 3], [4, 5], [6], [7, 8, 9]] * 5
    expected = Counter(pair for s in sentences for a, b in pairwise(s) for pair in ((a, b), (b, a)))
    assert count_pairs(make_dataset(sentences)) == expected


@pytest.mark.parametrize("mode", WINDOW_MODES)
def test_chunks_have_a_limited_number_of_pairs(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word2vec.sampling.datasets, "CHUNK_PAIRS", 500)
    settings = SamplingSettings(window=4, subsample=0, window_mode=mode)
    dataset = make_dataset([[0] * 3] * 1000 + [[1] * 40] * 3 + [[2] * 5] * 20, settings, batch_size=10**6)
    (shard,) = new_shards(dataset.offsets, 1)
    generator = torch.Generator()
    sizes = [len(dataset._examples(*chunk, generator)[0]) for chunk in dataset.unread_chunks(shard, 500, 500)]
    longest = 40 * 39 if mode == "full" else 0  # pairs of a sentence, which is never split
    assert max(sizes) <= max(500, longest)
    assert len(sizes) < 100  # not one chunk for each of the short sentences


def test_a_full_window_is_the_whole_sentence() -> None:
    settings = SamplingSettings(window=1, subsample=0, window_mode="full")
    sentences = [[0], [0, 1], list(range(300))]
    expected = Counter((a, b) for s in sentences for a in s for b in s if a != b)
    assert count_pairs(make_dataset(sentences, settings, batch_size=10**5)) == expected


@pytest.mark.parametrize("batch_size", [1, 7, 64, 10_000])
def test_all_batches_but_the_last_have_the_requested_size(batch_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word2vec.sampling.datasets, "CHUNK_PAIRS", 100)
    sizes = [len(batch.center) for batch in make_dataset([[0, 1, 2, 3, 4]] * 40, batch_size=batch_size)]
    assert set(sizes[:-1]) <= {batch_size}
    assert 0 < sizes[-1] <= batch_size
    assert sum(sizes) == 40 * 8


@pytest.mark.parametrize("limit", [1, 40, 1000])
def test_negatives_drawn_in_several_parts_are_complete(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word2vec.sampling.datasets, "MAX_NEGATIVES_AT_ONCE", limit)
    batches = list(make_dataset([[0, 1, 2, 3, 4]] * 40, batch_size=7))
    assert sum(len(batch.center) for batch in batches) == 40 * 8
    for batch in batches:
        assert len(batch.center) == len(batch.context) == len(batch.negatives) <= 7


def test_the_shapes_and_types_of_a_batch() -> None:
    batch = next(iter(make_dataset([[0, 1, 2]] * 10, batch_size=8)))
    assert batch.center.shape == batch.context.shape == (8,)
    assert batch.negatives.shape == (8, 2)
    assert {tensor.dtype for tensor in batch} == {torch.int64}
    assert not (batch.negatives == batch.center[:, None]).any()


def test_the_pairs_of_a_chunk_are_shuffled() -> None:
    # without shuffling, a batch would contain neighboring sentences; word ids increase through this corpus
    sentences = [[2 * i, 2 * i + 1] for i in range(500)]
    first = next(iter(make_dataset(sentences, batch_size=100))).center
    assert first.min() < 200
    assert first.max() > 800


def count_windows(batches: Iterable[Batch]) -> Counter[tuple[int, tuple[int, ...]]]:
    """How often each center word occurs with each window; columns at the end of a window without a word are cut."""
    return Counter(
        (center, tuple(context[: max(place for place, word in enumerate(context, 1) if word >= 0)]))
        for batch in batches
        for center, context in zip(batch.center.tolist(), batch.context.tolist(), strict=True)
    )


FIXED = SamplingSettings(window=2, negatives=2, subsample=0, window_mode="fixed")
FULL = SamplingSettings(window=2, negatives=2, subsample=0, window_mode="full")
UNEVEN = [[0, 1, 2, 3], [4], [5, 6], [7, 8, 9, 0, 1, 2], [3, 9]]  # sentences of different lengths


def test_the_columns_of_a_window_are_its_positions() -> None:
    expected = {
        0: (-1, -1, 1, 2), 1: (-1, 0, 2, 3), 2: (0, 1, 3), 3: (1, 2), 5: (-1, -1, 6), 6: (-1, 5),
    }  # fmt: skip
    sentences = [[0, 1, 2, 3], [4], [5, 6]]  # the single word has no window
    assert count_windows(make_dataset(sentences, FIXED, dataset_class=CBOWDataset)) == Counter(expected.items())
    left = make_dataset(sentences, replace(FIXED, window_mode="left"), dataset_class=CBOWDataset)
    assert {tuple(batch.context.shape[1:]) for batch in left} == {(2,)}


@pytest.mark.parametrize("mode", WINDOW_MODES)
def test_windows_have_the_words_of_the_pairs(mode: str) -> None:
    # with the same random state both datasets draw the same widths
    settings = SamplingSettings(window=3, subsample=0, window_mode=mode)
    chunk = (0, len(UNEVEN))
    pairs, windows = (
        make_dataset(UNEVEN, settings, dataset_class=dataset_class)._examples(*chunk, torch.Generator().manual_seed(1))
        for dataset_class in (SkipGramDataset, CBOWDataset)
    )
    of_windows = [
        (center, word) for center, window in zip(*map(Tensor.tolist, windows), strict=True) for word in window
    ]
    expected = Counter(zip(*map(Tensor.tolist, pairs), strict=True))
    assert Counter(pair for pair in of_windows if pair[1] >= 0) == expected


@pytest.mark.parametrize("chunk_pairs", [1, 30, 20_000])
def test_whole_sentences_are_windows_of_different_sizes(chunk_pairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word2vec.sampling.datasets, "CHUNK_PAIRS", chunk_pairs)
    sentences = UNEVEN * 3
    expected = Counter((s[i], (*s[:i], *s[i + 1 :])) for s in sentences for i in range(len(s)) if len(s) > 1)
    batches = list(make_dataset(sentences, FULL, dataset_class=CBOWDataset, batch_size=7))
    assert count_windows(batches) == expected
    assert {len(batch.center) for batch in batches[:-1]} == {7}  # batches continue across chunks


@pytest.mark.parametrize("settings", [FIXED, FULL, SamplingSettings(window=3, negatives=2, subsample=0.02)])
def test_windows_continue_where_a_shard_was_saved(settings: SamplingSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    # chunks of one to three sentences; whole sentences have windows of other sizes in each
    monkeypatch.setattr(word2vec.sampling.datasets, "CHUNK_PAIRS", 40)

    def dataset() -> TextDataset:
        return make_dataset(UNEVEN * 6, settings, dataset_class=CBOWDataset, batch_size=4)

    (whole,) = new_shards(dataset().offsets, 1)
    expected, found = list(dataset().batches(whole)), []
    (shard,) = new_shards(dataset().offsets, 1)
    while (batches := dataset().batches(shard)) and (batch := next(batches, None)) is not None:
        found.append(batch)
        shard.engine_state["batches"] += 1  # the batch is trained
        shard = Shard.from_dict(shard.to_dict())
    assert len(found) == len(expected) > 5
    for one, other in zip(found, expected, strict=True):
        assert all(torch.equal(*tensors) for tensors in zip(one, other, strict=True))
    assert shard.words == whole.words


def test_long_sentences_do_not_make_the_windows_of_short_ones_large() -> None:
    dataset = make_dataset([[0, 1]] * 400 + [list(range(50))] + [[0, 1]] * 400, FULL, dataset_class=CBOWDataset)
    (shard,) = new_shards(dataset.offsets, 1)
    generator = torch.Generator()
    sizes = [dataset._examples(*chunk, generator)[1].numel() for chunk in dataset.unread_chunks(shard, 10**6, 3000)]
    assert max(sizes) <= 3000
    assert sum(sizes) >= 1600 + 50 * 49
    assert len(sizes) < 10


def test_workers_together_read_the_corpus_once() -> None:
    sentences = [[2 * i, 2 * i + 1] for i in range(100)]
    dataset = make_dataset(sentences, batch_size=16)
    assert count_pairs(DataLoader(dataset, batch_size=None, num_workers=2)) == count_pairs(dataset)
    windows = make_dataset(UNEVEN * 20, FULL, dataset_class=CBOWDataset, batch_size=16)
    assert count_windows(DataLoader(windows, batch_size=None, num_workers=2)) == count_windows(windows)


def test_shards_have_random_draws_of_their_own() -> None:
    # both shards have the same sentences, so only their random states differ
    dataset = make_dataset([[0, 1, 2, 3]] * 2000, SamplingSettings(window=3, negatives=5, subsample=0), batch_size=64)
    one, two = (next(dataset.batches(shard)) for shard in new_shards(dataset.offsets, 2))
    assert not torch.equal(one.negatives, two.negatives)


@pytest.mark.parametrize("shards", [1, 2, 3, 7, 50])
def test_any_number_of_shards_covers_all_words(shards: int) -> None:
    dataset = make_dataset([[0, 1]] * 10 + [[0] * 30] + [[1, 2]] * 5, batch_size=1)
    batches = chain.from_iterable(dataset.batches(shard) for shard in new_shards(dataset.offsets, shards))
    assert count_pairs(batches) == count_pairs(dataset)


def test_progress_increases_to_the_number_of_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word2vec.sampling.datasets, "CHUNK_PAIRS", 80)
    dataset = make_dataset([[0, 1, 2, 3, 4]] * 40, batch_size=3)
    (shard,) = shards = new_shards(dataset.offsets, 1)
    words = [words_read(shards) for _ in dataset.batches(shard)]
    assert words == sorted(words)
    assert 0 == words[0] < words[1] < 20
    assert shard.words == words_read(shards) == 200


def test_seed_and_epoch_determine_the_batches() -> None:
    def batches(seed: int, epoch: int) -> torch.Tensor:
        dataset = make_dataset([[0, 1, 2, 3, 4]] * 100, seed=seed)
        dataset.set_epoch(epoch)
        return torch.cat([batch.negatives for batch in dataset])

    assert torch.equal(batches(1, 0), batches(1, 0))
    assert not torch.equal(batches(1, 0), batches(2, 0))
    assert not torch.equal(batches(1, 0), batches(1, 1))


def test_a_corpus_of_single_words_has_no_batches() -> None:
    assert list(make_dataset([[0], [1], [2]])) == []


def test_workers_receive_the_location_of_a_memory_map(tmp_path: Path) -> None:
    tokens = np.tile(np.arange(4, dtype=np.int32), 250_000)
    np.save(tmp_path / "tokens.npy", tokens)
    mapped = np.load(tmp_path / "tokens.npy", mmap_mode="r")
    vocabulary = Vocabulary(list("abcd"), [250_000] * 4)
    for array, max_bytes in ((mapped, 10_000), (mapped[3:], 5_000_000), (tokens, 5_000_000)):
        offsets = np.arange(0, len(array) + 1, 4)[:100]
        dataset = SkipGramDataset(array, offsets, vocabulary)
        sent = ForkingPickler.dumps(dataset)
        assert len(sent) < max_bytes
        received = ForkingPickler.loads(sent)
        assert np.array_equal(received.tokens, array)
        assert torch.equal(next(iter(received)).center, next(iter(dataset)).center)


@pytest.mark.slow
def test_spawned_workers_give_the_same_batches(tmp_path: Path) -> None:
    np.save(tmp_path / "tokens.npy", np.tile(np.arange(4, dtype=np.int32), 1000))
    tokens = np.load(tmp_path / "tokens.npy", mmap_mode="r")
    dataset = SkipGramDataset(tokens, np.arange(0, 4001, 4), Vocabulary(list("abcd"), [1000] * 4))
    spawned = DataLoader(dataset, batch_size=None, num_workers=1, multiprocessing_context="spawn")
    for batch, expected in zip(spawned, dataset, strict=True):
        assert torch.equal(batch.negatives, expected.negatives)


@pytest.mark.parametrize(
    ("sentences", "ranges", "expected"),
    [
        ([[0], [1, 7], [], [2, -1, 9]], None, False),
        ([[0], [1, 7, 1]], None, True),
        ([[0], [7, 1], [0, 1], [1]], [(0, 2), (3, 4)], False),  # the sentence with two words is held out
        ([[0]] * 200_000 + [[0, 0]], None, True),
    ],
)
def test_has_pairs(sentences: list[list[int]], ranges: list[tuple[int, int]] | None, expected: bool) -> None:
    tokens = np.array([word for sentence in sentences for word in sentence], dtype=np.int32)
    offsets = np.cumsum([0, *map(len, sentences)])
    vocabulary = Vocabulary(["a", "b", "c"], np.array([5, 4, 3]))
    assert SkipGramDataset(tokens, offsets, vocabulary, sentences=ranges).has_pairs() == expected
