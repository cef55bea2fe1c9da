"""Encode the files of a corpus: blocks of text, or a column of tables, become provisional ids."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from word2vec.corpus.columns import read_column
from word2vec.corpus.messages import shorten
from word2vec.corpus.read_report import ReadReport
from word2vec.corpus.read_settings import ReadSettings
from word2vec.corpus.reader import BLOCK_BYTES, read_blocks
from word2vec.corpus.sequences import batches
from word2vec.corpus.texts import text_blocks
from word2vec.corpus.token_counts import SequenceTable
from word2vec.corpus.tokenizers import find_tokenizer
from word2vec.corpus.word_tables import WordTables
from word2vec.errors import CorpusError

Encoded = Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]]
"""Provisional ids, and the number of ids of the same block before the end of each sentence."""

Advance = Callable[[int], object]

Kind = TypeVar("Kind", str, list[Any])


def encode_files(
    files: Sequence[Path],
    settings: ReadSettings,
    report: ReadReport,
    threads: int | None = None,
    advance: Advance | None = None,
) -> tuple[WordTables | SequenceTable, Encoded]:
    """Encode the files of a corpus.

    Args:
        files: The files.
        settings: How they are turned into words.
        report: Collects irregularities.
        threads: The number of threads; all processors by default. Lists of tokens are encoded by one.
        advance: A function that is called with the number of bytes read from disk since its last call.

    Returns:
        The table of words, and the ids, which are encoded while they are consumed.

    Raises:
        CorpusError: A file cannot be read; see `read_blocks` and `read_column`.
    """
    tokenizer = find_tokenizer(settings.tokenizer)
    if settings.column is None:
        blocks: Iterator[bytes] = (
            block
            for file in files
            for block in read_blocks(file, report, lowercase=settings.lowercase, tokenizer=tokenizer, advance=advance)
        )
        tables = WordTables(threads)
        return tables, tables.encoded(blocks)
    column = settings.column
    kinds = (type(value) for file in files for value in read_column(file, column) if value is not None)
    if next(kinds, str) is list:
        sequences = SequenceTable(lowercase=settings.lowercase)
        lists = (
            batch for file in files for batch in batches(_values(file, column, list, report, advance), f"{file}: row")
        )
        return sequences, map(sequences.encode, lists)
    texts = (text for file in files for text in _values(file, column, str, report, advance))
    blocks = text_blocks(texts, "row", report, lowercase=settings.lowercase, tokenizer=tokenizer)
    tables = WordTables(threads)
    return tables, tables.encoded(blocks)


def file_texts(
    files: Sequence[Path], column: str | None, report: ReadReport, advance: Advance | None = None
) -> Iterator[str]:
    """Yield the lines of text files, or the texts of a column of tables.

    A line that is longer than a block is divided between two words.

    Args:
        files: The files.
        column: The column; None for lines.
        report: Collects irregularities.
        advance: A function that is called with the number of bytes read from disk since its last call.

    Raises:
        CorpusError: A file cannot be read; see `read_blocks` and `read_column`.
    """
    for file in files:
        if column is not None:
            yield from _values(file, column, str, report, advance)
            continue
        rest = b""
        for block in read_blocks(file, report, advance=advance):
            *lines, rest = (rest + block).split(b"\n")
            yield from (line.decode() for line in lines if line)
            if len(rest) > BLOCK_BYTES:
                yield rest.decode()
                rest = b""


def _values(file: Path, column: str, kind: type[Kind], report: ReadReport, advance: Advance | None) -> Iterator[Kind]:
    """Yield the values of a column, all of the same type; an empty value for those that are missing.

    Raises:
        CorpusError: A value has the other type.
    """
    for number, value in enumerate(read_column(file, column, advance)):
        if isinstance(value, kind):
            yield value
        elif value is None:
            report.missing_values += 1
            yield kind()
        else:
            raise CorpusError(
                f"{file}: row {number} (from 0): column {column!r} contains {shorten(value)}; it must contain only "
                "texts, or only lists of tokens"
            )
