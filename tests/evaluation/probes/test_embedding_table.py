"""The tables that probes start from."""

import numpy as np
import pytest

from word2vec.evaluation.probes.embedding_table import DEVIATION, random_table, vector_table
from word2vec.models.subwords import Subwords
from word2vec.vectors.word_vectors import WordVectors


def test_vectors_are_centered_and_scaled_and_missing_words_are_random() -> None:
    rows = 5 + 7 * np.random.default_rng(0).normal(size=(200, 10))
    vectors = WordVectors([f"w{number}" for number in range(200)], rows)
    words = ["new", *reversed(vectors.words)]
    table, known = vector_table(vectors, words, np.random.default_rng(1))
    assert known.tolist() == [False] + [True] * 200
    centered = (rows - rows.mean(axis=0))[::-1]
    np.testing.assert_allclose(table[1:], centered * DEVIATION / centered.std(), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(table[0], random_table(201, 10, np.random.default_rng(1))[0])
    assert random_table(1000, 10, np.random.default_rng(1)).std() == pytest.approx(DEVIATION, rel=0.05)


def test_ngrams_give_vectors_to_unknown_words() -> None:
    rows = np.random.default_rng(0).normal(size=(2, 4)).astype(np.float32)
    subwords = Subwords(np.ones((50, 4), np.float32), 3, 6, word_rows=rows)
    vectors = WordVectors(["walking", "talking"], rows, subwords=subwords)
    assert vector_table(vectors, ["stalking", "walking"], np.random.default_rng(1))[1].all()
