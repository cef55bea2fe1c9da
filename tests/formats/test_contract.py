"""The contract of all formats: exact round trips, atomic replacement of files, and errors for invalid input."""

import errno
import os
import stat
import sys
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.formats.samples import NAMES, binary, bits, files_no_larger_than, read_error, write_bytes
from word2vec import formats
from word2vec.errors import FormatError, Word2VecError
from word2vec.formats import FORMATS, Table
from word2vec.models.subwords import Subwords

KEEP_COUNTS = {"run", "safetensors", "npz", "fasttext"}
MODULES = [module for name, module in sys.modules.items() if name.startswith("word2vec.formats.")]


@contextmanager
def blocks_of(size: int) -> Iterator[None]:
    """Read and write files this many bytes at a time."""
    with pytest.MonkeyPatch.context() as patch:
        for module in MODULES:
            if hasattr(module, "BLOCK"):
                patch.setattr(module, "BLOCK", size)
        patch.setattr("word2vec.formats.text_rows.FORMAT_BYTES", size)
        yield


def test_every_format_is_tested() -> None:
    # those that are only written, and folders with a model card, have tests of their own
    assert set(NAMES) == {name for name, entry in FORMATS.items() if entry.read and not entry.card}


@pytest.mark.parametrize("ngrams", [True, False])
def test_the_extension_and_the_ngrams_select_the_format(ngrams: bool, tmp_path: Path) -> None:
    subwords = Subwords(np.ones((5, 7), np.float32), 3, 4) if ngrams else None
    table = Table(["one", "two"], np.ones((2, 7), np.float32), subwords=subwords)
    expected = {path: name for name, path in NAMES.items() if name != "fasttext"}
    expected["v.bin"] = "fasttext" if ngrams else "word2vec-binary"
    for path, name in expected.items():
        formats.write(tmp_path / path, table)
        found = formats.read(tmp_path / path, format=name)
        assert (found.words, found.subwords is not None) == (table.words, ngrams and name in KEEP_COUNTS)


