"""Looking up the words of a test set in a vocabulary, whose upper and lower case may differ from those of the set."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import ConfigError
from word2vec.vectors.word_vectors import WordVectors

CaseRule = Literal["exact", "exact-then-lower", "gensim"]
"""How upper and lower case are treated.

- "exact": a word is looked up as written.
- "exact-then-lower": as written, then in lowercase.
- "gensim": case is ignored; of several spellings in the vocabulary, the first, most frequent one counts.
"""


def find_rows(
    words: Sequence[str], asked: Iterable[str], case: CaseRule, restrict: int | None = None
) -> dict[str, int]:
    """Return the row of each word of a test set, -1 if it is unknown.

    Args:
        words: The vocabulary, most frequent words first.
        asked: The words of the test set; repetitions are ignored.
        case: How upper and lower case are treated.
        restrict: Use only this many most frequent words; None for all.

    Raises:
        ConfigError: There is no such rule.
    """
    if case not in get_args(CaseRule):
        raise ConfigError(f"unknown treatment of case {case!r}; choose one of: {', '.join(get_args(CaseRule))}")
    folded = case == "gensim"
    fold: Callable[[str], str] = str.upper if folded else str  # upper() is how gensim ignores case
    rows: dict[str, int] = {}
    for row, word in enumerate(words[:restrict]):
        rows.setdefault(fold(word), row)
    lower = case == "exact-then-lower"
    return {word: rows.get(fold(word), rows.get(word.lower(), -1) if lower else -1) for word in asked}


def vectors_from_ngrams(vectors: WordVectors, words: Iterable[str], case: CaseRule) -> dict[str, NDArray[np.float32]]:
    """Return the vectors of unknown words that n-grams provide, scaled to length one; in lowercase unless exact."""
    spelled = {word: word if case == "exact" else word.lower() for word in words}
    found = vectors.from_ngrams(spelled.values())
    lengths = {form: np.linalg.norm(vector.astype(np.float64)) for form, vector in found.items()}
    return {word: (found[form] / lengths[form]).astype(np.float32) for word, form in spelled.items() if form in found}


def find_vectors(
    vectors: WordVectors, asked: Iterable[str], case: CaseRule
) -> tuple[dict[str, NDArray[np.float32]], tuple[str, ...]]:
    """Return the vectors of length one, (D,) each, of the words of a test set that have one.

    A word of several parts, such as "New York", is also looked up with underscores, and words outside the vocabulary
    get a vector from their n-grams if the model has them.

    Returns:
        The vectors by word, in the order asked, and the words whose vectors come from n-grams.
    """
    asked = list(dict.fromkeys(asked))
    joined = {word: "_".join(word.split()) for word in asked}
    rows = find_rows(vectors.words, [*asked, *joined.values()], case)
    place = {word: rows[word] if rows[word] >= 0 else rows[joined[word]] for word in asked}
    computed = vectors_from_ngrams(vectors, [word for word, row in place.items() if row < 0], case)
    found = {
        word: vectors.unit[row] if row >= 0 else computed[word]
        for word, row in place.items()
        if row >= 0 or word in computed
    }
    return found, tuple(computed)
