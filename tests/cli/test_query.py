"""Queries as people type them: words and sums of words."""

import pytest

from word2vec.cli.query import read_questions_typed
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
