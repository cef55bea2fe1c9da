"""Count the pairs of words of a corpus and score them.

A pair is a phrase if its score is above a threshold. With the counts n_a and n_b of two words, n_ab of the pair, N
words in the corpus, and V distinct words and pairs (connector words excepted), the scores are

    original: (n_ab - min_count) / (n_a n_b) V
    npmi: log(n_ab N / (n_a n_b)) / -log(n_ab / N)

The counts are exact. Counting takes at most about `GATHERED_PAIRS` times eight bytes, or eight bytes for each
occurrence of the most frequent word if that is more, and about 32 bytes for each pair that occurs `min_count` times.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from word2vec.corpus.phrase_kernels import (
    LINK_SHIFT,
    SECOND_BITS,
    collect_links,
    count_gathered,
    gather_pairs,
    insert_keys,
)
from word2vec.corpus.phrases import PhraseSettings
from word2vec.corpus.threaded_map import threaded_map
from word2vec.errors import CorpusError
from word2vec.system.processors import usable_processors

Ids = npt.NDArray[np.int64]

GATHERED_PAIRS = 1 << 25  # pairs in memory at a time, of all threads together: 256 MiB
CHECKED_WORDS = 1 << 24  # words counted at a time
FIRST_SLOTS = 1 << 10  # of a table of links
ROUNDING = 1e-9  # far more than the errors of numpy's logarithm, far less than any difference that matters


@dataclass(frozen=True)
class Links:
    """The sequences of connector words between two other words; see phrase_kernels.py.

    Attributes:
        is_connector: (V,) Whether each word is a connector word.
        table: (slots, 3) The ids of the links by the link before, and the last word.
    """

    is_connector: npt.NDArray[np.bool_]
    table: Ids

    def words_of(self, link: int) -> list[int]:
        """Return the connector words of a link, in the order of the text."""
        words: list[int] = []
        while link:
            key = self._keys[link]
            words.append(key & int(SECOND_BITS))
            link = key >> int(LINK_SHIFT)
        return words[::-1]

    @cached_property
    def _keys(self) -> dict[int, int]:
        used = self.table[self.table[:, 0] != 0]
        return dict(zip(used[:, 2].tolist(), (used[:, 0] - 1).tolist(), strict=True))


@dataclass(frozen=True)
class PairCounts:
    """The pairs that occur often enough, in the order of their first words.

    Attributes:
        first: (P,) The first word of each pair.
        second: (P,) The second word.
        link: (P,) The connector words between them.
        counts: (P,) How often the pair occurs.
        distinct: The number of distinct pairs, including those that are too rare to be listed.
    """

    first: Ids
    second: Ids
    link: Ids
    counts: Ids
    distinct: int

    def __getitem__(self, rows: npt.NDArray[Any]) -> "PairCounts":
        return PairCounts(self.first[rows], self.second[rows], self.link[rows], self.counts[rows], self.distinct)


def check_counts(tokens: npt.NDArray[np.int32], counts: Ids) -> None:
    """Check the ids and counts of a corpus, which the compiled passes rely on: they check no bounds.

    Raises:
        CorpusError: The ids are not those of the counts (V,).
    """
    found = np.zeros(len(counts), np.int64)
    for start in range(0, len(tokens), CHECKED_WORDS):
        block = tokens[start : start + CHECKED_WORDS]
        if block.min() < 0 or block.max() >= len(counts):
            break
        found += np.bincount(block, minlength=len(counts))
    if not np.array_equal(found, counts):
        raise CorpusError(
            "the index of the corpus is damaged: its counts are not those of its words; delete the index, which is "
            "built again"
        )


def find_links(tokens: npt.NDArray[np.int32], offsets: Ids, is_connector: npt.NDArray[np.bool_]) -> Links:
    """Return the links of a corpus."""
    links, known, sentence = np.zeros((FIRST_SLOTS, 3), np.int64), 0, 0
    while is_connector.any():
        known, sentence = collect_links(tokens, offsets, is_connector, links, known, sentence)
        if sentence == len(offsets) - 1:
            break
        links = make_table(len(links), links[links[:, 0] != 0])
    return Links(is_connector, links)


def make_table(entries: int, rows: Ids) -> Ids:
    """Return a hash table, (slots, 3), at most half full with a number of entries, that contains rows of another."""
    table = np.zeros((1 << max(1, (2 * entries - 1).bit_length()), 3), np.int64)
    insert_keys(table, rows[:, 0] - 1, np.ascontiguousarray(rows[:, 1]), np.ascontiguousarray(rows[:, 2]))
    return table


def count_pairs(
    tokens: npt.NDArray[np.int32],
    offsets: Ids,
    counts: Ids,
    links: Links,
    min_count: int,
    threads: int | None = None,
) -> PairCounts:
    """Count the pairs of a corpus.

    Args:
        tokens: (words,) The ids.
        offsets: (sentences + 1,) Where sentences begin.
        counts: (V,) How often each word occurs.
        links: The connector words.
        min_count: Pairs that occur fewer times are not listed.
        threads: The number of threads; all processors by default. The result does not depend on it.
    """
    threads = threads or usable_processors()

    def count(words: tuple[int, int]) -> PairCounts:
        low, high = words
        starts = np.cumsum(counts[low:high]) - counts[low:high]  # (high - low,)
        total, ends = int(counts[low:high].sum()), starts.copy()
        keys = np.empty(total, np.int64)
        gather_pairs(tokens, offsets, links.is_connector, links.table, low, high, keys, ends)
        found, firsts = np.empty((2, total // min_count + 1), np.int64)
        seen = np.zeros(len(counts), np.int32)
        distinct, left = count_gathered(keys, starts, ends, min_count, seen, found, firsts)
        kept = keys[:left]
        return PairCounts(
            firsts[:left] + low, kept & SECOND_BITS, kept >> LINK_SHIFT, found[:left].copy(), int(distinct)
        )

    parts = list(threaded_map(count, _ranges(counts, threads), threads))
    return PairCounts(
        first=np.concatenate([part.first for part in parts]),
        second=np.concatenate([part.second for part in parts]),
        link=np.concatenate([part.link for part in parts]),
        counts=np.concatenate([part.counts for part in parts]),
        distinct=sum(part.distinct for part in parts),
    )


def _ranges(counts: Ids, threads: int) -> list[tuple[int, int]]:
    """Divide the words into ranges of at most GATHERED_PAIRS / threads occurrences, or of a single word."""
    ends = np.cumsum(counts)
    limit = max(1, min(GATHERED_PAIRS, int(ends[-1])) // threads)
    ranges, low = [], 0
    while low < len(counts):
        before = int(ends[low - 1]) if low else 0
        high = max(low + 1, int(np.searchsorted(ends, before + limit, side="right")))
        ranges.append((low, high))
        low = high
    return ranges


def score(
    pairs: PairCounts, counts: Ids, settings: PhraseSettings, distinct: int, words: int
) -> npt.NDArray[np.float64]:
    """Return the scores of pairs, (P,).

    Args:
        pairs: The pairs.
        counts: (V,) How often each word occurs.
        settings: The scoring and its `min_count`.
        distinct: The number of distinct words and pairs.
        words: The number of words in the corpus.
    """
    first, second = counts[pairs.first], counts[pairs.second]  # (P,)
    if settings.scoring == "original":
        products = (first * second).astype(np.float64)
        return np.asarray((pairs.counts - settings.min_count) / products * distinct, np.float64)
    p_first, p_second, p_pair = first / words, second / words, pairs.counts / words
    scores = np.asarray(np.log(p_pair / (p_first * p_second)) / -np.log(p_pair), np.float64)
    near = np.flatnonzero(scores > settings.above - ROUNDING)
    # subtle: computed again without numpy, whose logarithm may differ in the last digit between processors
    scores[near] = _npmi(p_pair[near].tolist(), (p_first * p_second)[near].tolist())
    return scores


def _npmi(pairs: Sequence[float], independent: Sequence[float]) -> list[float]:
    return [math.log(pair / chance) / -math.log(pair) for pair, chance in zip(pairs, independent, strict=True)]
