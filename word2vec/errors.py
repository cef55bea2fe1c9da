"""Errors that a user can cause and fix.

Each message is one line that says what is wrong and what to do; the command line prints it unchanged. Any other
exception is a defect of this package and keeps its traceback.
"""

from pathlib import Path
from signal import SIGINT
from typing import Any


class Word2VecError(Exception):
    """Base class of all errors whose message is meant for the user."""


class CorpusError(Word2VecError):
    """A text cannot be read, contains no words, or leaves no vocabulary."""


class DownloadError(Word2VecError):
    """A file cannot be downloaded, or has the wrong content."""


class ConfigError(Word2VecError):
    """Settings contradict each other, or are not supported on this machine."""


class FormatError(Word2VecError):
    """A file of vectors, word pairs or analogy questions is invalid; names the file and, if possible, the line."""


class TruncatedError(FormatError):
    """A file of vectors ends before the data that it declares."""


class UnknownWordError(Word2VecError, KeyError):
    """A word has no vector; the message suggests similar spellings."""

    def __str__(self) -> str:
        # subtle: KeyError prints the repr of its argument, which would put the message in quotes
        return str(self.args[0])


class TrainingError(Word2VecError):
    """Training diverged or cannot continue; the message says which setting to change."""


class RankLostError(Word2VecError):
    """Another process of a distributed training run died, or the network connection to it failed."""


class RankEndedError(Word2VecError):
    """Another process of a distributed training run failed and reports the reason, so this one does not."""


class TuningInterrupted(Word2VecError):  # noqa: N818 (not an error: the user asked for it)
    """A search for settings was stopped by Ctrl-C, SIGTERM or SIGHUP; all finished trainings are in `output`.

    Attributes:
        output: The folder of the search.
        signal: The signal number.
        result: The `TuningResult` so far.
    """

    def __init__(self, trainings: int, output: Path, signal: int, result: Any) -> None:
        self.output, self.signal, self.result = output, signal, result
        done = f" after {trainings} trainings; they are in {output}, add --resume to continue" if trainings else ""
        super().__init__(f"interrupted{done}")


class TrainingInterrupted(Word2VecError):  # noqa: N818 (not an error: the user asked for it)
    """Training was stopped by Ctrl-C, SIGTERM or SIGHUP; everything learned so far is in `output` or `vectors`.

    Attributes:
        words: The number of corpus words, or of pairs, trained so far, of `total`.
        total: The number of corpus words, or of pairs, in all epochs.
        output: The run folder with the vectors, or None if nothing is written.
        signal: The signal number.
        vectors: The `WordVectors`, or `PairVectors`, learned so far, or None if nothing is learned yet.
        unit: What is counted: "word" or "pair".
    """

    def __init__(
        self,
        words: int,
        total: int,
        output: Path | None,
        signal: int = SIGINT,
        vectors: Any = None,
        unit: str = "word",
    ) -> None:
        self.words, self.total, self.output, self.signal, self.vectors = words, total, output, signal, vectors
        self.unit = unit
        saved = ""
        if vectors is not None:
            resume = f"in {output}, add --resume to continue" if output else "in TrainingInterrupted.vectors"
            saved = f"; the vectors learned so far are {resume}"
        super().__init__(f"interrupted after {words:,} of {total:,} {unit}s{saved}")
