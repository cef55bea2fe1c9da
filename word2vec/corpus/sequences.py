"""Sequences of tokens from memory: check them, and flatten them to batches of tokens.

A sequence is a list, a tuple or a one-dimensional array of tokens; what else can be iterated, such as a deque or a
pandas Series, is converted. Tokens are checked where they are encoded (token_counts.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import accumulate, chain, islice
from typing import Any

import numpy as np
import numpy.typing as npt

from word2vec.corpus.messages import shorten
from word2vec.errors import CorpusError

BATCH_TOKENS = 1 << 16  # tokens encoded at a time: the cost of a step in Python becomes negligible, memory stays small
# Sequences taken from the caller at a time: few at first, because a generator may create long ones.
FIRST_SEQUENCES, MAX_SEQUENCES = 16, 4096

Tokens = Sequence[Any] | npt.NDArray[Any]
"""Tokens in a list or tuple, or in a one-dimensional array of integers."""


@dataclass(frozen=True)
class Batch:
    """The tokens of consecutive sequences.

    Attributes:
        tokens: (n,) The tokens.
        ends: (sequences,) Positions in `tokens` where a sequence ends; tokens after the last one belong to a sequence
            that continues in the next batch.
        first: The number of the first sequence, from 0.
        unit: What a sequence is called in messages.
    """

    tokens: Tokens
    ends: npt.NDArray[np.int64]
    first: int
    unit: str = "sequence"

    def place(self, position: int) -> str:
        """Return the name of the sequence that contains the token at a position."""
        return f"{self.unit} {self.first + int(np.searchsorted(self.ends, position, side='right'))} (from 0)"


def batches(sequences: Iterable[object], unit: str = "sequence") -> Iterator[Batch]:
    """Flatten sequences of tokens to batches.

    Args:
        sequences: The sequences; consumed once.
        unit: What a sequence is called in messages: "sequence", or "row" of a table.

    Raises:
        CorpusError: One of them is not a sequence of tokens.
    """
    iterator = iter(sequences)
    number, count = 0, FIRST_SEQUENCES
    while items := list(islice(iterator, count)):
        rows: list[Any] = items
        if not {*map(type, items)} <= {list, tuple}:
            rows = [as_tokens(item, f"{unit} {number + place} (from 0)") for place, item in enumerate(items)]
        ends = np.fromiter(accumulate(map(len, rows)), np.int64, len(rows))  # (sequences,)
        size = int(ends[-1])
        if size <= 2 * BATCH_TOKENS:
            yield Batch(_join(rows), ends, number, unit)
        else:
            for place, row in enumerate(rows):
                yield from _parts(row, number + place, unit)
        number += len(rows)
        count = min(MAX_SEQUENCES, max(1, len(rows) * BATCH_TOKENS // max(1, size)))


def _parts(tokens: Tokens, number: int, unit: str) -> Iterator[Batch]:
    """Yield a long sequence in several batches, of which only the last one contains an end."""
    for start in range(0, max(1, len(tokens)), BATCH_TOKENS):
        part = tokens[start : start + BATCH_TOKENS]
        ends = [len(part)] if start + BATCH_TOKENS >= len(tokens) else []
        yield Batch(part, np.array(ends, np.int64), number, unit)


def array_batches(array: npt.NDArray[Any]) -> Iterator[Batch]:
    """Yield batches of the rows of a two-dimensional array of integers, (sequences, length)."""
    step = BATCH_TOKENS // array.shape[1]
    for start in range(0, len(array), step):
        rows = array[start : start + step]
        yield Batch(rows.ravel(), np.arange(1, len(rows) + 1, dtype=np.int64) * array.shape[1], start, "row")


def as_tokens(item: object, place: str) -> Tokens:
    """Return a sequence of tokens as a list, a tuple or an array of integers.

    Args:
        item: What the caller passed as a sequence.
        place: Its name in messages, such as "sequence 3 (from 0)".

    Raises:
        CorpusError: It is not a sequence of tokens.
    """
    if isinstance(item, np.ndarray):
        if item.ndim != 1:
            raise CorpusError(
                f"{place}: is an array of {item.ndim} dimensions, not a sequence of tokens; pass one-dimensional arrays"
            )
        return item if item.dtype.kind in "iu" else item.tolist()
    if isinstance(item, list | tuple):
        return item
    for kinds, problem in _NOT_SEQUENCES.items():
        if isinstance(item, kinds):
            raise CorpusError(f"{place}: {problem.format(shorten(item))}")
    if isinstance(item, Iterable):
        return list(item)
    raise CorpusError(
        f"{place}: is {shorten(item)}, not a sequence of tokens; pass lists of tokens, and leave out missing values"
    )


_NOT_SEQUENCES: dict[tuple[type, ...], str] = {
    (str,): "is the string {}, not a sequence of tokens; split it into tokens, or pass only texts, with a tokenizer",
    (bytes, bytearray, memoryview): "is bytes, not a sequence of tokens; decode it first, with .decode('utf-8')",
    (Mapping,): "is the dictionary {}, not a sequence of tokens; pass column= to choose a value of each",
    (Set,): "is a set, whose order varies between runs; pass sorted(...) of it, and window_mode='full'",
}
"""Types that can be iterated but are not sequences, and what to do."""


def _join(rows: Sequence[Tokens]) -> Tokens:
    """Concatenate tokens: to an array if all of them are arrays, otherwise to a list."""
    kinds = {*map(type, rows)}
    if np.ndarray not in kinds:
        return list(chain.from_iterable(rows))
    if len(kinds) == 1:
        return np.concatenate(list(rows))
    return list(chain.from_iterable(row.tolist() if isinstance(row, np.ndarray) else row for row in rows))


def ends_of_kept(kept: npt.NDArray[np.bool_], ends: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the ends of sequences after some of their tokens are left out.

    Args:
        kept: (n,) Whether each token is kept.
        ends: (sequences,) Where the sequences end among all tokens.
    """
    before = np.zeros(len(kept) + 1, np.int64)
    np.cumsum(kept, out=before[1:])
    return before[ends]
