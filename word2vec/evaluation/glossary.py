"""A glossary: the terms of a domain with their synonyms and categories, from which test questions are made.

It is a table with a header, separated by commas, semicolons or tabs. Making questions is left to
`glossary_questions.py`.
"""

import csv
import io
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from word2vec.errors import FormatError
from word2vec.evaluation.text_lines import read_text

logger = logging.getLogger("word2vec")

DELIMITERS = ("\t", ";", ",")  # the first one that the header contains separates the columns
COLUMNS = {
    "term": ("term", "word", "entry", "name"),
    "synonym": ("synonym", "synonyms", "alias", "aliases"),
    "category": ("category", "class", "type", "topic", "group"),
}
"""What a column contains -> its possible names, in any case; the first one that the header contains is used."""


@dataclass(frozen=True)
class Glossary:
    """Terms with synonyms and categories, in the order of the file."""

    name: str
    synonyms: tuple[tuple[str, str], ...]
    """Pairs of a term and a synonym."""
    categories: Mapping[str, tuple[str, ...]]
    """Category -> its terms; terms of several categories are in none."""


def read_glossary(path: str | Path) -> Glossary:
    """Read a glossary from a table with the column `term`, and `synonym` or `category` or both.

    A term may have several rows, and a cell several synonyms, separated by `;` or `|`. Cells may be empty.

    Raises:
        FormatError: The file cannot be read, lacks a column, or contains nothing to ask; names file and line.
    """
    path = Path(path)
    synonyms: dict[tuple[str, str], None] = {}
    of_term: dict[str, dict[str, None]] = {}
    for number, term, others, category in _rows(path):
        if not term:
            raise FormatError(f"{path}, line {number}: the term is missing; correct or remove the row")
        for synonym in filter(None, map(str.strip, others.replace("|", ";").split(";"))):
            if synonym.lower() != term.lower():
                synonyms[term, synonym] = None
        if category:
            of_term.setdefault(term, {})[category] = None
    categories: dict[str, list[str]] = {}
    for term, of in of_term.items():
        if len(of) == 1:
            categories.setdefault(next(iter(of)), []).append(term)
    if ambiguous := sum(len(of) > 1 for of in of_term.values()):
        logger.warning("%s: terms with several categories, left out of the tests of categories: %d", path, ambiguous)
    if not synonyms and len(categories) < 2:
        found = f"only the category {next(iter(categories))!r}" if categories else "no synonyms and no categories"
        raise FormatError(f"{path}: contains {found}; a test needs synonyms, or terms of two categories or more")
    return Glossary(path.stem, tuple(synonyms), {name: tuple(terms) for name, terms in categories.items()})


def _rows(path: Path) -> Iterator[tuple[int, str, str, str]]:
    """Yield the line number, term, synonyms and category of each row; columns that do not exist are empty."""
    text = read_text(path)
    header = next(filter(str.strip, text.splitlines()), "")
    delimiter = next((each for each in DELIMITERS if each in header), ",")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    places: dict[str, int] | None = None
    width = 0
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if places is None:
                places, width = _places(path, cells), len(cells)
                continue
            if len(cells) != width:
                raise FormatError(
                    f"{path}, line {rows.line_num}: found {len(cells)} columns, but the header has {width}; put cells "
                    "that contain a delimiter into quotation marks"
                )
            term, synonym, category = (cells[places[column]] if column in places else "" for column in COLUMNS)
            yield rows.line_num, term, synonym, category
    except csv.Error as error:
        raise FormatError(
            f"{path}, line {rows.line_num}: cannot be split into columns ({error}); correct the quotation marks"
        ) from None
    if places is None:
        raise FormatError(f"{path}: is empty; write a header such as term,synonym,category and a row per term")


def _places(path: Path, header: list[str]) -> dict[str, int]:
    """Return the index of each column that the header contains."""
    lower = [cell.lower() for cell in header]
    found = {
        column: lower.index(name)
        for column, names in COLUMNS.items()
        if (name := next((name for name in names if name in lower), None)) is not None
    }
    shown = ", ".join(header)[:200]
    if "term" not in found:
        raise FormatError(f"{path}: no column of terms in the header ({shown}); call it term")
    if len(found) == 1:
        raise FormatError(
            f"{path}: no column of synonyms or categories in the header ({shown}); call it synonym or category"
        )
    return found
