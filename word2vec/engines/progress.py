"""What every engine tells the training loop while it works."""

from typing import NamedTuple


class Progress(NamedTuple):
    """How far an epoch is; all numbers count from the epoch's start."""

    words: int  # corpus words read
    pairs: int  # examples trained
    loss: float  # sum of their losses, in float64
    hits: int | None = None  # examples whose true word scored best in the batch, where the objective tells
