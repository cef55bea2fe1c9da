"""word2vec's binary format (.bin): a header line "count dim", then each word, a space, and its float32 numbers.

The numbers are little-endian. word2vec.c (Mikolov et al. 2013) writes a line feed after each row, gensim does not; both
are read, and files are written as by gensim.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import FormatError, TruncatedError
from word2vec.formats.file_io import FileReader, open_file, write_rows
from word2vec.formats.growable_table import GrowableTable
from word2vec.formats.table import BLOCK, DecodingErrors, Table, WordList, distinct, encode_words, row_blocks
from word2vec.formats.word2vec_text import HEADER, is_word2vec_text, read_header

MAX_WORD_BYTES = 1 << 16  # without a space within this many bytes, the file is damaged


def is_word2vec_binary(head: bytes) -> bool:
    """Return whether a file starts with a header that is not followed by text."""
    return HEADER.fullmatch(head.partition(b"\n")[0]) is not None and not is_word2vec_text(head)


def read_word2vec_binary(path: Path, limit: int | None, progress: bool, errors: DecodingErrors = "replace") -> Table:
    """Read a word2vec binary file, with or without a line feed after each row."""
    with open_file(path, progress) as file:
        count, dim = read_header(file, bytes_per_number=4)
        wanted = min(count, limit or count)
        table, words = GrowableTable(dim, wanted, certain=not file.compressed), WordList(path, errors)
        rest = _read_rows(file, table, words)
        if table.filled < wanted:
            place = f"within row {table.filled + 1}" if rest.strip(b"\n") else f"after {table.filled} words"
            raise TruncatedError(
                f"{path}: ends {place}, but line 1 declares {count}; the file is truncated; get a new copy"
            )
        if limit is None and (rest + file.read(BLOCK)).strip(b"\n"):
            raise FormatError(f"{path}: continues after the {count} words declared in line 1; the file is damaged")
    words.warn()
    return distinct(path, Table(words.words, table.finish()))


def write_word2vec_binary(path: Path, table: Table, progress: bool) -> None:
    """Write a word2vec binary file as gensim does, without line feeds after rows."""
    words = encode_words(path, table.words, spaces=False)
    write_rows(path, table, b"%d %d\n" % table.vectors.shape, _format_rows(words, table.vectors), progress)


def _read_rows(file: FileReader, table: GrowableTable, words: WordList) -> bytes:
    """Read rows until the table is full or the file ends; return the bytes that were read but not used."""
    rest = b""
    while not table.full and (block := file.read(BLOCK)):
        block, start = rest + block, 0
        while not table.full:
            vectors = table.free_rows(file.fraction_read)
            found, stop = _split_rows(block, start, vectors)
            if not found:
                break
            words.extend(b" ".join([*found, b""]), " ")
            table.filled, start = table.filled + len(found), stop
        rest = block[start:]
        if b" " not in rest[:MAX_WORD_BYTES] and len(rest) >= MAX_WORD_BYTES:
            raise FormatError(
                f"{file.path}, row {table.filled + 1}: no space after the word; the file is damaged or has another "
                "format"
            )
    return rest


def _split_rows(block: bytes, start: int, vectors: NDArray[np.float32]) -> tuple[list[bytes], int]:
    """Copy complete rows from `start` on into `vectors` (R, D); return their words and the end of the last row.

    This is a Python loop, about a microsecond per row, because it only copies bytes: loading numba takes longer than
    the loop over half a million rows.
    """
    size = 4 * vectors.shape[1]
    target, source = vectors.reshape(-1).view(np.uint8).data, memoryview(block)
    last = max(0, len(block) - size)  # subtle: find would count a negative end from the end
    words: list[bytes] = []
    for begin in range(0, len(target), size):
        end = block.find(b" ", start, last)
        if end < 0:
            break
        # subtle: word2vec.c ends a row with a line feed, which therefore precedes the next word; gensim does not
        words.append(block[start:end].lstrip(b"\n"))
        start = end + 1 + size
        target[begin : begin + size] = source[end + 1 : start]
    return words, start


def _format_rows(words: list[bytes], vectors: NDArray[np.float32]) -> Iterator[bytes]:
    numbers = (row.tobytes() for block in row_blocks(vectors) for row in block.astype("<f4"))
    return (b"%b %b" % (word, row) for word, row in zip(words, numbers, strict=True))
