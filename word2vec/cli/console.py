"""Console output: log lines, tables and JSON that cannot control the terminal.

A corpus, a vectors file or a file name may contain anything: escape sequences that clear the screen or set the window
title, bidirectional control characters, text that looks like rich's markup. All of it is printed as visible escapes.
What to print, and to which stream, is decided by the commands.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

# Control characters, including C1, which terminals interpret like escape sequences; line separators; bidirectional
# controls. The joiners of Persian and Hindi words (U+200C, U+200D) are safe and not included.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
MAX_LINE = 2000  # characters of a message; longer ones quote the content of a file, such as a "name" of 5 MB


def printable(text: str) -> str:
    r"""Return the text with each unsafe character replaced by its escape, such as \x1b."""
    return UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def one_line(message: str) -> str:
    """Return the message as one printable line; a message that is too long loses its middle."""
    line = printable(" ".join(message.split()))
    half = MAX_LINE // 2
    return line if len(line) <= MAX_LINE else f"{line[:half]} [...] {line[-half:]}"


class _LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return one_line(super().format(record))


@contextmanager
def logs_on_stderr() -> Iterator[None]:
    """Send the log of the package to stderr, one line per message."""
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
    """Print one JSON document; unsafe characters are escaped, which does not change their meaning."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    print(UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text))  # noqa: T201


def print_table(headers: Iterable[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: fitted to the terminal, or at full width if stdout is not a terminal."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*map(printable, headers))
    for row in rows:
        table.add_row(*map(printable, row))
    # subtle: without a terminal, rich would crop the table to 80 columns; and words may look like its markup
    width = None if sys.stdout.isatty() else 10_000
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)
