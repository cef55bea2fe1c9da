"""Read a text file as blocks of clean UTF-8 that never split a word.

Compression is detected by content, files that are not text are rejected, and invalid bytes are replaced and counted.
Words and lines are defined in word_kernels.py, sentences in sentences.py; sources.py finds the files to read.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from word2vec.corpus.read_report import ReadReport
from word2vec.corpus.tokenizers import LAST_CHARACTER, NamedTokenizer
from word2vec.errors import CorpusError
from word2vec.system.compression import COMPRESSIONS, DamagedFileError, decompressed

BLOCK_BYTES = 1 << 22  # 4 MiB: large enough to make the cost of a Python step negligible, and fits into the L3 cache
MAX_WORD_BYTES = 1024  # longer "words" are base64, minified code or binary; they are ignored and counted
BINARY_PROBE_BYTES = 1 << 13  # how much of a file is searched for NUL bytes, as git and grep do
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
SEPARATORS = [bytes([byte]) for byte in range(0x21)]  # bytes that separate words, see word_kernels.py

UNPACK = "unpack it first: {} FILE | word2vec train - --output RUN"
# Formats that users mistake for text, by their first bytes. Archives may contain several files.
NOT_TEXT = {
    b"PK\x03\x04": ("a zip archive", UNPACK.format("unzip -p")),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", UNPACK.format("7z e -so")),
    b"Rar!\x1a\x07": ("a rar archive", UNPACK.format("unrar p -inul")),
    b"\x1f\x9d": ("a file written by compress", UNPACK.format("zcat")),
    b"\x04\x22\x4d\x18": ("an lz4 file", UNPACK.format("lz4 -dc")),
    b"PAR1": ("a parquet file", "name the column that contains its text with --column"),
    b"%PDF-": ("a PDF", "extract its text first: pdftotext FILE text.txt"),
}
TAR_MAGIC, TAR_MAGIC_OFFSET = b"ustar", 257
# Fraction of the first characters: accents in Latin-1 reach 15 %; Cyrillic, Chinese or noise 40 % and more.
MAX_UNDECODABLE = 0.3
MIN_UNDECODABLE = 50  # up to this number, undecodable bytes only cause the usual warning


@contextmanager
def open_text(path: Path, advance: Callable[[int], object] | None = None) -> Iterator[tuple[bytes, BinaryIO]]:
    """Open a text file, which may be compressed, and check that it begins like UTF-8 text.

    Files compressed with gzip, bzip2, xz or zstandard are recognized by their first bytes, whatever their names, and
    streamed: their decompressed size affects time, but not memory.

    Args:
        path: The file to read.
        advance: A function that is called with the number of bytes read from disk since its last call, for a progress
            bar.

    Yields:
        The first bytes of the decompressed content, and the rest of it.

    Raises:
        CorpusError: The file cannot be read, is damaged, or does not begin like UTF-8 text.
    """
    try:
        with path.open("rb") as raw, _CountingReader(raw, advance) as counted:
            stored: io.BufferedReader = io.BufferedReader(counted)
            with decompressed(stored) as file:
                start = file.read(BINARY_PROBE_BYTES)
                if file is stored and start and path.suffix in COMPRESSIONS:
                    raise CorpusError(
                        f"{path}: the name ends in {path.suffix} but the content is not compressed that way; "
                        "rename the file or download it again"
                    )
                _reject_non_text(path, start)
                yield start, file
    except DamagedFileError as error:
        raise CorpusError(
            f"{path}: the compressed file is damaged or truncated ({error}); download it again"
        ) from error
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read: {error.strerror or error}") from error


def read_blocks(
    path: Path,
    report: ReadReport,
    *,
    lowercase: bool = False,
    tokenizer: NamedTokenizer | None = None,
    advance: Callable[[int], object] | None = None,
) -> Iterator[bytes]:
    """Yield the text of a file as valid UTF-8 in blocks of a few MiB that end between words.

    Invalid bytes become U+FFFD and are counted in `report`; a byte order mark is removed. The last block ends with a
    newline.

    Args:
        path: The file to read; see `open_text`. Standard input has to be copied to a file first, as indexing.py does.
        report: Collects irregularities.
        lowercase: Whether to lowercase the text, by the rules of Unicode.
        tokenizer: What separates words; whitespace by default.
        advance: See `open_text`.

    Raises:
        CorpusError: The file cannot be read, is damaged, or does not begin like UTF-8 text.
    """
    boundary = None if tokenizer is None else tokenizer.boundary
    separate = None if tokenizer is None else tokenizer.separate
    with open_text(path, advance) as (start, file):
        for block in _split_between_words(start.removeprefix(BYTE_ORDER_MARK), file, boundary):
            clean = _clean(block, report, lowercase)
            yield clean if separate is None else separate(clean)
        yield b"\n"  # a sentence never continues in the next file


class _CountingReader(io.RawIOBase):
    """A raw file that reports the number of bytes read from it."""

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


def _split_between_words(start: bytes, file: BinaryIO, boundary: Callable[[bytes], int] | None) -> Iterator[bytes]:
    """Yield `start` and the rest of the file in blocks of about BLOCK_BYTES that end after whitespace.

    Args:
        start: The first bytes of the file.
        file: The rest of the file.
        boundary: Finds another place between two words if there is no whitespace near the end of a block.
    """
    rest = start
    while block := file.read(BLOCK_BYTES):
        block = rest + block
        cut = 1 + max(block.rfind(b" "), block.rfind(b"\n"))
        if len(block) - cut > MAX_WORD_BYTES:
            cut = max(cut, 1 + max(block.rfind(separator, cut) for separator in SEPARATORS))
        if len(block) - cut > MAX_WORD_BYTES and boundary is not None:
            cut += boundary(block[cut:])
        rest = block[cut:]
        if len(rest) > MAX_WORD_BYTES:
            # The word is too long to be used, so any word that is too long may replace it: memory stays bounded.
            last = LAST_CHARACTER.search(rest, len(rest) - 3)
            rest = b"x" * (MAX_WORD_BYTES + 1) + (last[0] if last else b"")
        if cut:
            yield block[:cut]
    if rest:
        yield rest


def _reject_non_text(path: Path, start: bytes) -> None:
    """Raise an error for files that would be trained on as noise, judging by their first few thousand bytes.

    subtle: later NUL bytes are accepted, they separate words.
    """
    for magic, (kind, advice) in NOT_TEXT.items():
        if start.startswith(magic):
            raise CorpusError(f"{path}: is {kind}, not text; {advice}")
    if start.startswith(TAR_MAGIC, TAR_MAGIC_OFFSET):
        raise CorpusError(f"{path}: is a tar archive, not text; {UNPACK.format('tar -xOf')}")
    if b"\0" in start:
        raise CorpusError(
            f"{path}: contains NUL bytes, so it is a binary file or UTF-16; convert it to UTF-8 text "
            "(iconv -f UTF-16 -t UTF-8) or leave it out"
        )
    text = start.decode("utf-8", errors="replace")
    undecodable = text.count("\ufffd") - start.count("\ufffd".encode())
    if undecodable > max(MIN_UNDECODABLE, MAX_UNDECODABLE * len(text)):
        raise CorpusError(
            f"{path}: is not UTF-8 text, {undecodable / len(text):.0%} of its beginning cannot be decoded; convert it "
            "from its encoding (for example iconv -f CP1251 -t UTF-8) or leave it out"
        )


def _clean(block: bytes, report: ReadReport, lowercase: bool) -> bytes:
    """Return the block as valid UTF-8, lowercased on request."""
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
