"""train_members: train several runs with different settings, and combine and refine their vectors.

The members are complete runs in RUN/members/1, RUN/members/2 and so on, each with its settings, metrics and checkpoint;
RUN itself contains the combined vectors.
"""

import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from word2vec.config import TrainConfig
from word2vec.errors import ConfigError, TrainingError
from word2vec.formats.run import CHECKPOINT_FILE, VECTORS_FILE
from word2vec.training.api import train
from word2vec.training.result import refine_if_possible
from word2vec.vectors import WordVectors
from word2vec.vectors.combination import combine

MEMBERS_FOLDER = "members"

logger = logging.getLogger("word2vec")


def train_members(
    members: Sequence[TrainConfig],
    output: Path,
    *,
    progress: bool = False,
    resume: bool = False,
    overwrite: bool = False,
) -> WordVectors:
    """Train members one after the other, and combine their vectors; see `word2vec.train` and `word2vec.combine`.

    Args:
        members: The settings of the members, which have the same corpus. Member i, from 0, trains with `seed + i`. The
            combined vectors are refined if all members have `refine`.
        output: The run folder to write.
        progress: Whether to show progress bars on stderr.
        resume: Whether to continue: finished members are kept, and the others are trained.
        overwrite: Whether to start over if `output` contains the result of an earlier call.

    Returns:
        The combined vectors.

    Raises:
        TrainingInterrupted: Ctrl-C, SIGTERM or SIGHUP; the members are saved as far as they are trained.
        Word2VecError: The corpus, a setting, the machine or the disk has a problem; the message says what to do.
    """
    _check_corpus(members)
    _check_output(output, resume=resume, overwrite=overwrite)
    folders = [output / MEMBERS_FOLDER / str(number) for number in range(1, len(members) + 1)]
    if overwrite and not resume:  # otherwise a later --resume would continue members of the replaced run
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    for index, (config, folder) in enumerate(zip(members, folders, strict=True)):
        logger.info("member %d of %d", index + 1, len(members))
        own = replace(config, seed=config.seed + index, refine=False)
        train(own, folder, progress=progress, resume=resume, overwrite=overwrite)
    vectors = combine([WordVectors.load(folder) for folder in folders])
    if all(config.refine for config in members):
        vectors = refine_if_possible(vectors)
    vectors.save(output, format="run", progress=progress)
    logger.info("wrote %s: %s words, %d dimensions", output, f"{len(vectors):,}", vectors.dim)
    return vectors


def _check_corpus(members: Sequence[TrainConfig]) -> None:
    """Check that each member can read the corpus, and that there is one process.

    Raises:
        ConfigError: They cannot, or there are several.
    """
    if any("-" in config.corpus for config in members):
        raise ConfigError("several runs cannot share standard input; save the text to a file and pass its path")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError(
            "several processes cannot combine runs; train each run under torchrun, then use: word2vec combine RUN RUN"
        )


def _check_output(output: Path, *, resume: bool, overwrite: bool) -> None:
    """Check before hours of training that the result may be written.

    Raises:
        ConfigError: The folder contains a run that is not the result of combining.
        TrainingError: The result would replace vectors.
    """
    if (output / CHECKPOINT_FILE).exists():  # it would resume from vectors of another run
        raise ConfigError(f"{output}: contains a training run and its checkpoint; choose another --output")
    has_members = (output / MEMBERS_FOLDER).is_dir()
    if overwrite or (resume and has_members):
        return
    if (output / VECTORS_FILE).exists():
        raise TrainingError(f"{output} contains vectors; add --overwrite to replace them, or choose another --output")
    if has_members:
        raise TrainingError(
            f"{output} contains members of an unfinished run; add --resume to continue it, --overwrite to start over, "
            "or choose another --output"
        )
