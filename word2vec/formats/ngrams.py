"""Character n-grams in run folders, safetensors and npz files: the arrays they are written as, and checks on reading.

`ngrams` (G, D) contains the rows of the buckets in use, `buckets` (G,) the bucket of each of these rows, and
`word-rows` (V, D) the words' own rows. If all buckets have a row, `buckets` is omitted. The lengths of the n-grams and
the number of buckets are stored as metadata or as a small array.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from word2vec.config import MAX_NGRAM
from word2vec.errors import FormatError
from word2vec.formats.table import Table, first_not_finite
from word2vec.models.subwords import WHOLE_WORDS, WORD_ROWS, Subwords

NGRAMS, BUCKETS = "ngrams", "buckets"


class Settings(NamedTuple):
    """How n-grams are formed; see `Subwords`."""

    min_n: int
    max_n: int
    buckets: int


def ngram_arrays(table: Table) -> tuple[dict[str, NDArray[Any]], Settings | None]:
    """Return the arrays and the settings of the n-grams of a table; no arrays and None if it has no n-grams."""
    if table.subwords is None or not len(table.subwords.rows):
        return {}, None
    subwords = standard(table, table.subwords).compact()
    arrays: dict[str, NDArray[Any]] = {} if subwords.word_rows is None else {WORD_ROWS: subwords.word_rows}
    arrays[NGRAMS] = subwords.rows
    if subwords.used is not None:
        arrays[BUCKETS] = subwords.used
    return arrays, Settings(subwords.min_n, subwords.max_n, subwords.buckets)


def standard(table: Table, subwords: Subwords) -> Subwords:
    """Return the n-grams of a table, where only the end of a sentence is a word without n-grams.

    Models of the first version of fastText have n-grams for it. Its own row is changed here so that its vector is not.
    """
    if subwords.whole_words == WHOLE_WORDS:
        return subwords
    changed = replace(subwords, whole_words=WHOLE_WORDS)
    return replace(changed, word_rows=changed.own_rows(encoded(table.words), table.vectors))


def encoded(words: list[str]) -> list[bytes]:
    """Return words as the bytes that n-grams are made from."""
    return [word.encode(errors="replace") for word in words]


def check_finite_ngrams(path: Path, subwords: Subwords) -> None:
    """Raise FormatError if rows contain nan or infinity."""
    for name, rows in (("row of an n-gram", subwords.rows), ("own row of a word", subwords.word_rows)):
        if rows is not None and first_not_finite(rows) is not None:
            raise FormatError(f"{path}: the {name} contains nan or infinity; train the vectors again")


def read_ngrams(
    path: Path,
    arrays: Mapping[str, NDArray[Any]],
    settings: Sequence[int] | None,
    shape: tuple[int, int],
    limit: int | None,
) -> Subwords | None:
    """Return the n-grams of a file, or None if it has none.

    Args:
        path: The file, for messages.
        arrays: The arrays of the file by name.
        settings: The numbers of `Settings`, as found in the file.
        shape: (V, D), the shape of the input table.
        limit: Maximum number of the words' own rows; n-grams are always complete.

    Raises:
        FormatError: Settings or arrays are missing, have a wrong type or shape, or contradict each other.
    """
    if settings is None and NGRAMS not in arrays:
        return None
    if settings is None or len(settings) != len(Settings._fields) or NGRAMS not in arrays:
        raise _damaged(path, "the table of n-grams or its settings are missing")
    chosen, rows = Settings(*settings), arrays[NGRAMS]
    if not 1 <= chosen.max_n <= MAX_NGRAM or not 1 <= chosen.buckets < 2**31:
        raise _damaged(path, f"n-grams of {chosen.min_n} to {chosen.max_n} characters in {chosen.buckets} buckets")
    _check_table(path, NGRAMS, rows, (*rows.shape[:1], shape[1]))
    word_rows, used = arrays.get(WORD_ROWS), arrays.get(BUCKETS)
    if word_rows is not None:
        _check_table(path, WORD_ROWS, word_rows, shape)
        word_rows = word_rows[:limit]
    if used is not None:
        _check_buckets(path, used, len(rows), chosen.buckets)
    elif len(rows) != chosen.buckets:
        raise _damaged(path, f"{len(rows)} rows of n-grams for {chosen.buckets} buckets")
    return Subwords(rows, chosen.min_n, chosen.max_n, buckets=chosen.buckets, used=used, word_rows=word_rows)


def _check_table(path: Path, name: str, table: NDArray[Any], shape: tuple[int, ...]) -> None:
    if table.dtype != np.float32 or table.shape != shape:
        raise _damaged(
            path, f"{name!r} has type {table.dtype} and shape {list(table.shape)}, expected float32 and {list(shape)}"
        )


def _check_buckets(path: Path, used: NDArray[Any], rows: int, buckets: int) -> None:
    if used.dtype != np.int64 or used.shape != (rows,):
        raise _damaged(path, f"{BUCKETS!r} has type {used.dtype} and shape {list(used.shape)} for {rows} rows")
    ascending = np.sort(used)
    if len(used) and (ascending[0] < 0 or ascending[-1] >= buckets):
        raise _damaged(path, f"{BUCKETS!r} contains numbers outside 0 to {buckets - 1}")
    if (ascending[1:] == ascending[:-1]).any():
        raise _damaged(path, f"{BUCKETS!r} contains a number twice")


def _damaged(path: Path, reason: str) -> FormatError:
    return FormatError(f"{path}: {reason}; the file is damaged; restore it from a copy, or train again")