@pytest.mark.parametrize("name", NAMES)
def test_round_trip_is_exact(name: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / NAMES[name]
    formats.write(path, table, name)
    found = formats.read(path)
    assert found.words == table.words
    np.testing.assert_array_equal(bits(found.vectors), bits(table.vectors))
    assert found.vectors.flags.c_contiguous
    if name in KEEP_COUNTS:
        assert found.counts is not None
        assert found.output is not None
        assert found.counts.dtype == np.int64
        np.testing.assert_array_equal(found.counts, table.counts)
        np.testing.assert_array_equal(found.output, table.output)
    else:
        assert (found.counts, found.output) == (None, None)


@pytest.mark.parametrize("name", NAMES)
def test_format_can_be_selected_by_name(name: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / "vectors.strange"
    formats.write(path, table, format=name)
    assert formats.read(path).words == table.words  # detected by content, whatever the extension
    assert formats.read(path, format=name).words == table.words


@pytest.mark.parametrize("name", NAMES)
def test_tables_that_are_not_contiguous_are_written_in_row_order(name: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / NAMES[name]
    formats.write(path, table._replace(vectors=np.asfortranarray(table.vectors)), name)
    np.testing.assert_array_equal(bits(formats.read(path).vectors), bits(table.vectors))


@pytest.mark.parametrize("name", NAMES)
def test_more_rows_than_a_block(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    words = ["w" * int(length) + str(row) for row, length in enumerate(rng.integers(1, 40, 500))]
    vectors = rng.standard_normal((500, 3), dtype=np.float32)
    for block in (64, 101, 1023):
        with blocks_of(block):
            formats.write(tmp_path / NAMES[name], Table(words, vectors), name)
            found = formats.read(tmp_path / NAMES[name])
        assert found.words == words
        np.testing.assert_array_equal(found.vectors, vectors)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("limit", [1, 5, 1000])
def test_limit_reads_the_first_rows(name: str, limit: int, table: Table, tmp_path: Path) -> None:
    formats.write(tmp_path / NAMES[name], table, name)
    found = formats.read(tmp_path / NAMES[name], limit=limit)
    assert found.words == table.words[:limit]
    np.testing.assert_array_equal(bits(found.vectors), bits(table.vectors[:limit]))
    if found.counts is not None and found.output is not None and table.counts is not None:
        np.testing.assert_array_equal(found.counts, table.counts[:limit])
        assert len(found.output) == len(found.vectors)


@pytest.mark.parametrize("name", ["word2vec-text", "word2vec-binary", "glove"])
def test_limit_ignores_the_remaining_rows(name: str, tmp_path: Path) -> None:
    path = tmp_path / NAMES[name]
    formats.write(path, Table(["a", "b", "c"], np.ones((3, 2), dtype=np.float32), np.array([3, 2, 1])), name)
    path.write_bytes(path.read_bytes().replace(b"c 1", b"c x") + b"more")
    assert formats.read(path, limit=2).words == ["a", "b"]
    read_error(path)


@pytest.mark.parametrize("name", NAMES)
def test_limit_below_one_is_rejected(name: str, table: Table, tmp_path: Path) -> None:
    formats.write(tmp_path / NAMES[name], table, name)
    with pytest.raises(Word2VecError, match="limit must be 1 or more, got 0"):
        formats.read(tmp_path / NAMES[name], limit=0)


@pytest.mark.parametrize("name", NAMES)
def test_words_with_spaces_are_kept_or_rejected(name: str, tmp_path: Path) -> None:
    words, vectors = ["the", "new york", ". . .", "of"], np.arange(12, dtype=np.float32).reshape(4, 3)
    path = tmp_path / NAMES[name]
    if name.startswith("word2vec") or name == "fasttext":
        with pytest.raises(FormatError, match="'new york' in row 2 is empty or contains whitespace; glove"):
            formats.write(path, Table(words, vectors), name)
        return
    formats.write(path, Table(words, vectors), name)
    found = formats.read(path)
    assert found.words == words
    np.testing.assert_array_equal(found.vectors, vectors)


@pytest.mark.parametrize("name", ["word2vec-text", "word2vec-binary"])
def test_invalid_utf8_and_duplicates_are_reported(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = ("caf!", [1.0, 2.0]), ("king", [3.0, 4.0]), ("caf?", [5.0, 6.0]), ("king", [7.0, 8.0]), ("queen", [9.0, 0.5])
    text = b"5 2\n" + b"".join(b"%b %g %g\n" % (word.encode(), *row) for word, row in rows)
    content = text if name == "word2vec-text" else binary(*rows)
    path = write_bytes(tmp_path / "v", content.replace(b"caf!", b"caf\xe9").replace(b"caf?", b"caf\xe8"))
    found = formats.read(path)
    assert found.words == ["caf\ufffd", "king", "queen"]
    assert found.vectors.tolist() == [[1, 2], [3, 4], [9, 0.5]]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: 2 words are not valid UTF-8; their invalid bytes were replaced by \ufffd",
        f"{path}: 2 duplicate words; the first row of each is kept",
    ]
    keyed_vectors = pytest.importorskip("gensim.models").KeyedVectors
    gensim = keyed_vectors.load_word2vec_format(str(path), binary=name.endswith("binary"), unicode_errors="replace")
    assert list(gensim.key_to_index) == found.words
    np.testing.assert_array_equal(gensim[found.words], found.vectors)


@pytest.mark.parametrize("header", [b"999999999999 999999999\n", b"999999999999 1\n", b"1 999999999\n"])
@pytest.mark.parametrize("name", ["word2vec-text", "word2vec-binary"])
def test_headers_that_declare_huge_tables_are_rejected_at_once(header: bytes, name: str, tmp_path: Path) -> None:
    path = write_bytes(tmp_path / "v", header + b"a 1 2 3\n" * 100)
    started = time.perf_counter()
    assert "declares" in read_error(path, format=name)
    assert time.perf_counter() - started < 1


def test_missing_path_is_reported(tmp_path: Path) -> None:
    assert read_error(tmp_path / "nowhere.txt") == f"{tmp_path / 'nowhere.txt'}: no such file or folder"


def test_selecting_the_wrong_format_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "run"
    formats.write(path, Table(["a"], np.ones((1, 2), dtype=np.float32)))
    assert read_error(path, format="word2vec-text") == f"cannot read {path}: Is a directory"
    text = write_bytes(tmp_path / "v.txt", "1 2\na 1 2\n")
    assert f"{text}: not a run folder, vectors.safetensors is missing" in read_error(text, format="run")


def test_unknown_formats_raise_with_the_list_of_formats(table: Table, tmp_path: Path) -> None:
    known = r"run \(a folder\), safetensors \(.safetensors\), npz \(.npz\), fasttext \(.bin\), "
    known += r"word2vec-text \(.txt, .vec\), word2vec-binary \(.bin\), glove \(.glove\), "
    known += r"floret \(.floret\), hf \(a folder\), model2vec \(a folder\), spacy \(a folder\)$"
    with pytest.raises(Word2VecError, match=r"no format has the extension '.npy'; choose one of: " + known):
        formats.write(tmp_path / "vectors.npy", table)
    with pytest.raises(Word2VecError, match="unknown format 'pickle'; choose one of: " + known):
        formats.write(tmp_path / "vectors", table, format="pickle")
    with pytest.raises(Word2VecError, match="unknown format 'pickle'; choose one of: " + known):
        formats.read(tmp_path / "vectors", format="pickle")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("word", ["", " a", "a ", "a\tb", "a\nb", "a\rb", "a\x0bb", "a\x0cb", "\ud800"])
def test_words_that_cannot_be_stored_are_rejected(name: str, word: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        formats.write(tmp_path / NAMES[name], Table(["a", word], np.ones((2, 3), dtype=np.float32)), name)
    assert repr(word) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
def test_nul_inside_words_is_kept_or_rejected(name: str, tmp_path: Path) -> None:
    table = Table(["a\0b", "c"], np.ones((2, 3), np.float32))
    if name == "fasttext":
        with pytest.raises(FormatError, match="contains NUL"):
            formats.write(tmp_path / NAMES[name], table, name)
        return
    formats.write(tmp_path / NAMES[name], table, name)
    assert formats.read(tmp_path / NAMES[name]).words == table.words


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_nan_and_infinity_are_not_written(name: str, number: float, tmp_path: Path) -> None:
    vectors = np.ones((3, 2), dtype=np.float32)
    vectors[1, 1] = number
    with pytest.raises(FormatError, match="the vector of 'b' contains nan or infinity"):
        formats.write(tmp_path / NAMES[name], Table(["a", "b", "c"], vectors), name)
    assert list(tmp_path.iterdir()) == []


def test_nan_and_infinity_are_found_in_any_block() -> None:
    with blocks_of(16):
        for row in range(7):
            for number in (np.nan, np.inf, -np.inf):
                vectors = np.ones((7, 2), dtype=np.float32)
                vectors[row:, 0] = number
                assert formats.first_not_finite(vectors) == row
        assert formats.first_not_finite(np.ones((7, 2), dtype=np.float32)) is None


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("late", [True, False])
def test_full_disk_leaves_existing_files_unchanged(
    name: str, existing: bool, late: bool, table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / NAMES[name]
    if existing:
        formats.write(path, Table(["old"], np.ones((1, 2), dtype=np.float32)), name)
    before = everything_in(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(Word2VecError) as caught:  # noqa: PT012
        if late:
            monkeypatch.setattr(os, "fsync", full)
            formats.write(path, table, name)
        else:
            with files_no_larger_than(300):
                formats.write(path, table, name)
    assert str(caught.value).startswith(f"cannot write {path}")
    assert ("No space left on device" if late else "File too large") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize("name", NAMES)
def test_files_have_the_default_permissions(name: str, table: Table, tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    formats.write(tmp_path / NAMES[name], table, name)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {stat.S_IMODE((tmp_path / "plain").stat().st_mode)}


@pytest.mark.slow
def test_writing_does_not_copy_the_table(tmp_path: Path) -> None:
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
