"""word2vec's binary files: both habits about line ends, and what damage is told."""

from pathlib import Path

import numpy as np
import pytest

from tests.formats.samples import binary, complaint, toy
from word2vec import formats
from word2vec.formats import FORMATS, Table


def test_habits_of_the_c_program(tmp_path: Path) -> None:
    expected = np.array([[0.5, -1.25], [1e-5, 2]], dtype=np.float32)
    text = formats.read(toy(tmp_path / "c.txt", "2 2\n</s> 0.500000 -1.250000 \nking 1e-05 2.000000 \n"))
    rows = ("</s>", [0.5, -1.25]), ("king", [1e-5, 2])
    lined = formats.read(toy(tmp_path / "c.bin", binary(*rows, end=b"\n")))
    for found in (text, lined):
        assert found.words == ["</s>", "king"]
        np.testing.assert_array_equal(found.vectors, expected)


@pytest.mark.parametrize("dim", [3, 8, 100])
def test_bytes_that_look_like_line_ends_or_text_do_not_mislead(dim: int, tmp_path: Path) -> None:
    patterns = [b"\n\n\n\n", b"    ", b"1\n 2", b"0.5\n", b"\x00\n\x00="]
    rows = [(f"w{i}", np.frombuffer(pattern * dim, dtype="<f4").tolist()) for i, pattern in enumerate(patterns)]
    for end in (b"", b"\n"):
        path = toy(tmp_path / "v.bin", binary(*rows, end=end))
        found = formats.read(path, format="word2vec-binary")
        assert found.words == [word for word, _ in rows]
        assert found.vectors.tobytes() == b"".join(pattern * dim for pattern in patterns)


@pytest.mark.parametrize("dim", [3, 10, 100])
def test_binary_is_told_from_text(dim: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    path = tmp_path / "v"
    for scale in np.logspace(-6, 3, 10):
        vectors = (rng.standard_normal((2, dim)) * scale).astype(np.float32)
        vectors.view(np.uint8)[0, :2] = ord("1"), ord("\n")  # the first row begins like a line of text
        for name in ("word2vec-text", "word2vec-binary"):
            formats.write(path, Table(["a", "b"], vectors), format=name)
            assert [name] == [
                found for found, entry in FORMATS.items() if entry.detect and entry.detect(path.read_bytes())
            ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (binary(("a", [1, 2]), ("b", [3, 4]))[:-2], "promises 2 words of 2 numbers, at least 19 bytes, but 18 follow"),
        (binary(("a", [1, 2]), ("b", [3, 4]))[:-1], "ends in the midst of row 2"),
        (binary(("a", [1, 2]), ("b", [3, 4]), header=b"3 2\n"), "at least 29 bytes, but 20 follow"),
        (binary(("aaaaaaaaaaaaaaaa", [1, 2]), header=b"2 2\n"), "ends after 1 words, but line 1 promises 2"),
        (binary(("aaaaaaaaaaaaaaaa", [1, 2]), ("b", [3, 4]))[:-1], "ends in the midst of row 2"),
        (binary(("aaaaaaaaaaaaaaaa", [1, 2]), ("b", [3, 4]))[:-8], "ends in the midst of row 2"),
        (binary(("a", [1, 2]), ("b", [3, 4]), header=b"1 2\n"), "goes on behind the 1 words that line 1 promises"),
        (binary(("a", [1, 2]), ("b", [3, 4])) + b"c", "goes on behind the 2 words that line 1 promises"),
        (binary(("a", [1, 2]), ("", [3, 4])) + b"\n", "row 2: there is no word"),
        (binary(("a", [1, 2]), ("b", [3, float("nan")])), "the vector of 'b' holds nan or infinity"),
        (binary(("a", [float("-inf"), 2]), ("b", [3, 4])), "the vector of 'a' holds nan or infinity"),
        (b"2 2\na " + b"\x00" * 200_000, "row 2: no space after the word"),
    ],
)
def test_damaged_binary_is_refused(content: bytes, expected: str, tmp_path: Path) -> None:
    assert expected in complaint(toy(tmp_path / "v.bin", content), format="word2vec-binary")
