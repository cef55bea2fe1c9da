"""The safetensors container: written block by block, and memory-mapped when read.

A file consists of the length of a JSON object in eight bytes, the object with the name, type, shape and position of
each tensor, and the numbers (https://github.com/huggingface/safetensors). The library validates a file, but it copies
what it reads and writes only contiguous arrays, so mapping and writing are done here. Files of vectors have checksums
of their numbers in the metadata, see block_checksums.py. In checkpoints, which are always read as a whole, the last
tensor, `checksum`, is the CRC-32 of all preceding bytes.
"""

import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import FormatError
from word2vec.formats import block_checksums
from word2vec.formats.block_checksums import BlockChecksums
from word2vec.formats.table import row_blocks

LENGTH_BYTES, ALIGNMENT = 8, 8
# Bytes processed at a time. This fits the processor's cache, so that writing takes two thirds of the time of 16 MiB
# blocks, and needs hardly any additional memory.
BLOCK = 1 << 20
CHECKSUM, CHECKSUM_BYTES = "checksum", 4
NAMES = {"<f4": "F32", "<f8": "F64", "<i8": "I64", "|u1": "U8"}
TYPES = {name: np.dtype(code) for code, name in NAMES.items()}


class TensorFile(NamedTuple):
    """The content of a file; the arrays are memory-mapped, and changing them does not change the file."""

    tensors: dict[str, NDArray[Any]]  # only those of a type in TYPES
    metadata: dict[str, str]


def is_tensor_file(head: bytes) -> bool:
    """Return whether a file starts with the length of a JSON object and the object."""
    return head[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{" and int.from_bytes(head[:LENGTH_BYTES], "little") < 1 << 32


def map_tensors(path: Path) -> TensorFile:
    """Map the tensors of a file.

    Raises:
        FormatError: The file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy"):  # validates lengths, types, shapes and positions
            pass
    except SafetensorError as error:
        raise FormatError(f"{path}: the file is damaged ({error}); restore it from a copy") from error
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        header: dict[str, Any] = json.loads(file.read(length))
        metadata = header.pop("__metadata__", None) or {}
        start = LENGTH_BYTES + length
        return TensorFile({name: _map(file, start, entry) for name, entry in header.items() if _known(entry)}, metadata)


def _known(entry: dict[str, Any]) -> bool:
    return entry["dtype"] in TYPES and (
        0 not in entry["shape"] or entry["shape"] == [0]
    )  # the sizes of other tensors are not validated


def _map(file: BinaryIO, start: int, entry: dict[str, Any]) -> NDArray[Any]:
    if entry["shape"] == [0]:
        return np.empty(0, TYPES[entry["dtype"]])  # an empty array cannot be mapped
    mapped = np.memmap(file, TYPES[entry["dtype"]], "c", start + entry["data_offsets"][0], tuple(entry["shape"]))
    # a plain array, aligned in memory, which files of other programs do not guarantee
    return np.require(mapped.view(np.ndarray), requirements="A")


def write_tensors(path: Path, tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> None:
    """Write a file with the checksums of its blocks; rows of tables may be padded."""
    checksums = block_checksums.empty_metadata(tensors)
    with path.open("wb") as file:
        file.write(_header(tensors, {**metadata, **checksums}))
        for name, tensor in tensors.items():
            computed = BlockChecksums()
            for block in _blocks(tensor):
                file.write(block)
                computed.update(block)
            checksums |= computed.metadata(name)
        file.seek(0)
        file.write(_header(tensors, {**metadata, **checksums}))  # of the same size


def verify_blocks(path: Path, limit: int | None = None, complete: Collection[str] = ()) -> bool:
    """Compare the numbers of a file with their checksums, if it has any.

    Args:
        path: The file.
        limit: Read only the blocks that contain the first rows of tables, this many; None for all.
        complete: Tables to which the limit does not apply.

    Returns:
        Whether the file has checksums; those of other programs and earlier versions do not.

    Raises:
        FormatError: The file was damaged or modified.
    """
    file = map_tensors(path)
    damaged = block_checksums.find_mismatch(file.tensors, file.metadata, limit, complete)
    if damaged is not None:
        raise FormatError(
            f"{path}: checksum mismatch in {damaged!r}; the file is damaged or was modified; restore it from a copy, "
            "or train again"
        )
    return block_checksums.has_checksums(file.metadata)


def write_checked(path: Path, tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> None:
    """Write a file that ends with its checksum."""
    header = _header({**tensors, CHECKSUM: np.empty(CHECKSUM_BYTES, np.uint8)}, metadata)
    checksum = 0
    with path.open("wb") as file:
        for block in chain([header], *map(_blocks, tensors.values())):
            file.write(block)
            checksum = zlib.crc32(block, checksum)
        file.write(checksum.to_bytes(CHECKSUM_BYTES, "little"))


def verify_checksum(path: Path) -> None:
    """Compare a file with the checksum at its end.

    Raises:
        FormatError: The file is truncated or was modified.
    """
    left, checksum = path.stat().st_size - CHECKSUM_BYTES, 0
    with path.open("rb") as file:
        while left > 0 and (block := file.read(min(BLOCK, left))):
            checksum = zlib.crc32(block, checksum)
            left -= len(block)
        if left or file.read() != checksum.to_bytes(CHECKSUM_BYTES, "little"):
            raise FormatError("checksum mismatch: the file is damaged or truncated")


def checksum_of(tensors: Iterable[NDArray[Any]]) -> int:
    """Return the CRC-32 of the numbers of several tensors."""
    checksum = 0
    for block in chain.from_iterable(map(_blocks, tensors)):
        checksum = zlib.crc32(block, checksum)
    return checksum


def _header(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> bytes:
    """Return the bytes that precede the numbers."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name, tensor in tensors.items():
        start, end = end, end + tensor.size * tensor.itemsize
        code = tensor.dtype.newbyteorder("<").str
        header[name] = {"dtype": NAMES[code], "shape": list(tensor.shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(LENGTH_BYTES, "little") + text


def _blocks(tensor: NDArray[Any]) -> Iterator[bytes | memoryview]:
    """Yield the bytes of a tensor in row-major order."""
    for block in row_blocks(tensor if tensor.ndim == 2 else tensor.reshape(-1, 1), BLOCK):
        yield np.ascontiguousarray(block, tensor.dtype.newbyteorder("<")).data
