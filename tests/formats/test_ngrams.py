"""Character n-grams in run folders, safetensors and npz files: kept exactly, and errors for damaged files."""

import mmap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.formats.samples import read_error
from tests.formats.test_fasttext import file_of
from word2vec import formats
from word2vec.errors import FormatError
from word2vec.formats import Table
from word2vec.models.subwords import Subwords

PATHS = "run", "v.safetensors", "v.npz"
WORDS, DIM, BUCKETS = ["the", "naïve", "東京"], 4, 1000
METADATA = {"word2vec-run": "1", "min-n": "2", "max-n": "4", "number-of-buckets": str(BUCKETS)}


@pytest.fixture
def subwords() -> Subwords:
    rng = np.random.default_rng(0)
    used = rng.permutation(BUCKETS)[:300]
    rows, own = (rng.standard_normal((size, DIM), dtype=np.float32) for size in (len(used), len(WORDS)))
    return Subwords(rows, 2, 4, buckets=BUCKETS, used=used, word_rows=own)


@pytest.fixture
def table(subwords: Subwords) -> Table:
    assert subwords.word_rows is not None
    vectors = subwords.known_vectors([word.encode() for word in WORDS], subwords.word_rows)
    return Table(WORDS, vectors, np.array([3, 2, 1]), vectors + 1, subwords)


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("limit", [None, 2])
def test_ngrams_are_kept(name: str, limit: int | None, table: Table, subwords: Subwords, tmp_path: Path) -> None:
    formats.write(tmp_path / name, table)
    found = formats.read(tmp_path / name, limit=limit)
    np.testing.assert_array_equal(found.vectors, table.vectors[:limit])
    assert found.subwords is not None
    assert [(each.min_n, each.max_n, each.buckets) for each in (found.subwords, subwords)] == [(2, 4, BUCKETS)] * 2
    for field, rows in (("rows", None), ("used", None), ("word_rows", limit)):
        np.testing.assert_array_equal(getattr(found.subwords, field), getattr(subwords, field)[:rows])
    np.testing.assert_array_equal(found.subwords.vector("naïveté"), subwords.vector("naïveté"))
    assert isinstance(file_of(found.subwords.rows), mmap.mmap)


@pytest.mark.parametrize("name", PATHS)
def test_a_row_for_every_bucket(name: str, table: Table, subwords: Subwords, tmp_path: Path) -> None:
    full = replace(subwords, rows=subwords.bucket_rows(0, BUCKETS), used=None, word_rows=None)
    formats.write(tmp_path / name, table._replace(subwords=full))
    found = formats.read(tmp_path / name).subwords
    assert found is not None
    assert (len(found.rows), found.word_rows) == (300, None)  # zeros are not stored
    np.testing.assert_array_equal(found.bucket_rows(0, BUCKETS), full.rows)
    filled = replace(full, rows=full.rows + 1)
    formats.write(tmp_path / name, table._replace(subwords=filled))
    found = formats.read(tmp_path / name).subwords
    assert found is not None
    assert found.used is None
    np.testing.assert_array_equal(found.rows, filled.rows)


def test_words_without_ngrams_are_those_of_the_last_version_of_fasttext(subwords: Subwords, tmp_path: Path) -> None:
    first, words = replace(subwords, whole_words=frozenset()), [b"the", b"</s>"]
    vectors = first.known_vectors(words, np.ones((2, DIM), np.float32))
    formats.write(tmp_path / "run", Table(["the", "</s>"], vectors, subwords=first))
    found = formats.read(tmp_path / "run").subwords
    assert found is not None
    assert found.word_rows is not None
    np.testing.assert_allclose(found.known_vectors(words, found.word_rows), vectors, atol=1e-6)


