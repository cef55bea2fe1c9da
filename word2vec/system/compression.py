"""Compression with gzip, bzip2, xz and zstandard: reading is recognized by content, writing by file extension."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

import zstandard

ZSTD_BYTES = 1 << 10  # compressed bytes decoded at a time; 4 bytes can expand to 128 KiB, so at most 32 MiB result


class DamagedFileError(Exception):
    """Compressed data is damaged or truncated; callers add the name of the file."""


@dataclass(frozen=True)
class Compression:
    """How files of one compression format are recognized, read and written.

    Attributes:
        magic: The first bytes of every such file.
        reader: Wraps a file of compressed data in a file of its content.
        writer: Wraps a file in one that compresses what is written to it. Closing it leaves the wrapped file open.
    """

    magic: bytes
    reader: Callable[[BinaryIO], BinaryIO]
    writer: Callable[[BinaryIO], BinaryIO]


@contextmanager
def decompressed(file: io.BufferedReader) -> Iterator[BinaryIO]:
    """Open the content of a file, which may or may not be compressed; the first bytes decide.

    Args:
        file: The file as stored; it is positioned at its start.

    Yields:
        The decompressed content; `file` itself if it is not compressed.

    Raises:
        DamagedFileError: The compressed data turned out to be damaged or truncated while it was read.
    """
    start = file.peek(8)[:8]
    readers = (each.reader for each in COMPRESSIONS.values() if start.startswith(each.magic))
    reader = next(readers, None)
    try:
        with reader(cast(BinaryIO, file)) if reader else cast(BinaryIO, file) as content:
            yield content
    except (EOFError, lzma.LZMAError, zlib.error, zstandard.ZstdError, OSError) as error:
        # subtle: gzip and bzip2 report damage as an OSError too, but without an error number
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DamagedFileError(str(error)) from error


class _ZstdReader(io.RawIOBase):
    """The decompressed content of a zstandard file.

    subtle: the reader of the zstandard package accepts a truncated file as complete.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._frame: zstandard.ZstdDecompressionObj | None = None  # None between frames
        self._data = b""
        self._text = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._text:
            self._data = self._data or self._file.read(ZSTD_BYTES)
            if not self._data:
                if self._frame is not None:
                    raise EOFError("the file ends before its last frame does")
                return 0
            self._frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
            self._text = memoryview(self._frame.decompress(self._data))
            self._data = self._frame.unused_data
            if self._frame.eof:
                self._frame = None
        size = min(len(buffer), len(self._text))
        buffer[:size], self._text = self._text[:size], self._text[size:]
        return size


COMPRESSIONS = {
    ".gz": Compression(
        magic=b"\x1f\x8b",
        reader=lambda file: cast(BinaryIO, gzip.GzipFile(fileobj=file)),
        # no file name and no time inside: the same content gives the same bytes
        writer=lambda file: cast(BinaryIO, gzip.GzipFile("", "wb", 6, file, mtime=0)),
    ),
    ".bz2": Compression(
        magic=b"BZh",
        reader=lambda file: cast(BinaryIO, bz2.BZ2File(file)),
        writer=lambda file: cast(BinaryIO, bz2.BZ2File(file, "wb")),
    ),
    ".xz": Compression(
        magic=b"\xfd7zXZ\x00",
        reader=lambda file: cast(BinaryIO, lzma.LZMAFile(file)),  # noqa: SIM115 (the caller closes it)
        writer=lambda file: cast(BinaryIO, lzma.LZMAFile(file, "wb")),  # noqa: SIM115
    ),
    ".zst": Compression(
        magic=b"\x28\xb5\x2f\xfd",
        reader=lambda file: cast(BinaryIO, io.BufferedReader(_ZstdReader(file))),
        writer=lambda file: cast(BinaryIO, zstandard.ZstdCompressor().stream_writer(file, closefd=False)),
    ),
}
"""File extension -> compression format."""
