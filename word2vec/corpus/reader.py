"""Where text comes from: files, folders, globs, compressed files, standard input and named corpora.

`resolve` turns what the user typed into a list of files; `read_blocks` turns a file into blocks of clean UTF-8 whose
ends never cut a word. What a word or a sentence is, is decided in counting.py; this module only delivers bytes.
"""

import glob
import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn, cast

from word2vec.errors import CorpusError
from word2vec.system.compression import DAMAGED, DECOMPRESSORS, SUFFIXES

STDIN = Path("-")
BLOCK_BYTES = 1 << 22  # 4 MiB: large enough that the cost of a Python step vanishes, small enough for the L3 cache
MAX_WORD_BYTES = 1024  # longer "words" are base64, minified code or binary; they are dropped and counted
BINARY_PROBE_BYTES = 1 << 13  # how much of a file is looked at for NUL bytes, as git and grep do
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
SEPARATORS = [bytes([byte]) for byte in range(0x21)]  # what parts words, see counting.py
LAST_CHARACTER = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{0,2}\Z")  # the last one, if it may lack bytes


ADVICE = "unpack it first, as in: {} FILE | word2vec train - --output RUN"
# What people take for a text file, by how it begins: archives may hold several files, and compressed XML besides.
NOT_TEXT = {
    b"PK\x03\x04": ("a zip archive", ADVICE.format("unzip -p")),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", ADVICE.format("7z e -so")),
    b"Rar!\x1a\x07": ("a rar archive", ADVICE.format("unrar p -inul")),
    b"\x1f\x9d": ("a file of compress", ADVICE.format("zcat")),
    b"\x04\x22\x4d\x18": ("an lz4 file", ADVICE.format("lz4 -dc")),
    b"%PDF-": ("a PDF", "take the text out first: pdftotext FILE text.txt"),
}
TAR_MAGIC, TAR_MAGIC_AT = b"ustar", 257
# Of a file's first characters: accents in Latin-1 are up to 15 %; Cyrillic, Chinese or noise 40 % and more.
MAX_UNDECODABLE = 0.3
FEW_UNDECODABLE = 50  # so many are let pass in any case, with the warning that they get anyway


@dataclass
class ReadReport:
    """What was met while reading and deserves a warning."""

    undecodable_bytes: int = 0


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
    try:
        files = [file for source in sources for file in _resolve_one(source)]
    except OSError as error:  # a folder that may not be read, a name that is too long
        raise CorpusError(f"{error.filename or 'the corpus'}: cannot be read: {error.strerror or error}") from error
    if not files:
        raise CorpusError("no corpus given: name a text file, a folder, a glob, '-' or a named corpus such as text8")
    if STDIN in files and len(files) > 1:
        raise CorpusError("standard input ('-') cannot be combined with other corpora: concatenate them first")
    return files


def _resolve_one(source: str | Path) -> list[Path]:
    from word2vec.corpus.named import NAMED_CORPORA

    path = Path(os.path.expanduser(source))  # noqa: PTH111 (leaves "~x.txt" alone where there is no user of that name)
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
    if path.exists():
        raise CorpusError(f"{path}: is a device or a socket, no file; give a text file, or '-' for standard input")
    # subtle: ** follows links to folders, and a loop of links names each file many times: the shortest name is kept
    matches = sorted(map(Path, glob.glob(str(path), recursive=True)), key=_depth, reverse=True)  # noqa: PTH207 (absolute)
    files = sorted({match.resolve(): match for match in matches if match.is_file()}.values())
    if not files:
        raise CorpusError(f"{source}: no such file, folder or corpus (named corpora: {', '.join(NAMED_CORPORA)})")
    return files


def refuse_files_of(folder: Path, files: Sequence[Path]) -> None:
    """Say no to a corpus that would be overwritten by what is made of it, or would take that in the next time.

    Args:
        folder: where the result is going to be written.
        files: the corpus.

    Raises:
        CorpusError: a file of the corpus lies in the folder, under that name or another.
    """
    # subtle: links count as what they name, for that is what would be overwritten
    taken = {_identity(file) for file in folder.iterdir() if file.is_file()}
    for file in files if taken else ():
        if file != STDIN and _identity(file) in taken:
            raise CorpusError(f"{file}: lies in {folder}, which is to be written; choose another --output")


def _identity(file: Path) -> tuple[int, int]:
    """What all names of a file have in common."""
    state = file.stat()
    return state.st_dev, state.st_ino


