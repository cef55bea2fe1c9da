"""TrainConfig: every setting of a training run, with its help text and its limits.

The fields of this flat dataclass define the options of the command line, the keys of a TOML file and the limits that
are checked. Inner classes take plain arguments, not a TrainConfig.
"""

import difflib
import re
import reprlib
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, cast, get_args, get_origin, get_type_hints

from word2vec.errors import ConfigError

MAX_CONFIG_BYTES = 1 << 22  # far more than the names of 10,000 corpus files take
MAX_QUOTED = 80  # characters of a wrong value in a message
MAX_NGRAM = 100  # characters
MAX_PHRASE_PASSES = 20
PHRASE_SCORINGS = "original", "npmi"
PHRASE_SETTINGS = "phrase_scoring", "phrase_threshold", "phrase_min_count", "phrase_delimiter", "connector_words"
MAX_INTEGER = 2**63 - 1  # the range that TOML guarantees, and that of the libraries behind a setting


@dataclass(frozen=True)
class Setting:
    """The metadata of a setting: help text, limits and choices.

    Attributes:
        help: Help text of the command line.
        minimum: Smallest allowed value.
        exclusive_minimum: The value must be larger than this.
        maximum: Largest allowed value.
        choices: Allowed values; any if empty.
        metavar: Name of the value in the help text.
        changeable_on_resume: Whether a resumed run may use another value.
    """

    help: str
    minimum: float | None = None
    exclusive_minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    metavar: str | None = None
    changeable_on_resume: bool = False


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a training run; checked on creation.

    Raises:
        ConfigError: A value has the wrong type, is out of range, or contradicts another setting.
    """

    corpus: Annotated[
        tuple[str, ...],
        # on resume the text may be somewhere else; the text itself is identified by its fingerprint
        Setting(
            "Text files, tables, folders, glob patterns, URLs, '-' for standard input, "
            "or a named corpus: text8, pydocs.",
            changeable_on_resume=True,
        ),
    ] = ()
    start_from: Annotated[
        str | None,
        # on resume the file may be somewhere else; it is identified by its fingerprint
        Setting(
            "Vectors to start from: a run folder or a vectors file in any format.",
            metavar="VECTORS",
            changeable_on_resume=True,
        ),
    ] = None
    freeze: Annotated[
        str,
        Setting(
            "Which words of --from VECTORS to keep as they are: none, or all known ones.", choices=("none", "known")
        ),
    ] = "none"
    new_words: Annotated[bool, Setting("Train the words of CORPUS that --from VECTORS does not have.")] = True
    anchor: Annotated[
        bool,
        Setting(
            "Train a time slice in the space of --from VECTORS: freeze their output vectors, keep only words of CORPUS."
        ),
    ] = False
    model: Annotated[
        str,
        Setting(
            "Model: skipgram predicts each word from one word of its window, cbow from the mean of its window.",
            choices=("skipgram", "cbow"),
        ),
    ] = "skipgram"
    subwords: Annotated[
        str | None,
        Setting(
            "Lengths of the character n-grams to train, such as 3-6; they provide vectors for unknown words.",
            metavar="MIN-MAX",
        ),
    ] = None
    buckets: Annotated[
        int,
        Setting("Number of hash buckets for n-grams; only buckets in use take memory.", minimum=1, maximum=2**31 - 1),
    ] = 2_000_000
    refine: Annotated[
        bool,
        Setting("Refine the trained vectors by character n-grams, see `word2vec refine`."),
    ] = False
    position_weights: Annotated[bool, Setting("Learn a weight for each window position and dimension (cbow only).")] = (
        False
    )
    objective: Annotated[
        str,
        Setting("Training objective: a built-in name, or MODULE:CLASS for a custom torch module.", metavar="NAME"),
    ] = "negative-sampling"
    dim: Annotated[int, Setting("Dimension of the word vectors.", minimum=1, maximum=65_536)] = 100
    window: Annotated[
        int, Setting("Maximum window size, in words on each side; see --window-mode.", minimum=1, maximum=1000)
    ] = 5
    window_mode: Annotated[
        str,
        Setting(
            "Random sizes up to --window (shrink), fixed size, the whole sentence (full), "
            "or one side only (left, right).",
            choices=("shrink", "fixed", "full", "left", "right"),
        ),
    ] = "shrink"
    negatives: Annotated[
        int,
        Setting(
            "Number of negative samples per positive pair; in-batch-softmax and hierarchical-softmax have none.",
            minimum=1,
            maximum=10_000,
        ),
    ] = 5
    noise_exponent: Annotated[
        float, Setting("Exponent of the word counts in the noise distribution.", minimum=-2, maximum=2)
    ] = 0.75
    subsample: Annotated[
        float, Setting("Subsampling threshold for frequent words; 0 disables subsampling.", minimum=0, maximum=1)
    ] = 1e-3
    min_count: Annotated[int, Setting("Ignore words that occur fewer times than this.", minimum=1)] = 5
    max_vocab: Annotated[
        int | None, Setting("Maximum vocabulary size; the most frequent words are kept.", minimum=2)
    ] = None
    lowercase: Annotated[bool, Setting("Convert the text to lowercase.")] = False
    tokenizer: Annotated[
        str,
        Setting(
            "How to split text: at whitespace, or into words of letters, digits and inner apostrophes.",
            choices=("whitespace", "words"),
        ),
    ] = "whitespace"
    phrases: Annotated[
        int | None,
        Setting(
            "Join frequent phrases such as new_york to words, in this many passes (0: none).",
            minimum=0,
            maximum=MAX_PHRASE_PASSES,
            metavar="PASSES",
        ),
    ] = None
    phrase_scoring: Annotated[
        str | None,
        Setting("Score of phrases: that of word2vec.c (original, the default), or NPMI.", choices=PHRASE_SCORINGS),
    ] = None
    phrase_threshold: Annotated[
        float | None, Setting("Join pairs of words with a higher score (default: 10, npmi: 0.5).")
    ] = None
    phrase_min_count: Annotated[
        int | None, Setting("Ignore pairs of words that occur fewer times than this (default: 5).", minimum=1)
    ] = None
    phrase_delimiter: Annotated[
        str | None, Setting("Text between the words of a phrase (default: _).", metavar="TEXT")
    ] = None
    connector_words: Annotated[
        str | None,
        Setting(
            "Words that may be inside a phrase, as in bank_of_america: none (default), english, or 'WORD WORD ...'.",
            metavar="WORDS",
        ),
    ] = None
    column: Annotated[
        str | None,
        Setting("Column of .csv, .tsv, .jsonl and .parquet files that contains the text.", metavar="NAME"),
    ] = None
    epochs: Annotated[
        int, Setting("Number of passes over the corpus.", minimum=1, maximum=1_000_000, changeable_on_resume=True)
    ] = 5
    lr: Annotated[
        float | None,
        Setting(
            "Initial learning rate, decayed linearly to --min-lr; the default depends on the model and the objective.",
            exclusive_minimum=0,
            maximum=1000,
        ),
    ] = None
    min_lr: Annotated[float, Setting("Final learning rate.", minimum=0)] = 1e-4
    batch_size: Annotated[
        int,
        Setting(
            "Maximum number of examples per step of the autograd engine; reduced for small vocabularies and high lr.",
            minimum=1,
            maximum=2**24,
        ),
    ] = 1024
    device: Annotated[
        str, Setting("Device to train on.", choices=("auto", "cpu", "cuda"), changeable_on_resume=True)
    ] = "auto"
    engine: Annotated[
        str, Setting("Training engine.", choices=("auto", "plain", "autograd", "fused"), changeable_on_resume=True)
    ] = "auto"
    threads: Annotated[
        int | None,
        Setting(
            "Number of CPU threads; training with 1, or with --deterministic, is bit-for-bit reproducible.",
            minimum=1,
            maximum=1024,
            changeable_on_resume=True,
        ),
    ] = None
    deterministic: Annotated[
        bool,
        Setting("Make the result independent of the number of CPU threads (skip-gram with negative samples; slower)."),
    ] = False
    sync_every: Annotated[
        int | None,
        Setting(
            "Words per process between two averagings under torchrun (default: 1 million; autograd: 250,000).",
            minimum=1,
            changeable_on_resume=True,
        ),
    ] = None
    seed: Annotated[int, Setting("Random seed.", minimum=0, maximum=2**32)] = 1
    validation: Annotated[
        float | None,
        Setting(
            "Fraction of the corpus held out for the validation loss (default: 0.01, at most 200,000 words; 0: none).",
            minimum=0,
            maximum=0.5,
        ),
    ] = None
    patience: Annotated[
        int | None,
        Setting(
            "Stop after this many epochs without a lower validation loss, and keep the best epoch's vectors.",
            minimum=1,
            changeable_on_resume=True,
        ),
    ] = None
    pairs: Annotated[
        tuple[str, ...],
        Setting("Word-similarity files to evaluate after each epoch.", metavar="FILE ...", changeable_on_resume=True),
    ] = ()
    checkpoint_every: Annotated[
        float,
        Setting(
            "Minutes between checkpoints; one is also saved after each epoch.",
            exclusive_minimum=0,
            changeable_on_resume=True,
        ),
    ] = 10.0
    tensorboard: Annotated[
        bool, Setting("Write TensorBoard event files to the run folder.", changeable_on_resume=True)
    ] = False

    def __post_init__(self) -> None:
        for name, (kind, setting) in SETTINGS.items():
            value = _check_type(name, kind, getattr(self, name))
            _check_limits(name, setting, value)
            object.__setattr__(self, name, value)
        if self.lr is not None and self.min_lr > self.lr:
            raise ConfigError(
                f"--min-lr {_format(self.min_lr)} is above --lr {_format(self.lr)}: the learning rate decays from --lr "
                "to --min-lr; lower --min-lr"
            )
        if self.subwords is not None:
            ngram_lengths(self.subwords)
        if self.start_from is None and (self.freeze != "none" or self.anchor or not self.new_words):
            raise ConfigError("--freeze, --anchor and --no-new-words need vectors to start from; add --from VECTORS")
        if self.freeze == "known" and not self.new_words:
            raise ConfigError("--freeze known with --no-new-words leaves nothing to train; omit one of them")
        if self.refine and self.subwords is not None:
            raise ConfigError(
                "--refine (also part of --preset best) applies to vectors trained without n-grams; omit --subwords, "
                "or add --no-refine"
            )
        if self.position_weights and self.model != "cbow":
            raise ConfigError("--position-weights applies to the words of a window; add --model cbow, or omit it")
        if self.position_weights and self.window_mode == "full":
            raise ConfigError(
                "--position-weights needs windows of limited size; choose another --window-mode than full, or omit it"
            )
        if self.position_weights and self.objective == "hierarchical-softmax":
            raise ConfigError(
                "--position-weights cannot be combined with --objective hierarchical-softmax: vectors have no position "
                "weights, so their probabilities would be wrong; omit one of them"
            )
        self._check_phrases()
        if self.patience is not None and self.validation == 0:
            raise ConfigError("--patience needs the validation loss, but --validation is 0; omit one of them")

    def _check_phrases(self) -> None:
        """Check the settings of phrases; 0 passes are the same as no setting."""
        given = [name for name in PHRASE_SETTINGS if getattr(self, name) is not None]
        if self.phrases is None and given:
            raise ConfigError(f"{option(given[0])} applies to phrases; add --phrases 1, or omit it")
        if self.phrases == 0:  # overrides the settings of a file
            for name in ("phrases", *PHRASE_SETTINGS):
                object.__setattr__(self, name, None)
        scoring, minimum = self.phrase_scoring or "original", self.phrase_min_count or 1
        delimiter = "_" if self.phrase_delimiter is None else self.phrase_delimiter
        check_phrase_settings(scoring, self.phrase_threshold, minimum, delimiter, "--phrase-")

    def as_dict(self) -> dict[str, Any]:
        """Return the settings that are not None, with values that TOML can represent."""
        values = {name: value for name, value in asdict(self).items() if value is not None}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _settings() -> dict[str, tuple[Any, Setting]]:
    hints = get_type_hints(TrainConfig, include_extras=True)
    return {
        field.name: (get_args(hints[field.name])[0], get_args(hints[field.name])[1]) for field in fields(TrainConfig)
    }


SETTINGS = _settings()
"""The type and the Setting of each field, by the field's name."""


