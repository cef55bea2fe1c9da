"""numpy archives (.npz) with the arrays `words` and `vectors`; optionally `counts`, `output` or `nodes`, and n-grams.

Refined vectors have further arrays: `plain`, the vectors before they were refined, and `refinement`, a JSON object with
the settings.

For use with numpy alone: `numpy.load(path)["vectors"]`. Files written by numpy.savez are memory-mapped, those written
by savez_compressed are decompressed. Arrays of Python objects are rejected, because reading them could run code.
Earlier versions called the output table `context`; such files are still read. N-grams have the arrays of `ngrams.py`,
and `ngram-settings` has three numbers: the lengths of the shortest and of the longest, and the number of buckets.
"""

import json
import lzma
import re
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from word2vec.corpus.phrases import Phrases
from word2vec.errors import FormatError
from word2vec.formats.file_io import ALWAYS_ALLOWED_BYTES, MAX_EXPANSION
from word2vec.formats.foreign import describe_archive
from word2vec.formats.ngrams import BUCKETS, NGRAMS, ngram_arrays, read_ngrams
from word2vec.formats.table import BLOCK, Table, distinct, encode_words, parse_refinement
from word2vec.models.subwords import WORD_ROWS, Subwords
from word2vec.system.atomic_files import atomic_path

MAGIC = b"PK\x03\x04"
# local header of a zip member: its size, and the positions of the lengths of the file name and the extra field
LOCAL_HEADER, NAME_LENGTH, EXTRA_LENGTH = 30, slice(26, 28), slice(28, 30)
FLOATS, INTEGERS = ("f", "floating-point numbers"), ("iu", "integers")
NGRAM_SETTINGS, REFINEMENT, PHRASES = "ngram-settings", "refinement", "phrases"
# name of each array: numpy's codes of the allowed kinds of types, and their description
ARRAYS = {
    "words": ("US", "strings (dtype str; dtype object could run code)"),
    "vectors": FLOATS,
    "counts": INTEGERS,
    "output": FLOATS,
    "nodes": FLOATS,  # of the tree of hierarchical softmax
    "plain": FLOATS,  # before refinement
    REFINEMENT: ("US", "a string"),
    PHRASES: ("u", "bytes"),
    "context": FLOATS,  # the output table in files of earlier versions
    WORD_ROWS: FLOATS,
    NGRAMS: FLOATS,
    BUCKETS: INTEGERS,
    NGRAM_SETTINGS: INTEGERS,
}
# numpy.lib.format: magic, version, length of the header (its size depends on the version), header
ARRAY_MAGIC, LENGTH_BYTES, MAX_HEADER_BYTES = b"\x93NUMPY", {b"\x01\x00": 2, b"\x02\x00": 4, b"\x03\x00": 4}, 10_000
HEADER = re.compile(
    rb"\{'descr': '(?P<type>[<>|=][fiuUSO]\d{0,9})', 'fortran_order': (?P<fortran>True|False), "
    rb"'shape': \((?P<shape>(\d{1,15}(, ?\d{1,15}){0,3})?),?\),? ?\}\s*"
)
MAX_PADDING = 1 << 28  # bytes that the words may take beyond the vectors; each word takes as much as the longest
# exceptions of zipfile and numpy for damaged archives
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, TypeError, KeyError, RuntimeError)


class _Layout(NamedTuple):
    """Type, shape and position of an array within a member of the archive."""

    shape: tuple[int, ...]
    order: Literal["C", "F"]
    dtype: np.dtype[Any]
    start: int

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.dtype.itemsize * int(np.prod(self.shape, dtype=object))


def is_npz(head: bytes) -> bool:
    """Return whether a file starts like a zip archive."""
    return head.startswith(MAGIC)


