"""The log of a training run: a progress bar for users, metrics.jsonl for programs.

metrics.jsonl has one JSON object per line with the keys kind ("step" or "epoch"), epoch, words, words_per_second, lr,
loss and elapsed_seconds. Lines of kind "epoch" also have validation_loss, the mean per pair of the held-out sentences
(see validation.py), held_out_words, the number of their words, and similarity, a Spearman correlation for each file of
`--pairs`. Epochs count from 1. `words` is the number of corpus words since the run began; `loss` is the training loss,
the mean per pair in this epoch so far, summed in float64, so that it depends on neither batches nor threads;
precision_at_1 is the fraction of pairs whose true word had the highest score in the batch, for objectives that report
it (in-batch softmax). Time is that of training alone, without indexing, checkpoints and evaluation.
"""

import json
import logging
import math
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

from tqdm import tqdm

from word2vec.engines.base import Progress
from word2vec.training.console import log_progress, records_above
from word2vec.training.divergence import check_epoch, check_loss
from word2vec.training.tensorboard import Board

STEP_LINES = 100  # approximate number of step lines per run

logger = logging.getLogger("word2vec")


class MetricsState(NamedTuple):
    """The counters of a metrics log, from which it continues when a run resumes."""

    words: int = 0  # corpus words since the run began
    seconds: float = 0.0  # training time
    next_line: int = 0  # number of words at which the next step line is due
    size: int = 0  # of metrics.jsonl, in bytes


