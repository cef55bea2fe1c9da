"""Reading pairs from tables: kinds of files, compression, addresses, missing values, and what is refused."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from word2vec.corpus import as_pair_columns, make_pair_corpus, pair_files, read_pair_names, read_pairs
from word2vec.corpus.pair_corpus import NamedColumn
from word2vec.errors import CorpusError

FRAME = pd.DataFrame({"user": ["007", "NA", "x y"], "item": ["é", "null", "1.0"], "times": [1.5, 2, 3]})


def write(path: Path) -> Path:
    kind = path.name.split(".")[1]
    if kind == "parquet":
        pytest.importorskip("pyarrow")
        FRAME.to_parquet(path)
    elif kind == "jsonl":
        FRAME.to_json(path, orient="records", lines=True, force_ascii=False)
    else:
        FRAME.to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")
    return path


def values(column: NamedColumn) -> list[Any]:
    return list(column.names[column.codes])


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl", "t.parquet", "t.csv.gz", "t.tsv.xz", "t.jsonl.zst"])
def test_values_are_read_as_they_are_written(name: str, tmp_path: Path) -> None:
    columns = read_pairs(write(tmp_path / name), "user", "item", "times")
    assert values(columns.inputs) == ["007", "NA", "x y"]
    assert values(columns.targets) == ["é", "null", "1.0"]
    assert columns.weights is not None
    assert columns.weights.tolist() == [1.5, 2, 3]
    assert read_pairs(tmp_path / name, "user", "item").weights is None


def test_an_address_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec")
    monkeypatch.setenv("WORD2VEC_CACHE", str(tmp_path / "cache"))
    memory = fsspec.filesystem("memory")
    memory.pipe("/pairs/t.csv", b"a,b\n1,2\n,3\n")
    memory.pipe("/pairs/bad.csv", b"a,b\n1\n")
    assert read_pair_names("memory://pairs/t.csv", "a", "b") == (["1"], ["2"])
    with pytest.raises(CorpusError, match=r"^memory://pairs/bad.csv: the row that ends in line 2 has 1 values"):
        read_pair_names("memory://pairs/bad.csv", "a", "b")


def test_numbers_are_the_same_as_from_memory(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 7, "b": "x"}\n{"b": "y", "a": -1}\n{"a": 7, "b": "y", "c": null}\n', encoding="utf-8")
    expected = make_pair_corpus(as_pair_columns([7, -1, 7], ["x", "y", "y"]))
    found = make_pair_corpus(read_pairs(path, "a", "b"))
    assert found.fingerprint == expected.fingerprint
    assert found.input_vocabulary.words == ["7", "-1"]


def test_one_column_may_have_both_roles(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a\nx\ny\n", encoding="utf-8")
    assert read_pair_names(path, "a", "a") == (["x", "y"], ["x", "y"])


@pytest.mark.parametrize("block_rows", [1, 2, 512])
def test_incomplete_rows_are_skipped_and_counted(
    block_rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pair_files, "BLOCK_ROWS", block_rows)
    path = tmp_path / "t.csv"
    path.write_text("user,item,times\na,b,1\n,c,2\na,,3\nd,e,\n\nd,b,4\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING, logger="word2vec"):
        columns = read_pairs(path, "user", "item", "times")
    assert (values(columns.inputs), values(columns.targets)) == (["a", "d"], ["b", "b"])
    assert columns.weights is not None
    assert columns.weights.tolist() == [1, 4]
    assert caplog.messages == [f"{path}: 3 rows have a missing or empty value; skipped"]
    assert read_pair_names(path, "user", "item") == (["a", "d", "d"], ["b", "e", "b"])


REFUSED: dict[str, tuple[str, bytes, str]] = {
    "no column": ("t.csv", b"user,it\na,b\n", "has no column 'item'; the columns are: user, it"),
    "no column in JSON": ("t.jsonl", b'{"user": "a"}\n{"user": "b"}\n', "has no column 'item'; the columns are: user"),
    "one column": ("t.csv", b"user\na\n", "has no column 'item'"),
    "twice": ("t.csv", b"user,item,item\na,b,c\n", "has several columns 'item'"),
    "empty": ("t.csv", b"", "has no column 'user'; the columns are: (none)"),
    "invalid UTF-8": ("t.csv", b"user,item\na,b\n\xff,b\n", "t.csv: line 3: column 'user': "),
    "long row": (
        "t.csv",
        b"user,item\na,b\na,b,c,d\n",
        "the row that ends in line 3 has 4 values, but the header has 2",
    ),
    "space": (
        "t.tsv",
        b"user\titem\na\tb\n\nc\t d\n",
        "t.tsv: line 4: column 'item': ' d' begins or ends with a space",
    ),
    "line break": (
        "t.csv",
        b'user,item\na,b\n"x\ny",b\n',
        "t.csv: line 4: column 'user': 'x\\ny' contains a tab or a line break",
    ),
    "not compressed": ("t.csv.gz", b"user,item\n", "the content is not compressed that way"),
    "JSON": ("t.jsonl", b"{", "t.jsonl: line 1 is not valid JSON"),
    "float": ("t.jsonl", b'{"user": 1.5, "item": 1}', "line 1: column 'user' contains 1.5; choose a column of strings"),
    "boolean": ("t.jsonl", b'{"user": true, "item": 1}', "line 1: column 'user' contains True; choose"),
    "list": ("t.jsonl", b'{"user": ["a"], "item": 1}', "line 1: column 'user' contains ['a']; choose"),
    "mixed": (
        "t.jsonl",
        b'{"user": 1, "item": 1}\n{"user": "1", "item": 1}',
        "line 2: column 'user' contains '1'; it must contain only strings, or only whole numbers",
    ),
    "parquet": ("t.parquet", b"PAR1", "is damaged, or not a parquet file"),
    "kind": ("t.xlsx", b"x", "is not a table, so it has no column 'user'; columns are read from .csv"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_with_one_clear_line(kind: str, tmp_path: Path) -> None:
    name, content, expected = REFUSED[kind]
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError) as error:
        read_pairs(tmp_path / name, "user", "item")
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("weight", ["x", "-1", "0", "nan", "inf", "1,5"])
def test_a_weight_that_is_not_a_positive_number(weight: str, tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text(f"user\titem\ttimes\na\tb\t1\na\tb\t{weight}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=f"t.tsv: line 3: the weight in column 'times' is '{weight}'"):
        read_pairs(path, "user", "item", "times")


def test_a_path_without_a_file(tmp_path: Path) -> None:
    for path, problem in ((tmp_path / "x.csv", "no such file"), (tmp_path, "is a folder")):
        with pytest.raises(CorpusError, match=problem):
            read_pairs(path, "user", "item")
