"""Code shared by several commands: argument types, training settings as options, and loading vectors.

The options of `train` are generated from the fields of TrainConfig, so that nothing about them is repeated.
"""

import inspect
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import typer

from word2vec.config import SETTINGS, TrainConfig, option
from word2vec.errors import ConfigError

if TYPE_CHECKING:
    from word2vec.vectors.pair_vectors import PairVectors
    from word2vec.vectors.word_vectors import WordVectors

LIST_OPTIONS = ("--pairs", "--analogies", "--weat", "--runs")

VectorsArgument = Annotated[
    Path, typer.Argument(metavar="VECTORS", help="Run folder, vectors file, or name of pretrained vectors.")
]
CountOption = Annotated[int, typer.Option("-n", metavar="N", min=1, help="Number of words to show.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the results as JSON.")]
RestrictOption = Annotated[int | None, typer.Option(metavar="N", min=1, help="Search only the N most frequent words.")]


InputColumnOption = Annotated[
    str, typer.Option("--input-column", metavar="NAME", help="Column of inputs in tables of pairs.")
]
TargetColumnOption = Annotated[
    str, typer.Option("--target-column", metavar="NAME", help="Column of targets in tables of pairs.")
]


PAIR_COLUMNS = ("input", "target")  # default names of the columns of tables of pairs


def load_vectors(path: Path, limit: int | None = None, *, verify: bool = True) -> "WordVectors":
    """Load vectors, see `WordVectors.load`, with a progress bar if stderr is a terminal."""
    from word2vec.vectors.word_vectors import WordVectors

    return WordVectors.load(path, limit, progress=sys.stderr.isatty(), verify=verify)


def load_pair_vectors(path: Path, *, verify: bool = True) -> "PairVectors | None":
    """Load the vectors of a run that was trained on pairs; None for any other path."""
    from word2vec import formats
    from word2vec.vectors.pair_vectors import PairVectors

    return PairVectors.load(path, verify=verify) if formats.is_pair_run(path) else None


def reject_training_run(output: Path) -> None:
    """Check that a folder to write contains no checkpoint, which would resume training from vectors of another run.

    Raises:
        ConfigError: It does.
    """
    from word2vec.formats.run import CHECKPOINT_FILE

    if (output / CHECKPOINT_FILE).exists():
        raise ConfigError(f"{output}: contains a training run and its checkpoint; choose another --output")


def reject_untrusted_code(settings: dict[str, Any], source: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a file or run; raise an error if they would run code that the user did not ask for."""
    objective = settings.get("objective")
    if ":" in str(objective) and given.get("objective") is None:
        raise ConfigError(
            f"{source}: the objective {objective} imports and runs code; if you trust it, add --objective {objective}"
        )
    return settings


def repeat_list_options(arguments: list[str]) -> list[str]:
    """Turn `--pairs A B` and `--pairs=A B` into one option per value, as typer needs it."""
    repeated: list[str] = []
    current = None  # the list option whose values are being read
    for argument in arguments:
        if argument.startswith("-"):
            name = argument.partition("=")[0]
            current = name if name in LIST_OPTIONS else None
        elif current and repeated[-1] != current:
            repeated.append(current)
        repeated.append(argument)
    return repeated


def settings_as_options(function: Callable[..., int], without: Collection[str] = ()) -> Callable[..., int]:
    """Replace the parameter `**settings` of a command by one parameter for each field of TrainConfig.

    Args:
        function: The command.
        without: Fields that do not become parameters.
    """
    parameters = inspect.signature(function).parameters.values()
    named = [p.replace(kind=p.KEYWORD_ONLY) for p in parameters if p.kind is not p.VAR_KEYWORD]
    corpus, *others = (_parameter(name) for name in SETTINGS if name not in without)
    signature = inspect.Signature([corpus, *named, *others])
    function.__signature__ = signature  # type: ignore[attr-defined]
    function.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    return function


def _parameter(name: str) -> inspect.Parameter:
    """Return the command-line parameter of a setting; its value is None if the option is not given."""
    kind, setting = SETTINGS[name]
    default = getattr(TrainConfig(), name)
    if get_origin(kind) is tuple:
        kind = list[str]
    elif isinstance(kind, UnionType):
        kind = get_args(kind)[0]
    if setting.choices:
        kind = Literal[setting.choices]
    if name == "corpus":
        info: Any = typer.Argument(metavar="CORPUS", help=setting.help, show_default=False)
    else:
        shown = f"{default:g}" if kind is float and default is not None else default
        default_text = "" if default in (None, ()) or kind is bool else f" [default: {shown}]"
        flags = f"{option(name)}/--no-{option(name)[2:]}" if kind is bool else option(name)
        info = typer.Option(flags, help=setting.help + default_text, metavar=setting.metavar, show_default=False)
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, info]
    )
