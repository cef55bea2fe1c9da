"""Files of word vectors: one registry of the formats that are read and written.

A file's content decides how it is read, its name how it is written. A header is never trusted: what it promises is held
against the size of the file before memory is taken. Nothing that is read can run code. What vectors are good for is the
business of vectors.py.
"""

import logging
from os import PathLike
from pathlib import Path

from word2vec.errors import ConfigError, FormatError, Word2VecError
from word2vec.formats.binary import is_word2vec_binary, read_word2vec_binary, write_word2vec_binary
from word2vec.formats.fasttext import is_fasttext, read_fasttext
from word2vec.formats.npz import is_npz, read_npz, write_npz
from word2vec.formats.run import read_run, read_safetensors, write_run, write_safetensors
from word2vec.formats.source import head
from word2vec.formats.table import Format, Table, first_not_finite, refuse_not_finite
from word2vec.formats.tensor_file import is_tensor_file
from word2vec.formats.text import (
    is_glove,
    is_word2vec_text,
    read_glove,
    read_word2vec_text,
    write_glove,
    write_word2vec_text,
)
from word2vec.system.compression import COMPRESSIONS

_log = logging.getLogger(__name__)

__all__ = ["FORMATS", "Format", "Table", "first_not_finite", "read", "write"]

FORMATS: dict[str, Format] = {
    "run": Format(("",), None, read_run, write_run),
    "safetensors": Format((".safetensors",), is_tensor_file, read_safetensors, write_safetensors),
    "npz": Format((".npz",), is_npz, read_npz, write_npz),
    "fasttext": Format((), is_fasttext, read_fasttext, None),
    "word2vec-text": Format((".txt", ".vec"), is_word2vec_text, read_word2vec_text, write_word2vec_text, True),
    "word2vec-binary": Format((".bin",), is_word2vec_binary, read_word2vec_binary, write_word2vec_binary, True),
    "glove": Format((".glove",), is_glove, read_glove, write_glove, True),
}
"""The formats by name, in the order in which a file's content is tried."""


def read(
    path: str | PathLike[str],
    limit: int | None = None,
    format: str | None = None,  # noqa: A002
    *,
    progress: bool = False,
) -> Table:
    """Reads word vectors in any format of the registry.

    Args:
        path: a run folder or a file, which may be compressed with gzip, bzip2, xz or zstandard.
        limit: how many rows to read from the start; of the rest is asked only whether a run folder's words are those
            that its vectors were written with.
        format: a name in FORMATS; by default the content of the path decides.
        progress: draw a bar on stderr, if it takes long.

    Returns:
        The table; all its numbers are finite and its words differ.

    Raises:
        FormatError: the path is missing, in no known format, damaged, or holds nan or infinity.
        Word2VecError: the limit is below 1 or the format is not known.
    """
    path = Path(path)
    if limit is not None and limit < 1:
        raise Word2VecError(f"limit is {limit}; it has to be 1 or more")
    try:
        table = (_detected(path) if format is None else _named(format)).read(path, limit, progress)
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror or error}") from error
    refuse_not_finite(path, table)
    return table


def write(
    path: str | PathLike[str],
    table: Table,
    format: str | None = None,  # noqa: A002
    *,
    progress: bool = False,
) -> None:
    """Writes word vectors; what stood at the path is replaced only when all is on the disk.

    Args:
        path: the file, or the folder for a run. Text and word2vec's binary files are compressed where the name ends in
            .gz, .bz2, .xz or .zst.
        table: what to write. Only run, safetensors and npz keep counts and context; none keeps n-grams.
        format: a name in FORMATS; by default the ending of the path decides, and a folder or no ending means a run.
        progress: draw a bar on stderr, if it takes long.

    Raises:
        FormatError: a word or a number that could not be read back.
        Word2VecError: the format is not known or not written, or the path cannot be written.
    """
    path = Path(path)
    name = _by_extension(path) if format is None else format
    chosen = _named(name)
    if chosen.write is None:
        raise ConfigError(f"{name} is read, not written; the formats to write are: {_listed(written=True)}")
    if path.suffix.lower() in COMPRESSIONS and not chosen.may_be_compressed:
        raise ConfigError(f"{path}: {name} is not compressed; leave out {path.suffix}")
    refuse_not_finite(path, table)
    if table.subwords is not None:
        _log.warning("%s: the n-grams are not kept; words without a row will have no vector there", path)
    chosen.write(path, table, progress)


def _named(name: str) -> Format:
    if name not in FORMATS:
        raise ConfigError(f"there is no format {name!r}; the formats are: {_listed()}")
    return FORMATS[name]


def _detected(path: Path) -> Format:
    if path.is_dir():
        return FORMATS["run"]
    if not path.is_file():
        raise FormatError(f"there is no file or folder {path}")
    start = head(path)
    if not start:
        raise FormatError(f"{path} is empty")
    for candidate in FORMATS.values():
        if candidate.detect and candidate.detect(start):
            return candidate
    raise FormatError(
        f"{path} does not look like vectors: no line 'count dim', and no word with its numbers behind it; "
        f"what is read: {_listed()}"
    )


def _by_extension(path: Path) -> str:
    compressed = path.suffix.lower() in COMPRESSIONS
    extension = "" if path.is_dir() else (path.with_suffix("") if compressed else path).suffix.lower()
    for name, candidate in FORMATS.items():
        if extension in candidate.extensions:
            return name
    raise ConfigError(
        f"{path}: no format has names that end in {extension!r}; the formats are: {_listed(written=True)}"
    )


def _listed(*, written: bool = False) -> str:
    """The formats in words: run (a folder), word2vec-text (.txt, .vec), ..."""
    return ", ".join(
        f"{name} ({', '.join(filter(None, entry.extensions)) or ('a folder' if entry.write else 'read only')})"
        for name, entry in FORMATS.items()
        if entry.write or not written
    )
