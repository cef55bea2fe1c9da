"""Read pairs from the columns of a table: .csv, .tsv, .jsonl or .parquet, plain or compressed.

Fields of .csv and .tsv files are strings, so an id such as 007 keeps its zeros; only an empty field is a missing value.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from word2vec.corpus.columns import table_suffix
from word2vec.corpus.containers import names_of
from word2vec.corpus.messages import reason_of
from word2vec.corpus.pair_corpus import column_names
from word2vec.errors import CorpusError

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = {".csv": ",", ".tsv": "\t"}


def read_pair_columns(
    path: Path, input_column: str, target_column: str, weight_column: str | None = None
) -> tuple["pd.Series[Any]", "pd.Series[Any]", "pd.Series[Any] | None"]:
    """Read the columns of inputs, targets and weights.

    Args:
        path: The file.
        input_column: Name of the column of inputs.
        target_column: Name of the column of targets.
        weight_column: Name of the column of weights; None if there is none.

    Returns:
        The columns; None for the weights without a weight column.

    Raises:
        CorpusError: The file cannot be read, or a column is missing.
    """
    wanted = [input_column, target_column, *([] if weight_column is None else [weight_column])]
    if not path.is_file():
        raise CorpusError(f"{path}: no such file; pass a .csv, .tsv, .jsonl or .parquet file")
    try:
        frame = _read(path, wanted)
    except CorpusError:
        raise
    except (OSError, EOFError, ValueError, LookupError) as error:  # parser and decompression errors are among them
        raise CorpusError(f"{path}: cannot be read as a table ({reason_of(error)}); write it again") from error
    _check_columns(path, wanted, frame.columns)
    weights = None if weight_column is None else frame[weight_column]
    return frame[input_column], frame[target_column], weights


def make_pair_columns(path: Path, input_column: str, target_column: str) -> tuple[list[str], list[str]]:
    """Read the inputs and targets of pairs as strings, with the same checks as for training.

    Raises:
        CorpusError: The file cannot be read, or a value is missing or invalid.
    """
    inputs, targets, _ = read_pair_columns(path, input_column, target_column)
    return column_names("inputs", inputs), column_names("targets", targets)


def _check_columns(path: Path, wanted: list[str], columns: "pd.Index[Any]") -> None:
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise CorpusError(f"{path}: has no column {missing[0]!r}; the columns are: {names_of(columns)}")


def _read(path: Path, wanted: list[str]) -> "pd.DataFrame":
    import pandas as pd

    kind = table_suffix(path)
    if kind in SEPARATORS:
        options: dict[str, Any] = {"sep": SEPARATORS[kind], "encoding": "utf-8-sig", "dtype": str}
        _check_columns(path, wanted, pd.read_csv(path, nrows=0, **options).columns)
        # all columns, because with some of them pandas would not notice rows with too many fields
        frame: pd.DataFrame = pd.read_csv(path, keep_default_na=False, na_values=[""], **options)
        if not isinstance(frame.index, pd.RangeIndex):  # pandas took the first fields for names of rows
            raise CorpusError(f"{path}: rows have more fields than the header; quote fields that contain separators")
        return frame
    if kind in (".jsonl", ".ndjson"):
        return pd.read_json(path, lines=True, dtype=False)
    if kind == ".parquet":
        try:
            return pd.read_parquet(path)
        except ImportError:
            raise CorpusError(
                f"{path}: reading parquet files needs pyarrow; install it with pip install 'word2vec-fused[parquet]'"
            ) from None
    raise CorpusError(f"{path}: unknown kind of table; pass a .csv, .tsv, .jsonl or .parquet file, plain or compressed")