OTHER_NAMES = {
    "size": "dim", "vector_size": "dim", "ws": "window", "window_size": "window", "negative": "negatives",
    "neg": "negatives", "ns_exponent": "noise_exponent", "sample": "subsample", "t": "subsample",
    "mincount": "min_count", "max_final_vocab": "max_vocab", "iter": "epochs", "max_iter": "epochs", "epoch": "epochs",
    "alpha": "lr", "min_alpha": "min_lr", "workers": "threads", "thread": "threads", "loss": "objective",
    "bucket": "buckets", "ngrams": "subwords", "minn": "subwords", "maxn": "subwords", "sg": "model", "cbow": "model",
    "hs": "objective", "train": "corpus", "input": "corpus", "sentences": "corpus", "corpus_file": "corpus",
    "pretrainedvectors": "start_from", "from": "start_from",
}  # fmt: skip
"""Names of settings in word2vec.c, fastText, GloVe and gensim, in lower case, and in this package."""


def suggest_setting(name: str) -> str:
    """Return advice on a setting that does not exist: the one that was probably meant, or all of them."""
    name = name.lower().replace("-", "_")
    near = [OTHER_NAMES[name]] if name in OTHER_NAMES else difflib.get_close_matches(name, SETTINGS, n=1)
    return f"did you mean {near[0]!r}?" if near else f"settings are {', '.join(SETTINGS)}"


