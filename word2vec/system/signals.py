"""Delay Ctrl-C and SIGTERM until the program can stop without losing work."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held_signals() -> Iterator[list[int]]:
    """Collect Ctrl-C and SIGTERM during the block instead of acting on them.

    A signal that the process ignores stays ignored. Outside the main thread, the only one that receives signals,
    nothing changes.

    Yields:
        The numbers of the signals received so far, a list that grows; the block decides when to act on them.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    replaced = {number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}
    try:
        for number in replaced:
            signal.signal(number, lambda number, _: received.append(number))
        yield received
    finally:
        for number, handler in replaced.items():
            signal.signal(number, handler)
