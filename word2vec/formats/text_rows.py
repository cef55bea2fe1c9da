"""Rows of text, a word and its numbers: the reader and the writer shared by word2vec text files and GloVe files."""

import re
from collections.abc import Iterator
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import FormatError
from word2vec.formats.file_io import FileReader
from word2vec.formats.growable_table import GrowableTable
from word2vec.formats.table import BLOCK, DecodingErrors, Table, WordList, row_blocks

MAX_LINE_BYTES = 1 << 26  # about five million numbers
HARD_NUMBERS = 4096  # numbers left to Python at a time, see parse_floats.py
FORMAT_BYTES = 1 << 19  # bytes of vectors converted to Python floats at a time; these take eight times the memory
GAP = re.compile(rb"[ \t\r]+")
NUMBER = re.compile(rb"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|[-+]?(nan|inf|infinity)", re.IGNORECASE)
# a typical number of a vector; at the end of a word with spaces it shows that the row has too many numbers
STRAY_NUMBER = re.compile(rb"[-+]?\d*\.\d{3,}(e[-+]?\d+)?", re.IGNORECASE)


class RowReader:
    """Reader of text rows, which reads large blocks and reports the first malformed line.

    Args:
        file: The file, positioned at its first row.
        dim: Number of dimensions.
        max_rows: Maximum number of rows to read, or None for all.
        first_line: Line number of the first row, 1 or 2.
        spaces: Whether words may contain spaces.
        errors: How to treat words that are not valid UTF-8.
    """

    def __init__(
        self,
        file: FileReader,
        dim: int,
        max_rows: int | None,
        *,
        first_line: int,
        spaces: bool,
        errors: DecodingErrors = "replace",
    ) -> None:
        self._file, self._dim, self._first_line, self._spaces = file, dim, first_line, spaces
        self._rows = GrowableTable(dim, max_rows, certain=first_line > 1 and not file.compressed)
        self._words = WordList(file.path, errors)
        self._hard = np.empty((max(dim, HARD_NUMBERS), 4), np.int64)  # row, column, start and end in the text
        self._unread = b""  # the part of the last block that was not parsed

    def read(self, start: bytes = b"") -> Table:
        """Read up to `max_rows` rows.

        Args:
            start: Bytes that were already read from the file; parsed first.
        """
        for block in _line_blocks(self._file, start):
            self._unread = self._parse_block(block)
            if self._unread:
                break
        self._words.warn()
        return Table(self._words.words, self._rows.finish())

    def at_end(self) -> bool:
        """Return whether only whitespace follows the rows that were read."""
        blank = not self._unread.strip()
        while blank and (block := self._file.read(BLOCK)):
            blank = not block.strip()
        return blank

    def _parse_block(self, block: bytes) -> bytes:
        """Parse complete lines; return the rest of the block once the table is full or only blank lines follow."""
        # imported here because numba takes long to import
        from word2vec.formats.parse_floats import FAULT, HARD, POSITION, ROWS, WORD_BYTES, parse_rows

        text = np.frombuffer(block, np.uint8)
        words = np.empty(len(text), np.uint8)
        state = np.zeros(5, np.int64)
        while state[POSITION] < len(text) and not self._rows.full:
            state[[ROWS, WORD_BYTES, HARD, FAULT]] = 0
            vectors = self._rows.free_rows(self._file.fraction_read)  # (R, D)
            parse_rows(text, self._dim, vectors, words, self._hard, state)
            self._parse_hard_numbers(block, vectors, self._hard[: state[HARD]])
            self._words.extend(words[: state[WORD_BYTES]].tobytes(), "\n")
            self._rows.filled += int(state[ROWS])
            if state[FAULT]:
                line = block[state[POSITION] : block.index(b"\n", state[POSITION])]
                if not line.strip():
                    break
                self._parse_irregular_line(line)
                state[POSITION] += len(line) + 1
        return self._check_rest(block[state[POSITION] :])

    def _check_rest(self, rest: bytes) -> bytes:
        """Raise FormatError if an empty line is followed by more rows; return the bytes unchanged."""
        if rest and not self._rows.full:  # parsing stopped at an empty line
            self._unread = rest
            if not self.at_end():
                raise FormatError(f"{self._where(0)}: empty line before the end of the rows; the file is damaged")
        return rest

    def _parse_hard_numbers(self, block: bytes, vectors: NDArray[np.float32], hard: NDArray[np.int64]) -> None:
        """Parse the numbers that the compiled parser left to Python."""
        for row, column, start, end in hard.tolist():
            token = block[start:end]
            if not NUMBER.fullmatch(token):
                raise FormatError(f"{self._where(row)}: {token[:40]!r} is not a number")
            with np.errstate(over="ignore"):  # infinity is reported later, with its word
                vectors[row, column] = float(token)

    def _parse_irregular_line(self, line: bytes) -> None:
        """Parse a line that is not one field and its numbers: its word contains spaces, or it is malformed."""
        word, *numbers = line.rsplit(None, self._dim) if self._spaces else [b""]
        if len(numbers) < self._dim or not all(map(NUMBER.fullmatch, numbers)) or ends_in_number(word):
            self._raise_malformed(line)
        with np.errstate(over="ignore"):
            self._rows.free_rows(self._file.fraction_read)[0] = [float(number) for number in numbers]
        self._words.extend(word + b"\n", "\n")
        self._rows.filled += 1

    def _raise_malformed(self, line: bytes) -> NoReturn:
        """Raise FormatError with the reason why a line is malformed."""
        if GAP.match(line):
            raise FormatError(f"{self._where(0)}: no word before the numbers")
        _, *tokens = GAP.split(line.strip(b" \t\r"))
        invalid = next((token for token in tokens if not NUMBER.fullmatch(token)), None)
        if invalid is not None and (len(tokens) <= self._dim or not self._spaces):
            raise FormatError(f"{self._where(0)}: {invalid[:40]!r} is not a number")
        expected = "line 1 declares" if self._first_line > 1 else "most lines have"
        raise FormatError(f"{self._where(0)}: {len(tokens)} numbers after the word, but {expected} {self._dim}")

    def _where(self, row: int) -> str:
        """Return the file and line number of a row, counted from the first row that is not yet in the table."""
        return f"{self._file.path}, line {self._first_line + self._rows.filled + row}"


def ends_in_number(word: bytes) -> bool:
    """Return whether a word with spaces ends in a number, as if its row had too many numbers."""
    return b" " in word and STRAY_NUMBER.fullmatch(word.rpartition(b" ")[2]) is not None


def format_rows(words: list[bytes], vectors: NDArray[np.float32]) -> Iterator[bytes]:
    """Yield a line of text for each word and its row of `vectors` (V, D)."""
    numbers = b" ".join([b"%.9g"] * vectors.shape[1])  # nine digits distinguish any two float32 values
    rows = (tuple(row) for block in row_blocks(vectors, FORMAT_BYTES) for row in block.tolist())
    return (b"%b %b\n" % (word, numbers % row) for word, row in zip(words, rows, strict=True))


def _line_blocks(file: FileReader, rest: bytes) -> Iterator[bytes]:
    """Yield `rest` and the remaining bytes of the file in blocks of complete lines."""
    while block := file.read(BLOCK):
        block = rest + block
        cut = block.rfind(b"\n") + 1
        rest = block[cut:]
        if len(rest) > MAX_LINE_BYTES:
            raise FormatError(
                f"{file.path}: a line is longer than {MAX_LINE_BYTES} bytes; this is not a text file of vectors"
            )
        if cut:
            yield block[:cut]
    if rest:
        yield rest if rest.endswith(b"\n") else rest + b"\n"