def read_npz(path: Path, limit: int | None, progress: bool) -> Table:  # noqa: ARG001 (memory-mapped)
    """Read a numpy archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = {name: f"{name}.npy" for name in ARRAYS if f"{name}.npy" in archive.namelist()}
            if foreign := describe_archive(archive.namelist()):
                raise FormatError(f"{path}: {foreign}")
            if not {"words", "vectors"} <= set(found):
                raise FormatError(f"{path}: the array 'words' or 'vectors' is missing; write both with numpy.savez")
            arrays = {name: _array(path, archive, name) for name in found}
            _check_shapes(path, arrays)
            words = _words(arrays["words"][:limit])
            settings = _words(arrays[REFINEMENT].reshape(-1))[0] if REFINEMENT in arrays else None
    except DAMAGED as error:
        raise _damaged(path, error) from error
    with np.errstate(over="ignore"):  # infinity is reported later, with its word
        tables = {
            name: (array if name == NGRAMS else array[:limit]).astype(np.float32, copy=False)
            for name, array in arrays.items()
            if ARRAYS[name] == FLOATS
        }
    nodes = tables.get("nodes") if len(words) == len(arrays["words"]) else None
    counts = arrays["counts"][:limit].astype(np.int64, copy=False) if "counts" in arrays else None
    output = tables.get("output", tables.get("context"))
    subwords = _subwords(path, arrays, tables)
    plain, refinement = tables.get("plain"), parse_refinement(path, settings)
    phrases = Phrases.from_bytes(arrays[PHRASES].tobytes(), path) if PHRASES in arrays else None
    return distinct(path, Table(words, tables["vectors"], counts, output, subwords, nodes, plain, refinement, phrases))


def _subwords(path: Path, arrays: dict[str, NDArray[Any]], tables: dict[str, NDArray[np.float32]]) -> Subwords | None:
    """Return the n-grams of an archive, or None, from its arrays and from its tables as float32."""
    settings = arrays[NGRAM_SETTINGS].reshape(-1).tolist() if NGRAM_SETTINGS in arrays else None
    buckets = {BUCKETS: arrays[BUCKETS].astype(np.int64, copy=False)} if BUCKETS in arrays else {}
    return read_ngrams(path, tables | buckets, settings, tables["vectors"].shape, None)


def verify_npz(path: Path, limit: int | None) -> bool:
    """Compare the arrays with their checksums in the archive; they cover whole arrays, so not if there is a limit."""
    if limit is None:
        try:
            with zipfile.ZipFile(path) as archive:
                for info in archive.infolist():  # all, because damage may have changed the name of an array
                    with archive.open(info) as member:  # which compares the checksum at its end
                        while member.read(BLOCK):
                            pass
        except DAMAGED as error:
            raise _damaged(path, error) from error
    return True


def _array(path: Path, archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Return an array of the archive, memory-mapped unless it is compressed."""
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as member:
        layout = _layout(member)
        if layout.dtype.kind not in ARRAYS[name][0]:
            raise FormatError(f"{path}: the array {name!r} has type {layout.dtype}, expected {ARRAYS[name][1]}")
        if not layout.size:
            raise FormatError(f"{path}: the array {name!r} is empty; write at least one word")
        if layout.start + layout.size > min(info.file_size, ALWAYS_ALLOWED_BYTES + MAX_EXPANSION * path.stat().st_size):
            raise ValueError(f"the array {name!r} declares {layout.size} bytes, more than the file contains")
        if info.compress_type == zipfile.ZIP_STORED:
            start = _data_offset(path, info) + layout.start
            mapped: NDArray[Any] = np.memmap(
                path, layout.dtype, "c", offset=start, shape=layout.shape, order=layout.order
            )
            return mapped.view(np.ndarray)
        return _read_array(member, layout)


def _layout(member: IO[bytes]) -> _Layout:
    """Parse the header of an array; numpy's own parser raises many different exceptions on damaged ones."""
    start = member.read(len(ARRAY_MAGIC) + 2)
    length_bytes = LENGTH_BYTES.get(start.removeprefix(ARRAY_MAGIC), 0)
    length = int.from_bytes(member.read(length_bytes), "little")
    header = HEADER.fullmatch(member.read(length)) if length_bytes and length <= MAX_HEADER_BYTES else None
    if header is None:
        raise ValueError("the header of an array is invalid")
    shape = tuple(int(number) for number in re.findall(rb"\d+", header["shape"]))
    return _Layout(
        shape, "F" if header["fortran"] == b"True" else "C", np.dtype(header["type"].decode()), member.tell()
    )


