"""Train the tables of a `Word2Vec` model with the engines of this package, one epoch after the other.

This is a shorter form of `training/loop.py` for models in memory: it continues from tables that exist, which gensim's
`train` does in each call, and keeps no run folder.
"""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from word2vec.compat.gensim.counting import TokenIds
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.engines import Workload, choose_engine
from word2vec.losses import NegativeSampling
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import SamplingSettings, SkipGramDataset
from word2vec.sampling.stability import stable_batch_size
from word2vec.system.processors import usable_processors
from word2vec.system.signals import held_signals
from word2vec.training.divergence import check_tables
from word2vec.training.setup import LinearDecay, choose_device, default_threads

BATCH_SIZE = 1024  # of the autograd engine, which trains where the fused one cannot


@dataclass(frozen=True)
class FitSettings:
    """Settings of one call of `train`, in the names of this package."""

    sampling: SamplingSettings
    epochs: int
    lr: float
    min_lr: float
    threads: int
    words_per_thread: int  # smaller corpora are trained with fewer threads, and so reproducibly
    seed: int


class Epoch(NamedTuple):
    """The state after an epoch; the tables are views, valid until the next epoch."""

    input: NDArray[np.float32]  # (V, D)
    output: NDArray[np.float32]  # (V, D)
    loss: float  # sum over all pairs trained so far
    signal: int  # a signal that was received, such as SIGINT for Ctrl-C: the epoch is incomplete and the last one; or 0


def fit(
    tables: tuple[NDArray[np.float32], NDArray[np.float32]],
    vocabulary: Vocabulary,
    corpus: TokenIds,
    settings: FitSettings,
) -> Generator[Epoch]:
    """Train the input and output table, (V, D) each; yields after each epoch, and before the first one.

    Args:
        tables: The tables to start from; they are modified or copied.
        vocabulary: Their words.
        corpus: The sentences.
        settings: How to train.

    Raises:
        TrainingError: Training diverged.
        ConfigError: The settings are not supported on this machine.
    """
    sampling = settings.sampling
    device = choose_device("auto")
    model = SkipGram(0, tables[0].shape[1])
    model.input.data, model.output.data = (
        torch.from_numpy(np.require(table, requirements=["C", "W"])) for table in tables
    )
    model.to(device)
    workload = Workload(tables[0].shape[1], sampling.negatives, sampling.window)
    engine_class = choose_engine("auto", NegativeSampling, device, workload)
    wanted = min(settings.threads, usable_processors(), 1 + len(corpus.tokens) // settings.words_per_thread)
    threads = 1 if device.type == "cuda" else min(wanted, default_threads(engine_class.max_threads))
    dataset = SkipGramDataset(
        corpus.tokens,
        corpus.offsets,
        vocabulary,
        sampling,
        batch_size=stable_batch_size(vocabulary, sampling, BATCH_SIZE, threads),
        seed=settings.seed,
        device=device,
    )
    decay = LinearDecay(settings.lr, settings.min_lr, max(1, len(corpus.tokens)), settings.epochs)
    loss = 0.0
    with held_signals() as signals:
        engine = engine_class(model, NegativeSampling(reduction="sum"), dataset, decay, threads)
        yield Epoch(*_arrays(model), loss, 0)
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
            yield Epoch(*_arrays(model), loss, signals[0] if signals else 0)
            if last:
                return


def _arrays(model: SkipGram) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the tables, (V, D) each, as views if they are on the CPU."""
    inputs, outputs = (table.detach().cpu().numpy() for table in (model.input, model.output))
    return inputs, outputs
