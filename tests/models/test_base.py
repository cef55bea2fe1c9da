"""The tables of all models: gather against its definition, scatter against finite differences, frequencies of rows."""

import tracemalloc
from collections import Counter

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.engines.small import BUCKETS, KINDS, NGRAM_LENGTHS, Kind
from tests.models.test_subwords import plain_ngrams
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.models import CBOW, EmbeddingModel, NgramIndex
from word2vec.sampling.datasets import Batch

WORDS = ["a", "banana", "bananas", "aaaaaaa", "nab", "東京タワー"]  # one without n-grams, one that repeats its own
DIM = 5
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
WITHOUT_NGRAMS = {name: kind for name, kind in KINDS.items() if not kind.ngrams}


def batch_of(kind: Kind) -> Batch:
    """Windows of four positions with one to four words, or single words."""
    windows = [[1, -1, 2, 1], [-1, -1, 0, -1], [3, 3, 3, 3], [5, 4, -1, -1], [-1, 2, 1, -1]]
    context = torch.tensor(windows) if kind.cbow else torch.tensor([1, 0, 3, 3, 5])
    return Batch(torch.tensor([0, 1, 2, 3, 4]), context, torch.empty(5, 0, dtype=torch.int64))


def word_vector(model: EmbeddingModel, word: int) -> Tensor:
    """The mean of a word's own row and the rows of its n-grams, which are found by their buckets."""
    if model.ngrams is None or model.ngram_index is None:
        return model.input[word]
    row_of = {int(bucket): row for row, bucket in enumerate(model.ngram_index.used)}
    buckets = plain_ngrams(WORDS[word], *NGRAM_LENGTHS, BUCKETS)
    return torch.stack([model.input[word], *(model.ngrams[row_of[bucket]] for bucket in buckets)]).mean(dim=0)


def gathered(model: EmbeddingModel, batch: Batch) -> Tensor:
    """The input vectors of a batch, word by word."""
    positions = model.positions if isinstance(model, CBOW) else None
    vectors = []
    for window in batch.context.reshape(len(batch.context), -1).tolist():
        words = [
            word_vector(model, word) * (1 if positions is None else positions[place])
            for place, word in enumerate(window)
            if word >= 0
        ]
        vectors.append(torch.stack(words).mean(dim=0))
    return torch.stack(vectors)


@every_kind
def test_gather_follows_the_definition(kind: Kind) -> None:
    model, batch = kind.make_model(WORDS, DIM, spread=1.0), batch_of(kind)
    torch.testing.assert_close(model.gather(batch), gathered(model, batch))


