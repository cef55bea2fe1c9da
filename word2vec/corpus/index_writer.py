"""Write the files of an index; index.py describes them."""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from word2vec.corpus.index import (
    BLOCK_BYTES,
    INDEX_VERSION,
    OFFSETS_FILE,
    PHRASES_FILE,
    TOKENS_FILE,
    VOCABULARY_FILE,
    IndexFacts,
    write_facts,
)
from word2vec.corpus.phrases import Phrases
from word2vec.corpus.read_report import ReadReport
from word2vec.system.atomic_files import flush_file, flush_folder


@contextmanager
def npy_file(path: Path, dtype: np.dtype[Any]) -> Iterator[BinaryIO]:
    """Write a one-dimensional .npy file of unknown length: the block writes the content, the header is filled in."""

    def write_header(size: int) -> None:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (size,)}
        np.lib.format.write_array_header_1_0(file, header)

    with path.open("wb") as file:
        write_header(0)
        start = file.tell()
        yield file
        size = (file.tell() - start) // dtype.itemsize
        file.seek(0)
        write_header(size)  # subtle: not longer than the first one, because numpy leaves room for a larger size


def write_vocabulary(path: Path, words: Sequence[bytes], counts: npt.NDArray[np.int64]) -> None:
    """Write one line per word, all words of one count at a time: most words are rare, so there are few counts."""
    borders = [0, *(np.flatnonzero(np.diff(counts)) + 1).tolist(), len(words)]
    with path.open("wb") as file:
        for start, end in pairwise(borders):
            line_end = b"\t%d\n" % counts[start]
            file.write(line_end.join(words[start:end]) + line_end)


def finish_index(
    folder: Path,
    *,
    lowercase: bool,
    words: int,
    sentences: int,
    distinct_words: int,
    report: ReadReport,
    fingerprint: str | None = None,
    tokens_checksum: int | None = None,
    phrases: Phrases | None = None,
) -> None:
    """Write index.json beside the other files of an index, and wait until all of them are on disk.

    Args:
        folder: The folder of the index.
        lowercase: Whether the text was lowercased.
        words: The number of words in the corpus.
        sentences: The number of sentences.
        distinct_words: The number of distinct words.
        report: Irregularities of the input.
        fingerprint: The fingerprint of a corpus that was saved from memory.
        tokens_checksum: The CRC-32 of tokens.npy, if it is known.
        phrases: The phrases that were joined, if any.
    """
    names = [OFFSETS_FILE, VOCABULARY_FILE]
    if phrases is not None:
        (folder / PHRASES_FILE).write_bytes(phrases.to_bytes())
        names.append(PHRASES_FILE)
    checksums = {name: file_checksum(folder / name) for name in names}
    known = file_checksum(folder / TOKENS_FILE) if tokens_checksum is None else tokens_checksum
    facts = IndexFacts(
        version=INDEX_VERSION,
        lowercase=lowercase,
        words=words,
        sentences=sentences,
        distinct_words=distinct_words,
        undecodable_bytes=report.undecodable_bytes,
        long_words=report.long_words,
        checksums={TOKENS_FILE: known, **checksums},
        empty_tokens=report.empty_tokens,
        missing_values=report.missing_values,
        fingerprint=fingerprint,
    )
    write_facts(folder, facts)
    for path in folder.iterdir():
        flush_file(path)
    flush_folder(folder)


def file_checksum(path: Path) -> int:
    """Return the CRC-32 of a file."""
    checksum = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            checksum = zlib.crc32(block, checksum)
    return checksum
