"""word2vec's text files and GloVe's: habits of those who write them, and what is wrong with a line."""

from pathlib import Path

import numpy as np
import pytest

from tests.formats.samples import complaint, toy
from word2vec import formats
from word2vec.errors import FormatError
from word2vec.formats import Table


def test_windows_line_ends_and_a_missing_last_one(tmp_path: Path) -> None:
    for text in ("2 2\r\na 1 2\r\nb 3 4\r\n", "2 2\na 1 2\nb 3 4", "2 2\na\t1 2\nb 3 4\n"[:4] + "a 1\t2\nb 3 4\n\n"):
        found = formats.read(toy(tmp_path / "v.txt", text))
        assert found.words == ["a", "b"]
        assert found.vectors.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty"),
        ("one king\n", "does not look like vectors: no line 'count dim'"),
        ("two words of a text\n", "does not look like vectors: no line 'count dim'"),
        ("0 3\n", "0 words of 3 numbers"),
        ("3 0\na\nb\nc\n", "3 words of 0 numbers"),
        ("2 3\na 1 2 3\nb 4 5 x6\n", "line 3: b'x6' is not a number"),
        ("2 3\na 1 2,5 3\nb 4 5 6\n", "line 2: b'2,5' is not a number"),
        ("2 3\na 1 2 3\nb 4.0 5.0\n", "line 3: 2 numbers after the word, but line 1 promises 3"),
        ("2 3\na 1 2 3 4\nb 4 5 6\n", "line 2: 4 numbers after the word, but line 1 promises 3"),
        ("2 3\na 1 2 3 4\nb 4 5 6 7\n", "line 2: 4 numbers after the word, but line 1 promises 3"),
        ("2 3\nnew york 1 2 3\nb 4 5 6\n", "line 2: b'york' is not a number"),
        ("2 3\na 1 2 3\nbbbbbbb\n", "line 3: 0 numbers after the word"),
        ("3 3\na 1 2 3\nbbbbbbbbbbbbbbb\n\n", "line 3: 0 numbers after the word"),
        ("2 3\na 1 2 3\n\nb 4 5 6\n", "line 3: the line is empty, but more follow"),
        ("2 3\na 1_0 2 3\nb 4 5 6\n", "line 2: b'1_0' is not a number"),
        ("2 3\na 1.000 2.000 3.000\n 4 5 6\n", "line 3: there is no word before the numbers"),
        ("3 3\na 1.0000 2.0000 3.0000\nb 4 5 6\n", "ends after 2 words, but line 1 promises 3"),
        ("9 3\na 1 2 3\nb 4 5 6\n", "promises 9 words of 3 numbers, at least 71 bytes, but 16 follow"),
        ("1 3\na 1 2 3\nb 4 5 6\n", "more rows than the 1 that line 1 promises"),
        ("2 3\na 1 2 3\nb 4 nan 6\n", "the vector of 'b' holds nan or infinity"),
        ("2 3\na 1 -inf 3\nb 4 5 6\n", "the vector of 'a' holds nan or infinity"),
        ("2 3\na 1 2 3\nb 1e39 5 6\n", "the vector of 'b' holds nan or infinity"),
    ],
)
def test_damaged_text_is_refused(text: str, expected: str, tmp_path: Path) -> None:
    assert expected in complaint(toy(tmp_path / "v.txt", text))


def test_text_without_any_number_is_refused(tmp_path: Path) -> None:
    path = toy(tmp_path / "v.txt", "2 3\naaaaaaaa\nbbbbbbbb\n")
    assert "line 2: 0 numbers after the word" in complaint(path, format="word2vec-text")


def test_the_tabs_and_spaces_of_others(tmp_path: Path) -> None:
    for text in ("2 2\na\t1\t2\nb  3   4  \n", "2\t2\na 1 2\t\r\nb 3 4\r\n\r\n  \n"):
        assert formats.read(toy(tmp_path / "v.txt", text)).vectors.tolist() == [[1, 2], [3, 4]]


def test_a_line_end_may_fall_anywhere_in_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"".join(b"word%d %d.5 -%d\n" % (row, row, row) for row in range(40))
    for name, content in (("word2vec-text", b"40 2\n" + text), ("glove", text)):
        for block in range(1, 60):
            for module in ("rows", "source", "table"):
                monkeypatch.setattr(f"word2vec.formats.{module}.BLOCK", block)
            found = formats.read(toy(tmp_path / "v", content.rstrip(b"\n")), format=name)
            assert found.words == [f"word{row}" for row in range(40)]
            assert found.vectors.tolist() == [[row + 0.5, -row] for row in range(40)]


