"""Parsing queries: words and sums of words."""

import pytest

from word2vec.cli.query import parse_queries
from word2vec.errors import Word2VecError

VOCABULARY = {"king", "man", "woman", "queen", "paris", "-", "+", "-ing", "new york", "c++ - the language"}
VOCABULARY |= {"well", "known", "well-known", "a-b-c", "a-b", "c-d"}


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
        # words of the vocabulary are words, even with spaces or signs in them
        (["new york"], {"new york": (["new york"], [])}),
        (["new york", "-", "king"], {"new york - king": (["new york"], ["king"])}),
        (["c++ - the language"], {"c++ - the language": (["c++ - the language"], [])}),
        (["-"], {"-": (["-"], [])}),
        (["+", "-", "-"], {"+ - -": (["+"], ["-"])}),
        (["king", "-", "-ing"], {"king - -ing": (["king"], ["-ing"])}),
        # sums without spaces: whole words first, then the longest words from left to right
        (["king-man+woman"], {"king - man + woman": (["king", "woman"], ["man"])}),
        (["well-known"], {"well-known": (["well-known"], [])}),
        (["well-known-man"], {"well-known - man": (["well-known"], ["man"])}),
        (["king-well-known+man"], {"king - well-known + man": (["king", "man"], ["well-known"])}),
        (["well-man"], {"well - man": (["well"], ["man"])}),
        (["a-b-c-d"], {"a-b - c-d": (["a-b"], ["c-d"])}),  # not a-b-c, because d is not a word
        (["king-kong"], {"king-kong": (["king-kong"], [])}),
        (["king-"], {"king-": (["king-"], [])}),
        (["paris", "king-man"], {"paris": (["paris"], []), "king - man": (["king"], ["man"])}),
    ],
)  # fmt: skip
def test_parse_queries(arguments: list[str], expected: dict[str, tuple[list[str], list[str]]]) -> None:
    assert parse_queries(arguments, VOCABULARY) == expected


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
def test_invalid_sums_are_rejected(arguments: list[str]) -> None:
    with pytest.raises(Word2VecError, match="put spaces around the signs") as caught:
        parse_queries(arguments, VOCABULARY)
    assert "\n" not in str(caught.value)
