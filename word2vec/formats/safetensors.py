"""A single safetensors file with the tables of a run folder, the `counts`, and the words.

The tensor `words` contains the words as UTF-8 text, one per line. Like a run folder, the file is memory-mapped: loading
takes memory only for the rows that are accessed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import FormatError
from word2vec.formats.run import (
    VECTORS_FILE,
    VOCABULARY_FILE,
    content_of,
    read_run,
    read_tables,
    write_run,
)
from word2vec.formats.table import Table, WordList, distinct, encode_words
from word2vec.formats.tensor_file import map_tensors, write_tensors
from word2vec.system.atomic_files import atomic_path


def read_safetensors(path: Path, limit: int | None, progress: bool = False) -> Table:  # noqa: ARG001 (memory-mapped)
    """Read a single file; if it is the vectors file of a run folder, read that folder."""
    file = map_tensors(path)
    if "words" not in file.tensors and (path.parent / VOCABULARY_FILE).is_file() and path.name == VECTORS_FILE:
        return read_run(path.parent, limit)
    tables = read_tables(path, file, limit)
    text, counts = file.tensors.get("words"), file.tensors.get("counts")
    if text is None or text.dtype != np.uint8 or text.ndim != 1:
        raise FormatError(
            f"{path}: contains no words (a tensor 'words' of type U8, one word per line); pass the run folder instead"
        )
    words = WordList(path)
    words.extend(text.tobytes(), "\n")
    if len(words.words) != tables.total or text[-1] != ord("\n"):
        raise FormatError(f"{path}: contains {len(words.words)} words but {tables.total} rows; the file is damaged")
    if counts is not None and (counts.dtype != np.int64 or counts.shape != (tables.total,)):
        raise FormatError(
            f"{path}: 'counts' has type {counts.dtype} and shape {list(counts.shape)}, expected one I64 per word"
        )
    words.warn()
    counts = None if counts is None else counts[:limit]
    return distinct(path, tables.table(words.words[:limit], counts))


def write_safetensors(path: Path, table: Table, progress: bool = False) -> None:
    """Write a single file, or a run folder if the path is a folder or has no extension."""
    if path.is_dir() or not path.suffix:
        write_run(path, table, progress)
    else:
        write_single_file(path, table)


def write_single_file(
    path: Path, table: Table, extra: Mapping[str, NDArray[Any]] | None = None, metadata: Mapping[str, str] | None = None
) -> None:
    """Write a single file with any extension; `read_safetensors` ignores the additional tensors and metadata."""
    tensors, own_metadata = content_of(table)
    tensors |= dict(extra or {}) | ({} if table.counts is None else {"counts": table.counts})
    text = b"".join(word + b"\n" for word in encode_words(path, table.words, spaces=True))
    metadata = {**(metadata or {}), **own_metadata}
    with atomic_path(path) as temporary:
        write_tensors(temporary, tensors | {"words": np.frombuffer(text, np.uint8)}, metadata)
