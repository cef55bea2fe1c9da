"""Every format gives back what was put in, and says in one line what is wrong with a damaged file."""

import errno
import os
import resource
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from safetensors.numpy import save_file

from word2vec import formats
from word2vec.errors import FormatError, Word2VecError
from word2vec.formats import FORMATS, Table

NAMES = {"run": "run", "safetensors": "v.safetensors", "npz": "v.npz", "word2vec-text": "vectors.txt", "word2vec-binary": "vectors.bin", "glove": "v.glove"}
# what str takes for a line end or for white space may be part of a word; only ASCII's white space may not
WORDS = [
    "the",
    "</s>",
    "naïve",
    "東京",
    "a\u2028b",
    "a\x1cb",
    "a\x85b",
    "\xa0",
    "🙂",
    '"quoted"',
    "#",
    "1",
    "-1.5",
    "a\x00b",
]


@pytest.fixture
def table() -> Table:
    """Awkward words, and rows of random bits: every kind of finite number."""
    rng = np.random.default_rng(0)
    vectors = rng.integers(0, 2**32, (len(WORDS), 7), dtype=np.uint32).view(np.float32)
    vectors[~np.isfinite(vectors)] = 0.1
    vectors[0] = [0.0, -0.0, 1e-45, -3.4028235e38, 1.17549435e-38, 1 / 3, 16777217]
    context = rng.standard_normal(vectors.shape, dtype=np.float32)
    return Table(list(WORDS), vectors, np.arange(len(WORDS), 0, -1, dtype=np.int64) * 10**12, context)


def bits(vectors: np.ndarray) -> np.ndarray:
    assert vectors.dtype == np.float32
    return vectors.view(np.uint32)


def toy(path: Path, text: bytes | str) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def binary(*rows: tuple[str, list[float]], end: bytes = b"", header: bytes | None = None) -> bytes:
    body = b"".join(word.encode() + b" " + np.array(row, dtype="<f4").tobytes() + end for word, row in rows)
    return (header or b"%d %d\n" % (len(rows), len(rows[0][1]))) + body


def complaint(path: Path, **arguments: object) -> str:
    """The one line with which a path is refused."""
    with pytest.raises(FormatError) as caught:
        formats.read(path, **arguments)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_every_format_is_tested() -> None:
    assert set(NAMES) == set(FORMATS)
    assert all(name == entry.name for name, entry in FORMATS.items())


