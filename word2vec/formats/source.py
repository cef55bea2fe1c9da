"""Reading and writing the bytes of vector files: compression, damage, how much memory may be taken, the progress bar.

What the bytes mean is the business of each format. Nothing that a file says of its own size is believed: `Source.left`
tells how many bytes can follow at most, and what promises more is refused before memory is taken for it.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from word2vec.errors import FormatError
from word2vec.formats.table import BLOCK, Table
from word2vec.system.atomic_files import atomic_path
from word2vec.system.compression import COMPRESSIONS, DamagedFileError, decompressed

# What an honest compressed file unfolds to, in times its size: vectors shrink to a third at best; those of a toy
# example may be all zeros, so small files may unfold to more. A bomb reaches 1,000 (gzip) to 1,000,000 (bzip2).
MAX_UNFOLDING, ALWAYS_ALLOWED = 100, 1 << 26
HEAD = 1 << 16  # bytes looked at to tell the formats apart
BAR_DELAY = 0.5  # seconds; what is read sooner needs no bar


class Source:
    """The bytes of a file, decompressed.

    Attributes:
        path: the file.
        compressed: whether it is.
        position: how many bytes, decompressed, were read.
    """

    def __init__(self, path: Path, raw: BinaryIO, file: BinaryIO, bar: "tqdm[Any]") -> None:
        self.path, self.compressed, self.position = path, file is not raw, 0
        self._raw, self._file, self._bar = raw, file, bar
        self._size = path.stat().st_size
        self._unread = b""
        self._most = ALWAYS_ALLOWED + MAX_UNFOLDING * self._size if self.compressed else self._size

    @property
    def left(self) -> int:
        """How many bytes can follow at most."""
        return self._most - self.position

    @property
    def share(self) -> float:
        """How much of the file on the disk is read, 0 to 1."""
        return self._raw.tell() / max(1, self._size)

    def read(self, size: int) -> bytes:
        """So many bytes, or what is left."""
        block, self._unread = self._unread[:size], self._unread[size:]
        if len(block) < size:
            block += self._file.read(min(size - len(block), self.left + 1))
        return self._counted(block)

    def unread(self, block: bytes) -> None:
        """Gives back the last bytes that were read, for the next reader."""
        self._unread = block
        self.position -= len(block)

    def readline(self, size: int) -> bytes:
        """A line, or so many bytes of it; not to be mixed with `unread`."""
        return self._counted(self._file.readline(min(size, self.left + 1)))

    def table(self, rows: int, dim: int, what: str) -> NDArray[np.float32]:
        """A table of little-endian float32, (rows, dim): mapped from the disk where the file is not compressed.

        Raises:
            FormatError: the file ends before the table does; named by `what`.
        """
        size = 4 * rows * dim
        if size > self.left:
            raise FormatError(
                f"{self.path} promises {rows} rows of {dim} numbers for {what}, {size} bytes, but at most {self.left} "
                "follow; it is cut off or damaged"
            )
        if not self.compressed:
            table = np.memmap(self._raw, "<f4", "c", self.position, (rows, dim))
            self.position, self._unread = self.position + size, b""
            self._file.seek(self.position)
            return table.view(np.ndarray)
        numbers = np.empty((rows, dim), "<f4")
        target = numbers.reshape(-1).view(np.uint8).data
        for start in range(0, size, BLOCK):
            block = self.read(min(BLOCK, size - start))
            if len(block) < min(BLOCK, size - start):
                raise FormatError(f"{self.path} ends in the midst of {what}; it is cut off, fetch it again")
            target[start : start + len(block)] = block
        return numbers.astype(np.float32, copy=False)

    def _counted(self, block: bytes) -> bytes:
        self.position += len(block)
        if self.position > self._size and not self.compressed:
            raise FormatError(f"{self.path} grew while it was read; wait until it is whole")
        if self.position > self._most:
            raise FormatError(
                f"{self.path} unfolds to over {MAX_UNFOLDING} times its size, as no vectors do; "
                "if you trust it, decompress it first"
            )
        self._bar.update(self._raw.tell() - self._bar.n)
        return block


@contextmanager
def open_source(path: Path, progress: bool = False) -> Iterator[Source]:
    """Opens a file, compressed or not, which its first bytes tell.

    Raises:
        FormatError: the compressed file is damaged.
        OSError: the file cannot be read.
    """
    try:
        with (
            path.open("rb") as raw,
            _bar(path, path.stat().st_size, "B", "reading", progress) as bar,
            decompressed(raw) as file,
        ):
            yield Source(path, raw, file, bar)
    except DamagedFileError as error:
        raise FormatError(f"{path}: the compressed file is damaged or cut off ({error}); fetch it again") from error


def head(path: Path) -> bytes:
    """The first bytes of a file, decompressed."""
    with open_source(path) as source:
        return source.read(HEAD)


def write_rows(path: Path, table: Table, header: bytes, rows: Iterator[bytes], progress: bool) -> None:
    """Writes a file of one piece a row, compressed if its name says so."""
    with (
        atomic_path(path) as temporary,
        temporary.open("wb") as raw,
        _compressing(path, raw) as file,
        _bar(path, len(table.words), "word", "writing", progress) as bar,
    ):
        file.write(header)
        for row in rows:
            file.write(row)
            bar.update()


def _compressing(path: Path, raw: BinaryIO) -> BinaryIO:
    """Where to write the bytes that are to be compressed; closing it leaves `raw` open, if that is another."""
    compression = COMPRESSIONS.get(path.suffix.lower())
    return io.BufferedWriter(cast(io.RawIOBase, compression.writer(raw)), BLOCK) if compression else raw


def _bar(path: Path, total: int, unit: str, doing: str, shown: bool) -> "tqdm[Any]":
    return tqdm(
        desc=f"{doing} {path.name}",
        total=total,
        unit=unit,
        unit_scale=True,
        disable=not shown,
        leave=False,
        delay=BAR_DELAY,
    )
