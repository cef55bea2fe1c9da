"""Check that tokens are strings, or that they are integers, and say what to do about others."""

from enum import Enum, auto

import numpy as np

from word2vec.corpus.messages import is_missing, shorten
from word2vec.corpus.sequences import Batch
from word2vec.errors import CorpusError


class Kind(Enum):
    """The types of the tokens of a batch."""

    STRINGS = auto()
    SUBCLASSES_OF_STRING = auto()
    INTEGERS = auto()


def kind_of(batch: Batch) -> Kind:
    """Return what the tokens of a batch are.

    Raises:
        CorpusError: There is something else among them, or both.
    """
    if isinstance(batch.tokens, np.ndarray):
        return Kind.INTEGERS  # sequences.py makes lists of all others
    kinds = {*map(type, batch.tokens)}
    if kinds == {str}:
        return Kind.STRINGS
    if all(issubclass(kind, str) for kind in kinds):
        return Kind.SUBCLASSES_OF_STRING
    if bool not in kinds and all(issubclass(kind, int | np.integer) for kind in kinds):
        return Kind.INTEGERS
    strings = isinstance(batch.tokens[0], str)
    for position, token in enumerate(batch.tokens):
        if isinstance(token, bool) or not isinstance(token, str | int | np.integer):
            raise CorpusError(f"{batch.place(position)}: the token {shorten(token)} {_wrong_type(token)}")
        if isinstance(token, str) is not strings:
            raise mixed_types(batch, position)
    raise AssertionError("one of the tokens has a type that was not accepted")


def mixed_types(batch: Batch, position: int) -> CorpusError:
    """Return the error for a token that is a string among integers, or an integer among strings."""
    return CorpusError(
        f"{batch.place(position)}: the token {shorten(batch.tokens[position])} has another type than the tokens "
        "before it; convert all of them to strings, or all of them to integers"
    )


def _wrong_type(token: object) -> str:
    """Return what is wrong with a token that is neither a string nor an integer."""
    if is_missing(token):
        return "is a missing value; leave it out"
    for kinds, problem in _WRONG_TYPES.items():
        if isinstance(token, kinds):
            return problem
    return f"has the type {type(token).__name__}; convert the tokens to strings"


_WRONG_TYPES: dict[tuple[type, ...], str] = {
    (bool, np.bool_): "is a truth value; convert the tokens to strings",
    (bytes, bytearray): "is bytes; decode the tokens first, with .decode('utf-8')",
    (float, np.floating): "is not an integer; convert the tokens to integers or strings",
    (list, tuple, np.ndarray): "is a sequence: the corpus is nested too deeply; pass one list of tokens per sequence",
}
