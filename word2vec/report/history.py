"""The course of a training, read from the metrics.jsonl that `runlog.py` writes.

A run may have been cut off in the middle of a line, so what cannot be read is counted and left out, never an error.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SPEED_POINTS = 50  # most points of the speed; shorter stretches show the clock's grain rather than the training


@dataclass
class EpochCurve:
    """One pass over the corpus.

    Attributes:
        epoch: its number, from 1.
        seconds: since training began, one for each logged step.
        loss: mean a pair since the epoch began, at those seconds.
        words: corpus words since training began, at those seconds.
        complete: whether the pass came to its end.
        similarity: Spearman's correlation after the epoch, by the name of the pairs; None where it is not defined.
    """

    epoch: int
    seconds: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    words: list[int] = field(default_factory=list)
    complete: bool = False
    similarity: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class History:
    """All passes, and how many lines of the log could not be read."""

    epochs: tuple[EpochCurve, ...]
    unreadable: int

    @property
    def last(self) -> EpochCurve:
        """The pass in which training ended."""
        return self.epochs[-1]

    @property
    def words_per_epoch(self) -> int | None:
        """Corpus words in a pass, None where none came to its end."""
        whole = [curve for curve in self.epochs if curve.complete]
        return round(whole[-1].words[-1] / whole[-1].epoch) if whole else None

    @property
    def seconds(self) -> float:
        """Training time in all."""
        return self.last.seconds[-1]

    @property
    def speed(self) -> float | None:
        """Corpus words a second over the whole training; None where the clock did not move."""
        return self.last.words[-1] / self.seconds if self.seconds > 0 else None


def read_history(path: Path) -> History | None:
    """The history in a metrics.jsonl; None where there is no such file or no line of it can be read."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return None
    curves: dict[int, EpochCurve] = {}
    unreadable = 0
    for line in lines:
        try:
            _note(json.loads(line), curves)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            unreadable += 1
    return History(tuple(curves.values()), unreadable) if curves else None


def speeds(history: History) -> list[tuple[float, float]]:
    """Seconds since training began, and words a second over the stretch that ends there."""
    found = []
    shortest = history.seconds / SPEED_POINTS
    seconds, words = 0.0, 0
    for curve in history.epochs:
        for now, read in zip(curve.seconds, curve.words, strict=True):
            if now - seconds > max(shortest, 0) and read > words:
                found.append((now, (read - words) / (now - seconds)))
                seconds, words = now, read
    return found


def similarities(history: History) -> dict[str, list[tuple[int, float | None]]]:
    """For each file of pairs the correlation after each epoch, as (epoch, correlation)."""
    names = dict.fromkeys(name for curve in history.epochs for name in curve.similarity)
    return {
        name: [(curve.epoch, curve.similarity[name]) for curve in history.epochs if name in curve.similarity]
        for name in names
    }


def _note(line: dict[str, object], curves: dict[int, EpochCurve]) -> None:
    """Add a line to its epoch's curve; all its numbers are read before anything is kept."""
    epoch, seconds, words = int(_number(line["epoch"])), _number(line["elapsed_seconds"]), int(_number(line["words"]))
    loss, similarity = _number(line["loss"]), dict(_similarity(line))
    curve = curves.setdefault(epoch, EpochCurve(epoch))
    curve.seconds.append(seconds)
    curve.loss.append(loss)
    curve.words.append(words)
    curve.complete = curve.complete or line.get("kind") == "epoch"
    curve.similarity |= similarity


def _similarity(line: dict[str, object]) -> Iterator[tuple[str, float | None]]:
    found = line.get("similarity", {})
    if not isinstance(found, dict):
        raise TypeError("similarity is no object")
    for name, value in found.items():
        yield name, None if value is None else _number(value)


def _number(value: object) -> float:
    """A finite number as it stands.

    Raises:
        TypeError: it is not one.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{value!r} is no finite number")
    return value
