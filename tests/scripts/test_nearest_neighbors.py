"""evaluation/nearest_neighbors.py: passages, recall, and a small run where faiss and usearch are installed."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from word2vec import WordVectors

module: Any = importlib.import_module("nearest_neighbors")


@pytest.fixture
def vectors() -> WordVectors:
    words = [f"w{row}" for row in range(50)]
    return WordVectors(words, np.random.default_rng(0).standard_normal((50, 6)), counts=range(50, 0, -1))


def test_passages_are_weighted_means_of_known_words(vectors: WordVectors) -> None:
    words = ["w1", "unknown", "w2"] * 20  # 40 known words, so two passages
    encoded = module.encode_passages(vectors, words)
    weights = [0.001 / (0.001 + vectors.counts[row] / vectors.counts.sum()) for row in (1, 2)]
    expected = (weights[0] * vectors["w1"] + weights[1] * vectors["w2"]) / 2
    np.testing.assert_allclose(encoded, [expected] * 2, rtol=1e-5)


def test_recall_is_the_fraction_of_neighbors_found() -> None:
    exact = np.array([[1, 2, 3, 4], [5, 6, 7, 8]])
    found = module.measure(lambda queries: np.array([[4, 3, 2, 1], [5, 0, 9, 6]]), np.zeros((2, 3)), exact)
    assert found["recall"] == 6 / 8
    assert found["ms_per_query"] >= 0


def test_report(vectors: WordVectors, tmp_path: Path) -> None:
    for library in ("faiss", "usearch"):
        pytest.importorskip(library, reason=f"{library} is not installed here; install the extra interop-test")
    vectors.save(tmp_path / "run")
    words = np.random.default_rng(0).choice(vectors.words, 16 * 200)
    (tmp_path / "corpus").write_text(" ".join(words))
    arguments = [tmp_path / "run", tmp_path / "corpus", "--passages", 150, "--queries", 20, "--output", tmp_path / "r"]
    module.main([str(argument) for argument in arguments])
    report = json.loads((tmp_path / "r").read_text())
    assert (report["passages"], report["dimensions"], report["queries"]) == (150, 6, 20)
    assert report["results"].keys() == {"exact", "faiss", "usearch"}
    for library in ("faiss", "usearch"):
        assert [each["recall"] for each in report["results"][library]["searches"]][-1] > 0.99
