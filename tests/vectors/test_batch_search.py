"""Search for many queries, and the graph of neighbors: compared with single queries and with sorting all scores."""

import numpy as np
import pytest

from word2vec.errors import UnknownWordError, Word2VecError
from word2vec.models.subwords import Subwords
from word2vec.vectors import batch_search
from word2vec.vectors.batch_search import top_columns
from word2vec.vectors.search import Neighbors
from word2vec.vectors.word_vectors import WordVectors

V, D = 1023, 12
WORDS = [f"w{row}" for row in range(V)]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_search, "BLOCK_SCORES", 7 * V)


@pytest.fixture(scope="module")
def vectors() -> WordVectors:
    rng = np.random.default_rng(0)
    table = rng.standard_normal((V, D)) * rng.uniform(0.1, 9, (V, 1))
    table[5] = 0
    return WordVectors(WORDS, table)


def assert_same(found: list[Neighbors], expected: list[Neighbors]) -> None:
    assert [[word for word, _ in each] for each in found] == [[word for word, _ in each] for each in expected]
    scores = ([score for each in answers for _, score in each] for answers in (found, expected))
    np.testing.assert_allclose(*scores, atol=1e-6)


@pytest.mark.parametrize("n", [1, 10, 100])
def test_words_get_the_answers_of_nearest(n: int, vectors: WordVectors) -> None:
    words = WORDS[::40] + WORDS[:1]
    assert_same(vectors.search(iter(words), n), [vectors.nearest(word, n=n) for word in words])
    assert_same(vectors.search(words, n, restrict=64), [vectors.nearest(word, n=n, restrict=64) for word in words])
    assert [len(each) for each in vectors.search(["w1", "w900"], n=2000)] == [V - 1, V - 1]


def test_vectors_get_the_answers_of_nearest_to(vectors: WordVectors) -> None:
    queries = np.random.default_rng(1).standard_normal((20, D))
    assert_same(vectors.search(queries), [vectors.nearest_to(query) for query in queries])
    assert vectors.search(queries[:0]) == vectors.search([]) == []


def test_refined_vectors_are_searched_as_by_nearest() -> None:
    rng = np.random.default_rng(0)
    subwords = Subwords(rng.standard_normal((500, D), dtype=np.float32), 3, 4)
    table, plain = rng.standard_normal((2, V, D))
    refined = WordVectors(WORDS, table, plain=plain, subwords=subwords)
    words = ["w7", "unknown", "w8"]
    assert_same(refined.search(words), [refined.nearest(word) for word in words])


@pytest.mark.parametrize("columns", [1, 63, 64, 640, 1023])
@pytest.mark.parametrize("n", [1, 10])
def test_top_columns_are_those_of_a_stable_sort(columns: int, n: int) -> None:
    n = min(n, columns)
    scores = np.random.default_rng(0).integers(-3, 3, (11, columns)).astype(np.float32)  # many ties
    scores[3] = 0
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :n]
    found, values = top_columns(scores, n)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(values, np.take_along_axis(scores, expected, axis=1))


def test_the_graph_has_the_neighbors_of_each_word(vectors: WordVectors) -> None:
    graph = vectors.neighbor_graph(3)
    assert graph.shape == (V, V)
    for row in (0, 5, V - 1):
        entries = slice(graph.indptr[row], graph.indptr[row + 1])
        found = Neighbors(zip([WORDS[i] for i in graph.indices[entries]], graph.data[entries].tolist(), strict=True))
        assert_same([found], [vectors.nearest(WORDS[row], n=3)])
    assert vectors.neighbor_graph(3, restrict=100).shape == (100, 100)


def test_invalid_queries(vectors: WordVectors) -> None:
    for queries in (np.ones(D), np.ones((2, D + 1)), np.full((2, D), np.nan), np.array([["a"] * D])):
        with pytest.raises(Word2VecError, match=r"an array of finite numbers of the shape \(queries, 12\)"):
            vectors.search(queries)
    with pytest.raises(Word2VecError, match="a list of words, not the string 'w1'"):
        vectors.search("w1")
    with pytest.raises(UnknownWordError, match="'king' has no vector"):
        vectors.search(["w1", "king"])
    for arguments in ({"n": 0}, {"restrict": 0}):
        with pytest.raises(Word2VecError, match="must be 1 or more, got 0"):
            vectors.search(["w1"], **arguments)
    for n in (0, V):
        with pytest.raises(Word2VecError, match="n must be between 1 and 1022, the number of other words"):
            vectors.neighbor_graph(n)
