"""Read columns of a table in a file: .csv, .tsv, .jsonl, .ndjson and .parquet, in bounded memory.

The text formats may be compressed. CSV follows RFC 4180, also with tabs: a value that contains a delimiter, a quotation
mark or a newline is quoted, and every row has as many values as the first one, which names the columns.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TextIO

from word2vec.corpus.containers import names_of
from word2vec.corpus.messages import reason_of, shorten
from word2vec.corpus.reader import BYTE_ORDER_MARK, open_text
from word2vec.errors import CorpusError
from word2vec.system.compression import COMPRESSIONS

Value = str | list[Any] | None
"""A text, a list of tokens, or None if the value of a row is missing or empty."""

Advance = Callable[[int], object]

Rows = Iterator[tuple[int, tuple[Any, ...]]]
"""The number of each row in messages, and its values of the columns."""

MAX_LINE = 1 << 28  # characters; the text of a book has a few million
ROWS_WITHOUT_COLUMN = 1000  # rows of .jsonl, where a row may leave out columns, before the column is reported missing
PARQUET_ROWS = 1024  # rows read at a time


def is_table(path: Path) -> bool:
    """Return whether the name of a file says that it is a table."""
    return table_suffix(path) in READERS


def read_column(path: Path, column: str, advance: Advance | None = None) -> Iterator[Value]:
    """Yield the values of a column of texts or lists, one for each row.

    Args:
        path: The file.
        column: The name of the column.
        advance: A function that is called with the number of bytes read since its last call, for a progress bar.

    Raises:
        CorpusError: See `read_columns`; or a value is neither text nor a list.
    """
    for number, (value,) in read_columns(path, [column], advance):
        if isinstance(value, str | list):
            yield value or None
        elif value is None:
            yield None
        else:
            raise CorpusError(
                f"{path}: {place_of(path, number)}: column {column!r} contains {shorten(value)}; choose a column of "
                "texts or of lists of tokens"
            )


def read_columns(path: Path, columns: Sequence[str], advance: Advance | None = None) -> Rows:
    """Return an iterator over the rows: the number of each, for `place_of`, and its values of the columns.

    Args:
        path: The file.
        columns: The names of the columns, in any order; a name may occur twice.
        advance: A function that is called with the number of bytes read since its last call, for a progress bar.

    Raises:
        CorpusError: The file is not a table. Iterating raises it if the file lacks a column, cannot be read or has a
            malformed row; the message names the line or row.
    """
    return _reader_of(path, columns).read(path, columns, advance)


def place_of(path: Path, number: int) -> str:
    """Return the name of a row in messages, from its number."""
    return READERS[table_suffix(path)].place.format(number)


def _reader_of(path: Path, columns: Sequence[str]) -> "_Reader":
    if reader := READERS.get(table_suffix(path)):
        return reader
    raise CorpusError(
        f"{path}: is not a table, so it has no column {columns[0]!r}; columns are read from {', '.join(READERS)} files"
    )


def table_suffix(path: Path) -> str:
    """Return the extension of a file in lower case, without that of a compression."""
    name = Path(path.name.lower())
    return Path(name.stem).suffix if name.suffix in COMPRESSIONS else name.suffix


def _read_csv(path: Path, columns: Sequence[str], advance: Advance | None, delimiter: str) -> Rows:
    with _open_lines(path, advance, newline="") as lines, _long_values():
        rows = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            header = next(rows, [])
            _check_names(path, columns, header)
            values, width = _values_at([header.index(column) for column in columns]), len(header)
            for row in rows:
                if len(row) == width:
                    yield rows.line_num, values(row)
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


def _check_names(path: Path, columns: Sequence[str], names: Sequence[str]) -> None:
    """Check that a table has the columns once each."""
    for column in columns:
        if names.count(column) != 1:
            problem = "several columns" if column in names else "no column"
            raise CorpusError(f"{path}: has {problem} {column!r}; the columns are: {names_of(names)}")


def _values_at(places: Sequence[int]) -> Callable[[list[str]], tuple[str, ...]]:
    """Return a function of a row that returns its values at some places."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda row: (row[places[0]],)


def _read_jsonl(path: Path, columns: Sequence[str], advance: Advance | None) -> Rows:
    missing = dict.fromkeys(columns)  # columns that no row has had yet
    names: dict[str, None] = {}  # of the rows until then
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
            if missing:
                missing = {column: None for column in missing if column not in row}
                names |= dict.fromkeys(row)
                if missing and number >= ROWS_WITHOUT_COLUMN:
                    break
            yield number, tuple(map(row.get, columns))
    if missing and names:
        raise CorpusError(f"{path}: has no column {next(iter(missing))!r}; the columns are: {names_of(names)}")


def _read_parquet(path: Path, columns: Sequence[str], advance: Advance | None) -> Rows:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise CorpusError(
            f"{path}: reading parquet files needs pyarrow; install it with pip install 'word2vec-fused[parquet]'"
        ) from error
    try:
        with path.open("rb") as raw, ParquetFile(raw) as file:
            _check_names(path, columns, file.schema_arrow.names)
            number, size, total = 0, path.stat().st_size, max(1, file.metadata.num_rows)
            for batch in file.iter_batches(PARQUET_ROWS, columns=list(dict.fromkeys(columns))):
                lists = [batch.column(column).to_pylist() for column in columns]
                for values in zip(*lists, strict=True):
                    yield number, values
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


class _Reader(NamedTuple):
    """How to read one kind of table."""

    read: Callable[[Path, Sequence[str], Advance | None], Rows]
    place: str  # the name of a row in messages


READERS = {
    ".csv": _Reader(partial(_read_csv, delimiter=","), "line {}"),
    ".tsv": _Reader(partial(_read_csv, delimiter="\t"), "line {}"),
    ".jsonl": _Reader(_read_jsonl, "line {}"),
    ".ndjson": _Reader(_read_jsonl, "line {}"),
    ".parquet": _Reader(_read_parquet, "row {} (from 0)"),
}
"""File extension -> how to read columns."""
