"""fastText's models (.bin), read only: words, their vectors, and the n-gram rows that give unknown words vectors.

Bojanowski, Grave, Joulin and Mikolov (2017), "Enriching word vectors with subword information". A model is: a magic
number and a version; twelve settings of four bytes and one of eight; the dictionary; whether the tables are compressed;
the input table, a row for each word and then one for each bucket of n-grams; the output table, which is not read.
The vector of a word is the mean of its own row and those of its n-grams, worked out here once.
"""

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import FormatError
from word2vec.formats.source import Source, open_source
from word2vec.formats.table import BLOCK, Table, WordList, distinct
from word2vec.models.subwords import Subwords

MAGIC = struct.pack("<i", 793712314)
VERSIONS = 11, 12
SETTINGS = struct.Struct("<12id")  # dim, ws, epoch, minCount, neg, wordNgrams, loss, model, bucket, minn, maxn, ..., t
DICTIONARY = struct.Struct("<iiiqq")  # entries, words, labels, corpus words, pruned n-grams (-1: none were)
SHAPE = struct.Struct("<?qq")  # whether the table is compressed, rows, columns
WORD, SUPERVISED = 0, 3  # a type of entry, and a kind of model
MIN_ENTRY = 10  # bytes: the NUL behind the word, the count, the type
_ENTRY = re.compile(rb"([^\0]*)\0(.{8})(.)", re.DOTALL)
LONGEST_WORD = 1 << 16  # bytes
LONGEST_NGRAM = 100  # characters; longer ones come from damage only


class _Settings(NamedTuple):
    dim: int
    buckets: int
    shortest: int  # characters of n-grams
    longest: int


def is_fasttext(head: bytes) -> bool:
    """Whether a file begins with fastText's magic number."""
    return head.startswith(MAGIC)


def read_fasttext(path: Path, limit: int | None, progress: bool) -> Table:
    """Reads a model; with a limit its first words only, and all n-grams."""
    with open_source(path, progress) as source:
        settings = _read_settings(source)
        words, counts = _read_dictionary(source)
        rows, buckets = _read_input_table(source, settings, len(words))
    subwords = Subwords(buckets, settings.shortest, settings.longest)
    kept = words[:limit]
    vectors = subwords.known_vectors(kept, rows[:limit])
    listed = WordList(path)
    listed.extend(b"".join(word + b"\0" for word in kept), "\0")
    listed.warn()
    return distinct(path, Table(listed.words, vectors, counts[:limit], subwords=subwords if len(buckets) else None))


def _read_settings(source: Source) -> _Settings:
    magic, version = _unpack(source, struct.Struct("<4si"))
    if magic != MAGIC:
        raise FormatError(f"{source.path} does not begin as fastText's models do")
    if version not in VERSIONS:
        raise FormatError(f"{source.path} has version {version} of fastText's format; {VERSIONS} are read")
    dim, *_, kind, buckets, shortest, longest, _, _ = _unpack(source, SETTINGS)
    if kind == SUPERVISED and version == min(VERSIONS):
        longest = 0  # classifiers had no n-grams then, whatever the setting says
    if dim < 1 or buckets < (longest > 0) or not 0 <= longest <= LONGEST_NGRAM:
        raise FormatError(f"{source.path} has {dim} dimensions, {buckets} buckets, n-grams of {longest}; it is damaged")
    return _Settings(dim, buckets, shortest, longest)


def _read_dictionary(source: Source) -> tuple[list[bytes], NDArray[np.int64]]:
    """The words, most frequent first, and their counts; labels come behind them and are left out."""
    entries, n_words, n_labels, _, pruned = _unpack(source, DICTIONARY)
    if n_words < 1 or n_labels < 0 or entries != n_words + n_labels or entries * MIN_ENTRY > source.left:
        raise FormatError(
            f"{source.path}: a dictionary of {n_words} words and {n_labels} labels does not fit the file; it is cut "
            "off or damaged"
        )
    if pruned >= 0:
        raise FormatError(f"{source.path} is a pruned model (.ftz), which is not read; use the .bin it was made from")
    words, counts = [], np.empty(n_words, np.int64)
    for row, (word, count, kind) in enumerate(_read_entries(source, entries)):
        if (kind == WORD) != (row < n_words) or not word:
            raise FormatError(f"{source.path}, entry {row + 1} of the dictionary: {word[:40]!r} is out of place")
        if row < n_words:
            words.append(word)
            counts[row] = count
    return words, counts


def _read_entries(source: Source, entries: int) -> Iterator[tuple[bytes, int, int]]:
    """Each word or label with its count and its type; leaves the source behind the last."""
    rest, done = b"", 0
    while done < entries:
        block, start = source.read(BLOCK), 0
        buffer = rest + block
        while done < entries and (match := _ENTRY.match(buffer, start)):
            word, count, kind = match.groups()
            yield word, int.from_bytes(count, "little", signed=True), kind[0]
            start, done = match.end(), done + 1
        rest = buffer[start:]
        if done < entries and (not block or len(rest) > LONGEST_WORD + MIN_ENTRY):
            raise FormatError(
                f"{source.path}: entry {done + 1} of {entries} of the dictionary has no end; it is cut off"
            )
    source.unread(rest)


def _read_input_table(
    source: Source, settings: _Settings, words: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The rows of the words, and those of the n-grams."""
    compressed, rows, dim = _unpack(source, SHAPE)
    if compressed:
        raise FormatError(
            f"{source.path} is a compressed model (.ftz), which is not read; use the .bin it was made from"
        )
    needed = words + (settings.buckets if settings.longest else 0)
    if dim != settings.dim or rows < needed:
        raise FormatError(
            f"{source.path}: a table of {rows} rows of {dim} numbers does not fit {words} words, {settings.buckets} "
            f"buckets and {settings.dim} dimensions; it is damaged"
        )
    table = source.table(rows, dim, "words and n-grams")
    return table[:words], table[words:needed]


def _unpack(source: Source, layout: struct.Struct) -> tuple[Any, ...]:
    content = source.read(layout.size)
    if len(content) < layout.size:
        raise FormatError(f"{source.path} ends in the midst of its settings; it is cut off, fetch it again")
    return layout.unpack(content)
