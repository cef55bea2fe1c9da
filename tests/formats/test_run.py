"""Run folders and single safetensors files: mapped, checked, and damaged ones refused in one line."""

import mmap
import tracemalloc
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from tests.formats.samples import bits, complaint, toy
from word2vec import formats
from word2vec.errors import FormatError
from word2vec.formats import Table


def run_folder(path: Path, vocabulary: bytes = b"a\t2\nb\t1\n", **tensors: np.ndarray) -> Path:
    formats.write(path, Table(["a", "b"], np.ones((2, 3), dtype=np.float32), np.array([2, 1])))
    (path / "vocab.tsv").write_bytes(vocabulary)
    if tensors:
        save_file(tensors, path / "vectors.safetensors", {"word2vec-run": "1"})
    return path


@pytest.mark.parametrize(
    ("vocabulary", "expected"),
    [
        (b"", "vocab.tsv has 0 words but vectors.safetensors has 2 rows"),
        (b"a\t2\n", "vocab.tsv has 1 words but vectors.safetensors has 2 rows"),
        (b"a\t2\nb\t1\nc\t1\n", "vocab.tsv has 3 words but vectors.safetensors has 2 rows"),
        (b"a\t2\nb\n", "line 2: expected word<TAB>count and a line end, found b'b\\n'"),
        (b"a\t2\nb\t-1\n", "line 2: expected word<TAB>count"),
        (b"a\t2\nb\tone\n", "line 2: expected word<TAB>count"),
        (b"a\t2\nb\t1", "line 2: expected word<TAB>count and a line end, found b'b\\t1'"),
        (b"a\t2\nb\t99999999999999999999\n", "line 2: expected word<TAB>count"),
        (b"a\t2\n\t1\n", "line 2: expected word<TAB>count"),
        (b"a\nb\t1\n", "line 2: expected one word"),
        (b"a\t2\na\t1\n", "line 2: 'a' is there already"),
        (b"a\t2\nb\xff\t1\n", "line 2: the word b'b\\xff' is not UTF-8"),
    ],
)
def test_damaged_vocabulary_is_refused(vocabulary: bytes, expected: str, tmp_path: Path) -> None:
    assert expected in complaint(run_folder(tmp_path / "run", vocabulary))


MIXED = "vocab.tsv is not the one that vectors.safetensors was written with; the two are not of one run: "


