"""Conversion of word vectors to numpy, torch, pandas and gensim, and the methods named as in gensim."""

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from word2vec.errors import UnknownWordError, Word2VecError
from word2vec.models.subwords import Subwords
from word2vec.vectors.word_vectors import WordVectors

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

V, D = 41, 7
WORDS = [f"w{row}" for row in range(V - 2)] + ["nan", "größe"]


@pytest.fixture
def vectors() -> WordVectors:
    rng = np.random.default_rng(3)
    return WordVectors(WORDS, rng.standard_normal((V, D)) * 3, counts=np.arange(V, 0, -1) ** 2)


@pytest.fixture
def gensim(vectors: WordVectors) -> "KeyedVectors":
    pytest.importorskip("gensim")
    return vectors.to_gensim()


# numpy


def test_asarray_gives_a_read_only_view(vectors: WordVectors) -> None:
    table = np.asarray(vectors)
    assert np.shares_memory(table, vectors.vectors)
    with pytest.raises(ValueError, match="read-only"):
        table[0, 0] = 1
    assert vectors.vectors.flags.writeable
    np.testing.assert_allclose(vectors @ np.ones(D), vectors.vectors.sum(axis=1), rtol=1e-5)
    assert np.linalg.norm(vectors, axis=1).shape == (V,)


def test_numpy_copies_when_required(vectors: WordVectors) -> None:
    before = vectors.vectors.copy()
    for copied in (np.array(vectors), np.asarray(vectors, dtype=np.float64), np.array(vectors, dtype=np.float32)):
        assert not np.shares_memory(copied, vectors.vectors)
        copied += 1
    np.testing.assert_array_equal(vectors.vectors, before)
    assert np.asarray(vectors, dtype=np.float64).dtype == np.float64
    assert np.array(vectors, copy=None).base is not None
    with pytest.raises(ValueError, match="copy"):
        np.array(vectors, dtype=np.float16, copy=False)


@pytest.mark.parametrize("sequence", [list, tuple, np.array])
def test_words_may_be_any_sequence(vectors: WordVectors, sequence: type) -> None:
    np.testing.assert_array_equal(vectors[sequence(["w3", "w1", "w3"])], vectors.vectors[[3, 1, 3]])
    assert vectors.nearest(sequence(["w3", "w1"])) == vectors.nearest(["w3", "w1"])


def test_arguments_that_are_not_strings_are_rejected(vectors: WordVectors) -> None:
    for asked, reason in (([3], r"not the integer 3; pass '3', or words\[3\]"), ([None], "got NoneType")):
        with pytest.raises(Word2VecError, match=reason) as caught:
            vectors.nearest(asked)
        assert not isinstance(caught.value, UnknownWordError)
    with pytest.raises(Word2VecError, match=r"must be a string, not int; .* use nearest_to"):
        vectors.index(3)


# torch


@pytest.mark.parametrize("freeze", [True, False])
def test_embedding_layer_returns_the_vectors(vectors: WordVectors, freeze: bool) -> None:
    layer = vectors.to_embedding(freeze=freeze)
    assert isinstance(layer, torch.nn.Embedding)
    assert layer.weight.requires_grad is not freeze
    ids = torch.tensor([vectors.index(word) for word in ("w5", "größe")])
    np.testing.assert_array_equal(layer(ids).detach().numpy(), vectors[["w5", "größe"]])


def test_fine_tuning_does_not_change_the_vectors(vectors: WordVectors) -> None:
    before = vectors.vectors.copy()
    layer = vectors.to_embedding(freeze=False)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
    layer(torch.tensor([3])).sum().backward()
    optimizer.step()
    np.testing.assert_array_equal(vectors.vectors, before)
    moved = (layer.weight.detach().numpy() - before).any(axis=1)
    assert list(np.flatnonzero(moved)) == [3]


def test_embedding_layer_of_read_only_vectors(vectors: WordVectors) -> None:
    vectors.vectors.flags.writeable = False  # as in a memory-mapped file; torch warns, which is an error here
    assert vectors.to_embedding(freeze=False).weight.shape == (V, D)


# pandas


def test_frame_has_one_row_per_word(vectors: WordVectors) -> None:
    frame = vectors.to_frame()
    assert frame.shape == (V, D)
    assert list(frame.index) == WORDS
    assert frame.index.name == "word"
    assert set(frame.dtypes) == {np.dtype(np.float32)}
    np.testing.assert_array_equal(frame.loc["nan"], vectors["nan"])
    frame.loc["w0"] = 0
    assert vectors["w0"].any()


def test_the_words_of_a_frame_can_be_a_column(vectors: WordVectors) -> None:
    frame = vectors.to_frame(column="token")
    assert list(frame.columns) == ["token", *map(str, range(D))]
    assert list(frame["token"]) == WORDS
    assert list(frame.index) == list(range(V))
    np.testing.assert_array_equal(frame.drop(columns="token").to_numpy(), vectors.vectors)


def test_polars_keeps_the_words(vectors: WordVectors) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(vectors.to_frame(column="word").to_dict("list"))
    assert frame["word"].to_list() == WORDS
    assert frame.shape == (V, D + 1)


# gensim