def _data_offset(path: Path, info: zipfile.ZipInfo) -> int:
    """Return the position in the file at which the data of an uncompressed member starts."""
    with path.open("rb") as file:
        file.seek(info.header_offset)
        header = file.read(LOCAL_HEADER)
    lengths = (int.from_bytes(header[place], "little") for place in (NAME_LENGTH, EXTRA_LENGTH))
    return info.header_offset + LOCAL_HEADER + sum(lengths)


def _read_array(member: IO[bytes], layout: _Layout) -> NDArray[Any]:
    """Read an array in blocks."""
    content: NDArray[Any] = np.empty(layout.size, np.uint8)
    for start in range(0, layout.size, BLOCK):
        place = content[start : start + BLOCK]
        block = member.read(len(place))
        if len(block) < len(place):
            raise EOFError("an array is truncated")
        place[:] = np.frombuffer(block, np.uint8)
    return np.ndarray(layout.shape, layout.dtype, content.data, order=layout.order)


def _check_shapes(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Raise FormatError if the shapes of the arrays do not match."""
    shape = arrays["vectors"].shape
    if len(shape) != 2:
        raise FormatError(f"{path}: the array 'vectors' has the shape {shape}, expected (words, dimensions)")
    tables = dict.fromkeys(("output", "context", "nodes", "plain", WORD_ROWS), shape)
    for name, expected in ({"words": shape[:1], "counts": shape[:1]} | tables).items():
        if name in arrays and arrays[name].shape != expected:
            raise FormatError(
                f"{path}: the array {name!r} has the shape {arrays[name].shape}, but 'vectors' has {shape}"
            )


def _words(array: NDArray[Any]) -> list[str]:
    """Return the words; raise ValueError if one of them is not valid Unicode."""
    words: list[str] = [word.decode() for word in array.tolist()] if array.dtype.kind == "S" else array.tolist()
    "".join(words).encode()  # raises for lone surrogates
    return words


def write_npz(path: Path, table: Table, progress: bool) -> None:  # noqa: ARG001 (as fast as the disk)
    """Write an uncompressed archive: vectors hardly compress, and it can be memory-mapped."""
    words = encode_words(path, table.words, spaces=True)
    longest = max(table.words, key=len)
    ends_in_nul = next((word for word in table.words if word.endswith("\0")), None)
    if ends_in_nul is not None:
        raise FormatError(
            f"cannot write {path}: the word {ends_in_nul!r} ends in NUL, which numpy arrays drop; use safetensors"
        )
    if 4 * len(longest) * len(words) > table.vectors.nbytes + MAX_PADDING:
        raise FormatError(
            f"cannot write {path}: numpy arrays give each word the size of the longest, and {longest[:40]!r}... has "
            f"{len(longest)} characters; use safetensors"
        )
    arrays = {
        "words": np.array(table.words),
        "vectors": table.vectors,
        "counts": table.counts,
        "output": table.output,
        "nodes": table.nodes,
        "plain": table.plain,
        REFINEMENT: None if table.refinement is None else np.array([json.dumps(table.refinement)]),
        PHRASES: None if table.phrases is None else np.frombuffer(table.phrases.to_bytes(), np.uint8),
    }
    ngrams, settings = ngram_arrays(table)
    if settings is not None:
        arrays |= ngrams | {NGRAM_SETTINGS: np.array(settings)}
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **{name: array for name, array in arrays.items() if array is not None})


def _damaged(path: Path, error: Exception) -> FormatError:
    return FormatError(f"{path}: the archive is damaged ({' '.join(str(error).split())[:200]}); get a new copy")
