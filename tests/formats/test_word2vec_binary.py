"""word2vec's binary format: with and without line feeds, detection, and errors for damaged files."""

from pathlib import Path

import numpy as np
import pytest

from tests.formats.samples import binary, read_error, write_bytes
from word2vec import formats
from word2vec.formats import FORMATS, Table


def test_files_of_the_c_program_are_read(tmp_path: Path) -> None:
    expected = np.array([[0.5, -1.25], [1e-5, 2]], dtype=np.float32)
    text = formats.read(write_bytes(tmp_path / "c.txt", "2 2\n</s> 0.500000 -1.250000 \nking 1e-05 2.000000 \n"))
    rows = ("</s>", [0.5, -1.25]), ("king", [1e-5, 2])
    with_line_feeds = formats.read(write_bytes(tmp_path / "c.bin", binary(*rows, end=b"\n")))
    for found in (text, with_line_feeds):
        assert found.words == ["</s>", "king"]
        np.testing.assert_array_equal(found.vectors, expected)


@pytest.mark.parametrize("dim", [3, 8, 100])
def test_numbers_whose_bytes_look_like_text(dim: int, tmp_path: Path) -> None:
    patterns = [b"\n\n\n\n", b"    ", b"1\n 2", b"0.5\n", b"\x00\n\x00="]
    rows = [(f"w{i}", np.frombuffer(pattern * dim, dtype="<f4").tolist()) for i, pattern in enumerate(patterns)]
    for end in (b"", b"\n"):
        path = write_bytes(tmp_path / "v.bin", binary(*rows, end=end))
        found = formats.read(path, format="word2vec-binary")
        assert found.words == [word for word, _ in rows]
        assert found.vectors.tobytes() == b"".join(pattern * dim for pattern in patterns)


@pytest.mark.parametrize("dim", [3, 10, 100])
def test_binary_and_text_are_distinguished(dim: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    path = tmp_path / "v"
    for scale in np.logspace(-6, 3, 10):
        vectors = (rng.standard_normal((2, dim)) * scale).astype(np.float32)
        vectors.view(np.uint8)[0, :2] = ord("1"), ord("\n")  # the first row starts like a line of text
        for name in ("word2vec-text", "word2vec-binary"):
            formats.write(path, Table(["a", "b"], vectors), format=name)
            assert [name] == [
                found for found, entry in FORMATS.items() if entry.detect and entry.detect(path.read_bytes())
            ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            binary(("a", [1, 2]), ("b", [3, 4]))[:-2],
            "19 bytes or more, but only 18 bytes follow",
        ),
        (binary(("a", [1, 2]), ("b", [3, 4]))[:-1], "ends within row 2"),
        (binary(("a", [1, 2]), ("b", [3, 4]), header=b"3 2\n"), "29 bytes or more, but only 20 bytes follow"),
        (binary(("aaaaaaaaaaaaaaaa", [1, 2]), header=b"2 2\n"), "ends after 1 words, but line 1 declares 2"),
        (binary(("aaaaaaaaaaaaaaaa", [1, 2]), ("b", [3, 4]))[:-1], "ends within row 2"),
        (binary(("aaaaaaaaaaaaaaaa", [1, 2]), ("b", [3, 4]))[:-8], "ends within row 2"),
        (binary(("a", [1, 2]), ("b", [3, 4]), header=b"1 2\n"), "continues after the 1 words declared in line 1"),
        (binary(("a", [1, 2]), ("b", [3, 4])) + b"c", "continues after the 2 words declared in line 1"),
        (binary(("a", [1, 2]), ("", [3, 4])) + b"\n", "row 2: the word is missing"),
        (binary(("a", [1, 2]), ("b", [3, float("nan")])), "the vector of 'b' contains nan or infinity"),
        (binary(("a", [float("-inf"), 2]), ("b", [3, 4])), "the vector of 'a' contains nan or infinity"),
        (b"2 2\na " + b"\x00" * 200_000, "row 2: no space after the word"),
    ],
)
def test_damaged_files_are_rejected(content: bytes, expected: str, tmp_path: Path) -> None:
    assert expected in read_error(write_bytes(tmp_path / "v.bin", content), format="word2vec-binary")
