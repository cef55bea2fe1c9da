"""Read a column of a table in a file: .csv, .tsv, .jsonl, .ndjson and .parquet, in bounded memory.

The text formats may be compressed. CSV follows RFC 4180, also with tabs: a value that contains a delimiter, a quotation
mark or a newline is quoted, and every row has as many values as the first one, which names the columns.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from word2vec.corpus.containers import names_of
from word2vec.corpus.messages import reason_of, shorten
from word2vec.corpus.reader import BYTE_ORDER_MARK, open_text
from word2vec.errors import CorpusError
from word2vec.system.compression import COMPRESSIONS

Value = str | list[Any] | None
"""A text, a list of tokens, or None if the value of a row is missing or empty."""

Advance = Callable[[int], object]

MAX_LINE = 1 << 28  # characters; the text of a book has a few million
ROWS_WITHOUT_COLUMN = 1000  # rows of .jsonl, where a row may leave out columns, before the column is reported missing
PARQUET_ROWS = 1024  # rows read at a time


def is_table(path: Path) -> bool:
    """Return whether the name of a file says that it is a table."""
    return table_suffix(path) in READERS


def read_column(path: Path, column: str, advance: Advance | None = None) -> Iterator[Value]:
    """Yield the values of a column, one for each row.

    Args:
        path: The file.
        column: The name of the column.
        advance: A function that is called with the number of bytes read since its last call, for a progress bar.

    Raises:
        CorpusError: The file is not a table, has no such column, cannot be read, or has a malformed row or a value that
            is neither text nor a list; the message names the line or row.
    """
    reader = READERS.get(table_suffix(path))
    if reader is None:
        raise CorpusError(
            f"{path}: is not a table, so it has no column {column!r}; --column applies to {', '.join(READERS)} files"
        )
    for place, value in reader(path, column, advance):
        if isinstance(value, str | list):
            yield value or None
        elif value is None:
            yield None
        else:
            raise CorpusError(
                f"{path}: {place}: column {column!r} contains {shorten(value)}; choose a column of texts or of lists "
                "of tokens"
            )


def table_suffix(path: Path) -> str:
    """Return the extension of a file in lower case, without that of a compression."""
    name = Path(path.name.lower())
    return Path(name.stem).suffix if name.suffix in COMPRESSIONS else name.suffix


Rows = Iterator[tuple[str, Any]]
"""The place of each row in messages, and its value of the column."""


def _read_csv(path: Path, column: str, advance: Advance | None, delimiter: str) -> Rows:
    with _open_lines(path, advance, newline="") as lines, _long_values():
        rows = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            header = next(rows, [])
            if header.count(column) != 1:
                problem = "several columns" if column in header else "no column"
                raise CorpusError(f"{path}: has {problem} {column!r}; the columns are: {names_of(header)}")
            place, width = header.index(column), len(header)
            for row in rows:
                if len(row) == width:
                    yield f"line {rows.line_num}", row[place]
                elif row:  # an empty line is not a row
                    raise CorpusError(
                        f"{path}: the row that ends in line {rows.line_num} has {len(row)} values, but the header has "
                        f"{width}; put values that contain a delimiter, quotation mark or newline into quotation marks"
                    )
        except csv.Error as error:
            raise CorpusError(
                f"{path}: the row that ends in line {rows.line_num} is malformed ({error}); put values that contain a "
                "delimiter, quotation mark or newline into quotation marks, and double those inside"
            ) from error


def _read_jsonl(path: Path, column: str, advance: Advance | None) -> Rows:
    names: dict[str, None] | None = {}  # of the first rows, until one of them has the column
    with _open_lines(path, advance, newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            if line.isspace():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise CorpusError(
                    f"{path}: line {number} is not valid JSON ({error}); write one object on each line"
                ) from error
            if not isinstance(row, dict):
                raise CorpusError(f"{path}: line {number} is {shorten(row)}; write one object on each line")
            if names is not None:
                names = None if column in row else names | dict.fromkeys(row)
                if names and number >= ROWS_WITHOUT_COLUMN:
                    break
            yield f"line {number}", row.get(column)
    if names:
        raise CorpusError(f"{path}: has no column {column!r}; the columns are: {names_of(names)}")


def _read_parquet(path: Path, column: str, advance: Advance | None) -> Rows:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise CorpusError(
            f"{path}: reading parquet files needs pyarrow; install it with pip install 'word2vec-fused[parquet]'"
        ) from error
    try:
        with path.open("rb") as raw, ParquetFile(raw) as file:
            names = file.schema_arrow.names
            if column not in names:
                raise CorpusError(f"{path}: has no column {column!r}; the columns are: {names_of(names)}")
            number, size, total = 0, path.stat().st_size, max(1, file.metadata.num_rows)
            for batch in file.iter_batches(PARQUET_ROWS, columns=[column]):
                for value in batch.column(0).to_pylist():
                    yield f"row {number} (from 0)", value
                    number += 1
                if advance is not None:
                    advance(size * number // total - size * (number - len(batch)) // total)
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ArrowException, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: is damaged, or not a parquet file ({reason_of(error)}); write it again") from error


@contextmanager
def _open_lines(path: Path, advance: Advance | None, newline: str) -> Iterator[Iterator[str]]:
    """Open a text file, which may be compressed, as lines; invalid bytes become surrogates, which texts.py replaces."""
    with open_text(path, advance) as (start, rest):
        content = io.BufferedReader(_Content(start.removeprefix(BYTE_ORDER_MARK), rest))
        with io.TextIOWrapper(content, "utf-8", errors="surrogateescape", newline=newline) as lines:
            yield _bounded(path, lines)


class _Content(io.RawIOBase):
    """The content of a file of which the start is already read."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        self._start, self._rest = memoryview(start), rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._start:
            return int(self._rest.readinto(buffer))  # type: ignore[attr-defined]
        size = min(len(buffer), len(self._start))
        buffer[:size], self._start = self._start[:size], self._start[size:]
        return size


def _bounded(path: Path, lines: TextIO) -> Iterator[str]:
    number = 0
    while line := lines.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise CorpusError(f"{path}: line {number} is longer than {MAX_LINE:,} characters; write shorter lines")
        yield line


@contextmanager
def _long_values() -> Iterator[None]:
    """Raise the limit of Python's csv module on the length of a value, which is 131,072 characters."""
    limit = csv.field_size_limit(MAX_LINE)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


READERS: dict[str, Callable[[Path, str, Advance | None], Rows]] = {
    ".csv": partial(_read_csv, delimiter=","),
    ".tsv": partial(_read_csv, delimiter="\t"),
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".parquet": _read_parquet,
}
"""File extension -> function that reads a column."""
