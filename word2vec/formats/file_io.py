"""Reading and writing the bytes of vector files: compression, truncated files, bounds on memory, progress bars.

The meaning of the bytes is left to each format. Sizes declared in a file are never trusted: `FileReader.left` is the
maximum number of bytes that can follow, and a file that declares more is rejected before memory is allocated for it.
"""

import codecs
import io
from collections.abc import Iterable, Iterator
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

# Limits on decompression. Vectors compress to a third at best, but those of a toy example may be all zeros, so small
# files may expand by more. A decompression bomb expands 1,000-fold (gzip) to 1,000,000-fold (bzip2).
MAX_EXPANSION, ALWAYS_ALLOWED_BYTES = 100, 1 << 26
BYTE_ORDER_MARK = codecs.BOM_UTF8  # Windows editors put it before the text
HEAD_BYTES = 1 << 16  # examined to detect the format
BAR_DELAY = 0.5  # seconds before a progress bar is shown
PAGE = 1 << 12  # bytes; a smaller hole saves no space on most file systems


class FileReader:
    """The decompressed bytes of a file.

    Attributes:
        path: Path of the file.
        compressed: Whether the file is compressed.
        position: Number of decompressed bytes read so far.
    """

    def __init__(self, path: Path, raw: BinaryIO, file: BinaryIO, bar: "tqdm[Any]") -> None:
        self.path, self.compressed, self.position = path, file is not raw, 0
        self._raw, self._file, self._bar = raw, file, bar
        self._size = path.stat().st_size
        self._unread = b""
        self._max_bytes = ALWAYS_ALLOWED_BYTES + MAX_EXPANSION * self._size if self.compressed else self._size

    @property
    def left(self) -> int:
        """Maximum number of bytes that can follow."""
        return self._max_bytes - self.position

    @property
    def fraction_read(self) -> float:
        """Fraction of the bytes on disk read so far, 0 to 1."""
        return self._raw.tell() / max(1, self._size)

    def read(self, size: int) -> bytes:
        """Read `size` bytes, or fewer at the end of the file."""
        block, self._unread = self._unread[:size], self._unread[size:]
        if len(block) < size:
            block += self._file.read(min(size - len(block), self.left + 1))
        return self._count(block)

    def unread(self, block: bytes) -> None:
        """Put back the last bytes that were read, so that they are read again."""
        self._unread = block
        self.position -= len(block)

    def readline(self, size: int) -> bytes:
        """Read a line, or its first `size` bytes. Do not combine with `unread`."""
        return self._count(self._file.readline(min(size, self.left + 1)))

    def table(self, rows: int, dim: int, what: str) -> NDArray[np.float32]:
        """Read a table of little-endian float32, (rows, dim); memory-mapped if the file is not compressed.

        Args:
            rows: Number of rows.
            dim: Number of columns.
            what: Name of the rows for error messages.

        Raises:
            FormatError: The file ends before the table does.
        """
        size = 4 * rows * dim
        if size > self.left:
            raise FormatError(
                f"{self.path}: declares {rows} rows with {dim} dimensions for {what}, {size} bytes, but at most "
                f"{self.left} follow; the file is truncated or damaged"
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
                raise FormatError(f"{self.path}: ends within the {what}; the file is truncated; get a new copy")
            target[start : start + len(block)] = block
        return numbers.astype(np.float32, copy=False)

    def skip_to_end(self) -> None:
        """Read a compressed file to its end, where its checksum is."""
        while self.compressed and self.read(BLOCK):
            pass

    def _count(self, block: bytes) -> bytes:
        """Advance the position and the progress bar; raise FormatError beyond the maximum size."""
        self.position += len(block)
        if self.position > self._size and not self.compressed:
            raise FormatError(f"{self.path}: the file grew while it was read; wait until it is complete")
        if self.position > self._max_bytes:
            raise FormatError(
                f"{self.path}: expands to over {MAX_EXPANSION} times its size, which vectors never do; "
                "if you trust the file, decompress it first"
            )
        self._bar.update(self._raw.tell() - self._bar.n)
        return block


@contextmanager
def open_file(path: Path, progress: bool = False) -> Iterator[FileReader]:
    """Open a file for reading; its first bytes decide whether it is decompressed.

    Raises:
        FormatError: The compressed file is damaged.
        OSError: The file cannot be read.
    """
    try:
        with (
            path.open("rb") as raw,
            _bar(path, path.stat().st_size, "B", "reading", progress) as bar,
            decompressed(raw) as file,
        ):
            yield FileReader(path, raw, file, bar)
    except DamagedFileError as error:
        raise FormatError(f"{path}: the compressed file is damaged or truncated ({error}); get a new copy") from error


def read_head(path: Path) -> bytes:
    """Return the first bytes of a file, decompressed."""
    with open_file(path) as file:
        return file.read(HEAD_BYTES)


def write_rows(path: Path, table: Table, header: bytes, rows: Iterator[bytes], progress: bool) -> None:
    """Write a header and the encoded rows of a table atomically, compressed if the file extension says so."""
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


def write_sparse(path: Path, blocks: Iterable[NDArray[np.uint8]], size: int, progress: bool) -> None:
    """Write a file of `size` bytes atomically; zeros take no space where the file system supports holes."""
    with (
        atomic_path(path) as temporary,
        temporary.open("wb", buffering=0) as file,
        _bar(path, size, "B", "writing", progress) as bar,
    ):
        position = 0
        for block in blocks:
            _write_around_holes(file, position, block)
            position += len(block)
            bar.update(len(block))
        file.truncate(position)


def _write_around_holes(file: io.FileIO, position: int, block: NDArray[np.uint8]) -> None:
    """Write a block at a position, except for pages of zeros."""
    starts = np.arange(-(position % PAGE), len(block), PAGE)  # of the pages, within the block
    starts[0] = 0
    filled = np.maximum.reduceat(block, starts) > 0
    ends = np.append(starts[1:], len(block))
    changes = np.flatnonzero(np.diff(filled, prepend=False, append=False))
    for first, after in changes.reshape(-1, 2).tolist():
        file.seek(position + int(starts[first]))
        rest = block[starts[first] : ends[after - 1]].data
        while rest:  # subtle: an unbuffered file may write less, for instance when the disk is full
            rest = rest[file.write(rest) :]


def _compressing(path: Path, raw: BinaryIO) -> BinaryIO:
    """Return the file to write to: `raw` itself, or one that compresses and leaves `raw` open when it is closed."""
    compression = COMPRESSIONS.get(path.suffix.lower())
    return io.BufferedWriter(cast(io.RawIOBase, compression.writer(raw)), BLOCK) if compression else raw


def _bar(path: Path, total: int, unit: str, action: str, shown: bool) -> "tqdm[Any]":
    return tqdm(
        desc=f"{action} {path.name}",
        total=total,
        unit=unit,
        unit_scale=True,
        disable=not shown,
        leave=False,
        delay=BAR_DELAY,
    )
