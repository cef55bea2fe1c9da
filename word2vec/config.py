"""TrainConfig: every setting of a training run, with its help text and its bounds.

One flat dataclass from which the command line takes its options, a TOML file its keys and the checks their limits.
Inner classes take plain arguments and never see it.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from word2vec.errors import ConfigError

MAX_CONFIG_BYTES = 1 << 22  # far more than the names of 10,000 corpus files take
MAX_DOTS = 100  # in a line, outside quotes; TOML's reader takes minutes for a key a.a.a... of 100,000 parts
MAX_WHOLE = 2**63 - 1  # what TOML promises to hold, and the libraries behind a setting
QUOTED = re.compile(r'"[^"\n]*"|\'[^\'\n]*\'')


@dataclass(frozen=True)
class Setting:
    """What is known of a field besides its type."""

    help: str
    least: float | None = None  # smallest allowed value
    above: float | None = None  # the value must be larger than this
    most: float | None = None  # largest allowed value
    choices: tuple[str, ...] = ()
    metavar: str | None = None
    may_change: bool = False  # when a run goes on with --resume


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a training run; checked when made.

    Raises:
        ConfigError: a value has the wrong type, is out of bounds, or contradicts another.
    """

    corpus: Annotated[
        tuple[str, ...],
        # what may change is where the text lies; the text is known by its fingerprint
        Setting("Text files, folders, globs, '-' for standard input, or text8, pydocs.", may_change=True),
    ] = ()
    objective: Annotated[
        str,
        Setting("What is optimized: a name in word2vec/losses, or MODULE:CLASS for one of your own.", metavar="NAME"),
    ] = "negative-sampling"
    dim: Annotated[int, Setting("Dimensions of the vectors.", least=1, most=65_536)] = 100
    window: Annotated[
        int, Setting("Largest distance of a context word; widths are drawn from 1 to this.", least=1, most=1000)
    ] = 5
    negatives: Annotated[int, Setting("Noise words for each true word.", least=1, most=10_000)] = 5
    noise_exponent: Annotated[float, Setting("Noise words are drawn by count to this power.", least=-2, most=2)] = 0.75
    subsample: Annotated[
        float, Setting("Frequency above which words are thinned out; 0 keeps all.", least=0, most=1)
    ] = 1e-3
    min_count: Annotated[int, Setting("Words met less often are left out.", least=1)] = 5
    max_vocab: Annotated[int | None, Setting("Keep at most this many words, the most frequent.", least=2)] = None
    lowercase: Annotated[bool, Setting("Lower-case the text.")] = False
    epochs: Annotated[int, Setting("Passes over the corpus.", least=1, most=1_000_000, may_change=True)] = 5
    lr: Annotated[
        float | None,
        Setting(
            "Learning rate at the start, falling linearly over all epochs; by default the objective's own.",
            above=0,
            most=1000,
        ),
    ] = None
    min_lr: Annotated[float, Setting("Learning rate at the end.", least=0)] = 1e-4
    batch_size: Annotated[
        int,
        Setting(
            "Pairs a step of the autograd engine, at most; fewer where few words make up the text.", least=1, most=2**24
        ),
    ] = 1024
    device: Annotated[str, Setting("Where to train.", choices=("auto", "cpu", "cuda"), may_change=True)] = "auto"
    engine: Annotated[str, Setting("What trains.", choices=("auto", "autograd", "fused"), may_change=True)] = "auto"
    threads: Annotated[
        int | None,
        Setting("Processor threads; with 1, the same seed gives the same bytes.", least=1, most=1024, may_change=True),
    ] = None
    sync_every: Annotated[
        int | None,
        Setting(
            "Words a process reads between two averagings under torchrun; by default 1 million, with autograd 250,000.",
            least=1,
            may_change=True,
        ),
    ] = None
    seed: Annotated[int, Setting("Of all that is drawn at random.", least=0, most=2**32)] = 1
    pairs: Annotated[
        tuple[str, ...],
        Setting("Word-similarity files to score after each epoch.", metavar="FILE ...", may_change=True),
    ] = ()
    checkpoint_every: Annotated[
        float,
        Setting("Minutes between checkpoints inside an epoch; there is one at its end too.", above=0, may_change=True),
    ] = 10.0
    tensorboard: Annotated[bool, Setting("Write files for TensorBoard into the run folder.", may_change=True)] = False

    def __post_init__(self) -> None:
        for name, (kind, setting) in SETTINGS.items():
            value = _checked_type(name, kind, getattr(self, name))
            _check_bounds(name, setting, value)
            object.__setattr__(self, name, value)
        if self.lr is not None and self.min_lr > self.lr:
            raise ConfigError(f"--min-lr {self.min_lr:g} is above --lr {self.lr:g}; the rate falls from lr to min_lr")

    def as_dict(self) -> dict[str, Any]:
        """The settings that are not None, as TOML can hold them."""
        values = {name: value for name, value in asdict(self).items() if value is not None}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _settings() -> dict[str, tuple[Any, Setting]]:
    hints = get_type_hints(TrainConfig, include_extras=True)
    return {
        field.name: (get_args(hints[field.name])[0], get_args(hints[field.name])[1]) for field in fields(TrainConfig)
    }


