"""fastText models (.bin): words, vectors, and the n-gram rows that provide vectors for unknown words.

Bojanowski, Grave, Joulin and Mikolov (2017), "Enriching word vectors with subword information". A model consists of a
magic number and a version; twelve settings of four bytes and one of eight; the dictionary; a flag for quantized tables;
the input table, with one row per word followed by one row per n-gram bucket; and the output table, after another flag.
The vector of a word is the mean of its own row and those of its n-grams; it is computed here, once. All other rows are
read from disk when they are used. Models are written by fasttext_writer.py.

The first public version of fastText (2016) wrote the same without the magic number, the version, the number of pruned
n-grams and the flags. Such a file is recognized by its settings, each of which must be within its limits.
"""

import logging
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from word2vec.config import MAX_NGRAM
from word2vec.errors import FormatError
from word2vec.formats.file_io import FileReader, open_file
from word2vec.formats.table import BLOCK, Table, WordList, distinct, select
from word2vec.models.subwords import WHOLE_WORDS, Subwords

MAGIC = struct.pack("<i", 793712314)
VERSIONS = 11, 12
SETTINGS = struct.Struct("<12id")  # dim, ws, epoch, minCount, neg, wordNgrams, loss, model, bucket, minn, maxn, ..., t
DICTIONARY = struct.Struct("<iiiq")  # entries, words, labels, corpus words
PRUNED = struct.Struct("<q")  # number of pruned n-grams, -1 for none
QUANTIZED = struct.Struct("<?")  # whether the table is quantized
SHAPE = struct.Struct("<qq")  # rows, columns
FIRST_VERSION = 0  # the format without a version number
WORD, SUPERVISED, HIERARCHICAL_SOFTMAX = 0, 3, 1  # codes of an entry type, of a model type and of a loss
MIN_ENTRY_BYTES = 10  # the NUL after the word, the count, the type
_ENTRY = re.compile(rb"([^\0]*)\0(.{8})(.)", re.DOTALL)
MAX_WORD_BYTES = 1 << 16

# limits of the settings in a file without magic number: far beyond what anyone uses, far below what other files contain
LIMITS = {
    "dim": (1, 100_000), "ws": (1, 10_000), "epoch": (0, 1_000_000), "minCount": (0, 10_000_000), "neg": (0, 100_000),
    "wordNgrams": (0, 100), "loss": (1, 3), "model": (1, 3), "bucket": (0, 2**31), "minn": (0, MAX_NGRAM),
    "maxn": (0, MAX_NGRAM), "lrUpdateRate": (0, 2**31), "t": (0, 1),
}  # fmt: skip

_log = logging.getLogger(__name__)


class TrainingSettings(NamedTuple):
    """The settings of training in a model. They do not affect its vectors; the defaults are written if unknown."""

    window: int = 5
    epochs: int = 5
    min_count: int = 1
    negatives: int = 5
    word_ngrams: int = 1
    loss: int = 2  # negative sampling
    model: int = 2  # skip-gram
    update_rate: int = 100
    subsample: float = 1e-4


class _Settings(NamedTuple):
    version: int
    dim: int
    buckets: int
    min_n: int  # characters of the shortest n-grams
    max_n: int  # characters of the longest n-grams, 0 for none
    model: int
    loss: int


def is_fasttext(head: bytes) -> bool:
    """Return whether a file starts with fastText's magic number, or with settings and a dictionary without one."""
    return head.startswith(MAGIC) or _is_first_version(head)


def _is_first_version(head: bytes) -> bool:
    if len(head) < SETTINGS.size + DICTIONARY.size:
        return False
    settings = SETTINGS.unpack_from(head)
    entries, words, labels, _ = DICTIONARY.unpack_from(head, SETTINGS.size)
    within = all(low <= value <= high for value, (low, high) in zip(settings, LIMITS.values(), strict=True))
    return within and 0 < words <= entries == words + labels


