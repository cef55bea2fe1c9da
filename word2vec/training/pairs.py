"""train_pairs: the function that users call to train on explicit pairs of inputs and targets."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from torch import nn

from word2vec.config import PHRASE_SETTINGS, SETTINGS, TrainConfig, make_config, option, suggest_setting
from word2vec.corpus import PairColumns, PairCorpus, as_pair_columns, make_pair_corpus, read_pairs
from word2vec.errors import ConfigError
from word2vec.losses import Objective, find_objective
from word2vec.training.callbacks import Callback
from word2vec.training.loop import run_training
from word2vec.training.pair_examples import PairSource
from word2vec.vectors import PairVectors

PAIR_DEFAULTS: dict[str, Any] = {"min_count": 1, "epochs": 20, "noise_exponent": 0.5}
"""Settings whose defaults differ from those for text; found by evaluation/recommendation.py. An input has fewer pairs
than a word has windows, so it needs more epochs."""
LR_FACTOR = 2.0  # default learning rate, relative to that of the objective; for the same reason
TEXT_ONLY = (
    "corpus", "start_from", "freeze", "new_words", "anchor", "model", "subwords", "buckets", "refine",
    "position_weights", "window", "window_mode", "subsample", "lowercase", "tokenizer", "column", "pairs",
    "deterministic", "phrases", *PHRASE_SETTINGS,
)  # fmt: skip
"""Settings that do not apply to pairs."""


def train_pairs(
    inputs: Iterable[Any],
    targets: Iterable[Any],
    weights: Iterable[Any] | None = None,
    *,
    output: str | Path | None = None,
    objective: str | nn.Module = "negative-sampling",
    shared_vocabulary: bool = False,
    callbacks: Sequence[Callback] = (),
    progress: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    **settings: Any,
) -> PairVectors:
    """Train vectors of inputs and of targets on pairs of them, such as users and items; under torchrun as in `train`.

        vectors = word2vec.train_pairs(clicks["user"], clicks["item"], dim=64)
        vectors.nearest("user17")

    Args:
        inputs: Strings or whole numbers, one per pair: a list, an array, or a column of a data frame.
        targets: The same for the targets.
        weights: Positive sampling weights: an epoch draws as many pairs as there are, with probabilities proportional
            to their weights. None trains each pair once per epoch.
        output: The run folder to write; None keeps the result in memory only.
        objective: Name of an objective, or a torch module; see `word2vec.losses`.
        shared_vocabulary: Whether inputs and targets are the same things, such as the nodes of a graph.
        callbacks: Functions to call after each epoch, see `EpochResult`; training stops if one returns True.
        progress: Whether to show progress bars on stderr.
        resume: Whether to continue from the checkpoint in `output`, if there is one, with the same pairs.
        overwrite: Whether to start over if `output` contains a run.
        **settings: Fields of `TrainConfig` that apply to pairs: dim, epochs, lr, min_lr, negatives, noise_exponent,
            min_count, max_vocab, batch_size, engine, device, threads, sync_every, seed, validation, patience,
            checkpoint_every and tensorboard. The defaults are those of `TrainConfig`, except min_count=1, epochs=20,
            noise_exponent=0.5, twice the objective's learning rate, and no validation without patience.

    Returns:
        The trained vectors.

    Raises:
        TrainingInterrupted: Ctrl-C, SIGTERM or SIGHUP; what was learned is saved in `output`, and is in the attribute
            `vectors` of the error.
        Word2VecError: The pairs, a setting, the machine or the disk has a problem; the message says what to do.
    """
    module = None if isinstance(objective, str) else objective
    name = {"objective": objective} if isinstance(objective, str) else {}
    source = _source(lambda _: as_pair_columns(inputs, targets, weights), shared_vocabulary)
    return _run(pair_config(settings | name, module), source, output, module, callbacks, progress, resume, overwrite)


def train_pair_file(
    path: str | Path,
    columns: tuple[str, str, str | None],
    output: Path,
    *,
    shared_vocabulary: bool = False,
    progress: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    **settings: Any,
) -> PairVectors:
    """Train on the columns of a table; see `train_pairs`.

    Args:
        path: A .csv, .tsv, .jsonl or .parquet file, plain or compressed, or the address of one.
        columns: Names of the columns of inputs, targets and, unless None, weights.
        output: The run folder to write.
        shared_vocabulary: Whether inputs and targets are the same things.
        progress: Whether to show progress bars on stderr.
        resume: Whether to continue from the checkpoint in `output`, if there is one.
        overwrite: Whether to start over if `output` contains a run.
        **settings: See `train_pairs`.

    Raises:
        Word2VecError: See `train_pairs`.
    """
    config = replace(pair_config(settings), corpus=(str(path),))
    source = _source(lambda progress: read_pairs(path, *columns, progress=progress), shared_vocabulary)
    return _run(config, source, output, None, (), progress, resume, overwrite)


def pair_config(settings: dict[str, Any], objective: nn.Module | None = None) -> TrainConfig:
    """Return complete settings for pairs.

    Args:
        settings: What the user set.
        objective: The user's objective, if it is not in the settings.

    Raises:
        ConfigError: A setting is unknown, invalid, or does not apply to pairs.
    """
    for name in settings:
        if name not in SETTINGS:
            raise ConfigError(f"unknown setting {name!r}; {suggest_setting(name)}")
        if name in TEXT_ONLY and settings[name] is not None:
            raise ConfigError(f"{option(name)} does not apply to pairs; omit it")
    # an input may have few pairs and would lose them, so pairs are held out only if they are needed
    validation: dict[str, Any] = {} if settings.get("patience") is not None else {"validation": 0.0}
    config = make_config(PAIR_DEFAULTS, validation, settings)
    if config.lr is not None:
        return config
    kind = find_objective(config.objective) if objective is None else objective
    return replace(config, lr=LR_FACTOR * float(getattr(kind, "default_lr", Objective.default_lr)))


def _source(columns: Callable[[bool], PairColumns], shared_vocabulary: bool) -> PairSource:
    """Return a source of pairs, whose columns are read after the settings are checked.

    Args:
        columns: A function that reads the columns; its argument says whether to show progress bars.
        shared_vocabulary: Whether inputs and targets are the same things.
    """

    def read(config: TrainConfig, progress: bool) -> PairCorpus:
        return make_pair_corpus(
            columns(progress),
            min_count=config.min_count,
            max_vocab=config.max_vocab,
            shared_vocabulary=shared_vocabulary,
        )

    return PairSource(read)


def _run(
    config: TrainConfig,
    source: PairSource,
    output: str | Path | None,
    objective: nn.Module | None,
    callbacks: Sequence[Callback],
    progress: bool,
    resume: bool,
    overwrite: bool,
) -> PairVectors:
    vectors = run_training(
        config,
        source,
        None if output is None else Path(output),
        objective=objective,
        callbacks=callbacks,
        progress=progress,
        resume=resume,
        overwrite=overwrite,
    )
    return cast("PairVectors", vectors)
