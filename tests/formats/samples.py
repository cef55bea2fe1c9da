"""Helpers shared by the tests of the formats: file names, words that are hard to store, and small files."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from word2vec import formats
from word2vec.errors import FormatError

NAMES = {
    "run": "run",
    "safetensors": "v.safetensors",
    "npz": "v.npz",
    "fasttext": "v.fasttext",
    "word2vec-text": "v.txt",
    "word2vec-binary": "v.bin",
    "glove": "v.glove",
}
"""The formats, each with a file name. The extension selects the format, except that of fastText."""

# words may contain characters that str treats as line breaks or whitespace, except those of ASCII
WORDS = [
    "the",
    "</s>",
    "naïve",
    "東京",
    "a\u2028b",
    "a\x1cb",
    "a\x85b",
    "\xa0",
    "🙂",
    '"quoted"',
    "#",
    "1",
    "-1.5",
]
"""Words that every format can store."""


def bits(vectors: np.ndarray) -> np.ndarray:
    assert vectors.dtype == np.float32
    return vectors.view(np.uint32)


def write_bytes(path: Path, text: bytes | str) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def binary(*rows: tuple[str, list[float]], end: bytes = b"", header: bytes | None = None) -> bytes:
    body = b"".join(word.encode() + b" " + np.array(row, dtype="<f4").tobytes() + end for word, row in rows)
    return (header or b"%d %d\n" % (len(rows), len(rows[0][1]))) + body


def read_error(path: Path, **arguments: object) -> str:
    """The message, a single line, with which reading a path fails."""
    with pytest.raises(FormatError) as caught:
        formats.read(path, **arguments)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
