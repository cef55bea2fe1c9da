"""Write fastText models (.bin, version 12), which fastText itself and gensim's `load_facebook_vectors` open.

The layout is described in fasttext.py. The format has a row for every bucket; those without one are written as zeros,
which take no space on disk where the file system supports holes. Vectors without n-grams are written as a model without
buckets.

A model also contains the settings of its training, see `TrainingSettings`. They do not affect its vectors, and word
vectors do not know theirs. Counts that are unknown are written as 1.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import FormatError
from word2vec.formats.fasttext import (
    DICTIONARY,
    HIERARCHICAL_SOFTMAX,
    MAGIC,
    PRUNED,
    QUANTIZED,
    SETTINGS,
    SHAPE,
    VERSIONS,
    WORD,
    TrainingSettings,
    reversed_nodes,
)
from word2vec.formats.file_io import write_sparse
from word2vec.formats.ngrams import standard
from word2vec.formats.table import BLOCK, Table, encode_words, row_blocks
from word2vec.models.subwords import Subwords


def write_fasttext(path: Path, table: Table, progress: bool, training: TrainingSettings | None = None) -> None:
    """Write a model; words must not contain whitespace or NUL.

    Args:
        path: The file.
        table: The table to write.
        progress: Whether to show a progress bar on stderr if writing takes long.
        training: The settings of training, if they are known; the loss is that of the table.

    Raises:
        FormatError: The format cannot represent a word.
    """
    words = encode_words(path, table.words, spaces=False)
    nul = next((word for word in table.words if "\0" in word), None)
    if nul is not None:
        raise FormatError(f"cannot write {path}: the word {nul!r} contains NUL, which ends a word; use safetensors")
    none = np.empty((0, table.vectors.shape[1]), np.float32)
    subwords = Subwords(none, 0, 0) if table.subwords is None else standard(table, table.subwords)
    rows = subwords.word_rows
    if rows is None:
        rows = table.vectors if table.subwords is None else subwords.own_rows(words, table.vectors)
    head = _settings(table, subwords, training or TrainingSettings()) + _dictionary(words, table.counts)
    tables = 2 * (QUANTIZED.size + SHAPE.size) + 4 * (2 * len(words) + subwords.buckets) * table.vectors.shape[1]
    output = table.output if table.nodes is None else reversed_nodes(table.nodes)
    write_sparse(path, _blocks(head, rows, subwords, output), len(head) + tables, progress)


def _settings(table: Table, subwords: Subwords, training: TrainingSettings) -> bytes:
    if table.nodes is not None:
        training = training._replace(loss=HIERARCHICAL_SOFTMAX)
    *first, update_rate, subsample = training
    ngrams = subwords.buckets, subwords.min_n, subwords.max_n
    version = max(VERSIONS).to_bytes(4, "little")
    return MAGIC + version + SETTINGS.pack(table.vectors.shape[1], *first, *ngrams, update_rate, subsample)


def _dictionary(words: list[bytes], counts: NDArray[np.int64] | None) -> bytes:
    # subtle: gensim drops words with a count below 1
    numbers = np.ones(len(words), np.int64) if counts is None else np.maximum(counts, 1)
    head = DICTIONARY.pack(len(words), len(words), 0, int(numbers.sum())) + PRUNED.pack(-1)
    entries = (
        b"%b\0%b%c" % (word, number.to_bytes(8, "little"), WORD)
        for word, number in zip(words, numbers.tolist(), strict=True)
    )
    return head + b"".join(entries)


def _blocks(
    head: bytes, rows: NDArray[np.float32], subwords: Subwords, output: NDArray[np.float32] | None
) -> Iterator[NDArray[np.uint8]]:
    """Yield the bytes of the file."""
    words, dim = rows.shape
    yield np.frombuffer(head + QUANTIZED.pack(False) + SHAPE.pack(words + subwords.buckets, dim), np.uint8)
    yield from map(_bytes_of, row_blocks(rows))
    step = max(1, BLOCK // (4 * dim))
    for start in range(0, subwords.buckets, step):
        yield _bytes_of(subwords.bucket_rows(start, min(start + step, subwords.buckets)))
    yield np.frombuffer(QUANTIZED.pack(False) + SHAPE.pack(words, dim), np.uint8)
    yield from map(_bytes_of, row_blocks(np.broadcast_to(np.float32(0), rows.shape) if output is None else output))


def _bytes_of(block: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(block, "<f4").reshape(-1).view(np.uint8)
