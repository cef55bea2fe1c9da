"""Values of tables and columns in memory: pandas, polars, pyarrow and Hugging Face datasets, without importing them.

A container is recognized by the package that defines its type. Values are taken in chunks, because converting one
value at a time is slow and converting all of them doubles the memory.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from word2vec.corpus.messages import shorten
from word2vec.errors import CorpusError

CHUNK_ROWS = 4096


@dataclass(frozen=True)
class Container:
    """How to take values from the types of one package.

    Attributes:
        columns: Returns the names of the columns of a table; None for a single column.
        column: Returns a column of a table.
        chunks: Yields the values of a column in lists.
    """

    columns: Callable[[Any], Iterable[object] | None]
    column: Callable[[Any, object], Any]
    chunks: Callable[[Any], Iterator[Iterable[object]]]


def container_of(source: object) -> Container | None:
    """Return how to take values from a table or column of a known package; None for other objects."""
    packages = (kind.__module__.partition(".")[0] for kind in type(source).__mro__)
    return next((CONTAINERS[package] for package in packages if package in CONTAINERS), None)


def values(source: Any, column: str | None) -> Iterable[object]:
    """Return the values of a column.

    Args:
        source: A table, a column, an iterable of dictionaries, or anything else that can be iterated.
        column: The name of the column of a table; None if `source` is not a table.

    Raises:
        CorpusError: `source` is a table and no column is named, there is no such column, or `source` has no columns.
    """
    container = container_of(source)
    names = None if container is None else container.columns(source)
    if container is None:
        return source if column is None else _values_of_dictionaries(source, column)
    if names is None:
        if column is not None:
            raise CorpusError(f"the corpus is a single column, so there is no column {column!r}; remove column=")
        return _flatten(container.chunks(source))
    if column is None:
        raise CorpusError(
            f"the corpus is a table; choose the column to train on with column=, one of: {names_of(names)}"
        )
    if column not in names:
        raise CorpusError(f"the corpus has no column {column!r}; choose one of: {names_of(names)}")
    return _flatten(container.chunks(container.column(source, column)))


def _flatten(chunks: Iterable[Iterable[object]]) -> Iterator[object]:
    for chunk in chunks:
        yield from chunk


def _values_of_dictionaries(source: Iterable[object], column: str) -> Iterator[object]:
    for number, row in enumerate(source):
        if not isinstance(row, Mapping):
            raise CorpusError(
                f"row {number} (from 0): is {shorten(row)}, which has no columns; pass dictionaries, or remove column="
            )
        if column not in row:
            raise CorpusError(f"row {number} (from 0): has no column {column!r}; it has: {names_of(row)}")
        yield row[column]


def names_of(names: Iterable[object]) -> str:
    """Return names of columns for a message; of many, only some."""
    shown = [str(name) for name in names]
    return ", ".join(shown[:10]) + (f" and {len(shown) - 10} more" if len(shown) > 10 else "") or "(none)"


def _pandas_columns(source: Any) -> Iterable[object] | None:
    return source.columns if source.ndim == 2 else None


def _pandas_chunks(column: Any) -> Iterator[Iterable[object]]:
    if column.ndim == 2:
        raise CorpusError(f"the corpus has several columns {column.columns[0]!r}; rename all but one")
    for start in range(0, len(column), CHUNK_ROWS):
        yield column.array[start : start + CHUNK_ROWS].tolist()  # subtle: [] of the column itself may go by labels


def _polars_columns(source: Any) -> Iterable[object] | None:
    if hasattr(source, "collect"):
        raise CorpusError("the corpus is a polars LazyFrame; read it first, with .collect()")
    return source.columns if hasattr(source, "columns") else None


def _polars_chunks(column: Any) -> Iterator[Iterable[object]]:
    for start in range(0, len(column), CHUNK_ROWS):
        yield column.slice(start, CHUNK_ROWS).to_list()


def _arrow_columns(source: Any) -> Iterable[object] | None:
    return source.schema.names if hasattr(source, "schema") else None


def _arrow_chunks(column: Any) -> Iterator[Iterable[object]]:
    for start in range(0, len(column), CHUNK_ROWS):
        yield column.slice(start, CHUNK_ROWS).to_pylist()


def _datasets_columns(source: Any) -> Iterable[object] | None:
    if isinstance(source, Mapping):
        raise CorpusError(f"the corpus consists of several data sets; choose one of: {names_of(source)}")
    if not hasattr(source, "column_names"):
        return None
    return source.column_names or list(next(iter(source.take(1)), {}))  # a streamed data set may not know its columns


def _datasets_chunks(column: Any) -> Iterator[Iterable[object]]:
    yield column


CONTAINERS = {
    "pandas": Container(_pandas_columns, lambda table, name: table[name], _pandas_chunks),
    "polars": Container(_polars_columns, lambda table, name: table.get_column(name), _polars_chunks),
    "pyarrow": Container(_arrow_columns, lambda table, name: table.column(name), _arrow_chunks),
    "datasets": Container(
        _datasets_columns,
        lambda table, name: _flatten(batch[name] for batch in table.select_columns([name]).iter(CHUNK_ROWS)),
        _datasets_chunks,
    ),
}
"""Package -> how to take values from its tables and columns."""
