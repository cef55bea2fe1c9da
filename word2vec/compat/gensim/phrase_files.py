"""Files of `Phrases` and `FrozenPhrases`: a JSON object with a version, the class, the scorer and the attributes."""

import json
from collections.abc import Collection, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from word2vec.compat.gensim.errors import reason_of
from word2vec.errors import FormatError
from word2vec.system.atomic_files import atomic_path

FORMAT, VERSION = "word2vec-gensim-phrases", 1
PICKLE = b"\x80"  # how a pickle of protocol 2 or later begins
TYPES: dict[str, type | tuple[type, ...]] = {
    "connector_words": list, "min_count": (int, float), "threshold": (int, float), "delimiter": str,
    "max_vocab_size": int, "progress_per": int, "corpus_word_count": int, "min_reduce": int,
    "vocab": dict, "phrasegrams": dict,
}  # fmt: skip
"""The attributes of the classes, and their types in a file."""


def save(path: str | PathLike[str], kind: str, attributes: Mapping[str, Any], scorer: str | None) -> None:
    """Write a file; an existing file is replaced when the new one is complete.

    Args:
        path: The file.
        kind: The name of the class.
        attributes: Its attributes.
        scorer: The name of the scorer; None for a function of the user.

    Raises:
        Word2VecError: The file cannot be written.
    """
    values = {name: value for name, value in attributes.items() if name in TYPES}
    values["connector_words"] = sorted(values["connector_words"])
    content = {"format": FORMAT, "version": VERSION, "class": kind, "scorer": scorer, "attributes": values}
    with atomic_path(Path(path)) as temporary, temporary.open("w", encoding="utf-8") as file:
        json.dump(content, file)


def load(path: str | PathLike[str], kinds: Collection[str]) -> tuple[str, dict[str, Any], str | None]:
    """Read a file.

    Args:
        path: The file.
        kinds: The names of the classes.

    Returns:
        The name of the class, its attributes, and the name of the scorer.

    Raises:
        FormatError: The file cannot be read, is damaged, or was written by gensim.
    """
    try:
        content = Path(path).read_bytes()
        if content.startswith(PICKLE):
            raise FormatError(
                f"{path}: a pickle, which could run code when it is loaded; load it with gensim, and create the model "
                "again here"
            )
        stored = json.loads(content)
        version, kind, scorer, values = (stored[key] for key in ("version", "class", "scorer", "attributes"))
        if stored["format"] != FORMAT or kind not in kinds or scorer not in ("default", "npmi", None):
            raise ValueError("not a model of phrases")
        if version != VERSION:
            raise FormatError(
                f"{path}: has version {version}, but this program reads version {VERSION}; update word2vec"
            )
        if not all(isinstance(value, TYPES[name]) for name, value in values.items()):
            raise ValueError("an attribute has the wrong type")
        values["connector_words"] = frozenset(values["connector_words"])
    except OSError as error:
        raise FormatError(f"cannot read {path}: {reason_of(error)}") from error
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise FormatError(f"{path}: not a model that Phrases.save wrote, or damaged; get a new copy") from error
    return kind, values, scorer
