"""The entry point: prepare signals and streams before anything else is imported, and run the command line."""

import os
import sys
from collections.abc import Sequence


def main() -> None:
    """Run the command line and exit."""
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # subtle: Ctrl-C during the following imports, which take 20 ms, would print a traceback
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from word2vec.system.signals import Interrupted, ignore_signals, raise_on_signals

    code = None
    try:
        received = raise_on_signals()
        open_closed_streams()
        code = run(sys.argv[1:], received)
        ignore_signals()
    except Interrupted as interruption:  # before or after the command
        if code is None:
            from word2vec.cli.app import fail_on_signal

            code = fail_on_signal(interruption.signal)
        ignore_signals()
    sys.exit(code)


def run(arguments: list[str], received: Sequence[int] = ()) -> int:
    """Run the command line.

    Args:
        arguments: The arguments without the name of the program.
        received: The list that a signal which ends the program is added to.

    Returns:
        The exit code.
    """
    from word2vec.cli.app import run_app

    return run_app(arguments, received)


def open_closed_streams() -> None:
    """Open the standard streams that the caller closed, as by `2>&-`.

    Otherwise the next file that is opened, such as a corpus, would take the place of the stream. Reading gives nothing,
    messages go nowhere, and results cannot be written, which is an error.
    """
    # subtle: a descriptor that can only be read makes writing to stdout fail
    for number, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # takes the lowest free number, this one
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115 (a descriptor that stays open)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8")  # noqa: SIM115
