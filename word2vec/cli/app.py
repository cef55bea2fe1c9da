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
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from word2vec.cli.ask import analogy, nearest
from word2vec.cli.combine import combine
from word2vec.cli.compare import compare, stability
from word2vec.cli.console import logs_on_stderr, one_line
from word2vec.cli.convert import download, export, info
from word2vec.cli.drift import drift
from word2vec.cli.evaluate import evaluate, report
from word2vec.cli.glossary import benchmark_from
from word2vec.cli.mistakes import reject_foreign_options, suggest_command, suggest_option
from word2vec.cli.options import repeat_list_options
from word2vec.cli.phrases import phrases
from word2vec.cli.probe import probe
from word2vec.cli.refine import refine
from word2vec.cli.score import score
from word2vec.cli.train import demo, train
from word2vec.cli.tune import tune
from word2vec.errors import ConfigError, RankEndedError, TrainingInterrupted, TuningInterrupted, Word2VecError

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
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
COMMANDS = (
    train,
    tune,
    phrases,
    refine,
    combine,
    evaluate,
    benchmark_from,
    compare,
    stability,
    drift,
    nearest,
    analogy,
    score,
    export,
    download,
    info,
    report,
    demo,
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(probe, name="probe")


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"word2vec-fused {version('word2vec-fused')}")  # noqa: T201
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None: ...


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
    _reject_foreign_options(arguments)
    code = int(app(repeat_list_options(arguments) or ["--help"], prog_name="word2vec", standalone_mode=False) or 0)
    sys.stdout.flush()
    return fail_on_signal(signal.SIGINT) if code == INTERRUPTED else code  # typer turns KeyboardInterrupt into a code


def _report(error: BaseException, arguments: list[str]) -> int:
    """Print an error and return the exit code; raise an unexpected error if the traceback is wanted."""
    match error:
        case typer.TyperException():
            message = error.format_message()
            return _fail(_with_advice(message, arguments) or _plain(message), error.exit_code)
        case ConfigError():
            return _fail(str(error), WRONG_USAGE)
        case RankEndedError():
            return 1
        case TrainingInterrupted() | TuningInterrupted():
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


def _reject_foreign_options(arguments: list[str]) -> None:
    """Reject the options of other programs, such as `-size 100`, which would be parsed as something else."""
    command, rest = _split_command(arguments)
    if command.startswith("-") and len(command) > 2 and command[1] != "-":
        raise ConfigError(f"no command before {command}; to train, use: word2vec train CORPUS --output RUN")
    if command in all_commands():
        reject_foreign_options(command, rest, _options(command))


def _with_advice(message: str, arguments: list[str]) -> str | None:
    """Return the message about an unknown command or option, with what to use instead; None for other messages."""
    command, rest = _split_command(arguments)
    if message.startswith("No such command "):
        advice = suggest_command(command)
        return f"No such command {command!r}; {advice}" if advice else None
    if not message.startswith("No such option: "):
        return None
    option = message.removeprefix("No such option: ").split()[0]
    if option[1] != "-":  # the parser splits `-man` into letters
        option = next((each for each in rest if each[:1] == "-" != each[1:2] and option[1] in each), option)
    advice = suggest_option(command, option, _options(command) if command in all_commands() else ())
    if not advice and command == "nearest" and option[1] != "-":
        advice = "to subtract a word, put spaces around the sign: king - man"
    return f"No such option: {option}" + (f"; {advice}" if advice else f"; see word2vec {command} --help")


def _split_command(arguments: list[str]) -> tuple[str, list[str]]:
    """Return the name of the command, such as "train" or "probe lm", and its arguments."""
    name = " ".join(arguments[:2])
    return (name, arguments[2:]) if name in all_commands() else ("".join(arguments[:1]), arguments[1:])


def all_commands() -> dict[str, Any]:
    """Return the commands by name; those of groups, such as "probe lm", after all others."""
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    groups = {name: group.commands for name, group in commands.items() if isinstance(group, TyperGroup)}
    nested = {f"{name} {each}": found for name, group in groups.items() for each, found in group.items()}
    return commands | nested


def _options(command: str) -> list[str]:
    """Return the options of a command, such as "--dim" and "-o"."""
    parameters = [each for each in all_commands()[command].params if each.param_type_name == "option"]
    return [name for each in parameters for name in (*each.opts, *each.secondary_opts)] + ["-h", "--help"]


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
