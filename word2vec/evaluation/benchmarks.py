"""Reads the sets that word vectors are measured on: scored word pairs, and analogy questions.

Pair files come as people have them: any usual delimiter, with or without a header, more columns than three. What
cannot be read is refused with its line, never skipped: a row dropped in silence changes the figure. How vectors are
scored on a set is left to `word2vec.evaluation`; where the shipped sets come from stands in evaluation/README.md.
"""

import csv
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import FormatError

Columns = tuple[str | int, str | int, str | int]
"""Where the first word, the second word and the score stand: names from the header, or numbers from 1."""

DELIMITERS = ("\t", ";", ",")  # looked for in this order; where none of them parts the lines, white space does
MISSING = frozenset({"", "-", "?", "na", "n/a", "null", "none"})  # how files write a score that is not there

_Row = tuple[int, list[str]]  # line number from 1, stripped fields


@dataclass(frozen=True)
class PairSet:
    """Word pairs with the similarity that people gave them, in the order of the file."""

    name: str
    words: tuple[tuple[str, str], ...]
    scores: NDArray[np.float64]  # (pairs,)


@dataclass(frozen=True)
class Section:
    """Questions of one relation: a is to b as c is to d."""

    name: str
    questions: tuple[tuple[str, str, str, str], ...]

    @property
    def kind(self) -> Literal["semantic", "syntactic"]:
        """By the convention of Google's set, the sections of grammar have names that start with "gram"."""
        return "syntactic" if self.name.startswith("gram") else "semantic"


@dataclass(frozen=True)
class QuestionSet:
    """Analogy questions, section by section, in the order of the file."""

    name: str
    sections: tuple[Section, ...]


def builtin_sets() -> dict[str, Path]:
    """The sets that come with the package, by name; from the installed package or else from the checkout."""
    # subtle: the package's own folder first, since beside an installed package lies site-packages, where a folder
    # called evaluation would be somebody else's
    package = Path(__file__).parents[1]
    folder = next((f for f in (package / "questions", package.parent / "evaluation") if f.is_dir()), package)
    files = (folder / name for name in ("wordsim353.csv", "simlex999.csv", "questions-words.txt"))
    return {file.stem: file for file in files if file.is_file()}


def resolve(source: str | Path) -> Path:
    """The file that a path or the name of a shipped set means; a name wins over a file (write ./name for the file).

    Raises:
        FormatError: There is no such file; the message lists the names.
    """
    known = builtin_sets()
    if isinstance(source, str) and source in known:
        return known[source]
    path = Path(source)
    try:
        if path.is_file() or path.is_fifo():  # such as a shell makes of <(cut -f 1,2,4 set.tsv)
            return path
        what = "no file of text" if path.exists() else "no such file"
    except OSError as error:  # a name that is too long, a folder that may not be entered
        raise FormatError(f"{source}: cannot be read ({error.strerror}); check the path") from None
    raise FormatError(f"{source}: {what}; give a path, or a name among {', '.join(known) or '(none found)'}")


def read_pairs(source: str | Path, columns: Columns | None = None) -> PairSet:
    r"""Read word pairs and their scores.

    Fields are parted by tab, semicolon, comma or white space and may be quoted. Blank lines, lines that start with #,
    a byte-order mark and \r\n do not matter; scores may have a decimal comma. A pair that stands there twice counts
    twice, as WordSim-353's money and cash do. Nothing is ever computed: a word that begins with = is a word.

    Args:
        source: A file, or the name of a shipped set (see `builtin_sets`).
        columns: Where the words and the score stand. By default the words are the first two columns of text and the
            score is the first column of numbers after them.

    Raises:
        FormatError: The file is missing, holds no pairs, or has a row that cannot be read; names file and line.
    """
    path = resolve(source)
    lines = _lines(path)
    if not lines:
        raise FormatError(f"{path}: holds no word pairs; write one pair a line, as in: tiger,cat,7.35")
    delimiter = _delimiter([line for _, line in lines])
    rows = [(number, _fields(path, number, line, delimiter)) for number, line in lines]
    first, second, score = _columns(path, rows, columns)
    if _is_header(rows[0][1], score, columns):
        del rows[0]
    if not rows:
        raise FormatError(f"{path}: holds a header but no word pairs; write one pair a line below it")

    words, scores = [], []
    for line_number, fields in rows:
        where = f"{path}, line {line_number}"
        if len(fields) <= max(first, second, score):
            wanted = max(first, second, score) + 1
            raise FormatError(f"{where}: found {len(fields)} columns, need {wanted}; mend the line or remove it")
        if not (fields[first] and fields[second]):
            raise FormatError(f"{where}: a word is missing; mend the line or remove it")
        words.append((fields[first], fields[second]))
        scores.append(_score(where, fields[score]))
    return PairSet(path.stem, tuple(words), np.array(scores))


