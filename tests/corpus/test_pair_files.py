"""Reading pairs from tables: kinds of files, compression, missing values and columns."""

from pathlib import Path

import pandas as pd
import pytest

from word2vec.corpus import make_pair_columns, read_pair_columns
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


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl", "t.parquet", "t.csv.gz", "t.tsv.xz", "t.jsonl.zst"])
def test_values_are_read_as_they_are_written(name: str, tmp_path: Path) -> None:
    inputs, targets, weights = read_pair_columns(write(tmp_path / name), "user", "item", "times")
    assert inputs.tolist() == ["007", "NA", "x y"]
    assert targets.tolist() == ["é", "null", "1.0"]
    assert weights is not None
    assert [float(weight) for weight in weights] == [1.5, 2, 3]


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_a_missing_column_is_named_with_those_that_are_there(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name)
    for columns in (("who", "item"), ("user", "who"), ("user", "item", "who")):
        with pytest.raises(CorpusError, match="no column 'who'; the columns are: user, item, times"):
            read_pair_columns(path, *columns)


def test_an_empty_field_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("user,item\na,b\n,c\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="inputs: the value at position 1 is missing"):
        make_pair_columns(path, "user", "item")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", "cannot be read as a table"),
        ("t.csv", b"user,item\n\xff,b\n", "cannot be read as a table"),
        ("t.csv", b"user,item\na,b\na,b,c,d,e\n", "cannot be read as a table"),
        ("t.csv", b"user,item\na,b,c\na,b,d\n", "more fields than the header"),
        ("t.csv.gz", b"user,item\n", "cannot be read as a table"),
        ("t.jsonl", b"{", "cannot be read as a table"),
        ("t.parquet", b"PAR1", "cannot be read as a table"),
        ("t.xlsx", b"x", "unknown kind of table"),
        ("t.csv/", b"", "no such file"),
    ],
)
def test_unreadable_files_get_one_line(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.endswith("/"):
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(CorpusError, match=message) as error:
        read_pair_columns(path, "user", "item")
    assert "\n" not in str(error.value)
