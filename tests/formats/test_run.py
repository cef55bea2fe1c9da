"""Run folders: memory mapping, compatibility with earlier versions, and errors for damaged folders."""

import mmap
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from tests.formats.samples import read_error, write_bytes
from word2vec import formats
from word2vec.corpus.phrases import Phrase, Phrases, PhraseSettings
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
        (b"a\t2\nb\n", "line 2: expected word<TAB>count and a line feed, found b'b\\n'"),
        (b"a\t2\nb\t-1\n", "line 2: expected word<TAB>count"),
        (b"a\t2\nb\tone\n", "line 2: expected word<TAB>count"),
        (b"a\t2\nb\t1", "line 2: expected word<TAB>count and a line feed, found b'b\\t1'"),
        (b"a\t2\nb\t99999999999999999999\n", "line 2: expected word<TAB>count"),
        (b"a\t2\n\t1\n", "line 2: expected word<TAB>count"),
        (b"a\nb\t1\n", "line 2: expected one word"),
        (b"a\t2\na\t1\n", "line 2: duplicate word 'a'"),
        (b"a\t2\nb\xff\t1\n", "line 2: the word b'b\\xff' is not valid UTF-8"),
    ],
)
def test_damaged_vocabularies_are_rejected(vocabulary: bytes, expected: str, tmp_path: Path) -> None:
    assert expected in read_error(run_folder(tmp_path / "run", vocabulary))


MISMATCH = "vocab.tsv is not the one that vectors.safetensors was written with; the two files are from different runs: "


