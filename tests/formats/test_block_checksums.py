"""Checksums of vectors: damage never loads as other vectors, and only what is needed is verified."""

import json
import random
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from tests.formats.samples import read_error, write_bytes
from word2vec import formats
from word2vec.errors import FormatError
from word2vec.formats import Table, block_checksums
from word2vec.formats.tensor_file import verify_blocks, write_tensors

FILES = {"run": "run/vectors.safetensors", "v.safetensors": "v.safetensors", "v.npz": "v.npz"}
BLOCK = 64


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_checksums, "BLOCK_BYTES", BLOCK)


def same(found: Table, table: Table) -> bool:
    """Whether two tables are equal, including which of their parts are present."""
    return found.words == table.words and all(
        (one is None) == (other is None) and (one is None or np.array_equal(one, other))
        for one, other in zip(found[1:4], table[1:4], strict=True)
    )


def flip_bit(content: bytearray, rng: random.Random) -> None:
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def zero_range(content: bytearray, rng: random.Random) -> None:
    start, size = rng.randrange(len(content)), rng.randrange(1, 100)
    content[start : start + size] = bytes(len(content[start : start + size]))


def swap_ranges(content: bytearray, rng: random.Random) -> None:
    size = rng.randrange(1, 100)
    first, second = sorted(rng.sample(range(0, len(content) - size, size), 2))
    content[first : first + size], content[second : second + size] = (
        content[second : second + size],
        content[first : first + size],
    )


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("damage", [flip_bit, zero_range, swap_ranges])
@pytest.mark.parametrize("name", FILES)
def test_damaged_vectors_never_load_as_other_vectors(
    name: str, damage: Callable[[bytearray, random.Random], None], table: Table, tmp_path: Path
) -> None:
    formats.write(tmp_path / name, table)
    path, rng = tmp_path / FILES[name], random.Random(0)
    content, rejected = path.read_bytes(), 0
    # subtle: damage to the directory at the end of an archive may hide an array
    end = content.index(b"PK\1\2") if name == "v.npz" else len(content)
    for _ in range(300):
        damaged = bytearray(content[:end])
        damage(damaged, rng)
        damaged += content[end:]
        write_bytes(path, bytes(damaged))
        try:
            found = formats.read(tmp_path / name)
        except FormatError:
            rejected += damaged != content
        else:
            assert same(found, table)
    assert rejected > 200


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("size", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_every_block_has_the_checksum_of_its_bytes(size: int, tmp_path: Path) -> None:
    tensors = {"bytes": np.arange(size, dtype=np.uint8), "table": np.ones((size, 3), np.float32), "none": np.empty(0)}
    write_tensors(tmp_path / "t", tensors, {})
    with safe_open(tmp_path / "t", "numpy") as file:
        metadata = file.metadata()
    assert metadata.pop("crc32-block-bytes") == str(BLOCK)
    for name in ("bytes", "table"):
        data = tensors[name].tobytes()
        expected = [zlib.crc32(data[start : start + BLOCK]) for start in range(0, len(data), BLOCK)]
        assert metadata.pop(f"crc32:{name}") == "".join(f"{checksum:08x}" for checksum in expected)
    assert metadata == {}
    assert verify_blocks(tmp_path / "t")


@pytest.mark.usefixtures("small_blocks")
def test_limit_verifies_the_blocks_of_the_rows_that_are_read(tmp_path: Path) -> None:
    table = Table(list(map(str, range(100))), np.ones((100, 3), np.float32), None, np.full((100, 3), 2, np.float32))
    formats.write(tmp_path / "run", table)
    path = tmp_path / "run/vectors.safetensors"
    content = path.read_bytes()
    for row in (50, 150):  # of the input table and of the output table
        damaged = bytearray(content)
        damaged[len(content) - 2400 + 12 * row] ^= 1
        write_bytes(path, bytes(damaged))
        assert formats.read(tmp_path / "run", limit=40).words == table.words[:40]
        for limit in (51, 100, 101, None):
            assert "checksum mismatch" in read_error(tmp_path / "run", limit=limit)


@pytest.mark.parametrize("name", ["run", "v.safetensors"])
def test_files_without_checksums_are_read(name: str, table: Table, tmp_path: Path) -> None:
    formats.write(tmp_path / name, table)
    path = tmp_path / FILES[name]
    tensors = load_file(path)
    assert formats.verify_checksums(tmp_path / name)
    save_file(tensors, path, {"word2vec-run": "1"})
    assert not formats.verify_checksums(tmp_path / name)
    assert same(formats.read(tmp_path / name), table)


def test_files_rewritten_by_another_program_are_read_if_the_numbers_are_the_same(table: Table, tmp_path: Path) -> None:
    path = tmp_path / "v.safetensors"
    formats.write(path, table)
    tensors = load_file(path)
    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
    save_file(tensors, path, metadata)
    assert same(formats.read(path), table)
    save_file(tensors | {"input": -tensors["input"]}, path, metadata)
    assert "checksum mismatch in 'input'; the file is damaged or was modified" in read_error(path)


@pytest.mark.parametrize("size", ["", "0", "-1", "many", "²"])
def test_invalid_block_sizes_are_rejected(size: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / "v.safetensors"
    formats.write(path, table)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"]["crc32-block-bytes"] = size
    changed = json.dumps(header, ensure_ascii=False).encode()
    write_bytes(path, len(changed).to_bytes(8, "little") + changed + content[8 + length :])
    assert "checksum mismatch" in read_error(path)


def test_numbers_are_not_read_without_verification(tmp_path: Path) -> None:
    formats.write(tmp_path / "run", Table(["a", "b"], np.ones((2, 3), np.float32)))
    path = tmp_path / "run/vectors.safetensors"
    write_bytes(path, re.sub(rb"\0\0\x80\x3f", b"\0\0\xc0\x7f", path.read_bytes()))  # 1 becomes NaN
    assert np.isnan(formats.read(tmp_path / "run", verify=False).vectors).all()
    assert "checksum mismatch" in read_error(tmp_path / "run")


def test_damage_in_a_large_npz_file_is_detected(tmp_path: Path) -> None:
    words = list(map(str, range(10_000)))
    formats.write(tmp_path / "v.npz", Table(words, np.ones((10_000, 3), np.float32)))
    content = bytearray((tmp_path / "v.npz").read_bytes())
    content[len(content) - 60_000] ^= 1
    assert "the archive is damaged" in read_error(write_bytes(tmp_path / "v.npz", bytes(content)))
    assert formats.read(tmp_path / "v.npz", limit=10).words == words[:10]