@pytest.mark.parametrize("vocabulary", [b"c\t2\nd\t1\n", b"b\t2\na\t1\n", b"a\t3\nb\t1\n", b"a\nb\n"])
@pytest.mark.parametrize("limit", [None, 1, 2])
def test_words_of_another_run_are_refused(vocabulary: bytes, limit: int | None, tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", vocabulary)
    assert complaint(path, limit=limit) == f"{path}: {MIXED}put back the file that was there, or train again"
    (path / "checkpoint.safetensors").touch()
    assert complaint(path, limit=limit) == f"{path}: {MIXED}train with --resume to write both again"


def test_the_vectors_of_another_run_are_refused(tmp_path: Path) -> None:
    path, other = run_folder(tmp_path / "run"), tmp_path / "other"
    formats.write(other, Table(["c", "d"], np.ones((2, 3), np.float32), np.array([2, 1])))
    (other / "vectors.safetensors").replace(path / "vectors.safetensors")
    assert MIXED in complaint(path)
    with pytest.raises(FormatError, match=MIXED):
        formats.read(path / "vectors.safetensors")


def test_a_limit_leaves_the_rest_alone(tmp_path: Path) -> None:
    words = [str(number) for number in range(1000)]
    formats.write(tmp_path / "run", Table(words, np.ones((1000, 3), np.float32)))
    found = formats.read(tmp_path / "run", limit=2)
    assert found.words == ["0", "1"]
    # of which words the others are is seen all the same
    toy(tmp_path / "run/vocab.tsv", (tmp_path / "run/vocab.tsv").read_bytes().replace(b"999", b"1000"))
    assert MIXED in complaint(tmp_path / "run", limit=2)


@pytest.mark.parametrize("limit", [None, 1])
def test_a_run_of_an_earlier_version_does_not_name_its_words(limit: int | None, tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", b"c\t2\nd\t1\n", input=np.ones((2, 3), np.float32))
    assert formats.read(path, limit=limit).words == ["c", "d"][:limit]


def test_anybody_can_hold_the_words_against_the_vectors(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run")
    with safe_open(path / "vectors.safetensors", "numpy") as file:
        assert file.metadata()["vocab.tsv-sha256"] == sha256((path / "vocab.tsv").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("tensors", "expected"),
    [
        ({"output": np.ones((2, 3), np.float32)}, "holds no table 'input' of float32"),
        ({"input": np.ones((2, 3))}, "'input' is float64 [2, 3], not a table of float32"),
        ({"input": np.ones((2, 3), np.int32)}, "holds no table 'input' of float32"),
        ({"input": np.ones(2, np.float32)}, "'input' is float32 [2], not a table of float32"),
        ({"input": np.ones((2, 0), np.float32)}, "holds no table 'input' of float32"),
        (
            {"input": np.ones((2, 3), np.float32), "output": np.ones((2, 4), np.float32)},
            "'input' is [2, 3] but 'output' is [2, 4]",
        ),
        ({"input": np.array([[1, 2], [np.nan, 4]], np.float32)}, "the vector of 'b' holds nan or infinity"),
        (
            {"input": np.ones((2, 1), np.float32), "output": np.array([[np.inf], [1]], np.float32)},
            "the vector of 'a' holds nan or infinity",
        ),
    ],
)
def test_wrong_tensors_are_refused(tensors: dict[str, np.ndarray], expected: str, tmp_path: Path) -> None:
    assert expected in complaint(run_folder(tmp_path / "run", **tensors))


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (None, "does not say that it is a word2vec-run file"),
        ({"format": "pt"}, "does not say that it is a word2vec-run file"),
        ({"word2vec-run": "one"}, "does not say that it is a word2vec-run file"),
        ({"word2vec-run": "2"}, "has version 2, this program reads up to 1; update word2vec"),
    ],
)
def test_versions_are_looked_at(metadata: dict[str, str] | None, expected: str, tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run")
    save_file({"input": np.ones((2, 3), np.float32)}, path / "vectors.safetensors", metadata)
    assert expected in complaint(path)


@pytest.mark.parametrize("kept", [0, 5, 100, -1])
def test_truncated_tensors_are_refused(kept: int, tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run")
    content = (path / "vectors.safetensors").read_bytes()
    toy(path / "vectors.safetensors", content[:kept])
    assert "vectors.safetensors is damaged: " in complaint(path)


@pytest.mark.parametrize("name", ["vectors.safetensors", "vocab.tsv"])
def test_folder_that_is_no_run_is_refused(name: str, tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run")
    (path / name).unlink()
    assert f"is no run folder: it holds no {name}" in complaint(path)


def test_run_without_counts_and_context(tmp_path: Path) -> None:
    formats.write(tmp_path / "run", Table(["a", "b"], np.ones((2, 3), dtype=np.float32)))
    assert (tmp_path / "run" / "vocab.tsv").read_bytes() == b"a\nb\n"
    found = formats.read(tmp_path / "run")
    assert found.words == ["a", "b"]
    assert (found.counts, found.output) == (None, None)


def test_a_run_is_written_over_a_run_and_leaves_its_other_files(tmp_path: Path, table: Table) -> None:
    path = run_folder(tmp_path / "run").rename(tmp_path / "run.v1")
    (path / "config.toml").touch()
    formats.write(path, table)  # an existing folder is a run, whatever its name ends in
    assert formats.read(path).words == table.words
    assert sorted(entry.name for entry in path.iterdir()) == ["config.toml", "vectors.safetensors", "vocab.tsv"]


def test_a_run_is_mapped_and_changing_it_leaves_the_file(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run")
    before = (path / "vectors.safetensors").read_bytes()
    vectors = formats.read(path).vectors
    base: object = vectors
    while isinstance(base, np.ndarray):
        base = base.base
    assert isinstance(base, mmap.mmap)
    assert vectors.flags.aligned
    vectors[0] = 9
    assert (path / "vectors.safetensors").read_bytes() == before
    formats.write(path, Table(["c"], np.zeros((1, 3), dtype=np.float32)))
    assert vectors[0].tolist() == [9, 9, 9]  # the old file lives as long as someone holds it


def test_the_library_reads_what_is_written(table: Table, tmp_path: Path) -> None:
    padded = np.full((len(table.words), 16), np.nan, np.float32)  # as the engine lays out its tables
    padded[:, :7] = table.vectors
    formats.write(tmp_path / "run", table._replace(vectors=padded[:, :7]))
    formats.write(tmp_path / "v.safetensors", table._replace(vectors=padded[:, :7]))
    for path in (tmp_path / "run" / "vectors.safetensors", tmp_path / "v.safetensors"):
        found = load_file(path)
        np.testing.assert_array_equal(bits(found["input"]), bits(table.vectors))
        np.testing.assert_array_equal(found["output"], table.output)
    assert found["words"].tobytes().decode().splitlines()[:2] == table.words[:2]
    np.testing.assert_array_equal(found["counts"], table.counts)


def test_files_of_other_programs_need_not_be_aligned(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run") / "vectors.safetensors"
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    for spaces in (1, 2, 3):
        moved = content[8 : 8 + length] + b" " * spaces + content[8 + length :]
        toy(path, (length + spaces).to_bytes(8, "little") + moved)
        vectors = formats.read(path.parent).vectors
        assert vectors.flags.aligned
        assert vectors.tolist() == [[1, 1, 1], [1, 1, 1]]


def test_safetensors_means_a_folder_where_the_name_has_no_ending(table: Table, tmp_path: Path) -> None:
    formats.write(tmp_path / "out", table, format="safetensors")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["vectors.safetensors", "vocab.tsv"]
    formats.write(tmp_path / "out.st", table, format="safetensors")
    assert (tmp_path / "out.st").is_file()
    for path in (tmp_path / "out", tmp_path / "out.st", tmp_path / "out" / "vectors.safetensors"):
        assert formats.read(path).words == table.words  # the file in a folder finds its words


@pytest.mark.parametrize(
    ("tensors", "expected"),
    [
        ({"words": np.ones(4)}, "holds no words (a tensor 'words' of U8, one word a line); give the run folder"),
        ({}, "holds no words"),
        ({"words": np.frombuffer(b"a\n", np.uint8)}, "holds 1 words but 2 rows; it is damaged"),
        ({"words": np.frombuffer(b"a\nb", np.uint8)}, "holds 1 words but 2 rows"),
        ({"words": np.frombuffer(b"a\nb\nc", np.uint8)}, "holds 2 words but 2 rows"),
        ({"words": np.frombuffer(b"a\n\n", np.uint8)}, "row 2: there is no word"),
        ({"words": np.frombuffer(b"a\nb\n", np.uint8), "counts": np.ones(3, np.int64)}, "'counts' is int64 [3]"),
    ],
)
def test_wrong_words_in_a_single_file_are_refused(
    tensors: dict[str, np.ndarray], expected: str, tmp_path: Path
) -> None:
    table = {"input": np.ones((2, 3), np.float32)}
    save_file(table | {name: array.copy() for name, array in tensors.items()}, tmp_path / "v", {"word2vec-run": "1"})
    assert expected in complaint(tmp_path / "v")


def test_saving_takes_no_second_table(tmp_path: Path) -> None:
    padded = np.zeros((200_000, 112), np.float32)
    table = Table([str(row) for row in range(200_000)], padded[:, :100], output=padded[:, :100])
    for path in ("run", "v.safetensors", "v.npz", "v.bin", "v.txt"):
        tracemalloc.start()
        try:
            formats.write(tmp_path / path, table._replace(words=table.words[:8000], vectors=table.vectors[:8000],
                          output=None) if path == "v.txt" else table)  # fmt: skip
            assert tracemalloc.get_traced_memory()[1] < 0.75 * table.vectors.nbytes, path
        finally:
            tracemalloc.stop()
