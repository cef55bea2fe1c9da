"""Test sets for word vectors: word pairs with human scores, and analogy questions.

Files of word pairs may use any common delimiter, have a header or not, and have more than three columns. A line that
cannot be parsed is an error that names the line; it is never skipped, since silently dropped rows would change the
scores. Scoring vectors on a set is left to `similarity.py` and `analogies.py`. The sources of the built-in sets are
listed in evaluation/README.md.
"""

import csv
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import FormatError
from word2vec.evaluation.downloads import SETS, path_of_set
from word2vec.evaluation.question_folders import read_folder
from word2vec.evaluation.text_lines import read_lines

Columns = tuple[str | int, str | int, str | int]
"""The columns of the first word, the second word and the score: names from the header, or numbers from 1."""

DELIMITERS = ("\t", ";", ",")  # tried in this order; if none of them separates the fields, whitespace does
MISSING = frozenset({"", "-", "?", "na", "n/a", "null", "none"})  # how files write a missing score

_Row = tuple[int, list[str]]  # line number from 1, stripped fields


@dataclass(frozen=True)
class PairSet:
    """Word pairs with human similarity scores, in the order of the file."""

    name: str
    words: tuple[tuple[str, str], ...]
    scores: NDArray[np.float64]  # (pairs,)


@dataclass(frozen=True)
class Section:
    """Analogy questions of one relation: a is to b as c is to d."""

    name: str
    questions: tuple[tuple[str, str, str, str], ...]
    alternatives: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Other correct answers to the questions about a third word c, by c, as in BATS."""

    @property
    def kind(self) -> Literal["semantic", "syntactic"]:
        """By the convention of Google's set, the names of syntactic sections start with "gram"."""
        return "syntactic" if self.name.startswith("gram") else "semantic"


@dataclass(frozen=True)
class QuestionSet:
    """Analogy questions by section, in the order of the file."""

    name: str
    sections: tuple[Section, ...]


def builtin_sets() -> dict[str, Path]:
    """Return the paths of the built-in sets by name, from the installed package or from the source checkout."""
    # subtle: the package's own folder first, because the parent of an installed package is site-packages, where a
    # folder called evaluation would belong to another package
    package = Path(__file__).parents[1]
    folder = next((f for f in (package / "questions", package.parent / "evaluation") if f.is_dir()), package)
    files = (folder / name for name in ("wordsim353.csv", "simlex999.csv", "questions-words.txt"))
    return {file.stem: file for file in files if file.is_file()}


def resolve(source: str | Path) -> Path:
    """Return the path of a test set: a file, or a folder of analogy questions.

    The name of a built-in or downloadable set takes precedence over a file; use ./name for the file.

    Raises:
        FormatError: The file does not exist, with the names of the sets in the message; or the set is not downloaded.
    """
    known = builtin_sets()
    if isinstance(source, str) and source in known:
        return known[source]
    if isinstance(source, str) and source in SETS:
        return path_of_set(source)
    path = Path(source)
    try:
        if path.is_file() or path.is_fifo() or path.is_dir():  # a pipe, as in <(cut -f 1,2,4 set.tsv) in a shell
            return path
        what = "not a regular file" if path.exists() else "no such file"
    except OSError as error:  # the name is too long, or a folder on the path is not accessible
        raise FormatError(f"{source}: cannot be read ({error.strerror}); check the path") from None
    raise FormatError(
        f"{source}: {what}; pass a path, a built-in set: {', '.join(known) or '(none found)'}, or one to download: "
        f"{', '.join(SETS)}"
    )


def _check_kind(source: str | Path, kind: str) -> None:
    """Raise FormatError if a name is that of a public set of another kind."""
    if isinstance(source, str) and source in SETS and SETS[source].kind != kind:
        raise FormatError(
            f"{source}: this public set belongs to --{SETS[source].kind}, not to --{kind}; use that option"
        )


