"""Compressed files are recognized by their content, and damage never goes unnoticed."""

import bz2
import errno
import gzip
import io
import lzma
import random
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from word2vec.system.compression import COMPRESSIONS, DamagedFileError, _ZstdDecompressor, decompressed

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


@pytest.mark.parametrize("suffix", COMPRESS)
def test_garbage_after_the_end_is_damage(suffix: str) -> None:
    for garbage in (b"garbage", b"\n", COMPRESS[suffix](TEXT)[:4]):
        with pytest.raises(DamagedFileError):
            read(COMPRESS[suffix](TEXT) + garbage)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_damage_in_a_later_stream_never_shortens_the_text(suffix: str) -> None:
    compress = zstandard.ZstdCompressor(write_checksum=True).compress if suffix == ".zst" else COMPRESS[suffix]
    parts = [random_text(2000), b"", TEXT]
    streams = [compress(part) for part in parts]
    whole, start = b"".join(streams), len(streams[0])
    for bit in range(8 * start, 8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            found = read(bytes(damaged))
        except DamagedFileError:
            continue
        assert found == b"".join(parts)  # some bits, such as those of the time in a gzip header, have no meaning


@pytest.mark.parametrize("suffix", COMPRESS)
def test_missing_bytes_between_streams_are_damage(suffix: str) -> None:
    first, second = COMPRESS[suffix](b"one\n"), COMPRESS[suffix](b"two\n")
    for cut in range(1, 5):
        with pytest.raises(DamagedFileError):
            read(first + second[cut:])
        with pytest.raises(DamagedFileError):
            read(first[:-cut] + second)


@pytest.mark.parametrize("block", [1, 3, 1 << 15])
@pytest.mark.parametrize(("suffix", "padding"), [(".gz", 1), (".gz", 511), (".xz", 4), (".xz", 1024)])
def test_files_with_padding_are_read_whole(
    suffix: str, padding: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(COMPRESSIONS, suffix, replace(COMPRESSIONS[suffix], block=block))
    streams = [COMPRESS[suffix](part) + bytes(padding) for part in (b"one ", b"", b"two\n")]
    assert read(b"".join(streams)) == b"one two\n"


@pytest.mark.parametrize(("suffix", "padding"), [(".xz", 3), (".xz", 5), (".bz2", 4), (".zst", 4)])
def test_padding_that_the_format_does_not_allow_is_damage(suffix: str, padding: int) -> None:
    stream = COMPRESS[suffix](TEXT)
    for data in (stream + bytes(padding), stream + bytes(padding) + stream):
        with pytest.raises(DamagedFileError):
            read(data)


def test_skippable_frames_of_zstandard_are_skipped() -> None:
    skippable = b"\x50\x2a\x4d\x18\4\0\0\0size"  # with which pzstd begins each frame
    frame = zstandard.compress(TEXT)
    assert read(skippable + frame + skippable + frame) == 2 * TEXT
    with pytest.raises(DamagedFileError):
        read(skippable + frame + skippable[:-1])


def test_zstandard_with_the_largest_window() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=31, enable_ldm=True)  # zstd --long=31
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    assert read(stream.compress(TEXT) + stream.flush()) == TEXT


def test_too_little_memory_for_a_window_is_not_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def decompress(self, _: bytes) -> bytes:
            raise zstandard.ZstdError("zstd decompressor error: Allocation error : not enough memory")

    monkeypatch.setattr(_ZstdDecompressor, "__init__", lambda self: setattr(self, "_stream", Full()))
    with pytest.raises(OSError, match="not enough memory") as caught:
        read(zstandard.compress(TEXT))
    assert caught.value.errno == errno.ENOMEM


def test_written_zstandard_files_have_a_checksum() -> None:
    raw = io.BytesIO()
    with COMPRESSIONS[".zst"].writer(raw) as file:
        file.write(random_text(1000))
    assert zstandard.get_frame_parameters(raw.getvalue()).has_checksum


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
    monkeypatch.setitem(COMPRESSIONS, ".zst", replace(COMPRESSIONS[".zst"], block=100))
    tracemalloc.start()
    try:
        with decompressed(io.BufferedReader(io.BytesIO(data))) as content:  # type: ignore[arg-type]
            assert sum(map(len, iter(lambda: content.read(1 << 16), b""))) == size
        assert tracemalloc.get_traced_memory()[1] < size // 4
    finally:
        tracemalloc.stop()
