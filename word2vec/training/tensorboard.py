"""What TensorBoard shows of a training run: the figures of its log, and the words' vectors after each epoch.

The files are written by torch.utils.tensorboard, which needs the package tensorboard. They lie in RUN/tensorboard; see
them with `tensorboard --logdir RUN`. Like the log, they are worth less than the training, which goes on without them
where they cannot be written.
"""

import logging
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from word2vec.errors import ConfigError, Word2VecError
from word2vec.vectors.word_vectors import WordVectors

logger = logging.getLogger("word2vec")

FOLDER = "tensorboard"
SCALARS = ("loss", "words_per_second", "lr", "precision_at_1")  # keys of a line of metrics.jsonl
FLUSH_SECONDS = 10  # between two writes of scalars, so that one can watch
PROJECTOR_WORDS = 2000  # the most frequent; more than the projector draws smoothly, and about 1.5 MB an epoch


def refuse_without_tensorboard(run: Path | None) -> None:
    """Say before training begins that TensorBoard's files cannot be written.

    Raises:
        ConfigError: the package is missing, or there is no run folder.
    """
    if run is None:
        raise ConfigError("--tensorboard writes into the run folder; name one as the output, or leave it out")
    if find_spec("tensorboard") is None:
        raise ConfigError("--tensorboard needs a package that is not here: pip install 'word2vec-fused[tensorboard]'")


class Board:
    """TensorBoard's files for one run; a context manager.

    Args:
        folder: where to write; what another run left in it is removed.
        words: corpus words after which the run goes on; what was written of later ones no longer counts.

    Raises:
        Word2VecError: the folder cannot be written to.
    """

    def __init__(self, folder: Path, words: int = 0) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._folder = folder
        self._failed = False
        try:
            if folder.exists() and not words:
                shutil.rmtree(folder)
            self._writer = SummaryWriter(folder, flush_secs=FLUSH_SECONDS, purge_step=words + 1 if words else None)
        except OSError as error:
            raise Word2VecError(f"cannot write {folder}: {error.strerror or error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self._attempt(self._writer.close)

    def scalars(self, line: Mapping[str, object]) -> None:
        """Take over a line of metrics.jsonl; the step is the number of corpus words."""
        similarity = line.get("similarity", {})
        values = {name: line.get(name) for name in SCALARS}
        if isinstance(similarity, dict):
            values |= {f"similarity/{name}": value for name, value in similarity.items()}
        for name, value in values.items():
            if value is not None:
                self._attempt(partial(self._writer.add_scalar, name, value, line["words"]))

    def embedding(self, vectors: WordVectors, epoch: int) -> None:
        """Hand the most frequent words' unit vectors to the projector, as they are after an epoch (from 1)."""
        words = vectors.words[:PROJECTOR_WORDS]
        counts = [0] * len(words) if vectors.counts is None else vectors.counts[:PROJECTOR_WORDS].tolist()
        rows = vectors.unit[:PROJECTOR_WORDS].astype("float64").round(4)  # written as text, so short
        labels = [list(line) for line in zip(words, counts, strict=True)]

        header = ["word", "count"]
        self._attempt(
            partial(self._writer.add_embedding, rows, labels, metadata_header=header, tag="words", global_step=epoch)
        )

    def _attempt(self, write: Callable[[], object]) -> None:
        """Write; where that fails, say so once and write no more."""
        if self._failed:
            return
        try:
            write()
        except OSError as error:
            self._failed = True
            logger.warning("%s: cannot be written (%s); training goes on without it", self._folder, error.strerror)
