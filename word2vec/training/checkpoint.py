"""Checkpoints: a run that stopped, for whatever reason, goes on where it was.

A run folder holds one, checkpoint.safetensors: both tables, where each thread stands in the corpus (shards.py) with its
random state and its sums, the settings, and fingerprints of corpus and vocabulary. It is written under another name,
flushed to the disk and moved over the one before (files.py), and ends with a checksum. When training ends, or is
interrupted, the tables are in vectors.safetensors, and the checkpoint only names that file's checksum.

With one thread a run that goes on ends in the same bytes as one that never stopped. That takes a pause: engines stop
at the border of a chunk while the tables are written.
"""

import hashlib
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from word2vec.config import SETTINGS, option
from word2vec.corpus.index import IndexedCorpus
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.errors import ConfigError, CorpusError, FormatError, TrainingError, Word2VecError
from word2vec.formats.run import CHECKPOINT_FILE, VECTORS_FILE
from word2vec.formats.tensor_file import CHECKSUM, checksum_of, map_tensors, refuse_damaged, write_checked
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.shards import Shard, reshard
from word2vec.system.atomic_files import atomic_path
from word2vec.training.metrics import LogState

VERSION_KEY, VERSION = "word2vec-checkpoint", 1  # raise it when an older reader would misread the file
TABLES = ("input", "output")
ABSURD_NUMBER = 1e4  # in a table; those of vectors that learn are below 100, and overshooting soon passes 1e6
BLOCK_BYTES = 1 << 20  # of a table searched for them at a time: fits the cache
COUNTS = ("words", "part", "pairs", "loss", "hits")  # of a shard, kept as JSON

logger = logging.getLogger("word2vec")


@dataclass(frozen=True)
class Checkpoint:
    """A run at one moment, but for its tables.

    Attributes:
        settings: of the run, as config.toml has them.
        corpus: the fingerprint of the indexed corpus.
        vocabulary: the fingerprint of the words that are trained.
        engine: the name of the class that trains.
        epoch: passes that are done.
        shards: of the pass at work; none between two passes.
        log: what the log has counted.
        tables: the checksum of the tables, where they are in vectors.safetensors; None where they are here.
    """

    settings: dict[str, Any]
    corpus: str
    vocabulary: str
    engine: str
    epoch: int = 0
    shards: list[Shard] = field(default_factory=list)
    log: LogState = LogState()  # noqa: RUF009 (immutable)
    tables: int | None = None

    @property
    def finished(self) -> bool:
        """Whether all passes are done that the run was to have, and the vectors are saved."""
        return not self.shards and self.epoch >= int(self.settings["epochs"]) and self.tables is not None

    def shards_for(self, engine: str, threads: int, corpus: IndexedCorpus) -> list[Shard]:
        """Where to go on: exactly there for the same engine and threads, else with what is left cut anew.

        Raises:
            FormatError: a shard is of sentences that the corpus does not have; compiled code would look for them.
        """
        runs = [run for shard in self.shards for run in shard.unread]
        if not all(0 <= first <= last < len(corpus.offsets) for first, last in runs):
            raise FormatError(f"{CHECKPOINT_FILE} is damaged: its place is not in the corpus; remove it to begin anew")
        if not self.shards or (self.engine, len(self.shards)) == (engine, threads):
            return self.shards
        return reshard(self.shards, corpus.offsets, threads)


def fingerprint(vocabulary: Vocabulary) -> str:
    """A digest of the words and their counts."""
    digest = hashlib.sha256("\n".join(vocabulary.words).encode())
    digest.update(vocabulary.counts.tobytes())
    return digest.hexdigest()[:32]


def find_checkpoint(run: Path, *, resume: bool) -> Checkpoint | None:
    """The checkpoint of a run folder to go on from, or None where training begins.

    Raises:
        FormatError: it is damaged, or of a newer version.
        TrainingError: not to resume, and so to overwrite what an unfinished run has learnt.
    """
    if not (run / CHECKPOINT_FILE).exists():
        if resume:
            logger.info("%s holds no checkpoint: training begins", run)
        return None
    saved = read_checkpoint(run)
    if resume:
        return saved
    if not saved.finished:
        epochs = saved.settings["epochs"]  # which may be done, only not saved as vectors
        raise TrainingError(
            f"{run} holds the checkpoint of an unfinished run (epoch {min(saved.epoch + 1, epochs)} of {epochs}): "
            f"add --resume to go on, choose another --output, or remove {run / CHECKPOINT_FILE} to begin anew"
        )
    return None


