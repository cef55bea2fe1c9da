"""Compression with gzip, bzip2, xz and zstandard: reading is recognized by content, writing by file extension.

A compressed file is a sequence of streams (gzip calls them members, zstandard frames), as written by pbzip2, pigz or
pzstd, by Wikipedia's dumps, or by appending files. Python's readers ignore whatever follows a stream and does not begin
like another one, so a damaged second stream shortens the text without an error. Here everything must be a valid stream,
or padding where the format allows it.
"""

import bz2
import errno
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

import zstandard

COMPRESSED_BYTES = 1 << 15  # compressed bytes read at a time
TEXT_BYTES = 1 << 20  # maximum result of one call of a decompressor other than zstandard's
ZSTD_BYTES = 1 << 10  # compressed bytes decoded at a time; 4 bytes can expand to 128 KiB, so at most 32 MiB result
ZSTD_WINDOW = 1 << 31  # the largest window that the library accepts, that of zstd --long=31; its default is 128 MiB


class DamagedFileError(Exception):
    """Compressed data is damaged or truncated; callers add the name of the file."""


class Decompressor(Protocol):
    """Decompresses one stream; the interface of bz2.BZ2Decompressor and lzma.LZMADecompressor."""

    @property
    def eof(self) -> bool:
        """Whether the end of the stream has been reached."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether the next call needs data."""
        ...

    @property
    def unused_data(self) -> bytes:
        """The bytes that follow the end of the stream."""
        ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return the next bytes of text, at most `max_length`; data that was not decompressed yet is kept."""
        ...


@dataclass(frozen=True)
class Compression:
    """How files of one compression format are recognized, read and written.

    Attributes:
        magic: The first bytes of a file; one of these.
        decompressor: Creates a decompressor for the next stream of a file.
        padding: Zero bytes may follow each stream in multiples of this number; 0 if none may.
        block: Number of compressed bytes read at a time.
        writer: Wraps a file in one that compresses what is written to it. Closing it leaves the wrapped file open.
    """

    magic: tuple[bytes, ...]
    decompressor: Callable[[], Decompressor]
    padding: int
    block: int
    writer: Callable[[BinaryIO], BinaryIO]


@contextmanager
def decompressed(file: io.BufferedReader) -> Iterator[BinaryIO]:
    """Open the content of a file, which may or may not be compressed; the first bytes decide.

    Damage is detected where it is read; checksums are at the end of streams, so only a file that was read to its end is
    known to be whole.

    Args:
        file: The file as stored; it is positioned at its start.

    Yields:
        The decompressed content; `file` itself if it is not compressed.

    Raises:
        DamagedFileError: The compressed data turned out to be damaged or truncated while it was read.
    """
    start = file.peek(8)[:8]
    compression = next((each for each in COMPRESSIONS.values() if start.startswith(each.magic)), None)
    try:
        if compression is None:
            yield cast(BinaryIO, file)
        else:
            with io.BufferedReader(_StreamReader(cast(BinaryIO, file), compression)) as content:
                yield cast(BinaryIO, content)
    except (EOFError, lzma.LZMAError, zlib.error, zstandard.ZstdError, OSError) as error:
        # subtle: bzip2 reports damage as an OSError too, but without an error number
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DamagedFileError(str(error)) from error


class _StreamReader(io.RawIOBase):
    """The decompressed content of all streams of a file."""

    def __init__(self, file: BinaryIO, compression: Compression) -> None:
        self._file = file
        self._compression = compression
        self._stream: Decompressor | None = None  # None between streams
        self._padding = 0  # bytes of padding since the last stream
        self._data = b""  # compressed bytes that follow the last stream
        self._text = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._text:
            text = self._decompress()
            if text is None:
                return 0
            self._text = memoryview(text)
        size = min(len(buffer), len(self._text))
        buffer[:size], self._text = self._text[:size], self._text[size:]
        return size

    def _decompress(self) -> bytes | None:
        """Return the next piece of text, which may be empty, or None at the end of the file."""
        data, self._data = self._data, b""
        if not data and (self._stream is None or self._stream.needs_input):
            data = self._file.read(self._compression.block)
            if not data:
                self._check_end()
                return None
        if self._stream is None:
            data = self._skip_padding(data)
            if not data:
                return b""
            self._stream = self._compression.decompressor()
        text = self._stream.decompress(data, TEXT_BYTES)
        if self._stream.eof:
            self._data, self._stream = self._stream.unused_data, None
        return text

    def _skip_padding(self, data: bytes) -> bytes:
        """Remove padding from the start of the data; a stream must not follow incomplete padding."""
        if self._compression.padding:
            stream = data.lstrip(b"\0")
            self._padding += len(data) - len(stream)
            data = stream
        if data:
            self._check_end()
            self._padding = 0
        return data

    def _check_end(self) -> None:
        """Raise EOFError within a stream or within padding."""
        if self._stream is not None:
            raise EOFError("the file ends before its last stream does")
        if self._padding and self._padding % self._compression.padding:
            raise EOFError(f"the padding after a stream has {self._padding} bytes")


class _GzipDecompressor:
    """zlib's decompressor of one gzip member with the interface of bz2 and lzma; it verifies checksum and size."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def needs_input(self) -> bool:
        return not self._stream.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._stream.decompress(self._stream.unconsumed_tail + data, max_length)


class _ZstdDecompressor:
    """The zstandard package's decompressor of one frame with the interface of bz2 and lzma.

    subtle: the package's readers of whole files accept a truncated file as complete.
    """

    def __init__(self) -> None:
        self._stream = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:  # noqa: ARG002 (it has no limit)
        try:
            return self._stream.decompress(data)
        except zstandard.ZstdError as error:
            if "not enough memory" in str(error):
                message = "not enough memory to decompress it (zstd --long=31 needs 2 GiB)"
                raise OSError(errno.ENOMEM, message) from error
            raise


COMPRESSIONS = {
    ".gz": Compression(
        magic=(b"\x1f\x8b",),
        decompressor=_GzipDecompressor,
        padding=1,  # not in RFC 1952, but gzip and Python accept what tapes add
        block=COMPRESSED_BYTES,
        # no file name and no time inside: the same content gives the same bytes
        writer=lambda file: cast(BinaryIO, gzip.GzipFile("", "wb", 6, file, mtime=0)),
    ),
    ".bz2": Compression(
        magic=(b"BZh",),
        decompressor=bz2.BZ2Decompressor,
        padding=0,
        block=COMPRESSED_BYTES,
        writer=lambda file: cast(BinaryIO, bz2.BZ2File(file, "wb")),
    ),
    ".xz": Compression(
        magic=(b"\xfd7zXZ\x00",),
        decompressor=lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ),
        padding=4,
        block=COMPRESSED_BYTES,
        writer=lambda file: cast(BinaryIO, lzma.LZMAFile(file, "wb")),  # noqa: SIM115 (the caller closes it)
    ),
    ".zst": Compression(
        # a frame, or one of the 16 skippable frames, with which the files of pzstd begin
        magic=(b"\x28\xb5\x2f\xfd", *(bytes([number]) + b"\x2a\x4d\x18" for number in range(0x50, 0x60))),
        decompressor=_ZstdDecompressor,
        padding=0,
        block=ZSTD_BYTES,
        writer=lambda file: cast(
            BinaryIO, zstandard.ZstdCompressor(write_checksum=True).stream_writer(file, closefd=False)
        ),
    ),
}
"""File extension -> compression format."""
