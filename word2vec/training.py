"""The training loop: data, model, objective, engine, log, save.

What trains is an engine (engines/), what it is told to optimise an objective (losses/); this module brings them
together with the data and writes the run folder: metrics.jsonl and checkpoints while it trains, then vocab.tsv,
vectors.safetensors and config.toml, each in one step, so that no reader meets half a file.
"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from signal import SIGINT
from typing import TYPE_CHECKING

import tomli_w
import torch
from torch import nn

from word2vec.averaging import Pause, Rounds
from word2vec.checkpoint import Checkpoint, Checkpoints, find_checkpoint, fingerprint, load_tables, refuse_other_run
from word2vec.config import TrainConfig
from word2vec.dataset import SamplingSettings, SkipGramDataset, stable_batch_size
from word2vec.distributed import Ranks, joined
from word2vec.engines import Engine, choose_engine
from word2vec.errors import ConfigError, FormatError, TrainingInterrupted, Word2VecError
from word2vec.evaluation import evaluate_similarity
from word2vec.files import atomic_path, locked, new_folder
from word2vec.interruption import held_signals
from word2vec.losses import Objective, find_objective, make_objective
from word2vec.memory import refuse_too_large
from word2vec.model import SkipGram
from word2vec.runlog import RunLog
from word2vec.shares import CorpusShare, words_read
from word2vec.tensorboard import FOLDER, Board, refuse_without_tensorboard
from word2vec.testsets import PairSet, read_pairs
from word2vec.tokens import IndexedCorpus, index_corpus
from word2vec.vectors import WordVectors
from word2vec.vocabulary import Vocabulary

if TYPE_CHECKING:
    from word2vec.engines.autograd import AutogradEngine
    from word2vec.engines.cpu import FusedEngine
    from word2vec.engines.gpu import GpuEngine

logger = logging.getLogger("word2vec")

DEFAULT_LR = 0.025  # of an objective that states none; word2vec.c's for skip-gram


def train(
    config: TrainConfig,
    output: str | Path | None = None,
    *,
    objective: nn.Module | None = None,
    progress: bool = False,
    resume: bool = False,
) -> WordVectors:
    """Train word vectors; together with the other processes, where torchrun started several.

    Args:
        config: the settings.
        output: the run folder to write; None keeps the result in memory only. Vectors of an earlier run in it are
            replaced when the new ones are whole.
        objective: an objective of one's own in place of `config.objective`; see losses/.
        progress: draw bars on stderr.
        resume: go on from the checkpoint in `output`, if there is one. The text and all settings have to be as they
            were, but for those that say `may_change` in config.py. With more epochs than before, the learning rate
            goes on along the line that it would have followed over all of them.

    Raises:
        TrainingInterrupted: Ctrl-C or SIGTERM; what was learnt is saved in `output`.
        Word2VecError: the corpus, a setting, the machine or the disk is at fault; says what to do.
    """
    with joined(config.device) as ranks:
        run = Path(output) if output is not None and ranks.first else None
        return _train(config, run, objective, ranks, progress and ranks.first, resume or ranks.restarted)


def _train(
    config: TrainConfig,
    run: Path | None,
    objective: nn.Module | None,
    ranks: Ranks,
    progress: bool,
    resume: bool,
) -> WordVectors:
    if "-" in config.corpus and ranks.size > 1:
        raise ConfigError("several processes cannot share standard input: save the text to a file, and give its name")
    if not config.corpus:
        raise ConfigError(
            "no CORPUS given: name a text file, a folder, a glob, '-' for standard input, text8 or pydocs"
        )
    pair_sets = [read_pairs(source) for source in config.pairs]
    config, lr, device, engine_class = _settled(config, objective)
    if config.tensorboard and ranks.first:
        refuse_without_tensorboard(run)
    with _run_folder(run):
        found = ranks.checkpoint_of_first(find_checkpoint(run, resume=resume) if run else None)
        corpus, vocabulary = ranks.in_turns(lambda: _read_corpus(config, run, progress))
        words = len(corpus.tokens)
        new = Checkpoint(config.as_dict(), corpus.fingerprint, fingerprint(vocabulary), engine_class.__name__)
        ranks.refuse_different(new)
        if run and found:
            refuse_other_run(run, found, new)
        saved = found or new
        objective = (objective or make_objective(config.objective, num_labels=len(vocabulary))).to(device)
        if isinstance(objective, Objective):
            objective.reduction = "sum"  # what learning rates are meant for

        def lr_at(epoch: int, words_read: int) -> float:
            done = epoch * words + rounds.words_at(words_read)
            return learning_rate(done / (config.epochs * words), lr, config.min_lr)

        threads = config.threads or default_threads(engine_class.most_threads, ranks.local_size)
        if device.type == "cuda":
            threads = 1  # a card works on many things at once by itself
        in_batch = bool(getattr(objective, "in_batch", False))
        dataset = _make_dataset(config, corpus, vocabulary, device, threads, in_batch, logged=engine_class.in_batches)
        refuse_too_large(len(vocabulary), config.dim, device, ranks.local_size if ranks.size > 1 else 0)
        ranks.wait()  # none takes memory before all have asked for it
        model = SkipGram(len(vocabulary), config.dim, torch.Generator().manual_seed(config.seed))
        if run and found:
            load_tables(run, found, model)
        ranks.copy_from_first(model.input, model.output)
        if found and found.finished and found.epoch == config.epochs:
            if run and not _readable(run):
                logger.info("%s has all its %d epochs; its files are written again", run, config.epochs)
                return _save(model, vocabulary, config, run)
            logger.info("%s has all its %d epochs already; give more --epochs to go on", run, config.epochs)
            return _word_vectors(model, vocabulary)
        if found:
            logger.info("going on after %s of %s words", f"{found.log.words:,}", f"{config.epochs * words:,}")
        model = model.to(device)
        metrics = run / "metrics.jsonl" if run else None
        # signals wait: the compiler would lose them, and what is half done could not be gone on from
        with (
            held_signals() as signals,
            Board(run / FOLDER, saved.log.words) if run and config.tensorboard else nullcontext() as board,
            RunLog(metrics, words, config.epochs, earlier=saved.log, progress=progress, board=board) as log,
        ):
            engine = engine_class(model, objective, dataset, lr_at, threads)
            if signals:  # nothing is learnt yet that could take the place of an earlier run
                raise TrainingInterrupted(log.words, config.epochs * words, None, signals[0])
            checkpoints = Checkpoints(run, model, new, config.checkpoint_every)
            rounds = Rounds(ranks, model, dataset, engine.threads, config.sync_every)
            everyones = saved.shares_for(new.engine, rounds.threads, corpus)
            for epoch in range(saved.epoch, config.epochs):
                shares = rounds.begin(everyones)
                while not _train_round(engine, epoch, shares, log, lr_at, rounds, lambda: _pause(signals, checkpoints)):
                    if rounds.pause is Pause.NONE:
                        continue
                    everyones = ranks.all_shares(shares)
                    if rounds.pause is Pause.STOP:
                        if log.words:
                            with checkpoints.beside_vectors(epoch, everyones, log.state()):
                                _save(model, vocabulary, config, run)
                        ranks.wait()
                        raise TrainingInterrupted(log.words, config.epochs * words, run, (signals or [SIGINT])[0])
                    checkpoints.save(epoch, everyones, log.state())
                    ranks.wait()
                log.epoch(epoch, _similarity(model, vocabulary, pair_sets))
                if board:
                    board.embedding(_inputs(model, vocabulary), epoch + 1)
                everyones = []
                if epoch + 1 < config.epochs:
                    checkpoints.save(epoch + 1, everyones, log.state())
                ranks.wait()
            if ranks.size > 1:
                cost = f"{rounds.bytes_sent:,} bytes a process, {rounds.seconds:,.1f} s"
                logger.info("%d processes averaged %d times: %s", ranks.size, rounds.averaged, cost)
            with checkpoints.beside_vectors(config.epochs, everyones, log.state()):
                return _save(model, vocabulary, config, run)


def _settled(config: TrainConfig, objective: nn.Module | None) -> tuple[TrainConfig, float, torch.device, Engine]:
    """The settings as the run's config.toml will have them, the learning rate, the device and the engine."""
    device = choose_device(config.device)
    chosen = objective or find_objective(config.objective)  # a wrong name is told before the corpus is read
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
    return replace(config, lr=lr, objective=name), lr, device, engine_class


