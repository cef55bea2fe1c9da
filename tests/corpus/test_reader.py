"""Text in every form is read as clean UTF-8, other files are rejected, and blocks never split a word."""

import bz2
import gzip
import lzma
import random
import re
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zstandard

from word2vec.corpus import reader
from word2vec.corpus.reader import MAX_WORD_BYTES, NOT_TEXT, ReadReport, read_blocks
from word2vec.errors import CorpusError

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}
TEXT = "Der Öltank läuft über.\nzweite Zeile\n".encode()


def written(path: Path, data: bytes = b"some words\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def read(path: Path, *, lowercase: bool = False, report: ReadReport | None = None) -> bytes:
    """The text of a file, without the newline that ends every file."""
    text = b"".join(read_blocks(path, report or ReadReport(), lowercase=lowercase))
    assert text.endswith(b"\n")
    return text[:-1]


def words(text: bytes) -> list[bytes]:
    """The words by definition: bytes above the space character, up to the maximum length."""
    return [word for word in re.split(rb"[\x00-\x20]+", text) if 0 < len(word) <= MAX_WORD_BYTES]


def message(source: Callable[[], object]) -> str:
    """The one-line message of a failure."""
    with pytest.raises(CorpusError) as caught:
        source()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Compressed files.


@pytest.mark.parametrize("suffix", COMPRESS)
def test_compression_is_detected_by_content(tmp_path: Path, suffix: str) -> None:
    data = COMPRESS[suffix](TEXT)
    for name in ["text" + suffix, "text.txt", "no-suffix"]:
        assert read(written(tmp_path / name, data)) == TEXT


@pytest.mark.parametrize("suffix", COMPRESS)
def test_compressed_file_of_many_blocks(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "BLOCK_BYTES", 1000)
    draw = random.Random(0)
    text = b" ".join(b"%d" % draw.randrange(10**6) for _ in range(50_000))
    assert read(written(tmp_path / "text", COMPRESS[suffix](text))) == text


@pytest.mark.parametrize("suffix", COMPRESS)
def test_extension_of_a_compressed_file_that_is_not_compressed(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path / f"text{suffix}", TEXT)
    assert message(lambda: read(path)).startswith(f"{path}: the name ends in {suffix} but the content is not compress")


@pytest.mark.parametrize("suffix", COMPRESS)
def test_truncated_file_is_never_accepted_as_complete(tmp_path: Path, suffix: str) -> None:
    draw = random.Random(0)
    data = COMPRESS[suffix](bytes(draw.choices(b"abcdefgh \n", k=100_000)))
    for size in [8, 12, len(data) // 3, len(data) // 2, len(data) - 5, len(data) - 1]:
        path = written(tmp_path / "text", data[:size])
        assert message(partial(read, path)).startswith(f"{path}: the compressed file is damaged or truncated (")


@pytest.mark.parametrize("suffix", COMPRESS)
def test_damaged_file(tmp_path: Path, suffix: str) -> None:
    draw = random.Random(0)
    data = bytearray(COMPRESS[suffix](bytes(draw.choices(b"abcdefgh \n", k=100_000))))
    middle = len(data) // 2
    data[middle : middle + 200] = b"\x55" * 200
    path = written(tmp_path / "text", bytes(data))
    assert message(lambda: read(path)).startswith(f"{path}: the compressed file is damaged or truncated (")


def test_progress_counts_the_bytes_on_disk(tmp_path: Path) -> None:
    for name, data in [("plain", TEXT * 10_000), ("packed", gzip.compress(TEXT * 10_000))]:
        steps: list[int] = []
        for _ in read_blocks(written(tmp_path / name, data), ReadReport(), advance=steps.append):
            pass
        assert sum(steps) == len(data)


def test_files_are_closed_even_if_reading_stops_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    real_open = Path.open

    def noting(self: Path, *args: Any, **kwargs: Any) -> Any:
        opened.append(real_open(self, *args, **kwargs))
        return opened[-1]

    monkeypatch.setattr(Path, "open", noting)
    monkeypatch.setattr(reader, "BLOCK_BYTES", 1)
    monkeypatch.setattr(reader, "BINARY_PROBE_BYTES", 1)
    for suffix, compress in COMPRESS.items():
        blocks: Iterator[bytes] = read_blocks(written(tmp_path / f"text{suffix}", compress(TEXT)), ReadReport())
        next(blocks)
        blocks.close()  # type: ignore[attr-defined]
    assert [file.closed for file in opened[1::2]] == [True] * len(COMPRESS)  # every second one was opened for writing


# Unusual files, and files that are not text.


def test_empty_file(tmp_path: Path) -> None:
    assert list(read_blocks(written(tmp_path / "empty.gz", b""), ReadReport())) == [b"\n"]


def test_missing_file_while_reading(tmp_path: Path) -> None:
    path = tmp_path / "nowhere"
    assert message(lambda: read(path)) == f"{path}: cannot be read: No such file or directory"
    assert message(lambda: read(tmp_path)) == f"{tmp_path}: cannot be read: Is a directory"


def test_byte_order_mark_is_dropped_at_the_start_only(tmp_path: Path) -> None:
    mark = b"\xef\xbb\xbf"
    assert read(written(tmp_path / "a", mark + b"word" + mark)) == b"word" + mark
    assert read(written(tmp_path / "b", mark)) == b""
    assert read(written(tmp_path / "c", gzip.compress(mark + b"word"))) == b"word"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_and_utf_32_are_rejected(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path / "text", TEXT.decode().encode(encoding))
    error = message(lambda: read(path))
    assert error.startswith(f"{path}: contains NUL bytes, so it is a binary file or UTF-16; ")
    assert "iconv -f UTF-16" in error


def test_binary_file_is_rejected_even_if_compressed_or_without_white_space(tmp_path: Path) -> None:
    for name, data in [("packed", gzip.compress(b"\x7fELF\0\0")), ("zeros", bytes(5 << 20))]:
        path = written(tmp_path / name, data)
        assert "contains NUL bytes" in message(partial(read, path))


@pytest.mark.parametrize("magic", NOT_TEXT)
def test_archives_are_rejected_with_the_command_that_unpacks_them(tmp_path: Path, magic: bytes) -> None:
    kind, advice = NOT_TEXT[magic]
    for name, data in [("plain", magic + TEXT), ("packed", gzip.compress(magic + bytes(100)))]:
        path = written(tmp_path / name, data)
        assert message(partial(read, path)) == f"{path}: is {kind}, not text; {advice}"
    read(written(tmp_path / "later", TEXT + magic))  # only the start of a file matters


ENCODED = {
    "French in Latin-1": ("Où est l'été passé à la forêt d'où venait le garçon naïf ?\n" * 20, "latin-1"),
    "German in Latin-1": ("Die Straße führt über die Brücke zu den schönen Häusern.\n" * 20, "latin-1"),
    "a short file": ("кошка\n" * 8, "koi8-r"),
}


@pytest.mark.parametrize("name", ENCODED)
def test_a_few_invalid_bytes_are_accepted(tmp_path: Path, name: str) -> None:
    text, encoding = ENCODED[name]
    report = ReadReport()
    assert b"\xef\xbf\xbd" in read(written(tmp_path / "text", text.encode(encoding)), report=report)
    assert report.undecodable_bytes > 0


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "shift-jis", "gb2312", "big5", "euc-jp"])
def test_text_in_another_encoding_is_rejected(tmp_path: Path, encoding: str) -> None:
    text = "кошка сидит на ковре\n" if encoding in ("cp1251", "koi8-r") else "一 二 三 中 文 人 日 本\n"
    path = written(tmp_path / "text", text.encode(encoding) * 50)
    assert "of its beginning cannot be decoded; convert it from its encoding" in message(lambda: read(path))
    assert read(written(tmp_path / "utf8", text.encode() * 50)) == text.encode() * 50


