"""Spelling suggestions for unknown words.

The distance is that of Damerau (1964), "A technique for computer detection and correction of spelling errors":
deletions, insertions and substitutions of letters, and transpositions of neighboring ones. rapidfuzz compares a word
with a million others in a fraction of a second.
"""

from collections.abc import Container, Sequence

from word2vec.errors import UnknownWordError

_MIN_SIMILARITY = 0.58  # one minus distance / length: two of five letters may differ; below it suggestions look random
_MAX_LETTERS = 64  # longer strings are not typos, and comparing them would be slow


def unknown_word(word: str, words: Sequence[str], known: Container[str]) -> UnknownWordError:
    """Return the error for a word without a vector, with suggestions in its message.

    Args:
        word: The unknown word.
        words: The vocabulary, most frequent words first.
        known: The vocabulary as a set or dict, for fast lookup.
    """
    other_cases = (word.lower(), word.capitalize(), word.upper(), word.title())
    other = next((form for form in other_cases if form in known), None)
    if other is not None:
        return UnknownWordError(f"{word!r} has no vector, but {other!r} does; words are case-sensitive")
    suggestions = similar_spellings(word, words)
    if not suggestions:
        return UnknownWordError(f"{word!r} has no vector, and no known word has a similar spelling")
    return UnknownWordError(f"{word!r} has no vector; similar spellings: {', '.join(suggestions)}")


def similar_spellings(word: str, words: Sequence[str], n: int = 3) -> list[str]:
    """Return up to `n` words with the most similar spelling, closest first; ties keep the order of `words`."""
    if len(word) > _MAX_LETTERS:
        return []
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    # sorted by similarity, ties by position
    matches = process.extract(word, words, scorer=OSA.normalized_similarity, limit=n, score_cutoff=_MIN_SIMILARITY)
    return [str(match) for match, _, _ in matches]
