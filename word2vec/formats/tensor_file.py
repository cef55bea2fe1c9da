"""Safetensors files: written some rows at a time, and mapped from the disk when they are read.

Such a file is the length of a JSON object in eight bytes, the object with each tensor's name, type, shape and place,
and the numbers (https://github.com/huggingface/safetensors). The library checks a file; it copies what it reads,
though, and writes only what lies in one piece, so the mapping and the writing are done here.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import FormatError
from word2vec.formats.table import row_blocks

LENGTH_BYTES, ALIGNMENT = 8, 8
NAMES = {"<f4": "F32", "<i8": "I64", "|u1": "U8"}
TYPES = {name: np.dtype(code) for code, name in NAMES.items()}


class TensorFile(NamedTuple):
    """What a file holds; the arrays are mapped, and changing them does not change the file."""

    tensors: dict[str, NDArray[Any]]  # those of the types that are known here
    metadata: dict[str, str]


def is_tensor_file(head: bytes) -> bool:
    """Whether a file begins with the length of an object, and with the object."""
    return head[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{" and int.from_bytes(head[:LENGTH_BYTES], "little") < 1 << 32


def map_tensors(path: Path) -> TensorFile:
    """Opens a file.

    Raises:
        FormatError: the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy"):  # checks everything: length, types, shapes, places
            pass
    except SafetensorError as error:
        raise FormatError(f"{path} is damaged: {error}") from error
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        header: dict[str, Any] = json.loads(file.read(length))
        metadata = header.pop("__metadata__", None) or {}
        start = LENGTH_BYTES + length
        return TensorFile({name: _map(file, start, entry) for name, entry in header.items() if _known(entry)}, metadata)


def _known(entry: dict[str, Any]) -> bool:
    return entry["dtype"] in TYPES and 0 not in entry["shape"]


def _map(file: BinaryIO, start: int, entry: dict[str, Any]) -> NDArray[Any]:
    mapped = np.memmap(file, TYPES[entry["dtype"]], "c", start + entry["data_offsets"][0], tuple(entry["shape"]))
    # a plain array, and in its right place in memory, which another program's file may not grant
    return np.require(mapped.view(np.ndarray), requirements="A")


def write_tensors(path: Path, tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> None:
    """Writes a file; tables may have strides, for padding between rows or none."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name, tensor in tensors.items():
        start, end = end, end + tensor.size * tensor.itemsize
        code = tensor.dtype.newbyteorder("<").str
        header[name] = {"dtype": NAMES[code], "shape": list(tensor.shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(LENGTH_BYTES, "little") + text)
        for tensor in tensors.values():
            for block in row_blocks(tensor if tensor.ndim == 2 else tensor.reshape(-1, 1)):
                file.write(np.ascontiguousarray(block, tensor.dtype.newbyteorder("<")).data)
