"""Turns lines of text into rows of a table; text.py knows what kinds of files there are."""

import re
from collections.abc import Iterator
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import FormatError
from word2vec.formats.growing import Rows
from word2vec.formats.source import Source
from word2vec.formats.table import BLOCK, Table, WordList

LONGEST_LINE = 1 << 26  # bytes: some five million numbers
HARD_NUMBERS = 4096  # left to Python at a time
GAP = re.compile(rb"[ \t\r]+")
NUMBER = re.compile(rb"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|[-+]?(nan|inf|infinity)", re.IGNORECASE)
# a number as rows hold them; behind a space in a word, it shows that the row is too long
STRAY_NUMBER = re.compile(rb"[-+]?\d*\.\d{3,}(e[-+]?\d+)?", re.IGNORECASE)


class RowReader:
    """Reads rows from a source, many at once, and says what is wrong with a line that is none.

    Args:
        source: from where.
        dim: numbers in a row.
        most: how many rows are wanted, or None for all.
        first_line: the number of the first line of rows, 1 or 2.
        spaces: whether words may hold spaces.
    """

    def __init__(self, source: Source, dim: int, most: int | None, *, first_line: int, spaces: bool) -> None:
        self._source, self._dim, self._first_line, self._spaces = source, dim, first_line, spaces
        self._rows = Rows(dim, most, sure=first_line > 1 and not source.compressed)
        self._words = WordList(source.path)
        self._hard = np.empty((max(dim, HARD_NUMBERS), 4), np.int64)  # row, column, start and end in the text
        self._unread = b""  # of the last block

    def read(self, start: bytes = b"") -> Table:
        """All rows that are wanted, or as many as there are; `start` was read from the source already."""
        for block in _line_blocks(self._source, start):
            self._unread = self._take(block)
            if self._unread:
                break
        self._words.warn()
        return Table(self._words.words, self._rows.done())

    def at_end(self) -> bool:
        """Whether nothing but white space follows the rows that were read."""
        blank = not self._unread.strip()
        while blank and (block := self._source.read(BLOCK)):
            blank = not block.strip()
        return blank

    def _take(self, block: bytes) -> bytes:
        """Reads the rows of some whole lines; gives back what is left when no more are wanted or only blanks follow."""
        from word2vec.formats.numbers import FAULT, HARD, POSITION, ROWS, WORD_BYTES, read_rows

        text = np.frombuffer(block, np.uint8)
        words = np.empty(len(text), np.uint8)
        state = np.zeros(5, np.int64)
        while state[POSITION] < len(text) and not self._rows.full:
            state[[ROWS, WORD_BYTES, HARD, FAULT]] = 0
            vectors = self._rows.free(self._source.share)  # (R, D)
            read_rows(text, self._dim, vectors, words, self._hard, state)
            self._settle(block, vectors, self._hard[: state[HARD]])
            self._words.extend(words[: state[WORD_BYTES]].tobytes(), "\n")
            self._rows.filled += int(state[ROWS])
            if state[FAULT]:
                line = block[state[POSITION] : block.index(b"\n", state[POSITION])]
                if not line.strip():
                    break
                self._take_odd(line)
                state[POSITION] += len(line) + 1
        return self._end(block[state[POSITION] :])

    def _end(self, rest: bytes) -> bytes:
        if rest and not self._rows.full:  # there is an empty line
            self._unread = rest
            if not self.at_end():
                raise FormatError(f"{self._where(0)}: the line is empty, but more follow; the file is damaged")
        return rest

    def _settle(self, block: bytes, vectors: NDArray[np.float32], hard: NDArray[np.int64]) -> None:
        """Reads the numbers that were too hard for the kernel."""
        for row, column, start, end in hard.tolist():
            token = block[start:end]
            if not NUMBER.fullmatch(token):
                raise FormatError(f"{self._where(row)}: {token[:40]!r} is not a number")
            with np.errstate(over="ignore"):  # infinity is told of later
                vectors[row, column] = float(token)

    def _take_odd(self, line: bytes) -> None:
        """Reads a line that is not one word and its numbers: one with spaces in the word, or a wrong one."""
        word, *numbers = line.rsplit(None, self._dim) if self._spaces else [b""]
        if len(numbers) < self._dim or not all(map(NUMBER.fullmatch, numbers)) or is_torn(word):
            self._complain(line)
        with np.errstate(over="ignore"):
            self._rows.free(self._source.share)[0] = [float(number) for number in numbers]
        self._words.extend(word + b"\n", "\n")
        self._rows.filled += 1

    def _complain(self, line: bytes) -> NoReturn:
        if GAP.match(line):
            raise FormatError(f"{self._where(0)}: there is no word before the numbers")
        _, *tokens = GAP.split(line.strip(b" \t\r"))
        wrong = next((token for token in tokens if not NUMBER.fullmatch(token)), None)
        if wrong is not None and (len(tokens) <= self._dim or not self._spaces):
            raise FormatError(f"{self._where(0)}: {wrong[:40]!r} is not a number")
        expected = "line 1 promises" if self._first_line > 1 else "most lines have"
        raise FormatError(f"{self._where(0)}: {len(tokens)} numbers after the word, but {expected} {self._dim}")

    def _where(self, row: int) -> str:
        """The file and the line of a row behind those that are done."""
        return f"{self._source.path}, line {self._first_line + self._rows.filled + row}"


def is_torn(word: bytes) -> bool:
    """Whether what seems to be a word with spaces is one with the first numbers of a row that is too long."""
    return b" " in word and STRAY_NUMBER.fullmatch(word.rpartition(b" ")[2]) is not None


def _line_blocks(source: Source, rest: bytes) -> Iterator[bytes]:
    """`rest` and what follows it, in blocks of whole lines."""
    while block := source.read(BLOCK):
        block = rest + block
        cut = block.rfind(b"\n") + 1
        rest = block[cut:]
        if len(rest) > LONGEST_LINE:
            raise FormatError(f"{source.path} has a line of over {LONGEST_LINE} bytes; it is no text of vectors")
        if cut:
            yield block[:cut]
    if rest:
        yield rest if rest.endswith(b"\n") else rest + b"\n"
