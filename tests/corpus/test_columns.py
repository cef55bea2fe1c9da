"""Columns of tables in files: formats, compression, what is skipped, and what is refused."""

import csv
import gzip
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.test_opening import decoded, message
from word2vec.corpus import IndexedCorpus, columns, index_corpus, open_corpus
from word2vec.corpus.columns import READERS, read_column

TEXTS = ["the cat", 'she said "hello, cat"', "two\nlines\r\nof\ttext", "", "naïve  the"]
SENTENCES = [["the", "cat"], ["she", "said", '"hello,', 'cat"'], ["two", "lines", "of", "text"], ["naïve", "the"]]
LISTS = [["The Matrix", "Alien"], [], ["Alien"]]


def write_csv(path: Path, values: list[Any], delimiter: str = ",") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, delimiter=delimiter)
        rows.writerows([["id", "text"], *([number, value] for number, value in enumerate(values))])


def write_jsonl(path: Path, values: list[Any]) -> None:
    lines = [json.dumps({"id": number, "text": value}) for number, value in enumerate(values)]
    path.write_text("\n".join(lines), encoding="utf-8")


def write_parquet(path: Path, values: list[Any]) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"id": list(range(len(values))), "text": values}), path, row_group_size=2)


WRITERS: dict[str, Callable[[Path, list[Any]], None]] = {
    ".csv": write_csv,
    ".tsv": lambda path, values: write_csv(path, values, "\t"),
    ".jsonl": write_jsonl,
    ".ndjson": write_jsonl,
    ".parquet": write_parquet,
}


def test_every_format_is_tested() -> None:
    assert set(WRITERS) == set(READERS)


