"""What training needs, made from the settings: device and engine, the text and its vocabulary, dataset and tables.

Whatever is wrong is told here, before anything is learnt; training.py has the loop.
"""

import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from word2vec.config import TrainConfig
from word2vec.corpus.index import IndexedCorpus
from word2vec.corpus.indexing import index_corpus
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.engines import Engine, choose_engine
from word2vec.errors import Word2VecError
from word2vec.losses import Objective, find_objective, make_objective
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import SamplingSettings, SkipGramDataset, stable_batch_size
from word2vec.training.checkpoint import Checkpoint, find_checkpoint, fingerprint, load_tables, refuse_other_run
from word2vec.training.distributed.process_group import Ranks
from word2vec.training.table_memory import refuse_too_large

logger = logging.getLogger("word2vec")

DEFAULT_LR = 0.025  # of an objective that states none; word2vec.c's for skip-gram


@dataclass(frozen=True)
class Settled:
    """What the settings come to on this machine.

    Attributes:
        config: as the run's config.toml will have them.
        objective: the user's own; None where the settings name one.
        lr: the first learning rate.
        device: to train on.
        engine_class: what trains there.
    """

    config: TrainConfig
    objective: nn.Module | None
    lr: float
    device: torch.device
    engine_class: Engine


@dataclass(frozen=True)
class Prepared:
    """All that the loop needs.

    Attributes:
        settled: the settings.
        corpus: the indexed text.
        vocabulary: the words that are trained.
        objective: on the device, with the reduction that learning rates are meant for.
        dataset: the text as examples.
        model: the tables as they were where training stopped, not on the device yet.
        threads: of the engine.
        new: a checkpoint of this run before it has begun.
        saved: where training begins: the checkpoint that was found, or `new`.
    """

    settled: Settled
    corpus: IndexedCorpus
    vocabulary: Vocabulary
    objective: nn.Module
    dataset: SkipGramDataset
    model: SkipGram
    threads: int
    new: Checkpoint
    saved: Checkpoint

    @property
    def config(self) -> TrainConfig:
        """The settings as the run's config.toml will have them."""
        return self.settled.config

    @property
    def words(self) -> int:
        """Of all epochs."""
        return self.config.epochs * len(self.corpus.tokens)

    @property
    def finished(self) -> bool:
        """Whether no epoch is left."""
        return self.saved is not self.new and self.saved.finished and self.saved.epoch == self.config.epochs


def settle(config: TrainConfig, objective: nn.Module | None) -> Settled:
    """Choose what the settings leave open; a wrong name is told before the corpus is read.

    Raises:
        Word2VecError: the device, the engine or the objective is not to be had.
    """
    device = choose_device(config.device)
    chosen = objective or find_objective(config.objective)
    engine_class = choose_engine(
        config.engine,
        chosen if isinstance(chosen, type) else type(chosen),
        device,
        dim=config.dim,
        negatives=config.negatives,
        window=config.window,
    )
    lr = float(getattr(chosen, "default_lr", DEFAULT_LR)) if config.lr is None else config.lr
    name = config.objective if objective is None else f"{type(objective).__module__}:{type(objective).__qualname__}"
    return Settled(replace(config, lr=lr, objective=name), objective, lr, device, engine_class)


def prepare(settled: Settled, ranks: Ranks, run: Path | None, *, progress: bool, resume: bool) -> Prepared:
    """Read the text, make the tables and whatever else the loop needs.

    Args:
        settled: the settings.
        ranks: who trains.
        run: the run folder; None where none is written, or another rank writes it.
        progress: draw bars on stderr.
        resume: go on from the checkpoint in `run`, if there is one.

    Raises:
        Word2VecError: the corpus, a setting, the machine or the disk is at fault; says what to do.
    """
    config, device = settled.config, settled.device
    found = ranks.checkpoint_of_first(find_checkpoint(run, resume=resume) if run else None)
    corpus, vocabulary = ranks.in_turns(lambda: _read_corpus(config, run, progress))
    new = Checkpoint(config.as_dict(), corpus.fingerprint, fingerprint(vocabulary), settled.engine_class.__name__)
    ranks.refuse_different(new)
    if run and found:
        refuse_other_run(run, found, new)
    objective = (settled.objective or make_objective(config.objective, num_labels=len(vocabulary))).to(device)
    if isinstance(objective, Objective):
        objective.reduction = "sum"  # what learning rates are meant for
    threads = config.threads or default_threads(settled.engine_class.max_threads, ranks.local_size)
    if device.type == "cuda":
        threads = 1  # a card works on many things at once by itself
    dataset = _make_dataset(settled, corpus, vocabulary, objective, threads)
    refuse_too_large(len(vocabulary), config.dim, device, ranks.local_size if ranks.size > 1 else 0)
    ranks.wait()  # none takes memory before all have asked for it
    model = SkipGram(len(vocabulary), config.dim, torch.Generator().manual_seed(config.seed))
    if run and found:
        load_tables(run, found, model)
    ranks.copy_from_first(model.input, model.output)
    return Prepared(settled, corpus, vocabulary, objective, dataset, model, threads, new=new, saved=found or new)


def choose_device(name: str) -> torch.device:
    """The device to train on: auto takes CUDA where there is any.

    Raises:
        Word2VecError: CUDA is asked for and not there.
    """
    found = torch.cuda.is_available()
    if name == "cuda" and not found:
        raise Word2VecError(
            "--device cuda: torch finds no CUDA device here; use --device cpu or install torch for CUDA"
        )
    return torch.device("cuda" if found and name != "cpu" else "cpu")


def default_threads(most: int | None, processes: int = 1) -> int:
    """The processors that this process may use, shared with others that do the same, at most `most`."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = max(1, found // processes)
    return found if most is None else min(found, most)


def _read_corpus(config: TrainConfig, run: Path | None, progress: bool) -> tuple[IndexedCorpus, Vocabulary]:
    corpus = index_corpus(config.corpus, lowercase=config.lowercase, output=run, progress=progress)
    for warning in corpus.warnings:
        logger.warning(warning)
    vocabulary = corpus.vocabulary(config.min_count, config.max_vocab)
    logger.info("corpus of %s words, vocabulary of %s", f"{len(corpus.tokens):,}", f"{len(vocabulary):,}")
    return corpus, vocabulary


def _make_dataset(
    settled: Settled, corpus: IndexedCorpus, vocabulary: Vocabulary, objective: nn.Module, threads: int
) -> SkipGramDataset:
    config = settled.config
    # an objective that takes its noise words from the batch needs none drawn
    negatives = 0 if getattr(objective, "in_batch", False) else config.negatives
    sampling = SamplingSettings(config.window, negatives, config.subsample, config.noise_exponent)
    size = stable_batch_size(vocabulary, sampling, config.batch_size, threads)
    if size < config.batch_size and settled.engine_class.in_batches:
        logger.info(
            "batches of %s pairs, not %s: larger ones would use the most frequent words too often",
            size,
            config.batch_size,
        )
    return SkipGramDataset(
        corpus.tokens, corpus.offsets, vocabulary, sampling, batch_size=size, seed=config.seed, device=settled.device
    )
