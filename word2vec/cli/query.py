"""Parse the queries of the command line: a word, or a sum of words such as `king - man + woman`.

Without spaces, `king-man+woman` is a word if the vocabulary contains it, and otherwise a sum if it consists of words of
the vocabulary. If that is possible in several ways, the longest word is taken first, from left to right: with the words
`well` and `well-known`, `well-known-man` is `well-known - man`.
"""

import re
from collections.abc import Container, Sequence
from typing import NamedTuple

from word2vec.errors import Word2VecError

SIGNS = ("+", "-")
MAX_PIECES = 200  # of a sum without spaces; the number of ways to split it grows with the square


class Query(NamedTuple):
    """A sum of words.

    Attributes:
        positive: Words that are added.
        negative: Words that are subtracted.
    """

    positive: list[str]
    negative: list[str]


def parse_queries(arguments: Sequence[str], vocabulary: Container[str]) -> dict[str, Query]:
    """Parse the queries of a command line.

    A `+` or `-` between two arguments joins them into one query; a quoted argument with spaces is also one query.
    A word of the vocabulary is always parsed as that word, even if it contains spaces or is itself a sign.

    Args:
        arguments: Arguments as split by the shell.
        vocabulary: The words that have vectors.

    Returns:
        The queries by their text, in the order of the arguments.

    Raises:
        Word2VecError: An argument is neither a word nor a sum of words.
    """
    queries: dict[str, Query] = {}
    for terms in _group(arguments):
        (first, *others) = terms
        if not others and first not in vocabulary:
            terms = first.split() if len(first.split()) > 1 else _split_at_signs(first, vocabulary)
        queries[" ".join(terms)] = _parse_sum(terms)
    return queries


def _group(arguments: Sequence[str]) -> list[list[str]]:
    """Group the arguments by query; a sign at the start of a query is itself a word."""
    groups: list[list[str]] = []
    for argument in arguments:
        follows_sign = bool(groups) and len(groups[-1]) % 2 == 0
        if groups and (follows_sign or argument in SIGNS):
            groups[-1].append(argument)
        else:
            groups.append([argument])
    return groups


def _split_at_signs(text: str, vocabulary: Container[str]) -> list[str]:
    """Split a sum without spaces into words of the vocabulary and signs; return it whole if that is impossible."""
    pieces = re.split(r"([+-])", text)  # texts at even positions, signs between them
    if len(pieces) > MAX_PIECES:
        return [text]
    best: dict[int, list[str]] = {len(pieces) + 1: []}  # the terms of the rest of the text from each position
    for start in range(len(pieces) - 1, -1, -2):
        for end in range(len(pieces), start, -2):  # longest word first
            word, rest = "".join(pieces[start:end]), best.get(end + 1)
            if rest is not None and word in vocabulary:
                best[start] = [word, *pieces[end : end + 1], *rest]
                break
    return best.get(0, [text])


def _parse_sum(terms: list[str]) -> Query:
    """Parse words that alternate with signs."""
    words, signs = terms[0::2], ["+", *terms[1::2]]
    if len(words) != len(signs) or not set(signs) <= set(SIGNS):
        raise Word2VecError(
            f"{' '.join(terms)!r}: not a word of the vocabulary or a sum of words; "
            "put spaces around the signs, as in 'king - man + woman'"
        )
    signed_words = list(zip(words, signs, strict=True))
    return Query(*([word for word, sign in signed_words if sign == wanted] for wanted in SIGNS))
