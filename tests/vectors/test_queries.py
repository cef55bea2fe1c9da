"""Queries with vectors and weights, and what is not a query."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

from word2vec.errors import Word2VecError
from word2vec.vectors.queries import split
from word2vec.vectors.word_vectors import WordVectors

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

V, D = 60, 8
WORDS = [f"w{row}" for row in range(V)]


@pytest.fixture(scope="module")
def vectors() -> WordVectors:
    rng = np.random.default_rng(1)
    return WordVectors(WORDS, rng.standard_normal((V, D)) * rng.uniform(0.5, 5, (V, 1)))


@pytest.fixture(scope="module")
def gensim(vectors: WordVectors) -> "KeyedVectors":
    keyed = pytest.importorskip("gensim.models").KeyedVectors(D)
    keyed.add_vectors(vectors.words, vectors.vectors)
    return keyed


def test_vectors_and_weights_agree_with_gensim(vectors: WordVectors, gensim: "KeyedVectors") -> None:
    array = vectors["w9"] * 3
    for positive, negative in (
        (array, []),
        ([array, "w2"], ["w3"]),
        ([("w1", 0.5), "w2", (array, 2), ("w4", -0.25)], []),
        (np.stack([array, vectors["w2"]]), "w7"),
    ):
        expected = gensim.most_similar(positive, negative, topn=7)
        found = vectors.most_similar(positive, negative, topn=7)
        assert [word for word, _ in found] == [word for word, _ in expected]
        np.testing.assert_allclose([cosine for _, cosine in found], [cosine for _, cosine in expected], rtol=1e-5)


def test_weights_of_negative_words_are_rejected(vectors: WordVectors) -> None:
    with pytest.raises(Word2VecError, match="put it into positive"):  # gensim's have a sign of their own
        vectors.most_similar("w1", [("w4", -0.25)])


def test_no_answers_and_all_cosines(vectors: WordVectors, gensim: "KeyedVectors") -> None:
    assert vectors.most_similar("w1", topn=0) == []
    assert vectors.similar_by_word("w1", topn=0) == []
    for found, expected in (
        (vectors.most_similar("w1", topn=None), gensim.most_similar("w1", topn=None)),
        (vectors.similar_by_word("w1", topn=None), gensim.similar_by_word("w1", topn=None)),
        (vectors.similar_by_vector(vectors["w1"], topn=None), gensim.similar_by_vector(vectors["w1"], topn=None)),
        (vectors.most_similar("w1", topn=None, restrict_vocab=5), gensim.most_similar("w1", topn=None)[:5]),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (17, "not the integer 17; pass '17', or words"),
        ([np.int64(3)], "not the integer 3"),
        ([None], "got NoneType"),
        ([[1.0] * D], "got list"),
        (np.ones(D + 1), "a vector must be 8 finite numbers"),
        ([np.full(D, np.nan)], "a vector must be 8 finite numbers"),
        ([np.array(["a"] * D)], "got ndarray"),
        ([("w1", np.inf)], "the weight inf is not finite"),
        ([("w1", "w2")], "got tuple"),
        (3.5, "got float"),
    ],
)
def test_what_is_not_a_query_is_one_clear_line(vectors: WordVectors, query: object, reason: str) -> None:
    for ask in (vectors.nearest, vectors.most_similar):
        with pytest.raises(Word2VecError, match=reason) as caught:
            ask(query)
        assert "\n" not in str(caught.value)


def test_split() -> None:
    assert split(None, 2) == []
    assert split("a", 2) == [("a", 1.0)]
    assert split(iter(["a", ("b", 2)]), 2) == [("a", 1.0), ("b", 2.0)]
    ((vector, weight),) = split(np.array([1, 2]), 2)
    assert vector.tolist() == [1.0, 2.0]
    assert weight == 1.0