@every_kind
def test_scatter_is_the_gradient_times_the_rows_of_a_word(kind: Kind) -> None:
    # each row of a word with n n-grams makes the whole step, so it moves 1 + n times as far as the gradient says;
    # without n-grams, and for the positions, the step is the gradient
    model, batch = kind.make_model(WORDS, DIM, spread=1.0).double(), batch_of(kind)
    steps = torch.randn(len(batch.context), DIM, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    sizes = [1 + len(plain_ngrams(word, *NGRAM_LENGTHS, BUCKETS) if kind.ngrams else []) for word in WORDS]
    expected = {}
    for name, table in model.tables().items():
        slopes = torch.zeros_like(table)
        if name == "positions" or not kind.ngrams:
            (gradient,) = torch.autograd.grad((gathered(model, batch) * steps).sum(), table, allow_unused=True)
            slopes = slopes if gradient is None else gradient
        else:
            for word, size in enumerate(sizes):
                gradients = torch.autograd.grad(_of_one_word(model, batch, steps, word), table, allow_unused=True)
                slopes += size * (torch.zeros_like(table) if gradients[0] is None else gradients[0])
        expected[name] = table.detach() + slopes
    model.scatter(batch, steps)
    for name, table in model.tables().items():
        torch.testing.assert_close(table.detach(), expected[name], msg=name)
    assert not torch.equal(expected["output"], expected[next(iter(expected))])


def _of_one_word(model: EmbeddingModel, batch: Batch, steps: Tensor, word: int) -> Tensor:
    """The inner product of steps and input vectors, as a function of the rows through one word only."""
    positions = model.positions if isinstance(model, CBOW) else None
    total = torch.zeros((), dtype=steps.dtype, requires_grad=True)
    vector = word_vector(model, word)
    for window, step in zip(batch.context.reshape(len(steps), -1).tolist(), steps, strict=True):
        size = sum(other >= 0 for other in window)
        for place, other in enumerate(window):
            if other == word:
                total = total + ((1 if positions is None else positions[place].detach()) * vector * step).sum() / size
    return total


@pytest.mark.parametrize("kind", WITHOUT_NGRAMS.values(), ids=WITHOUT_NGRAMS)
def test_scatter_without_ngrams_follows_the_slope(kind: Kind) -> None:
    """Central differences of the inner product of steps and input vectors, for every number of all tables."""
    model, batch, size = kind.make_model(WORDS, DIM, spread=1.0).double(), batch_of(kind), 1e-5
    steps = torch.randn(len(batch.context), DIM, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    before = {name: table.detach().clone() for name, table in model.tables().items()}
    slopes = {name: torch.zeros_like(table) for name, table in before.items()}
    with torch.no_grad():
        for name, table in model.tables().items():
            for place in range(table.numel()):
                values = []
                for sign in (1, -1):
                    table.view(-1)[place] += sign * size
                    values.append((model.gather(batch) * steps).sum())
                    table.copy_(before[name])
                slopes[name].view(-1)[place] = (values[0] - values[1]) / (2 * size)
    model.scatter(batch, steps)
    for name, table in model.tables().items():
        torch.testing.assert_close(table.detach() - before[name], slopes[name], rtol=1e-6, atol=1e-8, msg=name)
    assert any(slope.any() for slope in slopes.values())


@every_kind
def test_words_are_moved_by_the_sum_of_their_steps(kind: Kind) -> None:
    model = kind.make_model(WORDS, DIM).double()
    words, steps = torch.tensor([1, 1, 0]), torch.eye(3, DIM, dtype=torch.float64)
    before = model.word_vectors(torch.tensor([0, 1]))
    with torch.no_grad():
        model.move_words(words, steps)
        moved = model.word_vectors(torch.tensor([0, 1])) - before
    ngrams = Counter(plain_ngrams(WORDS[1], *NGRAM_LENGTHS, BUCKETS)) if kind.ngrams else Counter[int]()
    # a bucket that occurs c times makes the step c times, and counts c times in the mean
    size = (1 + sum(count**2 for count in ngrams.values())) / (1 + ngrams.total())
    torch.testing.assert_close(moved, torch.stack([steps[2], size * (steps[0] + steps[1])]))


def test_the_index_of_ngrams_follows_the_definition() -> None:
    vocabulary = Vocabulary(WORDS, np.array([60, 50, 40, 30, 20, 10]))
    for lengths, buckets in (((4, 5), 50), ((3, 6), 2_000_000), ((1, 2), 3), ((9, 9), 7)):
        index = NgramIndex.of(vocabulary, lengths, buckets)
        assert len(index.starts) == len(WORDS) + 1
        used: Counter[int] = Counter()
        for number, word in enumerate(WORDS):
            rows = index.rows[index.starts[number] : index.starts[number + 1]]
            expected = plain_ngrams(word, *lengths, buckets)
            assert index.used[rows].tolist() == expected
            used.update(dict.fromkeys(expected, 0))
            for bucket in expected:
                used[bucket] += int(vocabulary.counts[number])
        assert sorted(index.used.tolist()) == sorted(used)  # no other bucket has a row
        uses = [used[bucket] for bucket in index.used.tolist()]
        assert uses == sorted(uses, reverse=True)  # rows that are used often come first
        of_words = np.array([0.5, 0.3, 0.1, 0.05, 0.03, 0.02])
        assert index.frequency(of_words).sum() == pytest.approx((of_words * np.diff(index.starts)).sum())


def test_words_that_share_rows_move_each_other() -> None:
    """The steps that each word makes if each row of each word moves by the frequency of the word."""
    model = KINDS["skipgram-ngrams"].make_model(WORDS, 1).double()
    frequency = np.array([0.5, 0.3, 0.1, 0.05, 0.03, 0.02])
    everything = torch.arange(len(WORDS))
    before = model.word_vectors(everything)
    with torch.no_grad():
        model.move_words(everything, torch.from_numpy(frequency).unsqueeze(1))
        moved = (model.word_vectors(everything) - before).squeeze(1)
    assert model.ngram_index is not None
    steps = model.ngram_index.shared_steps(frequency)
    np.testing.assert_allclose(steps, moved.numpy(), rtol=1e-6)
    assert steps[0] == 0.5  # a word without n-grams shares nothing
    assert steps[1] != 0.3


def test_gains_and_steps_take_little_memory() -> None:
    vocabulary = Vocabulary([f"{number:0100}" for number in range(100)], np.arange(100, 0, -1))
    index = NgramIndex.of(vocabulary, (3, 6), 10)
    frequency = np.full(100, 0.01)

    def compute() -> None:
        index.gains()
        index.shared_steps(frequency)

    compute()  # compiles
    tracemalloc.start()
    compute()
    assert tracemalloc.get_traced_memory()[1] < len(index.rows)  # numpy's arrays of all n-grams take 8 bytes each
    tracemalloc.stop()


def test_the_names_of_tables_are_those_of_files() -> None:
    names = {name: list(kind.make_model(WORDS, DIM).tables()) for name, kind in KINDS.items()}
    assert names == {
        "skipgram": ["input", "output"],
        "cbow": ["input", "output"],
        "cbow-positions": ["input", "output", "positions"],
        "skipgram-ngrams": ["word-rows", "output", "ngrams"],
        "cbow-ngrams": ["word-rows", "output", "ngrams"],
    }


@every_kind
def test_row_frequencies_count_the_uses_in_examples(kind: Kind) -> None:
    model, batch = kind.make_model(WORDS, DIM), batch_of(kind)
    used = batch.context[batch.context >= 0]
    of_words = np.bincount(used.numpy(), minlength=len(WORDS)) / len(batch.context)  # per example
    of_targets = np.full(len(WORDS), 1 / len(WORDS))
    uses = model.row_frequencies(of_words, of_targets)
    assert uses.keys() == model.tables().keys()
    assert {name: len(values) for name, values in uses.items()} == {
        name: len(table) for name, table in model.tables().items()
    }
    np.testing.assert_array_equal(uses["output"], of_targets)
    np.testing.assert_array_equal(uses["word-rows" if kind.ngrams else "input"], of_words)
    if model.ngram_index is not None:
        expected = np.zeros(len(model.ngram_index))
        for word, frequency in enumerate(of_words):
            for bucket in plain_ngrams(WORDS[word], *NGRAM_LENGTHS, BUCKETS):
                expected[model.ngram_index.used.tolist().index(bucket)] += frequency
        np.testing.assert_allclose(uses["ngrams"], expected)
    if kind.positions:
        np.testing.assert_array_equal(uses["positions"], np.ones(4))


@every_kind
def test_pack_removes_the_padding_of_all_tables(kind: Kind) -> None:
    model = kind.make_model(WORDS, DIM, spread=1.0)
    before = {name: table.detach().clone() for name, table in model.tables().items()}
    for table in model.tables().values():
        table.data = torch.empty(len(table), 16)[:, :DIM].copy_(table.detach())
    model.pack()
    for name, table in model.tables().items():
        assert table.is_contiguous()
        assert torch.equal(table.detach(), before[name])
