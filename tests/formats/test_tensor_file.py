"""The safetensors container: round trips of all types and shapes, checksums, and malicious shapes."""

import json
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file

from tests.formats.samples import write_bytes
from word2vec.errors import FormatError
from word2vec.formats.tensor_file import (
    CHECKSUM,
    NAMES,
    checksum_of,
    map_tensors,
    verify_checksum,
    write_checked,
    write_tensors,
)
from word2vec.training.checkpoint import Checkpoint, write_checkpoint


def every_kind() -> dict[str, NDArray[Any]]:
    """Tensors of all types in the shapes of an engine's state: scalar, empty, vector, table, and padded table."""
    rng = np.random.default_rng(0)
    shapes: list[tuple[int, ...]] = [(), (0,), (5,), (3, 4), (2, 3, 2)]
    tensors = {f"{code[1:]}.{len(shape)}.{sum(shape)}": rng.integers(0, 256, shape).astype(code)
               for code in NAMES for shape in shapes}  # fmt: skip
    return tensors | {"padded": rng.random((9, 16)).astype(np.float32)[:, :7]}


@pytest.mark.parametrize("write", [write_tensors, write_checked])
def test_every_type_and_shape_round_trips(write: Any, tmp_path: Path) -> None:
    tensors = every_kind()
    write(tmp_path / "t", tensors, {"key": "value"})
    mapped, metadata = map_tensors(tmp_path / "t")
    assert metadata["key"] == "value"
    for found in (mapped, load_file(tmp_path / "t")):  # also with the safetensors library
        assert found.keys() - {CHECKSUM} == tensors.keys()
        for name, tensor in tensors.items():
            assert (found[name].dtype, found[name].shape) == (tensor.dtype, tensor.shape)
            np.testing.assert_array_equal(found[name], tensor)


def test_the_checksum_covers_all_preceding_bytes(tmp_path: Path) -> None:
    tensors = every_kind()
    write_checked(tmp_path / "t", tensors, {})
    content = (tmp_path / "t").read_bytes()
    assert content[-4:] == zlib.crc32(content[:-4]).to_bytes(4, "little")
    assert load_file(tmp_path / "t")[CHECKSUM].tobytes() == content[-4:]
    verify_checksum(tmp_path / "t")
    numbers = b"".join(tensor.tobytes() for tensor in tensors.values())
    assert checksum_of(tensors.values()) == zlib.crc32(numbers)


def test_any_damage_is_detected(tmp_path: Path) -> None:
    write_checked(tmp_path / "t", {"table": np.arange(6, dtype=np.float32).reshape(2, 3)}, {})
    content = (tmp_path / "t").read_bytes()
    cut = [content[:kept] for kept in range(len(content))]
    changed = [content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :] for at in range(len(content))]
    for damaged in (*cut, *changed, content + b"\0"):
        with pytest.raises(FormatError, match="checksum mismatch: the file is damaged or truncated"):
            verify_checksum(write_bytes(tmp_path / "t", damaged))


@pytest.mark.parametrize("shape", [[0, 1 << 62], [1 << 62, 0], [0, 0], [0, 3, 5]])
def test_empty_tables_of_any_shape_are_ignored(shape: list[int], tmp_path: Path) -> None:
    header = json.dumps({"t": {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}}).encode()
    path = write_bytes(tmp_path / "t", len(header).to_bytes(8, "little") + header)
    assert map_tensors(path).tensors == {}


def test_writing_a_checkpoint_does_not_copy_the_tables(tmp_path: Path) -> None:
    tables = {name: torch.zeros(50_000, 112)[:, :100] for name in ("input", "output")}  # padded, as in the engines
    tracemalloc.start()
    try:
        write_checkpoint(tmp_path, Checkpoint({}, "", "", ""), tables)
        assert tracemalloc.get_traced_memory()[1] < 0.5 * tables["input"].nbytes
    finally:
        tracemalloc.stop()
