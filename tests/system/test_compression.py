"""Compressed files are recognized by their content, and damage never goes unnoticed."""

import bz2
import gzip
import io
import lzma
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from word2vec.system import compression
from word2vec.system.compression import COMPRESSIONS, DamagedFileError, decompressed

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}
TEXT = "Der Öltank läuft über.\nzweite Zeile\n".encode()


def read(data: bytes) -> bytes:
    with decompressed(io.BufferedReader(io.BytesIO(data))) as content:  # type: ignore[arg-type]
        return content.read()


def random_text(size: int = 100_000) -> bytes:
    return bytes(random.Random(0).choices(b"abcdefgh \n", k=size))


def test_every_format_is_tested() -> None:
    assert set(COMPRESS) == set(COMPRESSIONS)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_content_decides_whether_a_file_is_compressed(suffix: str) -> None:
    assert read(COMPRESS[suffix](TEXT)) == TEXT
    assert read(TEXT) == TEXT
    assert read(b"") == b""


def test_plain_file_is_not_wrapped(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(TEXT)
    with (tmp_path / "text").open("rb") as file, decompressed(file) as content:
        assert content is file


@pytest.mark.parametrize("suffix", COMPRESS)
def test_what_is_written_is_read_again(suffix: str) -> None:
    raw = io.BytesIO()
    with COMPRESSIONS[suffix].writer(raw) as file:
        file.write(TEXT)
    assert not raw.closed
    assert raw.getvalue().startswith(COMPRESSIONS[suffix].magic)
    assert read(raw.getvalue()) == TEXT


@pytest.mark.parametrize("suffix", COMPRESS)
def test_file_of_several_members(suffix: str) -> None:
    members = [b"one ", b"", b"two\n", b"three"]
    assert read(b"".join(map(COMPRESS[suffix], members))) == b"one two\nthree"


@pytest.mark.parametrize("suffix", COMPRESS)
def test_empty_content(suffix: str) -> None:
    assert read(COMPRESS[suffix](b"")) == b""


@pytest.mark.parametrize("suffix", COMPRESS)
def test_truncated_file_is_never_accepted_as_complete(suffix: str) -> None:
    data = COMPRESS[suffix](random_text())
    for size in [8, 12, len(data) // 3, len(data) // 2, len(data) - 5, len(data) - 1]:
        with pytest.raises(DamagedFileError):
            read(data[:size])


@pytest.mark.parametrize("suffix", COMPRESS)
def test_damaged_file(suffix: str) -> None:
    data = bytearray(COMPRESS[suffix](random_text()))
    middle = len(data) // 2
    data[middle : middle + 200] = b"\x55" * 200
    with pytest.raises(DamagedFileError):
        read(bytes(data))


@pytest.mark.parametrize("suffix", [".bz2", ".xz"])
def test_garbage_after_the_end_is_ignored(suffix: str) -> None:
    assert read(COMPRESS[suffix](TEXT) + b"garbage") == TEXT


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_garbage_after_the_end_is_damage(suffix: str) -> None:
    with pytest.raises(DamagedFileError):
        read(COMPRESS[suffix](TEXT) + b"garbage")


def test_errors_of_the_disk_are_not_damage(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(TEXT)
    with (
        (tmp_path / "text").open("rb") as file,
        pytest.raises(OSError, match="Input/output error"),
        decompressed(file),
    ):
        raise OSError(5, "Input/output error")


def test_highly_compressed_zstandard_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    size = 1 << 26
    data = zstandard.compress(b"\n" * size)
    assert len(data) > 1000
    monkeypatch.setattr(compression, "ZSTD_BYTES", 100)
    tracemalloc.start()
    try:
        with decompressed(io.BufferedReader(io.BytesIO(data))) as content:  # type: ignore[arg-type]
            assert sum(map(len, iter(lambda: content.read(1 << 16), b""))) == size
        assert tracemalloc.get_traced_memory()[1] < size // 4
    finally:
        tracemalloc.stop()
