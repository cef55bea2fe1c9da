"""word2vec's text format (.txt, .vec): a header line "count dim", then one line per word with its numbers.

Defined by word2vec.c (Mikolov et al. 2013) and also written by gensim and fastText. Words contain no spaces. The binary
format has the same header, which is read here for both.
"""

import re
from pathlib import Path

from word2vec.errors import FormatError, TruncatedError
from word2vec.formats.file_io import BYTE_ORDER_MARK, FileReader, open_file, write_rows
from word2vec.formats.table import DecodingErrors, Table, distinct, encode_words
from word2vec.formats.text_rows import RowReader, format_rows

HEADER = re.compile(rb"(\d{1,12})[ \t]+(\d{1,9})\s*")
MAX_HEADER_BYTES = 64  # more than two numbers can take
MIN_TEXT_BYTES = 64  # consecutive printable bytes that show text; among random bytes this happens once in 1e27 files


def read_header(file: FileReader, bytes_per_number: int) -> tuple[int, int]:
    """Read the number of words and dimensions from the first line and compare them with the size of the file.

    Raises:
        FormatError: The line is not a header, or it declares more data than the file can contain.
    """
    line = file.readline(MAX_HEADER_BYTES).removeprefix(BYTE_ORDER_MARK)
    match = HEADER.fullmatch(line)
    if match is None:
        raise FormatError(f"{file.path}, line 1: expected 'count dim', two whole numbers, found {line!r}")
    count, dim = int(match[1]), int(match[2])
    if count == 0 or dim == 0:
        raise FormatError(f"{file.path}, line 1: {count} words with {dim} dimensions; both must be 1 or more")
    # the shortest row: one letter, one space, the numbers; the line feed after the last row may be missing
    needed = count * (2 + dim * bytes_per_number) - 1
    if file.left < needed:
        at_most = "at most " if file.compressed else ""
        raise TruncatedError(
            f"{file.path}: line 1 declares {count} words with {dim} dimensions, which take {needed} bytes or more, but "
            f"only {at_most}{file.left} bytes follow; the file is truncated or its first line is wrong"
        )
    return count, dim


def is_word2vec_text(head: bytes) -> bool:
    """Return whether a file starts with a header and a row of printable numbers."""
    line, _, rest = head.partition(b"\n")
    header = HEADER.fullmatch(line)
    row = re.sub(rb"^[^ \t]*[ \t]?", b"", rest.partition(b"\n")[0])
    # subtle: bytes of binary floats may by chance be printable or a line feed, so the row must also be long enough
    printable = 0 if header is None else min(2 * int(header[2]) - 1, MIN_TEXT_BYTES)
    return printable > 0 and re.fullmatch(rb"[\x20-\x7e\t]{%d,}\r?" % printable, row) is not None


def read_word2vec_text(path: Path, limit: int | None, progress: bool, errors: DecodingErrors = "replace") -> Table:
    """Read a word2vec text file."""
    with open_file(path, progress) as file:
        count, dim = read_header(file, bytes_per_number=2)
        wanted = min(count, limit or count)
        reader = RowReader(file, dim, wanted, first_line=2, spaces=False, errors=errors)
        table = reader.read()
        if len(table.words) < wanted:
            raise TruncatedError(
                f"{path}: contains {len(table.words)} words, but line 1 declares {count}; the file is truncated"
            )
        if limit is None and not reader.at_end():
            raise FormatError(f"{path}: contains more rows than the {count} declared in line 1; the file is damaged")
    return distinct(path, table)


def write_word2vec_text(path: Path, table: Table, progress: bool) -> None:
    """Write a word2vec text file."""
    words = encode_words(path, table.words, spaces=False)
    write_rows(path, table, b"%d %d\n" % table.vectors.shape, format_rows(words, table.vectors), progress)