@pytest.mark.parametrize("vocabulary", [b"c\t2\nd\t1\n", b"b\t2\na\t1\n", b"a\t3\nb\t1\n", b"a\nb\n"])
@pytest.mark.parametrize("limit", [None, 1, 2])
def test_the_vocabulary_of_another_run_is_rejected(vocabulary: bytes, limit: int | None, tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", vocabulary)
    assert read_error(path, limit=limit) == f"{path}: {MISMATCH}restore the original file, or train again"
    (path / "checkpoint.safetensors").touch()
    assert read_error(path, limit=limit) == f"{path}: {MISMATCH}train with --resume to write both again"


def test_the_vectors_of_another_run_are_rejected(tmp_path: Path) -> None:
    path, other = run_folder(tmp_path / "run"), tmp_path / "other"
    formats.write(other, Table(["c", "d"], np.ones((2, 3), np.float32), np.array([2, 1])))
    (other / "vectors.safetensors").replace(path / "vectors.safetensors")
    assert MISMATCH in read_error(path)
    with pytest.raises(FormatError, match=MISMATCH):
        formats.read(path / "vectors.safetensors")


def test_limit_reads_the_first_rows_but_checks_the_vocabulary(tmp_path: Path) -> None:
    words = [str(number) for number in range(1000)]
    formats.write(tmp_path / "run", Table(words, np.ones((1000, 3), np.float32)))
    found = formats.read(tmp_path / "run", limit=2)
    assert found.words == ["0", "1"]
    # the digest covers all words
    write_bytes(tmp_path / "run/vocab.tsv", (tmp_path / "run/vocab.tsv").read_bytes().replace(b"999", b"1000"))
    assert MISMATCH in read_error(tmp_path / "run", limit=2)


@pytest.mark.parametrize("limit", [None, 1])
def test_runs_of_earlier_versions_have_no_digest(limit: int | None, tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", b"c\t2\nd\t1\n", input=np.ones((2, 3), np.float32))
    assert formats.read(path, limit=limit).words == ["c", "d"][:limit]


def test_the_metadata_has_the_digest_of_the_vocabulary(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run")
    with safe_open(path / "vectors.safetensors", "numpy") as file:
        assert file.metadata()["vocab.tsv-sha256"] == sha256((path / "vocab.tsv").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("tensors", "expected"),
    [
        ({"output": np.ones((2, 3), np.float32)}, "contains no float32 table 'input'"),
        ({"input": np.ones((2, 3))}, "'input' has type float64 and shape [2, 3], expected a float32 table"),
        ({"input": np.ones((2, 3), np.int32)}, "contains no float32 table 'input'"),
        ({"input": np.ones(2, np.float32)}, "'input' has type float32 and shape [2], expected a float32 table"),
        ({"input": np.ones((2, 0), np.float32)}, "contains no float32 table 'input'"),
        (
            {"input": np.ones((2, 3), np.float32), "output": np.ones((2, 4), np.float32)},
            "'input' has the shape [2, 3] but 'output' has [2, 4]",
        ),
        ({"input": np.array([[1, 2], [np.nan, 4]], np.float32)}, "the vector of 'b' contains nan or infinity"),
        (
            {"input": np.ones((2, 1), np.float32), "output": np.array([[np.inf], [1]], np.float32)},
            "the output vector of 'a' contains nan or infinity",
        ),
    ],
)
def test_invalid_tensors_are_rejected(tensors: dict[str, np.ndarray], expected: str, tmp_path: Path) -> None:
    assert expected in read_error(run_folder(tmp_path / "run", **tensors))


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (None, "no word2vec-run version in its metadata"),
        ({"format": "pt"}, "no word2vec-run version in its metadata"),
        ({"word2vec-run": "one"}, "no word2vec-run version in its metadata"),
        ({"word2vec-run": "3"}, "has version 3, but this program reads up to 2; update word2vec"),
    ],
)
def test_versions_are_checked(metadata: dict[str, str] | None, expected: str, tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run")
    save_file({"input": np.ones((2, 3), np.float32)}, path / "vectors.safetensors", metadata)
    assert expected in read_error(path)


@pytest.mark.parametrize("kept", [0, 5, 100, -1])
def test_truncated_vectors_are_rejected(kept: int, tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run")
    content = (path / "vectors.safetensors").read_bytes()
    write_bytes(path / "vectors.safetensors", content[:kept])
    assert "vectors.safetensors: the file is damaged (" in read_error(path)


@pytest.mark.parametrize("name", ["vectors.safetensors", "vocab.tsv"])
def test_folders_that_are_not_runs_are_rejected(name: str, tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run")
    (path / name).unlink()
    assert f"not a run folder, {name} is missing" in read_error(path)


def test_run_without_counts_and_output_table(tmp_path: Path) -> None:
    formats.write(tmp_path / "run", Table(["a", "b"], np.ones((2, 3), dtype=np.float32)))
    assert (tmp_path / "run" / "vocab.tsv").read_bytes() == b"a\nb\n"
    found = formats.read(tmp_path / "run")
    assert found.words == ["a", "b"]
    assert (found.counts, found.output) == (None, None)


def test_writing_over_a_run_keeps_its_other_files(tmp_path: Path, table: Table) -> None:
    path = run_folder(tmp_path / "run").rename(tmp_path / "run.v1")
    (path / "config.toml").touch()
    formats.write(path, table)  # an existing folder is a run, whatever its extension
    assert formats.read(path).words == table.words
    assert sorted(entry.name for entry in path.iterdir()) == ["config.toml", "vectors.safetensors", "vocab.tsv"]


def test_vectors_are_mapped_and_changes_do_not_reach_the_file(tmp_path: Path) -> None:
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
    assert vectors[0].tolist() == [9, 9, 9]  # the old file exists as long as it is mapped


def test_files_of_other_programs_need_not_be_aligned(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run") / "vectors.safetensors"
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    for spaces in (1, 2, 3):
        moved = content[8 : 8 + length] + b" " * spaces + content[8 + length :]
        write_bytes(path, (length + spaces).to_bytes(8, "little") + moved)
        vectors = formats.read(path.parent).vectors
        assert vectors.flags.aligned
        assert vectors.tolist() == [[1, 1, 1], [1, 1, 1]]


@pytest.mark.parametrize("name", ["run", "vectors.safetensors", "vectors.npz"])
def test_phrases_are_kept_and_those_of_a_later_version_are_rejected(name: str, tmp_path: Path) -> None:
    phrases = Phrases(PhraseSettings(), [{("a", "b"): Phrase(3, 1 / 3)}, {("a_b", "c"): Phrase(2, 0.5)}])
    table = Table(["a_b", "c"], np.ones((2, 3), dtype=np.float32), phrases=phrases)
    formats.write(tmp_path / name, table)
    found = formats.read(tmp_path / name, limit=1).phrases
    assert found is not None
    assert (found.settings, found.passes) == (phrases.settings, phrases.passes)
    assert formats.verify_checksums(tmp_path / name)
    phrases.to_bytes = lambda: b"word2vec-phrases\t2\t{}\n"  # type: ignore[method-assign]
    formats.write(tmp_path / name, table)
    assert "the phrases have version 2, but this program reads up to 1" in read_error(tmp_path / name)
