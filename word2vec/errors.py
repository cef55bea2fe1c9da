"""The errors that a user can cause and mend.

Each message is one line that says what is wrong and what to do; the command line prints it as it stands. Anything
that is not one of these is a defect of this package and keeps its traceback.
"""

from pathlib import Path
from signal import SIGINT


class Word2VecError(Exception):
    """Base of every error whose message is meant for the user."""


class CorpusError(Word2VecError):
    """The text cannot be read, holds no words, or leaves no vocabulary."""


class ConfigError(Word2VecError):
    """Settings that contradict each other, or that this machine cannot honor."""


class FormatError(Word2VecError):
    """A file of vectors, of pairs or of questions is not what it should be; names the file and, if it can, the line."""


class UnknownWordError(Word2VecError, KeyError):
    """A word without a vector; the message offers the nearest spellings."""

    def __str__(self) -> str:
        # subtle: KeyError prints the repr of its argument, which would put the message in quotes
        return str(self.args[0])


class TrainingError(Word2VecError):
    """Training diverged or could not go on; says which setting to change."""


class RankLostError(Word2VecError):
    """Another process of a training on several died, or its network."""


class RankEndedError(Word2VecError):
    """Another process of a training on several has failed and says why, so this one need not."""


class TrainingInterrupted(Word2VecError):  # noqa: N818 (not an error: someone asked for it)
    """Training was stopped by Ctrl-C or SIGTERM; what was learnt until then is saved.

    Attributes:
        words: corpus words trained, of `total`.
        output: the run folder with the vectors, None where nothing was to be written.
        signal: the number of the signal.
    """

    def __init__(self, words: int, total: int, output: Path | None, signal: int = SIGINT) -> None:
        self.words, self.total, self.output, self.signal = words, total, output, signal
        kept = f"; the vectors learnt so far are in {output}, and --resume goes on" if output and words else ""
        super().__init__(f"interrupted after {words:,} of {total:,} words{kept}")
