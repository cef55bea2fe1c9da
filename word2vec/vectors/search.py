"""Questions as people type them, and answers: the best words, as notebooks show them.

A question is a word or a sum of words, `king - man + woman`. The scores of its answers come from `WordVectors.nearest`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import Word2VecError


class Neighbors(list[tuple[str, float]]):
    """Words and their scores, the highest first: a list of tuples that a notebook shows as a table.

    Attributes:
        measure: what the scores are.
    """

    measure: str = "cosine"

    def _repr_html_(self) -> str:
        import pandas as pd

        frame = pd.DataFrame(self, columns=["word", self.measure], index=range(1, len(self) + 1))
        return str(frame.to_html(float_format="{:.3f}".format))


def best(words: list[str], scores: NDArray[np.floating[Any]], asked: Sequence[int], n: int) -> Neighbors:
    """The words with the highest scores, those asked for left out; of equals, those that come first.

    Args:
        words: all words.
        scores: (R,) those of the first words; overwritten where a word is left out.
        asked: rows of the words asked for.
        n: how many answers, at most.

    Raises:
        Word2VecError: `n` is below 1.
    """
    if n < 1:
        raise Word2VecError(f"n is {n}; it has to be 1 or more")
    left_out = [row for row in set(asked) if row < len(scores)]
    scores[left_out] = -np.inf
    n = min(n, len(scores) - len(left_out))
    if n == 0:
        return Neighbors()
    # subtle: a partition alone would cut through equal scores at random, so take all that reach the n-th score
    reached = np.flatnonzero(scores >= np.partition(scores, -n)[-n])  # in the order of the vocabulary
    rows = reached[np.argsort(-scores[reached], kind="stable")][:n]  # (n,)
    return Neighbors((words[row], float(scores[row])) for row in rows)
