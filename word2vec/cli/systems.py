"""Arguments that name several runs: RUN for a system of its own, NAME=RUN for one of the runs of a system.

In shells, `default=runs/default-{1,2,3}` is three such arguments.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from word2vec.cli.options import load_pair_vectors, load_vectors
from word2vec.errors import ConfigError, FormatError

if TYPE_CHECKING:
    from word2vec.vectors.word_vectors import WordVectors

SystemsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="[NAME=]RUN",
        help="Run folders or vectors files. Those with the same NAME are runs of one system with different seeds.",
    ),
]


def parse_systems(arguments: Sequence[str]) -> dict[str, list[Path]]:
    """Return the paths of the runs of each system, by name; a system without a name has that of its path.

    Raises:
        ConfigError: A name or path is empty, or a run is given twice.
    """
    systems: dict[str, list[Path]] = {}
    for argument in arguments:
        name, sign, path = argument.partition("=")
        if not sign or Path(argument).exists():
            name, path = argument, argument
        if not name or not path:
            raise ConfigError(
                f"{argument}: a name or a path is missing; write NAME=RUN, such as default=runs/default-1"
            )
        systems.setdefault(name, []).append(Path(path))
    reject_repeated([path for paths in systems.values() for path in paths])
    return systems


def reject_repeated(paths: Sequence[Path]) -> None:
    """Raise ConfigError if a run is given twice, which would look like two runs that agree perfectly."""
    resolved = [path.resolve() for path in paths]
    for number, path in enumerate(paths):
        if resolved[number] in resolved[:number]:
            raise ConfigError(f"{path}: given twice; pass each run once")


def load_systems(systems: Mapping[str, Sequence[Path]]) -> "dict[str, list[WordVectors]]":
    """Load the runs of each system."""
    return {name: [load_word_vectors(path) for path in paths] for name, paths in systems.items()}


def load_word_vectors(path: Path) -> "WordVectors":
    """Load the vectors of words.

    Raises:
        FormatError: The run was trained on pairs.
    """
    if load_pair_vectors(path, verify=False) is not None:
        raise FormatError(f"{path}: trained on pairs; pass runs with vectors of words")
    return load_vectors(path)
