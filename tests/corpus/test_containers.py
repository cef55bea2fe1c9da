"""Tables and columns in memory of pandas, polars, pyarrow and Hugging Face datasets."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from tests.corpus.test_opening import decoded, message
from word2vec.corpus import containers, open_corpus

TEXTS = ["the cat", "on the", "mat"]
LISTS = [["The Matrix", "Alien"], ["Alien"], []]
EXPECTED = [["the", "cat"], ["on", "the"], ["mat"]]


def polars_frame(values: list[Any]) -> Any:
    return pytest.importorskip("polars").DataFrame({"other": range(len(values)), "text": values})


def arrow_table(values: list[Any]) -> Any:
    arrow = pytest.importorskip("pyarrow")
    half = arrow.table({"other": range(len(values)), "text": values})
    return arrow.concat_tables([half[:1], half[1:]])


def dataset(values: list[Any]) -> Any:
    return pytest.importorskip("datasets").Dataset.from_dict({"other": list(range(len(values))), "text": values})


TABLES: dict[str, Callable[[list[Any]], Any]] = {
    "pandas": lambda values: pd.DataFrame({"other": range(len(values)), "text": values}),
    "polars": polars_frame,
    "pyarrow": arrow_table,
    "record batch": lambda values: arrow_table(values).combine_chunks().to_batches()[0],
    "datasets": dataset,
    "streamed dataset": lambda values: dataset(values).to_iterable_dataset(),
}
COLUMNS: dict[str, Callable[[list[Any]], Any]] = {
    "pandas": lambda values: TABLES["pandas"](values)["text"],
    "polars": lambda values: polars_frame(values)["text"],
    "pyarrow": lambda values: arrow_table(values)["text"],
    "arrow array": lambda values: arrow_table(values)["text"].chunk(1),
    "datasets": lambda values: dataset(values)["text"],
}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "CHUNK_ROWS", 2)


@pytest.mark.parametrize("kind", TABLES)
def test_tables(kind: str) -> None:
    assert decoded(open_corpus(TABLES[kind](TEXTS), column="text", tokenizer="whitespace")) == EXPECTED
    assert decoded(open_corpus(TABLES[kind](LISTS), column="text")) == LISTS[:2]
    assert "choose the column to train on with column=, one of: other, text" in message(TABLES[kind](TEXTS))
    assert "no column 'txt'; choose one of: other, text" in message(TABLES[kind](TEXTS), column="txt")
    assert "row 0 (from 0): is 0, not a sequence" in message(TABLES[kind](TEXTS), column="other")
    missing = message(TABLES[kind](["a", None, "b"]), column="text", tokenizer="whitespace")
    assert missing.startswith("row 1 (from 0): is a missing value")


@pytest.mark.parametrize("kind", COLUMNS)
def test_columns(kind: str) -> None:
    source = COLUMNS[kind](TEXTS)
    expected = EXPECTED[1:] if kind == "arrow array" else EXPECTED
    assert decoded(open_corpus(source, tokenizer="whitespace")) == expected
    assert "pass tokenizer='whitespace'" in message(COLUMNS[kind](TEXTS))


def test_integers_in_lists() -> None:
    walks = [[7, 12], [7]]
    for make in (polars_frame, arrow_table):
        assert decoded(open_corpus(make(walks), column="text")) == [["7", "12"], ["7"]]


def test_what_has_to_be_chosen_first() -> None:
    polars = pytest.importorskip("polars")
    assert "LazyFrame; read it first, with .collect()" in message(polars.LazyFrame({"a": ["b"]}), column="a")
    frame = pd.DataFrame({"a": ["b"]})

    class Frame(pd.DataFrame):
        """A subclass, as geopandas has."""

    assert decoded(open_corpus(Frame({"a": ["b c"]}), column="a", tokenizer="whitespace")) == [["b", "c"]]
    assert "the corpus is a table" in message(frame)


def test_columns_of_a_data_set_of_several_splits() -> None:
    datasets = pytest.importorskip("datasets")
    splits = datasets.DatasetDict({"train": dataset(TEXTS), "test": dataset(TEXTS)})
    assert "several data sets; choose one of: train, test" in message(splits, column="text")
