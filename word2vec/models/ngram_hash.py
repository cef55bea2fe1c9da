"""Compiled functions of subwords.py: number and hashes of n-grams, and the sum of their rows in fastText's order."""

import numba
import numpy as np

from word2vec.system.jit import compiled

# 32-bit FNV-1a hash (Fowler, Noll and Vo)
OFFSET_BASIS, PRIME, LOW_32_BITS = np.uint64(2166136261), np.uint64(16777619), np.uint64(0xFFFFFFFF)
SIGN_BIT, SIGN_EXTENSION = np.uint64(0x80), np.uint64(0xFFFFFF00)


@numba.njit
def _is_continuation(byte):
    """Return whether a byte of UTF-8 belongs to the preceding character."""
    return byte & 0xC0 == 0x80


@numba.njit
def _hash_byte(hashed, byte):
    """Add a byte to the hash."""
    # subtle: fastText treats bytes as signed, so 0x80 becomes 0xFFFFFF80
    value = np.uint64(byte)
    if value & SIGN_BIT:
        value |= SIGN_EXTENSION
    return (hashed ^ value) * PRIME & LOW_32_BITS


@compiled
def count_ngrams(text, text_ends, min_n, max_n, ends):
    """Compute where the n-grams of each word end, if those of all words are listed one after the other.

    A word of C characters has C - n + 1 n-grams of n characters.

    Args:
        text: (N,) uint8, the concatenated words, each enclosed in < and >.
        text_ends: (W,) int64, end of each word in `text`.
        min_n: Number of characters of the shortest n-grams.
        max_n: Number of characters of the longest n-grams.
        ends: (W,) int64, output: end of each word's n-grams.
    """
    start, found, shortest = 0, 0, max(1, min_n)
    for word in range(len(text_ends)):
        characters = 0
        for at in range(start, text_ends[word]):
            characters += not _is_continuation(text[at])
        longest = min(max_n, characters)
        if shortest <= longest:
            found += (longest - shortest + 1) * (2 * (characters + 1) - shortest - longest) // 2
            if shortest == 1:
                found -= 2  # < or > alone is not an n-gram
        ends[word] = found
        start = text_ends[word]


@compiled
def hash_ngrams(text, text_ends, min_n, max_n, buckets, ids):
    """Compute the buckets of all n-grams of several words.

    Args:
        text: (N,) uint8, the concatenated words, each enclosed in < and >.
        text_ends: (W,) int64, end of each word in `text`.
        min_n: Number of characters of the shortest n-grams.
        max_n: Number of characters of the longest n-grams.
        buckets: Number of buckets.
        ids: (M,) int64, output: the buckets. M must be the number that `count_ngrams` finds.
    """
    start, found = 0, 0
    for word in range(len(text_ends)):
        end = text_ends[word]
        for first in range(start, end):
            if _is_continuation(text[first]):
                continue
            at, length, hashed = first, 0, OFFSET_BASIS
            while at < end and length < max_n:
                hashed = _hash_byte(hashed, text[at])
                at += 1
                while at < end and _is_continuation(text[at]):
                    hashed = _hash_byte(hashed, text[at])
                    at += 1
                length += 1
                bracket = length == 1 and (first == start or at == end)  # < or > alone is not an n-gram
                if length >= min_n and not bracket:
                    ids[found] = np.int64(hashed % np.uint64(buckets))
                    found += 1
        start = end


@compiled
def add_rows(rows, owners, sums):
    """Add each row (R, D) to the sum of its owner (words, D), one by one in float32, as fastText does.

    subtle: numpy sums pairwise, which rounds differently, so its results would not equal fastText's exactly.
    """
    for row in range(len(rows)):
        for column in range(rows.shape[1]):
            sums[owners[row], column] += rows[row, column]
