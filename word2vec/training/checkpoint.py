"""The checkpoint file of a run: its content, how it is written, and how it is read.

`checkpoint.safetensors` contains all tables of the model (with early stopping, also those of the best epoch), the
shards with their random states and sums, the settings, and the fingerprints of corpus and vocabulary. It is written
under a temporary name, flushed to disk and moved over the previous one, and it ends with a checksum. When training ends
or is interrupted, the tables are in `vectors.safetensors`, and the checkpoint refers to them by their checksum; weights
of positions stay in the checkpoint.

When to write checkpoints is decided in run_folder.py, and whether a run may be resumed in resume.py.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from word2vec.config import SETTINGS, TrainConfig
from word2vec.errors import ConfigError, FormatError
from word2vec.formats.run import CHECKPOINT_FILE, PLAIN, VECTORS_FILE
from word2vec.formats.tensor_file import checksum_of, map_tensors, verify_checksum, write_checked
from word2vec.models.base import EmbeddingModel
from word2vec.models.subwords import WORD_ROWS
from word2vec.sampling.shards import Shard, reshard
from word2vec.system.atomic_files import atomic_path
from word2vec.training.early_stopping import Best
from word2vec.training.metrics import MetricsState

VERSION_KEY, VERSION = "word2vec-checkpoint", 3  # increase it when an older reader would misread the file
READABLE_VERSIONS = (2, VERSION)
MISSING_IN_VERSION_2 = {"validation": 0.0}  # settings whose default changes what was trained
_STATE = re.compile(r"(\d+)\.(.+)")  # the name of a tensor of a shard: its rank and the name in its engine state
BEST = "best-"  # begins the names of the tables of the best epoch


@dataclass(frozen=True)
class Checkpoint:
    """A run at one moment, without its tables.

    Attributes:
        settings: Settings of the run, as in config.toml.
        corpus: Fingerprint of the indexed corpus.
        vocabulary: Fingerprint of the vocabulary.
        engine: Name of the engine's class.
        epoch: Number of finished epochs.
        shards: Shards of the epoch in progress; empty between two epochs.
        metrics: Counters of the metrics log.
        stopped: Whether early stopping or a callback ended training.
        best: The best epoch of early stopping, or None.
        start: Fingerprint of the vectors that training started from; empty if there were none.
        tables: Checksum of the tables if they are in vectors.safetensors (those that it does not contain are in the
            checkpoint); None if all of them are in the checkpoint.
    """

    settings: dict[str, Any]
    corpus: str
    vocabulary: str
    engine: str
    epoch: int = 0
    shards: list[Shard] = field(default_factory=list)
    metrics: MetricsState = MetricsState()  # noqa: RUF009 (immutable)
    stopped: bool = False
    best: Best | None = None
    start: str = ""
    tables: int | None = None

    @property
    def finished(self) -> bool:
        """Whether all epochs are trained and the vectors are saved."""
        trained = self.stopped or self.epoch >= int(self.settings["epochs"])
        return not self.shards and trained and self.tables is not None

    def shards_for(self, engine: str, threads: int, offsets: NDArray[np.integer]) -> list[Shard] | None:
        """Return the shards to resume from: unchanged for the same engine and number of threads, split again otherwise.

        Args:
            engine: Name of the engine's class.
            threads: How many shards the engine trains.
            offsets: (sentences + 1,) positions of the sentences in the corpus.

        Returns:
            One shard per thread, or None between two epochs.

        Raises:
            FormatError: A shard refers to sentences outside the corpus, which compiled code would read without a check.
        """
        ranges = [unread for shard in self.shards for unread in shard.unread]
        if not all(0 <= first <= last < len(offsets) for first, last in ranges):
            raise FormatError(f"{CHECKPOINT_FILE} is damaged: its position is outside the corpus; remove it to restart")
        if not self.shards:
            return None
        if (self.engine, len(self.shards)) == (engine, threads):
            return self.shards
        return reshard(self.shards, offsets, threads)

    def to_dict(self) -> dict[str, Any]:
        """Convert the checkpoint to a dictionary for JSON."""
        return vars(self) | {"shards": [shard.to_dict() for shard in self.shards]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Checkpoint":
        """Create a checkpoint from the result of `to_dict`."""
        shards = [Shard.from_dict(shard) for shard in values["shards"]]
        best = values.get("best")
        metrics = MetricsState(*values["metrics"])
        return cls(**values | {"shards": shards, "metrics": metrics, "best": best and Best(*best)})


def read_checkpoint(run: Path) -> Checkpoint:
    """Read the checkpoint of a run folder, without its tables.

    Raises:
        FormatError: The checkpoint is damaged, or of another version.
        ConfigError: It has a setting that this version does not know.
    """
    path = run / CHECKPOINT_FILE
    try:
        verify_checksum(path)
        mapped, metadata = map_tensors(path)
        version = int(metadata[VERSION_KEY])
        if version in READABLE_VERSIONS:
            checkpoint = Checkpoint.from_dict(json.loads(metadata["facts"]))
            for name in mapped:
                if state := _STATE.fullmatch(name):
                    checkpoint.shards[int(state[1])].engine_state[state[2]] = torch.tensor(mapped[name])
            return replace(checkpoint, settings=_known_settings(path, checkpoint.settings, version))
    except ConfigError:
        raise
    except (FormatError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise FormatError(f"{path} is incomplete or corrupt ({error}); remove it to restart") from error
    raise FormatError(f"{path} has version {version}, not {VERSION}; use the word2vec that wrote it, or remove it")


def _known_settings(path: Path, settings: dict[str, Any], version: int) -> dict[str, Any]:
    """Return the settings of a checkpoint; those that its version did not know have their defaults, as they had then.

    Raises:
        ConfigError: There is a setting that this version does not know.
    """
    if unknown := sorted(settings.keys() - SETTINGS.keys()):
        names = ", ".join(map(repr, unknown))
        raise ConfigError(
            f"{path}: unknown setting {names}; it was written by another version of word2vec: use that version to "
            "resume, or remove the file to restart"
        )
    defaults = TrainConfig().as_dict() | (MISSING_IN_VERSION_2 if version == 2 else {})
    return defaults | settings


def write_checkpoint(
    run: Path, checkpoint: Checkpoint, tables: Mapping[str, Tensor], best: dict[str, Tensor] | None = None
) -> None:
    """Write a checkpoint; the previous one remains until the new one is complete.

    Args:
        run: The run folder.
        checkpoint: What to save.
        tables: The tables by name; empty if `checkpoint.tables` refers to those in vectors.safetensors.
        best: The tables of the best epoch by name; empty if there is none, or if they are the tables themselves.

    Raises:
        Word2VecError: The file cannot be written, for instance because the disk is full.
    """
    shards = [vars(shard) | {"engine_state": {}} for shard in checkpoint.shards]
    facts = {each.name: getattr(checkpoint, each.name) for each in fields(checkpoint)} | {"shards": shards}
    states = {
        f"{rank}.{key}": tensor
        for rank, shard in enumerate(checkpoint.shards)
        for key, tensor in shard.engine_state.items()
    }
    kept = {BEST + name: tensor for name, tensor in (best or {}).items()}
    arrays = {name: _as_array(tensor) for name, tensor in {**tables, **kept, **states}.items()}
    with atomic_path(run / CHECKPOINT_FILE) as path:
        write_checked(path, arrays, {VERSION_KEY: str(VERSION), "facts": json.dumps(facts)})


def load_best_tables(run: Path, model: EmbeddingModel) -> dict[str, Tensor]:
    """Return the tables of the best epoch by name, for a checkpoint that has a best epoch.

    Args:
        run: The run folder.
        model: A model with the tables of the checkpoint; they are the best ones if the checkpoint has no others.
    """
    mapped, tables = map_tensors(run / CHECKPOINT_FILE).tensors, model.tables()
    if not any(BEST + name in mapped for name in tables):
        return {name: table.detach().cpu().clone() for name, table in tables.items()}
    return {name: torch.from_numpy(mapped[BEST + name]) for name in tables}


def load_tables(
    run: Path, checkpoint: Checkpoint, model: EmbeddingModel, places: NDArray[np.int64] | None = None
) -> None:
    """Fill a model with the tables of a checkpoint.

    Args:
        run: The run folder.
        checkpoint: The checkpoint in it.
        model: The model.
        places: (V,) the rows of the model's words in the tables of vectors.safetensors, if that has others as well.

    Raises:
        FormatError: The vectors that the checkpoint refers to are missing or were replaced.
    """
    inside = checkpoint.tables is None
    path = run / (CHECKPOINT_FILE if inside else VECTORS_FILE)
    remedy = f"restore the file, or remove {run / CHECKPOINT_FILE} to restart"
    try:
        found = map_tensors(run / CHECKPOINT_FILE).tensors
        copied = _copy_tables(model, found if inside else {**found, **_trained(map_tensors(path).tensors, places)})
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror or error}; {remedy}") from error
    if not copied or (not inside and tables_checksum(model) != checkpoint.tables):
        raise FormatError(f"{path} does not contain the tables of this run: training cannot resume; {remedy}")


def _trained(tensors: dict[str, NDArray[Any]], places: NDArray[np.int64] | None) -> dict[str, NDArray[Any]]:
    """Return the tensors of a run with the rows that were trained, and the input table before it was refined."""
    plain = tensors | ({"input": tensors[PLAIN]} if PLAIN in tensors else {})
    if places is None:
        return plain
    of_words = {name: plain[name] for name in ("input", "output", WORD_ROWS) if name in plain}
    if any(len(table) <= places.max(initial=-1) for table in of_words.values()):
        return {}  # another vocabulary
    return plain | {name: table[places] for name, table in of_words.items()}


def tables_checksum(model: EmbeddingModel) -> int:
    """Return the CRC-32 of all tables."""
    return checksum_of(_as_array(table) for table in model.tables().values())


def _copy_tables(model: EmbeddingModel, mapped: dict[str, NDArray[Any]]) -> bool:
    """Copy the tables of a file into a model; returns False if their names, types or shapes differ."""
    for name, table in model.tables().items():
        found = mapped.get(name)
        if found is None or found.dtype != np.float32 or found.shape != table.shape:
            return False
        table.detach().copy_(torch.from_numpy(found))
    return True


def _as_array(tensor: Tensor) -> NDArray[Any]:
    """Return the numbers of a tensor as they are in memory, strides included; copied if they are on a GPU."""
    array: NDArray[Any] = tensor.detach().cpu().numpy()
    return array
