"""What people see: lines, tables and JSON whose words cannot take command of the terminal.

A corpus, a file of vectors or the name of a file may hold anything: escape sequences that clear the screen or retitle
the window, marks that turn the direction of writing round, what rich takes for markup. Here all that is shown as
escapes, so that it can be seen and does nothing. What is shown, and on which stream, is left to cli.py.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

# Control characters, C1's among them, which terminals obey as they do escape sequences; line separators; and what
# turns the direction of writing round. The joiners in Persian and Hindi words (U+200C, U+200D) are none of these.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
LONGEST_LINE = 2000  # characters of a message; longer ones repeat what a file held, such as a "name" of 5 MB


def printable(text: str) -> str:
    r"""The text with each unsafe character as its escape, such as \x1b."""
    return UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def one_line(message: str) -> str:
    """A message as one printable line; of one that is too long the middle is left out."""
    line = printable(" ".join(message.split()))
    half = LONGEST_LINE // 2
    return line if len(line) <= LONGEST_LINE else f"{line[:half]} [...] {line[-half:]}"


class _LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return one_line(super().format(record))


@contextmanager
def logs_on_stderr() -> Iterator[None]:
    """The package's log goes to stderr, a line a message."""
    logger = logging.getLogger("word2vec")
    handler, level = logging.StreamHandler(sys.stderr), logger.level
    handler.setFormatter(_LineFormatter())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def print_json(document: object) -> None:
    """Print one JSON document; unsafe characters are JSON's escapes, which mean the same."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    print(UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text))  # noqa: T201


def print_table(headers: Iterable[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table, as wide as it needs to be where nobody looks at it on a terminal."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*map(printable, headers))
    for row in rows:
        table.add_row(*map(printable, row))
    # subtle: where stdout is no terminal, rich would cut the table to 80 columns; and words may look like markup
    width = None if sys.stdout.isatty() else 10_000
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)
