"""Queries as people type them: a word, or a sum of words such as `king - man + woman`."""

from collections.abc import Container, Sequence
from typing import NamedTuple

from word2vec.errors import Word2VecError

SIGNS = ("+", "-")


class Question(NamedTuple):
    """Words to be like and words to be unlike."""

    positive: list[str]
    negative: list[str]


def read_questions_typed(arguments: Sequence[str], known: Container[str]) -> dict[str, Question]:
    """The questions in a command line, by their text.

    A `+` or `-` between two arguments joins them to one question; a question in quotes, spaces in it, is one too.
    A known word is a word, whatever it looks like.

    Args:
        arguments: as the shell parted them.
        known: the words that have vectors.

    Raises:
        Word2VecError: an argument is no word and no sum of words.
    """
    found: dict[str, Question] = {}
    for terms in _joined(arguments):
        (first, *others) = terms
        if not others and first not in known and len(first.split()) > 1:
            terms = first.split()
        found[" ".join(terms)] = _sum(terms)
    return found


def _joined(arguments: Sequence[str]) -> list[list[str]]:
    """The arguments by question; a sign that no word goes before is a word itself."""
    groups: list[list[str]] = []
    for argument in arguments:
        sign_before = bool(groups) and len(groups[-1]) % 2 == 0
        if groups and (sign_before or argument in SIGNS):
            groups[-1].append(argument)
        else:
            groups.append([argument])
    return groups


def _sum(terms: list[str]) -> Question:
    """Words with a sign between each two."""
    words, signs = terms[0::2], ["+", *terms[1::2]]
    if len(words) != len(signs) or not set(signs) <= set(SIGNS):
        raise Word2VecError(
            f"{' '.join(terms)!r} is no known word and no sum of words; "
            "put spaces around the signs, as in 'king - man + woman'"
        )
    pairs = list(zip(words, signs, strict=True))
    return Question(*([word for word, sign in pairs if sign == wanted] for wanted in SIGNS))
