"""numpy's archives (.npz): the arrays `words` and `vectors`, and `counts` and `output` where there are any.

Made for people who want the vectors in numpy and nothing else: `numpy.load(path)["vectors"]`. What numpy.savez wrote is
mapped from the disk, what savez_compressed wrote is unpacked. Arrays of Python objects are refused, since reading them
could run code.
"""

import lzma
import re
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import FormatError
from word2vec.formats.source import ALWAYS_ALLOWED, MAX_UNFOLDING
from word2vec.formats.table import BLOCK, Table, distinct, encoded
from word2vec.system.atomic_files import atomic_path

MAGIC = b"PK\x03\x04"
# of the zip's local header: its bytes, and where in it two lengths stand
LOCAL_HEADER, NAME_LENGTH, EXTRA_LENGTH = 30, slice(26, 28), slice(28, 30)
FLOATS = ("f", "numbers of type float")
# the arrays' names, numpy's letters for the kinds of types they may have, and what those are
ARRAYS = {
    "words": ("US", "strings (dtype str, not object, which could run code)"),
    "vectors": FLOATS,
    "counts": ("iu", "whole numbers"),
    "output": FLOATS,
    "context": FLOATS,
}
# numpy.lib.format: magic, version, the length of the header in as many bytes as the version says, and the header
ARRAY_MAGIC, LENGTH_BYTES, LONGEST_HEADER = b"\x93NUMPY", {b"\x01\x00": 2, b"\x02\x00": 4, b"\x03\x00": 4}, 10_000
HEADER = re.compile(
    rb"\{'descr': '(?P<type>[<>|=][fiuUSO]\d{0,9})', 'fortran_order': (?P<fortran>True|False), "
    rb"'shape': \((?P<shape>(\d{1,15}(, ?\d{1,15}){0,3})?),?\),? ?\}\s*"
)
MAX_PADDING = 1 << 28  # bytes that the words may take over what the vectors do: each takes as much as the longest
# what zipfile and numpy say of damaged archives
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, TypeError, KeyError, RuntimeError)


class _Layout(NamedTuple):
    """Where and how the numbers of an array lie in a member of the archive."""

    shape: tuple[int, ...]
    order: Literal["C", "F"]
    dtype: np.dtype[Any]
    start: int

    @property
    def size(self) -> int:
        """In bytes."""
        return self.dtype.itemsize * int(np.prod(self.shape, dtype=object))


def is_npz(head: bytes) -> bool:
    """Whether a file begins as a zip archive does."""
    return head.startswith(MAGIC)


def read_npz(path: Path, limit: int | None, progress: bool) -> Table:  # noqa: ARG001 (mostly mapped at once)
    """Reads an archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = {name: f"{name}.npy" for name in ARRAYS if f"{name}.npy" in archive.namelist()}
            if not {"words", "vectors"} <= set(found):
                raise FormatError(f"{path} lacks the array 'words' or 'vectors'; write it with numpy.savez or export")
            arrays = {name: _array(path, archive, name) for name in found}
            _check(path, arrays)
            words = _words(arrays["words"][:limit])
    except DAMAGED as error:
        raise FormatError(f"{path} is damaged: {' '.join(str(error).split())[:200]}") from error
    with np.errstate(over="ignore"):  # what is infinite then is refused later
        tables = {
            name: arrays[name][:limit].astype(np.float32, copy=False)
            for name in ("vectors", "output", "context")
            if name in arrays
        }
    counts = arrays["counts"][:limit].astype(np.int64, copy=False) if "counts" in arrays else None
    return distinct(path, Table(words, tables["vectors"], counts, tables.get("output", tables.get("context"))))


def _array(path: Path, archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """An array of the archive: mapped, if it is not compressed, else read."""
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as member:
        layout = _layout(member)
        if layout.dtype.kind not in ARRAYS[name][0]:
            raise FormatError(f"{path}: the array {name!r} holds {layout.dtype}; it should hold {ARRAYS[name][1]}")
        if not layout.size:
            raise FormatError(f"{path}: the array {name!r} is empty")
        if layout.start + layout.size > min(info.file_size, ALWAYS_ALLOWED + MAX_UNFOLDING * path.stat().st_size):
            raise ValueError(f"the array {name!r} promises {layout.size} bytes, which the file does not hold")
        if info.compress_type == zipfile.ZIP_STORED:
            start = _start(path, info) + layout.start
            mapped: NDArray[Any] = np.memmap(
                path, layout.dtype, "c", offset=start, shape=layout.shape, order=layout.order
            )
            return mapped.view(np.ndarray)
        return _unpacked(member, layout)


def _layout(member: IO[bytes]) -> _Layout:
    """What the header of an array says; numpy's own reader fails in a dozen ways on a damaged one."""
    start = member.read(len(ARRAY_MAGIC) + 2)
    length_bytes = LENGTH_BYTES.get(start.removeprefix(ARRAY_MAGIC), 0)
    length = int.from_bytes(member.read(length_bytes), "little")
    header = HEADER.fullmatch(member.read(length)) if length_bytes and length <= LONGEST_HEADER else None
    if header is None:
        raise ValueError("the header of an array is none of numpy's")
    shape = tuple(int(number) for number in re.findall(rb"\d+", header["shape"]))
    return _Layout(
        shape, "F" if header["fortran"] == b"True" else "C", np.dtype(header["type"].decode()), member.tell()
    )


