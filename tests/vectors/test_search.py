"""Search: 3CosMul against its formula, excluded rows, and Neighbors as a list that notebooks display as a table."""

import copy
import pickle

import numpy as np
import pytest

from word2vec.vectors.search import Neighbors, three_cos_mul, top_k


@pytest.mark.parametrize("shape", [(), (7,), (3, 5)])
def test_three_cos_mul_follows_its_formula(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    to_a, to_b, to_c = before = rng.uniform(-1, 1, (3, *shape)).astype(np.float32)
    expected = ((1 + to_b) / 2) * ((1 + to_c) / 2) / ((1 + to_a) / 2 + 1e-6)
    scores = three_cos_mul(to_a, to_b, to_c)
    np.testing.assert_allclose(scores, expected, rtol=1e-6)
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(before, np.random.default_rng(0).uniform(-1, 1, (3, *shape)).astype(np.float32))


def test_excluded_rows_are_never_returned() -> None:
    words, scores = ["a", "b", "c", "d"], np.array([4.0, 3, 2, 1])
    assert top_k(words, scores.copy(), [0, 2], n=3) == [("b", 3.0), ("d", 1.0)]
    assert top_k(words, scores[:2].copy(), [0, 1, 3], n=3) == []  # row 3 is outside the restricted vocabulary


def test_neighbors_are_a_list() -> None:
    found = Neighbors([("a", 0.5), ("b", 0.25)])
    assert found == [("a", 0.5), ("b", 0.25)]
    assert repr(found) == "[('a', 0.5), ('b', 0.25)]"
    assert dict(found) == {"a": 0.5, "b": 0.25}
    for copied in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert copied == found


def test_neighbors_are_displayed_as_a_table() -> None:
    table = Neighbors([("<b>bold</b>", 0.12345), ("größe", -1.0)])._repr_html_()
    assert "<th>word</th>" in table
    assert "<th>cosine</th>" in table
    assert "&lt;b&gt;bold&lt;/b&gt;" in table
    assert "<b>" not in table
    assert "0.123<" in table
    assert "-1.000" in table
    assert "größe" in table
    assert "<table" in Neighbors()._repr_html_()
