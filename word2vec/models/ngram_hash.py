"""The compiled parts of subwords.py: the hash of n-grams, and the sum of their rows in fastText's order."""

import numba
import numpy as np

from word2vec.system.jit import compiled

# FNV-1a in 32 bits (Fowler, Noll and Vo)
OFFSET_BASIS, PRIME, LOW_32_BITS = np.uint64(2166136261), np.uint64(16777619), np.uint64(0xFFFFFFFF)
SIGN_BIT, SIGN_EXTENSION = np.uint64(0x80), np.uint64(0xFFFFFF00)


@numba.njit
def _continues(byte):
    """Whether a byte of UTF-8 belongs to the character before it."""
    return byte & 0xC0 == 0x80


@numba.njit
def _mixed(hashed, byte):
    """One step of the hash."""
    # subtle: fastText takes bytes for signed numbers, so 0x80 becomes 0xFFFFFF80
    value = np.uint64(byte)
    if value & SIGN_BIT:
        value |= SIGN_EXTENSION
    return (hashed ^ value) * PRIME & LOW_32_BITS


@compiled
def hash_ngrams(text, text_ends, shortest, longest, buckets, ids, ends):
    """The buckets of all n-grams of some words.

    Args:
        text: (N,) uint8, the words in < and >, one behind the other.
        text_ends: (W,) int64, where each word ends.
        shortest: characters of the shortest n-gram.
        longest: characters of the longest.
        buckets: how many there are.
        ids: (M,) int64, where the buckets go; M is N times the number of lengths, or more.
        ends: (W,) int64, where each word's last n-gram ends in `ids`.
    """
    start, found = 0, 0
    for word in range(len(text_ends)):
        end = text_ends[word]
        for first in range(start, end):
            if _continues(text[first]):
                continue
            at, length, hashed = first, 0, OFFSET_BASIS
            while at < end and length < longest:
                hashed = _mixed(hashed, text[at])
                at += 1
                while at < end and _continues(text[at]):
                    hashed = _mixed(hashed, text[at])
                    at += 1
                length += 1
                alone = length == 1 and (first == start or at == end)  # < and > say nothing by themselves
                if length >= shortest and not alone:
                    ids[found] = np.int64(hashed % np.uint64(buckets))
                    found += 1
        ends[word] = found
        start = end


@compiled
def add_rows(rows, owners, sums):
    """Adds each row, (R, D), to the sum of its owner, (words, D), one by one in float32 as fastText does it.

    subtle: numpy's own sums go by pairs, which rounds otherwise; so they would not be fastText's to the bit.
    """
    for row in range(len(rows)):
        for column in range(rows.shape[1]):
            sums[owners[row], column] += rows[row, column]
