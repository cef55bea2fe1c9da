"""Callbacks: functions of the user that training calls after each epoch, with the vectors and all metrics.

def stop_when_good(epoch: EpochResult) -> bool:
    return evaluate_similarity(epoch.vectors, "wordsim353").spearman > 0.6

word2vec.train("text8", callbacks=[stop_when_good])
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class EpochResult:
    """The state of training after an epoch.

    Attributes:
        epoch: Number of the epoch, from 1.
        epochs: Number of epochs that were requested.
        vectors: A copy of the result so far: `WordVectors` with the output table, or `PairVectors` for pairs.
        training_loss: Mean loss per pair during the epoch, while the tables changed.
        validation_loss: Mean loss per pair of held-out sentences after the epoch; None if nothing is held out.
        similarity: Spearman correlation on each file of the setting `pairs`, by name.
        words: Corpus words trained since the run began.
        seconds: Training time since the run began.
        lr: Learning rate at the end of the epoch.
    """

    epoch: int
    epochs: int
    vectors: Any
    training_loss: float
    validation_loss: float | None
    similarity: Mapping[str, float]
    words: int
    seconds: float
    lr: float


Callback = Callable[[EpochResult], bool | None]
"""Called after each epoch; training stops after the epoch if it returns True."""