def saved_settings(run: Path) -> dict[str, Any]:
    """The settings of the run that a folder holds a checkpoint of; nothing, where it holds none."""
    return read_checkpoint(run).settings if (run / CHECKPOINT_FILE).exists() else {}


def discard_checkpoint(run: Path) -> None:
    """Forget where a run was, so that it begins anew."""
    (run / CHECKPOINT_FILE).unlink(missing_ok=True)


def read_checkpoint(run: Path) -> Checkpoint:
    """The checkpoint in a run folder, but for its tables.

    Raises:
        FormatError: it is damaged, or of a newer version.
    """
    path = run / CHECKPOINT_FILE
    try:
        refuse_damaged(path)
        mapped, metadata = map_tensors(path)
        version = int(metadata[VERSION_KEY])
        if version == VERSION:
            own = {name: torch.tensor(mapped[name]) for name in mapped.keys() - {*TABLES, CHECKSUM}}
            return _from_facts(json.loads(metadata["facts"]), own)
    except (FormatError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise FormatError(f"{path} is no whole checkpoint ({error}); remove it to begin anew") from error
    raise FormatError(f"{path} is of another version of word2vec, {version}; use that, or remove it to begin anew")


def _from_facts(facts: dict[str, Any], tensors: dict[str, Tensor]) -> Checkpoint:
    shards = [
        Shard(**shard, unread=[(first, last) for first, last in unread], stream=tuple(stream))
        for shard, unread, stream in zip(facts.pop("shards"), facts.pop("unread"), facts.pop("streams"), strict=True)
    ]
    for name, tensor in tensors.items():
        rank, _, what = name.partition(".")
        shards[int(rank)].own[what] = tensor
    return Checkpoint(**facts | {"shards": shards, "log": LogState(*facts["log"])})


def write_checkpoint(run: Path, checkpoint: Checkpoint, tables: dict[str, Tensor]) -> None:
    """Write a checkpoint; the one before is there until this one is whole.

    Args:
        run: the run folder.
        checkpoint: what to keep.
        tables: by name, or nothing where `checkpoint.tables` says that they are in vectors.safetensors.

    Raises:
        Word2VecError: it cannot be written, for instance because the disk is full.
    """
    shards = checkpoint.shards
    facts = {each.name: getattr(checkpoint, each.name) for each in fields(checkpoint)} | {
        "shards": [{name: getattr(shard, name) for name in COUNTS} for shard in shards],
        "unread": [shard.unread for shard in shards],
        "streams": [shard.stream for shard in shards],
    }
    own = {f"{rank}.{what}": tensor for rank, shard in enumerate(shards) for what, tensor in shard.own.items()}
    arrays = {name: _array(tensor) for name, tensor in (tables | own).items()}
    metadata = {VERSION_KEY: str(VERSION), "facts": json.dumps(facts)}
    with atomic_path(run / CHECKPOINT_FILE) as path:
        write_checked(path, arrays, metadata)


def _array(tensor: Tensor) -> NDArray[Any]:
    """The numbers of a tensor where they lie, strides and all; from a card they are copied."""
    return tensor.detach().cpu().numpy()


def load_tables(run: Path, checkpoint: Checkpoint, model: SkipGram) -> None:
    """Fill a model with the tables of a checkpoint.

    Raises:
        FormatError: the vectors that belong to it are gone, or were replaced by others.
    """
    here = checkpoint.tables is None
    path = run / (CHECKPOINT_FILE if here else VECTORS_FILE)
    remedy = f"put the file back, or remove {run / CHECKPOINT_FILE} to begin anew"
    try:
        filled = _fill(model, map_tensors(path).tensors)
    except OSError as error:
        raise FormatError(f"cannot read {path} ({error.strerror or error}): {remedy}") from error
    if not filled or (not here and _checksum(model) != checkpoint.tables):
        raise FormatError(f"{path} is not what the run had learnt, so it cannot go on: {remedy}")


def _fill(model: SkipGram, mapped: dict[str, NDArray[Any]]) -> bool:
    """Copy the tables of a file into a model; False if it has others."""
    for name in TABLES:
        table, found = getattr(model, name).detach(), mapped.get(name)  # (V, D) both
        if found is None or found.dtype != np.float32 or found.shape != table.shape:
            return False
        table.copy_(torch.from_numpy(found))
    return True


def _checksum(model: SkipGram) -> int:
    return checksum_of(_array(getattr(model, name)) for name in TABLES)


def refuse_other_run(run: Path, saved: Checkpoint, now: Checkpoint) -> None:
    """Hold what a run was against what it is to be now.

    Raises:
        ConfigError: a setting differs that shapes what is learnt, or so many epochs are done already.
        CorpusError: the text is another.
    """
    differences = [
        f"{option(name)} was {saved.settings.get(name)}, not {now.settings.get(name)}"
        for name, (_, setting) in SETTINGS.items()
        if not setting.changeable_on_resume and saved.settings.get(name) != now.settings.get(name)
    ]
    if differences:
        raise ConfigError(
            f"{run} cannot go on with other settings ({'; '.join(differences)}): leave them as they were, "
            "or choose another --output"
        )
    if (saved.corpus, saved.vocabulary) != (now.corpus, now.vocabulary):
        raise CorpusError(
            f"{run} cannot go on with another text: the corpus was {saved.corpus[:8]} and is now {now.corpus[:8]} "
            "(fingerprints); give it the same text, or choose another --output"
        )
    begun = saved.epoch + bool(saved.shards)
    if now.settings["epochs"] < begun:
        raise ConfigError(f"{run} is in epoch {begun} already: --epochs {now.settings['epochs']} is too few to go on")


class Checkpoints:
    """When a run's checkpoints are written.

    Args:
        run: the run folder; None writes none.
        model: its tables.
        facts: what stays the same in all checkpoints of the run.
        minutes: between two checkpoints inside an epoch.
    """

    def __init__(self, run: Path | None, model: SkipGram, facts: Checkpoint, minutes: float) -> None:
        self._run, self._model, self._facts, self._seconds = run, model, facts, 60 * minutes
        self._written = time.monotonic()
        self._whole = False  # whether the checkpoint in the folder is one with tables, of this training

    def due(self) -> bool:
        """Whether it is time for the next one."""
        return self._run is not None and time.monotonic() - self._written >= self._seconds

    def save(self, epoch: int, shards: list[Shard], log: LogState) -> None:
        """Write one; where that fails training goes on, with the one before.

        Args:
            epoch: passes that are done.
            shards: of the pass at work.
            log: what the log has counted.

        Raises:
            TrainingError: training diverged.
        """
        self._refuse_diverged(epoch)
        if self._run is None:
            return
        tables = {name: getattr(self._model, name) for name in TABLES}
        try:
            write_checkpoint(self._run, replace(self._facts, epoch=epoch, shards=shards, log=log), tables)
            self._whole = True
        except Word2VecError as error:
            logger.warning("%s; training goes on without a new checkpoint", error)
        self._written = time.monotonic()

    @contextmanager
    def beside_vectors(self, epoch: int, shards: list[Shard], log: LogState) -> Iterator[None]:
        """Around the saving of the vectors: afterwards the checkpoint says that the tables are those.

        Subtle: one from before may say so of the vectors before, and would be worthless once these are replaced. And
        who is killed between the replacing of the words and that of the vectors leaves a pair that nobody can use. So
        where there are vectors or a checkpoint, there has to be a whole one in between.

        Raises:
            TrainingError: training diverged.
        """
        self._refuse_diverged(epoch)
        if (
            self._run
            and not self._whole
            and any((self._run / name).exists() for name in (CHECKPOINT_FILE, VECTORS_FILE))
        ):
            self.save(epoch, shards, log)
        yield
        if self._run is None:
            return
        tables = _checksum(self._model)
        try:
            write_checkpoint(self._run, replace(self._facts, epoch=epoch, shards=shards, log=log, tables=tables), {})
        except Word2VecError as error:
            logger.warning("%s; --resume goes on from the checkpoint before, if there is one", error)

    def _refuse_diverged(self, epoch: int) -> None:
        """Keep what no training that learns can give from taking the place of what was learnt before."""
        for table in (self._model.input.detach(), self._model.output.detach()):
            step = max(1, BLOCK_BYTES // (table.shape[1] * table.element_size()))
            largest = max(float(table[start : start + step].abs().max()) for start in range(0, len(table), step))
            if not largest < ABSURD_NUMBER:  # so written that NaN is refused too
                raise TrainingError(
                    f"training diverged in epoch {max(epoch, 1)}: the vectors hold numbers up to {largest:.3g}; "
                    "start again with a lower --lr"
                )