class Metrics:
    """The log of one run; a context manager.

    Args:
        path: metrics.jsonl, started with the first line; None writes no file.
        words_per_epoch: Corpus words in an epoch.
        epochs: Number of epochs.
        earlier: Counters at the checkpoint from which the run resumes; later lines in the file are dropped.
        progress: Whether to show a progress bar on stderr.
        untrained_loss: Mean loss per pair of an untrained model; NaN if it is unknown.
        board: Receives the same numbers for TensorBoard.
        held_out_words: Corpus words held out for the validation loss.
        unit: What is counted as words, for messages: "word" or "pair".

    Attributes:
        words: Corpus words trained since the run began.
        lr: Learning rate at the last report.
    """

    def __init__(
        self,
        path: Path | None,
        words_per_epoch: int,
        epochs: int,
        *,
        earlier: MetricsState = MetricsState(),  # noqa: B008 (immutable)
        progress: bool = False,
        untrained_loss: float = math.nan,
        board: Board | None = None,
        held_out_words: int = 0,
        unit: str = "word",
    ) -> None:
        self.words, self._seconds, self._next_line, self._size = earlier
        self._board, self._untrained_loss, self._held_out_words = board, untrained_loss, held_out_words
        self._path, self._words_per_epoch, self._epochs, self._progress = path, words_per_epoch, epochs, progress
        self._file: BinaryIO | None = None
        self._clock = 0.0  # when time was last counted
        self._last, self.lr = Progress(0, 0, 0.0), 0.0  # of the last step
        self._unit = unit
        self._warned = False  # about an epoch without pairs
        self._validation = ""  # text of the last validation loss

    def __enter__(self) -> Self:
        total = self._words_per_epoch * self._epochs
        self._bar = tqdm(
            total=total, initial=self.words, unit=self._unit, unit_scale=True, disable=not self._progress, leave=False
        )
        self._console = records_above(self._bar)
        self._console.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        if self._file is not None:
            with suppress(OSError):  # reported when the write failed
                self._file.close()
        self._console.__exit__(None, None, None)
        self._bar.close()

    def start_clock(self) -> None:
        """Count time from now on: training starts, or continues after a checkpoint or an evaluation."""
        self._clock = time.perf_counter()

    def state(self) -> MetricsState:
        """Return the counters, for a checkpoint."""
        return MetricsState(self.words, self._seconds, self._next_line, self._size)

    def step(self, epoch: int, progress: Progress, lr: float) -> None:
        """Record the progress of an epoch (from 0).

        Raises:
            TrainingError: Training diverged.
        """
        now = time.perf_counter()
        self._seconds += now - self._clock
        self._clock, self._last, self.lr = now, progress, lr
        self.words = epoch * self._words_per_epoch + progress.words
        check_loss(self.training_loss, epoch, lr)
        self._bar.set_description(f"epoch {epoch + 1}/{self._epochs}", refresh=False)
        self._bar.set_postfix_str(
            f"{self._validation}training loss {self.training_loss:.4f}, lr {lr:.4f}", refresh=False
        )
        self._bar.update(self.words - self._bar.n)
        if self.words >= self._next_line and progress.pairs:
            self._next_line = self.words + self._words_per_epoch * self._epochs // STEP_LINES
            self._write("step", epoch)

    def epoch(self, epoch: int, validation_loss: float | None, similarity: Mapping[str, float]) -> None:
        """Record the end of an epoch (from 0), after its last step.

        Args:
            epoch: The finished epoch.
            validation_loss: Mean loss per pair of the held-out sentences; None if nothing is held out.
            similarity: Spearman correlation for each test set.

        Raises:
            TrainingError: Training diverged.
        """
        if not self._last.pairs and not self._warned:  # set_up has made sure that there are pairs without subsampling
            self._warned = True
            logger.warning(
                "epoch %d: nothing was trained, because subsampling dropped too many words; for a text this small, "
                "set --subsample 0",
                epoch + 1,
            )
        check_epoch(self.training_loss, epoch, self.lr, self._untrained_loss)
        self._validation = "" if validation_loss is None else f"validation loss {validation_loss:.4f}, "
        self._write("epoch", epoch, validation_loss, similarity)
        training = f"training loss {self.training_loss:.4f}" if self._last.pairs else "no pairs"
        losses = f"{self._validation}{training}"
        scores = "".join(f", {name} {value:.3f}" for name, value in similarity.items())
        line = f"epoch {epoch + 1}/{self._epochs}: {losses}{scores}, {self._speed:,.0f} {self._unit}s/s"
        log_progress(line, self._progress)

    @property
    def training_loss(self) -> float:
        """Mean loss per pair in the current epoch so far."""
        return self._last.loss / max(self._last.pairs, 1)

    @property
    def seconds(self) -> float:
        """Training time since the run began."""
        return self._seconds

    @property
    def _speed(self) -> float:
        return self.words / max(self._seconds, 1e-9)

    def _write(
        self, kind: str, epoch: int, validation_loss: float | None = None, similarity: Mapping[str, float] | None = None
    ) -> None:
        line: dict[str, object] = {
            "kind": kind,
            "epoch": epoch + 1,
            "words": self.words,
            "words_per_second": round(self._speed, 1),
            "lr": self.lr,
            "loss": self.training_loss,
            "elapsed_seconds": round(self._seconds, 3),
        }
        if self._last.hits is not None:
            line["precision_at_1"] = self._last.hits / max(self._last.pairs, 1)
        if validation_loss is not None:
            line |= {"validation_loss": validation_loss, "held_out_words": self._held_out_words}
        if similarity:
            # subtle: JSON has no NaN, so an undefined correlation becomes null
            line["similarity"] = {name: value if math.isfinite(value) else None for name, value in similarity.items()}
        if self._path is not None:
            self._append(self._path, json.dumps(line).encode() + b"\n")
        if self._board is not None:
            self._board.scalars(line)

    def _append(self, path: Path, line: bytes) -> None:
        """Write a line; if that fails, training continues, since its result is worth more than its log."""
        try:
            self._file = self._file or self._open(path)
            self._file.write(line)
            self._file.flush()
            self._size += len(line)
        except OSError as error:
            logger.warning("%s cannot be written: %s; training continues without it", path, error.strerror)
            self._path = None

    def _open(self, path: Path) -> BinaryIO:
        """Open the file and drop the lines that this run had not written at its checkpoint.

        subtle: a binary file, because a text file on Windows would end lines with two bytes.
        """
        if not self._size:
            return path.open("wb")
        file = path.open("ab")
        if file.tell() > self._size:
            file.truncate(self._size)
        return file
