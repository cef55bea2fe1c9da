"""The folder that a search writes, from which it can be resumed.

    search.json    what is searched, and the rungs planned so far; written before the first training
    trials.jsonl   one line for each training: see `Trial`
    config.toml    the settings to use, written at the end, also after an interruption

Every training is written as soon as it is finished. A resumed search finds it there and does not repeat it.
"""

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import tomli_w

from word2vec.config import TrainConfig
from word2vec.errors import ConfigError, Word2VecError
from word2vec.system.atomic_files import atomic_path
from word2vec.training.tuning.space import Values

SEARCH_FILE = "search.json"
TRIALS_FILE = "trials.jsonl"
CONFIG_FILE = "config.toml"
VERSION = 1


@dataclass(frozen=True)
class Trial:
    """One training of a search.

    Attributes:
        setting: Number of the settings; 0 is the default.
        rung: Number of the rung, from 0; the final comparison is the last one.
        seed: Random seed of the training.
        fraction: Fraction of the corpus that was trained.
        settings: The values of the searched settings.
        score: Score on the half of the measure that chooses; None if training failed or the score is undefined.
        held_out: Score on the held-out half; None before the final comparison.
        seconds: Time of training and measuring.
        elapsed: Seconds of the search until the end of this training, in all its sessions.
        error: Why training failed; None if it did not.
    """

    setting: int
    rung: int
    seed: int
    fraction: float
    settings: Values
    score: float | None
    held_out: float | None
    seconds: float
    elapsed: float
    error: str | None = None

    @property
    def key(self) -> tuple[int, int, int]:
        """What distinguishes it from the other trainings of a search."""
        return self.setting, self.rung, self.seed


class TrialLog:
    """The trainings of a search, in memory and in its folder.

    Args:
        folder: The folder.
        facts: What must be the same in a resumed search.
        resume: Whether to continue the search in the folder, if there is one.
        overwrite: Whether to delete it.

    Raises:
        ConfigError: The folder contains a search, and neither is given; or it searches something else.
        Word2VecError: A file cannot be read or written.

    Attributes:
        trials: The trainings, in the order in which they were finished.
        rungs: For each rung planned so far, the fraction of the corpus and the number of settings.
    """

    def __init__(self, folder: Path, facts: dict[str, Any], *, resume: bool, overwrite: bool) -> None:
        self.folder, self._facts = folder, {"version": VERSION, **facts}
        self.trials: list[Trial] = []
        self.rungs: list[tuple[float, int]] = []
        found = (folder / SEARCH_FILE).exists() or (folder / TRIALS_FILE).exists()
        if not found and any((folder / name).exists() for name in (CONFIG_FILE, "vectors.safetensors")):
            raise ConfigError(f"{folder}: contains a training run; choose another --output")
        if found and not resume and not overwrite:
            raise ConfigError(f"{folder}: contains a search; add --resume or --overwrite, or choose another --output")
        if found and resume:
            self._read()
        else:
            for name in (TRIALS_FILE, CONFIG_FILE, SEARCH_FILE):
                (folder / name).unlink(missing_ok=True)

    def find(self, setting: int, rung: int, seed: int) -> Trial | None:
        """Return a training that is finished."""
        return next((trial for trial in self.trials if trial.key == (setting, rung, seed)), None)

    def add(self, trial: Trial) -> None:
        """Add a training, and write it to disk.

        Raises:
            Word2VecError: It cannot be written.
        """
        self.trials.append(trial)
        path = self.folder / TRIALS_FILE
        try:
            with path.open("ab") as file:
                file.write(json.dumps(asdict(trial), allow_nan=False).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise Word2VecError(f"cannot write {path}: {error.strerror}; add --resume to continue") from error

    def add_rung(self, fraction: float, settings: int) -> None:
        """Add a planned rung, and write it to disk.

        Raises:
            Word2VecError: It cannot be written.
        """
        self.rungs.append((fraction, settings))
        self._write_search()

    def write_config(self, config: TrainConfig) -> None:
        """Write the settings to use.

        Raises:
            Word2VecError: They cannot be written.
        """
        with atomic_path(self.folder / CONFIG_FILE) as path:
            path.write_text(tomli_w.dumps(config.as_dict()), encoding="utf-8")

    def _write_search(self) -> None:
        with atomic_path(self.folder / SEARCH_FILE) as path:
            path.write_text(json.dumps({**self._facts, "rungs": self.rungs}, indent=1) + "\n", encoding="utf-8")

    def _read(self) -> None:
        path = self.folder / SEARCH_FILE
        try:
            saved = json.loads(path.read_bytes())
            rungs = [(float(fraction), int(settings)) for fraction, settings in saved.pop("rungs")]
        except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise Word2VecError(f"{path}: incomplete or corrupt; start again with --overwrite") from error
        facts = json.loads(json.dumps(self._facts))  # as JSON represents them
        for name in facts:
            if saved.get(name) != facts[name]:
                raise ConfigError(
                    f"{self.folder}: its search has another {name} ({saved.get(name)!r:.200}, not "
                    f"{facts[name]!r:.200}); repeat the first command with --resume, or start again with --overwrite"
                )
        self.rungs, self.trials = rungs, _read_trials(self.folder / TRIALS_FILE)


def _read_trials(path: Path) -> list[Trial]:
    """Read all trainings, and cut off the incomplete last line of a killed process.

    Raises:
        Word2VecError: The file cannot be read.
    """
    if not path.exists():
        return []
    try:
        content = path.read_bytes()
        complete = content[: content.rfind(b"\n") + 1]
        if len(complete) < len(content):
            os.truncate(path, len(complete))
    except OSError as error:
        raise Word2VecError(f"{path}: {error.strerror}; check the file and its permissions") from error
    names = {field.name for field in fields(Trial)}
    found = []
    for number, line in enumerate(complete.splitlines(), start=1):
        try:
            values = json.loads(line)
            found.append(Trial(**{name: values[name] for name in names}))
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise Word2VecError(f"{path}, line {number}: invalid; delete this line, or use --overwrite") from error
    return found