OPTION_NAMES = {"corpus": "CORPUS", "start_from": "--from"}
"""Settings whose command-line option has another name; `from` cannot be a field, as it is a keyword of Python."""

PRESETS: dict[str, dict[str, Any]] = {
    "quality": {"dim": 200, "subsample": 1e-4, "epochs": 10},
}
"""Named settings. quality: better vectors for about twice the training time; see evaluation/README.md."""

MEMBERS: dict[str, tuple[dict[str, Any], ...]] = {
    "best": tuple({**PRESETS["quality"], "refine": True, **others} for others in ({}, {}, {"lr": 0.05})),
}
"""Named settings of several runs, which are combined. best: see docs/combination.md."""


def ngram_lengths(subwords: str, name: str = "--subwords") -> tuple[int, int]:
    """Return the lengths of the shortest and of the longest character n-grams of the setting "MIN-MAX".

    Args:
        subwords: The setting.
        name: Its name in messages.

    Raises:
        ConfigError: The setting has another form, or the lengths are out of range.
    """
    lengths = re.fullmatch(r"(\d{1,3})-(\d{1,3})", subwords, re.ASCII)
    if lengths is None or not 1 <= int(lengths[1]) <= int(lengths[2]) <= MAX_NGRAM:
        raise ConfigError(
            f"{name} must be MIN-MAX with 1 <= MIN <= MAX <= {MAX_NGRAM}, such as 3-6, not {_shorten(subwords)}"
        )
    return int(lengths[1]), int(lengths[2])


