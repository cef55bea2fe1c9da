"""Looking up the words of a test set in a vocabulary, whose upper and lower case may differ from those of the set."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, get_args

from word2vec.errors import ConfigError

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
