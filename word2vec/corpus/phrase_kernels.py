"""The compiled passes over token ids: count pairs of words, and join those that are phrases.

A pair is two words of a sentence with nothing or only connector words between them. The connector words are one number,
their link: 0 for none, and otherwise an id for the link before the last of them and this word. A table of these ids is
filled first (`collect_links`), after which several threads can read it.

Pairs are counted exactly, and without a hash table of pairs: those that begin with the same word are gathered side by
side, as in a counting sort, and counted in an array with an element for each word, which fits the processor's cache.
Only pairs whose first word is in a range of ids are gathered at a time, so the memory is bounded.
"""

import numba
import numpy as np

from word2vec.system.jit import compiled

ONE, GOLDEN = np.uint64(1), np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, see word_kernels.py
MIX = np.uint64(0xC2B2AE3D27D4EB4F)
SECOND_BITS = np.int64(0x7FFFFFFF)  # of a key: the link in the high bits, the second word in the low ones
LINK_SHIFT = np.int64(32)


@numba.njit
def _slot(key, link, slots):  # type: ignore[no-untyped-def]
    """Return the slot where the search for a key begins; the number of slots is a power of two."""
    mixed = (np.uint64(key) ^ np.uint64(link) * MIX) * GOLDEN
    return np.int64((mixed >> np.uint64(32)) & np.uint64(slots - 1))


@numba.njit
def _find(table, key, link):  # type: ignore[no-untyped-def]
    """Return the slot of a key, or the empty slot where it belongs; `table` has the columns key + 1, link and id."""
    slot = _slot(key, link, len(table))
    while table[slot, 0] != 0 and (table[slot, 0] != key + 1 or table[slot, 1] != link):
        slot = (slot + 1) & (len(table) - 1)
    return slot


@numba.njit
def _next_link(links, link, word):  # type: ignore[no-untyped-def]
    """Return the id of a link followed by a connector word; 0 if it is not in the table."""
    return links[_find(links, (link << LINK_SHIFT) | np.int64(word), 0), 2]


@compiled
def insert_keys(table, keys, links, ids):  # type: ignore[no-untyped-def]
    """Insert keys into a table that is large enough; a key that is there already keeps its id.

    Args:
        table: (slots, 3) int64, a power of two of slots: key + 1, link and id; a key of 0 is an empty slot.
        keys: (n,) int64.
        links: (n,) int64.
        ids: (n,) int64.
    """
    for i in range(len(keys)):
        slot = _find(table, keys[i], links[i])
        if table[slot, 0] == 0:
            table[slot, 0], table[slot, 1], table[slot, 2] = keys[i] + 1, links[i], ids[i]


@compiled
def collect_links(tokens, offsets, is_connector, links, known, first):  # type: ignore[no-untyped-def]
    """Give an id to each sequence of connector words that follows another word.

    Args:
        tokens: (words,) int32.
        offsets: (sentences + 1,) int64.
        is_connector: (V,) bool.
        links: (slots, 3) int64, see `insert_keys`; the key of a link has link 0.
        known: The number of links in the table.
        first: The sentence to begin with.

    Returns:
        The number of links, and the sentence in which the table became half full; the number of sentences at the end.
    """
    for sentence in range(first, len(offsets) - 1):
        started, link = False, np.int64(0)
        for i in range(offsets[sentence], offsets[sentence + 1]):
            word = tokens[i]
            if not is_connector[word]:
                started, link = True, np.int64(0)
            elif started:
                key = (link << LINK_SHIFT) | np.int64(word)
                slot = _find(links, key, 0)
                if links[slot, 0] == 0:
                    if 2 * known >= len(links):
                        return known, sentence
                    known += 1
                    links[slot, 0], links[slot, 2] = key + 1, known
                link = links[slot, 2]
    return known, len(offsets) - 1


