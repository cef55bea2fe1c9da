"""word2vec's text files and GloVe's: habits of those who write them, and what is wrong with a line."""

from pathlib import Path

import pytest

from tests.formats.samples import complaint, toy
from word2vec import formats


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
