"""The interface between the data of a run, text or explicit pairs, and `set_up` and the loop."""

import logging
from abc import ABC, abstractmethod
from pathlib import Path

import torch
from torch import nn

from word2vec.config import TrainConfig
from word2vec.corpus import Corpus, PairCorpus
from word2vec.engines import Engine
from word2vec.errors import ConfigError
from word2vec.losses import Objective
from word2vec.models.base import EmbeddingModel
from word2vec.sampling.datasets import ExampleDataset
from word2vec.training.distributed import ProcessGroup
from word2vec.training.result import ResultKind
from word2vec.training.validation import Validation

logger = logging.getLogger("word2vec")

VALIDATION_BATCH = 4096  # examples scored at once


class Examples(ABC):
    """The data of a run, including its vocabularies.

    Attributes:
        corpus: The token ids or the pairs.
        result: What training returns.
        vocabulary: A fingerprint of the vocabularies.
        words: Words in the data, or pairs.
        unit: What is counted: "word" or "pair".
        start: A fingerprint of the vectors that training starts from; empty if there are none.
    """

    corpus: Corpus | PairCorpus
    result: ResultKind
    vocabulary: str
    words: int
    unit: str
    start: str = ""

    @abstractmethod
    def make_dataset(
        self,
        config: TrainConfig,
        objective: Objective,
        engine_class: type[Engine],
        device: torch.device,
        threads: int,
    ) -> ExampleDataset:
        """Create the dataset to train.

        Raises:
            CorpusError: There is nothing to train.
        """

    @abstractmethod
    def make_model(self, config: TrainConfig, objective: Objective, generator: torch.Generator) -> EmbeddingModel:
        """Create the model with its initial values."""

    @property
    def ngram_rows(self) -> int:
        """Number of rows of the n-gram table of the model; 0 if it has none."""
        return 0

    @abstractmethod
    def make_validation(self, config: TrainConfig, dataset: ExampleDataset, objective: Objective) -> Validation | None:
        """Draw the held-out examples; None if there are none.

        Raises:
            ConfigError: There are none, but early stopping needs them.
        """


class Source(ABC):
    """What the user passed as data, beyond the settings."""

    @abstractmethod
    def check(self, config: TrainConfig, group: ProcessGroup) -> None:
        """Report what is wrong with the source before anything is written.

        Raises:
            ConfigError: The source does not fit the settings or the processes that train.
        """

    @abstractmethod
    def engine_class(self, config: TrainConfig, objective: type[nn.Module], device: torch.device) -> type[Engine]:
        """Choose the engine.

        Raises:
            ConfigError: The engine in the settings does not support the objective.
        """

    @abstractmethod
    def read(self, config: TrainConfig, run: Path | None, group: ProcessGroup, progress: bool) -> Examples:
        """Read the data.

        Args:
            config: The settings.
            run: The run folder that this process writes, or None.
            group: The processes that train.
            progress: Whether to show a progress bar on stderr.

        Raises:
            CorpusError: The data cannot be read.
        """


def reject_patience(config: TrainConfig, what: str) -> None:
    """Raise an error if early stopping is requested; called if nothing is held out.

    Raises:
        ConfigError: Early stopping is requested.
    """
    if config.patience is not None:
        raise ConfigError(
            f"--patience needs held-out {what}, but there are too few {what} to hold any out; raise --validation, or "
            "omit --patience"
        )


def log_batch_size(config: TrainConfig, engine_class: type[Engine], size: int) -> None:
    """Log a batch size that is smaller than in the settings."""
    if size < config.batch_size and engine_class.uses_batches:
        logger.info(
            "batch size reduced from %s to %s; larger batches could diverge with this vocabulary",
            config.batch_size,
            size,
        )
