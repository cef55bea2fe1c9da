"""Distinct strings with their counts and ids, in a dictionary that C code looks tokens up in."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

from word2vec.corpus.messages import shorten
from word2vec.corpus.reader import MAX_WORD_BYTES
from word2vec.corpus.sequences import Batch, ends_of_kept
from word2vec.corpus.storable import storage_problem
from word2vec.errors import CorpusError

# What files of vectors cannot store (storable.py), in a text in which a newline follows each string.
SUSPICIOUS = re.compile("[\t\r\v\f\ud800-\udfff]|\n | \n|\\A ")


class DistinctStrings:
    """The distinct strings found so far, with their counts.

    Args:
        lowercase: Whether to lowercase tokens.

    Attributes:
        empty_tokens: The number of empty strings, which are left out.
        long_words: The number of tokens that were left out because they are longer than MAX_WORD_BYTES.
    """

    def __init__(self, lowercase: bool) -> None:
        self._lowercase = lowercase
        self._ids: defaultdict[str, int] = defaultdict()
        self._ids.default_factory = self._ids.__len__
        self._counts = np.zeros(1 << 10, np.int64)  # (capacity,) by id
        self._left_out: list[int] = []  # ids
        self.empty_tokens = self.long_words = 0

    def encode(self, batch: Batch) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Count the tokens of a batch, all of them of the type str.

        Returns:
            The ids of the tokens that are kept, and the number of ids before the end of each sequence.

        Raises:
            CorpusError: A token cannot be stored.
        """
        known, ends = len(self._ids), batch.ends
        tokens: Iterable[str] = map(str.lower, batch.tokens) if self._lowercase else batch.tokens
        ids = np.fromiter(map(self._ids.__getitem__, tokens), np.int32, len(batch.tokens))
        if len(self._ids) > known:
            new = list(islice(reversed(self._ids), len(self._ids) - known))
            _check_storable(batch, new)
            self._leave_out(new)
        if len(self._ids) > len(self._counts):
            self._counts.resize(2 * len(self._ids), refcheck=False)
        if self._left_out:
            kept = np.isin(ids, self._left_out, invert=True)
            empty = int(np.count_nonzero(ids == self._ids[""])) if "" in self._ids else 0
            self.empty_tokens += empty
            self.long_words += int(np.count_nonzero(~kept)) - empty
            ids, ends = ids[kept], ends_of_kept(kept, ends)
        np.add.at(self._counts, ids, 1)
        return ids, ends

    def words(self) -> list[str]:
        """Return the strings in the order of their ids."""
        return list(self._ids)

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """(ids,) How often each string occurred; 0 for those that are left out."""
        return self._counts[: len(self._ids)]

    def _leave_out(self, new: Sequence[str]) -> None:
        """Note which of the strings that occur for the first time are empty or too long."""
        if min(map(len, new)) == 0 or 4 * max(map(len, new)) > MAX_WORD_BYTES:
            self._left_out += [self._ids[token] for token in new if not token or len(token.encode()) > MAX_WORD_BYTES]


def _check_storable(batch: Batch, new: Sequence[str]) -> None:
    """Check that files can store strings that occur for the first time in a batch.

    Raises:
        CorpusError: One of them cannot be stored.
    """
    joined = "\n".join([*new, ""])
    if joined.count("\n") == len(new) and not SUSPICIOUS.search(joined):
        return
    for position, token in enumerate(batch.tokens):
        if problem := storage_problem(token):
            raise CorpusError(f"{batch.place(position)}: the token {shorten(token)} {problem}")
