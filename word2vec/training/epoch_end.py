"""What happens after each epoch: measure the vectors, log, and decide whether training stops."""

import logging
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from word2vec.evaluation import evaluate_similarity
from word2vec.evaluation.benchmarks import PairSet
from word2vec.models.base import EmbeddingModel
from word2vec.training.callbacks import Callback, EpochResult
from word2vec.training.early_stopping import EarlyStopping
from word2vec.training.metrics import Metrics
from word2vec.training.result import ResultKind
from word2vec.training.tensorboard import Board
from word2vec.training.validation import Validation

logger = logging.getLogger("word2vec")


class EpochEnd:
    """Measures and logs the result of an epoch, and calls the user's callbacks.

    Args:
        model: The model.
        result: What training returns.
        epochs: Number of epochs that were requested.
        metrics: The log.
        validation: The held-out examples, or None.
        stopping: Watches their loss.
        pair_sets: Word-similarity test sets to evaluate.
        callbacks: Functions to call; empty on all ranks but the first.
        board: Receives the vectors for TensorBoard.
    """

    def __init__(
        self,
        model: EmbeddingModel,
        result: ResultKind,
        epochs: int,
        *,
        metrics: Metrics,
        validation: Validation | None,
        stopping: EarlyStopping,
        pair_sets: Sequence[PairSet] = (),
        callbacks: Sequence[Callback] = (),
        board: Board | None = None,
    ) -> None:
        self._model, self._result_kind, self._epochs, self._metrics = model, result, epochs, metrics
        self._validation, self._stopping = validation, stopping
        self._pair_sets, self._callbacks, self._board = pair_sets, callbacks, board
        self._validation_loss: float | None = None  # of the epoch that was measured last
        self._similarity: dict[str, float] = {}

    def measure(self, epoch: int) -> None:
        """Measure and log an epoch (from 0), and update early stopping.

        Raises:
            TrainingError: There was nothing to train, or training diverged.
        """
        loss = self._validation.loss(self._model) if self._validation else math.nan
        self._validation_loss = loss if math.isfinite(loss) else None
        vectors = self._result_kind.table(self._tables()) if self._pair_sets or self._board else None
        # without confidence intervals, which take longer to compute
        self._similarity = {
            pairs.name: evaluate_similarity(vectors, pairs, bootstrap=0).spearman
            for pairs in self._pair_sets
            if vectors
        }
        self._metrics.epoch(epoch, self._validation_loss, self._similarity)
        if self._board and vectors:
            self._board.embedding(vectors, epoch + 1)
        self._stopping.update(epoch + 1, self._validation_loss, self._model)

    def should_stop(self, epochs: int) -> bool:
        """Decide, after this many epochs and after `measure`, whether training stops; calls the callbacks."""
        stop = self._stopping.out_of_patience(epochs)
        if stop and self._stopping.best:
            number, loss = self._stopping.best
            logger.info("stopping early: the validation loss was lowest in epoch %d (%.4f)", number, loss)
        if self._callbacks:
            result = self._result(epochs)
            answers = [callback(result) for callback in self._callbacks]
            stop |= any(isinstance(answer, bool | np.bool_) and bool(answer) for answer in answers)
        return stop

    def _result(self, epochs: int) -> EpochResult:
        return EpochResult(
            epoch=epochs,
            epochs=self._epochs,
            vectors=self._result_kind.make(self._tables(copy=True)),  # the user may keep them while training continues
            training_loss=self._metrics.training_loss,
            validation_loss=self._validation_loss,
            similarity=self._similarity,
            words=self._metrics.words,
            seconds=self._metrics.seconds,
            lr=self._metrics.lr,
        )

    def _tables(self, *, copy: bool = False) -> dict[str, NDArray[np.float32]]:
        """Return the tables of the model by name."""
        return {
            name: np.array(table.detach().cpu().numpy(), copy=copy or None, order="C" if copy else "K")
            for name, table in self._model.tables().items()
        }
