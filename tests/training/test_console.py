"""What training prints: nothing without a progress bar, each line once with one, whatever logging is configured."""

import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.logging import RichHandler

from tests.training.topics import small
from word2vec.training import train

EPOCH = re.compile(r"epoch 1/1: training loss")


def package_handler() -> None:
    logger = logging.getLogger("word2vec")
    logger.addHandler(logging.StreamHandler())
    logger.setLevel("INFO")


CONFIGURATIONS: dict[str, Callable[[], None]] = {
    "no logging": lambda: None,
    "warnings": logging.basicConfig,
    "a file": lambda: logging.basicConfig(level=logging.INFO, filename="log.txt"),
    "info": lambda: logging.basicConfig(level=logging.INFO),
    "stdout": lambda: logging.basicConfig(level=logging.INFO, stream=sys.stdout),
    "a handler of the package": package_handler,
    "rich": lambda: logging.basicConfig(level=logging.INFO, handlers=[RichHandler(show_path=False)]),
}

LOGGED = {"info", "stdout", "a handler of the package", "rich"}
"""The configurations that print records of level INFO."""


@contextmanager
def new_logging() -> Iterator[None]:
    """Logging as in a new process, without the handlers of pytest."""
    loggers = [logging.getLogger(), logging.getLogger("word2vec")]
    before = [(logger.handlers, logger.level) for logger in loggers]
    for logger, level in zip(loggers, (logging.WARNING, logging.NOTSET), strict=True):
        logger.handlers = []
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, (handlers, level) in zip(loggers, before, strict=True):
            for handler in logger.handlers:
                handler.close()
            logger.handlers = handlers
            logger.setLevel(level)


@pytest.fixture
def tiny_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.txt"
    path.write_text("a b c d\n" * 20, encoding="utf-8")
    return path


@pytest.mark.parametrize("progress", [True, False])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_epoch_lines_are_printed_once_or_not_at_all(
    name: str,
    progress: bool,
    tiny_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")  # for rich, which breaks lines
    with new_logging():
        CONFIGURATIONS[name]()
        train(small(tiny_file, epochs=1, engine="plain"), progress=progress)
    printed = "".join(capsys.readouterr())
    assert len(EPOCH.findall(printed)) == (progress or name in LOGGED)
    assert ("word/s" in printed) == progress  # the bar
    if not progress and name not in LOGGED:
        assert printed == ""
    if name == "a file":
        assert (tmp_path / "log.txt").read_text().count("training loss") == 1


def test_the_handlers_of_the_application_are_left_alone(tiny_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "word2vec")
    loggers = [logging.getLogger("word2vec"), logging.getLogger()]
    before = [(list(logger.handlers), list(logger.filters), logger.level) for logger in loggers]
    train(small(tiny_file, epochs=1, engine="plain"), progress=True)
    assert [(logger.handlers, logger.filters, logger.level) for logger in loggers] == before
    assert sum("training loss" in message for message in caplog.messages) == 1


def test_a_record_starts_on_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    from tqdm import tqdm

    from word2vec.training.console import records_above

    logger, handler = logging.getLogger("word2vec"), logging.StreamHandler()
    logger.addHandler(handler)
    try:
        with tqdm(total=10, ncols=40) as bar, records_above(bar):
            bar.update(5)
            bar.refresh()
            logger.warning("the disk is full")
    finally:
        logger.removeHandler(handler)
    before, _, _ = capsys.readouterr().err.partition("the disk is full\n")
    assert before.endswith(" " * 30 + "\r")  # the bar is overwritten with spaces
