"""The signals that ask a program to end: Ctrl-C (SIGINT), SIGTERM, and SIGHUP when a terminal is closed.

`raise_on_signals` is for programs, which end by an exception, so that temporary files are removed. `held_signals` is
for work that must not be ended at any moment, in programs and in libraries.
"""

import _thread
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
RETRY_SECONDS = 0.01
IMPORT_SYSTEM = "<frozen importlib"  # how the file names of its functions begin


class Interrupted(BaseException):
    """A signal asked the program to end; not an Exception, so that nothing handles it by mistake.

    Attributes:
        signal: The signal number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.signal = number


def raise_on_signals() -> list[int]:
    """Raise `Interrupted` in the main thread at the first signal; at the second one, exit at once.

    subtle: an exception in the middle of an import leaves modules half loaded, and some libraries turn it into another
    error or end the process. So a signal that arrives during an import is delivered after it, unless a second one
    ends the process. In a destructor or a callback from C, Python would print the exception and drop it; then it is
    raised again.

    Returns:
        The signal received, or an empty list if there is none so far. If it is not empty, any error is a consequence.
    """
    received: list[int] = []
    retrying: set[int] = set()  # signals that a thread is about to deliver again
    report_unraisable, main_thread = sys.unraisablehook, _thread.get_ident()

    def handle(number: int, frame: FrameType | None) -> None:
        if received or number in retrying:
            os._exit(128 + number)
        if _is_importing(frame):
            retry(number)
            return
        received.append(number)
        raise Interrupted(number)

    def retry(number: int) -> None:
        retrying.add(number)
        _thread.start_new_thread(deliver, (number,))  # subtle: takes no lock that the main thread may have

    def deliver(number: int) -> None:
        time.sleep(RETRY_SECONDS)
        retrying.discard(number)
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(main_thread, number)  # subtle: interrupt_main does not wake a thread that waits
        else:
            _thread.interrupt_main(signal.Signals(number))

    def unraisable(dropped: Any) -> None:
        if isinstance(dropped.exc_value, Interrupted):
            received.clear()
            retry(dropped.exc_value.signal)
        else:
            report_unraisable(dropped)

    sys.unraisablehook = unraisable
    _handle_signals(handle)
    return received


def ignore_signals() -> None:
    """Ignore the signals from now on: the work is done, and only Python's own cleanup remains.

    subtle: during that cleanup Python restores the default handlers, which would end the process with another exit
    code; ignored signals stay ignored.
    """
    _handle_signals(signal.SIG_IGN)


@contextmanager
def held_signals() -> Iterator[list[int]]:
    """Collect the signals during the block instead of acting on them.

    A signal that the process ignores, as under nohup, stays ignored. Outside the main thread, the only one that
    receives signals, nothing changes.

    Yields:
        The numbers of the signals received so far, a list that grows; the block decides when to act on them.
    """
    import threading  # here, because programs need the functions above before anything slow is imported

    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    replaced = {}
    try:
        replaced = _handle_signals(lambda number, _: received.append(number))
        yield received
    finally:
        for number, handler in replaced.items():
            signal.signal(number, handler)


def _handle_signals(handler: Callable[[int, FrameType | None], object] | signal.Handlers) -> dict[int, Any]:
    """Set the handler of all signals that are not ignored; returns the previous handlers."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    replaced = {number: previous for number, previous in handlers.items() if previous not in (signal.SIG_IGN, None)}
    for number in replaced:
        signal.signal(number, handler)
    return replaced


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(IMPORT_SYSTEM):
            return True
        frame = frame.f_back
    return False
