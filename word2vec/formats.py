"""Files of word vectors: one registry of the formats that are read and written.

A run folder holds vectors.safetensors and vocab.tsv; word2vec's text and binary files are those of the original C
program (Mikolov et al. 2013), as gensim and fastText write them too. A header is never trusted: what it promises is
held against the size of the file before memory is taken. What vectors are good for is the business of vectors.py.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import ConfigError, FormatError, Word2VecError
from word2vec.files import atomic_path, atomic_paths, new_folder

_log = logging.getLogger(__name__)

RUN_FORMAT = "word2vec-run"
RUN_VERSION = 1  # raise it when an older reader would misread the folder
VECTORS_FILE = "vectors.safetensors"
VOCABULARY_FILE = "vocab.tsv"

_BLOCK = 1 << 24  # bytes read or formatted at a time: large enough to be fast, small beside the vectors
_LONGEST_WORD = 1 << 16  # bytes; where no space comes for so long, no word ends
_HEADER = re.compile(rb"(\d{1,12})[ \t]+(\d{1,9})\s*")
_LONGEST_HEADER = 64  # bytes; more than the two numbers can take
_SURELY_TEXT = 64  # printable bytes in a row; of random bytes so many are printable once in 1e27 files
_WHITE_SPACE = re.compile(r"[ \t\n\r\v\f]")  # ASCII's only: others may be part of a word
_COUNTED_WORD = re.compile(rb"([^\t\n]+)\t(\d{1,18})\n")
_BARE_WORD = re.compile(rb"([^\t\n]+)\n")


class Table(NamedTuple):
    """What a file of vectors holds; row i of each array belongs to words[i]."""

    words: list[str]
    vectors: NDArray[np.float32]  # (V, D)
    counts: NDArray[np.int64] | None = None  # (V,)
    context: NDArray[np.float32] | None = None  # (V, D), the output table


@dataclass(frozen=True)
class Format:
    """One way to keep vectors in files.

    Attributes:
        name: as typed by the user.
        extensions: endings of the names that this format is chosen for when writing; "" is no ending.
        detect: whether the path looks like this format, judged by its content.
        read: the table in a path, its first rows only where a limit is given.
        write: puts a table into a path, atomically.
    """

    name: str
    extensions: tuple[str, ...]
    detect: Callable[[Path], bool]
    read: Callable[[Path, int | None], Table]
    write: Callable[[Path, Table], None]


def read(path: str | PathLike[str], limit: int | None = None, format: str | None = None) -> Table:  # noqa: A002
    """Reads word vectors in any format of the registry.

    Args:
        path: a run folder or a file.
        limit: how many rows to read from the start; the rest is not looked at.
        format: a name in FORMATS; by default the content of the path decides.

    Returns:
        The table; all its numbers are finite and its words differ.

    Raises:
        FormatError: the path is missing, in no known format, damaged, or holds nan or infinity.
        Word2VecError: the limit is below 1 or the format is not known.
    """
    path = Path(path)
    if limit is not None and limit < 1:
        raise Word2VecError(f"limit is {limit}; it has to be 1 or more")
    try:
        table = (_detected(path) if format is None else _named(format)).read(path, limit)
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror or error}") from error
    _refuse_not_finite(path, table)
    return table


def write(path: str | PathLike[str], table: Table, format: str | None = None) -> None:  # noqa: A002
    """Writes word vectors; what stood at the path is replaced only when all is on the disk.

    Args:
        path: the file, or the folder for a run.
        table: what to write. Only a run keeps counts and context.
        format: a name in FORMATS; by default the ending of the path decides, and a folder or no ending means a run.

    Raises:
        FormatError: a word or a number that could not be read back.
        Word2VecError: the format is not known, or the path cannot be written.
    """
    path = Path(path)
    chosen = _by_extension(path) if format is None else _named(format)
    _refuse_not_finite(path, table)
    chosen.write(path, table)


def first_not_finite(vectors: NDArray[np.float32]) -> int | None:
    """The first row that holds nan or infinity, or None."""
    rows = max(1, _BLOCK // (4 * vectors.shape[1]))
    for start in range(0, len(vectors), rows):
        finite = np.isfinite(vectors[start : start + rows]).all(axis=1)  # (rows,)
        if not finite.all():
            return start + int(finite.argmin())
    return None


# The run folder: vectors.safetensors and vocab.tsv; what else lies in it belongs to training.py.


def _read_run(path: Path, limit: int | None) -> Table:
    for name in (VECTORS_FILE, VOCABULARY_FILE):
        if not (path / name).is_file():
            raise FormatError(f"{path} is no run folder: it holds no {name}")
    vectors, context, total = _read_tensors(path / VECTORS_FILE, limit)
    words, counts = _read_vocabulary(path / VOCABULARY_FILE, limit)
    if len(words) != len(vectors):
        more = "at least " if limit is not None else ""
        raise FormatError(
            f"{path}: {VOCABULARY_FILE} has {more}{len(words)} words but {VECTORS_FILE} has {total} rows; "
            "the two are not of one run"
        )
    return Table(words, vectors, counts, context)


def _read_tensors(path: Path, limit: int | None) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, int]:
    """Input table, output table where there is one, and how many rows they have without the limit."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            _check_version(path, file.metadata() or {})
            shapes: dict[str, list[int]] = {}
            tables: dict[str, NDArray[np.float32]] = {}
            for name in sorted({"input", "output"}.intersection(file.keys())):
                part = file.get_slice(name)
                shapes[name] = part.get_shape()
                if part.get_dtype() != "F32" or len(shapes[name]) != 2 or 0 in shapes[name]:
                    raise FormatError(f"{path}: {name!r} is {part.get_dtype()} {shapes[name]}, not a table of F32")
                tables[name] = part[: min(limit or shapes[name][0], shapes[name][0])]  # no slice past the end here
    except SafetensorError as error:
        raise FormatError(f"{path} is damaged: {error}") from error
    if "input" not in tables:
        raise FormatError(f"{path} holds no tensor 'input'")
    if shapes.get("output", shapes["input"]) != shapes["input"]:
        raise FormatError(f"{path}: 'input' is {shapes['input']} but 'output' is {shapes['output']}")
    return tables["input"], tables.get("output"), shapes["input"][0]


