"""The command-line application: commands, exit codes and error reporting.

Data goes to stdout, logs and progress to stderr. The exit code is 0 for success, 1 for failure, 2 for wrong usage,
130 for Ctrl-C, 143 for SIGTERM and 129 for SIGHUP; an error is reported in one line. Nothing heavy is imported before
a command needs it: each command imports the library inside its function.
"""

import io
import os
import signal
import sys
from collections.abc import Sequence

import typer

from word2vec.cli.ask import analogy, nearest
from word2vec.cli.console import logs_on_stderr, one_line
from word2vec.cli.convert import download, export, info
from word2vec.cli.evaluate import evaluate, report
from word2vec.cli.options import repeat_list_options
from word2vec.cli.train import demo, train
from word2vec.errors import ConfigError, RankEndedError, TrainingInterrupted, Word2VecError

TRACEBACK = "WORD2VEC_TRACEBACK"  # environment variable: raise unexpected errors with their traceback
WRONG_USAGE = 2
INTERRUPTED = 130  # what shells report for a program that Ctrl-C ended

PLAIN_MESSAGES = {
    "Value error, ": "",
    "Input should be a valid integer, unable to parse string as an integer": "it must be a whole number",
    "Unable to parse input string as an integer, exceeded maximum size": "the number is too long",
    "Input should be a valid number, unable to parse string as a number": "it must be a number",
    "Input should be greater than or equal to": "it must be at least",
}
"""Messages of pydantic, which typer uses to check arguments, and their plain wording."""

app = typer.Typer(
    name="word2vec",
    help="Train, evaluate and query word embeddings.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for command in (train, evaluate, nearest, analogy, export, download, info, report, demo):
    app.command()(command)


def run_app(arguments: list[str], received: Sequence[int] = ()) -> int:
    """Run the command line; see `word2vec.cli.run`."""
    with logs_on_stderr():
        try:
            return _run(arguments)
        except BaseException as error:
            if received:  # subtle: whatever the error is, the signal caused it
                return fail_on_signal(received[0])
            return _report(error, arguments)


def fail_on_signal(number: int) -> int:
    """Print that a signal ended the program, and return the exit code."""
    return _fail("interrupted" if number == signal.SIGINT else "terminated", 128 + number)


def _run(arguments: list[str]) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for terminals that cannot show every character
    _reject_empty(arguments)
    code = int(app(repeat_list_options(arguments) or ["--help"], prog_name="word2vec", standalone_mode=False) or 0)
    sys.stdout.flush()
    return fail_on_signal(signal.SIGINT) if code == INTERRUPTED else code  # typer turns KeyboardInterrupt into a code


def _report(error: BaseException, arguments: list[str]) -> int:
    """Print an error and return the exit code; raise an unexpected error if the traceback is wanted."""
    match error:
        case typer.TyperException():
            message = error.format_message()
            return _fail(_plain(message) + _hint(arguments, message), error.exit_code)
        case ConfigError():
            return _fail(str(error), WRONG_USAGE)
        case RankEndedError():
            return 1
        case TrainingInterrupted():
            return _fail(str(error), 128 + error.signal)
        case Word2VecError():
            return _fail(str(error), 1)
        case OSError():
            return _fail_on_os_error(error)
        case Exception() if not os.environ.get(TRACEBACK):
            return _fail(_describe_unexpected(error), 1)
    raise error


def _reject_empty(arguments: list[str]) -> None:
    """Reject `--output "$RUN"` with RUN unset: Python would take the empty path for the current folder."""
    for argument in arguments:
        if argument == "" or (argument.startswith("--") and argument.endswith("=")):
            raise ConfigError(f"empty argument {argument!r}: a shell variable may be unset; pass a value")


def _plain(message: str) -> str:
    """Return the message of an argument error, without the wording of the library that raised it."""
    for original, plain in PLAIN_MESSAGES.items():
        message = message.replace(original, plain)
    return message


def _hint(arguments: list[str], message: str) -> str:
    """Return advice for `nearest RUN king -man`, where typer takes `-man` for an option."""
    is_subtraction = arguments[:1] == ["nearest"] and message.startswith("No such option: -")
    return "; to subtract a word, put spaces around the sign: king - man" if is_subtraction else ""


def _fail_on_os_error(error: OSError) -> int:
    if error.filename is not None:  # a file that its reader or writer did not report on
        return _fail(f"{error.filename}: {error.strerror}", 1)
    _silence(1)
    return 1 if isinstance(error, BrokenPipeError) else _fail(f"cannot write the result: {error.strerror}", 1)


def _describe_unexpected(error: Exception) -> str:
    # torch words it like this for the memory of the GPU and of the CPU
    if isinstance(error, MemoryError) or "out of memory" in str(error) or "can't allocate memory" in str(error):
        return "out of memory; choose a smaller --dim, --max-vocab or --batch-size, or use a machine with more memory"
    return f"{type(error).__name__}: {error} (set {TRACEBACK}=1 for the traceback)"


def _fail(message: str, code: int) -> int:
    if code != WRONG_USAGE or os.environ.get("RANK", "0") == "0":  # under torchrun every rank finds wrong usage
        try:
            print(f"word2vec: {one_line(message)}", file=sys.stderr, flush=True)  # noqa: T201
        except OSError:  # the terminal was closed
            _silence(2)
    return code


def _silence(stream: int) -> None:
    """Discard what is written to a standard stream: Python flushes it at exit, and a failure changes the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
