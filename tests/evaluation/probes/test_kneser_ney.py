"""The trigram model against a transcription of the formulas with dictionaries."""

from collections import Counter

import numpy as np
import pytest

from word2vec.evaluation.probes.kneser_ney import KneserNeyTrigram

SIZE = 60
DRAW = np.random.default_rng(5)
TOKENS = np.minimum(DRAW.zipf(1.6, 1500) - 1, SIZE - 1)  # (1500,) some words are frequent, as in text


def discounts(counts: Counter[tuple[int, ...]]) -> list[float]:
    number = Counter(counts.values())
    if not all(number[k] for k in (1, 2, 3)):  # there is no estimate
        return [0.0, 0.5, 0.5, 0.5]
    y = number[1] / (number[1] + 2 * number[2])
    return [0.0, *(max(0.1, k - (k + 1) * y * number[k + 1] / number[k]) for k in (1, 2, 3))]


def reference(word: int, context: tuple[int, ...], orders: list[Counter[tuple[int, ...]]]) -> float:
    if not orders:
        return 1 / SIZE
    lower = reference(word, context[1:], orders[:-1])
    counts = {gram[-1]: count for gram, count in orders[-1].items() if gram[:-1] == context}
    if not counts:
        return lower
    discount = discounts(orders[-1])
    removed = {each: min(discount[min(count, 3)], count) for each, count in counts.items()}
    backoff = sum(removed.values()) / sum(counts.values())
    return (counts.get(word, 0) - removed.get(word, 0.0)) / sum(counts.values()) + backoff * lower


def test_probabilities_are_those_of_the_formulas() -> None:
    text = [int(token) for token in TOKENS]
    trigrams = Counter(zip(text, text[1:], text[2:], strict=False))
    bigrams = Counter(gram[1:] for gram in trigrams)
    words = Counter(gram[1:] for gram in bigrams)
    asked = np.concatenate([TOKENS[:30], DRAW.integers(0, SIZE, 30)])
    found = KneserNeyTrigram(TOKENS, SIZE).probabilities(asked)
    orders: list[Counter[tuple[int, ...]]] = [words, bigrams, trigrams]  # type: ignore[list-item]
    expected = [
        reference(int(asked[place]), (int(asked[place - 2]), int(asked[place - 1])), orders) for place in range(2, 60)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("context", [(0, 0), (0, 50), (59, 40)])
def test_probabilities_sum_to_one(context: tuple[int, int]) -> None:
    model = KneserNeyTrigram(TOKENS[:200], SIZE)
    total = sum(model.probabilities(np.array([*context, word]))[0] for word in range(SIZE))
    assert total == pytest.approx(1, abs=1e-12)
    assert all(model.probabilities(np.array([*context, word]))[0] > 0 for word in range(SIZE))


def test_perplexity_of_a_predictable_text_is_low() -> None:
    text = np.tile(np.arange(SIZE), 50)
    assert KneserNeyTrigram(text, SIZE).perplexity(text) < 1.2
    assert KneserNeyTrigram(DRAW.integers(0, SIZE, 20_000), SIZE).perplexity(
        DRAW.integers(0, SIZE, 500)
    ) == pytest.approx(SIZE, rel=0.2)
