"""Read pairs from the columns of a table in a file or at a URL; see columns.py for the kinds of tables.

Names are encoded while rows are read, so memory is needed for the ids of the pairs and for the distinct names. Fields
of .csv and .tsv files are strings: an id such as 007 keeps its zeros. Rows with a missing or empty value are skipped
and counted.
"""

import logging
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from word2vec.corpus.columns import place_of, read_columns
from word2vec.corpus.growing_array import GrowingArray
from word2vec.corpus.messages import shorten
from word2vec.corpus.pair_corpus import NamedColumn, PairColumns
from word2vec.corpus.remote import downloaded, is_remote
from word2vec.corpus.storable import UNSTORABLE, storage_problem
from word2vec.errors import CorpusError
from word2vec.system.cache import cache_folder

BLOCK_ROWS = 512  # rows encoded at a time: the cost of a step in Python is small, and the rows fit the cache

logger = logging.getLogger("word2vec")

Row = tuple[int, tuple[Any, ...]]
"""The number of a row in messages, and its values."""

Column = tuple[Any, ...]


def read_pairs(
    source: str | Path,
    input_column: str,
    target_column: str,
    weight_column: str | None = None,
    *,
    progress: bool = False,
) -> PairColumns:
    """Read the columns of inputs, targets and weights.

    Args:
        source: A .csv, .tsv, .jsonl, .ndjson or .parquet file, plain or compressed, or the address of one.
        input_column: Name of the column of inputs.
        target_column: Name of the column of targets.
        weight_column: Name of the column of weights; None if there is none.
        progress: Whether to draw progress bars on stderr.

    Raises:
        CorpusError: The file is no table or cannot be read, a column is missing, or a value is invalid; the message
            names the line or row.
    """
    columns = [input_column, target_column, *([] if weight_column is None else [weight_column])]
    with _local(source, progress) as files:
        size = sum(file.stat().st_size for file in files)
        with tqdm(total=size, unit="B", unit_scale=True, desc="reading", disable=not progress, leave=False) as bar:
            names = _Names(input_column), _Names(target_column)
            weights = None if weight_column is None else _Weights(weight_column)
            encoders: list[_Names | _Weights] = [*names, *([] if weights is None else [weights])]
            skipped = 0
            for file in files:
                rows = read_columns(file, columns, bar.update)
                while block := list(islice(rows, BLOCK_ROWS)):
                    numbers, values, missing = _split(block)
                    skipped += missing
                    for encoder, column in zip(encoders, values, strict=False):  # no columns if no row is complete
                        encoder.add(file, numbers, column)
    inputs, targets = (each.finish() for each in names)
    if not len(inputs.codes):
        problem = f"a value is missing or empty in all of its {skipped:,} rows" if skipped else "it has no rows"
        raise CorpusError(f"{source}: contains no pairs, {problem}; add rows with an input and a target")
    if skipped:
        logger.warning("%s: %s rows have a missing or empty value; skipped", source, f"{skipped:,}")
    return PairColumns(inputs, targets, None if weights is None else weights.finish())


def read_pair_names(source: str | Path, input_column: str, target_column: str) -> tuple[list[str], list[str]]:
    """Read the inputs and targets of pairs, with the same checks as for training.

    Raises:
        CorpusError: See `read_pairs`.
    """
    columns = read_pairs(source, input_column, target_column)
    inputs, targets = (column.names[column.codes].tolist() for column in (columns.inputs, columns.targets))
    return inputs, targets


@contextmanager
def _local(source: str | Path, progress: bool) -> Iterator[list[Path]]:
    """Provide the files of a source; those of a URL are copied to the cache for the time of the block."""
    if is_remote(source):
        with downloaded(str(source), cache_folder(), progress=progress) as copies:
            yield copies
        return
    path = Path(source).expanduser()
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "no such file"
        raise CorpusError(f"{path}: {problem}; pass a .csv, .tsv, .jsonl or .parquet file")
    yield [path]