def check_phrase_passes(passes: int) -> None:
    """Check a number of passes.

    Raises:
        ConfigError: It is out of range.
    """
    if not 1 <= passes <= MAX_PHRASE_PASSES:
        raise ConfigError(f"--passes must be from 1 to {MAX_PHRASE_PASSES}, not {passes}")


def check_phrase_settings(
    scoring: str, threshold: float | None, min_count: int, delimiter: str, prefix: str = "--"
) -> None:
    """Check the settings of phrases.

    Args:
        scoring: Name of the score.
        threshold: Pairs with a higher score are phrases; None for the default of the scoring.
        min_count: Minimum count of pairs.
        delimiter: Text between the words of a phrase.
        prefix: What precedes the names of the settings in messages.

    Raises:
        ConfigError: One of them is out of range.
    """
    if scoring not in PHRASE_SCORINGS:
        raise ConfigError(f"{prefix}scoring must be one of {', '.join(PHRASE_SCORINGS)}, not {scoring!r}")
    if threshold is not None and scoring == "original" and not 0 < threshold < float("inf"):
        raise ConfigError(f"{prefix}threshold must be above 0, not {_format(threshold)}; higher means fewer phrases")
    if threshold is not None and scoring == "npmi" and not -1 <= threshold < 1:
        raise ConfigError(
            f"{prefix}threshold must be at least -1 and below 1 with {prefix}scoring npmi, not {_format(threshold)}"
        )
    if min_count < 1:
        raise ConfigError(f"{prefix}min-count must be at least 1, not {min_count}")
    if not delimiter or not delimiter.isprintable() or " " in delimiter:
        raise ConfigError(
            f"{prefix}delimiter must be visible characters without white space, such as _, not {_shorten(delimiter)}"
        )


def preset(name: str) -> dict[str, Any]:
    """Return the settings of a preset.

    Raises:
        ConfigError: There is no such preset.
    """
    if name in MEMBERS:
        raise ConfigError(
            f"--preset {name} combines several runs, which only `word2vec train CORPUS` can train; choose "
            f"{', '.join(PRESETS)}"
        )
    if name not in PRESETS:
        raise ConfigError(f"--preset must be one of {', '.join((*PRESETS, *MEMBERS))}, not {name!r}")
    return PRESETS[name]