def read_pairs(source: str | Path, columns: Columns | None = None) -> PairSet:
    r"""Read word pairs and their scores.

    Fields are separated by tab, semicolon, comma or whitespace and may be quoted. Blank lines, comments (lines that
    start with `#`), a byte-order mark and `\r\n` are ignored; scores may have a decimal comma. A pair that occurs twice
    counts twice, like money and cash in WordSim-353. Formulas are not evaluated: a word that starts with = is a word.

    Args:
        source: A file, or the name of a built-in set (see `builtin_sets`) or of a downloaded one (see `SETS`).
        columns: The columns of the two words and the score. By default the words are the first two columns of text and
            the score is the first column of numbers after them.

    Raises:
        FormatError: The file is missing, contains no pairs, or has a line that cannot be read; names file and line.
    """
    _check_kind(source, "pairs")
    path = resolve(source)
    if path.is_dir():
        raise FormatError(f"{source}: a folder, which may contain analogy questions but no word pairs; pass a file")
    lines = read_lines(path)
    if not lines:
        raise FormatError(f"{path}: contains no word pairs; write one pair per line, for example: tiger,cat,7.35")
    delimiter = _delimiter([line for _, line in lines])
    rows = [(number, _fields(path, number, line, delimiter)) for number, line in lines]
    first, second, score = _columns(path, rows, columns)
    if _is_header(rows[0][1], score, columns):
        del rows[0]
    if not rows:
        raise FormatError(f"{path}: contains a header but no word pairs; write one pair per line below it")

    words, scores = [], []
    for line_number, fields in rows:
        where = f"{path}, line {line_number}"
        if len(fields) <= max(first, second, score):
            wanted = max(first, second, score) + 1
            raise FormatError(f"{where}: found {len(fields)} columns, expected {wanted}; correct or remove the line")
        if not (fields[first] and fields[second]):
            raise FormatError(f"{where}: a word is missing; correct or remove the line")
        words.append((fields[first], fields[second]))
        scores.append(_score(where, fields[score]))
    return PairSet(path.stem, tuple(words), np.array(scores))


def read_pair_sets(sources: Sequence[str | Path]) -> list[PairSet]:
    """Read several sets of word pairs; sets with the same file name get distinct names, see `set_names`.

    Raises:
        FormatError: A file cannot be read, see `read_pairs`.
    """
    names = set_names(sources)
    return [replace(read_pairs(source), name=name) for source, name in zip(sources, names, strict=True)]


def set_names(sources: Sequence[str | Path]) -> list[str]:
    """Return distinct names of test sets, under which their scores can be logged.

    A name is the file name without its extension. Where several are equal, their folders precede them (en/ws, de/ws);
    if this does not help, the extension is kept and a file that occurs again is numbered.
    """
    paths = [Path(source) for source in sources]
    names = [path.stem for path in paths]
    for depth in range(1, max((len(path.parts) for path in paths), default=0)):
        repeated = _repeated(names)
        names = [
            "/".join([*path.parent.parts[-depth:], path.stem]) if name in repeated else name
            for path, name in zip(paths, names, strict=True)
        ]
    repeated = _repeated(names)
    names = [str(path) if name in repeated else name for path, name in zip(paths, names, strict=True)]
    earlier = [names[:index].count(name) for index, name in enumerate(names)]
    return [f"{name} ({count + 1})" if count else name for name, count in zip(names, earlier, strict=True)]


def _repeated(names: Sequence[str]) -> set[str]:
    return {name for name, count in Counter(names).items() if count > 1}


def read_questions(source: str | Path) -> QuestionSet:
    """Read analogy questions: lines `: section`, each followed by its questions with four words per line.

    Args:
        source: A file, or the name of a built-in set (see `builtin_sets`) or of a downloaded one (see `SETS`). A folder
            contains files in the form of BATS or of Microsoft Research, see question_folders.py.

    Raises:
        FormatError: The file is missing, contains no questions, or has a line that cannot be read; names file and line.
    """
    _check_kind(source, "analogies")
    path = resolve(source)
    if path.is_dir():
        return QuestionSet(path.name, tuple(Section(*section) for section in read_folder(path)))
    sections: list[tuple[str, list[tuple[str, str, str, str]]]] = []
    for number, line in read_lines(path):
        words = line.split()
        if line.startswith(":"):
            sections.append((line[1:].strip(), []))
        elif not sections:
            raise FormatError(f"{path}, line {number}: no section yet; add a line such as ': capitals' above")
        elif len(words) != 4:
            raise FormatError(f"{path}, line {number}: found {len(words)} words, expected 4 (a is to b as c is to d)")
        else:
            sections[-1][1].append((words[0], words[1], words[2], words[3]))
    if not any(questions for _, questions in sections):
        raise FormatError(f"{path}: contains no questions; write four words per line below a line such as ': capitals'")
    return QuestionSet(path.stem, tuple(Section(name, tuple(questions)) for name, questions in sections))


