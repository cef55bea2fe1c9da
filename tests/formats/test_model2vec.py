"""Folders for model2vec and sentence-transformers, compared with these libraries where they are installed."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from word2vec.errors import FormatError
from word2vec.vectors.documents import DocumentVectorizer
from word2vec.vectors.weighting import sif_weighted
from word2vec.vectors.word_vectors import WordVectors

NOT_INSTALLED = "not installed here; install the extra interop-test"
WORDS = ["the", "king", "of", "don't", "straße", "[UNK]"]
TEXTS = ["the king of straße", "unknown the king", "", "unknown"]


@pytest.fixture
def vectors() -> WordVectors:
    rng = np.random.default_rng(0)
    return WordVectors(WORDS, rng.standard_normal((len(WORDS), 5)), counts=[90, 9, 70, 3, 2, 1])


@pytest.fixture
def folder(vectors: WordVectors, tmp_path: Path) -> Path:
    vectors.save(tmp_path / "encoder", format="model2vec")
    return tmp_path / "encoder"


def tokenizer(vectors: WordVectors, folder: Path) -> dict:
    vectors.save(folder, format="model2vec")
    return json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))


def test_unknown_words_have_a_row_of_zeros_and_a_name_that_is_no_word(vectors: WordVectors, folder: Path) -> None:
    embeddings = load_file(folder / "model.safetensors")["embeddings"]
    np.testing.assert_array_equal(embeddings, np.concatenate([np.zeros((1, 5)), vectors.vectors]))
    model = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    assert model["unk_token"] == "[[UNK]]"
    assert list(model["vocab"]) == ["[[UNK]]", *WORDS]
    assert list(model["vocab"].values()) == list(range(7))


def test_rules_of_the_tokenizer_follow_from_the_vocabulary(tmp_path: Path) -> None:
    lowercase, replace = tokenizer(WordVectors(["a", "don't"], np.eye(2)), tmp_path / "1")["normalizer"]["normalizers"]
    assert lowercase == {"type": "Lowercase"}
    assert "\\." in replace["pattern"]["Regex"]
    assert "'" not in replace["pattern"]["Regex"]
    (replace,) = tokenizer(WordVectors(["A", "."], np.eye(2)), tmp_path / "2")["normalizer"]["normalizers"]
    assert "\\." not in replace["pattern"]["Regex"]


def test_words_that_the_tokenizer_would_split_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"'new york' in row 2 .* contains whitespace") as caught:
        WordVectors(["a", "new york"], np.eye(2)).save(tmp_path / "encoder", format="model2vec")
    assert str(caught.value).startswith(f"cannot write {tmp_path / 'encoder'}: ")
    assert list(tmp_path.iterdir()) == []


def test_model2vec_returns_the_mean_of_the_words(vectors: WordVectors, folder: Path, tmp_path: Path) -> None:
    model2vec = pytest.importorskip("model2vec", reason=f"model2vec is {NOT_INSTALLED}")
    expected = DocumentVectorizer(vectors).fit_transform(TEXTS)
    model = model2vec.StaticModel.from_pretrained(folder)
    np.testing.assert_allclose(model.encode(TEXTS), expected, atol=1e-6)
    lowercase = WordVectors(WORDS[:5], vectors.vectors[:5])
    lowercase.save(tmp_path / "lowercase", format="model2vec")
    model = model2vec.StaticModel.from_pretrained(tmp_path / "lowercase")
    expected = vectors[["straße", "king", "don't"]].mean(axis=0)
    np.testing.assert_allclose(model.encode("Straße, (KING) don't!"), expected, atol=1e-6)
    sif = DocumentVectorizer(vectors, weighting="sif").fit(TEXTS)
    sif.common_ = None  # without the common direction, which depends on the documents
    sif_weighted(vectors).save(tmp_path / "sif", format="model2vec")
    found = model2vec.StaticModel.from_pretrained(tmp_path / "sif").encode(TEXTS)
    np.testing.assert_allclose(found, sif.transform(TEXTS), atol=1e-6)


def test_sentence_transformers_returns_the_same_directions(vectors: WordVectors, folder: Path) -> None:
    reason = f"sentence-transformers is {NOT_INSTALLED}"
    library = pytest.importorskip("sentence_transformers", reason=reason)
    found = library.SentenceTransformer(str(folder), device="cpu").encode(TEXTS)
    expected = DocumentVectorizer(vectors).fit_transform(TEXTS)
    known = np.array([1, 2 / 3, 0, 0])[:, np.newaxis]  # fraction of known words; it averages over unknown ones as well
    np.testing.assert_allclose(found, expected * known, atol=1e-6)