def read_fasttext(path: Path, limit: int | None, progress: bool) -> Table:
    """Read a model: its words, up to the limit, all n-gram rows, and the output table of words or nodes, not labels.

    The output table of a compressed file is ignored: it could not be mapped, and only training needs it.
    """
    with open_file(path, progress) as file:
        settings = _read_settings(file)
        words, counts = _read_dictionary(file, settings.version)
        rows, buckets = _read_input_table(file, settings, len(words))
        output = _read_output_table(file, settings, len(words))
        if limit is None:
            file.skip_to_end()
    kept, rows = words[:limit], rows[:limit]
    decoded = WordList(path)
    decoded.extend(b"".join(word + b"\0" for word in kept), "\0")
    decoded.warn()
    if len(buckets):
        whole_words = WHOLE_WORDS if settings.version > FIRST_VERSION else frozenset[bytes]()
        subwords = Subwords(buckets, settings.min_n, settings.max_n, whole_words, word_rows=rows)
        vectors = subwords.known_vectors(kept, rows)
        _keep_vectors(subwords, kept, decoded.words, vectors)
    else:
        subwords, vectors = None, np.array(rows)  # a copy, because mapped rows need not be aligned
    table = Table(decoded.words, vectors, counts[:limit], subwords=subwords)
    if output is not None and settings.loss != HIERARCHICAL_SOFTMAX:
        table = table._replace(output=output[:limit])
    elif output is not None and len(kept) == len(words):  # a tree needs all words
        table = table._replace(nodes=reversed_nodes(output))
    return distinct(path, _without_empty_words(path, table))


def read_training_settings(path: Path) -> TrainingSettings:
    """Return the settings of training in a model that `read_fasttext` can read."""
    with open_file(path) as file:
        _read_version(file)
        _, *numbers, _, _, _, update_rate, subsample = _unpack(file, SETTINGS)
    window, epochs, min_count, negatives, word_ngrams, loss, model = numbers
    return TrainingSettings(window, epochs, min_count, negatives, word_ngrams, loss, model, update_rate, subsample)


def reversed_nodes(output: NDArray[np.float32]) -> NDArray[np.float32]:
    """Convert the nodes of hierarchical softmax, (V, D), from or to fastText's output table; its own inverse.

    fastText numbers nodes from the leaves to the root, V - 2, and the probability of the first child of a node is the
    sigmoid of the negative score. The last row is not used.
    """
    return np.concatenate([-output[-2::-1], np.zeros_like(output[:1])])


def _keep_vectors(subwords: Subwords, words: list[bytes], decoded: list[str], vectors: NDArray[np.float32]) -> None:
    """Change the own rows of words that are not valid UTF-8, so that their vectors fit the n-grams of the new words."""
    for row, (word, new) in enumerate(zip(words, decoded, strict=True)):
        if new.encode() != word and subwords.word_rows is not None:
            subwords.word_rows[row] = subwords.own_rows([new.encode()], vectors[row : row + 1])[0]


def _without_empty_words(path: Path, table: Table) -> Table:
    """Drop the empty words that fastText adds to the dictionary if a file of pretrained vectors has empty lines."""
    if "" not in table.words:
        return table
    rows = [row for row, word in enumerate(table.words) if word]
    if not rows:
        raise FormatError(f"{path}: all words are empty; the file is damaged")
    _log.warning("%s: empty words in the dictionary are ignored", path)
    return select(table, np.array(rows))


def _read_settings(file: FileReader) -> _Settings:
    version = _read_version(file)
    dim, *_, loss, kind, buckets, min_n, max_n, _, _ = _unpack(file, SETTINGS)
    if kind == SUPERVISED and version <= min(VERSIONS):
        max_n = 0  # classifiers of these versions have no n-grams, whatever the setting says
    if dim < 1 or buckets < (max_n > 0) or not 0 <= max_n <= MAX_NGRAM:
        raise FormatError(f"{file.path}: {dim} dimensions, {buckets} buckets, n-grams of {max_n}; the file is damaged")
    return _Settings(version, dim, buckets, min_n, max_n, kind, loss)


def _read_version(file: FileReader) -> int:
    head = file.read(SETTINGS.size + DICTIONARY.size)
    if not head.startswith(MAGIC):
        file.unread(head)
        if not _is_first_version(head):
            raise FormatError(f"{file.path}: not a fastText model; its settings are out of range")
        return FIRST_VERSION
    file.unread(head[len(MAGIC) :])
    (version,) = _unpack(file, struct.Struct("<i"))
    if version not in VERSIONS:
        raise FormatError(f"{file.path}: version {version} of fastText's format is not supported, only {VERSIONS}")
    return int(version)


