"""Explicit pairs in memory: columns of inputs and targets as ids of two vocabularies.

Inputs and targets are strings or whole numbers; the "word" of a number is its decimal string. Each vocabulary is
ordered by frequency, as that of a text.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from word2vec.corpus.messages import shorten
from word2vec.corpus.storable import UNSTORABLE, storage_problem
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.errors import CorpusError


@dataclass(frozen=True)
class PairCorpus:
    """Pairs to train.

    Attributes:
        inputs: (P,) int32 ids of the inputs.
        targets: (P,) int32 ids of the targets.
        weights: (P,) float64 sampling weights, or None.
        input_vocabulary: The inputs with the numbers of their pairs, most frequent first.
        target_vocabulary: The targets with the numbers of their pairs, most frequent first.
        fingerprint: A digest of all of these.
        warnings: Irregularities of the pairs, one line each.
    """

    inputs: npt.NDArray[np.int32]
    targets: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float64] | None
    input_vocabulary: Vocabulary
    target_vocabulary: Vocabulary
    fingerprint: str
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class _Column:
    """A column as codes of its distinct names."""

    codes: npt.NDArray[np.int64]  # (P,)
    names: npt.NDArray[np.object_]  # (distinct,) str


def make_pair_corpus(
    inputs: Iterable[Any],
    targets: Iterable[Any],
    weights: Iterable[Any] | None = None,
    *,
    min_count: int = 1,
    max_vocab: int | None = None,
    shared_vocabulary: bool = False,
) -> PairCorpus:
    """Turn columns of inputs and targets into pairs of ids.

    Args:
        inputs: Strings or whole numbers, one per pair: a list, an array, or a column of a data frame.
        targets: The same for the targets.
        weights: Positive sampling weights, or None.
        min_count: Ignore the pairs of inputs and of targets that occur in fewer pairs than this.
        max_vocab: Maximum number of inputs and of targets; the most frequent ones are kept.
        shared_vocabulary: Whether inputs and targets are the same things, such as the nodes of a graph: then both
            tables have a row for each, in the same order.

    Raises:
        CorpusError: The columns have different lengths, missing or invalid values, or too few distinct targets.
    """
    columns = _column("inputs", inputs), _column("targets", targets)
    size = len(columns[0].codes)
    if size != len(columns[1].codes):
        raise CorpusError(f"got {size} inputs but {len(columns[1].codes)} targets; pass one target for each input")
    if not size:
        raise CorpusError("there are no pairs to train; pass at least one input and its target")
    given = None if weights is None else _weights(weights, size)
    if shared_vocabulary:
        columns = _share(columns)
    kept = _frequent(columns, min_count, max_vocab, shared_vocabulary)  # (P,) bool
    codes = [column.codes[kept] for column in columns]
    given = None if given is None else given[kept]
    if not len(codes[0]):
        raise CorpusError(f"no pair is left with min_count {min_count}; lower it, or pass more pairs")
    joint = np.concatenate(codes) if shared_vocabulary else None
    (input_ids, input_words), (target_ids, target_words) = (
        _index(column, code, joint) for column, code in zip(columns, codes, strict=True)
    )
    if len(np.unique(target_ids)) < 2:
        raise CorpusError(
            f"there is only one target, {target_words.words[target_ids[0]]!r}, but training needs a second one as "
            "noise; pass more pairs, or lower min_count"
        )
    dropped = size - len(input_ids)
    warnings = (f"{dropped:,} of {size:,} pairs are ignored: min_count or max_vocab excludes them",) if dropped else ()
    fingerprint = _fingerprint(input_ids, target_ids, given, input_words, target_words)
    return PairCorpus(input_ids, target_ids, given, input_words, target_words, fingerprint, warnings)


def column_names(name: str, values: Iterable[Any]) -> list[str]:
    """Return the values of a column as they are in a vocabulary; `name` is for error messages.

    Raises:
        CorpusError: A value is missing or invalid.
    """
    column = _column(name, values)
    return [str(text) for text in column.names[column.codes]]


def _column(name: str, values: Iterable[Any]) -> _Column:
    """Check a column and replace its values by codes; `name` is for error messages."""
    import pandas as pd

    array = _as_array(name, values)
    if array.dtype.kind == "O":
        array = _as_one_type(name, array)
    elif array.dtype.kind in "UT":
        array = array.astype(object)
    elif array.dtype.kind not in "iu":
        missing = np.flatnonzero(np.isnan(array)) if array.dtype.kind == "f" else np.empty(0)
        if len(missing):
            raise _missing(name, int(missing[0]))
        raise CorpusError(f"{name} must be strings or whole numbers, not {array.dtype}; convert them to strings")
    codes, distinct = pd.factorize(array)
    names = np.array([str(value) for value in distinct.tolist()], dtype=object)
    for code, text in enumerate(names):
        if not text or UNSTORABLE.search(text):
            problem = storage_problem(text) or "is empty; give it a name, or remove that pair"
            raise CorpusError(f"{name}: {shorten(text)} at position {int(np.argmax(codes == code))} {problem}")
    return _Column(np.asarray(codes, np.int64), names)


def _as_array(name: str, values: Iterable[Any]) -> npt.NDArray[Any]:
    """Return a column as a one-dimensional array."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise CorpusError(
            f"{name} must be a list, an array or a column, not {type(values).__name__}; pass one per pair"
        )
    if hasattr(values, "__array__"):
        array = np.asarray(values)
    else:
        listed = list(values)
        array = np.fromiter(listed, dtype=object, count=len(listed))
    if array.ndim != 1:
        raise CorpusError(f"{name} must have one dimension, not the shape {array.shape}; pass one value per pair")
    return array