def _depth(path: Path) -> int:
    return len(path.parts)


def _walk(folder: Path) -> Iterator[Path]:
    # subtle: links to folders are not followed, so that a loop of links ends
    for parent, folders, names in os.walk(folder, onerror=_raise, followlinks=False):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (path for name in names if not name.startswith(".") and (path := Path(parent) / name).is_file())


def _raise(error: OSError) -> NoReturn:
    raise error


def read_blocks(
    path: Path, report: ReadReport, *, lowercase: bool = False, advance: Callable[[int], object] | None = None
) -> Iterator[bytes]:
    """Yield a file's text as valid UTF-8 in blocks of a few MiB that end between words; the last ends with a newline.

    Compressed files (gzip, bzip2, xz, zstandard) are recognized by their first bytes, whatever their names. They are
    streamed: what they unpack to takes time, and as an index disk space, but no memory, however much it is. Undecodable
    bytes become U+FFFD and are counted in `report`; a byte order mark is dropped.

    Args:
        path: a file; standard input has to be copied to one (tokens.py does).
        report: collects what deserves a warning.
        lowercase: lower-case the text, by Unicode's rules.
        advance: called with the number of bytes read from disk since the last call, for a progress bar.

    Raises:
        CorpusError: the file cannot be read, is damaged, or begins as no UTF-8 text does.
    """
    try:
        with (
            path.open("rb") as raw,
            _CountingReader(raw, advance) as counted,
            _decompressed(path, io.BufferedReader(counted)) as file,
        ):
            start = file.read(BINARY_PROBE_BYTES)
            _refuse_other_than_text(path, start)
            for block in _cut_between_words(start.removeprefix(BYTE_ORDER_MARK), file):
                yield _clean(block, report, lowercase)
            yield b"\n"  # a sentence never runs on into the next file
    except (*DAMAGED, OSError) as error:
        # subtle: gzip and bzip2 report damage as an OSError too, but without a number
        if isinstance(error, OSError) and error.errno is not None:
            raise CorpusError(f"{path}: cannot be read: {error.strerror}") from error
        raise CorpusError(f"{path}: the compressed file is damaged or cut off ({error}); fetch it again") from error


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


def _cut_between_words(start: bytes, file: BinaryIO) -> Iterator[bytes]:
    """`start` and what follows it, in blocks of about BLOCK_BYTES that end behind white space, however long a line."""
    rest = start
    while block := file.read(BLOCK_BYTES):
        block = rest + block
        cut = 1 + max(block.rfind(b" "), block.rfind(b"\n"))
        if len(block) - cut > MAX_WORD_BYTES:
            cut = max(cut, 1 + max(block.rfind(separator, cut) for separator in SEPARATORS))
        rest = block[cut:]
        if len(rest) > MAX_WORD_BYTES:
            # no word may be this long, so only that it is too long has to be remembered: memory stays bounded
            last = LAST_CHARACTER.search(rest, len(rest) - 3)
            rest = b"x" * (MAX_WORD_BYTES + 1) + (last[0] if last else b"")
        if cut:
            yield block[:cut]
    if rest:
        yield rest


def _refuse_other_than_text(path: Path, start: bytes) -> None:
    """Say no to what would be trained on as noise: by the first few thousand bytes, as git and grep tell binary files.

    subtle: what comes behind them is taken as it is, NUL bytes part words there.
    """
    for magic, (what, advice) in NOT_TEXT.items():
        if start.startswith(magic):
            raise CorpusError(f"{path}: is {what}, no text; {advice}")
    if start.startswith(TAR_MAGIC, TAR_MAGIC_AT):
        raise CorpusError(f"{path}: is a tar archive, no text; {ADVICE.format('tar -xOf')}")
    if b"\0" in start:
        raise CorpusError(
            f"{path}: holds NUL bytes, so it is a binary file or UTF-16; convert it to UTF-8 text (iconv -f UTF-16)"
        )
    text = start.decode("utf-8", errors="replace")
    undecodable = text.count("\ufffd") - start.count("\ufffd".encode())
    if undecodable > max(FEW_UNDECODABLE, MAX_UNDECODABLE * len(text)):
        raise CorpusError(
            f"{path}: is no UTF-8 text, {undecodable / len(text):.0%} of its beginning is something else; "
            "convert it first (iconv -f CP1251 -t UTF-8, whatever its encoding is) or leave it out"
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
