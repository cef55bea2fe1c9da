"""Questions as people type them, and answers: the best words, as notebooks show them.

A question is a word or a sum of words, `king - man + woman`. The scores of its answers come from `WordVectors.nearest`.
"""

from collections.abc import Container, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import Word2VecError

SIGNS = ("+", "-")


class Question(NamedTuple):
    """Words to be like and words to be unlike."""

    positive: list[str]
    negative: list[str]


class Neighbours(list[tuple[str, float]]):
    """Words and their scores, the highest first: a list of tuples that a notebook shows as a table.

    Attributes:
        measure: what the scores are.
    """

    measure: str = "cosine"

    def _repr_html_(self) -> str:
        import pandas as pd

        frame = pd.DataFrame(self, columns=["word", self.measure], index=range(1, len(self) + 1))
        return str(frame.to_html(float_format="{:.3f}".format))


def best(words: list[str], scores: NDArray[np.floating[Any]], asked: Sequence[int], n: int) -> Neighbours:
    """The words with the highest scores, those asked for left out; of equals, those that come first.

    Args:
        words: all words.
        scores: (R,) those of the first words; overwritten where a word is left out.
        asked: rows of the words asked for.
        n: how many answers, at most.

    Raises:
        Word2VecError: `n` is below 1.
    """
    if n < 1:
        raise Word2VecError(f"n is {n}; it has to be 1 or more")
    left_out = [row for row in set(asked) if row < len(scores)]
    scores[left_out] = -np.inf
    n = min(n, len(scores) - len(left_out))
    if n == 0:
        return Neighbours()
    # subtle: a partition alone would cut through equal scores at random, so take all that reach the n-th score
    reached = np.flatnonzero(scores >= np.partition(scores, -n)[-n])  # in the order of the vocabulary
    rows = reached[np.argsort(-scores[reached], kind="stable")][:n]  # (n,)
    return Neighbours((words[row], float(scores[row])) for row in rows)


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
