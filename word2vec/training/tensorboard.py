"""TensorBoard files of a training run: the numbers of its metrics log, and word vectors after each epoch.

They are written by torch.utils.tensorboard, which needs the package tensorboard, to RUN/tensorboard; view them with
`tensorboard --logdir RUN`. If they cannot be written, training continues without them.
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
SCALARS = {  # keys of a line in metrics.jsonl, and their names on the board
    "validation_loss": "validation_loss",
    "loss": "training_loss",
    "words_per_second": "words_per_second",
    "lr": "lr",
    "precision_at_1": "precision_at_1",
}
FLUSH_SECONDS = 10  # between two writes, so that training can be watched
PROJECTOR_WORDS = 2000  # most frequent words; more are not drawn smoothly and take more than 1.5 MB per epoch


def check_tensorboard(run: Path | None) -> None:
    """Check before training that TensorBoard files can be written.

    Raises:
        ConfigError: The package is missing, or there is no run folder.
    """
    if run is None:
        raise ConfigError("--tensorboard needs a run folder; set an output, or omit --tensorboard")
    if find_spec("tensorboard") is None:
        raise ConfigError(
            "--tensorboard: TensorBoard is not installed; install it with: pip install 'word2vec-fused[tensorboard]'"
        )


class Board:
    """The TensorBoard files of one run; a context manager.

    Args:
        folder: Where to write; files of an earlier run are removed.
        words: Corpus words trained before the run resumes; later entries of the files are discarded.

    Raises:
        Word2VecError: The folder is not writable.
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
            raise Word2VecError(f"{folder} cannot be written: {error.strerror or error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self._attempt(self._writer.close)

    def scalars(self, line: Mapping[str, object]) -> None:
        """Write the numbers of a line of metrics.jsonl; the step is the number of corpus words."""
        similarity = line.get("similarity", {})
        values = {name: line.get(key) for key, name in SCALARS.items()}
        if isinstance(similarity, dict):
            values |= {f"similarity/{name}": value for name, value in similarity.items()}
        for name, value in values.items():
            if value is not None:
                self._attempt(partial(self._writer.add_scalar, name, value, line["words"]))

    def embedding(self, vectors: WordVectors, epoch: int) -> None:
        """Write the unit vectors of the most frequent words after an epoch (from 1) for the projector."""
        words = vectors.words[:PROJECTOR_WORDS]
        counts = [0] * len(words) if vectors.counts is None else vectors.counts[:PROJECTOR_WORDS].tolist()
        rows = vectors.unit[:PROJECTOR_WORDS].astype("float64").round(4)  # stored as text, so keep it short
        labels = [list(line) for line in zip(words, counts, strict=True)]
        header = ["word", "count"]
        self._attempt(
            partial(self._writer.add_embedding, rows, labels, metadata_header=header, tag="words", global_step=epoch)
        )

    def _attempt(self, write: Callable[[], object]) -> None:
        """Write; after the first failure, warn once and write no more."""
        if self._failed:
            return
        try:
            write()
        except OSError as error:
            self._failed = True
            logger.warning("%s cannot be written: %s; training continues without it", self._folder, error.strerror)