def _start(path: Path, info: zipfile.ZipInfo) -> int:
    """Where in the file a member that is not compressed begins."""
    with path.open("rb") as file:
        file.seek(info.header_offset)
        header = file.read(LOCAL_HEADER)
    lengths = (int.from_bytes(header[place], "little") for place in (NAME_LENGTH, EXTRA_LENGTH))
    return info.header_offset + LOCAL_HEADER + sum(lengths)


def _unpacked(member: IO[bytes], layout: _Layout) -> NDArray[Any]:
    content: NDArray[Any] = np.empty(layout.size, np.uint8)
    for start in range(0, layout.size, BLOCK):
        place = content[start : start + BLOCK]
        block = member.read(len(place))
        if len(block) < len(place):
            raise EOFError("an array is cut off")
        place[:] = np.frombuffer(block, np.uint8)
    return np.ndarray(layout.shape, layout.dtype, content.data, order=layout.order)


def _check(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Refuses arrays that do not fit together."""
    shape = arrays["vectors"].shape
    if len(shape) != 2:
        raise FormatError(f"{path}: the array 'vectors' is {shape}; it should be (words, dimensions)")
    for name, expected in (("words", shape[:1]), ("counts", shape[:1]), ("output", shape), ("context", shape)):
        if name in arrays and arrays[name].shape != expected:
            raise FormatError(f"{path}: the array {name!r} is {arrays[name].shape}, which does not fit vectors {shape}")


def _words(array: NDArray[Any]) -> list[str]:
    words: list[str] = [word.decode() for word in array.tolist()] if array.dtype.kind == "S" else array.tolist()
    "".join(words).encode()  # a ValueError, if a word is no valid Unicode
    return words


def write_npz(path: Path, table: Table, progress: bool) -> None:  # noqa: ARG001 (as fast as the disk)
    """Writes an archive, not compressed: vectors hardly shrink, and so it can be mapped."""
    words = encoded(path, table.words, spaces=True)
    longest = max(table.words, key=len)
    ended = next((word for word in table.words if word.endswith("\0")), None)
    if ended is not None:
        raise FormatError(f"cannot write {path}: the word {ended!r} ends in NUL, which numpy's arrays lose")
    if 4 * len(longest) * len(words) > table.vectors.nbytes + MAX_PADDING:
        raise FormatError(
            f"cannot write {path}: numpy gives each word the room of the longest, and {longest[:40]!r}... has "
            f"{len(longest)} letters; use safetensors"
        )
    arrays = {
        "words": np.array(table.words),
        "vectors": table.vectors,
        "counts": table.counts,
        "output": table.output,
    }
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **{name: array for name, array in arrays.items() if array is not None})
