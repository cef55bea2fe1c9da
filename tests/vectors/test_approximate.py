"""Indexes of faiss and usearch, where these are installed."""

import sys

import numpy as np
import pytest

from word2vec.errors import Word2VecError
from word2vec.vectors.word_vectors import WordVectors

NOT_INSTALLED = "is not installed here; install the extra interop-test"


@pytest.fixture(scope="module")
def vectors() -> WordVectors:
    rng = np.random.default_rng(0)
    return WordVectors([f"w{row}" for row in range(300)], 7 * rng.standard_normal((300, 8)))


def exact(vectors: WordVectors) -> list[list[tuple[int, float]]]:
    """The rows and cosines of the first words, each of which is its own nearest one."""
    return [
        [(vectors.index(word), cosine) for word, cosine in each] for each in vectors.search(vectors.vectors[:20], n=5)
    ]


def test_faiss_finds_the_nearest_rows(vectors: WordVectors) -> None:
    pytest.importorskip("faiss", reason=f"faiss {NOT_INSTALLED}")
    cosines, rows = vectors.to_faiss().search(vectors.unit[:20], 5)
    for expected, found, scores in zip(exact(vectors), rows.tolist(), cosines.tolist(), strict=True):
        assert found == [row for row, _ in expected]
        np.testing.assert_allclose(scores, [cosine for _, cosine in expected], atol=1e-5)


def test_usearch_finds_the_nearest_rows(vectors: WordVectors) -> None:
    pytest.importorskip("usearch", reason=f"usearch {NOT_INSTALLED}")
    matches = vectors.to_usearch().search(vectors.vectors[:20], 5)
    for expected, found, distances in zip(exact(vectors), matches.keys.tolist(), matches.distances, strict=True):
        assert found == [row for row, _ in expected]
        np.testing.assert_allclose(1 - distances, [cosine for _, cosine in expected], atol=1e-5)


@pytest.mark.parametrize("library", ["faiss", "usearch"])
def test_missing_library_is_reported(library: str, vectors: WordVectors, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (library, f"{library}.index"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(Word2VecError, match=rf"{library} is not installed.*'word2vec-fused\[{library}\]'"):
        {"faiss": vectors.to_faiss, "usearch": vectors.to_usearch}[library]()