def _read_dictionary(file: FileReader, version: int) -> tuple[list[bytes], NDArray[np.int64]]:
    """Return the words, most frequent first, and their counts, (V,); the labels that follow them are skipped."""
    entries, n_words, n_labels, _ = _unpack(file, DICTIONARY)
    if n_words < 1 or n_labels < 0 or entries != n_words + n_labels or entries * MIN_ENTRY_BYTES > file.left:
        raise FormatError(
            f"{file.path}: a dictionary of {n_words} words and {n_labels} labels does not match the file, which is "
            "truncated or damaged"
        )
    if version > FIRST_VERSION and _unpack(file, PRUNED)[0] >= 0:
        raise FormatError(f"{file.path}: pruned models (.ftz) are not supported; use the .bin file it was made from")
    words, counts = [], np.empty(n_words, np.int64)
    for row, (word, count, kind) in enumerate(_read_entries(file, entries)):
        if (kind == WORD) != (row < n_words):
            raise FormatError(
                f"{file.path}, entry {row + 1} of the dictionary: unexpected entry {word[:40]!r}; the file is damaged"
            )
        if row < n_words:
            words.append(word)
            counts[row] = count
    return words, counts


def _read_entries(file: FileReader, entries: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield each word or label with its count and type; afterward the file is positioned after the last one."""
    rest, done = b"", 0
    while done < entries:
        block, start = file.read(BLOCK), 0
        buffer = rest + block
        while done < entries and (match := _ENTRY.match(buffer, start)):
            word, count, kind = match.groups()
            yield word, int.from_bytes(count, "little", signed=True), kind[0]
            start, done = match.end(), done + 1
        rest = buffer[start:]
        if done < entries and (not block or len(rest) > MAX_WORD_BYTES + MIN_ENTRY_BYTES):
            raise FormatError(
                f"{file.path}: entry {done + 1} of {entries} of the dictionary is incomplete; the file is truncated"
            )
    file.unread(rest)


def _read_input_table(
    file: FileReader, settings: _Settings, words: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the rows of the words, (V, D), and those of the n-gram buckets, (B, D)."""
    rows, dim = _read_shape(file, settings)
    needed = words + (settings.buckets if settings.max_n else 0)
    if dim != settings.dim or rows < needed:
        raise FormatError(
            f"{file.path}: a table of {rows} rows with {dim} columns does not match {words} words, {settings.buckets} "
            f"buckets and {settings.dim} dimensions; the file is damaged"
        )
    table = file.table(rows, dim, "words and n-grams")
    return table[:words], table[words:needed]


def _read_output_table(file: FileReader, settings: _Settings, words: int) -> NDArray[np.float32] | None:
    """Return the output table, (V, D); None if the file is compressed or its rows are those of labels."""
    if file.compressed or settings.model == SUPERVISED:
        return None
    rows, dim = _read_shape(file, settings)
    if (rows, dim) != (words, settings.dim):
        raise FormatError(
            f"{file.path}: an output table of {rows} rows with {dim} columns does not match {words} words and "
            f"{settings.dim} dimensions; the file is damaged"
        )
    return file.table(rows, dim, "the output table")


def _read_shape(file: FileReader, settings: _Settings) -> tuple[int, int]:
    """Return the number of rows and columns of the table that follows."""
    if settings.version > FIRST_VERSION and _unpack(file, QUANTIZED)[0]:
        raise FormatError(f"{file.path}: quantized models (.ftz) are not supported; use the .bin file it was made from")
    rows, dim = _unpack(file, SHAPE)
    return rows, dim


def _unpack(file: FileReader, layout: struct.Struct) -> tuple[Any, ...]:
    """Read the fields of a struct."""
    content = file.read(layout.size)
    if len(content) < layout.size:
        raise FormatError(
            f"{file.path}: ends within its settings or before its tables; the file is truncated; get a new copy"
        )
    return layout.unpack(content)
