"""What the tests of the formats share: names, awkward words, small files, and the one line of a complaint."""

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
    "word2vec-text": "v.txt",
    "word2vec-binary": "v.bin",
    "glove": "v.glove",
}
"""The formats that are written, and a path whose ending chooses them."""

# what str takes for a line end or for white space may be part of a word; only ASCII's white space may not
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
    "a\x00b",
]
"""Every word here can be kept by every format."""


def bits(vectors: np.ndarray) -> np.ndarray:
    assert vectors.dtype == np.float32
    return vectors.view(np.uint32)


def toy(path: Path, text: bytes | str) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def binary(*rows: tuple[str, list[float]], end: bytes = b"", header: bytes | None = None) -> bytes:
    body = b"".join(word.encode() + b" " + np.array(row, dtype="<f4").tobytes() + end for word, row in rows)
    return (header or b"%d %d\n" % (len(rows), len(rows[0][1]))) + body


def complaint(path: Path, **arguments: object) -> str:
    """The one line with which a path is refused."""
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
