"""Checksums of tensors in blocks, stored in the metadata of a safetensors file.

A file is memory-mapped, so its numbers cannot be verified when it is opened without reading all of it. Each tensor has
the CRC-32 of every block of its bytes (the last block may be shorter) as hexadecimal digits under the key
`crc32:<name>`; `crc32-block-bytes` is the size of a block. Rows at the start of a table can thus be verified without
reading the rest, and other programs that read the file are not affected.
"""

import zlib
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 1 << 22
SIZE_KEY, PREFIX, DIGITS = "crc32-block-bytes", "crc32:", 8
MAX_THREADS = 4  # more do not help: memory is then the limit


class BlockChecksums:
    """Computes the checksums of a tensor while its bytes are written."""

    def __init__(self) -> None:
        self._complete = ""  # of the blocks that are full
        self._checksum = self._filled = 0  # of the last block

    def update(self, data: bytes | memoryview) -> None:
        """Add bytes of the tensor."""
        view = memoryview(data).cast("B")
        while view:
            part, view = view[: BLOCK_BYTES - self._filled], view[BLOCK_BYTES - self._filled :]
            self._checksum = zlib.crc32(part, self._checksum)
            self._filled += len(part)
            if self._filled == BLOCK_BYTES:
                self._complete += _digits(self._checksum)
                self._checksum = self._filled = 0

    def metadata(self, name: str) -> dict[str, str]:
        """Return the metadata for the checksums of all blocks; a tensor without numbers has none."""
        digits = self._complete + (_digits(self._checksum) if self._filled else "")
        return {PREFIX + name: digits} if digits else {}


def empty_metadata(tensors: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """Return metadata of the final size, with zeros for the checksums, which are known after writing."""
    blocks = {name: -(-tensor.size * tensor.itemsize // BLOCK_BYTES) for name, tensor in tensors.items() if tensor.size}
    return {SIZE_KEY: str(BLOCK_BYTES)} | {PREFIX + name: "0" * DIGITS * count for name, count in blocks.items()}


def find_mismatch(
    tensors: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, str],
    limit: int | None,
    complete: Collection[str] = (),
) -> str | None:
    """Compare tensors with the checksums in the metadata of their file.

    Args:
        tensors: The contiguous tensors of the file. Those without checksums are not compared.
        metadata: The metadata of the file.
        limit: Compare only the blocks that contain the first rows of tables, this many; None for all.
        complete: Tables to which the limit does not apply.

    Returns:
        The name of the first tensor that is missing or does not match, or None.
    """
    names = [key.removeprefix(PREFIX) for key in metadata if key.startswith(PREFIX)]
    size = metadata.get(SIZE_KEY, "")
    if not size.isdecimal() or int(size) == 0:
        return SIZE_KEY if names else None
    with ThreadPoolExecutor(MAX_THREADS) as threads:
        for name in names:
            rows, expected = None if name in complete else limit, metadata[PREFIX + name]
            if name not in tensors or not _matches(tensors[name], expected, int(size), rows, threads):
                return name
    return None


def has_checksums(metadata: Mapping[str, str]) -> bool:
    """Return whether the metadata of a file contains checksums."""
    return SIZE_KEY in metadata


def _matches(tensor: NDArray[Any], expected: str, size: int, limit: int | None, threads: ThreadPoolExecutor) -> bool:
    """Return whether the first blocks of a tensor have the expected checksums."""
    data = tensor.reshape(-1).view(np.uint8)
    if len(expected) != DIGITS * -(-len(data) // size):
        return False
    stop = len(data) if limit is None or tensor.ndim != 2 else limit * tensor.shape[1] * tensor.itemsize
    # zlib releases the interpreter lock
    checksums = threads.map(zlib.crc32, [data[start : start + size] for start in range(0, min(stop, len(data)), size)])
    return expected.startswith("".join(map(_digits, checksums)))


def _digits(checksum: int) -> str:
    return f"{checksum:0{DIGITS}x}"
