"""Distinct integers with their counts and ids, in a compiled hash table (integer_kernels.py)."""

import numpy as np
import numpy.typing as npt

from word2vec.corpus.integer_kernels import ENTRIES, ID, KEY, POSITION, STATE_SIZE, encode_integers, rehash_integers
from word2vec.corpus.messages import shorten
from word2vec.corpus.sequences import Batch, ends_of_kept
from word2vec.corpus.word_kernels import ONE, slot_shift
from word2vec.errors import CorpusError

FIRST_CAPACITY = 1 << 12  # entries; at most half of them are taken
MAX_INTEGER = 2**63 - 2  # one less than the largest int64, because a key is the number plus 1


class DistinctIntegers:
    """The distinct integers found so far, with their counts.

    Args:
        padding: A number that marks unused places and is not a token.
    """

    def __init__(self, padding: int | None) -> None:
        self._padding = padding
        self._entries = np.zeros((FIRST_CAPACITY, 2), np.uint64)  # (capacity, 2) KEY, ID
        self._counts = np.zeros(FIRST_CAPACITY, np.int64)  # (capacity,) by id
        self._state = np.zeros(STATE_SIZE, np.uint64)

    def encode(self, batch: Batch) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Count the tokens of a batch, all of them integers.

        Returns:
            The ids of the tokens that are kept, and the number of ids before the end of each sequence.

        Raises:
            CorpusError: A number is negative or too large.
        """
        numbers, ends = _as_int64(batch), batch.ends
        if self._padding is not None:
            kept = numbers != self._padding
            numbers, ends = numbers[kept], ends_of_kept(kept, ends)
        if len(numbers) and numbers.min() < 0:
            first = next(at for at, number in enumerate(batch.tokens) if number < 0 and number != self._padding)
            raise CorpusError(
                f"{batch.place(first)}: the token {shorten(batch.tokens[first])} is negative; if it marks unused "
                "places, pass padding=, otherwise convert the tokens to strings"
            )
        ids = np.empty(len(numbers), np.int32)
        self._state[POSITION] = 0
        while True:
            shift, room = slot_shift(self._entries), np.uint64(len(self._entries) // 2)
            encode_integers(numbers, ids, self._entries, self._counts, self._state, shift, room)
            if self._state[POSITION] == len(numbers):
                return ids, ends
            self._grow()

    def words(self) -> list[str]:
        """Return the numbers as strings, in the order of their ids."""
        used = self._entries[self._entries[:, KEY] != 0]  # (ids, 2)
        return list(map(str, (used[np.argsort(used[:, ID]), KEY] - ONE).tolist()))

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """(ids,) How often each number occurred."""
        return self._counts[: int(self._state[ENTRIES])]

    def _grow(self) -> None:
        entries = np.zeros((4 * len(self._entries), 2), np.uint64)
        rehash_integers(self._entries, entries, slot_shift(entries))
        self._entries = entries
        self._counts.resize(len(entries), refcheck=False)


def _as_int64(batch: Batch) -> npt.NDArray[np.int64]:
    """Return integers as an array of int64.

    Raises:
        CorpusError: One of them is too large.
    """
    tokens = batch.tokens
    try:
        if isinstance(tokens, np.ndarray) and tokens.dtype != np.uint64:
            numbers = tokens.astype(np.int64, copy=False)
        else:
            numbers = np.array(list(tokens), np.int64)
        if not len(numbers) or numbers.max() <= MAX_INTEGER:
            return numbers
    except OverflowError:
        pass
    first = next(at for at, number in enumerate(tokens) if not -MAX_INTEGER <= int(number) <= MAX_INTEGER)
    raise CorpusError(
        f"{batch.place(first)}: the token {shorten(tokens[first])} does not fit into 64 bits; convert the tokens to "
        "strings"
    )