def test_lines_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.formats.rows.LONGEST_LINE", 1000)
    monkeypatch.setattr("word2vec.formats.rows.BLOCK", 100)
    path = toy(tmp_path / "v", b"2 2\na 1 2\nb " + b"0" * 2000)
    assert "has a line of over 1000 bytes; it is no text of vectors" in complaint(path)


def test_hard_numbers_are_read_as_python_reads_them(tmp_path: Path) -> None:
    numbers = ["1e-45", "16777217", "123456789012345678901234567890", "3.4028234663852886e38", "-1e-400", "1.5", "0e99"]
    path = toy(tmp_path / "v", f"3 {len(numbers)}\n" + "".join(f"w{row} {' '.join(numbers)}\n" for row in range(3)))
    expected = np.array([float(number) for number in numbers]).astype(np.float32)
    for row in formats.read(path).vectors:
        assert row.tobytes() == expected.tobytes()


GLOVE = "the 0.1 0.2 0.3\n. . . 0.4 0.5 0.6\nat name@domain.com 7 8 9\n5 1 2 3\n"


def test_glove_words_may_hold_spaces(tmp_path: Path) -> None:
    found = formats.read(toy(tmp_path / "glove.txt", GLOVE))
    assert found.words == ["the", ". . .", "at name@domain.com", "5"]
    np.testing.assert_array_equal(found.vectors[[1, 2]], np.array([[0.4, 0.5, 0.6], [7, 8, 9]], np.float32))
    assert formats.read(tmp_path / "glove.txt", limit=2).words == ["the", ". . ."]


@pytest.mark.parametrize("first", ["1 0.5 0.25\n", "new york 0.5 0.25\n", "66 0.5 0.25\n"])
def test_glove_may_begin_with_any_word(first: str, tmp_path: Path) -> None:
    found = formats.read(toy(tmp_path / "v", first + "b 1 2\nc 3 4"))
    assert found.words == [first.removesuffix(" 0.5 0.25\n"), "b", "c"]
    assert found.vectors.tolist() == [[0.5, 0.25], [1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a 1 2\nb 3\nc 4 x\n", "line 2: 1 numbers after the word, but most lines have 2"),
        ("a 1 2\nb 3 4\nc 5\n", "line 3: 1 numbers after the word, but most lines have 2"),
        (
            "a 0.125 0.25\nb 0.125 0.375\nc 0.125 0.625 0.875\n",
            "line 3: 3 numbers after the word, but most lines have 2",
        ),
        ("a 1 2\nb 3 x\nc 5 6\n", "line 2: b'x' is not a number"),
        ("a 1 2\nb x 4\nc 5 6\n", "line 2: b'x' is not a number"),
        ("a 1 2\nb\nc 5 6\n", "line 2: 0 numbers after the word"),
        ("a 1 2\n\nc 5 6\nd 7 8\n", "line 2: the line is empty, but more follow"),
        ("a 1 2\nb 3 4\n 5 6\n", "line 3: there is no word before the numbers"),
        ("a 1 2\nb 3 nan\n", "the vector of 'b' holds nan or infinity"),
        ("a 1 2\nb 3 4\nnew york 5 1e99\n", "the vector of 'new york' holds nan or infinity"),
    ],
)
def test_damaged_glove_is_refused(text: str, expected: str, tmp_path: Path) -> None:
    assert expected in complaint(toy(tmp_path / "v.txt", text))


def test_glove_words_that_end_like_a_row_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"the word 'pi 3.14159' ends like a row; use safetensors or npz"):
        formats.write(tmp_path / "v.glove", Table(["a", "pi 3.14159"], np.ones((2, 3), dtype=np.float32)))


def test_duplicates_keep_their_first_row(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = toy(tmp_path / "v", "a 1 2\nb 3 4\na 5 6\na 7 8\nc 9 9\n")
    found = formats.read(path)
    assert (found.words, found.vectors.tolist()) == (["a", "b", "c"], [[1, 2], [3, 4], [9, 9]])
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: words that came before: 2; the first row of each is kept"
    ]