def _pause(signals: list[int], checkpoints: Checkpoints) -> Pause:
    return Pause.STOP if signals else Pause.SAVE if checkpoints.due() else Pause.NONE


def _train_round(
    engine: "AutogradEngine | FusedEngine | GpuEngine",
    epoch: int,
    shares: list[CorpusShare],
    log: RunLog,
    lr_at: Callable[[int, int], float],
    rounds: Rounds,
    pause: Callable[[], Pause],
) -> bool:
    """Train a round of an epoch; True if that was its last, and it was trained to its end."""
    log.start_clock()
    begun, ended = words_read(shares), True
    rounds.hold_back(shares)
    with closing(engine.epoch(epoch, shares)) as steps:
        for step in steps:
            log.step(epoch, rounds.progress_at(step), lr_at(epoch, step.words))
            # subtle: whoever stops before anything is done may do so for ever
            if step.words > begun and rounds.may_stop and pause() is not Pause.NONE:
                ended = False
                break
    engine.state()  # brings the shares up to date
    rounds.end(shares, pause())
    if not rounds.may_stop:
        log.step(epoch, rounds.done, lr_at(epoch, words_read(shares)))  # now that it is known what all have done
    return ended and not rounds.left


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


def _make_dataset(
    config: TrainConfig,
    corpus: IndexedCorpus,
    vocabulary: Vocabulary,
    device: torch.device,
    threads: int,
    in_batch: bool,
    *,
    logged: bool,
) -> SkipGramDataset:
    # an objective that takes its noise words from the batch needs none drawn
    negatives = 0 if in_batch else config.negatives
    sampling = SamplingSettings(config.window, negatives, config.subsample, config.noise_exponent)
    size = stable_batch_size(vocabulary, sampling, config.batch_size, threads)
    if size < config.batch_size and logged:
        logger.info(
            "batches of %s pairs, not %s: larger ones would use the most frequent words too often",
            size,
            config.batch_size,
        )
    return SkipGramDataset(
        corpus.tokens, corpus.offsets, vocabulary, sampling, batch_size=size, seed=config.seed, device=device
    )


