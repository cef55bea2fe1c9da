"""GloVe's text format: words with spaces, errors for damaged files, and duplicate words."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.formats.samples import read_error, write_bytes
from word2vec import formats
from word2vec.errors import FormatError
from word2vec.formats import Table

GLOVE = "the 0.1 0.2 0.3\n. . . 0.4 0.5 0.6\nat name@domain.com 7 8 9\n5 1 2 3\n"


def test_words_may_contain_spaces(tmp_path: Path) -> None:
    found = formats.read(write_bytes(tmp_path / "glove.txt", GLOVE))
    assert found.words == ["the", ". . .", "at name@domain.com", "5"]
    np.testing.assert_array_equal(found.vectors[[1, 2]], np.array([[0.4, 0.5, 0.6], [7, 8, 9]], np.float32))
    assert formats.read(tmp_path / "glove.txt", limit=2).words == ["the", ". . ."]


@pytest.mark.parametrize("first", ["1 0.5 0.25\n", "new york 0.5 0.25\n", "66 0.5 0.25\n"])
def test_the_first_word_may_be_any_word(first: str, tmp_path: Path) -> None:
    found = formats.read(write_bytes(tmp_path / "v", first + "b 1 2\nc 3 4"))
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
        ("a 1 2\n\nc 5 6\nd 7 8\n", "line 2: empty line before the end of the rows"),
        ("a 1 2\nb 3 4\n 5 6\n", "line 3: no word before the numbers"),
        ("a 1 2\nb 3 nan\n", "the vector of 'b' contains nan or infinity"),
        ("a 1 2\nb 3 4\nnew york 5 1e99\n", "the vector of 'new york' contains nan or infinity"),
    ],
)
def test_damaged_files_are_rejected(text: str, expected: str, tmp_path: Path) -> None:
    assert expected in read_error(write_bytes(tmp_path / "v.txt", text))


def test_words_that_end_in_a_number_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"the word 'pi 3.14159' would be read as a number; use safetensors or npz"):
        formats.write(tmp_path / "v.glove", Table(["a", "pi 3.14159"], np.ones((2, 3), dtype=np.float32)))


def test_duplicate_words_keep_their_first_row(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_bytes(tmp_path / "v", "a 1 2\nb 3 4\na 5 6\na 7 8\nc 9 9\n")
    found = formats.read(path)
    assert (found.words, found.vectors.tolist()) == (["a", "b", "c"], [[1, 2], [3, 4], [9, 9]])
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: 2 duplicate words; the first row of each is kept"
    ]


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbfcat 1 2 3\n\xef\xbb\xbfdog 4 5 6\n"
    for path in (write_bytes(tmp_path / "v.txt", text), write_bytes(tmp_path / "v.txt.gz", gzip.compress(text))):
        assert formats.read(path).words == ["cat", "\ufeffdog"]
    with pytest.raises(FormatError, match="byte order mark"):
        formats.write(tmp_path / "v.glove", Table(["\ufeffcat"], np.ones((1, 2), np.float32)))
