"""Ctrl-C and SIGTERM, held back while they would lose what was learnt, and obeyed where nothing is lost."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held_signals() -> Iterator[list[int]]:
    """Let Ctrl-C and SIGTERM wait; yields those that came, for the block to look at when it suits it.

    A signal that the process was told to ignore stays ignored, and outside of the main thread, the only one that
    signals reach, nothing is held.
    """
    held: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield held
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    ours = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    try:
        for number in ours:
            signal.signal(number, lambda number, _: held.append(number))
        yield held
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
