"""What every format reads into and writes from, and the checks that all of them share."""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import FormatError
from word2vec.models.subwords import Subwords

_log = logging.getLogger(__name__)

BLOCK = 1 << 22  # bytes read or written at a time: large enough to be fast, small beside the vectors
# ASCII's white space only: other white space may be part of a word
_WHITE_SPACE = re.compile(r"[ \t\n\r\v\f]")
_BREAKS_A_LINE = re.compile(r"[\t\n\r\v\f]|\A | \Z")


class Table(NamedTuple):
    """What a file of vectors holds; row i of each array belongs to words[i]."""

    words: list[str]
    vectors: NDArray[np.float32]  # (V, D)
    counts: NDArray[np.int64] | None = None  # (V,)
    output: NDArray[np.float32] | None = None  # (V, D), the output table
    subwords: Subwords | None = None  # makes vectors of unknown words


@dataclass(frozen=True)
class Format:
    """One way to keep vectors in files.

    Attributes:
        extensions: endings of the names that this format is chosen for when writing; "" is no ending, or a folder.
        detect: whether the first bytes of a file, decompressed, look like this format; None for folders.
        read: the table in a path, its first rows only where a limit is given; the flag asks for a progress bar.
        write: puts a table into a path, atomically; None for a format that is only read.
        may_be_compressed: whether a file may be written with an ending such as .gz behind its own.
    """

    extensions: tuple[str, ...]
    detect: Callable[[bytes], bool] | None
    read: Callable[[Path, int | None, bool], Table]
    write: Callable[[Path, Table, bool], None] | None
    may_be_compressed: bool = False


def row_blocks(vectors: NDArray[np.float32], size: int | None = None) -> Iterator[NDArray[np.float32]]:
    """The rows of a table, (V, D), as they lie in memory, about `size` bytes at a time, BLOCK by default."""
    rows = max(1, (size or BLOCK) // (4 * vectors.shape[1]))
    for start in range(0, len(vectors), rows):
        yield vectors[start : start + rows]


def first_not_finite(vectors: NDArray[np.float32]) -> int | None:
    """The first row that holds nan or infinity, or None."""
    start = 0
    for rows in row_blocks(vectors):
        # the extremes tell of nan and infinity both, and take no memory; which row it is, is asked only then
        with np.errstate(invalid="ignore"):
            finite = np.isfinite(rows.min()) and np.isfinite(rows.max())
        if not finite:
            return start + int(np.isfinite(rows).all(axis=1).argmin())
        start += len(rows)
    return None


def refuse_not_finite(path: Path, table: Table) -> None:
    """Raises FormatError where a table holds nan or infinity."""
    for vectors in (table.vectors, table.output):
        row = None if vectors is None else first_not_finite(vectors)
        if row is not None:
            raise FormatError(f"{path}: the vector of {table.words[row]!r} holds nan or infinity; train it again")


def encoded(path: Path, words: list[str], *, spaces: bool) -> list[bytes]:
    """The words as bytes.

    Args:
        path: what is to be written, for the message.
        words: the words.
        spaces: whether the format can give back a word with a space in it.

    Raises:
        FormatError: a word that reading the file would not give back.
    """
    pattern = _BREAKS_A_LINE if spaces else _WHITE_SPACE
    for row, word in enumerate(words, start=1):
        if not word or pattern.search(word):
            only_spaces = word and not _BREAKS_A_LINE.search(word)
            hint = "; glove, npz and safetensors can hold spaces inside a word" if only_spaces else ""
            raise FormatError(
                f"cannot write {path}: the word {word!r} of row {row} is empty or holds white space{hint}"
            )
    try:
        return [word.encode() for word in words]
    except UnicodeEncodeError as error:
        raise FormatError(f"cannot write {path}: the word {error.object!r} is not valid Unicode") from error


class WordList:
    """The words of a file as they come, some at a time; what is not UTF-8 is mended and told once.

    Attributes:
        words: those that came.
    """

    def __init__(self, path: Path) -> None:
        self.words: list[str] = []
        self._path = path
        self._mended = 0

    def extend(self, joined: bytes, separator: str) -> None:
        """Takes words, each with a separator behind it."""
        try:
            new = joined.decode().split(separator)
        except UnicodeDecodeError:
            # subtle: a damaged character ends before a separator, so this gives what decoding each word alone would
            new = joined.decode(errors="replace").split(separator)
            self._mended += sum(
                word.encode() != raw for word, raw in zip(new, joined.split(separator.encode()), strict=True)
            )
        self.words += new[:-1]

    def warn(self) -> None:
        """Says how many words were not UTF-8."""
        if self._mended:
            _log.warning(
                "%s: words that are not UTF-8: %d; their damaged letters read \ufffd now", self._path, self._mended
            )


def distinct(path: Path, table: Table) -> Table:
    """A table whose words differ: each keeps the first of its rows, as in gensim; says how many were left out.

    The first, since files put frequent words first: what comes again is mostly a rare word that lost a letter on its
    way, not a better vector.

    Raises:
        FormatError: a word is empty.
    """
    known = set(table.words)
    if "" in known:
        raise FormatError(f"{path}, row {table.words.index('') + 1}: there is no word; the file is damaged")
    if len(known) == len(table.words):
        return table
    first: dict[str, int] = {}
    for row, word in enumerate(table.words):
        first.setdefault(word, row)
    _log.warning("%s: words that came before: %d; the first row of each is kept", path, len(table.words) - len(first))
    rows = np.fromiter(first.values(), dtype=np.intp, count=len(first))
    counts = None if table.counts is None else table.counts[rows]
    output = None if table.output is None else table.output[rows]
    return table._replace(words=list(first), vectors=table.vectors[rows], counts=counts, output=output)
