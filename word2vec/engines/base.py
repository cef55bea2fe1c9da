"""The interface of engines, which train the tables of a model epoch by epoch and report their progress.

An engine is built from a model, an objective, a dataset and a learning rate schedule. `training/loop.py` knows only
this interface, and `training/distributed/averaging.py` implements it by wrapping another engine.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from enum import IntEnum
from threading import Event
from typing import ClassVar, NamedTuple

from word2vec.losses.base import Objective
from word2vec.models.base import EmbeddingModel
from word2vec.sampling.datasets import ExampleDataset
from word2vec.sampling.shards import Shard

REPORT_SECONDS = 0.2  # time between two progress reports

LearningRate = Callable[[int, int], float]
"""The learning rate as a function of the epoch (from 0) and the corpus words read in it."""


class Progress(NamedTuple):
    """How far an epoch has advanced; all numbers are counted from the start of the epoch."""

    words: int  # corpus words read
    pairs: int  # examples trained
    loss: float  # sum of their losses, in float64
    hits: int | None = None  # examples whose true word had the highest score in the batch, if the objective reports it


class Pause(IntEnum):
    """Why training pauses within an epoch; where several processes disagree, the largest value wins."""

    NONE = 0
    SAVE = 1
    STOP = 2


class Engine(ABC):
    """Trains a model in place.

    Args:
        model: The model.
        objective: The loss over scores.
        dataset: The examples, on the device of the model.
        learning_rate: The learning rate schedule.
        threads: Number of threads, and of shards that an epoch is split into.

    Attributes:
        max_threads: Number of threads beyond which the engine gains nothing; None for no limit.
        uses_batches: Whether the engine trains the batches of the dataset, so that the batch size matters.
        sync_every: Default number of words that each of several processes trains between two averagings.
    """

    max_threads: ClassVar[int | None] = None
    uses_batches: ClassVar[bool] = False
    sync_every: ClassVar[int] = 1_000_000  # found by experiment: twice as many cost accuracy

    def __init__(
        self,
        model: EmbeddingModel,
        objective: Objective,
        dataset: ExampleDataset,
        learning_rate: LearningRate,
        threads: int = 1,
    ) -> None:
        self.model, self.objective, self.dataset = model, objective, dataset
        self.learning_rate, self.threads = learning_rate, threads

    @abstractmethod
    def epoch(self, number: int, shards: list[Shard] | None = None) -> Generator[Progress]:
        """Train one pass over the corpus; yields its progress a few times a second and at the end.

        Training continues in threads while the caller handles a report. Closing the generator stops them.

        Args:
            number: Epoch, from 0.
            shards: The shards of an epoch in progress, one per thread, to resume from; None starts a new pass.
        """

    @abstractmethod
    def state(self) -> list[Shard]:
        """Return the shards of the current epoch, up to date and consistent with the tables.

        Between two reports this pauses training at the end of the current chunks; requesting the next report resumes
        it. At least one chunk per thread is trained between two pauses.
        """

    def agree(self, request: Pause) -> Pause:
        """Ask to pause after this report; returns the pause to make now, which all processes agree on."""
        return request


class Workers:
    """Threads that can be paused and resumed.

    Args:
        threads: How many threads to run.
    """

    def __init__(self, threads: int) -> None:
        self._threads, self._stop = threads, Event()
        self._running: set[Future[None]] = set()
        self._paused = False

    def run(self, work: Callable[[int, Event], None], progress: Callable[[], Progress]) -> Generator[Progress]:
        """Run a function in all threads until all are done; yields their progress a few times a second and at the end.

        Closing the generator stops the threads. An exception in a thread is raised here.

        Args:
            work: Called as `work(rank, stop)` in each thread. It returns when its work is done, or soon after `stop` is
                set; it must be callable again then, to resume.
            progress: Returns the progress of all threads together.
        """
        # subtle: `work` is not an attribute. An engine that referred to itself by way of its method would keep its
        # tables in memory until the garbage collector finds the cycle
        with ThreadPoolExecutor(self._threads) as pool:
            try:
                while True:
                    self._stop.clear()
                    self._paused = False
                    self._running = {pool.submit(work, rank, self._stop) for rank in range(self._threads)}
                    while self._running:
                        done, self._running = wait(self._running, REPORT_SECONDS, FIRST_EXCEPTION)
                        for thread in done:
                            thread.result()
                        yield progress()
                    if not self._paused:
                        return
            finally:
                self._stop.set()
                self._running = set()

    def pause(self) -> None:
        """Wait until all threads have stopped; `run` starts them again when its next report is requested."""
        if self._running:
            self._stop.set()
            self._paused = True
            for thread in self._running:
                thread.result()
            self._running = set()
