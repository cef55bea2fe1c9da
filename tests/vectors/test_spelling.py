"""What an unknown word may have been meant to be."""

import time

import numpy as np

from word2vec.vectors.spelling import spellings, unknown_word


def distance(a: str, b: str) -> int:
    """Letters left out, put in, changed or swapped with their neighbor: the definition, cell by cell."""
    table = np.add.outer(np.arange(len(a) + 1), np.arange(len(b) + 1))
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            changed = table[i - 1, j - 1] + (a[i - 1] != b[j - 1])
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, changed)
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return int(table[-1, -1])


def test_every_slip_of_the_pen_is_found() -> None:
    words = ["the", "queen", "kingdom", "naïve", "zebra"]
    for typed in ("queem", "quen", "queeen", "qeuen", "jueen", "queenx"):
        assert spellings(typed, words) == ["queen"], typed
    assert spellings("naive", words) == ["naïve"]
    assert spellings("cta", ["cat", "rotas"]) == ["cat"]  # two letters swapped are one slip


def test_the_nearest_come_first_as_the_definition_says() -> None:
    rng = np.random.default_rng(1)
    words = ["".join(rng.choice(list("abc"), rng.integers(3, 8))) for _ in range(300)]
    for typed in words[:20]:
        likeness = {word: round(1 - distance(typed, word) / max(len(typed), len(word)), 9) for word in words}
        found = [likeness[word] for word in spellings(typed, words)]
        assert found == sorted((likeness[word] for word in words), reverse=True)[:3]


def test_of_equally_near_ones_the_most_frequent_come_first() -> None:
    assert spellings("kint", ["the", "kind", "king", "kin", "kink", "zint"], n=4) == ["kind", "king", "kin", "kink"]
    assert spellings("kint", ["kink", "zint", "kin", "king", "kind"], n=2) == ["kink", "zint"]


def test_nothing_alike_is_suggested_as_nothing() -> None:
    words = ["the", "king", "queen"]
    assert spellings("xylophone", words) == []
    assert spellings("", words) == []
    assert spellings("k" * 65, ["k" * 64]) == []  # no slip of the pen, and long to compare


def test_another_case_goes_before_spellings() -> None:
    words = ["paris", "Pariz", "USA"]
    assert str(unknown_word("Paris", words, set(words))).endswith("but 'paris' has; upper and lower case differ")
    assert str(unknown_word("usa", words, set(words))).endswith("but 'USA' has; upper and lower case differ")
    assert str(unknown_word("USB", words, set(words))).endswith("the nearest spellings are: USA")


def test_a_long_word_among_many_is_answered_soon() -> None:
    words = [f"{row:x}" for row in range(200_000)]
    started = time.perf_counter()
    assert spellings("f" * 100_000, words) == []
    assert time.perf_counter() - started < 0.1