@pytest.mark.parametrize("name", NAMES)
def test_round_trip_to_the_bit(name: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / NAMES[name]
    formats.write(path, table)
    found = formats.read(path)
    assert found.words == table.words
    np.testing.assert_array_equal(bits(found.vectors), bits(table.vectors))
    assert found.vectors.flags.c_contiguous
    if name == "run":
        assert found.counts is not None
        assert found.context is not None
        assert found.counts.dtype == np.int64
        np.testing.assert_array_equal(found.counts, table.counts)
        np.testing.assert_array_equal(found.context, table.context)
    else:
        assert (found.counts, found.context) == (None, None)


@pytest.mark.parametrize("name", NAMES)
def test_format_can_be_named(name: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / "vectors.strange"
    formats.write(path, table, format=name)
    assert formats.read(path).words == table.words  # found by content, whatever the ending
    assert formats.read(path, format=name).words == table.words


@pytest.mark.parametrize("name", NAMES)
def test_rows_that_are_not_contiguous_are_written_as_they_look(name: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / NAMES[name]
    formats.write(path, table._replace(vectors=np.asfortranarray(table.vectors)))
    np.testing.assert_array_equal(bits(formats.read(path).vectors), bits(table.vectors))


@pytest.mark.parametrize("name", NAMES)
def test_more_rows_than_a_block(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    words = ["w" * int(length) + str(row) for row, length in enumerate(rng.integers(1, 40, 500))]
    vectors = rng.standard_normal((500, 3), dtype=np.float32)
    for block in (64, 101, 1023):
        monkeypatch.setattr(formats, "_BLOCK", block)
        formats.write(tmp_path / NAMES[name], Table(words, vectors))
        found = formats.read(tmp_path / NAMES[name])
        assert found.words == words
        np.testing.assert_array_equal(found.vectors, vectors)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("limit", [1, 5, 1000])
def test_limit_reads_the_first_rows(name: str, limit: int, table: Table, tmp_path: Path) -> None:
    formats.write(tmp_path / NAMES[name], table)
    found = formats.read(tmp_path / NAMES[name], limit=limit)
    assert found.words == table.words[:limit]
    np.testing.assert_array_equal(bits(found.vectors), bits(table.vectors[:limit]))
    if found.counts is not None and found.context is not None and table.counts is not None:
        np.testing.assert_array_equal(found.counts, table.counts[:limit])
        assert len(found.context) == len(found.vectors)


@pytest.mark.parametrize("name", NAMES)
def test_limit_leaves_the_rest_alone(name: str, tmp_path: Path) -> None:
    path = tmp_path / NAMES[name]
    formats.write(path, Table(["a", "b", "c"], np.ones((3, 2), dtype=np.float32), np.array([3, 2, 1])))
    damaged = path / "vocab.tsv" if path.is_dir() else path
    damaged.write_bytes(damaged.read_bytes().replace(b"c 1", b"c x").replace(b"c\t1", b"c\tx") + b"more")
    assert formats.read(path, limit=2).words == ["a", "b"]
    complaint(path)
    with pytest.raises(Word2VecError, match="limit is 0"):
        formats.read(path, limit=0)


@pytest.mark.parametrize("name", ["word2vec-text", "word2vec-binary"])
def test_gensim_reads_what_is_written(name: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / NAMES[name]
    kept = [row for row, word in enumerate(table.words) if word.strip() == word]  # gensim strips these
    vectors = table.vectors[kept]
    formats.write(path, Table([table.words[row] for row in kept], vectors))
    theirs = KeyedVectors.load_word2vec_format(str(path), binary=name.endswith("binary"))
    assert theirs.index_to_key == [table.words[row] for row in kept]
    np.testing.assert_array_equal(bits(theirs.vectors), bits(vectors))


@pytest.mark.parametrize("name", ["word2vec-text", "word2vec-binary"])
def test_what_gensim_writes_is_read(name: str, table: Table, tmp_path: Path) -> None:
    theirs = KeyedVectors(vector_size=7)
    theirs.add_vectors(table.words, table.vectors)
    theirs.save_word2vec_format(str(tmp_path / "gensim"), binary=name.endswith("binary"))
    found = formats.read(tmp_path / "gensim")
    assert found.words == table.words
    np.testing.assert_array_equal(bits(found.vectors), bits(table.vectors))
    if name == "word2vec-binary":
        formats.write(tmp_path / "ours.bin", table)
        assert (tmp_path / "ours.bin").read_bytes() == (tmp_path / "gensim").read_bytes()


def test_habits_of_the_c_program(tmp_path: Path) -> None:
    expected = np.array([[0.5, -1.25], [1e-5, 2]], dtype=np.float32)
    text = formats.read(toy(tmp_path / "c.txt", "2 2\n</s> 0.500000 -1.250000 \nking 1e-05 2.000000 \n"))
    rows = ("</s>", [0.5, -1.25]), ("king", [1e-5, 2])
    lined = formats.read(toy(tmp_path / "c.bin", binary(*rows, end=b"\n")))
    for found in (text, lined):
        assert found.words == ["</s>", "king"]
        np.testing.assert_array_equal(found.vectors, expected)


def test_windows_line_ends_and_a_missing_last_one(tmp_path: Path) -> None:
    for text in ("2 2\r\na 1 2\r\nb 3 4\r\n", "2 2\na 1 2\nb 3 4", "2 2\na\t1 2\nb 3 4\n"[:4] + "a 1\t2\nb 3 4\n\n"):
        found = formats.read(toy(tmp_path / "v.txt", text))
        assert found.words == ["a", "b"]
        assert found.vectors.tolist() == [[1, 2], [3, 4]]


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
            assert [entry.name for entry in FORMATS.values() if entry.detect(path)] == [name]


@pytest.mark.parametrize("name", ["word2vec-text", "word2vec-binary"])
def test_words_that_are_not_utf8_or_repeated(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = ("caf!", [1.0, 2.0]), ("king", [3.0, 4.0]), ("caf?", [5.0, 6.0]), ("king", [7.0, 8.0]), ("queen", [9.0, 0.5])
    text = b"5 2\n" + b"".join(b"%b %g %g\n" % (word.encode(), *row) for word, row in rows)
    content = text if name == "word2vec-text" else binary(*rows)
    path = toy(tmp_path / "v", content.replace(b"caf!", b"caf\xe9").replace(b"caf?", b"caf\xe8"))
    found = formats.read(path)
    assert found.words == ["caf\ufffd", "king", "queen"]
    assert found.vectors.tolist() == [[1, 2], [3, 4], [9, 0.5]]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: 2 words are there already; the first of each is kept"
    ]
    theirs = KeyedVectors.load_word2vec_format(str(path), binary=name.endswith("binary"), unicode_errors="replace")
    assert list(theirs.key_to_index) == found.words
    np.testing.assert_array_equal(theirs[found.words], found.vectors)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty"),
        ("king 0.1 0.2\n", "does not begin with a line 'count dim'"),
        ("two words of a text\n", "does not begin with a line 'count dim'"),
        ("0 3\n", "0 words of 3 numbers"),
        ("3 0\na\nb\nc\n", "3 words of 0 numbers"),
        ("2 3\na 1 2 3\nb 4 5 x6\n", "line 3: b'x6' is not a number"),
        ("2 3\na 1 2,5 3\nb 4 5 6\n", "line 2: b'2,5' is not a number"),
        ("2 3\na 1 2 3\nb 4.0 5.0\n", "line 3: 2 numbers after the word, but line 1 promises 3"),
        ("2 3\na 1 2 3 4\nb 4 5 6\n", "line 2: 4 numbers after the word, but line 1 promises 3"),
        ("2 3\na 1 2 3 4\nb 4 5 6 7\n", "line 2: 4 numbers after the word, but line 1 promises 3"),
        ("2 3\nnew york 1 2 3\nb 4 5 6\n", "line 2: b'york' is not a number"),
        ("2 3\na 1 2 3\nbbbbbbb\n", "line 3: 0 numbers after the word"),
        ("3 3\na 1 2 3\nbbbbbbbbbbbbbbb\n\n", "line 3: 0 numbers after the word"),
        ("2 3\na 1 2 3\n\nb 4 5 6\n", "line 3: 0 numbers after the word"),
        ("2 3\na 1_0 2 3\nb 4 5 6\n", "lines 2 to 3: these numbers cannot be read"),
        ("2 3\na 1.000 2.000 3.000\n 4 5 6\n", "row 2: there is no word before the numbers"),
        ("3 3\na 1.0000 2.0000 3.0000\nb 4 5 6\n", "ends after 2 words, but line 1 promises 3"),
        ("9 3\na 1 2 3\nb 4 5 6\n", "promises 9 words of 3 numbers, at least 71 bytes, but 16 follow"),
        ("1 3\na 1 2 3\nb 4 5 6\n", "more rows than the 1 that line 1 promises"),
        ("2 3\na 1 2 3\nb 4 nan 6\n", "the vector of 'b' holds nan or infinity"),
        ("2 3\na 1 -inf 3\nb 4 5 6\n", "the vector of 'a' holds nan or infinity"),
        ("2 3\na 1 2 3\nb 1e39 5 6\n", "the vector of 'b' holds nan or infinity"),
    ],
)
def test_damaged_text_is_refused(text: str, expected: str, tmp_path: Path) -> None:
    assert expected in complaint(toy(tmp_path / "v.txt", text))


def test_text_without_any_number_is_refused(tmp_path: Path) -> None:
    path = toy(tmp_path / "v.txt", "2 3\naaaaaaaa\nbbbbbbbb\n")
    assert "line 2: 0 numbers after the word" in complaint(path, format="word2vec-text")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (binary(("a", [1, 2]), ("b", [3, 4]))[:-2], "promises 2 words of 2 numbers, at least 19 bytes, but 18 follow"),
        (binary(("a", [1, 2]), ("b", [3, 4]))[:-1], "ends in the middle of row 2"),
        (binary(("a", [1, 2]), ("b", [3, 4]), header=b"3 2\n"), "at least 29 bytes, but 20 follow"),
        (binary(("aaaaaaaaaaaaaaaa", [1, 2]), header=b"2 2\n"), "ends after 1 words, but line 1 promises 2"),
        (binary(("aaaaaaaaaaaaaaaa", [1, 2]), ("b", [3, 4]))[:-1], "ends in the middle of row 2"),
        (binary(("aaaaaaaaaaaaaaaa", [1, 2]), ("b", [3, 4]))[:-8], "ends in the middle of row 2"),
        (binary(("a", [1, 2]), ("b", [3, 4]), header=b"1 2\n"), "more rows than the 1 that line 1 promises"),
        (binary(("a", [1, 2]), ("b", [3, 4])) + b"c", "ends in the middle of row 3"),
        (binary(("a", [1, 2]), ("", [3, 4])) + b"\n", "row 2: there is no word before the numbers"),
        (binary(("a", [1, 2]), ("b", [3, float("nan")])), "the vector of 'b' holds nan or infinity"),
        (binary(("a", [float("-inf"), 2]), ("b", [3, 4])), "the vector of 'a' holds nan or infinity"),
        (b"2 2\na " + b"\x00" * 200_000, "row 2: no space after the word"),
    ],
)
def test_damaged_binary_is_refused(content: bytes, expected: str, tmp_path: Path) -> None:
    assert expected in complaint(toy(tmp_path / "v.bin", content), format="word2vec-binary")


@pytest.mark.parametrize("header", [b"999999999999 999999999\n", b"999999999999 1\n", b"1 999999999\n"])
@pytest.mark.parametrize("name", ["word2vec-text", "word2vec-binary"])
def test_a_header_that_promises_the_world_takes_no_memory(header: bytes, name: str, tmp_path: Path) -> None:
    path = toy(tmp_path / "v", header + b"a 1 2 3\n" * 100)
    started = time.perf_counter()
    assert "promises" in complaint(path, format=name)
    assert time.perf_counter() - started < 1


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
        ({"output": np.ones((2, 3), np.float32)}, "holds no tensor 'input'"),
        ({"input": np.ones((2, 3))}, "'input' is F64 [2, 3], not a table of F32"),
        ({"input": np.ones(2, np.float32)}, "'input' is F32 [2], not a table of F32"),
        ({"input": np.ones((2, 0), np.float32)}, "'input' is F32 [2, 0], not a table of F32"),
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


def test_missing_path_is_named(tmp_path: Path) -> None:
    assert complaint(tmp_path / "nowhere.txt") == f"there is no file or folder {tmp_path / 'nowhere.txt'}"


def test_format_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run")
    assert complaint(path, format="word2vec-text") == f"cannot read {path}: Is a directory"
    text = toy(tmp_path / "v.txt", "1 2\na 1 2\n")
    assert complaint(text, format="run") == f"{text} is no run folder: it holds no vectors.safetensors"


def test_unknown_formats_are_answered_with_the_known_ones(table: Table, tmp_path: Path) -> None:
    known = r"run \(a folder\), word2vec-text \(.txt, .vec\), word2vec-binary \(.bin\)$"
    with pytest.raises(Word2VecError, match=r"no format has names that end in '.npy'; the formats are: " + known):
        formats.write(tmp_path / "vectors.npy", table)
    with pytest.raises(Word2VecError, match="there is no format 'pickle'; the formats are: " + known):
        formats.write(tmp_path / "vectors", table, format="pickle")
    with pytest.raises(Word2VecError, match="there is no format 'pickle'; the formats are: " + known):
        formats.read(tmp_path / "vectors", format="pickle")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("word", ["", "new york", "a\tb", "a\nb", "a\rb", "a\x0bb", "a\x0cb", "\ud800"])
def test_words_that_could_not_be_read_back_are_refused(name: str, word: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        formats.write(tmp_path / NAMES[name], Table(["a", word], np.ones((2, 3), dtype=np.float32)))
    assert repr(word) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_numbers_that_are_none_are_not_written(name: str, number: float, tmp_path: Path) -> None:
    vectors = np.ones((3, 2), dtype=np.float32)
    vectors[1, 1] = number
    with pytest.raises(FormatError, match="the vector of 'b' holds nan or infinity"):
        formats.write(tmp_path / NAMES[name], Table(["a", "b", "c"], vectors))
    assert list(tmp_path.iterdir()) == []


def test_numbers_that_are_none_are_found_in_any_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "_BLOCK", 16)
    for row in range(7):
        vectors = np.ones((7, 2), dtype=np.float32)
        vectors[row:, 0] = np.nan
        assert formats.first_not_finite(vectors) == row


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("late", [True, False])
def test_full_disk_leaves_things_as_they_were(
    name: str, existing: bool, late: bool, table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / NAMES[name]
    if existing:
        formats.write(path, Table(["old"], np.ones((1, 2), dtype=np.float32)))
    before = everything_in(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(Word2VecError) as caught:  # noqa: PT012
        if late:
            monkeypatch.setattr(os, "fsync", full)
            formats.write(path, table)
        else:
            with files_no_larger_than(300):
                formats.write(path, table)
    assert str(caught.value).startswith(f"cannot write {path}")
    assert ("No space left on device" if late else "File too large") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize("name", NAMES)
def test_others_may_read_what_is_written(name: str, table: Table, tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    formats.write(tmp_path / NAMES[name], table)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {stat.S_IMODE((tmp_path / "plain").stat().st_mode)}
