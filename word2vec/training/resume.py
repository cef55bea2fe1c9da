"""Decide whether a run resumes, and from which checkpoint; a run is never mixed up with another one.

A run is overwritten only on request.
"""

import hashlib
import logging
from pathlib import Path
from typing import Any

from word2vec.config import SETTINGS, TrainConfig, option
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.errors import ConfigError, CorpusError, TrainingError
from word2vec.formats.run import CHECKPOINT_FILE, VECTORS_FILE
from word2vec.training.checkpoint import Checkpoint, read_checkpoint

logger = logging.getLogger("word2vec")


def vocabulary_fingerprint(vocabulary: Vocabulary) -> str:
    """Return a digest of the words and their counts."""
    digest = hashlib.sha256("\n".join(vocabulary.words).encode())
    digest.update(vocabulary.counts.tobytes())
    return digest.hexdigest()[:32]


def find_checkpoint(run: Path, *, resume: bool, overwrite: bool = False) -> Checkpoint | None:
    """Return the checkpoint of a run folder to resume from, or None to start from scratch.

    Args:
        run: The run folder.
        resume: Whether to resume; takes precedence over `overwrite`.
        overwrite: Whether a run in the folder may be replaced.

    Raises:
        FormatError: The checkpoint is damaged, or of another version.
        TrainingError: Training would overwrite a run.
    """
    if resume and (run / CHECKPOINT_FILE).exists():
        return read_checkpoint(run)
    if not overwrite:
        _reject_existing(run, resume=resume)
    if resume:
        logger.info("%s contains no checkpoint; training starts from scratch", run)
    return None


def _reject_existing(run: Path, *, resume: bool) -> None:
    """Check that a folder contains no run.

    Raises:
        FormatError: The checkpoint is damaged, or of another version.
        TrainingError: The folder contains a run, finished or not, or exported vectors.
    """
    if not (run / CHECKPOINT_FILE).exists():
        if (run / VECTORS_FILE).exists():
            instead = "replace --resume by --overwrite" if resume else "add --overwrite"
            raise TrainingError(
                f"{run} contains vectors without a checkpoint; {instead} to replace them, or choose another --output"
            )
        return
    saved = read_checkpoint(run)
    if saved.finished:
        raise TrainingError(
            f"{run} contains a finished run; add --overwrite to replace it, --resume and a larger "
            "--epochs to continue it, or choose another --output"
        )
    epochs = saved.settings["epochs"]  # all of them may be trained and only the vectors not be saved
    raise TrainingError(
        f"{run} contains the checkpoint of an unfinished run (epoch {min(saved.epoch + 1, epochs)} of {epochs}); "
        "add --resume to continue it, --overwrite to start over, or choose another --output"
    )


def saved_settings(run: Path) -> dict[str, Any]:
    """Return the settings in the checkpoint of a run folder; empty if it contains none."""
    return read_checkpoint(run).settings if (run / CHECKPOINT_FILE).exists() else {}


def find_run(run: Path, config: TrainConfig) -> Checkpoint | None:
    """Return the checkpoint in a run folder if it belongs to a run with these settings."""
    if not (run / CHECKPOINT_FILE).exists():
        return None
    saved = read_checkpoint(run)
    chosen = {"lr": saved.settings.get("lr")} if config.lr is None else {}  # by the objective
    return saved if saved.settings == config.as_dict() | chosen else None


def reject_other_settings(run: Path, saved: Checkpoint, config: TrainConfig) -> None:
    """Compare the settings of a saved run with those of the run that is about to resume it.

    Args:
        run: The run folder.
        saved: The checkpoint in it.
        config: The settings of the run that is about to start.

    Raises:
        ConfigError: A setting that affects the result differs, or more epochs are trained already.
    """
    now = config.as_dict()
    differences = [
        f"{option(name)} was {saved.settings.get(name)}, not {now.get(name)}"
        for name, (_, setting) in SETTINGS.items()
        if not setting.changeable_on_resume and saved.settings.get(name) != now.get(name)
    ]
    if differences:
        raise ConfigError(
            f"{run} cannot resume with other settings ({', '.join(differences)}); "
            "use the same settings, or choose another --output"
        )
    started = saved.epoch + bool(saved.shards)
    if config.epochs < started:
        raise ConfigError(f"{run} is already in epoch {started}; increase --epochs, which is {config.epochs}")


def reject_other_data(run: Path, saved: Checkpoint, now: Checkpoint) -> None:
    """Compare the corpus of a saved run, and what it started from, with those of the run that is about to resume it.

    Args:
        run: The run folder.
        saved: The checkpoint in it.
        now: A checkpoint of the run that is about to start.

    Raises:
        ConfigError: Training started from other vectors.
        CorpusError: The corpus differs.
    """
    if saved.start != now.start:
        before, after = (
            f"vectors with fingerprint {each.start[:8]}" if each.start else "none" for each in (saved, now)
        )
        raise ConfigError(
            f"{run} cannot resume with other vectors to start from: --from was {before}, now {after}; pass the same "
            "vectors, or choose another --output"
        )
    if (saved.corpus, saved.vocabulary) != (now.corpus, now.vocabulary):
        raise CorpusError(
            f"{run} cannot resume on another corpus (fingerprint {saved.corpus[:8]}, now {now.corpus[:8]}); "
            "use the same text, or choose another --output"
        )
