"""Pipelines of spaCy with word vectors, compared with spaCy where it is installed."""

import sys
from pathlib import Path

import numpy as np
import pytest

from word2vec.errors import Word2VecError
from word2vec.vectors.word_vectors import WordVectors


def test_pipeline_has_the_vectors(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy", reason="spaCy is not installed here; install the extra interop-test")
    words = ["king", "Größe", "case", "nsubj", "ORTH"]  # spaCy has identifiers of its own for the last three
    vectors = WordVectors(words, np.random.default_rng(0).standard_normal((5, 4)))
    vectors.save(tmp_path / "pipeline", format="spacy")
    pipeline = spacy.load(tmp_path / "pipeline")
    for word in words:
        np.testing.assert_array_equal(pipeline.vocab[word].vector, vectors[word])
    assert not pipeline.vocab.has_vector("unknown")
    document = pipeline("king Größe")
    np.testing.assert_allclose(document.vector, vectors[["king", "Größe"]].mean(axis=0), atol=1e-6)
    assert (tmp_path / "pipeline" / "README.md").read_text(encoding="utf-8").startswith("---\nlibrary_name: spacy\n")


def test_missing_spacy_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(Word2VecError, match=r"spaCy is not installed.*word2vec-fused\[spacy\].*spacy init vectors"):
        WordVectors(["a"], np.ones((1, 2))).save(tmp_path / "pipeline", format="spacy")
    assert list(tmp_path.iterdir()) == []
