"""File formats of word vectors: one module per format, one registry, and the functions `read` and `write`.

When reading, the content of a file decides its format; when writing, the file extension does. Sizes declared in a file
are compared with the size of the file before memory is allocated, and reading never runs code from a file.

Formats for other libraries are written only, as the table of floret; those that have a model card are folders.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from word2vec.errors import ConfigError, FormatError, Word2VecError
from word2vec.formats.fasttext import is_fasttext, read_fasttext
from word2vec.formats.fasttext_writer import write_fasttext
from word2vec.formats.file_io import BYTE_ORDER_MARK, read_head
from word2vec.formats.floret import write_floret
from word2vec.formats.foreign import describe_file
from word2vec.formats.glove import is_glove, read_glove, write_glove
from word2vec.formats.hub import hub_card
from word2vec.formats.model2vec import model2vec_card, write_model2vec
from word2vec.formats.model_card import CARD_FILE
from word2vec.formats.ngrams import check_finite_ngrams
from word2vec.formats.npz import is_npz, read_npz, verify_npz, write_npz
from word2vec.formats.pair_run import is_pair_run, read_pair_tables, write_pair_tables
from word2vec.formats.run import read_run, verify_run, verify_vectors, write_run
from word2vec.formats.safetensors import read_safetensors, write_safetensors
from word2vec.formats.spacy_pipeline import spacy_card, write_spacy
from word2vec.formats.table import Table, check_finite, first_not_finite
from word2vec.formats.tensor_file import is_tensor_file
from word2vec.formats.word2vec_binary import is_word2vec_binary, read_word2vec_binary, write_word2vec_binary
from word2vec.formats.word2vec_text import is_word2vec_text, read_word2vec_text, write_word2vec_text
from word2vec.system.atomic_files import atomic_folder
from word2vec.system.compression import COMPRESSIONS

_log = logging.getLogger(__name__)

__all__ = [
    "FORMATS",
    "Format",
    "Table",
    "first_not_finite",
    "is_pair_run",
    "read",
    "read_pair_tables",
    "verify_checksums",
    "write",
    "write_pair_tables",
]


@dataclass(frozen=True)
class Format:
    """How files of one format are recognized, read and written.

    Attributes:
        extensions: File extensions for which this format is chosen when writing; "" is no extension, or a folder. Empty
            if the format has to be selected by name.
        detect: Function that returns whether the first bytes of a file, decompressed, have this format; None for
            folders, and for formats that are not read.
        read: Function of a path, the maximum number of rows or None, and whether to show a progress bar. None for
            formats that are not read.
        write: Function of a path, the table, and whether to show a progress bar; it writes atomically, or into an empty
            folder if there is a model card.
        may_be_compressed: Whether files can be written with an additional extension such as .gz.
        keeps_ngrams: Whether files can contain character n-grams. If formats share an extension, this decides.
        keeps_phrases: Whether files can contain the phrases that were joined.
        verify: Function of a path and the maximum number of rows or None, which compares the numbers with checksums in
            the file and returns whether there are any. None for formats whose numbers are all parsed when reading.
        card: Function of a name and the table that returns the text of the model card, for folders that other people
            are given. Such a folder is written as a whole, and must not exist or be empty.
    """

    extensions: tuple[str, ...]
    detect: Callable[[bytes], bool] | None
    read: Callable[[Path, int | None, bool], Table] | None
    write: Callable[[Path, Table, bool], None]
    may_be_compressed: bool = False
    keeps_ngrams: bool = False
    keeps_phrases: bool = False
    verify: Callable[[Path, int | None], bool] | None = None
    card: Callable[[str, Table], str] | None = None


FORMATS: dict[str, Format] = {
    "run": Format(("",), None, read_run, write_run, keeps_ngrams=True, keeps_phrases=True, verify=verify_run),
    "safetensors": Format(
        (".safetensors",),
        is_tensor_file,
        read_safetensors,
        write_safetensors,
        keeps_ngrams=True,
        keeps_phrases=True,
        verify=verify_vectors,
    ),
    "npz": Format((".npz",), is_npz, read_npz, write_npz, keeps_ngrams=True, keeps_phrases=True, verify=verify_npz),
    "fasttext": Format((".bin",), is_fasttext, read_fasttext, write_fasttext, keeps_ngrams=True),
    "word2vec-text": Format((".txt", ".vec"), is_word2vec_text, read_word2vec_text, write_word2vec_text, True),
    "word2vec-binary": Format((".bin",), is_word2vec_binary, read_word2vec_binary, write_word2vec_binary, True),
    "glove": Format((".glove",), is_glove, read_glove, write_glove, True),
    "floret": Format((".floret",), None, None, write_floret, keeps_ngrams=True),
    "hf": Format(
        (), None, read_run, write_run, keeps_ngrams=True, keeps_phrases=True, verify=verify_run, card=hub_card
    ),
    "model2vec": Format((), None, None, write_model2vec, card=model2vec_card),
    "spacy": Format((), None, None, write_spacy, card=spacy_card),
}
"""The formats by name; the content of a file is compared with them in this order."""


def read(
    path: str | PathLike[str],
    limit: int | None = None,
    format: str | None = None,  # noqa: A002
    *,
    progress: bool = False,
    verify: bool = True,
) -> Table:
    """Read word vectors in any format of the registry.

    Args:
        path: A run folder, or a file, which may be compressed with gzip, bzip2, xz or zstandard.
        limit: Maximum number of rows to read, from the start. The remaining rows are not checked, except that the
            vocabulary of a run folder must be the one that its vectors were written with.
        format: A name in FORMATS; by default the format is detected from the content.
        progress: Whether to show a progress bar on stderr if reading takes long.
        verify: Whether to read all numbers of a run folder, safetensors or npz file and compare them with their
            checksums. Without it, they are mapped but not read, so they may be damaged or not finite.

    Returns:
        The table. Its words are distinct and, unless `verify` is False, its numbers are finite.

    Raises:
        FormatError: The path does not exist, has no known format, is damaged, or contains nan or infinity.
        Word2VecError: `limit` is below 1 or the format is unknown.
    """
    path = Path(path)
    if limit is not None and limit < 1:
        raise Word2VecError(f"limit must be 1 or more, got {limit}")
    try:
        chosen = _detect(path) if format is None else _by_name(format)
        if chosen.read is None:
            raise ConfigError(f"the format {format} can be written, but not read; load the vectors that were exported")
        table = chosen.read(path, limit, progress)
        if verify and chosen.verify is not None:
            chosen.verify(path, limit)
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror or error}") from error
    if verify or chosen.verify is None:
        # the output table of fastText's models is read from disk when it is used, like their n-grams
        check_finite(path, table if chosen.verify else table._replace(output=None))
    return table


def verify_checksums(path: str | PathLike[str]) -> bool:
    """Compare the numbers of a file or run folder with the checksums in it; return whether there are any.

    Raises:
        FormatError: The path cannot be read, or it is damaged.
    """
    path = Path(path)
    try:
        check = _detect(path).verify
        return check is not None and check(path, None)
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror or error}") from error


def write(
    path: str | PathLike[str],
    table: Table,
    format: str | None = None,  # noqa: A002
    *,
    progress: bool = False,
    notes: str = "",
) -> None:
    """Write word vectors; an existing file is replaced only after the new one is completely on disk.

    Args:
        path: The file, or the folder for a run. Text files and word2vec's binary files are compressed if the name ends
            in .gz, .bz2, .xz or .zst.
        table: The table to write. Only run, safetensors, npz and fasttext keep the counts, the output table and
            n-grams; all but fasttext keep the nodes of hierarchical softmax.
        format: A name in FORMATS; by default the file extension decides, and a folder or no extension means a run. The
            extension .bin means fasttext for vectors with n-grams, and word2vec-binary for others.
        progress: Whether to show a progress bar on stderr if writing takes long.
        notes: Markdown to add to the model card; other formats ignore it.

    Raises:
        FormatError: The format cannot represent a word, or a number is not finite.
        Word2VecError: The format is unknown, or the path cannot be written. Folders with a model card are not replaced.
    """
    path = Path(path)
    name = _name_by_extension(path, ngrams=table.subwords is not None) if format is None else format
    chosen = _by_name(name)
    if path.suffix.lower() in COMPRESSIONS and not chosen.may_be_compressed:
        raise ConfigError(f"{path}: files of format {name} are not compressed; remove {path.suffix} from the name")
    check_finite(path, table)
    if table.subwords is not None and chosen.keeps_ngrams:
        check_finite_ngrams(path, table.subwords)
    elif table.subwords is not None:
        _log.warning("%s: n-grams are not saved; words outside the vocabulary will have no vector", path)
    if table.phrases is not None and not chosen.keeps_phrases:
        _log.warning("%s: phrases are not saved; new text has to be joined before its words are looked up", path)
    if chosen.card is None:
        chosen.write(path, table, progress)
        return
    with atomic_folder(path) as folder:
        chosen.write(folder, table, progress)
        (folder / CARD_FILE).write_text(chosen.card(folder.name, table) + notes, encoding="utf-8")


def _by_name(name: str) -> Format:
    if name not in FORMATS:
        raise ConfigError(f"unknown format {name!r}; choose one of: {_list_formats()}")
    return FORMATS[name]


def _detect(path: Path) -> Format:
    """Return the format of a folder or file, judged by its content."""
    if path.is_dir():
        return FORMATS["run"]
    if not path.is_file():
        raise FormatError(f"{path}: no such file or folder")
    start = read_head(path).removeprefix(BYTE_ORDER_MARK)
    if not start:
        raise FormatError(f"{path}: the file is empty")
    for candidate in FORMATS.values():
        if candidate.detect and candidate.detect(start):
            return candidate
    foreign = describe_file(start)
    if foreign:
        raise FormatError(f"{path}: {foreign}")
    raise FormatError(
        f"{path}: unknown format, with neither a header 'count dim' nor lines of a word and its numbers; "
        f"known formats: {_list_formats()}"
    )


def _name_by_extension(path: Path, *, ngrams: bool) -> str:
    """Return the name of the format to write, judged by the file extension and by whether there are n-grams."""
    compressed = path.suffix.lower() in COMPRESSIONS
    extension = "" if path.is_dir() else (path.with_suffix("") if compressed else path).suffix.lower()
    named = [name for name, candidate in FORMATS.items() if extension in candidate.extensions]
    if not named:
        raise ConfigError(f"{path}: no format has the extension {extension!r}; choose one of: {_list_formats()}")
    return next((name for name in named if FORMATS[name].keeps_ngrams == ngrams), named[0])


def _list_formats() -> str:
    """Return the formats for error messages: run (a folder), word2vec-text (.txt, .vec), ..."""
    return ", ".join(
        f"{name} ({', '.join(filter(None, entry.extensions)) or 'a folder'})" for name, entry in FORMATS.items()
    )
