"""A trigram model with interpolated modified Kneser-Ney smoothing, the classic baseline of language models.

Chen and Goodman (1999), "An empirical study of smoothing techniques for language modeling", equations 27 to 31. With
c the count of an n-gram, D(c) one of three discounts for counts 1, 2 and 3 or more, and h' the context h without its
first word,

    p(w | h) = max(0, c(h w) - D(c(h w))) / c(h)  +  g(h) p(w | h'),
    g(h)     = sum over words v of min(D(c(h v)), c(h v)) / c(h).

Trigrams count occurrences. Lower orders count in how many different contexts an n-gram occurs: the number of words that
precede it. Below the unigrams is the uniform distribution. The discounts are Y = n1 / (n1 + 2 n2), D1 = 1 - 2 Y n2/n1,
D2 = 2 - 3 Y n3/n2, D3 = 3 - 4 Y n4/n3, where n_k is the number of n-grams with count k.
"""

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]


class KneserNeyTrigram:
    """The trigram model of a text.

    Args:
        tokens: (N,) word ids, at least three.
        size: V, the number of words of the vocabulary.
    """

    def __init__(self, tokens: NDArray[np.integer], size: int) -> None:
        self._size = size
        trigrams, counts = np.unique(_keys(tokens, 3, size), return_counts=True)
        # subtle: a lower order counts distinct n-grams of the order above, each without its first word
        bigrams, preceding = np.unique(trigrams % size**2, return_counts=True)
        words, contexts = np.unique(bigrams % size, return_counts=True)
        self._orders = [_Order(*each, size) for each in ((words, contexts), (bigrams, preceding), (trigrams, counts))]

    def probabilities(self, tokens: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the probability of each token after the first two, given the two tokens before it, (N - 2,)."""
        keys = _keys(tokens, 3, self._size)
        found = np.full(len(keys), 1 / self._size)
        for length, order in enumerate(self._orders, start=1):
            found = order.probabilities(keys % self._size**length, found)
        return found

    def perplexity(self, tokens: NDArray[np.integer]) -> float:
        """Return the perplexity of the tokens after the first two."""
        return float(np.exp(-np.log(self.probabilities(tokens)).mean()))


class _Order:
    """The counts of the n-grams of one length.

    Args:
        keys: (G,) the n-grams in ascending order, see `_keys`.
        counts: (G,) their counts.
        size: V, the number of words.
    """

    def __init__(self, keys: Ids, counts: Ids, size: int) -> None:
        self._keys, self._size = keys, size
        removed = np.minimum(_discounts(counts)[np.minimum(counts, 3)], counts)  # (G,)
        self._contexts, first = np.unique(keys // size, return_index=True)  # (C,) contexts, each with its first n-gram
        totals = np.add.reduceat(counts, first)  # (C,)
        self._backoff = np.add.reduceat(removed, first) / totals  # (C,)
        self._discounted = (counts - removed) / np.repeat(totals, np.diff(first, append=len(keys)))  # (G,)

    def probabilities(self, keys: Ids, lower: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities of n-grams (N,) from those of the order below (N,)."""
        place, known = _find(self._contexts, keys // self._size)
        backoff = np.where(known, self._backoff[place], 1.0)
        place, known = _find(self._keys, keys)
        return np.asarray(np.where(known, self._discounted[place], 0.0) + backoff * lower)


def _keys(tokens: NDArray[np.integer], length: int, size: int) -> Ids:
    """Return one number for each n-gram of a text, the digits of which, to the base `size`, are the words."""
    tokens = tokens.astype(np.int64)
    keys = np.zeros(len(tokens) - length + 1, np.int64)
    for place in range(length):
        keys = keys * size + tokens[place : len(keys) + place]
    return keys


def _discounts(counts: Ids) -> NDArray[np.float64]:
    """Return the discounts of the counts 0, 1, 2 and 3 or more, (4,)."""
    n1, n2, n3, n4 = (int((counts == count).sum()) for count in (1, 2, 3, 4))
    if not (n1 and n2 and n3):  # a text this small has no estimate
        return np.array([0.0, 0.5, 0.5, 0.5])
    y = n1 / (n1 + 2 * n2)
    estimates = np.array([0.0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3])
    discounts: NDArray[np.float64] = np.maximum(estimates, [0.0, 0.1, 0.1, 0.1])  # not 0, for words that are unseen
    return discounts


def _find(keys: Ids, asked: Ids) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the places of numbers among sorted keys, and whether they are there."""
    place = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    return place, keys[place] == asked
