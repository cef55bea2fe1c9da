"""train: the function that users call. It turns any corpus and keyword arguments into settings and runs the loop."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from torch import nn

from word2vec.config import SETTINGS, TrainConfig, make_config, suggest_setting
from word2vec.corpus import Tokenizer, as_paths
from word2vec.errors import ConfigError
from word2vec.training.callbacks import Callback
from word2vec.training.loop import run_training
from word2vec.training.resume import saved_settings
from word2vec.training.source import CorpusSource
from word2vec.vectors import WordVectors


def train(
    corpus: Any = None,
    output: str | Path | None = None,
    *,
    objective: str | nn.Module | None = None,
    tokenizer: Tokenizer | None = None,
    padding: int | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    **settings: Any,
) -> WordVectors:
    """Train word vectors; under torchrun, together with the other processes.

        vectors = word2vec.train("text8", dim=200)
        vectors = word2vec.train([["a", "list", "of"], ["token", "lists"]], min_count=1)
        vectors = word2vec.train(frame["text"], tokenizer="words", output="runs/reviews")

    Args:
        corpus: Paths, folders, glob patterns, URLs or named corpora; or sequences of tokens, texts, or integers in
            memory, see `word2vec.open_corpus`; or a `TrainConfig`. None, with `resume`, means the corpus of the run in
            `output`.
        output: The run folder to write; None keeps the result in memory only.
        objective: Name of an objective, or a torch module; see `word2vec.losses`.
        tokenizer: "whitespace", "words", or a function from a text to its tokens.
        padding: In an integer array with one sequence per row, the number that fills the rest of a row.
        callbacks: Functions to call after each epoch, see `EpochResult`; training stops if one returns True.
        progress: Whether to show progress bars on stderr.
        resume: Whether to continue from the checkpoint in `output`, if there is one. The corpus and all settings must
            be the same, except those marked `changeable_on_resume` in config.py. With more epochs than before, the
            learning rate decays linearly over all of them.
        overwrite: Whether to start over if `output` contains a run. Its vectors are replaced when the new ones are
            complete.
        **settings: Fields of `TrainConfig`, such as `dim` or `epochs`.

    Returns:
        The trained vectors.

    Raises:
        TrainingInterrupted: Ctrl-C, SIGTERM or SIGHUP; what was learned is saved in `output`, and is in
            the attribute `vectors` of the error.
        Word2VecError: The corpus, a setting, the machine or the disk has a problem; the message says what to do.
    """
    if isinstance(objective, str):
        settings["objective"], objective = objective, None
    folder = None if output is None else Path(output)
    earlier = folder if resume else None
    if corpus is None and earlier is not None:
        settings["corpus"] = saved_settings(earlier).get("corpus")
    config, data = split_arguments(corpus, tokenizer, settings)
    vectors = run_training(
        config,
        CorpusSource(data, tokenizer, padding, earlier),
        folder,
        objective=objective,
        callbacks=callbacks,
        progress=progress,
        resume=resume,
        overwrite=overwrite,
    )
    return cast("WordVectors", vectors)


def split_arguments(corpus: Any, tokenizer: Tokenizer | None, settings: dict[str, Any]) -> tuple[TrainConfig, Any]:
    """Return the settings, with the paths of a corpus of files, and the corpus in memory or None.

    Raises:
        ConfigError: A setting is unknown or invalid.
        CorpusError: The corpus is a string, or contains one, that is not a file.
    """
    if unknown := sorted(settings.keys() - SETTINGS.keys()):
        raise ConfigError(f"unknown setting {unknown[0]!r}; {suggest_setting(unknown[0])}")
    if isinstance(tokenizer, str):
        settings["tokenizer"] = tokenizer
    if isinstance(corpus, TrainConfig):
        config = replace(corpus, **settings)
        if not callable(tokenizer) or not config.corpus:
            return config, None
        return replace(config, corpus=()), as_paths(config.corpus)
    paths = None if corpus is None else as_paths(corpus, tokenizer)
    if corpus is None or (paths is not None and not callable(tokenizer)):
        return make_config({"corpus": paths or ()}, settings), None
    # a function is not a setting, so `word2vec train --resume` could not read the files in the same way
    return make_config(settings), corpus
