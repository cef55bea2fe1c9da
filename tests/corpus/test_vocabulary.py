"""The order of the vocabulary, its prefixes, and its distributions compared with their formulas."""

import math
import random
from collections import Counter

import numpy as np
import pytest

from word2vec.corpus.vocabulary import Vocabulary
from word2vec.errors import CorpusError

WORDS = ["the", "of", "a", "cat", "é", "zebra"]
COUNTS = [50, 30, 7, 7, 1, 1]


@pytest.fixture
def vocabulary() -> Vocabulary:
    return Vocabulary(WORDS, COUNTS)


def test_words_counts_and_ids(vocabulary: Vocabulary) -> None:
    assert vocabulary.words == WORDS
    assert vocabulary.counts.tolist() == COUNTS
    assert vocabulary.counts.dtype == np.int64
    assert vocabulary.ids == {"the": 0, "of": 1, "a": 2, "cat": 3, "é": 4, "zebra": 5}
    assert len(vocabulary) == 6
    assert "cat" in vocabulary
    assert "dog" not in vocabulary
    assert 0 not in vocabulary
    assert vocabulary.total == 96


def test_total_does_not_overflow() -> None:
    assert Vocabulary(["a", "b"], [2**33, 2**33]).total == 2**34


def test_counts_that_do_not_match_the_words() -> None:
    with pytest.raises(ValueError, match=r"2 words but counts of shape \(3,\)"):
        Vocabulary(["a", "b"], [3, 2, 1])
    with pytest.raises(ValueError, match="most frequent first"):
        Vocabulary(["a", "b", "c"], [3, 1, 2])


def test_prefix_equals_a_plain_filter() -> None:
    draw = random.Random(0)
    counts = Counter(str(int(draw.paretovariate(0.7))) for _ in range(5000))
    order = sorted(counts, key=lambda word: (-counts[word], word))
    vocabulary = Vocabulary(order, [counts[word] for word in order])
    for min_count in (1, 2, 3, 10, 100):
        for max_size in (None, 2, 5, 10**9):
            expected = [word for word in order if counts[word] >= min_count][:max_size]
            part = vocabulary.prefix(min_count, max_size)
            assert part.words == expected
            assert part.counts.tolist() == [counts[word] for word in expected]
            assert {word: vocabulary.ids[word] for word in expected} == part.ids  # ids keep their meaning


def test_prefix_takes_all_words_of_the_same_count(vocabulary: Vocabulary) -> None:
    assert len(vocabulary.prefix(7)) == 4
    assert len(vocabulary.prefix(8)) == 2
    assert vocabulary.prefix().words == WORDS


@pytest.mark.parametrize(
    ("min_count", "max_size", "message"),
    [
        (31, None, "1 word with min_count 31 (the most frequent word, 'the', has count 50)"),
        (51, None, "0 words with min_count 51 (the most frequent word, 'the', has count 50)"),
        (1, 1, "1 word with min_count 1 (the most frequent word, 'the', has count 50)"),
    ],
)
def test_vocabulary_that_is_too_small(
    vocabulary: Vocabulary, min_count: int, max_size: int | None, message: str
) -> None:
    with pytest.raises(CorpusError) as caught:
        vocabulary.prefix(min_count, max_size)
    assert message in str(caught.value)
    assert str(caught.value).endswith("; lower --min-count, raise --max-vocab or use more text")


def test_vocabulary_without_words() -> None:
    with pytest.raises(CorpusError, match=r"0 words with min_count 1 \(the text has none\)"):
        Vocabulary([], []).prefix()


@pytest.mark.parametrize("threshold", [1e-1, 1e-3, 1e-5])
def test_keep_probability_is_that_of_word2vec_c(vocabulary: Vocabulary, threshold: float) -> None:
    expected = []
    for count in COUNTS:
        # as word2vec.c writes it: (sqrt(count / (t * total)) + 1) * (t * total) / count
        level = threshold * 96
        expected.append(min(1.0, (math.sqrt(count / level) + 1) * level / count))
    kept = vocabulary.keep_probability(threshold)
    np.testing.assert_allclose(kept, expected, rtol=1e-12)
    assert kept.dtype == np.float64
    assert kept[0] < 1


def test_keep_probability_depends_on_the_vocabulary_only(vocabulary: Vocabulary) -> None:
    """The frequency of a word is relative to the words of the vocabulary, not of the whole text."""
    kept = vocabulary.prefix(7).keep_probability(1e-2)
    ratio = 1e-2 * (50 + 30 + 7 + 7) / 50
    assert kept[0] == pytest.approx(math.sqrt(ratio) + ratio, rel=1e-12)


def test_threshold_zero_keeps_every_word(vocabulary: Vocabulary) -> None:
    assert vocabulary.keep_probability(0).tolist() == [1.0] * 6


@pytest.mark.parametrize("exponent", [0.75, 0.5, 1.0, 0.0])
def test_noise_distribution(vocabulary: Vocabulary, exponent: float) -> None:
    noise = vocabulary.noise_distribution(exponent)
    total = sum(count**exponent for count in COUNTS)
    np.testing.assert_allclose(noise, [count**exponent / total for count in COUNTS], rtol=1e-12)
    assert noise.sum() == pytest.approx(1, abs=1e-12)
    assert noise.dtype == np.float64
