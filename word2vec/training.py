"""The training loop: data, model, objective, engine, log, save.

What trains is an engine (engines/), what it is told to optimise an objective (losses/); this module brings them
together with the data and writes the run folder: metrics.jsonl while it trains, then vocab.tsv, vectors.safetensors and
config.toml, each in one step, so that no reader meets half a file.
"""

import logging
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import tomli_w
import torch
from torch import nn

from word2vec.config import TrainConfig
from word2vec.dataset import SamplingSettings, SkipGramDataset, stable_batch_size
from word2vec.engines import choose_engine
from word2vec.errors import ConfigError, TrainingInterrupted, Word2VecError
from word2vec.evaluation import evaluate_similarity
from word2vec.files import atomic_path, new_folder
from word2vec.losses import Objective, find_objective, make_objective
from word2vec.model import SkipGram
from word2vec.runlog import RunLog
from word2vec.testsets import PairSet, read_pairs
from word2vec.tokens import IndexedCorpus, index_corpus
from word2vec.vectors import WordVectors
from word2vec.vocabulary import Vocabulary

logger = logging.getLogger("word2vec")

DEFAULT_LR = 0.025  # of an objective that states none; word2vec.c's for skip-gram


def train(
    config: TrainConfig, output: str | Path | None = None, *, objective: nn.Module | None = None, progress: bool = False
) -> WordVectors:
    """Train word vectors.

    Args:
        config: the settings.
        output: the run folder to write; None keeps the result in memory only. Vectors of an earlier run in it are
            replaced when the new ones are whole.
        objective: an objective of one's own in place of `config.objective`; see losses/.
        progress: draw bars on stderr.

    Raises:
        TrainingInterrupted: Ctrl-C; what was learnt is saved in `output`.
        Word2VecError: the corpus, a setting, the machine or the disk is at fault; says what to do.
    """
    if not config.corpus:
        raise ConfigError(
            "no CORPUS given: name a text file, a folder, a glob, '-' for standard input, text8 or pydocs"
        )
    pair_sets = [read_pairs(source) for source in config.pairs]
    device = choose_device(config.device)
    chosen = objective or find_objective(config.objective)  # a wrong name is told before the corpus is read
    engine_class = choose_engine(config.engine, chosen if isinstance(chosen, type) else type(chosen), device)
    lr = float(getattr(chosen, "default_lr", DEFAULT_LR)) if config.lr is None else config.lr
    name = config.objective if objective is None else f"{type(objective).__module__}:{type(objective).__qualname__}"
    config = replace(config, lr=lr, objective=name)  # the run's config.toml says what was used
    run = None if output is None else Path(output)
    with nullcontext() if run is None else new_folder(run):
        _refuse_unwritable(run)
        corpus, vocabulary = _read_corpus(config, run, progress)
        words = len(corpus.tokens)
        objective = (objective or make_objective(config.objective, num_labels=len(vocabulary))).to(device)
        if isinstance(objective, Objective):
            objective.reduction = "sum"  # what learning rates are meant for
        # an objective that takes its noise words from the batch needs none drawn
        negatives = 0 if getattr(objective, "in_batch", False) else config.negatives

        def lr_at(epoch: int, words_read: int) -> float:
            return learning_rate((epoch * words + words_read) / (config.epochs * words), lr, config.min_lr)

        threads = config.threads or default_threads(engine_class.most_threads)
        sampling = SamplingSettings(config.window, negatives, config.subsample, config.noise_exponent)
        dataset = SkipGramDataset(
            corpus.tokens,
            corpus.offsets,
            vocabulary,
            sampling,
            batch_size=_batch_size(vocabulary, sampling, config.batch_size, threads, logged=engine_class.in_batches),
            seed=config.seed,
            device=device,
        )
        model = SkipGram(len(vocabulary), config.dim, torch.Generator().manual_seed(config.seed)).to(device)
        with _interrupts_held() as interrupts:  # the compiler calls back into Python, and drops what is raised there
            engine = engine_class(model, objective, dataset, lr_at, threads)
        if interrupts:
            raise KeyboardInterrupt
        with RunLog(run / "metrics.jsonl" if run else None, words, config.epochs, progress=progress) as log:
            try:
                for epoch in range(config.epochs):
                    log.start_clock()
                    with closing(engine.epoch(epoch)) as steps:
                        for step in steps:
                            log.step(epoch, step, lr_at(epoch, step.words))
                    log.epoch(epoch, _similarity(model, vocabulary, pair_sets))
            except KeyboardInterrupt:
                if log.words:
                    _save(model, vocabulary, config, run)
                raise TrainingInterrupted(log.words, config.epochs * words, run) from None
        return _save(model, vocabulary, config, run)