@pytest.mark.parametrize("suffix", WRITERS)
def test_column_of_texts(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"table{suffix}"
    WRITERS[suffix](path, TEXTS)
    corpus = index_corpus([path], column="text")
    assert decoded(corpus) == SENTENCES
    assert corpus.warnings == ["1 values were missing or empty; skipped"]
    monkeypatch.setattr(columns, "READERS", {})  # the second time its index is found
    assert index_corpus([path], column="text").fingerprint == corpus.fingerprint


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_column_of_lists(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"table{suffix}"
    WRITERS[suffix](path, LISTS)
    corpus = index_corpus([path], column="text", tokenizer="words")
    assert decoded(corpus) == [["The Matrix", "Alien"], ["Alien"]]
    assert corpus.warnings == ["1 values were missing or empty; skipped"]
    WRITERS[suffix](path, [[7, 12], [7]])
    assert decoded(index_corpus([path], column="text")) == [["7", "12"], ["7"]]


def test_several_files_and_compression(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", ["a b"])
    write_jsonl(tmp_path / "b.jsonl", ["c", None, "a"])
    for path in (tmp_path / "a.csv", tmp_path / "b.jsonl"):
        path.with_name(f"{path.name}.GZ").write_bytes(gzip.compress(path.read_bytes()))
    expected = [["a", "b"], ["c"], ["a"]]
    assert decoded(index_corpus([tmp_path / "a.csv", tmp_path / "b.jsonl"], column="text")) == expected
    compressed = tmp_path / "a.csv.gz", tmp_path / "b.jsonl.gz"
    for path in compressed:
        path.with_suffix(".GZ").rename(path)
    assert decoded(index_corpus(compressed, column="text")) == expected
    truncated = tmp_path / "c.csv.gz"
    truncated.write_bytes(compressed[0].read_bytes()[:-5])
    assert "c.csv.gz: the compressed file is damaged or truncated" in message(truncated, column="text")


def test_byte_order_mark_and_invalid_bytes(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xef\xbb\xbftext\r\ncaf\xe9 a\r\n\r\nb\r\n")
    corpus = index_corpus([path], column="text")
    assert decoded(corpus) == [["caf\ufffd", "a"], ["b"]]
    assert corpus.warnings == ["1 byte sequences were not valid UTF-8; replaced by U+FFFD"]


def test_values_longer_than_the_limit_of_pythons_csv(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_csv(path, ["long " * 50_000, "short"])
    limit = 131_072
    csv.field_size_limit(limit)
    assert len(index_corpus([path], column="text").tokens) == 50_001
    assert csv.field_size_limit() == limit


def test_each_column_has_an_index_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b\nx y,z w\n")
    found = [decoded(index_corpus([path], column=column)) for column in ("a", "b", "a")]
    assert found == [[["x", "y"]], [["z", "w"]], [["x", "y"]]]


def test_function_for_the_texts_of_a_column(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_csv(path, ["a-b c", "", "a"])
    corpus = open_corpus(path, column="text", tokenizer=lambda text: text.split("-"))
    assert decoded(corpus) == [["a", "b c"], ["a"]]
    assert "1 values were missing or empty; skipped" in corpus.warnings


def test_table_without_a_column_is_read_as_text(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_csv(tmp_path / "table.csv", ["a b"])
    with caplog.at_level(logging.WARNING):
        corpus = index_corpus([tmp_path / "table.csv", tmp_path / "table.csv"])
    assert decoded(corpus)[:2] == [["id,text"], ["0,a", "b"]]
    assert len(caplog.messages) == 1
    assert "read as plain text, including its other columns; name the column" in caplog.messages[0]


def test_parquet_without_a_column(tmp_path: Path) -> None:
    write_parquet(tmp_path / "table.parquet", ["a"])
    error = message(tmp_path / "table.parquet")
    assert "is a parquet file, not text; name the column that contains its text with --column" in error


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_parquet(tmp_path / "table.parquet", ["a"])
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert "pip install 'word2vec-fused[parquet]'" in message(tmp_path / "table.parquet", column="text")


REFUSED: dict[str, tuple[str, str | bytes, str]] = {
    "no column": ("t.csv", "a,b\n1,2\n", "t.csv: has no column 'text'; the columns are: a, b"),
    "twice": ("t.csv", "text,text\n1,2\n", "t.csv: has several columns 'text'"),
    "empty file": ("t.csv", "", "t.csv: has no column 'text'; the columns are: (none)"),
    "short row": (
        "t.csv",
        "id,text\n1,a\n2\n",
        "t.csv: the row that ends in line 3 has 1 values, but the header has 2",
    ),
    "long row": ("t.csv", "id,text\n1,a, b\n", "the row that ends in line 2 has 3 values"),
    "open quote": ("t.csv", 'id,text\n1,"a\nb\n', "the row that ends in line 3 is malformed"),
    "quote inside": ("t.csv", 'id,text\n1,"a" b\n', "the row that ends in line 2 is malformed"),
    "only header": ("t.csv", "id,text\n", "contains no words"),
    "only missing": ("t.jsonl", '{"text": null}\n', "contains no words"),
    "no text": ("t.txt", "a", "t.txt: is not a table, so it has no column 'text'; --column applies to .csv, .tsv"),
    "binary": ("t.csv", b"\x7fELF\0\0", "t.csv: contains NUL bytes"),
    "not JSON": ("t.jsonl", '{"text": "a"}\n{"text": \n', "t.jsonl: line 2 is not valid JSON"),
    "deep JSON": ("t.jsonl", "[" * 100_000, "t.jsonl: line 1 is not valid JSON"),
    "no object": ("t.jsonl", "[1, 2]\n", "t.jsonl: line 1 is [1, 2]; write one object on each line"),
    "no column in JSON": ("t.jsonl", '\n{"a": 1}\n{"b": 2}\n', "t.jsonl: has no column 'text'; the columns are: a, b"),
    "far column": ("t.jsonl", '{"a": 1}\n' * 1000 + '{"text": "a"}', "has no column 'text'; the columns are: a"),
    "number": ("t.jsonl", '{"text": "a"}\n{"text": 5}\n', "t.jsonl: line 2: column 'text' contains 5; choose a column"),
    "object": ("t.jsonl", '{"text": {"a": 1}}\n', "line 1: column 'text' contains {'a': 1}; choose a column"),
    "list, then text": ("t.jsonl", '{"text": ["a"]}\n{"text": "b"}\n', "row 1 (from 0): column 'text' contains 'b'"),
    "text, then list": ("t.jsonl", '{"text": "a"}\n{"text": ["b"]}\n', "row 1 (from 0): column 'text' contains ['b']"),
    "null in a list": ("t.jsonl", '{"text": []}\n{"text": ["a", null]}\n', "t.jsonl: row 1 (from 0): the token None"),
    "no parquet": ("t.parquet", "PAR1 is not enough", "t.parquet: is damaged, or not a parquet file"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_with_one_clear_line(kind: str, tmp_path: Path) -> None:
    name, content, expected = REFUSED[kind]
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert expected in message(tmp_path / name, column="text")


def test_parquet_with_other_columns(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "t.parquet"
    parquet.write_table(pyarrow.table({"a": [1, 2], "b": [b"x", b"y"]}), path)
    assert "has no column 'text'; the columns are: a, b" in message(path, column="text")
    assert "row 0 (from 0): column 'a' contains 1; choose a column" in message(path, column="a")
    assert "row 0 (from 0): column 'b' contains b'x'; choose a column" in message(path, column="b")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "is damaged, or not a parquet file" in message(path, column="a")


def test_endless_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "MAX_LINE", 100)
    for name, content in (("t.jsonl", '{"text": "' + "a" * 100 + '"}'), ("t.csv", "text\n" + "a" * 200)):
        (tmp_path / name).write_text(content)
        assert "is longer than 100 characters" in message(tmp_path / name, column="text")


def test_progress_reaches_the_size_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "PARQUET_ROWS", 2)
    for suffix, write in WRITERS.items():
        path = tmp_path / f"table{suffix}"
        write(path, ["some text"] * 7)
        steps: list[int] = []
        assert len(list(read_column(path, "text", steps.append))) == 7
        assert sum(steps) == path.stat().st_size


def test_standard_input_has_no_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"text\na\n")))
    assert "standard input: is not a table" in message("-", column="text")
    assert isinstance(index_corpus([Path(__file__)]), IndexedCorpus)
