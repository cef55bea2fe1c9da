"""Vectors as text, a row a line: word2vec's own files and fastText's .vec, and GloVe's, which lack the first line.

word2vec (Mikolov et al. 2013) begins with a line "count dim", and words hold no spaces. GloVe (Pennington, Socher and
Manning 2014) begins with the first row, and a few words do hold spaces, so its rows are split from the right; how many
numbers a row has is what most of the first rows agree on.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import FormatError
from word2vec.formats.rows import GAP, LONGEST_LINE, NUMBER, RowReader, is_torn
from word2vec.formats.source import HEAD, Source, open_source, write_rows
from word2vec.formats.table import Table, distinct, encoded, row_blocks

HEADER = re.compile(rb"(\d{1,12})[ \t]+(\d{1,9})\s*")
LONGEST_HEADER = 64  # bytes; more than two numbers can take
SURELY_TEXT = 64  # printable bytes in a row; of random bytes so many are printable once in 1e27 files
ROWS_ASKED = 100  # of a GloVe file, for the number of dimensions
ROWS_FORMATTED = 1 << 19  # bytes of rows turned into Python's numbers at a time, which take eight times the memory


def read_header(source: Source, bytes_per_number: int) -> tuple[int, int]:
    """Words and dimensions, as the first line promises and the size of the file allows.

    Raises:
        FormatError: the line is something else, or promises more than the file can hold.
    """
    line = source.readline(LONGEST_HEADER)
    match = HEADER.fullmatch(line)
    if match is None:
        raise FormatError(f"{source.path}, line 1: expected 'count dim', two whole numbers, found {line!r}")
    count, dim = int(match[1]), int(match[2])
    if count == 0 or dim == 0:
        raise FormatError(f"{source.path}, line 1: {count} words of {dim} numbers are no vectors")
    # the shortest row: one letter, one space, the numbers; the line end after the last may be missing
    least = count * (2 + dim * bytes_per_number) - 1
    if source.left < least:
        follow = f"at most {source.left} can follow" if source.compressed else f"{source.left} follow"
        raise FormatError(
            f"{source.path}, line 1 promises {count} words of {dim} numbers, at least {least} bytes, but {follow}; "
            "the file is cut off or its first line is wrong"
        )
    return count, dim


def is_word2vec_text(head: bytes) -> bool:
    """Whether a file begins with a header and a row of printable numbers."""
    line, _, rest = head.partition(b"\n")
    header = HEADER.fullmatch(line)
    row = re.sub(rb"^[^ \t]*[ \t]?", b"", rest.partition(b"\n")[0])
    # subtle: bytes of floats may be printable or a line end by chance, so a row must be printable and long enough
    least = 0 if header is None else min(2 * int(header[2]) - 1, SURELY_TEXT)
    return least > 0 and re.fullmatch(rb"[\x20-\x7e\t]{%d,}\r?" % least, row) is not None


def read_word2vec_text(path: Path, limit: int | None, progress: bool) -> Table:
    """Reads a file with a header."""
    with open_source(path, progress) as source:
        count, dim = read_header(source, bytes_per_number=2)
        wanted = min(count, limit or count)
        reader = RowReader(source, dim, wanted, first_line=2, spaces=False)
        table = reader.read()
        if len(table.words) < wanted:
            raise FormatError(f"{path} ends after {len(table.words)} words, but line 1 promises {count}; it is cut off")
        if limit is None and not reader.at_end():
            raise FormatError(f"{path} has more rows than the {count} that line 1 promises")
    return distinct(path, table)


def is_glove(head: bytes) -> bool:
    """Whether most of the first lines end in a number, and the first is no header."""
    rows = _first_rows(head)
    with_numbers = [row for row in rows if _numbers_at_end(row)]
    return 2 * len(with_numbers) > len(rows) and not HEADER.fullmatch(head.partition(b"\n")[0])


def read_glove(path: Path, limit: int | None, progress: bool) -> Table:
    """Reads a file without a header."""
    with open_source(path, progress) as source:
        start = source.readline(LONGEST_LINE) + source.read(HEAD)
        dims = Counter(dim for row in _first_rows(start) if (dim := _numbers_at_end(row)))
        if not dims:
            raise FormatError(f"{path}, line 1: expected a word and its numbers, found {start[:60]!r}")
        (dim, _), *_ = dims.most_common(1)  # of equally many the first
        table = RowReader(source, dim, limit, first_line=1, spaces=True).read(start)
    return distinct(path, table)


def _first_rows(head: bytes) -> list[list[bytes]]:
    """The first lines, split; what may be only the beginning of a line is left out, unless it is all there is."""
    lines = head.split(b"\n")[:ROWS_ASKED]
    whole = lines[:-1] if 1 < len(lines) < ROWS_ASKED else lines
    return [GAP.split(line) for each in whole if (line := each.strip(b" \t\r"))]


def _numbers_at_end(row: list[bytes]) -> int:
    """How many parts at the end of a row are numbers; the first is a word whatever it looks like."""
    numbers = 0
    while numbers < len(row) - 1 and NUMBER.fullmatch(row[-1 - numbers]):
        numbers += 1
    return numbers


def write_word2vec_text(path: Path, table: Table, progress: bool) -> None:
    """Writes a file with a header."""
    words = encoded(path, table.words, spaces=False)
    write_rows(path, table, b"%d %d\n" % table.vectors.shape, _lines(words, table.vectors), progress)


def write_glove(path: Path, table: Table, progress: bool) -> None:
    """Writes a file without a header."""
    words = encoded(path, table.words, spaces=True)
    torn = next((row for row, word in enumerate(words) if is_torn(word)), None)
    if torn is not None:
        raise FormatError(
            f"cannot write {path}: the word {table.words[torn]!r} ends like a row; use safetensors or npz"
        )
    write_rows(path, table, b"", _lines(words, table.vectors), progress)


def _lines(words: list[bytes], vectors: NDArray[np.float32]) -> Iterator[bytes]:
    row = b" ".join([b"%.9g"] * vectors.shape[1])  # nine digits tell any two 32-bit floats apart
    numbers = (tuple(each) for block in row_blocks(vectors, ROWS_FORMATTED) for each in block.tolist())
    return (b"%b %b\n" % (word, row % each) for word, each in zip(words, numbers, strict=True))
