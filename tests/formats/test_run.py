"""Run folders and single safetensors files: mapped, checked, and damaged ones refused in one line."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.formats.samples import complaint, toy
from word2vec import formats
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


@pytest.mark.parametrize(
    ("tensors", "expected"),
    [
        ({"output": np.ones((2, 3), np.float32)}, "holds no table 'input' of float32"),
        ({"input": np.ones((2, 3))}, "holds no table 'input' of float32"),
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
    assert (found.counts, found.context) == (None, None)


def test_a_run_is_written_over_a_run_and_leaves_its_other_files(tmp_path: Path, table: Table) -> None:
    path = run_folder(tmp_path / "run").rename(tmp_path / "run.v1")
    (path / "config.toml").touch()
    formats.write(path, table)  # an existing folder is a run, whatever its name ends in
    assert formats.read(path).words == table.words
    assert sorted(entry.name for entry in path.iterdir()) == ["config.toml", "vectors.safetensors", "vocab.tsv"]
