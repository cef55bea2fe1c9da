"""The training loop: train an epoch, log, validate, save.

setup.py creates the data, the model and the engine from the settings; an engine (engines/) trains; metrics.py logs, and
run_folder.py writes checkpoints and the result. Several processes run the same loop as a single one: their engine
averages the tables of all processes, and only rank 0 writes files.
"""

import logging
from collections.abc import Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from signal import SIGINT

from torch import nn

from word2vec.config import TrainConfig
from word2vec.engines import Pause
from word2vec.errors import ConfigError, TrainingInterrupted
from word2vec.evaluation import evaluate_similarity, read_pair_sets
from word2vec.evaluation.benchmarks import PairSet
from word2vec.system.signals import held_signals
from word2vec.training import tensorboard
from word2vec.training.distributed import ProcessGroup, join_process_group
from word2vec.training.metrics import Metrics
from word2vec.training.run_folder import RunFolder, open_run_folder
from word2vec.training.setup import TrainingSetup, set_up
from word2vec.vectors import WordVectors

logger = logging.getLogger("word2vec")


def train(
    config: TrainConfig,
    output: str | Path | None = None,
    *,
    objective: nn.Module | None = None,
    progress: bool = False,
    resume: bool = False,
    overwrite: bool = False,
) -> WordVectors:
    """Train word vectors; under torchrun, together with the other processes.

    Args:
        config: The settings.
        output: The run folder to write; None keeps the result in memory only.
        objective: A custom objective, used in place of `config.objective`; see `word2vec.losses`.
        progress: Whether to show progress bars on stderr.
        resume: Whether to continue from the checkpoint in `output`, if there is one. The text and all settings must be
            the same, except those marked `changeable_on_resume` in config.py. With more epochs than before, the
            learning rate decays linearly over all of them.
        overwrite: Whether to start over if `output` contains a run. Its vectors are replaced when the new ones are
            complete.

    Returns:
        The trained vectors.

    Raises:
        TrainingInterrupted: Ctrl-C, SIGTERM or SIGHUP; what was learned is saved in `output`, and is in
            the attribute `vectors` of the error.
        Word2VecError: The corpus, a setting, the machine or the disk has a problem; the message says what to do.
    """
    with join_process_group(config.device) as group:
        _check(config, group)
        if resume and overwrite:
            raise ConfigError("--resume and --overwrite contradict each other; choose one of them")
        pair_sets = read_pair_sets(config.pairs)
        run = Path(output) if output is not None and group.first else None
        if config.tensorboard and group.first:
            tensorboard.check_tensorboard(run)
        with open_run_folder(run):
            resume = resume or group.restarted
            setup = set_up(
                config, objective, group, run, progress=progress and group.first, resume=resume, overwrite=overwrite
            )
            return _train(setup, run, pair_sets, progress and group.first)


def _train(setup: TrainingSetup, run: Path | None, pair_sets: Sequence[PairSet], progress: bool) -> WordVectors:
    config, model, learning_rate, start = setup.config, setup.model, setup.learning_rate, setup.checkpoint
    folder = RunFolder(run, model, setup.vocabulary, config, setup.start)
    if setup.finished:
        return folder.restore_result()
    if setup.resumed:
        logger.info("resuming after %s of %s words", f"{start.metrics.words:,}", f"{setup.total_words:,}")

    # signals are held: the compiler would lose them, and a half-finished step could not be resumed
    with (
        held_signals() as signals,
        _board(setup, run) as board,
        Metrics(
            run / "metrics.jsonl" if run else None,
            setup.words_per_epoch,
            config.epochs,
            earlier=start.metrics,
            progress=progress,
            untrained_loss=setup.untrained_loss,
            board=board,
        ) as metrics,
    ):
        engine = setup.make_engine()
        shards = setup.shards_for(engine)
        if signals:  # nothing is learned yet that could replace an earlier run
            raise TrainingInterrupted(metrics.words, setup.total_words, None, signals[0])

        for epoch in range(start.epoch, config.epochs):
            metrics.start_clock()
            with closing(engine.epoch(epoch, shards)) as reports:
                for report in reports:
                    metrics.step(epoch, report, learning_rate(epoch, report.words))
                    request = Pause.STOP if signals else Pause.SAVE if folder.checkpoint_due else Pause.NONE
                    pause = engine.agree(request)
                    if pause is Pause.STOP:
                        position = epoch, engine.state(), metrics.state()
                        learned = folder.save_vectors(*position) if metrics.words else None
                        number = signals[0] if signals else SIGINT  # another process may have received it
                        raise TrainingInterrupted(metrics.words, setup.total_words, run, number, learned)
                    if pause is Pause.SAVE:
                        folder.save_checkpoint(epoch, engine.state(), metrics.state())
                        metrics.start_clock()

            vectors = _snapshot(setup) if pair_sets or board else None
            metrics.epoch(epoch, {pairs.name: _spearman(vectors, pairs) for pairs in pair_sets if vectors})
            if board and vectors:
                board.embedding(vectors, epoch + 1)
            shards = None
            if epoch + 1 < config.epochs:
                folder.save_checkpoint(epoch + 1, [], metrics.state())
        return folder.save_vectors(config.epochs, [], metrics.state())


def _check(config: TrainConfig, group: ProcessGroup) -> None:
    if not config.corpus:
        raise ConfigError(
            "no corpus given; pass a text file, a folder, a glob pattern, '-' for standard input, text8 or pydocs"
        )
    if "-" in config.corpus and group.size > 1:
        raise ConfigError("several processes cannot share standard input; save the text to a file and pass its path")


def _board(setup: TrainingSetup, run: Path | None) -> tensorboard.Board | nullcontext[None]:
    if run is None or not setup.config.tensorboard:
        return nullcontext()
    return tensorboard.Board(run / tensorboard.FOLDER, setup.checkpoint.metrics.words)


def _snapshot(setup: TrainingSetup) -> WordVectors:
    """Return the input table with its words, for evaluation between two epochs."""
    vocabulary = setup.vocabulary
    return WordVectors(vocabulary.words, setup.model.input.detach().cpu().numpy(), counts=vocabulary.counts)


def _spearman(vectors: WordVectors, pairs: PairSet) -> float:
    """Return the Spearman correlation on a test set, without its confidence interval, which takes longer to compute."""
    return evaluate_similarity(vectors, pairs, bootstrap=0).spearman
