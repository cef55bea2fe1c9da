"""Files of `KeyedVectors` and `Word2Vec`: safetensors, and word2vec's text and binary formats with gensim's options.

A saved model is a safetensors file in the format of this package (`formats/safetensors.py`), so that `word2vec.load`
and all commands read it. Keys that are not strings, attributes other than the counts, and the settings of a model are
added to its metadata and tensors. Nothing is ever pickled.
"""

import json
import logging
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from word2vec import formats
from word2vec.compat.gensim.errors import ArgumentError, ShortFileError
from word2vec.errors import FormatError, TruncatedError
from word2vec.formats.file_io import read_head
from word2vec.formats.glove import read_glove
from word2vec.formats.safetensors import write_single_file
from word2vec.formats.table import DecodingErrors, Table, check_finite
from word2vec.formats.tensor_file import NAMES, is_tensor_file, map_tensors
from word2vec.formats.word2vec_binary import read_word2vec_binary
from word2vec.formats.word2vec_text import read_word2vec_text
from word2vec.models.subwords import Subwords
from word2vec.system.atomic_files import atomic_path

if TYPE_CHECKING:
    from word2vec.compat.gensim.keyed_table import KeyedTable

METADATA = "gensim-model"  # JSON: settings of the model, and whether the keys are integers
ATTRIBUTE = "attribute."  # precedes the names of attributes in a file

_log = logging.getLogger("word2vec")


class Content(NamedTuple):
    """What a file contains; row i of each array belongs to keys[i]."""

    keys: list[Any]
    vectors: NDArray[np.float32]  # (V, D)
    output: NDArray[np.float32] | None  # (V, D)
    attributes: dict[str, NDArray[Any]]  # (V,) each
    subwords: Subwords | None = None
    nodes: NDArray[np.float32] | None = None  # (V, D), in place of the output table for hierarchical softmax
    settings: dict[str, Any] | None = None  # of a model; None for vectors only


