"""Create everything the training loop needs from the settings: device, engine, corpus, dataset and model.

All problems that can be found before training are reported here; loop.py trains.
"""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from word2vec.config import SETTINGS, TrainConfig, option
from word2vec.engines import Engine, choose_device
from word2vec.errors import ConfigError, CorpusError
from word2vec.losses import Objective, as_objective, find_objective, make_objective
from word2vec.models import MODELS, EmbeddingModel
from word2vec.sampling.datasets import ExampleDataset
from word2vec.sampling.shards import Shard
from word2vec.system.processors import usable_processors
from word2vec.training.checkpoint import Checkpoint, load_best_tables, load_tables
from word2vec.training.distributed import AveragingEngine, ProcessGroup
from word2vec.training.divergence import untrained_loss
from word2vec.training.early_stopping import EarlyStopping
from word2vec.training.examples import Examples, Source
from word2vec.training.resume import find_checkpoint, reject_other_data, reject_other_settings
from word2vec.training.table_memory import reject_too_large
from word2vec.training.validation import Validation

# settings that processes training one model may set differently
LOCAL_SETTINGS = frozenset({"corpus", "start_from", "device", "threads", "pairs", "checkpoint_every"})

logger = logging.getLogger("word2vec")


@dataclass(frozen=True)
class LinearDecay:
    """The learning rate schedule of word2vec.c: linear in the fraction of all words of all epochs that are trained.

    Attributes:
        first: Learning rate at the start.
        last: Learning rate at the end.
        words_per_epoch: Corpus words in an epoch.
        epochs: Number of epochs.
    """

    first: float
    last: float
    words_per_epoch: int
    epochs: int

    def __call__(self, epoch: int, words: int) -> float:
        """Return the learning rate after `words` words of an epoch (from 0)."""
        done = (epoch * self.words_per_epoch + words) / (self.epochs * self.words_per_epoch)
        return self.first + (self.last - self.first) * min(done, 1.0)


@dataclass(frozen=True)
class TrainingSetup:
    """Everything the training loop needs.

    Attributes:
        config: The settings, as they are saved in config.toml.
        examples: The data.
        model: The model, with the tables of the checkpoint to resume from.
        engine_class: The engine.
        objective: The objective, on the device, with the reduction "sum" that learning rates are meant for.
        dataset: The corpus as examples.
        validation: The held-out examples, or None.
        threads: Threads of the engine.
        group: The processes that train.
        start: A checkpoint of this run before its first epoch.
        resumed: The checkpoint to resume from, or None.
    """

    config: TrainConfig
    examples: Examples
    model: EmbeddingModel
    engine_class: type[Engine]
    objective: Objective
    dataset: ExampleDataset
    validation: Validation | None
    threads: int
    group: ProcessGroup
    start: Checkpoint
    resumed: Checkpoint | None

    @property
    def checkpoint(self) -> Checkpoint:
        """Where training starts."""
        return self.resumed or self.start

    @property
    def words_per_epoch(self) -> int:
        """Corpus words in an epoch."""
        return self.dataset.words

    @property
    def total_words(self) -> int:
        """Corpus words in all epochs."""
        return self.config.epochs * self.words_per_epoch

    @property
    def finished(self) -> bool:
        """Whether no epoch is left."""
        if self.resumed is None or not self.resumed.finished:
            return False
        same_epochs = self.resumed.settings["epochs"] == self.config.epochs  # with more of them, training continues
        return same_epochs and (self.resumed.stopped or self.resumed.epoch == self.config.epochs)

    @property
    def learning_rate(self) -> LinearDecay:
        """The learning rate schedule."""
        assert self.config.lr is not None  # noqa: S101 (set_up has filled in the default of the objective)
        return LinearDecay(self.config.lr, self.config.min_lr, self.words_per_epoch, self.config.epochs)

    @property
    def untrained_loss(self) -> float:
        """Mean loss per pair of an untrained model."""
        return untrained_loss(self.objective, self.dataset)

    def early_stopping(self, run: Path | None) -> EarlyStopping:
        """Create what watches the validation loss; with the best epoch of the checkpoint if training resumes."""
        patience, saved = self.config.patience, self.resumed
        if saved is None or saved.best is None or patience is None:
            return EarlyStopping(patience)
        # a finished run is resumed to train more epochs, for which patience counts anew
        best = saved.best._replace(epoch=saved.epoch) if saved.finished else saved.best
        return EarlyStopping(patience, best, load_best_tables(run, self.model) if run else {})

    def make_engine(self) -> Engine:
        """Create the engine; with several processes, one that averages their tables."""
        self.model.to(self.dataset.device)
        engine = self.engine_class(self.model, self.objective, self.dataset, self.learning_rate, self.threads)
        return engine if self.group.size == 1 else AveragingEngine(engine, self.group, self.config.sync_every)

    def shards_for(self, engine: Engine) -> list[Shard] | None:
        """Return the shards from which to resume the first epoch to train; None if it starts from its beginning."""
        return self.checkpoint.shards_for(self.start.engine, engine.threads, self.dataset.offsets)