def learning_rate(done: float, first: float, last: float) -> float:
    """The learning rate when a share `done` (0 to 1) of all words of all epochs is read: linear, as in word2vec.c."""
    return first + (last - first) * min(done, 1.0)


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


def _batch_size(vocabulary: Vocabulary, sampling: SamplingSettings, wanted: int, threads: int, *, logged: bool) -> int:
    size = stable_batch_size(vocabulary, sampling, wanted, threads)
    if size < wanted and logged:
        logger.info(
            "batches of %s pairs, not %s: larger ones would use the most frequent words too often", size, wanted
        )
    return size


def default_threads(most: int | None) -> int:
    """The processors that this process may use, at most `most`."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return found if most is None else min(found, most)


def _refuse_unwritable(run: Path | None) -> None:
    """Say now, not after hours of training, that the result cannot be kept."""
    if run and not os.access(run, os.W_OK | os.X_OK):
        raise Word2VecError(f"{run}: the folder cannot be written to; choose another --output")


def _read_corpus(config: TrainConfig, run: Path | None, progress: bool) -> tuple[IndexedCorpus, Vocabulary]:
    corpus = index_corpus(config.corpus, lowercase=config.lowercase, output=run, progress=progress)
    for warning in corpus.warnings:
        logger.warning(warning)
    vocabulary = corpus.vocabulary(config.min_count, config.max_vocab)
    logger.info("corpus of %s words, vocabulary of %s", f"{len(corpus.tokens):,}", f"{len(vocabulary):,}")
    return corpus, vocabulary


def _similarity(model: SkipGram, vocabulary: Vocabulary, pair_sets: Sequence[PairSet]) -> dict[str, float]:
    """Spearman's correlation for each set, without the interval, which costs more than the score."""
    if not pair_sets:
        return {}
    vectors = WordVectors(vocabulary.words, model.input.detach().cpu().numpy(), counts=vocabulary.counts)
    return {pairs.name: evaluate_similarity(vectors, pairs, bootstrap=0).spearman for pairs in pair_sets}


def _word_vectors(model: SkipGram, vocabulary: Vocabulary) -> WordVectors:
    tables = (table.detach().cpu().numpy() for table in (model.input, model.output))
    vectors, context = tables
    return WordVectors(vocabulary.words, vectors, counts=vocabulary.counts, context=context)


def _save(model: SkipGram, vocabulary: Vocabulary, config: TrainConfig, run: Path | None) -> WordVectors:
    vectors = _word_vectors(model, vocabulary)
    if run:
        with _interrupts_held():
            vectors.save(run, format="run")
            with atomic_path(run / "config.toml") as path:
                path.write_text(tomli_w.dumps(config.as_dict()), encoding="utf-8")
    return vectors


@contextmanager
def _interrupts_held() -> Iterator[list[int]]:
    """Let Ctrl-C wait, for a moment in which it would be lost or cost the whole training; yields those that came."""
    held: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # the only one that Ctrl-C reaches
        yield held
        return
    before = signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    try:
        yield held
    finally:
        signal.signal(signal.SIGINT, before)
