"""The content of a vector file as every format reads and writes it, and the checks shared by all formats."""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from word2vec.corpus.phrases import Phrases
from word2vec.errors import FormatError
from word2vec.models.subwords import Subwords

_log = logging.getLogger(__name__)

DecodingErrors = Literal["strict", "ignore", "replace"]
"""How words that are not valid UTF-8 are treated, as in `bytes.decode`."""

BLOCK = 1 << 22  # bytes read or written at a time: large enough to be fast, small compared with the vectors
# only the whitespace of ASCII: other whitespace may be part of a word
_WHITE_SPACE = re.compile(r"[ \t\n\r\v\f]")
_LINE_BREAK_OR_OUTER_SPACE = re.compile(r"[\t\n\r\v\f]|\A | \Z")


class Table(NamedTuple):
    """The content of a vector file; row i of each array belongs to words[i]."""

    words: list[str]
    vectors: NDArray[np.float32]  # (V, D), the input table
    counts: NDArray[np.int64] | None = None  # (V,)
    output: NDArray[np.float32] | None = None  # (V, D), the output table
    subwords: Subwords | None = None  # provides vectors for words outside the vocabulary
    # (V, D), the output table of hierarchical softmax: rows of the inner nodes of the tree, which belong to no words
    nodes: NDArray[np.float32] | None = None
    plain: NDArray[np.float32] | None = None  # (V, D), the vectors as they were before they were refined
    refinement: dict[str, Any] | None = None  # the settings of the refinement; None in files of earlier versions
    phrases: Phrases | None = None  # the phrases that were joined in the corpus


def select(table: Table, rows: NDArray[np.intp]) -> Table:
    """Return a table with some of the rows of another one; all n-grams are kept, but no nodes."""
    subwords = table.subwords
    if subwords is not None and subwords.word_rows is not None:
        subwords = replace(subwords, word_rows=subwords.word_rows[rows])
    counts = None if table.counts is None else table.counts[rows]
    output = None if table.output is None else table.output[rows]
    plain = None if table.plain is None else table.plain[rows]
    words, vectors = [table.words[row] for row in rows], table.vectors[rows]
    return Table(
        words, vectors, counts, output, subwords, plain=plain, refinement=table.refinement, phrases=table.phrases
    )


def parse_refinement(path: Path, text: str | None) -> dict[str, Any] | None:
    """Return the settings of a refinement from a JSON object in a file; None if the file has none.

    Raises:
        FormatError: The text is not a JSON object.
    """
    try:
        settings: object = None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        settings = text
    if settings is None or isinstance(settings, dict):
        return settings
    raise FormatError(f"{path}: the settings of the refinement are not a JSON object; the file is damaged")


def row_blocks(vectors: NDArray[np.float32], size: int | None = None) -> Iterator[NDArray[np.float32]]:
    """Yield the rows of a table (V, D) in views of about `size` bytes, BLOCK by default."""
    rows = max(1, (size or BLOCK) // (4 * vectors.shape[1]))
    for start in range(0, len(vectors), rows):
        yield vectors[start : start + rows]


def first_not_finite(vectors: NDArray[np.float32]) -> int | None:
    """Return the first row that contains nan or infinity, or None."""
    start = 0
    for rows in row_blocks(vectors):
        # the extremes reveal both nan and infinity and need no memory; the row is searched for only if they do
        with np.errstate(invalid="ignore"):
            finite = np.isfinite(rows.min()) and np.isfinite(rows.max())
        if not finite:
            return start + int(np.isfinite(rows).all(axis=1).argmin())
        start += len(rows)
    return None


def check_finite(path: Path, table: Table) -> None:
    """Raise FormatError if a table contains nan or infinity."""
    for name, vectors in (("vector", table.vectors), ("output vector", table.output), ("plain vector", table.plain)):
        row = None if vectors is None else first_not_finite(vectors)
        if row is not None:
            raise FormatError(
                f"{path}: the {name} of {table.words[row]!r} contains nan or infinity; train the vectors again"
            )
    row = None if table.nodes is None else first_not_finite(table.nodes)
    if row is not None:
        raise FormatError(f"{path}: the vector of node {row} contains nan or infinity; train the vectors again")


def encode_words(path: Path, words: list[str], *, spaces: bool) -> list[bytes]:
    """Encode words as UTF-8.

    Args:
        path: The file to be written, for error messages.
        words: The words.
        spaces: Whether the format allows spaces inside words.

    Raises:
        FormatError: A word would be different after reading the file.
    """
    forbidden = _LINE_BREAK_OR_OUTER_SPACE if spaces else _WHITE_SPACE
    for row, word in enumerate(words, start=1):
        if not word or forbidden.search(word):
            only_inner_spaces = word and not _LINE_BREAK_OR_OUTER_SPACE.search(word)
            hint = "; glove, npz and safetensors allow spaces inside words" if only_inner_spaces else ""
            raise FormatError(
                f"cannot write {path}: the word {word!r} in row {row} is empty or contains whitespace{hint}"
            )
    try:
        return [word.encode() for word in words]
    except UnicodeEncodeError as error:
        raise FormatError(f"cannot write {path}: the word {error.object!r} is not valid Unicode") from error


class WordList:
    """The words of a file, decoded block by block; invalid UTF-8 is reported once.

    Args:
        path: The file, for messages.
        errors: What happens to invalid UTF-8: it is replaced by U+FFFD or ignored, or a UnicodeDecodeError is raised.

    Attributes:
        words: The words decoded so far.
    """

    def __init__(self, path: Path, errors: DecodingErrors = "replace") -> None:
        self.words: list[str] = []
        self._path, self._errors = path, errors
        self._invalid = 0

    def extend(self, joined: bytes, separator: str) -> None:
        """Append words, each of which is followed by the separator."""
        try:
            new = joined.decode().split(separator)
        except UnicodeDecodeError:
            # subtle: an invalid sequence ends before a separator, so this equals decoding each word separately
            new = joined.decode(errors=self._errors).split(separator)
            self._invalid += sum(
                word.encode() != raw for word, raw in zip(new, joined.split(separator.encode()), strict=True)
            )
        self.words += new[:-1]

    def warn(self) -> None:
        """Log a warning if words were not valid UTF-8."""
        if self._invalid:
            _log.warning(
                "%s: %d words are not valid UTF-8; their invalid bytes were %s",
                self._path,
                self._invalid,
                "removed" if self._errors == "ignore" else "replaced by \ufffd",
            )


def distinct(path: Path, table: Table) -> Table:
    """Return the table without duplicate words: each word keeps its first row, as in gensim; log a warning.

    The first row is kept because files list frequent words first: a duplicate is usually a rare word that lost a
    character in processing, not a better vector.

    Raises:
        FormatError: A word is empty.
    """
    known = set(table.words)
    if "" in known:
        raise FormatError(f"{path}, row {table.words.index('') + 1}: the word is missing; the file is damaged")
    if len(known) == len(table.words):
        return table
    first: dict[str, int] = {}
    for row, word in enumerate(table.words):
        first.setdefault(word, row)
    _log.warning("%s: %d duplicate words; the first row of each is kept", path, len(table.words) - len(first))
    rows = np.fromiter(first.values(), dtype=np.intp, count=len(first))
    return select(table, rows)
