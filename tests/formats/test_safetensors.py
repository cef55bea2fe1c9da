"""Single safetensors files: exchange with the safetensors library, and errors for invalid files."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.formats.samples import bits, read_error
from word2vec import formats
from word2vec.formats import Table


def test_the_library_reads_our_files(table: Table, tmp_path: Path) -> None:
    padded = np.full((len(table.words), 16), np.nan, np.float32)  # padded, as in the engines
    padded[:, :7] = table.vectors
    formats.write(tmp_path / "run", table._replace(vectors=padded[:, :7]))
    formats.write(tmp_path / "v.safetensors", table._replace(vectors=padded[:, :7]))
    for path in (tmp_path / "run" / "vectors.safetensors", tmp_path / "v.safetensors"):
        found = load_file(path)
        np.testing.assert_array_equal(bits(found["input"]), bits(table.vectors))
        np.testing.assert_array_equal(found["output"], table.output)
    assert found["words"].tobytes().decode().splitlines()[:2] == table.words[:2]
    np.testing.assert_array_equal(found["counts"], table.counts)


def test_a_name_without_extension_means_a_run_folder(table: Table, tmp_path: Path) -> None:
    formats.write(tmp_path / "out", table, format="safetensors")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["vectors.safetensors", "vocab.tsv"]
    formats.write(tmp_path / "out.st", table, format="safetensors")
    assert (tmp_path / "out.st").is_file()
    for path in (tmp_path / "out", tmp_path / "out.st", tmp_path / "out" / "vectors.safetensors"):
        assert formats.read(path).words == table.words  # the vectors file of a folder finds its words


@pytest.mark.parametrize(
    ("tensors", "expected"),
    [
        (
            {"words": np.ones(4)},
            "contains no words (a tensor 'words' of type U8, one word per line)",
        ),
        ({}, "contains no words"),
        ({"words": np.frombuffer(b"a\n", np.uint8)}, "contains 1 words but 2 rows; the file is damaged"),
        ({"words": np.frombuffer(b"a\nb", np.uint8)}, "contains 1 words but 2 rows"),
        ({"words": np.frombuffer(b"a\nb\nc", np.uint8)}, "contains 2 words but 2 rows"),
        ({"words": np.frombuffer(b"a\n\n", np.uint8)}, "row 2: the word is missing"),
        (
            {"words": np.frombuffer(b"a\nb\n", np.uint8), "counts": np.ones(3, np.int64)},
            "type int64 and shape [3]",
        ),
    ],
)
def test_invalid_words_are_rejected(tensors: dict[str, np.ndarray], expected: str, tmp_path: Path) -> None:
    table = {"input": np.ones((2, 3), np.float32)}
    save_file(table | {name: array.copy() for name, array in tensors.items()}, tmp_path / "v", {"word2vec-run": "1"})
    assert expected in read_error(tmp_path / "v")
