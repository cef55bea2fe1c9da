"""GloVe's text format: one line per word with its numbers, without a header.

GloVe (Pennington, Socher and Manning 2014) publishes files in which a few words contain spaces, so lines are split from
the right. The number of dimensions is the one on which most of the first lines agree.
"""

from collections import Counter
from pathlib import Path

from word2vec.errors import FormatError
from word2vec.formats.file_io import BYTE_ORDER_MARK, HEAD_BYTES, open_file, write_rows
from word2vec.formats.table import DecodingErrors, Table, distinct, encode_words
from word2vec.formats.text_rows import GAP, MAX_LINE_BYTES, NUMBER, RowReader, ends_in_number, format_rows
from word2vec.formats.word2vec_text import HEADER

ROWS_EXAMINED = 100  # to find the number of dimensions


def is_glove(head: bytes) -> bool:
    """Return whether most of the first lines end in a number, and the first line is not a word2vec header."""
    rows = _first_rows(head)
    with_numbers = [row for row in rows if _count_trailing_numbers(row)]
    return 2 * len(with_numbers) > len(rows) and not HEADER.fullmatch(head.partition(b"\n")[0])


def read_glove(path: Path, limit: int | None, progress: bool, errors: DecodingErrors = "replace") -> Table:
    """Read a GloVe file."""
    with open_file(path, progress) as file:
        start = (file.readline(MAX_LINE_BYTES) + file.read(HEAD_BYTES)).removeprefix(BYTE_ORDER_MARK)
        dims = Counter(dim for row in _first_rows(start) if (dim := _count_trailing_numbers(row)))
        if not dims:
            raise FormatError(f"{path}, line 1: expected a word and its numbers, found {start[:60]!r}")
        (dim, _), *_ = dims.most_common(1)  # ties go to the first
        table = RowReader(file, dim, limit, first_line=1, spaces=True, errors=errors).read(start)
    return distinct(path, table)


def write_glove(path: Path, table: Table, progress: bool) -> None:
    """Write a GloVe file."""
    words = encode_words(path, table.words, spaces=True)
    ambiguous = next((row for row, word in enumerate(words) if ends_in_number(word)), None)
    if ambiguous is not None:
        raise FormatError(
            f"cannot write {path}: the end of the word {table.words[ambiguous]!r} would be read as a number; "
            "use safetensors or npz"
        )
    if words and words[0].startswith(BYTE_ORDER_MARK):
        raise FormatError(
            f"cannot write {path}: the start of the first word {table.words[0]!r} would be read as a byte order mark; "
            "use safetensors or npz"
        )
    write_rows(path, table, b"", format_rows(words, table.vectors), progress)


def _first_rows(head: bytes) -> list[list[bytes]]:
    """Return the fields of the first lines, except for the last line, which may be incomplete, unless it is alone."""
    lines = head.split(b"\n")[:ROWS_EXAMINED]
    complete = lines[:-1] if 1 < len(lines) < ROWS_EXAMINED else lines
    return [GAP.split(stripped) for line in complete if (stripped := line.strip(b" \t\r"))]


def _count_trailing_numbers(row: list[bytes]) -> int:
    """Return how many fields at the end of a row are numbers; the first field is always the word."""
    numbers = 0
    while numbers < len(row) - 1 and NUMBER.fullmatch(row[-1 - numbers]):
        numbers += 1
    return numbers
