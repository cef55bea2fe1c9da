"""What every engine tells the training loop while it works, and how its threads are run."""

from collections.abc import Callable, Generator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event
from typing import NamedTuple

REPORT_SECONDS = 0.2  # between two reports of progress


class Progress(NamedTuple):
    """How far an epoch is; all numbers count from the epoch's start."""

    words: int  # corpus words read
    pairs: int  # examples trained
    loss: float  # sum of their losses, in float64
    hits: int | None = None  # examples whose true word scored best in the batch, where the objective tells


def run_threads(
    work: Callable[[int, Event], None], threads: int, progress: Callable[[], Progress]
) -> Generator[Progress]:
    """Run `work(rank, stop)` in so many threads; yields their progress a few times a second and at the end.

    Closing the generator sets `stop` and waits for the threads. What a thread raises is raised here.
    """
    stop = Event()
    with ThreadPoolExecutor(threads) as pool:
        running = {pool.submit(work, rank, stop) for rank in range(threads)}
        try:
            while running:
                ended, running = wait(running, REPORT_SECONDS, FIRST_EXCEPTION)
                for thread in ended:
                    thread.result()
                yield progress()
        finally:
            stop.set()
