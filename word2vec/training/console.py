"""Log records and the progress bar share the console: a record is printed once, on a line of its own, above the bar.

The package logs to the logger "word2vec" and leaves handlers to the application, as libraries should. A progress bar is
requested explicitly, so the lines that belong to it are shown even if logging is not configured.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

logger = logging.getLogger("word2vec")


@contextmanager
def records_above(bar: "tqdm[Any]") -> Iterator[None]:
    """Clear the bar before a record of the package is handled; the bar is drawn again below it."""

    def clear(_: logging.LogRecord) -> bool:
        bar.clear()
        return True

    logger.addFilter(clear)
    try:
        yield
    finally:
        logger.removeFilter(clear)


def log_progress(line: str, shown: bool) -> None:
    """Log a line about the progress of training at level INFO.

    Args:
        line: The line.
        shown: Whether a progress bar is shown; then the line is also printed to stderr, unless a handler prints it.
    """
    logger.info("%s", line)
    if shown and not _is_printed(logging.INFO):
        tqdm.write(line, file=sys.stderr)


def _is_printed(level: int) -> bool:
    """Return whether a handler prints records of this level to the console."""
    if not logger.isEnabledFor(level):
        return False
    source: logging.Logger | None = logger
    while source is not None:
        if any(handler.level <= level and _prints(handler) for handler in source.handlers):
            return True
        source = source.parent if source.propagate else None
    return False


def _prints(handler: logging.Handler) -> bool:
    """Return whether a handler writes to the console, as far as can be known."""
    if isinstance(handler, logging.StreamHandler):  # also the base class of handlers that write to files
        return handler.stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    # the other handlers of the standard library write to sockets, queues and system logs; those of other packages, such
    # as rich, usually write to the console
    return type(handler).__module__.partition(".")[0] != "logging"