@compiled
def gather_pairs(tokens, offsets, is_connector, links, low, high, keys, ends):  # type: ignore[no-untyped-def]
    """Write the pairs whose first word is in a range, those of each first word side by side.

    Args:
        tokens: (words,) int32.
        offsets: (sentences + 1,) int64.
        is_connector: (V,) bool.
        links: The table that `collect_links` filled.
        low: The first word of the range.
        high: The word after the last one of the range.
        keys: (n,) int64, output: the link and the second word of each pair.
        ends: (high - low,) int64: where to write the pairs of each first word; output, where they end.
    """
    for sentence in range(len(offsets) - 1):
        first, link = np.int64(-1), np.int64(0)
        for i in range(offsets[sentence], offsets[sentence + 1]):
            word = np.int64(tokens[i])
            if is_connector[word]:
                if first >= 0:
                    link = _next_link(links, link, word)
                continue
            if low <= first < high:
                end = ends[first - low]
                keys[end] = (link << LINK_SHIFT) | word
                ends[first - low] = end + 1
            first, link = word, np.int64(0)


@compiled
def count_gathered(keys, starts, ends, min_count, seen, counts, firsts):  # type: ignore[no-untyped-def]
    """Count the pairs that `gather_pairs` wrote.

    Args:
        keys: (n,) int64, the links and the second words; output, those of the pairs that occur often enough.
        starts: (F,) int64, where the pairs of each first word begin.
        ends: (F,) int64, where they end.
        min_count: Pairs with lower counts are only counted as distinct.
        seen: (V,) int32 zeros, which are zeros again at the end.
        counts: (n // min_count,) int64, output: the count of each pair that is left.
        firsts: (n // min_count,) int64, output: its first word, as a number from 0 to F.

    Returns:
        The number of distinct pairs, and the number of those that are left.
    """
    distinct, left = 0, 0
    for first in range(len(starts)):
        direct, stop, i = starts[first], ends[first], starts[first]
        while i < stop:  # pairs without connector words are counted in `seen`; the others are moved to the end
            key = keys[i]
            if key > SECOND_BITS:
                stop -= 1
                keys[i], keys[stop] = keys[stop], key
                continue
            if seen[key] == 0:
                keys[direct] = key
                direct += 1
            seen[key] += 1
            i += 1
        distinct += direct - starts[first]
        linked = keys[stop : ends[first]]
        linked.sort()
        for i in range(starts[first], direct):
            key = keys[i]
            if seen[key] >= min_count:
                keys[left], counts[left], firsts[left] = key, seen[key], first
                left += 1
            seen[key] = 0
        i = 0
        while i < len(linked):
            end = i + 1
            while end < len(linked) and linked[end] == linked[i]:
                end += 1
            distinct += 1
            if end - i >= min_count:
                keys[left], counts[left], firsts[left] = linked[i], end - i, first
                left += 1
            i = end
    return distinct, left


@compiled
def join_pairs(  # type: ignore[no-untyped-def]
    tokens, offsets, first_sentence, last_sentence, is_connector, links, begins, phrases, joined, ends
):
    """Join the phrases of some sentences, from left to right.

    Args:
        tokens: (words,) int32.
        offsets: (sentences + 1,) int64.
        first_sentence: The first sentence to read.
        last_sentence: The sentence after the last one to read.
        is_connector: (V,) bool.
        links: The table that `collect_links` filled.
        begins: (V,) bool, whether a phrase begins with a word.
        phrases: (slots, 3) int64, see `insert_keys`: first << 32 | second, link, and the id of each phrase.
        joined: Output, int32 ids, as many as there are tokens in these sentences.
        ends: (last_sentence - first_sentence,) int64, output: the number of ids before the end of each sentence.

    Returns:
        The number of ids.
    """
    size = 0
    for sentence in range(first_sentence, last_sentence):
        first, link, place = np.int64(-1), np.int64(0), 0
        for i in range(offsets[sentence], offsets[sentence + 1]):
            word = np.int64(tokens[i])
            if is_connector[word]:
                if first >= 0:
                    link = _next_link(links, link, word)
            elif first >= 0 and begins[first]:
                slot = _find(phrases, (first << LINK_SHIFT) | word, link)
                if phrases[slot, 0] != 0:
                    joined[place] = phrases[slot, 2]
                    size, first = place + 1, np.int64(-1)
                    continue
                first, link, place = word, np.int64(0), size
            else:
                first, link, place = word, np.int64(0), size
            joined[size] = word
            size += 1
        ends[sentence - first_sentence] = size
    return size
