"""Explicit pairs as the data of a run: vocabularies, dataset and held-out pairs."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from word2vec.config import TrainConfig
from word2vec.corpus import PairCorpus
from word2vec.engines import Engine, choose_pair_engine
from word2vec.errors import ConfigError
from word2vec.losses import Objective
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import ExampleDataset
from word2vec.sampling.held_out import DEFAULT_FRACTION, MAX_WORDS
from word2vec.sampling.pair_order import U64, epoch_keys, permuted
from word2vec.sampling.pairs import PairDataset
from word2vec.sampling.stability import stable_group_rows, stable_pair_batch_size
from word2vec.training.distributed import ProcessGroup
from word2vec.training.examples import VALIDATION_BATCH, Examples, Source, log_batch_size, reject_patience
from word2vec.training.result import PairResult
from word2vec.training.resume import vocabulary_fingerprint
from word2vec.training.validation import MAX_EXAMPLES, SEED, Validation

logger = logging.getLogger("word2vec")


@dataclass(frozen=True)
class PairSource(Source):
    """Pairs that the user passed.

    Attributes:
        open: A function that reads the pairs, of the settings and of whether to show a progress bar.
    """

    open: Callable[[TrainConfig, bool], PairCorpus]

    def check(self, config: TrainConfig, group: ProcessGroup) -> None:
        """Nothing can be wrong yet; see `Source.check`."""

    def engine_class(self, config: TrainConfig, objective: type[nn.Module], device: torch.device) -> type[Engine]:
        """Choose the engine; see `Source.engine_class`."""
        return choose_pair_engine(config.engine, objective, device)

    def read(self, config: TrainConfig, run: Path | None, group: ProcessGroup, progress: bool) -> "PairExamples":  # noqa: ARG002
        """Read the pairs; see `Source.read`."""
        return PairExamples(self.open(config, progress), config)


class PairExamples(Examples):
    """Pairs and their vocabularies.

    Args:
        corpus: The pairs.
        config: The settings.
    """

    unit = "pair"

    def __init__(self, corpus: PairCorpus, config: TrainConfig) -> None:
        for warning in corpus.warnings:
            logger.warning(warning)
        self.corpus = self._pairs = corpus
        inputs, targets = corpus.input_vocabulary, corpus.target_vocabulary
        logger.info("%s pairs of %s inputs and %s targets", f"{len(corpus):,}", f"{len(inputs):,}", f"{len(targets):,}")
        self.result = PairResult(inputs, targets)
        self.vocabulary = vocabulary_fingerprint(inputs) + vocabulary_fingerprint(targets)
        self.words = len(corpus)
        fraction = DEFAULT_FRACTION if config.validation is None else config.validation
        self._held_out = min(int(len(corpus) * fraction), MAX_WORDS if config.validation is None else len(corpus))

    def make_dataset(
        self,
        config: TrainConfig,
        objective: Objective,
        engine_class: type[Engine],
        device: torch.device,
        threads: int,
    ) -> PairDataset:
        """Create the dataset to train; see `Examples.make_dataset`.

        Raises:
            ConfigError: The targets of the objective are the nodes of a tree, so that targets would have no vectors.
        """
        if objective.targets == "tree":
            raise ConfigError(
                f"--objective {config.objective} does not apply to pairs: it trains vectors of nodes of a tree, not "
                "of targets; choose another objective"
            )
        held_out, part = self._held_out_pairs(), None
        if len(held_out):
            logger.info("%s pairs held out for the validation loss", f"{len(held_out):,}")
            kept = np.ones(self.words, dtype=bool)
            kept[held_out] = False
            part = np.flatnonzero(kept)
        negatives = 0 if objective.targets == "batch" else config.negatives  # in-batch objectives need no noise words
        dataset = self._dataset(negatives, config.noise_exponent, part, config.batch_size, config.seed, device)
        relative_lr = 1.0 if config.lr is None else config.lr / objective.default_lr
        dataset.batch_size = stable_pair_batch_size(dataset, config.batch_size, threads, relative_lr)
        dataset.group_rows = stable_group_rows(dataset, relative_lr)
        log_batch_size(config, engine_class, dataset.batch_size)
        return dataset

    def make_model(self, config: TrainConfig, objective: Objective, generator: torch.Generator) -> SkipGram:  # noqa: ARG002
        """Create the model; see `Examples.make_model`."""
        inputs, targets = self.result.rows
        return SkipGram(inputs, config.dim, generator, targets)

    def make_validation(self, config: TrainConfig, dataset: ExampleDataset, objective: Objective) -> Validation | None:
        """Draw noise words for the held-out pairs; see `Examples.make_validation`."""
        held_out = self._held_out_pairs()
        if not len(held_out):
            reject_patience(config, "pairs")
            return None
        settings = dataset.settings
        size = dataset.batch_size if objective.targets == "batch" else VALIDATION_BATCH
        part = held_out[:MAX_EXAMPLES]  # in random order
        scored = self._dataset(settings.negatives, settings.noise_exponent, part, size, SEED, dataset.device)
        return Validation(scored, objective)

    def _dataset(
        self,
        negatives: int,
        noise_exponent: float,
        part: npt.NDArray[np.int64] | None,
        batch_size: int,
        seed: int,
        device: torch.device,
    ) -> PairDataset:
        return PairDataset(
            self._pairs.inputs,
            self._pairs.targets,
            self._pairs.weights,
            self.result.rows,
            negatives=negatives,
            noise_exponent=noise_exponent,
            batch_size=batch_size,
            seed=seed,
            device=device,
            part=part,
        )

    def _held_out_pairs(self) -> npt.NDArray[np.int64]:
        """Return the numbers of the held-out pairs; they depend on the number of pairs only."""
        return permuted(np.arange(self._held_out, dtype=U64), self.words, epoch_keys(SEED, 0))
