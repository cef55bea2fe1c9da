"""What a training run tells: a progress bar for people, metrics.jsonl for programs.

metrics.jsonl holds one JSON object a line, with the keys kind ("step" or "epoch"), epoch, words, words_per_second, lr,
loss, elapsed_seconds, and in epoch lines similarity, a Spearman correlation for each file of `--pairs`. Epochs count
from 1; `words` counts corpus words since the run began; `loss` is the mean a pair in this epoch so far, a float64, so
that it depends on neither batches nor threads; precision_at_1 is the share of pairs whose true word scored best in the
batch, for objectives that tell (in-batch softmax); time is that of training alone, without indexing and evaluation.
"""

import json
import logging
import math
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self, TextIO

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from word2vec.engines.base import Progress
from word2vec.errors import TrainingError
from word2vec.training.tensorboard import Board

ABSURD_LOSS = 1e6  # a pair; no objective that learns comes near it, and overshooting passes it long before infinity
STEP_LINES = 100  # about how many step lines a run writes

logger = logging.getLogger("word2vec")


class LogState(NamedTuple):
    """What a log has counted, for a run that goes on."""

    words: int = 0  # corpus words since the run began
    seconds: float = 0.0  # of training
    next_line: int = 0  # words at which the next step line is due
    size: int = 0  # of metrics.jsonl, in bytes


class RunLog:
    """The log of one run; a context manager.

    Args:
        path: of metrics.jsonl, begun anew with the first line; None writes no file.
        earlier: of the part of the run before, which is gone on from: lines that came later are dropped.
        words_per_epoch: corpus words in a pass.
        epochs: passes.
        progress: draw a bar on stderr.
        board: gets the same lines for TensorBoard.

    Attributes:
        words: corpus words since the run began.
    """

    def __init__(
        self,
        path: Path | None,
        words_per_epoch: int,
        epochs: int,
        *,
        earlier: LogState = LogState(),  # noqa: B008 (immutable)
        progress: bool = False,
        board: Board | None = None,
    ) -> None:
        self.words, self._seconds, self._next_line, self._size = earlier
        self._board = board
        self._path, self._words_per_epoch, self._epochs, self._progress = path, words_per_epoch, epochs, progress
        self._file: TextIO | None = None
        self._mark = 0.0  # when the clock was last read
        self._last, self._lr = Progress(0, 0, 0.0), 0.0  # of the last step

    def __enter__(self) -> Self:
        total = self._words_per_epoch * self._epochs
        self._bar = tqdm(
            total=total, initial=self.words, unit="word", unit_scale=True, disable=not self._progress, leave=False
        )
        self._redirect = logging_redirect_tqdm([logger])
        self._redirect.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        if self._file is not None:
            with suppress(OSError):  # what could not be written was told when it was tried
                self._file.close()
        self._bar.close()
        self._redirect.__exit__(None, None, None)

    def start_clock(self) -> None:
        """Count time from here: training begins or goes on."""
        self._mark = time.perf_counter()

    def state(self) -> LogState:
        """What a log needs to go on from here."""
        return LogState(self.words, self._seconds, self._next_line, self._size)

    def step(self, epoch: int, progress: Progress, lr: float) -> None:
        """Take note of how far an epoch (from 0) is.

        Raises:
            TrainingError: the loss is no longer a number, or an absurd one.
        """
        now = time.perf_counter()
        self._seconds += now - self._mark
        self._mark, self._last, self._lr = now, progress, lr
        self.words = epoch * self._words_per_epoch + progress.words
        mean = progress.loss / max(progress.pairs, 1)
        if not mean < ABSURD_LOSS:  # so written that NaN is refused too
            raise TrainingError(
                f"training diverged in epoch {epoch + 1}: the loss is {mean}; "
                f"start again with a lower --lr (it is {lr:.3g} now) or, with --engine autograd, a smaller --batch-size"
            )
        self._bar.set_description(f"epoch {epoch + 1}/{self._epochs}", refresh=False)
        self._bar.set_postfix_str(f"lr {lr:.4f}, loss {mean:.4f}", refresh=False)
        self._bar.update(self.words - self._bar.n)
        if self.words >= self._next_line and progress.pairs:
            self._next_line = self.words + self._words_per_epoch * self._epochs // STEP_LINES
            self._write("step", epoch)

    def epoch(self, epoch: int, similarity: Mapping[str, float]) -> None:
        """Take note of the end of an epoch (from 0), whose last step was noted before.

        Raises:
            TrainingError: there was nothing to train on.
        """
        if not epoch and not self._last.pairs:  # later, subsampling may take all pairs of a tiny text by chance
            raise TrainingError(
                "no two words of the vocabulary stand in one sentence, so there is nothing to train on: "
                "is it one word a line? if not, lower --min-count, raise --subsample or give more text"
            )
        line = self._write("epoch", epoch, similarity)
        found = "".join(f", {name} {value:.3f}" for name, value in similarity.items())
        speed = f"{self._speed:,.0f}"
        logger.info("epoch %d/%d: loss %.4f%s, %s words/s", epoch + 1, self._epochs, line["loss"], found, speed)

    @property
    def _speed(self) -> float:
        return self.words / max(self._seconds, 1e-9)

    def _write(self, kind: str, epoch: int, similarity: Mapping[str, float] | None = None) -> dict[str, object]:
        pairs = max(self._last.pairs, 1)
        line: dict[str, object] = {
            "kind": kind,
            "epoch": epoch + 1,
            "words": self.words,
            "words_per_second": round(self._speed, 1),
            "lr": self._lr,
            "loss": self._last.loss / pairs,
            "elapsed_seconds": round(self._seconds, 3),
        }
        if self._last.hits is not None:
            line["precision_at_1"] = self._last.hits / pairs
        if similarity:
            # subtle: JSON has no NaN; an undefined correlation is null
            line["similarity"] = {name: value if math.isfinite(value) else None for name, value in similarity.items()}
        if self._path is not None:
            self._append(self._path, json.dumps(line) + "\n")
        if self._board is not None:
            self._board.scalars(line)
        return line

    def _append(self, path: Path, line: str) -> None:
        """Write a line; where that fails training goes on, since what it learns is worth more than its log."""
        try:
            self._file = self._file or self._opened(path)
            self._file.write(line)
            self._file.flush()
            self._size += len(line)  # ASCII, so bytes
        except OSError as error:
            logger.warning("%s: cannot be written (%s); training goes on without it", path, error.strerror)
            self._path = None

    def _opened(self, path: Path) -> TextIO:
        """The file, with just the lines that this run has written so far."""
        if not self._size:
            return path.open("w", encoding="utf-8")
        file = path.open("a", encoding="utf-8")
        if file.tell() > self._size:
            file.truncate(self._size)
        return file
