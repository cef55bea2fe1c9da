"""Where text comes from: files, folders, globs, compressed files, standard input and named corpora.

`resolve` turns what the user typed into a list of files; `read_blocks` turns a file into blocks of clean UTF-8 whose
ends never cut a word. What a word or a sentence is, is decided in counting.py; this module only delivers bytes.
"""

import bz2
import glob
import gzip
import io
import lzma
import os
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import platformdirs
import zstandard

from word2vec.errors import CorpusError

STDIN = Path("-")
BLOCK_BYTES = 1 << 22  # 4 MiB: large enough that the cost of a Python step vanishes, small enough for the L3 cache
MAX_WORD_BYTES = 1024  # longer "words" are base64, minified code or binary; they are dropped and counted
BINARY_PROBE_BYTES = 1 << 13  # how much of a file is looked at for NUL bytes, as git and grep do


def _zstd(file: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True))


DECOMPRESSORS: dict[bytes, Callable[[BinaryIO], BinaryIO]] = {
    b"\x1f\x8b": lambda file: cast(BinaryIO, gzip.GzipFile(fileobj=file)),
    b"BZh": lambda file: cast(BinaryIO, bz2.BZ2File(file)),
    b"\xfd7zXZ\x00": lambda file: cast(BinaryIO, lzma.LZMAFile(file)),  # noqa: SIM115 (the caller closes it)
    b"\x28\xb5\x2f\xfd": _zstd,
}
SUFFIXES = {".gz": b"\x1f\x8b", ".bz2": b"BZh", ".xz": b"\xfd7zXZ\x00", ".zst": b"\x28\xb5\x2f\xfd"}
DAMAGED = (EOFError, lzma.LZMAError, zlib.error, zstandard.ZstdError, gzip.BadGzipFile)


@dataclass
class ReadReport:
    """What was met while reading and deserves a warning."""

    undecodable_bytes: int = 0


def cache_folder() -> Path:
    """The folder for indexed and downloaded corpora: $WORD2VEC_CACHE, or the system's cache folder of the user."""
    override = os.environ.get("WORD2VEC_CACHE")
    return Path(override) if override else platformdirs.user_cache_path("word2vec")


def resolve(sources: Sequence[str | Path]) -> list[Path]:
    """Turn what the user typed into files, in reading order.

    Args:
        sources: paths, folders (read recursively, hidden files left out), globs, `-` for standard input, or names of
            corpora (`text8`, `pydocs`). An existing path wins over a corpus of the same name.

    Raises:
        CorpusError: nothing was given, or a source does not exist or holds no file.
    """
    if isinstance(sources, str | Path):
        sources = [sources]
    files = [file for source in sources for file in _resolve_one(source)]
    if not files:
        raise CorpusError("no corpus given: name a text file, a folder, a glob, '-' or a named corpus such as text8")
    if STDIN in files and len(files) > 1:
        raise CorpusError("standard input ('-') cannot be combined with other corpora: concatenate them first")
    return files


def _resolve_one(source: str | Path) -> list[Path]:
    from word2vec.named import NAMED_CORPORA

    path = Path(source).expanduser()
    if path == STDIN:
        return [STDIN]
    if path.is_file() or path.is_fifo():
        return [path]
    if path.is_dir():
        files = sorted(_walk(path))
        if not files:
            raise CorpusError(f"{path}: the folder holds no files")
        return files
    if str(source) in NAMED_CORPORA:
        return [NAMED_CORPORA[str(source)]()]
    matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))  # noqa: PTH207 (absolute patterns)
    files = [match for match in matches if match.is_file()]
    if not files:
        raise CorpusError(f"{source}: no such file, folder or corpus (named corpora: {', '.join(NAMED_CORPORA)})")
    return files


def _walk(folder: Path) -> Iterator[Path]:
    # subtle: links to folders are not followed, so that a loop of links ends
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (path for name in names if not name.startswith(".") and (path := Path(parent) / name).is_file())


