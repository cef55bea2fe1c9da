"""Decompression of gzip, bzip2, xz and zstandard streams, detected by their first bytes."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import BinaryIO, cast

import zstandard

ZSTD_BYTES = 1 << 10  # compressed bytes decoded at a time; 4 bytes can hold 128 KiB of text, so at most 32 MiB


class _ZstdReader(io.RawIOBase):
    """Decompressed zstandard.

    subtle: the reader that comes with the package takes a file that is cut off for a whole one.
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


DECOMPRESSORS: dict[bytes, Callable[[BinaryIO], BinaryIO]] = {
    b"\x1f\x8b": lambda file: cast(BinaryIO, gzip.GzipFile(fileobj=file)),
    b"BZh": lambda file: cast(BinaryIO, bz2.BZ2File(file)),
    b"\xfd7zXZ\x00": lambda file: cast(BinaryIO, lzma.LZMAFile(file)),  # noqa: SIM115 (the caller closes it)
    b"\x28\xb5\x2f\xfd": lambda file: cast(BinaryIO, io.BufferedReader(_ZstdReader(file))),
}
SUFFIXES = {".gz": b"\x1f\x8b", ".bz2": b"BZh", ".xz": b"\xfd7zXZ\x00", ".zst": b"\x28\xb5\x2f\xfd"}
DAMAGED = (EOFError, lzma.LZMAError, zlib.error, zstandard.ZstdError)
