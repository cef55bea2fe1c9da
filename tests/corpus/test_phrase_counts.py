"""Pairs of words: their counts and scores agree with the definition, whatever the blocks, threads and links."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from word2vec.corpus import phrase_counts
from word2vec.corpus.phrase_counts import PairCounts, check_counts, count_pairs, find_links, score
from word2vec.corpus.phrases import PhraseSettings
from word2vec.errors import CorpusError

WORDS = 40
CONNECTORS = [0, 3, 4]


def random_corpus(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ids, offsets and counts of sentences of 0 to 200 words, of which many are connector words."""
    draw = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(draw.integers(0, 200, 60))])
    tokens = np.minimum(draw.geometric(0.12, offsets[-1]) - 1, WORDS - 1).astype(np.int32)
    return tokens, offsets, np.bincount(tokens, minlength=WORDS)


def by_definition(tokens: np.ndarray, offsets: np.ndarray) -> Counter[tuple[int, ...]]:
    """Count the pairs of a corpus, with the connector words between them."""
    found: Counter[tuple[int, ...]] = Counter()
    for start, end in pairwise(offsets.tolist()):
        pending: list[int] = []
        for word in tokens[start:end].tolist():
            if word in CONNECTORS:
                pending += [word] if pending else []
                continue
            if pending:
                found[(*pending, word)] += 1
            pending = [word]
    return found


def counted(min_count: int = 1, threads: int = 1) -> tuple[PairCounts, dict[tuple[int, ...], int]]:
    tokens, offsets, counts = random_corpus()
    is_connector = np.isin(np.arange(WORDS), CONNECTORS)
    links = find_links(tokens, offsets, is_connector)
    pairs = count_pairs(tokens, offsets, np.where(is_connector, 0, counts), links, min_count, threads)
    columns = zip(pairs.first.tolist(), pairs.link.tolist(), pairs.second.tolist(), pairs.counts.tolist(), strict=True)
    return pairs, {(first, *links.words_of(link), second): count for first, link, second, count in columns}


@pytest.mark.parametrize(("min_count", "threads", "gathered"), [(1, 1, 1 << 25), (3, 2, 1 << 25), (2, 2, 500)])
def test_counts_are_exact_in_blocks_of_any_size(
    min_count: int, threads: int, gathered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phrase_counts, "GATHERED_PAIRS", gathered)
    monkeypatch.setattr(phrase_counts, "FIRST_SLOTS", 4)  # so that the table of links grows
    tokens, offsets, _ = random_corpus()
    expected = by_definition(tokens, offsets)
    assert max(map(len, expected)) > 4
    pairs, found = counted(min_count, threads)
    assert pairs.distinct == len(expected)
    assert found == {words: count for words, count in expected.items() if count >= min_count}


def test_scores_are_those_of_the_formulas() -> None:
    pairs, _ = counted()
    tokens, _, counts = random_corpus()
    original = score(pairs, counts, PhraseSettings(min_count=2), 1234, len(tokens)).tolist()
    npmi = score(pairs, counts, PhraseSettings("npmi", 0.1), 1234, len(tokens)).tolist()
    for row, (first, second, count) in enumerate(
        zip(pairs.first.tolist(), pairs.second.tolist(), pairs.counts.tolist(), strict=True)
    ):
        a, b, n = int(counts[first]), int(counts[second]), len(tokens)
        assert original[row] == (count - 2) / (a * b) * 1234
        expected = math.log(count / n / (a / n * (b / n))) / -math.log(count / n)
        assert npmi[row] == (expected if expected > 0.1 else pytest.approx(expected, abs=1e-12))


def test_a_range_of_first_words_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phrase_counts, "GATHERED_PAIRS", 1000)
    counts = np.array([900, 400, 300, 300, 200, 100, 90, 1])
    ranges = phrase_counts._ranges(counts, threads=2)
    assert [word for low, high in ranges for word in range(low, high)] == list(range(8))
    assert all(counts[low:high].sum() <= 500 or high - low == 1 for low, high in ranges)


def test_counts_that_are_not_those_of_the_words_are_rejected() -> None:
    tokens = np.array([0, 1, 0, 2], np.int32)
    check_counts(tokens, np.array([2, 1, 1]))
    for counts in ([1, 1, 2], [2, 1], [2, 1, 1, 1]):  # compiled code would write beyond its arrays
        with pytest.raises(CorpusError, match="damaged"):
            check_counts(tokens, np.array(counts))