def _check_version(path: Path, metadata: dict[str, str]) -> None:
    version = metadata.get(RUN_FORMAT, "")
    if not version.isdecimal():
        raise FormatError(f"{path} does not say that it is a {RUN_FORMAT} file; it was written by another program")
    if int(version) > RUN_VERSION:
        raise FormatError(f"{path} has version {version}, this program reads up to {RUN_VERSION}; update word2vec")


def _read_vocabulary(path: Path, limit: int | None) -> tuple[list[str], NDArray[np.int64] | None]:
    """Words and their counts; no counts where the lines are bare words, as the first line shows."""
    with path.open("rb") as file:  # subtle: bytes end a line at \n only; a word may hold what str takes for a line end
        lines = list(islice(file, limit))
    counted = bool(lines) and b"\t" in lines[0]
    pattern = _COUNTED_WORD if counted else _BARE_WORD
    words: dict[str, None] = {}
    counts: list[int] = []
    for number, line in enumerate(lines, start=1):
        match = pattern.fullmatch(line)
        if match is None:
            expected = "word<TAB>count" if counted else "one word"
            raise FormatError(f"{path}, line {number}: expected {expected} and a line end, found {line[:60]!r}")
        try:
            word = match[1].decode()
        except UnicodeDecodeError as error:
            raise FormatError(f"{path}, line {number}: the word {match[1]!r} is not UTF-8") from error
        if word in words:
            raise FormatError(f"{path}, line {number}: {word!r} is there already")
        words[word] = None
        if counted:
            counts.append(int(match[2]))
    return list(words), np.array(counts, dtype=np.int64) if counted else None


def _write_run(path: Path, table: Table) -> None:
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    encoded = _encoded(path, table.words)
    columns = [encoded] if table.counts is None else [encoded, [b"%d" % count for count in table.counts.tolist()]]
    tensors = {"input": np.ascontiguousarray(table.vectors, dtype=np.float32)}
    if table.context is not None:
        tensors["output"] = np.ascontiguousarray(table.context, dtype=np.float32)
    targets = path / VOCABULARY_FILE, path / VECTORS_FILE
    with new_folder(path), atomic_paths(*targets) as (vocabulary_file, vectors_file):
        vocabulary_file.write_bytes(b"".join(b"\t".join(line) + b"\n" for line in zip(*columns, strict=True)))
        try:
            # subtle: safetensors orders metadata at random, so only a single entry gives the same bytes every time
            save_file(tensors, vectors_file, metadata={RUN_FORMAT: str(RUN_VERSION)})
        except SafetensorError as error:  # it reports a full disk in its own class
            raise OSError(str(error)) from error


# word2vec's own files: a line "count dim", then a row for each word.


def _read_header(path: Path, file: BinaryIO, bytes_per_number: int) -> tuple[int, int]:
    """Words and dimensions, as the first line promises and the size of the file allows."""
    line = file.readline(_LONGEST_HEADER)
    match = _HEADER.fullmatch(line)
    if match is None:
        raise FormatError(f"{path}, line 1: expected 'count dim', two whole numbers, found {line!r}")
    count, dim = int(match[1]), int(match[2])
    if count == 0 or dim == 0:
        raise FormatError(f"{path}, line 1: {count} words of {dim} numbers are no vectors")
    # the shortest row: one letter, one space, the numbers; the line end after the last may be missing
    least = count * (2 + dim * bytes_per_number) - 1
    left = path.stat().st_size - file.tell()
    if left < least:
        raise FormatError(
            f"{path}, line 1 promises {count} words of {dim} numbers, at least {least} bytes, but {left} follow; "
            "the file is cut off or its first line is wrong"
        )
    return count, dim