def save(
    path: str | PathLike[str],
    table: "KeyedTable",
    output: NDArray[np.float32] | None = None,
    nodes: NDArray[np.float32] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Write a safetensors file; an existing file is replaced only after the new one is completely on disk.

    Args:
        path: Path of the file, with any extension.
        table: The keys, vectors and attributes.
        output: (V, D) the output table.
        nodes: (V, D) the output table of hierarchical softmax.
        settings: The settings of the model, values that JSON can represent.

    Raises:
        ArgumentError: There are no vectors, or keys that are neither all strings nor all integers.
        FormatError: A key cannot be written.
    """
    if not len(table):
        raise ArgumentError(f"cannot write {path}: there are no vectors; build a vocabulary first")
    integers = all(isinstance(key, int | np.integer) for key in table.index_to_key)
    if not integers and not all(isinstance(key, str) for key in table.index_to_key):
        raise ArgumentError(f"cannot write {path}: keys of several types; use strings or integers only")
    attributes, lost = {}, []
    for name, values in table.expandos.items():
        if name != "count" and values.dtype.str in NAMES:
            attributes[ATTRIBUTE + name] = values
        elif name != "count":
            lost.append(name)
    if lost:
        _log.warning("%s: attributes that are not numbers are not saved: %s", path, ", ".join(lost))
    vectors, subwords = table.vectors.astype(np.float32, copy=False), table.trained_subwords()
    content = Table(list(map(str, table.index_to_key)), vectors, counts(table), output, subwords, nodes)
    metadata = {METADATA: json.dumps({"integer_keys": integers, "settings": settings and dict(settings)})}
    write_single_file(Path(path), content, attributes, metadata)


def load(path: str | PathLike[str]) -> Content:
    """Read a file or run folder in any format of this package.

    Raises:
        FormatError: The path cannot be read.
    """
    path = Path(path)
    table = formats.read(path)
    attributes = {} if table.counts is None else {"count": table.counts}
    stored: dict[str, Any] = {}
    if path.is_file() and is_tensor_file(read_head(path)):
        file = map_tensors(path)
        attributes |= {
            name.removeprefix(ATTRIBUTE): values for name, values in file.tensors.items() if ATTRIBUTE in name
        }
        stored = _parse(path, file.metadata.get(METADATA, "{}"))
    keys = list(map(int, table.words)) if stored.get("integer_keys") else table.words
    return Content(keys, table.vectors, table.output, attributes, table.subwords, table.nodes, stored.get("settings"))


def counts(table: "KeyedTable") -> NDArray[np.int64] | None:
    """Return the attribute "count" as integers (V,), or None."""
    values = table.expandos.get("count")
    return None if values is None else values.astype(np.int64)


def counts_by_rank(size: int) -> NDArray[np.int64]:
    """Return V, V - 1, ..., 1: the counts that gensim gives to keys from files without counts."""
    return np.arange(size, 0, -1)


def write_word2vec(
    table: "KeyedTable",
    path: str | PathLike[str],
    vocabulary: str | PathLike[str] | None,
    binary: bool,
    header: bool,
    prefix: str,
    order: str,
) -> None:
    """Write word2vec's text or binary format.

    Args:
        table: The keys and vectors.
        path: The file.
        vocabulary: A file for the keys and their counts, one per line; None for none.
        binary: Whether to write the binary format.
        header: Whether to write the number of keys and dimensions first; without it, the file is in GloVe's format.
        prefix: Text to put before each key.
        order: The attribute to sort by, largest values first; if it does not exist, the order of the rows is kept.

    Raises:
        ArgumentError: The vocabulary is to be written but there is no such attribute, or `binary` without a header.
    """
    if binary and not header:
        raise ArgumentError("a binary file needs its header; pass write_header=True or binary=False")
    values = table.expandos.get(order)
    if values is None and vocabulary is not None:
        raise ArgumentError(f"cannot write {vocabulary}: there is no attribute {order!r}; omit fvocab")
    rows = np.arange(len(table)) if values is None else np.argsort(-values, kind="stable")  # (V,)
    words = [f"{prefix}{table.index_to_key[row]}" for row in rows]
    if values is not None and vocabulary is not None:
        with atomic_path(Path(vocabulary)) as temporary:
            lines = (f"{word} {values[row]}\n" for word, row in zip(words, rows, strict=True))
            temporary.write_text("".join(lines), encoding="utf-8", newline="\n")
    name = "word2vec-binary" if binary else "word2vec-text" if header else "glove"
    formats.write(path, Table(words, table.vectors[rows].astype(np.float32, copy=False)), name)


def read_word2vec(
    path: str | PathLike[str],
    vocabulary: str | PathLike[str] | None,
    binary: bool,
    encoding: str,
    errors: DecodingErrors,
    limit: int | None,
    no_header: bool,
) -> Table:
    """Read word2vec's text or binary format.

    Args:
        path: The file, which may be compressed.
        vocabulary: A file with a key and its count per line; None gives the counts V to 1, as gensim does.
        binary: Whether the file is binary.
        encoding: Must be UTF-8.
        errors: How to treat words that are not valid UTF-8: "strict", "ignore" or "replace".
        limit: Maximum number of rows.
        no_header: Whether the file is text without a header, as GloVe's.

    Raises:
        FormatError: The file is damaged; ShortFileError, also an EOFError, if it is too short.
        UnicodeDecodeError: A word is not valid UTF-8 and `errors` is "strict".
        ArgumentError: The encoding is not UTF-8, or `no_header` is combined with `binary`.
    """
    if encoding.lower().replace("-", "") != "utf8":
        raise ArgumentError(f"encoding {encoding!r} is not supported; convert the file to UTF-8")
    if binary and no_header:
        raise ArgumentError("a binary file without a header cannot be read; pass binary=False")
    path = Path(path)
    read = read_word2vec_binary if binary else read_glove if no_header else read_word2vec_text
    try:
        table = read(path, limit, False, errors)
        known = None if vocabulary is None else _read_counts(Path(vocabulary), errors)
    except TruncatedError as error:
        raise ShortFileError(str(error)) from error
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror or error}") from error
    check_finite(path, table)
    if known is None:
        return table._replace(counts=counts_by_rank(len(table.words)))
    missing = [word for word in table.words if word not in known]
    if missing:
        _log.warning("%s: %d words have no count, for instance %r", vocabulary, len(missing), missing[0])
    return table._replace(counts=np.array([known.get(word, 0) for word in table.words], np.int64))


def _read_counts(path: Path, errors: DecodingErrors) -> dict[str, int]:
    """Read a file with a word and its count per line."""
    found: dict[str, int] = {}
    for number, line in enumerate(path.read_bytes().decode("utf-8", errors).split("\n"), start=1):
        word, separator, count = line.strip().rpartition(" ")
        if separator and count.isdecimal():
            found[word] = int(count)
        elif line.strip():
            raise FormatError(f"{path}, line {number}: expected a word and its count, found {line[:60]!r}")
    return found


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        stored = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: the settings of the model are damaged; restore the file from a copy") from error
    return stored if isinstance(stored, dict) else {}