def set_up(
    config: TrainConfig,
    source: Source,
    objective: nn.Module | None,
    group: ProcessGroup,
    run: Path | None,
    *,
    progress: bool,
    resume: bool,
    overwrite: bool,
) -> TrainingSetup:
    """Read the corpus and create everything the loop needs.

    Args:
        config: The settings.
        source: The data.
        objective: A user's objective in place of `config.objective`.
        group: The processes that train.
        run: The run folder; None if none is written, or if another rank writes it.
        progress: Show progress bars on stderr.
        resume: Resume from the checkpoint in `run`, if there is one.
        overwrite: Start over if `run` contains a run.

    Raises:
        Word2VecError: The corpus, a setting, the machine or the disk has a problem; the message says what to do.
    """
    device = choose_device(config.device)
    kind = find_objective(config.objective) if objective is None else type(objective)
    engine_class = source.engine_class(config, kind, device)
    if objective is not None:
        config = replace(config, objective=f"{kind.__module__}:{kind.__qualname__}")
    # checked before the corpus is read
    config = replace(config, lr=default_lr(config, kind if objective is None else objective))
    found = _checkpoint_of_rank_0(find_checkpoint(run, resume=resume, overwrite=overwrite) if run else None, group)
    if run and found:
        reject_other_settings(run, found, config)
    examples = source.read(config, run, group, progress)
    rows = examples.result.rows
    chosen = make_objective(config.objective, num_labels=rows[1]) if objective is None else as_objective(objective)
    chosen.reduction = "sum"  # the one that learning rates are meant for
    start = Checkpoint(
        config.as_dict(), examples.corpus.fingerprint, examples.vocabulary, engine_class.__name__, start=examples.start
    )
    _reject_different_ranks(start, group)
    if run and found:
        reject_other_data(run, found, start)
    threads = config.threads or default_threads(engine_class.max_threads, group.local_size)
    if device.type == "cuda":
        threads = 1  # the device is parallel itself
    dataset = examples.make_dataset(config, chosen, engine_class, device, threads)
    processes = group.local_size if group.size > 1 else 0
    keeps_best, ngrams = config.patience is not None, examples.ngram_rows
    reject_too_large(rows, config.dim, device, processes, best_epoch=keeps_best, ngrams=ngrams)
    group.wait()  # until all have checked the free memory, before any of them allocates
    model = examples.make_model(config, chosen, torch.Generator().manual_seed(config.seed))
    if run and found:
        load_tables(run, found, model, examples.result.places)
    group.broadcast(*model.parameters())
    chosen = chosen.to(device)
    return TrainingSetup(
        config=config,
        examples=examples,
        model=model,
        engine_class=engine_class,
        objective=chosen,
        dataset=dataset,
        validation=examples.make_validation(config, dataset, chosen),
        threads=threads,
        group=group,
        start=start,
        resumed=found,
    )


def default_lr(config: TrainConfig, objective: type[nn.Module] | nn.Module) -> float:
    """Return the learning rate of the settings, or the default of the objective and the model."""
    if config.lr is not None:
        return config.lr
    model_class = MODELS[config.model]
    factor = model_class.lr_factor if config.subwords is None else model_class.ngram_lr_factor
    return factor * float(getattr(objective, "default_lr", Objective.default_lr))


def default_threads(max_threads: int | None, processes: int = 1) -> int:
    """Return the number of processors that this process may use.

    Args:
        max_threads: Upper limit; None for no limit.
        processes: Number of processes on this machine that share the processors.
    """
    available = max(1, usable_processors() // processes)
    return available if max_threads is None else min(available, max_threads)


def _checkpoint_of_rank_0(found: Checkpoint | None, group: ProcessGroup) -> Checkpoint | None:
    """Return the checkpoint of rank 0 on all ranks, since the others may not have access to its run folder."""
    if group.size == 1:
        return found
    facts = group.gather(found and found.to_dict())[0]
    return None if facts is None else Checkpoint.from_dict(facts)


def _reject_different_ranks(start: Checkpoint, group: ProcessGroup) -> None:
    """Check that all ranks train with the same corpus, settings and engine.

    Raises:
        ConfigError: A rank has other settings or another engine than rank 0.
        CorpusError: A rank has another corpus.
    """
    settings = {name: value for name, value in start.settings.items() if name not in LOCAL_SETTINGS}
    text = [start.corpus, start.vocabulary]
    mine = {"settings": settings, "text": text, "engine": start.engine, "start": start.start}
    first, *others = group.gather(mine)
    for rank, other in enumerate(others if group.first else [], start=1):  # rank 0 reports, which ends the others
        for name in SETTINGS:
            here, there = first["settings"].get(name), other["settings"].get(name)
            if here != there:
                raise ConfigError(
                    f"{option(name)} is {here} on rank 0 and {there} on rank {rank}; set the same value on all ranks"
                )
        if other["start"] != first["start"]:
            raise ConfigError(f"--from: rank {rank} starts from other vectors than rank 0; pass the same to all ranks")
        if other["text"] != first["text"]:
            raise CorpusError(
                f"rank {rank} has another corpus than rank 0 (fingerprints {other['text'][0][:8]} and "
                f"{first['text'][0][:8]}); pass the same files to all ranks, in the same order"
            )
        if other["engine"] != first["engine"]:
            raise ConfigError(
                f"rank 0 trains with {first['engine']} and rank {rank} with {other['engine']}: "
                "set --device and --engine so that all ranks can use the same engine"
            )
