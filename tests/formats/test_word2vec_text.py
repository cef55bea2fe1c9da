"""word2vec's text format: variants written by other programs, and errors for damaged files."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.formats.samples import read_error, write_bytes
from word2vec import formats
from word2vec.formats import Table


def test_windows_line_ends_and_a_missing_last_one(tmp_path: Path) -> None:
    for text in ("2 2\r\na 1 2\r\nb 3 4\r\n", "2 2\na 1 2\nb 3 4", "2 2\na\t1 2\nb 3 4\n"[:4] + "a 1\t2\nb 3 4\n\n"):
        found = formats.read(write_bytes(tmp_path / "v.txt", text))
        assert found.words == ["a", "b"]
        assert found.vectors.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the file is empty"),
        ("one king\n", "unknown format, with neither a header 'count dim'"),
        ("two words of a text\n", "unknown format, with neither a header 'count dim'"),
        ("0 3\n", "0 words with 3 dimensions"),
        ("3 0\na\nb\nc\n", "3 words with 0 dimensions"),
        ("2 3\na 1 2 3\nb 4 5 x6\n", "line 3: b'x6' is not a number"),
        ("2 3\na 1 2,5 3\nb 4 5 6\n", "line 2: b'2,5' is not a number"),
        ("2 3\na 1 2 3\nb 4.0 5.0\n", "line 3: 2 numbers after the word, but line 1 declares 3"),
        ("2 3\na 1 2 3 4\nb 4 5 6\n", "line 2: 4 numbers after the word, but line 1 declares 3"),
        ("2 3\na 1 2 3 4\nb 4 5 6 7\n", "line 2: 4 numbers after the word, but line 1 declares 3"),
        ("2 3\nnew york 1 2 3\nb 4 5 6\n", "line 2: b'york' is not a number"),
        ("2 3\na 1 2 3\nbbbbbbb\n", "line 3: 0 numbers after the word"),
        ("3 3\na 1 2 3\nbbbbbbbbbbbbbbb\n\n", "line 3: 0 numbers after the word"),
        ("2 3\na 1 2 3\n\nb 4 5 6\n", "line 3: empty line before the end of the rows"),
        ("2 3\na 1_0 2 3\nb 4 5 6\n", "line 2: b'1_0' is not a number"),
        ("2 3\na 1.000 2.000 3.000\n 4 5 6\n", "line 3: no word before the numbers"),
        ("3 3\na 1.0000 2.0000 3.0000\nb 4 5 6\n", "contains 2 words, but line 1 declares 3"),
        (
            "9 3\na 1 2 3\nb 4 5 6\n",
            "declares 9 words with 3 dimensions, which take 71 bytes or more, but only 16",
        ),
        ("1 3\na 1 2 3\nb 4 5 6\n", "more rows than the 1 declared in line 1"),
        ("2 3\na 1 2 3\nb 4 nan 6\n", "the vector of 'b' contains nan or infinity"),
        ("2 3\na 1 -inf 3\nb 4 5 6\n", "the vector of 'a' contains nan or infinity"),
        ("2 3\na 1 2 3\nb 1e39 5 6\n", "the vector of 'b' contains nan or infinity"),
    ],
)
def test_damaged_files_are_rejected(text: str, expected: str, tmp_path: Path) -> None:
    assert expected in read_error(write_bytes(tmp_path / "v.txt", text))


def test_files_without_numbers_are_rejected(tmp_path: Path) -> None:
    path = write_bytes(tmp_path / "v.txt", "2 3\naaaaaaaa\nbbbbbbbb\n")
    assert "line 2: 0 numbers after the word" in read_error(path, format="word2vec-text")


def test_any_tabs_and_spaces_are_accepted(tmp_path: Path) -> None:
    for text in ("2 2\na\t1\t2\nb  3   4  \n", "2\t2\na 1 2\t\r\nb 3 4\r\n\r\n  \n"):
        assert formats.read(write_bytes(tmp_path / "v.txt", text)).vectors.tolist() == [[1, 2], [3, 4]]


def test_lines_may_cross_block_boundaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"".join(b"word%d %d.5 -%d\n" % (row, row, row) for row in range(40))
    for name, content in (("word2vec-text", b"40 2\n" + text), ("glove", text)):
        for block in range(1, 60):
            for module in ("text_rows", "file_io", "table"):
                monkeypatch.setattr(f"word2vec.formats.{module}.BLOCK", block)
            found = formats.read(write_bytes(tmp_path / "v", content.rstrip(b"\n")), format=name)
            assert found.words == [f"word{row}" for row in range(40)]
            assert found.vectors.tolist() == [[row + 0.5, -row] for row in range(40)]


def test_overlong_lines_are_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.formats.text_rows.MAX_LINE_BYTES", 1000)
    monkeypatch.setattr("word2vec.formats.text_rows.BLOCK", 100)
    path = write_bytes(tmp_path / "v", b"2 2\na 1 2\nb " + b"0" * 2000)
    assert "a line is longer than 1000 bytes; this is not a text file of vectors" in read_error(path)


def test_hard_numbers_are_parsed_as_by_python(tmp_path: Path) -> None:
    numbers = ["1e-45", "16777217", "123456789012345678901234567890", "3.4028234663852886e38", "-1e-400", "1.5", "0e99"]
    path = write_bytes(
        tmp_path / "v", f"3 {len(numbers)}\n" + "".join(f"w{row} {' '.join(numbers)}\n" for row in range(3))
    )
    expected = np.array([float(number) for number in numbers]).astype(np.float32)
    for row in formats.read(path).vectors:
        assert row.tobytes() == expected.tobytes()


@pytest.mark.parametrize("limit", [None, 1])
def test_a_byte_order_mark_is_ignored(limit: int | None, tmp_path: Path) -> None:
    text = b"\xef\xbb\xbf2 3\ncat 1 2 3\n\xef\xbb\xbf 4 5 6\n"
    for path in (write_bytes(tmp_path / "v.txt", text), write_bytes(tmp_path / "v.txt.gz", gzip.compress(text))):
        found = formats.read(path, limit)
        assert found.words == ["cat", "\ufeff"][:limit]
        assert found.vectors[0].tolist() == [1, 2, 3]
    formats.write(tmp_path / "first.txt", Table(["\ufeff", "\ufeffcat"], np.ones((2, 1), np.float32)))
    assert formats.read(tmp_path / "first.txt").words == ["\ufeff", "\ufeffcat"]