def test_to_gensim_copies_words_vectors_and_counts(vectors: WordVectors, gensim: "KeyedVectors") -> None:
    assert gensim.index_to_key == WORDS
    assert gensim.vectors.dtype == np.float32
    np.testing.assert_array_equal(gensim.vectors, vectors.vectors)
    assert [gensim.get_vecattr(word, "count") for word in WORDS] == list(vectors.counts)
    assert [word for word, _ in gensim.most_similar("w3")] == [word for word, _ in vectors.nearest("w3")]
    gensim.vectors[:] = 0
    gensim.set_vecattr("w0", "count", 1)
    gensim.add_vectors(["new"], np.ones((1, D)))
    assert vectors.vectors.any()
    assert vectors.counts[0] == V**2
    assert "new" not in vectors


def test_to_gensim_without_counts() -> None:
    pytest.importorskip("gensim")
    keyed_vectors = WordVectors(["a", "b"], np.eye(2)).to_gensim()
    with pytest.raises(KeyError):
        keyed_vectors.get_vecattr("a", "count")


def test_missing_gensim_is_reported(vectors: WordVectors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    with pytest.raises(Word2VecError, match="gensim is not installed"):
        vectors.to_gensim()


def test_lookup_methods_named_as_in_gensim_agree_with_gensim(vectors: WordVectors, gensim: "KeyedVectors") -> None:
    words = ["w1", "w7", "w20"]
    assert vectors.vector_size == gensim.vector_size == D
    assert vectors.index_to_key == gensim.index_to_key
    assert vectors.key_to_index == gensim.key_to_index
    assert vectors.has_index_for("w1") is gensim.has_index_for("w1") is True
    assert vectors.has_index_for("king") is gensim.has_index_for("king") is False
    assert vectors.get_index("w7") == gensim.get_index("w7")
    assert vectors.get_index("king", default=-1) == gensim.get_index("king", default=-1) == -1
    assert vectors.get_index("w7", default=-1) == 7
    with pytest.raises(KeyError):
        vectors.get_index("king")
    assert vectors.doesnt_match(words) == gensim.doesnt_match(words)
    for norm in (False, True):
        np.testing.assert_allclose(vectors.get_vector("w7", norm=norm), gensim.get_vector("w7", norm=norm), rtol=1e-6)
        assert vectors.get_vector("w7", norm=norm).dtype == np.float32
    for found, expected in (
        (vectors.similarity("w1", "w7"), gensim.similarity("w1", "w7")),
        (vectors.distance("w1", "w7"), gensim.distance("w1", "w7")),
        (vectors.n_similarity(words, ["w3", "nan"]), gensim.n_similarity(words, ["w3", "nan"])),
    ):
        assert type(found) is float
        assert found == pytest.approx(float(expected), abs=1e-6)


def test_n_similarity_of_zero_means_and_of_empty_lists() -> None:
    found = WordVectors(["a", "b", "zero"], [[1, 2], [-1, -2], [0, 0]])
    assert found.n_similarity(["a", "b"], ["a"]) == 0
    assert found.n_similarity(["a"], ["zero"]) == 0
    assert found.n_similarity("a", ["b"]) == pytest.approx(-1)
    with pytest.raises(Word2VecError, match="one of them is empty"):
        found.n_similarity([], ["a"])


def test_search_methods_named_as_in_gensim_agree_with_gensim(vectors: WordVectors, gensim: "KeyedVectors") -> None:
    for found, expected in (
        (vectors.most_similar("w1", topn=4), gensim.most_similar("w1", topn=4)),
        (vectors.most_similar(positive=["w1", "w7"], negative=["w3"]), gensim.most_similar(["w1", "w7"], ["w3"])),
        (vectors.most_similar("w1", restrict_vocab=9), gensim.most_similar("w1", restrict_vocab=9)),
        (vectors.similar_by_word("w1", topn=3), gensim.similar_by_word("w1", topn=3)),
        (vectors.similar_by_vector(vectors["w1"], topn=3), gensim.similar_by_vector(gensim["w1"], topn=3)),
    ):
        assert [word for word, _ in found] == [word for word, _ in expected]
        np.testing.assert_allclose([score for _, score in found], [score for _, score in expected], atol=1e-6)


def test_key_to_index_is_read_only(vectors: WordVectors) -> None:
    with pytest.raises(TypeError):
        vectors.key_to_index["new"] = 1


def test_search_does_not_import_other_libraries() -> None:
    code = """
import sys, word2vec.vectors, numpy as np
heavy = {"torch", "pandas", "gensim", "sklearn", "scipy", "rapidfuzz"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
found = word2vec.vectors.WordVectors(["a", "b"], np.eye(2)).nearest("a")
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("own", [True, False])
def test_gensim_gets_the_ngrams(own: bool) -> None:
    pytest.importorskip("gensim")
    rng = np.random.default_rng(0)
    used = rng.permutation(100)[:60]
    rows, own_rows = rng.standard_normal((60, D), dtype=np.float32), rng.standard_normal((2, D), dtype=np.float32)
    subwords = Subwords(rows, 3, 5, buckets=100, used=used, word_rows=own_rows if own else None)
    known = subwords.known_vectors(["größe".encode(), b"word"], own_rows)
    found = WordVectors(["größe", "word"], known, counts=[2, 1], subwords=subwords)
    keyed = found.to_gensim()
    np.testing.assert_allclose(keyed[["größe", "unknown"]], found[["größe", "unknown"]], atol=1e-6)
    assert keyed.get_vecattr("word", "count") == 1
    keyed.recalc_char_ngram_buckets()
    keyed.adjust_vectors()  # gensim's own computation from the rows of words and n-grams
    np.testing.assert_allclose(keyed["word"], found["word"], atol=1e-5)