def _is_text(path: Path) -> bool:
    header, row = _header_and_row(path)
    # subtle: bytes of floats may be printable or a line end by chance, so a row must be printable and long enough
    least = 0 if header is None else min(2 * int(header[2]) - 1, _SURELY_TEXT)
    return least > 0 and re.fullmatch(rb"[\x20-\x7e\t]{%d,}[\r\n]*" % least, row) is not None


def _is_binary(path: Path) -> bool:
    return _header_and_row(path)[0] is not None and not _is_text(path)


def _header_and_row(path: Path) -> tuple[re.Match[bytes] | None, bytes]:
    """The header, if there is one, and what follows the first word up to a line end or some kilobytes."""
    if not path.is_file():
        return None, b""
    with path.open("rb") as file:
        return _HEADER.fullmatch(file.readline(_LONGEST_HEADER)), file.readline(_LONGEST_WORD).partition(b" ")[2]


def _read_text(path: Path, limit: int | None) -> Table:
    with path.open("rb") as file:
        count, dim = _read_header(path, file, bytes_per_number=2)
        rows = count if limit is None else min(count, limit)
        words: list[bytes] = []
        vectors = np.empty((rows, dim), dtype=np.float32)  # (V, D)
        block = max(1, _BLOCK // (16 * dim))  # a number takes about 12 bytes
        while len(words) < rows:
            lines = [line.rstrip() for line in islice(file, min(block, rows - len(words)))]
            if not lines:
                raise FormatError(f"{path} ends after {len(words)} words, but line 1 promises {count}; it is cut off")
            first = len(words)
            vectors[first : first + len(lines)] = _parse_lines(path, lines, first + 2, dim)
            words += [line.partition(b" ")[0] for line in lines]
        if limit is None and any(line.strip() for line in file):
            raise FormatError(f"{path} has more rows than the {count} that line 1 promises")
    return _decoded(path, words, vectors)


def _parse_lines(path: Path, lines: list[bytes], first: int, dim: int) -> NDArray[np.float32]:
    """The numbers after the words of some lines, (L, D); `first` is the number of the first line."""
    rows = [line.partition(b" ")[2] for line in lines]
    if all(rows):  # subtle: loadtxt would skip a row without numbers
        try:
            numbers = np.loadtxt(rows, dtype=np.float32, comments=None, ndmin=2)  # (L, D)
        except ValueError:
            pass  # what is wrong, and where, is found out below
        else:
            if numbers.shape == (len(lines), dim):
                return numbers
    for number, row in enumerate(rows, start=first):
        tokens = row.split()
        for token in tokens:
            if not _is_number(token):
                raise FormatError(f"{path}, line {number}: {token[:40]!r} is not a number")
        if len(tokens) != dim:
            raise FormatError(f"{path}, line {number}: {len(tokens)} numbers after the word, but line 1 promises {dim}")
    raise FormatError(f"{path}, lines {first} to {first + len(lines) - 1}: these numbers cannot be read")


def _is_number(token: bytes) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return True


def _write_text(path: Path, table: Table) -> None:
    words = _encoded(path, table.words)
    row = b" ".join([b"%.9g"] * table.vectors.shape[1])  # nine digits tell any two 32-bit floats apart
    lines = (b"%b %b\n" % (word, row % tuple(vector)) for word, vector in zip(words, _rows(table.vectors), strict=True))
    _write_rows(path, table, lines)


def _read_binary(path: Path, limit: int | None) -> Table:
    with path.open("rb") as file:
        count, dim = _read_header(path, file, bytes_per_number=4)
        rows = count if limit is None else min(count, limit)
        words: list[bytes] = []
        vectors = np.empty((rows, dim), dtype="<f4")  # (V, D)
        target = vectors.reshape(-1).view(np.uint8).data
        size = 4 * dim
        for word, numbers in islice(_binary_rows(path, file, size), limit):
            if len(words) == count:
                raise FormatError(f"{path} has more rows than the {count} that line 1 promises")
            target[len(words) * size : (len(words) + 1) * size] = numbers
            words.append(word)
    if len(words) < rows:
        raise FormatError(f"{path} ends after {len(words)} words, but line 1 promises {count}; it is cut off")
    return _decoded(path, words, vectors.astype(np.float32, copy=False))


def _binary_rows(path: Path, file: BinaryIO, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Each word and the `size` bytes of its numbers, reading a block at a time."""
    buffer, start, row = b"", 0, 1
    while True:
        end = buffer.find(b" ", start, start + _LONGEST_WORD)
        stop = end + 1 + size
        if end >= 0 and stop <= len(buffer):
            # subtle: word2vec.c ends a row with a line end, which so stands before the next word; gensim does not
            yield buffer[start:end].lstrip(b"\n"), buffer[end + 1 : stop]
            start, row = stop, row + 1
        elif end < 0 and len(buffer) - start >= _LONGEST_WORD:
            raise FormatError(f"{path}, row {row}: no space after the word; the file is damaged or of another format")
        elif block := file.read(_BLOCK):
            buffer, start = buffer[start:] + block, 0
        elif buffer[start:].strip(b"\n"):
            raise FormatError(f"{path} ends in the middle of row {row}; it is cut off")
        else:
            return


def _write_binary(path: Path, table: Table) -> None:
    words = _encoded(path, table.words)
    vectors = np.ascontiguousarray(table.vectors, dtype="<f4")
    _write_rows(path, table, (b"%b %b" % (word, vector.tobytes()) for word, vector in zip(words, vectors, strict=True)))


def _write_rows(path: Path, table: Table, rows: Iterable[bytes]) -> None:
    with atomic_path(path) as temporary, temporary.open("wb", buffering=_BLOCK) as file:
        file.write(b"%d %d\n" % table.vectors.shape)
        file.writelines(rows)


# Common to the formats.


def _rows(vectors: NDArray[np.float32]) -> Iterator[list[float]]:
    """Each row as Python numbers, made for a block of rows at a time: all at once would take eight times the memory."""
    block = max(1, _BLOCK // (32 * vectors.shape[1]))
    for start in range(0, len(vectors), block):
        yield from vectors[start : start + block].tolist()


def _encoded(path: Path, words: list[str]) -> list[bytes]:
    """The words as bytes; refuses those that no format could give back."""
    for row, word in enumerate(words, start=1):
        if not word or _WHITE_SPACE.search(word):
            raise FormatError(f"cannot write {path}: the word {word!r} of row {row} is empty or holds white space")
    try:
        return [word.encode() for word in words]
    except UnicodeEncodeError as error:
        raise FormatError(f"cannot write {path}: the word {error.object!r} is not valid Unicode") from error


def _decoded(path: Path, raw: list[bytes], vectors: NDArray[np.float32]) -> Table:
    """The table of words as they stood in a file: damaged ones mended, repeated ones left out, the first kept."""
    words: dict[str, int] = {}
    for row, word in enumerate(raw):
        words.setdefault(word.decode(errors="replace"), row)
    if "" in words:
        raise FormatError(f"{path}, row {words[''] + 1}: there is no word before the numbers")
    if len(words) < len(raw):
        _log.warning("%s: %d words are there already; the first of each is kept", path, len(raw) - len(words))
        vectors = vectors[np.fromiter(words.values(), dtype=np.intp, count=len(words))]
    return Table(list(words), vectors)


def _refuse_not_finite(path: Path, table: Table) -> None:
    for vectors in (table.vectors, table.context):
        row = None if vectors is None else first_not_finite(vectors)
        if row is not None:
            raise FormatError(f"{path}: the vector of {table.words[row]!r} holds nan or infinity; train it again")


def _named(name: str) -> Format:
    if name not in FORMATS:
        raise ConfigError(f"there is no format {name!r}; the formats are: {_listed()}")
    return FORMATS[name]


def _detected(path: Path) -> Format:
    if not path.exists():
        raise FormatError(f"there is no file or folder {path}")
    for candidate in FORMATS.values():
        if candidate.detect(path):
            return candidate
    if path.is_file() and path.stat().st_size == 0:
        raise FormatError(f"{path} is empty")
    raise FormatError(f"{path} does not begin with a line 'count dim' and is no run folder; what is read: {_listed()}")


def _by_extension(path: Path) -> Format:
    extension = "" if path.is_dir() else path.suffix.lower()
    for candidate in FORMATS.values():
        if extension in candidate.extensions:
            return candidate
    raise ConfigError(f"{path}: no format has names that end in {extension!r}; the formats are: {_listed()}")


def _listed() -> str:
    """The formats in words: run (a folder), word2vec-text (.txt, .vec), ..."""
    return ", ".join(
        f"{entry.name} ({', '.join(filter(None, entry.extensions)) or 'a folder'})" for entry in FORMATS.values()
    )


FORMATS: dict[str, Format] = {
    entry.name: entry
    for entry in (
        Format("run", ("",), Path.is_dir, _read_run, _write_run),
        Format("word2vec-text", (".txt", ".vec"), _is_text, _read_text, _write_text),
        Format("word2vec-binary", (".bin",), _is_binary, _read_binary, _write_binary),
    )
}
