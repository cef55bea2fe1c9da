"""Sums of words as people type them, and answers as notebooks show them."""

import copy
import pickle

import pytest

from word2vec.asking import Neighbours, read_questions_typed
from word2vec.errors import Word2VecError

KNOWN = {"king", "man", "woman", "queen", "paris", "-", "+", "-ing", "new york", "c++ - the language"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["king"], {"king": (["king"], [])}),
        (["king", "queen"], {"king": (["king"], []), "queen": (["queen"], [])}),
        (["king", "-", "man", "+", "woman"], {"king - man + woman": (["king", "woman"], ["man"])}),
        (["king - man + woman"], {"king - man + woman": (["king", "woman"], ["man"])}),
        (["king  -  man"], {"king - man": (["king"], ["man"])}),
        (["king + queen", "paris"], {"king + queen": (["king", "queen"], []), "paris": (["paris"], [])}),
        (["paris", "king", "-", "man", "queen"], {
            "paris": (["paris"], []), "king - man": (["king"], ["man"]), "queen": (["queen"], [])
        }),
        (["king", "+", "king", "king"], {"king + king": (["king", "king"], []), "king": (["king"], [])}),
        (["unknown"], {"unknown": (["unknown"], [])}),
        # known words are words, whatever they look like
        (["new york"], {"new york": (["new york"], [])}),
        (["new york", "-", "king"], {"new york - king": (["new york"], ["king"])}),
        (["c++ - the language"], {"c++ - the language": (["c++ - the language"], [])}),
        (["-"], {"-": (["-"], [])}),
        (["+", "-", "-"], {"+ - -": (["+"], ["-"])}),
        (["king", "-", "-ing"], {"king - -ing": (["king"], ["-ing"])}),
    ],
)  # fmt: skip
def test_questions(arguments: list[str], expected: dict[str, tuple[list[str], list[str]]]) -> None:
    assert read_questions_typed(arguments, KNOWN) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        ["king", "-"],
        ["king", "+", "man", "-"],
        ["king -"],
        ["king queen"],
        ["king queen man"],
        ["king -man"],
        ["- king"],
    ],
)
def test_what_is_no_sum_is_refused(arguments: list[str]) -> None:
    with pytest.raises(Word2VecError, match="no known word and no sum of words; put spaces around the signs") as caught:
        read_questions_typed(arguments, KNOWN)
    assert "\n" not in str(caught.value)


def test_neighbours_are_a_list() -> None:
    found = Neighbours([("a", 0.5), ("b", 0.25)])
    assert found == [("a", 0.5), ("b", 0.25)]
    assert repr(found) == "[('a', 0.5), ('b', 0.25)]"
    assert dict(found) == {"a": 0.5, "b": 0.25}
    for copied in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert copied == found


def test_neighbours_show_as_a_table() -> None:
    table = Neighbours([("<b>bold</b>", 0.12345), ("größe", -1.0)])._repr_html_()
    assert "<th>word</th>" in table
    assert "<th>cosine</th>" in table
    assert "&lt;b&gt;bold&lt;/b&gt;" in table
    assert "<b>" not in table
    assert "0.123<" in table
    assert "-1.000" in table
    assert "größe" in table
    assert "<table" in Neighbours()._repr_html_()
