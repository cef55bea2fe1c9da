"""The run folder that training writes: lock, checkpoints, vectors and settings.

At any moment the folder contains either the files of a complete earlier run or everything needed to resume: each file
is replaced in one step, and the checkpoint is written before and after the vectors are replaced.
"""

import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import tomli_w

from word2vec.config import TrainConfig
from word2vec.corpus import Corpus, IndexedCorpus, MemoryCorpus, PairCorpus, save_corpus
from word2vec.errors import Word2VecError
from word2vec.formats.run import CHECKPOINT_FILE, MODEL_TABLES, VECTORS_FILE
from word2vec.models.base import EmbeddingModel
from word2vec.sampling.shards import Shard
from word2vec.system.atomic_files import atomic_path, locked, new_folder
from word2vec.training.checkpoint import Checkpoint, tables_checksum, write_checkpoint
from word2vec.training.divergence import check_tables
from word2vec.training.early_stopping import EarlyStopping
from word2vec.training.metrics import MetricsState
from word2vec.training.result import ResultKind, Vectors
from word2vec.training.source import CORPUS_FOLDER

logger = logging.getLogger("word2vec")


@contextmanager
def open_run_folder(run: Path | None) -> Iterator[None]:
    """Create and lock a run folder, and check that it is writable before hours of training.

    Raises:
        Word2VecError: The folder cannot be created or written, or another training holds its lock.
    """
    if run is None:
        yield
        return
    with new_folder(run):
        if not os.access(run, os.R_OK | os.W_OK | os.X_OK):
            raise Word2VecError(f"{run}: the folder is not writable; choose another --output")
        with locked(run):
            yield


class RunFolder:
    """Writes the checkpoints and the result of a run.

    Args:
        path: The run folder; None writes nothing, but diverged training is still detected.
        model: The model in training.
        result: What training returns.
        config: The settings of the run.
        start: A checkpoint of this run before its first epoch.
        stopping: Has the best epoch, which checkpoints keep.
    """

    def __init__(
        self,
        path: Path | None,
        model: EmbeddingModel,
        result: ResultKind,
        config: TrainConfig,
        start: Checkpoint,
        stopping: EarlyStopping,
    ) -> None:
        self.path, self._model, self._result, self._config, self._start = path, model, result, config, start
        self._stopping = stopping
        self._last_write = time.monotonic()
        self._has_tables = False  # whether the folder has a checkpoint with tables from this training

    def keep_corpus(self, corpus: Corpus | PairCorpus) -> None:
        """Save a corpus from memory until the run is finished, so that it can be resumed in another process.

        Raises:
            CorpusError: The corpus cannot be written.
        """
        if self.path is None:
            return
        folder = self.path / CORPUS_FOLDER
        if isinstance(corpus, MemoryCorpus):
            save_corpus(corpus, folder)
        elif not isinstance(corpus, IndexedCorpus) or corpus.folder != folder:
            self._remove_corpus()  # left by an earlier run

    @property
    def checkpoint_due(self) -> bool:
        """Whether it is time for a checkpoint within the epoch."""
        return self.path is not None and time.monotonic() - self._last_write >= 60 * self._config.checkpoint_every

    def save_checkpoint(self, epoch: int, shards: list[Shard], metrics: MetricsState) -> None:
        """Write a checkpoint; if that fails, training continues with the previous one.

        Args:
            epoch: Number of finished epochs.
            shards: Shards of the epoch in progress; empty between two epochs.
            metrics: Counters of the metrics log.

        Raises:
            TrainingError: Training diverged.
        """
        check_tables(self._model, epoch)
        if self.path is None:
            return
        checkpoint = replace(self._start, epoch=epoch, shards=shards, metrics=metrics, best=self._stopping.best)
        try:
            write_checkpoint(self.path, checkpoint, self._model.tables(), self._stopping.tables)
            self._has_tables = True
        except Word2VecError as error:
            logger.warning("%s; training continues without a new checkpoint", error)
        self._last_write = time.monotonic()

    def save_vectors(
        self, epoch: int, shards: list[Shard], metrics: MetricsState, *, finished: bool = False
    ) -> Vectors:
        """Write the vectors and the settings, then a checkpoint that refers to these vectors for its tables.

        subtle: An older checkpoint may refer to the vectors that are about to be replaced, and a process killed between
        replacing the words and the vectors leaves two files that do not match. So if the folder contains vectors or a
        checkpoint, a checkpoint with tables is written first.

        Args:
            epoch: Number of finished epochs.
            shards: Shards of the epoch in progress; empty between two epochs.
            metrics: Counters of the metrics log.
            finished: Whether no epoch is left, because all are trained or training was stopped early.

        Raises:
            TrainingError: Training diverged.
            Word2VecError: The vectors cannot be written.
        """
        check_tables(self._model, epoch)
        refine = finished and self._config.refine
        if self.path is None:
            return self.vectors(refine=refine)
        has_files = any((self.path / name).exists() for name in (CHECKPOINT_FILE, VECTORS_FILE))
        if refine or (has_files and not self._has_tables):  # refinement takes memory, and must not cost an epoch
            self.save_checkpoint(epoch, shards, metrics)
        vectors = self.write_result(refine=refine)
        checkpoint = replace(
            self._start,
            epoch=epoch,
            shards=shards,
            metrics=metrics,
            stopped=finished and epoch < self._config.epochs,
            best=self._stopping.best,
            tables=tables_checksum(self._model),
        )
        try:
            elsewhere = {name: table for name, table in self._model.tables().items() if name not in MODEL_TABLES}
            write_checkpoint(self.path, checkpoint, elsewhere, self._stopping.tables)
        except Word2VecError as error:
            logger.warning("%s; --resume continues from the previous checkpoint, if there is one", error)
        else:
            if finished:  # without this checkpoint, the corpus is still needed
                self._remove_corpus()
        return vectors

    def write_result(self, *, refine: bool = False) -> Vectors:
        """Write the vectors, refined if wanted, their words and the settings; the engine must not train any more."""
        vectors = self.vectors(refine=refine)
        if self.path is not None:
            self._result.save(vectors, self.path)
            with atomic_path(self.path / "config.toml") as path:
                path.write_text(tomli_w.dumps(self._config.as_dict()), encoding="utf-8")
            logger.info("wrote %s: %s, %d dimensions", self.path, self._result.size, vectors.dim)
        return vectors

    def restore_result(self) -> Vectors:
        """Return the vectors of a finished run; their files are written again if they are missing or do not match."""
        self._remove_corpus()  # a process that was killed may have left it
        if self.path is not None and not self._result.is_in(self.path):
            logger.info("%s: all %d epochs are trained; writing its files again", self.path, self._config.epochs)
            return self.write_result(refine=self._config.refine)
        logger.info("%s: all %d epochs are trained; increase --epochs to continue", self.path, self._config.epochs)
        return self.vectors(refine=self._config.refine)

    def _remove_corpus(self) -> None:
        """Remove the corpus from memory, if there is one."""
        if self.path is not None:
            shutil.rmtree(self.path / CORPUS_FOLDER, ignore_errors=True)

    def vectors(self, *, refine: bool = False) -> Vectors:
        """Return the tables with their words; they are moved, not copied, so the engine must not train any more."""
        self._model.pack()
        vectors = self._result.make(
            {name: table.detach().cpu().numpy() for name, table in self._model.tables().items()}
        )
        return self._result.refine(vectors) if refine else vectors
