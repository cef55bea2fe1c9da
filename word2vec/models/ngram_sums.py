"""Compiled sums over the n-grams of words; see ngram_index.py.

numpy computes the same, but with arrays as long as the list of all n-grams, which takes gigabytes for large
vocabularies. `starts`, (V + 1,), and `rows`, (N,), are those of `NgramIndex`.
"""

import numpy as np
import numpy.typing as npt

from word2vec.system.jit import compiled


@compiled
def add_to_rows(
    starts: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int32],
    of_words: npt.NDArray[np.float64],
    of_rows: npt.NDArray[np.float64],
) -> None:
    """Add the number of each word (V,) to the rows (G,) of its n-grams, in place."""
    for word in range(len(of_words)):
        for place in range(starts[word], starts[word + 1]):
            of_rows[rows[place]] += of_words[word]


@compiled
def add_to_words(
    starts: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int32],
    of_rows: npt.NDArray[np.float64],
    of_words: npt.NDArray[np.float64],
) -> None:
    """Add the numbers of the rows (G,) of its n-grams to each word (V,), in place."""
    for word in range(len(of_words)):
        for place in range(starts[word], starts[word + 1]):
            of_words[word] += of_rows[rows[place]]


@compiled
def add_squared_uses(
    starts: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int32],
    uses: npt.NDArray[np.int32],
    frozen: npt.NDArray[np.bool_],
    of_words: npt.NDArray[np.float64],
) -> None:
    """Add the square of the number of uses of each row that is not frozen in a word to the word (V,), in place.

    Args:
        starts: See above.
        rows: See above.
        uses: (G,) zeros; working memory.
        frozen: (G,).
        of_words: (V,) output.
    """
    for word in range(len(of_words)):
        for place in range(starts[word], starts[word + 1]):
            if not frozen[rows[place]]:
                of_words[word] += 2 * uses[rows[place]] + 1  # (c + 1)^2 - c^2
            uses[rows[place]] += 1
        for place in range(starts[word], starts[word + 1]):
            uses[rows[place]] = 0
