"""Compressed files, liars and bombs: what is read is bounded by the size of the file."""

import bz2
import gzip
import lzma
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zstandard

from tests.formats.samples import binary, bits, complaint, files_no_larger_than, toy
from word2vec import formats
from word2vec.errors import ConfigError, FormatError, Word2VecError
from word2vec.formats import FORMATS, Table
from word2vec.formats.growing import Rows
from word2vec.formats.source import ALWAYS_ALLOWED, MAX_UNFOLDING, open_source
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
@pytest.mark.parametrize("ending", COMPRESS)
def test_compressed_files_are_read(name: str, ending: str, tmp_path: Path) -> None:
    for path in (tmp_path / f"v{ending}", tmp_path / "v"):  # the content decides
        found = formats.read(toy(path, COMPRESS[ending](TEXT[name])))
        assert found.words == ["a", "b"]
        assert found.vectors.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert formats.read(path, limit=1).words == ["a"]


@pytest.mark.parametrize("name", [name for name, entry in FORMATS.items() if entry.may_be_compressed])
@pytest.mark.parametrize("ending", COMPRESS)
def test_compressed_files_are_written(name: str, ending: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / f"v{FORMATS[name].extensions[0]}{ending}"
    formats.write(path, table)
    found = formats.read(path)
    assert found.words == table.words
    np.testing.assert_array_equal(bits(found.vectors), bits(table.vectors))
    formats.write(tmp_path / "plain", table, format=name)
    assert path.read_bytes()[:2] == COMPRESS[ending](b"")[:2]
    formats.write(tmp_path / f"again{ending}", table, format=name)
    assert (tmp_path / f"again{ending}").read_bytes() == path.read_bytes()  # no time and no name inside


@pytest.mark.parametrize("name", ["v.npz.gz", "v.safetensors.gz", "v.gz"])
def test_what_is_not_compressed_is_refused(name: str, table: Table, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is not compressed; leave out \.gz"):
        formats.write(tmp_path / name, table)


def test_a_full_disk_leaves_no_compressed_file(table: Table, tmp_path: Path) -> None:
    for ending in COMPRESS:
        with pytest.raises(Word2VecError, match="File too large"), files_no_larger_than(300):
            formats.write(tmp_path / f"v.txt{ending}", table)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", COMPRESS)
def test_compressed_files_that_are_cut_off_or_changed_are_refused(ending: str, tmp_path: Path) -> None:
    rows = b"".join(b"word%d %f %f\n" % (row, row / 7, row / 3) for row in range(500))
    content = COMPRESS[ending](b"500 2\n" + rows)
    for kept in (len(content) // 2, len(content) - 1):
        assert "the compressed file is damaged or cut off (" in complaint(toy(tmp_path / "v.txt", content[:kept]))
    changed = content[: len(content) // 2] + b"\xff\0\xff\0" + content[len(content) // 2 + 4 :]
    assert "damaged" in complaint(toy(tmp_path / "v.txt", changed))


def peak_of(action: Callable[[], object]) -> int:
    """The memory, in bytes, that Python and numpy took at most."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("ending", COMPRESS)
def test_bombs_are_stopped(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.formats.source.ALWAYS_ALLOWED", 1 << 20)
    size = 1 << (26 if ending == ".zst" else 25)  # zstandard gives 32 MiB at a time
    for name, start in (("word2vec-binary", b"8000 1000\n"), ("word2vec-text", b"9 9\nword "), ("glove", b"word 1 ")):
        path = toy(tmp_path / "v", COMPRESS[ending](start + b"0" * size))
        assert size > (1 << 20) + MAX_UNFOLDING * path.stat().st_size  # so it is a bomb
        messages = []
        peak = peak_of(lambda p=path, n=name, m=messages: m.append(complaint(p, format=n)))
        assert peak < size
        assert "times its size, as no vectors do" in messages[0] or "at most" in messages[0]


@pytest.mark.parametrize("ending", ["", *COMPRESS])
@pytest.mark.parametrize("header", [b"999999999999 999999999\n", b"999999999999 1\n", b"1 999999999\n", b"9999999 1\n"])
def test_headers_that_lie_take_no_memory(header: bytes, ending: str, tmp_path: Path) -> None:
    content = header + b"a 1 2 3\n" * 10
    path = toy(tmp_path / "v", COMPRESS.get(ending, bytes)(content))
    for name in ("word2vec-text", "word2vec-binary"):
        # about as much as compressed files of any size may take
        assert peak_of(lambda n=name: complaint(path, format=n)) < ALWAYS_ALLOWED / 2


def test_tables_of_a_model_that_lies_are_not_made(tmp_path: Path) -> None:
    path = toy(tmp_path / "v.gz", gzip.compress(b"x" * 1000))
    with open_source(path) as source, pytest.raises(FormatError, match="promises 1000000 rows of 10000"):
        source.table(1_000_000, 10_000, "words")


def test_source_gives_back_what_was_read_too_far(tmp_path: Path) -> None:
    numbers = np.arange(6, dtype="<f4").reshape(2, 3)
    content = b"0123456789" + numbers.tobytes() + b"end"
    for path in (toy(tmp_path / "plain", content), toy(tmp_path / "packed", gzip.compress(content))):
        with open_source(path) as source:
            block = source.read(20)
            source.unread(block[4:])
            assert (source.position, source.read(6), source.position) == (4, b"456789", 10)
            np.testing.assert_array_equal(source.table(2, 3, "rows"), numbers)
            assert (source.read(100), source.read(1)) == (b"end", b"")


def test_a_file_that_grows_is_refused(tmp_path: Path) -> None:
    path = toy(tmp_path / "v", b"x" * 10)
    with open_source(path) as source:
        toy(path, b"x" * 20)
        with pytest.raises(FormatError, match="grew while it was read; wait until it is whole"):
            source.read(20)


@pytest.mark.parametrize("most", [None, 5, 1000])
def test_rows_grow(most: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.formats.growing.FIRST_BYTES", 40)
    rows, expected, rng = Rows(3, most), [], np.random.default_rng(0)
    while not rows.full and rows.filled < 700:
        free = rows.free(rows.filled / 700)
        assert 0 < len(free) <= max(5, rows.filled + 1)
        taken = rng.integers(1, len(free) + 1)
        free[:taken] = rng.standard_normal((taken, 3))
        expected.append(free[:taken].copy())
        rows.filled += int(taken)
    table = rows.done()
    assert len(table) == (rows.filled if most is None else min(most, rows.filled))
    np.testing.assert_array_equal(table, np.concatenate(expected))


@pytest.mark.parametrize("shown", [False, True])
def test_a_bar_is_drawn_only_when_asked_for(
    shown: bool, table: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("word2vec.formats.source.BAR_DELAY", 0)
    formats.write(tmp_path / "v.txt", table, progress=shown)
    formats.read(tmp_path / "v.txt", progress=shown)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert ["writing v.txt" in captured.err, "reading v.txt" in captured.err] == [shown, shown]