def read_blocks(
    path: Path, report: ReadReport, *, lowercase: bool = False, advance: Callable[[int], object] | None = None
) -> Iterator[bytes]:
    """Yield a file's text as valid UTF-8 in blocks of a few MiB that end between words; the last ends with a newline.

    Compressed files (gzip, bzip2, xz, zstandard) are recognised by their first bytes, so standard input may be
    compressed too. Undecodable bytes become U+FFFD and are counted in `report`; a byte order mark is dropped.

    Args:
        path: a file, or `STDIN`.
        report: collects what deserves a warning.
        lowercase: lower-case the text, by Unicode's rules.
        advance: called with the number of bytes read from disk since the last call, for a progress bar.

    Raises:
        CorpusError: the file cannot be read, is damaged, or is binary.
    """
    try:
        raw = sys.stdin.buffer if path == STDIN else path.open("rb")
        with raw, _CountingReader(raw, advance) as counted, _decompressed(path, io.BufferedReader(counted)) as file:
            for number, block in enumerate(_cut_between_words(file)):
                if number == 0:
                    block = block.removeprefix(b"\xef\xbb\xbf")
                    _refuse_binary(path, block)
                yield _clean(block, report, lowercase)
            yield b"\n"  # a sentence never runs on into the next file
    except DAMAGED as error:
        raise CorpusError(f"{path}: the compressed file is damaged or cut off ({error}); fetch it again") from error
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read: {error.strerror or error}") from error


class _CountingReader(io.RawIOBase):
    """A raw file that tells how many bytes went through it."""

    def __init__(self, file: BinaryIO, advance: Callable[[int], object] | None) -> None:
        self._file = file
        self._advance = advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = self._file.readinto(buffer)  # type: ignore[attr-defined]
        if self._advance is not None:
            self._advance(size)
        return int(size)


def _decompressed(path: Path, file: io.BufferedReader) -> BinaryIO:
    start = file.peek(8)[:8]
    for magic, decompress in DECOMPRESSORS.items():
        if start.startswith(magic):
            return decompress(cast(BinaryIO, file))
    if path.suffix in SUFFIXES and start:
        raise CorpusError(f"{path}: the name ends in {path.suffix} but the content is not; rename it or fetch it again")
    return cast(BinaryIO, file)


def _cut_between_words(file: BinaryIO) -> Iterator[bytes]:
    """Blocks of about BLOCK_BYTES that end after a space or a newline, whatever the length of a line."""
    rest = b""
    while block := file.read(BLOCK_BYTES):
        block = rest + block
        cut = 1 + max(block.rfind(b" "), block.rfind(b"\n"))
        rest = block[cut:]
        if len(rest) > MAX_WORD_BYTES:
            # no word may be this long, so only that it is too long has to be remembered; memory stays bounded
            # whatever the file (other white space inside the rest is found again when the block is cut into words)
            last = 1 + max(rest.rfind(b"\t"), rest.rfind(b"\r"))
            cut, rest = cut + last, rest[last:]
            if len(rest) > MAX_WORD_BYTES:
                rest = b"x" * (MAX_WORD_BYTES + 1)
        if cut:
            yield block[:cut]
    if rest:
        yield rest


def _refuse_binary(path: Path, block: bytes) -> None:
    if b"\0" in block[:BINARY_PROBE_BYTES]:
        raise CorpusError(
            f"{path}: holds NUL bytes, so it is a binary file or UTF-16; convert it to UTF-8 text (iconv -f UTF-16)"
        )


def _clean(block: bytes, report: ReadReport, lowercase: bool) -> bytes:
    if block.isascii():
        return block.lower() if lowercase else block
    try:
        text = block.decode("utf-8")
        if not lowercase:
            return block
    except UnicodeDecodeError:
        text = block.decode("utf-8", errors="replace")
        report.undecodable_bytes += text.count("\ufffd") - block.count("\ufffd".encode())
    return (text.lower() if lowercase else text).encode("utf-8")
