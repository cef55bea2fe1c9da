"""The quantized vectors: their accuracy and their size."""

import math

import numpy as np
import pytest

from word2vec.report.embedded import agreement, embed, quantize
from word2vec.vectors.word_vectors import WordVectors


def vectors(words: int, dim: int, seed: int = 0) -> WordVectors:
    return WordVectors([f"w{i}" for i in range(words)], np.random.default_rng(seed).normal(size=(words, dim)))


def test_quantization_uses_the_whole_range() -> None:
    rows = np.array([[0.5, -1.0, 0.25], [0, 0, 0], [1e-30, 0, 0]], dtype=np.float32)
    assert quantize(rows).tolist() == [[64, -127, 32], [0, 0, 0], [127, 0, 0]]


def test_cosines_hardly_change() -> None:
    unit = vectors(200, 50).unit
    rounded = quantize(unit).astype(np.float64)
    rounded /= np.linalg.norm(rounded, axis=1, keepdims=True)
    # each of 50 entries is off by at most half a step: 1/254 of the largest entry, which is below 0.6 here
    assert np.abs(rounded @ rounded.T - unit @ unit.T).max() < 0.01


def test_as_many_words_as_fit() -> None:
    chosen = embed(vectors(100, 8), max_bytes=400)
    assert chosen.rows.shape == (50, 8)
    assert chosen.rows.dtype == np.int8
    assert chosen.words == [f"w{i}" for i in range(50)]
    assert len(embed(vectors(100, 8), max_bytes=1).words) == 1
    assert len(embed(vectors(100, 8)).words) == 100


def test_neighbors_missing_from_the_page_count_as_errors() -> None:
    whole = embed(vectors(300, 20))
    assert whole.agreement == whole.agreement_all
    third = embed(vectors(300, 20), max_bytes=2000)  # a third of the words, so a third of the neighbors
    assert third.agreement > 0.9
    assert third.agreement_all == pytest.approx(1 / 3, abs=0.05)


def test_agreement_is_measured() -> None:
    unit = vectors(300, 20).unit
    exact = np.rint(unit * 1e6).astype(np.int32)
    assert agreement(unit, exact) == 1.0  # type: ignore[arg-type]
    assert 0.9 < agreement(unit, quantize(unit)) < 1.0
    coarse = np.sign(unit).astype(np.int8)
    assert 0.2 < agreement(unit, coarse) < 0.8
    other = quantize(vectors(300, 20, seed=1).unit)
    assert agreement(unit, other) == pytest.approx(10 / 299, abs=0.03)  # by chance
    assert math.isnan(agreement(unit[:1], coarse[:1]))