def default_threads(most: int | None, processes: int = 1) -> int:
    """The processors that this process may use, shared with others that do the same, at most `most`."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = max(1, found // processes)
    return found if most is None else min(found, most)


@contextmanager
def _run_folder(run: Path | None) -> Iterator[None]:
    """Make the folder and have it for this process alone; say now, not after hours, that it cannot be written to."""
    if run is None:
        yield
        return
    with new_folder(run):
        if not os.access(run, os.R_OK | os.W_OK | os.X_OK):
            raise Word2VecError(f"{run}: the folder cannot be written to; choose another --output")
        with locked(run):
            yield


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
    vectors = _inputs(model, vocabulary)
    return {pairs.name: evaluate_similarity(vectors, pairs, bootstrap=0).spearman for pairs in pair_sets}


def _inputs(model: SkipGram, vocabulary: Vocabulary) -> WordVectors:
    """The input table with its words, to be looked at while it is trained."""
    return WordVectors(vocabulary.words, model.input.detach().cpu().numpy(), counts=vocabulary.counts)


def _word_vectors(model: SkipGram, vocabulary: Vocabulary) -> WordVectors:
    """The tables with their words; they are moved, not copied, so no engine may train them any more."""
    model.pack()
    vectors, context = (table.detach().cpu().numpy() for table in (model.input, model.output))
    return WordVectors(vocabulary.words, vectors, counts=vocabulary.counts, context=context)


def _readable(run: Path) -> bool:
    """Whether the vectors of a finished run can be loaded; not where, say, a killed export has replaced the words."""
    try:
        WordVectors.load(run, limit=1)
    except FormatError:
        return False
    return True


def _save(model: SkipGram, vocabulary: Vocabulary, config: TrainConfig, run: Path | None) -> WordVectors:
    vectors = _word_vectors(model, vocabulary)
    if run:
        vectors.save(run, format="run")
        with atomic_path(run / "config.toml") as path:
            path.write_text(tomli_w.dumps(config.as_dict()), encoding="utf-8")
    return vectors
