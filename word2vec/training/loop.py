"""The training loop: train an epoch, measure, log, save.

api.py has the function that users call; setup.py creates the data, the model and the engine from the settings; an
engine (engines/) trains; epoch_end.py measures, metrics.py logs, and run_folder.py writes checkpoints and the result.
Several processes run the same loop as a single one: their engine averages the tables of all processes, and only rank 0
writes files.
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
from word2vec.evaluation import read_pair_sets
from word2vec.evaluation.benchmarks import PairSet
from word2vec.system.signals import held_signals
from word2vec.training import tensorboard
from word2vec.training.callbacks import Callback
from word2vec.training.distributed import join_process_group
from word2vec.training.epoch_end import EpochEnd
from word2vec.training.examples import Source
from word2vec.training.metrics import Metrics
from word2vec.training.result import Vectors
from word2vec.training.run_folder import RunFolder, open_run_folder
from word2vec.training.setup import TrainingSetup, set_up

logger = logging.getLogger("word2vec")


def run_training(
    config: TrainConfig,
    source: Source,
    output: Path | None,
    *,
    objective: nn.Module | None,
    callbacks: Sequence[Callback],
    progress: bool,
    resume: bool,
    overwrite: bool,
) -> Vectors:
    """Train with complete settings; see `api.train`, which creates the arguments."""
    if callable(callbacks) or not all(map(callable, callbacks)):
        raise ConfigError(f"callbacks is {callbacks!r:.80}; pass a list of functions")
    if resume and overwrite:
        raise ConfigError("--resume and --overwrite contradict each other; choose one of them")
    with join_process_group(config.device) as group:
        source.check(config, group)
        pair_sets = read_pair_sets(config.pairs)
        run = output if group.first else None
        if config.tensorboard and group.first:
            tensorboard.check_tensorboard(run)
        with open_run_folder(run):
            setup = set_up(
                config,
                source,
                objective,
                group,
                run,
                progress=progress and group.first,
                resume=resume or group.restarted,
                overwrite=overwrite,
            )
            return _train(setup, run, pair_sets, callbacks if group.first else (), progress and group.first)


def _train(
    setup: TrainingSetup, run: Path | None, pair_sets: Sequence[PairSet], callbacks: Sequence[Callback], progress: bool
) -> Vectors:
    unit = setup.examples.unit
    config, model, learning_rate, start = setup.config, setup.model, setup.learning_rate, setup.checkpoint
    stopping = setup.early_stopping(run)
    folder = RunFolder(run, model, setup.examples.result, config, setup.start, stopping)
    if setup.finished:
        return folder.restore_result()
    if setup.resumed:
        logger.info("resuming after %s of %s %ss", f"{start.metrics.words:,}", f"{setup.total_words:,}", unit)
    folder.keep_corpus(setup.examples.corpus)

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
            held_out_words=setup.examples.words - setup.words_per_epoch,
            unit=unit,
        ) as metrics,
    ):
        engine = setup.make_engine()
        shards = setup.shards_for(engine)
        end = EpochEnd(
            model,
            setup.examples.result,
            config.epochs,
            metrics=metrics,
            validation=setup.validation,
            stopping=stopping,
            pair_sets=pair_sets,
            callbacks=callbacks,
            board=board,
        )
        if signals:  # nothing is learned yet that could replace an earlier run
            raise TrainingInterrupted(metrics.words, setup.total_words, None, signals[0], unit=unit)

        done = start.epoch
        stop = stopping.out_of_patience(done)
        while done < config.epochs and not stop:
            metrics.start_clock()
            with closing(engine.epoch(done, shards)) as reports:
                for report in reports:
                    metrics.step(done, report, learning_rate(done, report.words))
                    request = Pause.STOP if signals else Pause.SAVE if folder.checkpoint_due else Pause.NONE
                    pause = engine.agree(request)
                    if pause is Pause.STOP:
                        position = done, engine.state(), metrics.state()
                        learned = folder.save_vectors(*position) if metrics.words else None
                        number = signals[0] if signals else SIGINT  # another process may have received it
                        raise TrainingInterrupted(metrics.words, setup.total_words, run, number, learned, unit)
                    if pause is Pause.SAVE:
                        folder.save_checkpoint(done, engine.state(), metrics.state())
                        metrics.start_clock()

            shards = None
            end.measure(done)
            done += 1
            if done < config.epochs or callbacks:
                folder.save_checkpoint(done, [], metrics.state())  # before the callbacks, which may fail
            stop = setup.group.gather(end.should_stop(done))[0]
        stopping.finish(model)
        setup.group.broadcast(*model.parameters())
        return folder.save_vectors(done, [], metrics.state(), finished=True)


def _board(setup: TrainingSetup, run: Path | None) -> tensorboard.Board | nullcontext[None]:
    if run is None or not setup.config.tensorboard:
        return nullcontext()
    return tensorboard.Board(run / tensorboard.FOLDER, setup.checkpoint.metrics.words)