@pytest.mark.parametrize("limit", [None, 1])
def test_damage_to_ngrams_is_found(
    limit: int | None, table: Table, subwords: Subwords, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("word2vec.formats.block_checksums.BLOCK_BYTES", 64)
    formats.write(tmp_path / "run", table)
    path = tmp_path / "run/vectors.safetensors"
    content, last = path.read_bytes(), subwords.rows[-1].tobytes()
    path.write_bytes(content.replace(last, b"\1" + last[1:]))
    assert path.read_bytes() != content
    assert "checksum mismatch in 'ngrams'" in read_error(tmp_path / "run", limit=limit)


@pytest.mark.parametrize("name", [*PATHS, "v.bin"])
@pytest.mark.parametrize("field", ["rows", "word_rows"])
def test_nan_is_not_written(name: str, field: str, table: Table, subwords: Subwords, tmp_path: Path) -> None:
    rows = getattr(subwords, field).copy()
    rows[-1, 0] = np.nan
    with pytest.raises(FormatError, match=r"row of an? .*contains nan or infinity"):
        formats.write(tmp_path / name, table._replace(subwords=replace(subwords, **{field: rows})))
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    ("tensors", "metadata", "expected"),
    [
        ({"ngrams": np.ones((300, 5), np.float32)}, {}, "'ngrams' has type float32 and shape [300, 5], expected float"),
        ({"ngrams": np.ones(300, np.float32)}, {}, "'ngrams' has type float32 and shape [300]"),
        ({"ngrams": np.ones((300, 4))}, {}, "'ngrams' has type float64"),
        ({"ngrams": np.ones((300, 4), np.int16)}, {}, "the table of n-grams or its settings are missing"),
        ({"word-rows": np.ones((2, 4), np.float32)}, {}, "'word-rows' has type float32 and shape [2, 4], expected flo"),
        ({"buckets": np.arange(299)}, {}, "'buckets' has type int64 and shape [299] for 300 rows"),
        ({"buckets": np.arange(300.0)}, {}, "'buckets' has type float64"),
        ({"buckets": np.arange(701, 1001)}, {}, "'buckets' contains numbers outside 0 to 999"),
        ({"buckets": np.arange(-1, 299)}, {}, "'buckets' contains numbers outside 0 to 999"),
        ({"buckets": np.arange(300) // 2 * 2}, {}, "'buckets' contains a number twice"),
        ({"buckets": np.arange(300, dtype=np.int16)}, {}, "300 rows of n-grams for 1000 buckets"),
        ({}, {"max-n": "101"}, "n-grams of 2 to 101 characters in 1000 buckets"),
        ({}, {"max-n": "0"}, "n-grams of 2 to 0 characters"),
        ({}, {"max-n": "four"}, "the table of n-grams or its settings are missing"),
        ({}, {"number-of-buckets": "0"}, "in 0 buckets"),
        ({}, {"number-of-buckets": "4294967296"}, "in 4294967296 buckets"),
    ],
)
def test_damaged_tensors_are_rejected(
    tensors: dict[str, np.ndarray], metadata: dict[str, str], expected: str, table: Table, tmp_path: Path
) -> None:
    path = tmp_path / "v.safetensors"
    formats.write(path, table)
    save_file({**load_file(path), **tensors}, path, METADATA | metadata)
    message = read_error(path)
    assert expected in message
    assert message.endswith("; the file is damaged; restore it from a copy, or train again")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"ngrams": np.ones((300, 5))}, "'ngrams' has type float32 and shape [300, 5]"),
        ({"ngrams": np.float32(1)}, "'ngrams' has type float32 and shape []"),
        ({"word-rows": np.ones((2, 4))}, "the array 'word-rows' has the shape (2, 4), but 'vectors' has (3, 4)"),
        ({"buckets": np.arange(300, dtype=np.uint64) + np.uint64(2**63)}, "contains numbers outside 0 to 999"),
        ({"ngram-settings": np.array([2, 4])}, "the table of n-grams or its settings are missing"),
        ({"ngram-settings": np.int64(2)}, "the table of n-grams or its settings are missing"),
    ],
)
def test_damaged_arrays_are_rejected(
    changed: dict[str, np.ndarray], expected: str, table: Table, tmp_path: Path
) -> None:
    formats.write(tmp_path / "v.npz", table)
    with np.load(tmp_path / "v.npz") as archive:
        arrays = {**archive, **changed}
    np.savez(tmp_path / "v.npz", **arrays)
    assert expected in read_error(tmp_path / "v.npz")


@pytest.mark.parametrize("name", PATHS)
def test_rows_that_are_all_zeros_are_kept(name: str, table: Table, tmp_path: Path) -> None:
    zeros = Subwords(np.zeros((BUCKETS, DIM), np.float32), 2, 4, word_rows=table.vectors)
    formats.write(tmp_path / name, table._replace(subwords=zeros))
    found = formats.read(tmp_path / name).subwords
    assert found is not None
    assert found.buckets == BUCKETS
    assert not found.rows.any()