SETTINGS = _settings()
"""Each field's type and Setting, by the field's name."""


PRESETS: dict[str, dict[str, Any]] = {
    "quality": {"dim": 200, "subsample": 1e-4, "epochs": 10},
}
"""Settings under a name. quality: better vectors for about twice the time, as evaluation/README.md shows."""


def preset(name: str) -> dict[str, Any]:
    """The settings of that name.

    Raises:
        ConfigError: there is no such preset.
    """
    if name not in PRESETS:
        raise ConfigError(f"--preset must be one of {', '.join(PRESETS)}, not {name!r}")
    return PRESETS[name]


def option(name: str) -> str:
    """How a field is typed on the command line."""
    return "CORPUS" if name == "corpus" else f"--{name.replace('_', '-')}"


def read_config(path: Path) -> dict[str, Any]:
    """The settings in a TOML file, for instance a run's config.toml.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or has a key that is no setting.
    """
    text = _config_text(path)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    except (RecursionError, ValueError) as error:  # thousands of brackets; a number of thousands of digits
        raise ConfigError(f"{path}: no setting is nested so deeply or has so many digits; mend the file") from error
    for key in values:
        if key not in SETTINGS:
            near = difflib.get_close_matches(key.lower().replace("-", "_"), SETTINGS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"settings are {', '.join(SETTINGS)}"
            raise ConfigError(f"{path}: unknown setting {key!r}; {hint}")
    return values


def _config_text(path: Path) -> str:
    """The text of a settings file, if it is one that TOML's reader gets through in a moment."""
    try:
        if path.exists() and not (path.is_file() or path.is_fifo()):  # a device may never end
            raise ConfigError(f"{path}: is no file; give a TOML file of settings")
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        text = content.decode("utf-8-sig")  # Windows' editors put a mark before the text
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text; save it as UTF-8") from error
    bare_lines = (line.partition("#")[0] for line in QUOTED.sub("", text).split("\n"))
    if len(content) > MAX_CONFIG_BYTES or any(line.count(".") > MAX_DOTS for line in bare_lines):
        raise ConfigError(f"{path}: is no file of settings, which are few and short; give another")
    return text.replace("\r\n", "\n")


def make_config(*sources: Mapping[str, Any]) -> TrainConfig:
    """A config from several sources of settings; later ones win, and None leaves a setting as it was."""
    values: dict[str, Any] = {}
    for source in sources:
        values |= {name: value for name, value in source.items() if value is not None}
    return TrainConfig(**values)


def _checked_type(name: str, kind: Any, value: object) -> Any:
    """The value as the field's type; whole numbers pass for floats and lists for tuples, nothing else is converted."""
    if isinstance(kind, UnionType):
        if value is None:
            return None
        (kind,) = (member for member in get_args(kind) if member is not NoneType)
    if isinstance(value, int) and abs(value) > MAX_WHOLE:
        raise ConfigError(f"{option(name)} must be at most 2^63, and at least -2^63")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if get_origin(kind) is tuple:
        if isinstance(value, list | tuple) and all(isinstance(item, str | Path) for item in value):
            return tuple(_storable(name, str(item)) for item in value)
        raise ConfigError(f"{option(name)} must be a list of strings, not {value!r}")
    if type(value) is not kind:
        wanted = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}[kind]
        raise ConfigError(f"{option(name)} must be {wanted}, not {value!r}")
    return value


def _storable(name: str, path: str) -> str:
    """The path, if the run's config.toml can hold it; said now, and not after hours of training."""
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise ConfigError(f"{option(name)} {path!r}: the name is not UTF-8; rename it or name its folder") from error
    return path


def _check_bounds(name: str, setting: Setting, value: Any) -> None:
    if setting.choices and value not in setting.choices:
        raise ConfigError(f"{option(name)} must be one of {', '.join(setting.choices)}, not {value!r}")
    if value is None:
        return
    # subtle: written so that NaN, which compares false with everything, is refused
    if setting.least is not None and not value >= setting.least:
        raise ConfigError(f"{option(name)} must be at least {setting.least:g}, not {value:g}")
    if setting.above is not None and not value > setting.above:
        raise ConfigError(f"{option(name)} must be above {setting.above:g}, not {value:g}")
    if setting.most is not None and not value <= setting.most:
        raise ConfigError(f"{option(name)} must be at most {setting.most:g}, not {value:g}")
