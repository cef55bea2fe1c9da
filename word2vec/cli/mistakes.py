"""Suggestions for options and commands that do not exist, such as those of word2vec.c, fastText, GloVe and gensim.

These programs write long options with one dash (`-size 100`). The parser would take that for several short options, and
`-output run` even for `-o utput run`, so such arguments are found before it runs.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence

from word2vec.config import OTHER_NAMES, option
from word2vec.errors import ConfigError

MIN_SIMILARITY = 0.7  # of two options, from 0 to 1; below it, one is not suggested for the other
LEAVE_OUT = ""  # there is no equivalent

TRAIN_OPTIONS = {name.replace("_", "-"): option(setting) for name, setting in OTHER_NAMES.items()} | {
    "binary": "word2vec export RUN vectors.bin",
    **dict.fromkeys(("debug", "verbose"), LEAVE_OUT),
}
"""Options of other programs for training, in lowercase -> what to use here."""

QUERY_OPTIONS = {"topn": "-n", "n": "-n", "k": "-n", "top-k": "-n", "restrict-vocab": "--restrict"}
"""Options of other programs for queries -> what to use here."""

OPTIONS: dict[str, Mapping[str, str]] = {
    "train": TRAIN_OPTIONS,
    "nearest": QUERY_OPTIONS,
    "analogy": QUERY_OPTIONS,
    "export": {"binary": "--format word2vec-binary"},
}

COMMANDS = {
    "skipgram": "train", "cbow": "train", "fit": "train", "nn": "nearest", "distance": "nearest",
    "most-similar": "nearest", "similar": "nearest", "neighbors": "nearest", "analogies": "analogy",
    "convert": "export", "save": "export", "test": "evaluate", "eval": "evaluate", "show": "info",
    "word2phrase": "phrases", "bigrams": "phrases", "help": "--help", "version": "--version",
}  # fmt: skip
"""Commands of other programs -> what to use here."""


def reject_foreign_options(command: str, arguments: Sequence[str], known: Iterable[str]) -> None:
    """Check that no argument is a long option with one dash.

    Args:
        command: The command.
        arguments: Its arguments.
        known: Its options, such as "--dim" and "-o".

    Raises:
        ConfigError: An argument is one; the message names the options to use.
    """
    known = set(known)
    before = arguments[: arguments.index("--")] if "--" in arguments else arguments
    found = [each.partition("=")[0] for each in before if each[:1] == "-" and each[1:2].isalpha()]
    instead = {each: _find(command, each, known) for each in found if each not in known}
    advice = [
        f"use {new} instead of {old}" if new else f"omit {old}" for old, new in instead.items() if new is not None
    ]
    if advice:
        raise ConfigError(f"unknown options: {', '.join(advice)}; see word2vec {command} --help")


def suggest_option(command: str, argument: str, known: Iterable[str]) -> str:
    """Return advice on an option that a command does not have, such as "use --dim"; empty if there is none."""
    known = set(known)
    instead = _find(command, argument, known)
    if instead is None:
        near = difflib.get_close_matches(f"--{_name(argument)}", sorted(known), n=1, cutoff=MIN_SIMILARITY)
        return f"did you mean {near[0]}?" if near else ""
    return f"use {instead}" if instead else "omit it"


def suggest_command(command: str) -> str:
    """Return advice on a command that does not exist; empty if there is none."""
    instead = COMMANDS.get(command.lower().replace("_", "-"))
    return f"use {instead}" if instead else ""


def _find(command: str, argument: str, known: set[str]) -> str | None:
    """Return what to use in place of an option; None if no program has such an option."""
    name = _name(argument)
    return OPTIONS.get(command, {}).get(name, f"--{name}" if f"--{name}" in known else None)


def _name(argument: str) -> str:
    return argument.lstrip("-").lower().replace("_", "-")
