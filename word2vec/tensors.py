"""Safetensors files written and read a few rows at a time, so that no table is ever copied as a whole.

The files are plain safetensors (https://github.com/huggingface/safetensors): the length of the header as 8 bytes,
the header as JSON, the numbers. The last tensor, `checksum`, is the CRC-32 of all bytes before it, so that damage is
told from data.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from word2vec.errors import FormatError

# Handled at a time: fits the cache, so that writing takes two thirds of the time that it takes in blocks of 16 MiB, and
# a gap in the memory that the process already has.
BLOCK_BYTES = 1 << 20
CHECKSUM, CHECKSUM_BYTES = "checksum", 4
NAMES = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64", torch.uint8: "U8"}


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors, wherever they lie and with whatever strides; a full disk is an OSError."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    position = 0
    for name, tensor in tensors.items():
        header[name] = _entry(NAMES[tensor.dtype], list(tensor.shape), position, tensor.nbytes)
        position += tensor.nbytes
    header[CHECKSUM] = _entry("U8", [CHECKSUM_BYTES], position, CHECKSUM_BYTES)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    checksum = 0
    with path.open("wb") as file:
        for block in chain([len(text).to_bytes(8, "little"), text], *map(blocks, tensors.values())):
            checksum = zlib.crc32(block, checksum)
            file.write(block)
        file.write(checksum.to_bytes(CHECKSUM_BYTES, "little"))


def _entry(dtype: str, shape: list[int], start: int, size: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, start + size]}


def blocks(tensor: Tensor) -> Iterator[bytes]:
    """The bytes of a tensor, in the order of its rows, in blocks of about BLOCK_BYTES."""
    rows = tensor.detach().reshape(1) if tensor.ndim == 0 else tensor.detach()
    if rows.numel():
        step = max(1, BLOCK_BYTES * len(rows) // rows.nbytes)
        for start in range(0, len(rows), step):
            yield rows[start : start + step].contiguous().cpu().numpy().tobytes()


def checksum_of(*tensors: Tensor) -> int:
    """The CRC-32 of the bytes of some tensors."""
    checksum = 0
    for block in chain(*map(blocks, tensors)):
        checksum = zlib.crc32(block, checksum)
    return checksum


def refuse_damaged(path: Path) -> None:
    """Read a file once and hold it against the checksum at its end.

    Raises:
        FormatError: the file is cut off or was changed.
    """
    left, checksum = path.stat().st_size - CHECKSUM_BYTES, 0
    with path.open("rb") as file:
        while left > 0 and (block := file.read(min(BLOCK_BYTES, left))):
            checksum = zlib.crc32(block, checksum)
            left -= len(block)
        if left or file.read() != checksum.to_bytes(CHECKSUM_BYTES, "little"):
            raise FormatError("its checksum is wrong: it is damaged or cut off")


def read_table(path: Path, name: str, table: Tensor) -> None:
    """Fill a table, (rows, columns), from a safetensors file.

    Raises:
        FormatError: the file has no such table of this shape, or is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            part = file.get_slice(name)
            if tuple(part.get_shape()) != tuple(table.shape):
                raise FormatError(f"{path}: {name!r} is {part.get_shape()}, not {list(table.shape)}")
            step = max(1, BLOCK_BYTES // (table.shape[1] * table.element_size()))
            for start in range(0, len(table), step):
                end = min(start + step, len(table))
                table.detach()[start:end] = part[start:end]
    except (SafetensorError, OSError) as error:
        raise FormatError(f"{path}: the table {name!r} cannot be read: {error}") from error


def read_rest(path: Path, besides: frozenset[str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors but the ones named and the checksum, and the metadata.

    Raises:
        FormatError: the file is no safetensors file.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            names = set(file.keys()) - besides - {CHECKSUM}
            return {name: file.get_tensor(name).clone() for name in sorted(names)}, file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise FormatError(f"{path} cannot be read: {error}") from error