def option(name: str) -> str:
    """Return the command-line option of a setting."""
    return OPTION_NAMES.get(name, f"--{name.replace('_', '-')}")


def read_config(path: Path) -> dict[str, Any]:
    """Read settings from a TOML file, for instance the config.toml of a run.

    Raises:
        ConfigError: The file cannot be read, is not TOML, or has a key that is not a setting.
    """
    values = read_toml(path)
    for key in values:
        if key not in SETTINGS:
            raise ConfigError(f"{path}: unknown setting {key!r}; {suggest_setting(key)}")
    return values


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file of settings without checking its keys and values.

    Raises:
        ConfigError: The file cannot be read or is not TOML.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_fifo()):  # reading a device may never end
            raise ConfigError(f"{path}: not a file; pass a TOML file of settings")
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > MAX_CONFIG_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_CONFIG_BYTES >> 20} MiB; pass a TOML file of settings")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))  # Windows editors put a byte order mark before the text
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text; save it as UTF-8") from error
    except (ValueError, RecursionError) as error:  # invalid TOML, a number that is too long, nesting that is too deep
        raise ConfigError(f"{path}: invalid TOML: {error}") from error


def make_config(*sources: Mapping[str, Any]) -> TrainConfig:
    """Merge several sources of settings; later ones take precedence, and None leaves a setting unchanged."""
    values: dict[str, Any] = {}
    for source in sources:
        values |= {name: value for name, value in source.items() if value is not None}
    return TrainConfig(**values)


def _check_type(name: str, kind: Any, value: object) -> Any:
    """Convert a value to the type of its field; only numpy scalars, int to float and list to tuple are allowed."""
    value = _unwrap(value)
    if isinstance(kind, UnionType):
        if value is None:
            return None
        (kind,) = (member for member in get_args(kind) if member is not NoneType)
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise ConfigError(f"{option(name)} must be between -2^63 and 2^63; use a smaller number")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if get_origin(kind) is tuple:
        value = [value] if isinstance(value, str | Path) else value
        if isinstance(value, list | tuple) and all(isinstance(item, str | Path) for item in value):
            return tuple(_check_encodable(name, str(item)) for item in value)
        raise ConfigError(f"{option(name)} must be a list of paths, not {_shorten(value)}")
    if type(value) is not kind:
        wanted = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}[kind]
        raise ConfigError(f"{option(name)} must be {wanted}, not {_shorten(value)}")
    return value


def _unwrap(value: object) -> object:
    """Convert a numpy scalar to a Python object of the same value; longdouble and durations have no equivalent."""
    numpy = sys.modules.get("numpy")  # not imported here, because it is slow, and without it there are no such scalars
    if numpy is not None and isinstance(value, numpy.generic) and not isinstance(value, numpy.timedelta64):
        return cast(Any, value).item()
    return value


def _check_encodable(name: str, path: str) -> str:
    """Return the path if config.toml can store it; otherwise fail now rather than after hours of training."""
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise ConfigError(f"{option(name)} {path!r}: the name is not UTF-8; rename it or pass its folder") from error
    return path


def _check_limits(name: str, setting: Setting, value: Any) -> None:
    if value is None:
        return
    if setting.choices and value not in setting.choices:
        raise ConfigError(f"{option(name)} must be one of {', '.join(setting.choices)}, not {value!r}")
    # subtle: written so that NaN, for which every comparison is false, is rejected
    if setting.minimum is not None and not value >= setting.minimum:
        raise ConfigError(f"{option(name)} must be at least {_format(setting.minimum)}, not {_format(value)}")
    if setting.exclusive_minimum is not None and not value > setting.exclusive_minimum:
        raise ConfigError(f"{option(name)} must be above {_format(setting.exclusive_minimum)}, not {_format(value)}")
    if setting.maximum is not None and not value <= setting.maximum:
        raise ConfigError(f"{option(name)} must be at most {_format(setting.maximum)}, not {_format(value)}")


def _shorten(value: object) -> str:
    """Return the repr of a value; of a long one, such as a corpus in place of its path, only the beginning."""
    text = reprlib.repr(value)
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}..."


def _format(number: float) -> str:
    """Format a number with all its digits, so that a value never looks equal to the limit it exceeds."""
    return repr(number).removesuffix(".0")
