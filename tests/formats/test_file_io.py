"""Compressed files: reading and writing, truncated files, and bounds on memory for decompression bombs."""

import bz2
import gzip
import lzma
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zstandard

from tests.formats.samples import binary, bits, files_no_larger_than, read_error, write_bytes
from tests.formats.test_fasttext import model
from word2vec import formats
from word2vec.errors import ConfigError, FormatError, Word2VecError
from word2vec.formats import FORMATS, Table
from word2vec.formats.file_io import ALWAYS_ALLOWED_BYTES, MAX_EXPANSION, open_file
from word2vec.system.compression import COMPRESSIONS

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}
TEXT = {"word2vec-text": b"2 3\na 1 2 3\nb 4 5 6\n", "glove": b"a 1 2 3\nb 4 5 6\n"}
TEXT["word2vec-binary"] = binary(("a", [1, 2, 3]), ("b", [4, 5, 6]))


def test_all_compressions_are_tested() -> None:
    assert set(COMPRESS) == set(COMPRESSIONS)


@pytest.mark.parametrize("name", TEXT)
@pytest.mark.parametrize("extension", COMPRESS)
def test_compressed_files_are_read(name: str, extension: str, tmp_path: Path) -> None:
    for path in (tmp_path / f"v{extension}", tmp_path / "v"):  # the content decides
        found = formats.read(write_bytes(path, COMPRESS[extension](TEXT[name])))
        assert found.words == ["a", "b"]
        assert found.vectors.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert formats.read(path, limit=1).words == ["a"]


