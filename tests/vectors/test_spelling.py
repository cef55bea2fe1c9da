"""Spelling suggestions for unknown words."""

import time

import numpy as np

from word2vec.vectors.spelling import similar_spellings, unknown_word


def distance(a: str, b: str) -> int:
    """Damerau's distance (deletion, insertion, substitution, transposition), computed from its definition."""
    table = np.add.outer(np.arange(len(a) + 1), np.arange(len(b) + 1))
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            changed = table[i - 1, j - 1] + (a[i - 1] != b[j - 1])
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, changed)
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return int(table[-1, -1])


def test_every_kind_of_typo_is_found() -> None:
    words = ["the", "queen", "kingdom", "naïve", "zebra"]
    for typed in ("queem", "quen", "queeen", "qeuen", "jueen", "queenx"):
        assert similar_spellings(typed, words) == ["queen"], typed
    assert similar_spellings("naive", words) == ["naïve"]
    assert similar_spellings("cta", ["cat", "rotas"]) == ["cat"]  # a transposition is one edit


def test_suggestions_are_sorted_by_distance() -> None:
    rng = np.random.default_rng(1)
    words = ["".join(rng.choice(list("abc"), rng.integers(3, 8))) for _ in range(300)]
    for typed in words[:20]:
        similarity = {word: round(1 - distance(typed, word) / max(len(typed), len(word)), 9) for word in words}
        found = [similarity[word] for word in similar_spellings(typed, words)]
        assert found == sorted((similarity[word] for word in words), reverse=True)[:3]


def test_ties_go_to_the_more_frequent_word() -> None:
    assert similar_spellings("kint", ["the", "kind", "king", "kin", "kink", "zint"], n=4) == [
        "kind",
        "king",
        "kin",
        "kink",
    ]
    assert similar_spellings("kint", ["kink", "zint", "kin", "king", "kind"], n=2) == ["kink", "zint"]


def test_nothing_is_suggested_without_a_similar_word() -> None:
    words = ["the", "king", "queen"]
    assert similar_spellings("xylophone", words) == []
    assert similar_spellings("", words) == []
    assert similar_spellings("k" * 65, ["k" * 64]) == []  # too long for a typo, and slow to compare


def test_another_case_is_suggested_first() -> None:
    words = ["paris", "Pariz", "USA"]
    assert str(unknown_word("Paris", words, set(words))).endswith("but 'paris' does; words are case-sensitive")
    assert str(unknown_word("usa", words, set(words))).endswith("but 'USA' does; words are case-sensitive")
    assert str(unknown_word("USB", words, set(words))).endswith("similar spellings: USA")


def test_very_long_words_are_skipped_quickly() -> None:
    words = [f"{row:x}" for row in range(200_000)]
    started = time.perf_counter()
    assert similar_spellings("f" * 100_000, words) == []
    assert time.perf_counter() - started < 0.1
