"""numpy archives: exchange with numpy itself, memory mapping, and errors for damaged or dangerous files."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.formats.samples import bits, read_error, write_bytes
from word2vec import formats
from word2vec.errors import FormatError
from word2vec.formats import Table

WORDS, VECTORS = np.array(["a", "bé"]), np.arange(6, dtype=np.float32).reshape(2, 3)


def archive(path: Path, *, compressed: bool = False, **arrays: Any) -> Path:
    (np.savez_compressed if compressed else np.savez)(path, **{"words": WORDS, "vectors": VECTORS, **arrays})
    return path


def test_numpy_reads_our_archives(table: Table, tmp_path: Path) -> None:
    formats.write(tmp_path / "v.npz", table)
    with np.load(tmp_path / "v.npz", allow_pickle=False) as found:
        assert set(found) == {"words", "vectors", "counts", "output"}
        assert found["words"].tolist() == table.words
        np.testing.assert_array_equal(bits(found["vectors"]), bits(table.vectors))
        np.testing.assert_array_equal(found["counts"], table.counts)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("limit", [None, 1])
@pytest.mark.parametrize(
    "vectors", [VECTORS, VECTORS.astype(">f4"), VECTORS.astype("f8"), VECTORS.astype("f2"), np.asfortranarray(VECTORS)]
)
def test_archives_of_numpy_are_read(vectors: np.ndarray, limit: int | None, compressed: bool, tmp_path: Path) -> None:
    path = archive(
        tmp_path / "v.npz", compressed=compressed, vectors=vectors, counts=np.array([5, 3], ">u2"), other=[1]
    )
    found = formats.read(path, limit=limit)
    assert found.words == ["a", "bé"][:limit]
    np.testing.assert_array_equal(bits(np.ascontiguousarray(found.vectors)), bits(VECTORS[:limit]))
    assert found.counts is not None
    assert (found.counts.dtype, found.counts.tolist()) == (np.int64, [5, 3][:limit])
    assert found.output is None


@pytest.mark.parametrize("name", ["output", "context"])
def test_the_output_table_is_read_under_its_name_and_its_old_one(name: str, tmp_path: Path) -> None:
    found = formats.read(archive(tmp_path / "v.npz", **{name: VECTORS + 1}), limit=1)
    np.testing.assert_array_equal(found.output, VECTORS[:1] + 1)


def test_words_may_be_bytes(tmp_path: Path) -> None:
    words = np.array([word.encode() for word in WORDS])
    assert formats.read(archive(tmp_path / "v.npz", words=words)).words == ["a", "bé"]


def test_arrays_are_mapped_and_changes_do_not_reach_the_file(tmp_path: Path) -> None:
    path = archive(tmp_path / "v.npz")
    before = path.read_bytes()
    vectors = formats.read(path).vectors
    assert isinstance(vectors.base, np.memmap) or isinstance(vectors.base.base, np.memmap)
    vectors[0] = 9
    assert path.read_bytes() == before


class Bomb:
    """An object that fails the test when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("code of a file was run",)


@pytest.mark.parametrize("name", ["words", "vectors", "counts", "output"])
def test_object_arrays_are_rejected_without_running_code(name: str, tmp_path: Path) -> None:
    objects = np.array([Bomb(), Bomb()], dtype=object)
    path = archive(tmp_path / "v.npz", **{name: objects})
    assert f"the array {name!r} has type object, expected " in read_error(path)


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"vectors": VECTORS.astype(int)}, "the array 'vectors' has type int64, expected floating-point numbers"),
        ({"vectors": VECTORS[0]}, "the array 'vectors' has the shape (3,), expected (words, dimensions)"),
        ({"vectors": VECTORS[:0]}, "the array 'vectors' is empty"),
        ({"words": WORDS[:1]}, "the array 'words' has the shape (1,), but 'vectors' has (2, 3)"),
        ({"words": np.array(["", ""])}, "row 1: the word is missing"),
        ({"words": np.array(["a", ""])}, "row 2: the word is missing"),
        ({"words": np.array(["a", "\ud800"])}, "damaged"),
        ({"words": np.array([b"a", b"\xff"])}, "damaged"),
        ({"counts": np.array([1])}, "the array 'counts' has the shape (1,), but 'vectors' has (2, 3)"),
        ({"output": VECTORS[:, :2]}, "the array 'output' has the shape (2, 2), but 'vectors' has (2, 3)"),
        ({"context": VECTORS[:, :2]}, "the array 'context' has the shape (2, 2), but 'vectors' has (2, 3)"),
        ({"output": VECTORS * np.nan}, "the output vector of 'a' contains nan or infinity"),
        ({"vectors": VECTORS * np.nan}, "the vector of 'a' contains nan or infinity"),
        ({"vectors": VECTORS.astype("f8") * 1e300}, "the vector of 'a' contains nan or infinity"),
    ],
)
def test_invalid_arrays_are_rejected(arrays: dict[str, np.ndarray], expected: str, tmp_path: Path) -> None:
    assert expected in read_error(archive(tmp_path / "v.npz", **arrays))


def test_archives_without_vectors_are_rejected(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", np.ones(3))
    assert "the array 'words' or 'vectors' is missing" in read_error(tmp_path / "v.npz")


def lying(shape: str, *, compressed: bool, dtype: str = "<f4") -> bytes:
    """An archive whose array of vectors declares another shape than it has."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as file:
        words = io.BytesIO()
        np.save(words, WORDS)
        file.writestr("words.npy", words.getvalue())
        header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
        file.writestr("vectors.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\0" * 1000)
    return buffer.getvalue()


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "shape", ["(1000000000000, 1000000)", "(2, 10000000000)", "(2, 300)", "(-2, -3)", "(2, 9" + "9" * 40 + ")"]
)
def test_declared_shapes_that_are_too_large_are_rejected(shape: str, compressed: bool, tmp_path: Path) -> None:
    message = read_error(write_bytes(tmp_path / "v.npz", lying(shape, compressed=compressed)))
    assert "declares" in message or "damaged" in message


@pytest.mark.parametrize("header", ["(" * 500, "(2, 3", "2", "'x'", "(2.5, 3)", "(True, 3)"])
def test_malformed_headers_are_rejected(header: str, tmp_path: Path) -> None:
    read_error(write_bytes(tmp_path / "v.npz", lying(header, compressed=False)))


@pytest.mark.parametrize("compressed", [False, True])
def test_truncated_archives_are_rejected(compressed: bool, tmp_path: Path) -> None:
    content = archive(tmp_path / "whole.npz", compressed=compressed).read_bytes()
    for kept in (4, 30, 100, len(content) // 2, len(content) - 1):
        assert "damaged" in read_error(write_bytes(tmp_path / "v.npz", content[:kept]))


def test_words_that_need_too_much_padding_are_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.formats.npz.MAX_PADDING", 1000)
    table = Table(["a", "b" * 300], np.ones((2, 3), dtype=np.float32))
    with pytest.raises(FormatError, match=r"and 'b{40}'... has 300 characters; use safetensors"):
        formats.write(tmp_path / "v.npz", table)
    with pytest.raises(FormatError, match="ends in NUL, which numpy arrays drop"):
        formats.write(tmp_path / "v.npz", Table(["a", "b\0"], table.vectors))
    assert list(tmp_path.iterdir()) == []
