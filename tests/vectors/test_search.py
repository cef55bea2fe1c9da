"""Neighbors are a list, shown as a table in notebooks."""

import copy
import pickle

from word2vec.vectors.search import Neighbors


def test_neighbors_are_a_list() -> None:
    found = Neighbors([("a", 0.5), ("b", 0.25)])
    assert found == [("a", 0.5), ("b", 0.25)]
    assert repr(found) == "[('a', 0.5), ('b', 0.25)]"
    assert dict(found) == {"a": 0.5, "b": 0.25}
    for copied in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert copied == found


def test_neighbors_show_as_a_table() -> None:
    table = Neighbors([("<b>bold</b>", 0.12345), ("größe", -1.0)])._repr_html_()
    assert "<th>word</th>" in table
    assert "<th>cosine</th>" in table
    assert "&lt;b&gt;bold&lt;/b&gt;" in table
    assert "<b>" not in table
    assert "0.123<" in table
    assert "-1.000" in table
    assert "größe" in table
    assert "<table" in Neighbors()._repr_html_()
