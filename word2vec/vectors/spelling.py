"""The words that someone who typed an unknown one may have meant.

Distances are those of Damerau (1964), "A technique for computer detection and correction of spelling errors": letters
left out, put in, changed, or swapped with their neighbor. rapidfuzz compares a million words in a fraction
of a second.
"""

from collections.abc import Container, Sequence

from word2vec.errors import UnknownWordError

_ALIKE = 0.58  # the least share of letters in common: of five, two may differ; below it suggestions look random
_LONGEST = 64  # letters; nothing longer is a word that someone mistyped, and comparing it would take long


def unknown_word(word: str, words: Sequence[str], known: Container[str]) -> UnknownWordError:
    """The error for a word without a vector; its message says which words may have been meant.

    Args:
        word: the unknown one.
        words: those that are known, most frequent first.
        known: the same, for look-up.
    """
    forms = (word.lower(), word.capitalize(), word.upper(), word.title())
    other = next((form for form in forms if form in known), None)
    if other is not None:
        return UnknownWordError(f"{word!r} has no vector, but {other!r} has; upper and lower case differ")
    meant = spellings(word, words)
    if not meant:
        return UnknownWordError(f"{word!r} has no vector, and no word is spelt like it")
    return UnknownWordError(f"{word!r} has no vector; the nearest spellings are: {', '.join(meant)}")


def spellings(word: str, known: Sequence[str], n: int = 3) -> list[str]:
    """The known words spelt most like a word, the nearest first; of equally near ones those that come first."""
    if len(word) > _LONGEST:
        return []
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    # it sorts by likeness and, among equals, by place
    found = process.extract(word, known, scorer=OSA.normalized_similarity, limit=n, score_cutoff=_ALIKE)
    return [str(other) for other, _, _ in found]