def _as_one_type(name: str, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Check that all objects of an array are strings, or all are whole numbers."""
    import pandas as pd

    missing = np.flatnonzero(pd.isna(array)) if len(array) else np.empty(0)
    if len(missing):
        raise _missing(name, int(missing[0]))
    kind = pd.api.types.infer_dtype(array, skipna=False)
    if kind in ("string", "empty"):
        return array
    if kind == "integer":
        try:
            return array.astype(np.int64)
        except OverflowError:
            raise CorpusError(f"{name}: a number is outside of 64 bits; convert the numbers to strings") from None
    types = sorted({type(value).__name__ for value in array})
    raise CorpusError(
        f"{name} must be all strings or all whole numbers, not {', '.join(types)}; convert them to strings"
    )


def _missing(name: str, place: int) -> CorpusError:
    return CorpusError(f"{name}: the value at position {place} is missing (None or NaN); remove that pair")


def _weights(values: Iterable[Any], size: int) -> npt.NDArray[np.float64]:
    """Check the weights."""
    try:
        weights = np.asarray(values if hasattr(values, "__array__") else list(values), dtype=np.float64)
    except (TypeError, ValueError):
        raise CorpusError("weights must be numbers; pass one number per pair") from None
    if weights.shape != (size,):
        raise CorpusError(f"got {size} pairs but weights of the shape {weights.shape}; pass one weight per pair")
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights > 0)))
    if len(wrong):
        raise CorpusError(
            f"weights: {weights[wrong[0]]} at position {wrong[0]} is not a positive number; remove that pair, or "
            "give it a positive weight"
        )
    return weights


def _share(columns: tuple[_Column, _Column]) -> tuple[_Column, _Column]:
    """Give two columns the same codes."""
    import pandas as pd

    codes, names = pd.factorize(np.concatenate([column.names for column in columns]))
    first = len(columns[0].names)
    left, right = codes[:first][columns[0].codes], codes[first:][columns[1].codes]
    return _Column(left, np.asarray(names)), _Column(right, np.asarray(names))


def _frequent(
    columns: tuple[_Column, _Column], min_count: int, max_vocab: int | None, shared: bool
) -> npt.NDArray[np.bool_]:
    """Return which pairs have a frequent input and a frequent target, (P,)."""
    counts = [np.bincount(column.codes, minlength=len(column.names)) for column in columns]
    if shared:
        counts = [counts[0] + counts[1]] * 2
    kept = np.ones(len(columns[0].codes), dtype=bool)
    for column, count in zip(columns, counts, strict=True):
        frequent = count >= min_count
        if max_vocab is not None:
            frequent[_by_frequency(column, count)[max_vocab:]] = False
        kept &= frequent[column.codes]
    return kept


def _by_frequency(column: _Column, counts: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Return the codes of a column, most frequent first, names of equal count in alphabetical order."""
    by_name = np.argsort(column.names, kind="stable")
    return np.asarray(by_name[np.argsort(-counts[by_name], kind="stable")], np.int64)


def _index(
    column: _Column, codes: npt.NDArray[np.int64], joint: npt.NDArray[np.int64] | None
) -> tuple[npt.NDArray[np.int32], Vocabulary]:
    """Return the ids of the pairs that are left, and the vocabulary; `joint` are the codes of a shared vocabulary."""
    counts = np.bincount(codes if joint is None else joint, minlength=len(column.names))
    order = _by_frequency(column, counts)[: int(np.count_nonzero(counts))]
    ids = np.zeros(len(counts), np.int32)
    ids[order] = np.arange(len(order))
    return ids[codes], Vocabulary(column.names[order].tolist(), counts[order])


def _fingerprint(
    inputs: npt.NDArray[np.int32],
    targets: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float64] | None,
    *vocabularies: Vocabulary,
) -> str:
    digest = hashlib.sha256(b"" if weights is None else weights.tobytes())
    for ids, vocabulary in zip((inputs, targets), vocabularies, strict=True):
        digest.update(ids.tobytes())
        digest.update("\n".join(vocabulary.words).encode())
    return digest.hexdigest()[:32]
