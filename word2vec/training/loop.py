"""The training loop: train a round, log, save.

What trains is an engine (engines/), what it is told to optimize an objective (losses/), and preparation.py brings them
together with the data. This module runs the epochs and writes the run folder: metrics.jsonl and checkpoints while it
trains, then vocab.tsv, vectors.safetensors and config.toml, each in one step, so that no reader meets half a file.
"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from signal import SIGINT
from typing import TYPE_CHECKING

import tomli_w
from torch import nn

from word2vec.config import TrainConfig
from word2vec.errors import ConfigError, FormatError, TrainingInterrupted, Word2VecError
from word2vec.evaluation.benchmarks import PairSet, read_pairs
from word2vec.evaluation.similarity import evaluate_similarity
from word2vec.sampling.shards import Shard, words_read
from word2vec.system.atomic_files import atomic_path, locked, new_folder
from word2vec.system.signals import held_signals
from word2vec.training.checkpoint import Checkpoints
from word2vec.training.distributed.averaging import Pause, Rounds
from word2vec.training.distributed.process_group import Ranks, joined
from word2vec.training.metrics import RunLog
from word2vec.training.setup import Prepared, prepare, settle
from word2vec.training.tensorboard import FOLDER, Board, refuse_without_tensorboard
from word2vec.vectors.word_vectors import WordVectors

if TYPE_CHECKING:
    from word2vec.engines.autograd import AutogradEngine
    from word2vec.engines.cpu.engine import FusedEngine
    from word2vec.engines.gpu.engine import GpuEngine

logger = logging.getLogger("word2vec")


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
        raise ConfigError("several processes cannot shard standard input: save the text to a file, and give its name")
    if not config.corpus:
        raise ConfigError(
            "no CORPUS given: name a text file, a folder, a glob, '-' for standard input, text8 or pydocs"
        )
    pair_sets = [read_pairs(source) for source in config.pairs]
    settled = settle(config, objective)
    if config.tensorboard and ranks.first:
        refuse_without_tensorboard(run)
    with _run_folder(run):
        ready = prepare(settled, ranks, run, progress=progress, resume=resume)
        if ready.finished:
            return _finished(ready, run)
        ready.model.to(settled.device)
        saved, words = ready.saved, len(ready.corpus.tokens)
        if saved is not ready.new:
            logger.info("going on after %s of %s words", f"{saved.log.words:,}", f"{ready.words:,}")
        metrics = run / "metrics.jsonl" if run else None
        # signals wait: the compiler would lose them, and what is half done could not be gone on from
        with (
            held_signals() as signals,
            Board(run / FOLDER, saved.log.words) if run and config.tensorboard else nullcontext() as board,
            RunLog(metrics, words, config.epochs, earlier=saved.log, progress=progress, board=board) as log,
        ):
            return _train_epochs(ready, ranks, run, pair_sets, signals, log, board)


def _train_epochs(
    ready: Prepared,
    ranks: Ranks,
    run: Path | None,
    pair_sets: Sequence[PairSet],
    signals: list[int],
    log: RunLog,
    board: Board | None,
) -> WordVectors:
    """Train all epochs that are left."""
    config, model, saved = ready.config, ready.model, ready.saved

    def lr_at(epoch: int, words_read: int) -> float:
        done = epoch * len(ready.corpus.tokens) + rounds.words_at(words_read)
        return learning_rate(done / ready.words, ready.settled.lr, config.min_lr)

    engine = ready.settled.engine_class(model, ready.objective, ready.dataset, lr_at, ready.threads)
    if signals:  # nothing is learnt yet that could take the place of an earlier run
        raise TrainingInterrupted(log.words, ready.words, None, signals[0])
    checkpoints = Checkpoints(run, model, ready.new, config.checkpoint_every)
    rounds = Rounds(ranks, model, ready.dataset, engine.threads, config.sync_every or engine.sync_every)
    everyones = saved.shards_for(ready.new.engine, rounds.threads, ready.corpus)
    for epoch in range(saved.epoch, config.epochs):
        shards = rounds.begin(everyones)
        while not _train_round(engine, epoch, shards, log, lr_at, rounds, lambda: _pause(signals, checkpoints)):
            if rounds.pause is Pause.NONE:
                continue
            everyones = ranks.all_shards(shards)
            if rounds.pause is Pause.STOP:
                if log.words:
                    with checkpoints.beside_vectors(epoch, everyones, log.state()):
                        _save(ready, run)
                ranks.wait()
                raise TrainingInterrupted(log.words, ready.words, run, (signals or [SIGINT])[0])
            checkpoints.save(epoch, everyones, log.state())
            ranks.wait()
        log.epoch(epoch, _similarity(ready, pair_sets))
        if board:
            board.embedding(_inputs(ready), epoch + 1)
        everyones = []
        if epoch + 1 < config.epochs:
            checkpoints.save(epoch + 1, everyones, log.state())
        ranks.wait()
    if ranks.size > 1:
        cost = f"{rounds.bytes_sent:,} bytes a process, {rounds.seconds:,.1f} s"
        logger.info("%d processes averaged %d times: %s", ranks.size, rounds.averaged, cost)
    with checkpoints.beside_vectors(config.epochs, everyones, log.state()):
        return _save(ready, run)


def _pause(signals: list[int], checkpoints: Checkpoints) -> Pause:
    return Pause.STOP if signals else Pause.SAVE if checkpoints.due() else Pause.NONE


def _train_round(
    engine: "AutogradEngine | FusedEngine | GpuEngine",
    epoch: int,
    shards: list[Shard],
    log: RunLog,
    lr_at: Callable[[int, int], float],
    rounds: Rounds,
    pause: Callable[[], Pause],
) -> bool:
    """Train a round of an epoch or a part of it; True if that was its last, and it was trained to its end."""
    log.start_clock()
    begun, ended = words_read(shards), True
    rounds.split_off(shards)
    with closing(engine.epoch(epoch, shards)) as steps:
        for step in steps:
            log.step(epoch, rounds.progress_at(step), lr_at(epoch, step.words))
            # subtle: whoever stops before anything is done may do so for ever
            if step.words > begun and rounds.may_stop and pause() is not Pause.NONE:
                ended = False
                break
    engine.state()  # brings the shards up to date
    rounds.end(shards, pause())
    if rounds.together and not rounds.may_stop:
        log.step(epoch, rounds.done, lr_at(epoch, words_read(shards)))  # now that it is known what all have done
    return ended and rounds.together and not rounds.left


def learning_rate(done: float, first: float, last: float) -> float:
    """The learning rate when a shard `done` (0 to 1) of all words of all epochs is read: linear, as in word2vec.c."""
    return first + (last - first) * min(done, 1.0)


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


def _finished(ready: Prepared, run: Path | None) -> WordVectors:
    """The vectors of a run that has no epoch left, written again where that was cut short."""
    if run and not _readable(run):
        logger.info("%s has all its %d epochs; its files are written again", run, ready.config.epochs)
        return _save(ready, run)
    logger.info("%s has all its %d epochs already; give more --epochs to go on", run, ready.config.epochs)
    return _word_vectors(ready)


def _readable(run: Path) -> bool:
    """Whether the vectors of a finished run can be loaded; not where, say, a killed export has replaced the words."""
    try:
        WordVectors.load(run, limit=1)
    except FormatError:
        return False
    return True


def _similarity(ready: Prepared, pair_sets: Sequence[PairSet]) -> dict[str, float]:
    """Spearman's correlation for each set, without the interval, which costs more than the score."""
    if not pair_sets:
        return {}
    vectors = _inputs(ready)
    return {pairs.name: evaluate_similarity(vectors, pairs, bootstrap=0).spearman for pairs in pair_sets}


def _inputs(ready: Prepared) -> WordVectors:
    """The input table with its words, to be looked at while it is trained."""
    vocabulary = ready.vocabulary
    return WordVectors(vocabulary.words, ready.model.input.detach().cpu().numpy(), counts=vocabulary.counts)


def _word_vectors(ready: Prepared) -> WordVectors:
    """The tables with their words; they are moved, not copied, so no engine may train them any more."""
    model, vocabulary = ready.model, ready.vocabulary
    model.pack()
    vectors, output = (table.detach().cpu().numpy() for table in (model.input, model.output))
    return WordVectors(vocabulary.words, vectors, counts=vocabulary.counts, output=output)


def _save(ready: Prepared, run: Path | None) -> WordVectors:
    vectors = _word_vectors(ready)
    if run:
        vectors.save(run, format="run")
        with atomic_path(run / "config.toml") as path:
            path.write_text(tomli_w.dumps(ready.config.as_dict()), encoding="utf-8")
    return vectors