def test_undecodable_bytes_are_replaced_and_counted(tmp_path: Path) -> None:
    cases = [
        (b"caf\xe9 ol\xe9", "caf\ufffd ol\ufffd", 2),
        (b"\xff\xfe\xfd", "\ufffd\ufffd\ufffd", 3),
        (b"\xe2\x82 x", "\ufffd x", 1),  # an incomplete character counts once
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd", 3),  # a surrogate, not allowed in UTF-8
        ("real \ufffd kept".encode(), "real \ufffd kept", 0),
        ("\ufffd".encode() + b"\x80" + "\ufffd".encode(), "\ufffd\ufffd\ufffd", 1),
        (b"\xf0" + "\ufffd".encode(), "\ufffd\ufffd", 1),
    ]
    for number, (data, expected, count) in enumerate(cases):
        for lowercase in (False, True):
            report = ReadReport()
            assert read(written(tmp_path / str(number), data), lowercase=lowercase, report=report) == expected.encode()
            assert report.undecodable_bytes == count


def test_undecodable_bytes_of_all_files_are_added_up(tmp_path: Path) -> None:
    report = ReadReport()
    read(written(tmp_path / "a", b"\xff"), report=report)
    read(written(tmp_path / "b", b"\xff \xff"), report=report)
    assert report.undecodable_bytes == 3