def read_questions(source: str | Path) -> QuestionSet:
    """Read analogy questions: lines `: section`, and below each its questions, four words a line.

    Args:
        source: A file, or the name of a shipped set (see `builtin_sets`).

    Raises:
        FormatError: The file is missing, holds no questions, or has a line that cannot be read; names file and line.
    """
    path = resolve(source)
    sections: list[tuple[str, list[tuple[str, str, str, str]]]] = []
    for number, line in _lines(path):
        words = line.split()
        if line.startswith(":"):
            sections.append((line[1:].strip(), []))
        elif not sections:
            raise FormatError(f"{path}, line {number}: no section yet; write a line such as ': capitals' above")
        elif len(words) != 4:
            raise FormatError(f"{path}, line {number}: found {len(words)} words, need 4 (a is to b as c is to d)")
        else:
            sections[-1][1].append((words[0], words[1], words[2], words[3]))
    if not any(questions for _, questions in sections):
        raise FormatError(f"{path}: holds no questions; write four words a line below a line ': section'")
    return QuestionSet(path.stem, tuple(Section(name, tuple(questions)) for name, questions in sections))


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines that are neither blank nor comments, with their numbers from 1."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise FormatError(f"{path}, line {line}: not UTF-8 text; save the file as UTF-8") from None
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); check the file and its permissions") from None
    if "\0" in text:
        raise FormatError(f"{path}: holds NUL bytes, so it is a binary file or UTF-16; save it as UTF-8 text")
    # subtle: not splitlines, which also cuts at characters that a word may hold and would shift the line numbers
    numbered = enumerate(text.split("\n"), start=1)
    return [(number, line) for number, line in numbered if line.strip() and not line.lstrip().startswith("#")]


def _delimiter(lines: Sequence[str]) -> str | None:
    """The first delimiter that parts most lines into three fields or more; None for white space."""
    for delimiter in DELIMITERS:
        if 2 * sum(line.count(delimiter) >= 2 for line in lines) > len(lines):
            return delimiter
    return next((delimiter for delimiter in DELIMITERS if delimiter in lines[0]), None)


def _fields(path: Path, number: int, line: str, delimiter: str | None) -> list[str]:
    text, mark = (" ".join(line.split()), " ") if delimiter is None else (line, delimiter)
    try:
        # a space after the delimiter must not hide the opening quote; strict refuses a quote that never closes
        (fields,) = csv.reader([text], delimiter=mark, skipinitialspace=True, strict=True)
    except csv.Error as error:
        raise FormatError(
            f"{path}, line {number}: the fields cannot be told apart ({error}); mend the quotes or remove the line"
        ) from None
    return [field.strip() for field in fields]


def _number(field: str) -> float | None:
    """The number a field holds, NaN and infinities among them, or None. A comma is a decimal comma."""
    try:
        return None if "_" in field else float(field.replace(",", "."))  # 1_000 is a number to Python only
    except ValueError:
        return None


def _is_header(fields: list[str], score: int, columns: Columns | None) -> bool:
    """A first row is a header where columns were asked for by name, or where its score is a word."""
    if columns is not None and any(isinstance(column, str) for column in columns):
        return True
    # subtle: a first row of data with a slip in its score (7.5x, or none) must be named, not taken for a header
    field = fields[score] if len(fields) > score else ""
    return _number(field) is None and field.lower() not in MISSING and not field[:1].isdigit()


def _columns(path: Path, rows: list[_Row], columns: Columns | None) -> tuple[int, int, int]:
    """Indices from 0 of the first word, the second word and the score."""
    if columns is not None:
        first, second, score = (_column(path, rows[0][1], column) for column in columns)
        return first, second, score
    # subtle: cells are counted, not rows times columns, for one row may have a million of them
    numbers = Counter(column for _, row in rows for column, field in enumerate(row) if _number(field) is not None)
    # the majority decides what a column holds, so that one bad row cannot shift the choice to another column
    numeric = [2 * numbers[column] >= len(rows) for column in range(max(len(row) for _, row in rows))]
    text = [column for column, is_numeric in enumerate(numeric) if not is_numeric]
    if len(text) >= 2:
        after = next((column for column in range(text[1] + 1, len(numeric)) if numeric[column]), None)
        if after is not None:
            return text[0], text[1], after
    raise FormatError(
        f"{path}, line {rows[0][0]}: no two columns of words with a column of scores after them; "
        "write lines such as tiger,cat,7.35 or say which columns to read"
    )


def _column(path: Path, header: list[str], column: str | int) -> int:
    if isinstance(column, str):
        if column not in header:
            raise FormatError(f"{path}: no column is called {column!r}; the first row holds {', '.join(header)}")
        return header.index(column)
    if not 1 <= column <= len(header):
        raise FormatError(f"{path}: no column {column}; columns count from 1 to {len(header)}")
    return column - 1


def _score(where: str, field: str) -> float:
    if field.lower() in MISSING:
        raise FormatError(f"{where}: the score is missing; write a number or remove the line")
    score = _number(field)
    if score is None:
        raise FormatError(f"{where}: the score {field[:40]!r} is not a number; mend the line or remove it")
    if not math.isfinite(score):
        raise FormatError(f"{where}: the score {field!r} is not finite; write a number or remove the line")
    return score
