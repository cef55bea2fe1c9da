"""The training history, read from the metrics.jsonl of a run.

A run may have been killed in the middle of a line, so invalid lines are counted and skipped, never an error.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

MAX_SPEED_POINTS = 50  # shorter intervals would show the resolution of the clock


@dataclass
class EpochCurve:
    """One pass over the corpus.

    Attributes:
        epoch: Number of the epoch, from 1.
        seconds: Seconds since training began, one entry per logged step.
        loss: Training loss, the mean per pair since the epoch began, at those times.
        words: Corpus words processed since training began, at those times.
        complete: Whether the epoch was completed.
        similarity: Spearman correlation after the epoch by name of the test set; None if undefined.
        validation_loss: Mean loss per pair of the held-out sentences after the epoch; None if nothing is held out.
        held_out_words: Corpus words held out for it.
    """

    epoch: int
    seconds: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    words: list[int] = field(default_factory=list)
    complete: bool = False
    similarity: dict[str, float | None] = field(default_factory=dict)
    validation_loss: float | None = None
    held_out_words: int = 0


@dataclass(frozen=True)
class History:
    """The history of a run.

    Attributes:
        epochs: All logged epochs.
        unreadable: Number of invalid lines in the log.
    """

    epochs: tuple[EpochCurve, ...]
    unreadable: int

    @property
    def last(self) -> EpochCurve:
        """The epoch in which training ended."""
        return self.epochs[-1]

    @property
    def corpus_words(self) -> int | None:
        """Words of the corpus, including those held out; None if no epoch was completed."""
        complete = [curve for curve in self.epochs if curve.complete]
        return round(complete[-1].words[-1] / complete[-1].epoch) + complete[-1].held_out_words if complete else None

    @property
    def seconds(self) -> float:
        """Total training time."""
        return self.last.seconds[-1]

    @property
    def speed(self) -> float | None:
        """Corpus words per second over the whole training; None if no time passed."""
        return self.last.words[-1] / self.seconds if self.seconds > 0 else None


def read_history(path: Path) -> History | None:
    """Read a metrics.jsonl; None if there is no such file or it has no valid line."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return None
    curves: dict[int, EpochCurve] = {}
    unreadable = 0
    for line in lines:
        try:
            _add_line(json.loads(line), curves)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            unreadable += 1
    return History(tuple(curves.values()), unreadable) if curves else None


def speeds(history: History) -> list[tuple[float, float]]:
    """Return the times since training began, and words per second over the interval that ends at each."""
    found = []
    shortest = history.seconds / MAX_SPEED_POINTS
    seconds, words = 0.0, 0
    for curve in history.epochs:
        for now, read in zip(curve.seconds, curve.words, strict=True):
            if now - seconds > max(shortest, 0) and read > words:
                found.append((now, (read - words) / (now - seconds)))
                seconds, words = now, read
    return found


def similarities(history: History) -> dict[str, list[tuple[int, float | None]]]:
    """Return, for each test set, the correlation after each epoch as (epoch, correlation)."""
    names = dict.fromkeys(name for curve in history.epochs for name in curve.similarity)
    return {
        name: [(curve.epoch, curve.similarity[name]) for curve in history.epochs if name in curve.similarity]
        for name in names
    }


def _add_line(line: dict[str, object], curves: dict[int, EpochCurve]) -> None:
    """Add a line of the log to the curve of its epoch; all numbers are checked before any is added."""
    epoch, seconds, words = int(_number(line["epoch"])), _number(line["elapsed_seconds"]), int(_number(line["words"]))
    if epoch < 1:
        raise ValueError(f"epoch {epoch}: epochs count from 1")
    loss, similarity = _number(line["loss"]), dict(_similarity(line))
    validation_loss = _number(line["validation_loss"]) if "validation_loss" in line else None
    held_out_words = int(_number(line.get("held_out_words", 0)))
    curve = curves.setdefault(epoch, EpochCurve(epoch))
    curve.seconds.append(seconds)
    curve.loss.append(loss)
    curve.words.append(words)
    curve.complete = curve.complete or line.get("kind") == "epoch"
    curve.similarity |= similarity
    if validation_loss is not None:
        curve.validation_loss, curve.held_out_words = validation_loss, held_out_words


def _similarity(line: dict[str, object]) -> Iterator[tuple[str, float | None]]:
    found = line.get("similarity", {})
    if not isinstance(found, dict):
        raise TypeError("similarity is not an object")
    for name, value in found.items():
        yield name, None if value is None else _number(value)


def _number(value: object) -> float:
    """Convert a value to a finite number.

    Raises:
        TypeError: It is not a finite number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{value!r} is not a finite number")
    return value