def _delimiter(lines: Sequence[str]) -> str | None:
    """Return the first delimiter that splits most lines into three or more fields; None for whitespace."""
    for delimiter in DELIMITERS:
        if 2 * sum(line.count(delimiter) >= 2 for line in lines) > len(lines):
            return delimiter
    return next((delimiter for delimiter in DELIMITERS if delimiter in lines[0]), None)


def _fields(path: Path, number: int, line: str, delimiter: str | None) -> list[str]:
    """Return the fields of a line, stripped."""
    text, separator = (" ".join(line.split()), " ") if delimiter is None else (line, delimiter)
    try:
        # a space after the delimiter must not hide an opening quote; strict rejects unclosed quotes
        (fields,) = csv.reader([text], delimiter=separator, skipinitialspace=True, strict=True)
    except csv.Error as error:
        raise FormatError(
            f"{path}, line {number}: cannot be split into fields ({error}); correct the quotes or remove the line"
        ) from None
    return [field.strip() for field in fields]


def _number(field: str) -> float | None:
    """Parse the number in a field, possibly NaN or infinite; None if it is not a number. A comma is a decimal comma."""
    try:
        return None if "_" in field else float(field.replace(",", "."))  # only Python reads 1_000 as a number
    except ValueError:
        return None


def _is_header(fields: list[str], score: int, columns: Columns | None) -> bool:
    """Return whether a first row is a header: columns were selected by name, or its score is a word."""
    if columns is not None and any(isinstance(column, str) for column in columns):
        return True
    # subtle: a first row with a typo in its score (7.5x, or no score) must be reported, not taken for a header
    field = fields[score] if len(fields) > score else ""
    return _number(field) is None and field.lower() not in MISSING and not field[:1].isdigit()


def _columns(path: Path, rows: list[_Row], columns: Columns | None) -> tuple[int, int, int]:
    """Return the indices from 0 of the first word, the second word and the score."""
    if columns is not None:
        first, second, score = (_column(path, rows[0][1], column) for column in columns)
        return first, second, score
    # subtle: loop over existing cells, not over rows times columns, because one row may have a million fields
    numbers = Counter(column for _, row in rows for column, field in enumerate(row) if _number(field) is not None)
    # decided by majority, so that one malformed row cannot shift the choice to another column
    numeric = [2 * numbers[column] >= len(rows) for column in range(max(len(row) for _, row in rows))]
    text = [column for column, is_numeric in enumerate(numeric) if not is_numeric]
    if len(text) >= 2:
        after = next((column for column in range(text[1] + 1, len(numeric)) if numeric[column]), None)
        if after is not None:
            return text[0], text[1], after
    raise FormatError(
        f"{path}, line {rows[0][0]}: expected two columns of words and a column of scores after them; "
        "write lines such as tiger,cat,7.35 or select the columns"
    )


def _column(path: Path, header: list[str], column: str | int) -> int:
    """Return the index from 0 of a column given by name or by number from 1."""
    if isinstance(column, str):
        if column not in header:
            raise FormatError(f"{path}: no column named {column!r}; the first row contains {', '.join(header)}")
        return header.index(column)
    if not 1 <= column <= len(header):
        raise FormatError(f"{path}: no column {column}; columns are numbered from 1 to {len(header)}")
    return column - 1


def _score(where: str, field: str) -> float:
    """Return the finite number in a field."""
    if field.lower() in MISSING:
        raise FormatError(f"{where}: the score is missing; write a number or remove the line")
    score = _number(field)
    if score is None:
        raise FormatError(f"{where}: the score {field[:40]!r} is not a number; correct or remove the line")
    if not math.isfinite(score):
        raise FormatError(f"{where}: the score {field!r} is not finite; write a number or remove the line")
    return score