def test_lowercasing_follows_unicode(tmp_path: Path) -> None:
    path = written(tmp_path / "a", "ÄÖ İstanbul ΟΔΟΣ STRASSE ẞ Ǆ".encode())
    assert read(path, lowercase=True).decode() == "äö i̇stanbul οδος strasse ß ǆ"
    assert read(path) == path.read_bytes()
    assert read(written(tmp_path / "b", b"ASCII Only\r\n"), lowercase=True) == b"ascii only\r\n"


# Blocks.


def small_blocks(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(reader, "BLOCK_BYTES", size)
    monkeypatch.setattr(reader, "BINARY_PROBE_BYTES", size)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 64, 1023])
def test_blocks_end_between_words_and_lose_nothing(tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(size)
    characters = ["a", "B", "é", "€", "😀", "\ufffd", " ", " ", "\n", "\t", "\r\n", "\x0b", "\x1f"]
    for number in range(20):
        text = "".join(draw.choices(characters, k=300)).encode()
        path = written(tmp_path / str(number), text)
        with monkeypatch.context() as patched:
            small_blocks(patched, size)
            blocks = list(read_blocks(path, report := ReadReport()))
        assert b"".join(blocks) == text + b"\n"
        # no block depends on its neighbors: their words together are those of the text
        assert [word for block in blocks for word in words(block)] == words(text)
        assert report.undecodable_bytes == 0


@pytest.mark.parametrize("size", [1, 7, 100, 1500])
def test_undecodable_bytes_are_counted_across_blocks(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(size)
    pieces = [b"a", "é".encode(), "€".encode(), b"\xff", b"\xe2\x82", b"\x80", "\ufffd".encode(), b" ", b"\n"]
    data = b"text " * 2000 + b"".join(draw.choices(pieces, k=2000))  # it has to begin like text to be accepted
    expected = data.decode(errors="replace")
    small_blocks(monkeypatch, size)
    assert read(written(tmp_path / "text", data), report=(report := ReadReport())) == expected.encode()
    assert report.undecodable_bytes == expected.count("\ufffd") - data.count("\ufffd".encode()) > 0


@pytest.mark.parametrize("separator", [b" ", b"\n", b"\t", b"\r", b"\x0b", b"\x0c", b"\x1f", b"\x01"])
def test_any_white_space_separates_words(tmp_path: Path, separator: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    text = separator.join(b"word%d" % number for number in range(2000))
    path = written(tmp_path / "text", text)
    small_blocks(monkeypatch, 3000)
    assert b"".join(read_blocks(path, ReadReport())) == text + b"\n"


@pytest.mark.parametrize("size", [10, 1500, 4096])
def test_too_long_word_is_dropped_and_its_neighbors_are_kept(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "text", b"before " + b"y" * 20_000 + b" after\n" + b"z" * 3000)
    small_blocks(monkeypatch, size)
    found = re.split(rb"[\x00-\x20]+", read(path))
    assert [word for word in found if len(word) <= MAX_WORD_BYTES] == [b"before", b"after"]
    assert len(found) == 4  # each long word is still one word, so it is counted once


@pytest.mark.parametrize("character", ["é", "語", "😀"])
def test_too_long_word_is_never_cut_inside_a_character(
    tmp_path: Path, character: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text without spaces can be decoded wherever a block ends."""
    path = written(tmp_path / "text", (character * 3000 + " end").encode())
    for size in range(2000, 2006):
        with monkeypatch.context() as patched:
            small_blocks(patched, size)
            assert words(read(path, report=(report := ReadReport()))) == [b"end"]
        assert report.undecodable_bytes == 0


def test_line_without_a_space_is_read_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "text", b"x" * (8 << 20) + b" end")
    monkeypatch.setattr(reader, "BLOCK_BYTES", 1 << 16)
    tracemalloc.start()
    try:
        blocks = list(read_blocks(path, ReadReport()))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert words(b"".join(blocks)) == [b"end"]


def test_block_is_never_much_larger_than_requested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(0)
    text = b" ".join(b"w" * draw.randrange(1, 2 * MAX_WORD_BYTES) for _ in range(300))
    monkeypatch.setattr(reader, "BLOCK_BYTES", 5000)
    monkeypatch.setattr(reader, "BINARY_PROBE_BYTES", 100)
    blocks = list(read_blocks(written(tmp_path / "text", text), ReadReport()))
    assert max(map(len, blocks)) <= 5000 + MAX_WORD_BYTES + 5
    assert words(b"".join(blocks)) == words(text)
