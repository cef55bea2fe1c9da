"""tune: the function that users call."""

import logging
import math
import os
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from signal import SIGINT
from typing import Any

from word2vec.corpus import Tokenizer
from word2vec.errors import ConfigError, TrainingInterrupted, TuningInterrupted
from word2vec.losses import find_objective
from word2vec.system.signals import Interrupted
from word2vec.training.api import split_arguments
from word2vec.training.distributed import ProcessGroup
from word2vec.training.run_folder import open_run_folder
from word2vec.training.setup import default_lr
from word2vec.training.source import CorpusSource
from word2vec.training.tuning.measures import Function, find_measure
from word2vec.training.tuning.sample import split_text
from word2vec.training.tuning.search import Search, TuningResult
from word2vec.training.tuning.space import Work, search_space
from word2vec.training.tuning.trainer import Trainer
from word2vec.training.tuning.trials import TrialLog

LOCAL = frozenset({"corpus", "threads", "device", "engine"})  # may be different in a resumed search


logger = logging.getLogger("word2vec")


def tune(
    corpus: Any,
    output: str | Path,
    *,
    measure: str | Function,
    budget: float = 15.0,
    fixed: Collection[str] | None = None,
    tokenizer: Tokenizer | None = None,
    padding: int | None = None,
    progress: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    **settings: Any,
) -> TuningResult:
    """Search for settings that are better than the default; see docs/tuning.md.

        result = word2vec.tune("text8", "runs/tuning", measure="wordsim353", budget=15)
        vectors = word2vec.train(result.config, "runs/text8")

    Args:
        corpus: As for `word2vec.train`.
        output: The folder to write; it contains the best settings in config.toml.
        measure: "validation", a file of word pairs or analogy questions or the name of a built-in set, the location
            "package.module:function" of a function from `WordVectors` to a number, or such a function. Higher is
            better. A function may return a tuple of two numbers, of which the second one is the held-out measure.
        budget: Minutes of the whole search, including earlier sessions.
        fixed: Settings that are not searched; by default those in `settings`.
        tokenizer: As for `word2vec.train`.
        padding: As for `word2vec.train`.
        progress: Whether to show progress bars on stderr.
        resume: Whether to continue the search in `output`, if there is one. The corpus, the measure and all settings
            must be the same.
        overwrite: Whether to delete a search in `output`.
        **settings: Fields of `TrainConfig`, such as `dim`.

    Raises:
        TuningInterrupted: Ctrl-C, SIGTERM or SIGHUP; all trainings so far are in `output`.
        Word2VecError: The corpus, a setting, the measure or the disk has a problem; the message says what to do.
    """
    started = time.monotonic()
    fixed = settings.keys() if fixed is None else fixed
    config, data = split_arguments(corpus, tokenizer, settings)
    chosen = find_measure(measure)
    objective = find_objective(config.objective)
    base = replace(config, lr=default_lr(config, objective), patience=None, pairs=(), tensorboard=False)
    space = search_space(base, fixed)
    source, group, folder = CorpusSource(data, tokenizer, padding), ProcessGroup(), Path(output)
    source.check(base, group)
    if base.start_from is not None:
        raise ConfigError("--from does not apply to tuning, whose samples are too small to continue from it; omit it")
    _check(budget, resume, overwrite)
    with open_run_folder(folder):
        text = source.open(base, folder, group, progress)
        for warning in text.warnings:
            logger.warning(warning)
        vocabulary = text.vocabulary(base.min_count, base.max_vocab)
        logger.info("corpus of %s words, vocabulary of %s", f"{len(text.tokens):,}", f"{len(vocabulary):,}")
        split = split_text(text, base.validation)
        chosen.prepare(text, vocabulary, split, base)
        facts = {
            "corpus": text.fingerprint,
            "measure": measure if isinstance(measure, str) else chosen.name,
            "settings": {name: value for name, value in base.as_dict().items() if name not in LOCAL},
            "space": {name: list(values) for name, values in space.items()},
        }
        log = TrialLog(folder, facts, resume=resume, overwrite=overwrite)
        trainer = Trainer(base, text, split, chosen, Work(base, vocabulary, text.offsets))
        search = Search(base, space, trainer, chosen, log, seconds=60 * budget, started=started, progress=progress)
        try:
            search.run()
        except (TrainingInterrupted, Interrupted, KeyboardInterrupt) as error:
            raise TuningInterrupted(
                len(log.trials), folder, getattr(error, "signal", SIGINT), search.result()
            ) from None
        finally:
            if log.trials:
                log.write_config(search.result().config)
        result = search.result()
        if result.better and result.fraction < 1:
            logger.warning(
                "compared on %.0f %% of the corpus only, and other settings may be best on all of it; increase the "
                "budget with a new search, or compare them on the whole corpus",
                100 * result.fraction,
            )
        return result


def _check(budget: float, resume: bool, overwrite: bool) -> None:
    """Check the arguments that do not depend on the corpus.

    Raises:
        ConfigError: One is invalid.
    """
    if not 0 < budget < math.inf:
        raise ConfigError(f"--budget must be a positive number of minutes, not {budget}")
    if resume and overwrite:
        raise ConfigError("--resume and --overwrite contradict each other; choose one of them")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError("tuning runs in one process and uses all its processors; start it without torchrun")
