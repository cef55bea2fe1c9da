"""Train the tables of a `Word2Vec` or `FastText` model with the engines of this package, one epoch after the other.

This is a shorter form of `training/loop.py` for models in memory: it continues from tables that exist, which gensim's
`train` does in each call, and keeps no run folder.
"""

from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from word2vec.compat.gensim.counting import TokenIds
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.engines import Workload, choose_device, choose_engine
from word2vec.losses import make_objective
from word2vec.models import MODELS, EmbeddingModel, NgramIndex
from word2vec.sampling.datasets import SamplingSettings
from word2vec.sampling.stability import stable_batch_size
from word2vec.system.processors import usable_processors
from word2vec.system.signals import held_signals
from word2vec.training.divergence import check_tables
from word2vec.training.setup import LinearDecay, default_threads
from word2vec.training.text_examples import DATASETS

BATCH_SIZE = 1024  # of the autograd engine, which trains where the fused one cannot

Tables: TypeAlias = dict[str, NDArray[np.float32]]
"""The tables of a model by the names of its attributes: "input" (V, D), "output" (V, D), "ngrams" (G, D)."""


@dataclass(frozen=True)
class FitSettings:
    """Settings of one call of `train`, in the names of this package."""

    model: str  # in MODELS
    objective: str  # in LOSSES
    sampling: SamplingSettings
    epochs: int
    lr: float
    min_lr: float
    threads: int
    words_per_thread: int  # smaller corpora are trained with fewer threads, and so reproducibly
    seed: int


class Epoch(NamedTuple):
    """The state after an epoch; the tables are views, valid until the next epoch."""

    tables: Tables
    loss: float  # sum over all examples trained so far
    signal: int  # a signal that was received, such as SIGINT for Ctrl-C: the epoch is incomplete and the last one; or 0


def fit(
    tables: Tables,
    ngrams: NgramIndex | None,
    vocabulary: Vocabulary,
    corpus: TokenIds,
    settings: FitSettings,
) -> Generator[Epoch]:
    """Train the tables of a model; yields after each epoch, and before the first one.

    Args:
        tables: The tables to start from; they are modified or copied.
        ngrams: The n-grams of the words, or None.
        vocabulary: The words.
        corpus: The sentences.
        settings: How to train.

    Raises:
        TrainingError: Training diverged.
        ConfigError: The settings are not supported on this machine.
    """
    sampling = settings.sampling
    device = choose_device("auto")
    model = _model_of(settings.model, tables, ngrams).to(device)
    dim = tables["input"].shape[1]
    workload = Workload(dim, sampling.negatives, sampling.window, settings.model, subwords=ngrams is not None)
    objective = make_objective(settings.objective, num_labels=len(vocabulary))
    objective.reduction = "sum"  # the one that learning rates are meant for
    engine_class = choose_engine("auto", type(objective), device, workload)
    wanted = min(settings.threads, usable_processors(), 1 + len(corpus.tokens) // settings.words_per_thread)
    threads = 1 if device.type == "cuda" else min(wanted, default_threads(engine_class.max_threads))
    dataset = DATASETS[settings.model](
        corpus.tokens,
        corpus.offsets,
        vocabulary,
        sampling,
        batch_size=stable_batch_size(
            vocabulary,
            sampling,
            BATCH_SIZE,
            threads,
            relative_lr=settings.lr / objective.default_lr,
            shared_steps=0.0
            if ngrams is None
            else ngrams.max_shared_steps(vocabulary.pair_frequency(sampling.subsample)),
            tree=objective.targets == "tree",
        ),
        seed=settings.seed,
        device=device,
    )
    decay = LinearDecay(settings.lr, settings.min_lr, max(1, len(corpus.tokens)), settings.epochs)
    loss = 0.0
    with held_signals() as signals:
        engine = engine_class(model, objective, dataset, decay, threads)
        yield Epoch(_arrays(model), loss, 0)
        for number in range(settings.epochs):
            trained = 0.0
            with closing(engine.epoch(number)) as reports:
                for report in reports:
                    trained = report.loss
                    if signals:
                        break
            loss += trained
            check_tables(model, number + 1)
            last = bool(signals) or number + 1 == settings.epochs
            if last:
                model.pack()  # the engine, which has padded the rows, is not used any more
            yield Epoch(_arrays(model), loss, signals[0] if signals else 0)
            if last:
                return


def _model_of(name: str, tables: Mapping[str, NDArray[np.float32]], ngrams: NgramIndex | None) -> EmbeddingModel:
    """Return a model with these tables, which are shared if they are writable."""
    words, dim = tables["input"].shape
    with torch.device("meta"):  # no memory for the initial values, which are replaced
        model = MODELS[name](words, dim, ngrams=ngrams)
    for attribute, table in tables.items():
        rows = torch.from_numpy(np.require(table, requirements=["C", "W"]))
        model.register_parameter(attribute, nn.Parameter(rows))
    return model


def _arrays(model: EmbeddingModel) -> Tables:
    """Return the tables as views if they are on the CPU."""
    return {name: table.detach().cpu().numpy() for name, table in model.named_parameters()}