@pytest.mark.parametrize("name", [name for name, entry in FORMATS.items() if entry.may_be_compressed])
@pytest.mark.parametrize("extension", COMPRESS)
def test_compressed_files_are_written(name: str, extension: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / f"v{FORMATS[name].extensions[0]}{extension}"
    formats.write(path, table)
    found = formats.read(path)
    assert found.words == table.words
    np.testing.assert_array_equal(bits(found.vectors), bits(table.vectors))
    formats.write(tmp_path / "plain", table, format=name)
    assert path.read_bytes()[:2] == COMPRESS[extension](b"")[:2]
    formats.write(tmp_path / f"again{extension}", table, format=name)
    assert (tmp_path / f"again{extension}").read_bytes() == path.read_bytes()  # no time and no name inside


@pytest.mark.parametrize("name", ["v.npz.gz", "v.safetensors.gz", "v.gz"])
def test_other_formats_cannot_be_compressed(name: str, table: Table, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"are not compressed; remove \.gz"):
        formats.write(tmp_path / name, table)


def test_a_full_disk_leaves_no_compressed_file(table: Table, tmp_path: Path) -> None:
    for extension in COMPRESS:
        with pytest.raises(Word2VecError, match="File too large"), files_no_larger_than(300):
            formats.write(tmp_path / f"v.txt{extension}", table)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("extension", COMPRESS)
def test_truncated_or_modified_compressed_files_are_rejected(extension: str, tmp_path: Path) -> None:
    rows = b"".join(b"word%d %f %f\n" % (row, row / 7, row / 3) for row in range(500))
    content = COMPRESS[extension](b"500 2\n" + rows)
    for kept in (len(content) // 2, len(content) - 1):
        assert "the compressed file is damaged or truncated (" in read_error(
            write_bytes(tmp_path / "v.txt", content[:kept])
        )
    changed = content[: len(content) // 2] + b"\xff\0\xff\0" + content[len(content) // 2 + 4 :]
    assert "damaged" in read_error(write_bytes(tmp_path / "v.txt", changed))


@pytest.mark.parametrize("name", [*TEXT, "fasttext"])
@pytest.mark.parametrize("extension", COMPRESS)
def test_compressed_files_are_verified_to_their_end(extension: str, name: str, tmp_path: Path) -> None:
    compress = zstandard.ZstdCompressor(write_checksum=True).compress if extension == ".zst" else COMPRESS[extension]
    content = TEXT[name] if name in TEXT else model() + bytes(1 << 23)  # followed by an output table, which is not read
    whole = compress(content[:20]) + compress(content[20:])
    checksum = -12 if extension == ".xz" else -5  # the end has the footer of the stream, its checksum or its size
    damaged = bytearray(whole)
    damaged[checksum] ^= 1
    assert formats.read(write_bytes(tmp_path / "v", whole)).words
    assert "the compressed file is damaged or truncated (" in read_error(write_bytes(tmp_path / "v", bytes(damaged)))


def peak_of(action: Callable[[], object]) -> int:
    """Peak memory of Python and numpy in bytes."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("extension", COMPRESS)
def test_decompression_bombs_are_rejected(extension: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.formats.file_io.ALWAYS_ALLOWED_BYTES", 1 << 20)
    size = 1 << (26 if extension == ".zst" else 25)  # zstandard decompresses up to 32 MiB at a time
    for name, start in (("word2vec-binary", b"8000 1000\n"), ("word2vec-text", b"9 9\nword "), ("glove", b"word 1 ")):
        path = write_bytes(tmp_path / "v", COMPRESS[extension](start + b"0" * size))
        assert size > (1 << 20) + MAX_EXPANSION * path.stat().st_size  # otherwise it would not be a bomb
        messages = []
        peak = peak_of(lambda p=path, n=name, m=messages: m.append(read_error(p, format=n)))
        assert peak < size
        assert "times its size, which vectors never do" in messages[0] or "at most" in messages[0]


@pytest.mark.parametrize("extension", ["", *COMPRESS])
@pytest.mark.parametrize("header", [b"999999999999 999999999\n", b"999999999999 1\n", b"1 999999999\n", b"9999999 1\n"])
def test_wrong_headers_take_no_memory(header: bytes, extension: str, tmp_path: Path) -> None:
    content = header + b"a 1 2 3\n" * 10
    path = write_bytes(tmp_path / "v", COMPRESS.get(extension, bytes)(content))
    for name in ("word2vec-text", "word2vec-binary"):
        # half of what compressed files of any size may expand to
        assert peak_of(lambda n=name: read_error(path, format=n)) < ALWAYS_ALLOWED_BYTES / 2


def test_tables_larger_than_the_file_are_not_allocated(tmp_path: Path) -> None:
    path = write_bytes(tmp_path / "v.gz", gzip.compress(b"x" * 1000))
    with open_file(path) as file, pytest.raises(FormatError, match="declares 1000000 rows with 10000 dimensions"):
        file.table(1_000_000, 10_000, "words")


def test_unread_bytes_are_read_again(tmp_path: Path) -> None:
    numbers = np.arange(6, dtype="<f4").reshape(2, 3)
    content = b"0123456789" + numbers.tobytes() + b"end"
    for path in (write_bytes(tmp_path / "plain", content), write_bytes(tmp_path / "packed", gzip.compress(content))):
        with open_file(path) as file:
            block = file.read(20)
            file.unread(block[4:])
            assert (file.position, file.read(6), file.position) == (4, b"456789", 10)
            np.testing.assert_array_equal(file.table(2, 3, "rows"), numbers)
            assert (file.read(100), file.read(1)) == (b"end", b"")


def test_a_file_that_grows_while_it_is_read_is_rejected(tmp_path: Path) -> None:
    path = write_bytes(tmp_path / "v", b"x" * 10)
    with open_file(path) as file:
        write_bytes(path, b"x" * 20)
        with pytest.raises(FormatError, match="grew while it was read; wait until it is complete"):
            file.read(20)


@pytest.mark.parametrize("shown", [False, True])
def test_progress_bars_are_optional(
    shown: bool, table: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("word2vec.formats.file_io.BAR_DELAY", 0)
    formats.write(tmp_path / "v.txt", table, progress=shown)
    formats.read(tmp_path / "v.txt", progress=shown)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert ["writing v.txt" in captured.err, "reading v.txt" in captured.err] == [shown, shown]