def _split(block: list[Row]) -> tuple[Sequence[int], list[Column], int]:
    """Return the numbers of the complete rows, their values by column, and how many rows are incomplete."""
    numbers, values = zip(*block, strict=True)
    columns = list(zip(*values, strict=True))
    if not any(None in column or "" in column for column in columns):
        return numbers, columns, 0
    complete = [row for row in block if not (None in row[1] or "" in row[1])]
    return (
        [number for number, _ in complete],
        list(zip(*(row[1] for row in complete), strict=True)),
        len(block) - len(complete),
    )


class _Names:
    """The distinct names of a column, and the code of each value.

    Args:
        column: Name of the column, for messages.
    """

    def __init__(self, column: str) -> None:
        self._column = column
        self._codes: defaultdict[str | int, int] = defaultdict()
        self._codes.default_factory = self._codes.__len__
        self._encoded = GrowingArray(np.int32)
        self._kind: type | None = None

    def add(self, file: Path, numbers: Sequence[int], values: Column) -> None:
        """Encode the values of some rows.

        Raises:
            CorpusError: A value is neither a string nor a whole number, has another type than those before it, or
                cannot be stored.
        """
        self._kind = type(values[0]) if self._kind is None else self._kind
        if self._kind not in (str, int) or {*map(type, values)} != {self._kind}:
            self._reject_types(file, numbers, values)
        known = len(self._codes)
        codes = np.fromiter(map(self._codes.__getitem__, values), np.int32, len(values))
        if self._kind is str and len(self._codes) > known:
            new = list(islice(reversed(self._codes), len(self._codes) - known))
            if any(map(UNSTORABLE.search, new)):  # type: ignore[arg-type]
                self._reject_names(file, numbers, values)
        self._encoded.append(codes)

    def finish(self) -> NamedColumn:
        """Return the column."""
        names = np.fromiter(map(str, self._codes), object, len(self._codes))
        return NamedColumn(self._encoded.finish(), names)

    def _reject_types(self, file: Path, numbers: Sequence[int], values: Column) -> None:
        for number, value in zip(numbers, values, strict=True):
            if type(value) not in (str, int):
                problem = "choose a column of strings or of whole numbers"
            elif type(value) is not self._kind:
                problem = "it must contain only strings, or only whole numbers; convert the numbers to strings"
            else:
                continue
            raise CorpusError(
                f"{file}: {place_of(file, number)}: column {self._column!r} contains {shorten(value)}; {problem}"
            )

    def _reject_names(self, file: Path, numbers: Sequence[int], values: Column) -> None:
        for number, value in zip(numbers, values, strict=True):
            if UNSTORABLE.search(value):
                raise CorpusError(
                    f"{file}: {place_of(file, number)}: column {self._column!r}: {shorten(value)} "
                    f"{storage_problem(value)}"
                )


class _Weights:
    """The values of a column of weights.

    Args:
        column: Name of the column, for messages.
    """

    def __init__(self, column: str) -> None:
        self._column = column
        self._values = GrowingArray(np.float64)

    def add(self, file: Path, numbers: Sequence[int], values: Column) -> None:
        """Append the weights of some rows.

        Raises:
            CorpusError: A weight is not a positive number.
        """
        weights = np.fromiter(map(_number, values), np.float64, len(values))
        wrong = np.flatnonzero(~(np.isfinite(weights) & (weights > 0)))
        if len(wrong):
            number, value = numbers[wrong[0]], values[wrong[0]]
            raise CorpusError(
                f"{file}: {place_of(file, number)}: the weight in column {self._column!r} is {shorten(value)}, not a "
                "positive number; correct it, or remove that row"
            )
        self._values.append(weights)

    def finish(self) -> npt.NDArray[np.float64]:
        """Return the weights."""
        return self._values.finish()


def _number(value: Any) -> float:
    """Return a weight as a number; NaN if it is none."""
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
