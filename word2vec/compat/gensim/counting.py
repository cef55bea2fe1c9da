"""From gensim's corpus arguments to word counts and token ids.

A corpus is an iterable of token lists that can be read several times, or a file of whitespace-separated text, which is
indexed by `word2vec.corpus` and cached.
"""

import logging
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from types import GeneratorType
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from word2vec.compat.gensim.errors import ArgumentError, ArgumentTypeError
from word2vec.corpus import index_corpus

Sentences: TypeAlias = Iterable[Iterable[Any]]
TrimRule: TypeAlias = Callable[[Any, int, int], int]
"""Decides about a word, its count and min_count: 0 applies min_count, 1 discards the word, 2 keeps it."""

MAX_SENTENCE = 10_000  # words; longer sentences are split, because a thread trains whole sentences
APPLY_MIN_COUNT, DISCARD, KEEP = 0, 1, 2

_log = logging.getLogger("word2vec")


class Counts(NamedTuple):
    """The words of a corpus."""

    words: dict[Any, int]  # the number of occurrences of each
    sentences: int

    @property
    def total(self) -> int:
        """The number of words, counting repetitions."""
        return sum(self.words.values())


class TokenIds(NamedTuple):
    """A corpus as rows of the model's tables."""

    tokens: NDArray[np.int32]  # (words,), V for a word outside the vocabulary
    offsets: NDArray[np.int64]  # (sentences + 1,)


def check_corpus(corpus: object, corpus_file: object, passes: int = 1) -> None:
    """Check that exactly one corpus is given, and that it can be read several times if necessary.

    Raises:
        ArgumentTypeError: There is none or there are two, one is not a corpus, or a generator is read several times.
    """
    if (corpus is None) == (corpus_file is None):
        raise ArgumentTypeError(
            f"{'no corpus' if corpus is None else 'two corpora'} given; pass either sentences or corpus_file"
        )
    if corpus_file is not None and not (isinstance(corpus_file, str | PathLike) and Path(corpus_file).is_file()):
        raise ArgumentTypeError(f"corpus_file {corpus_file!r} is not a file; pass the path of a text file")
    if corpus is not None and not isinstance(corpus, Iterable):
        raise ArgumentTypeError(f"the corpus is of type {type(corpus).__name__}; pass an iterable of token lists")
    if isinstance(corpus, GeneratorType) and passes > 1:
        raise ArgumentTypeError(
            "a generator can be read only once, but the corpus is read twice; pass a list, or an object whose __iter__ "
            "starts again"
        )


def count_words(corpus: Sentences | None, corpus_file: str | PathLike[str] | None) -> Counts:
    """Count the words of a corpus.

    Raises:
        ArgumentTypeError: A sentence is not a list of words.
        CorpusError: The file cannot be read.
    """
    if corpus_file is not None:
        indexed = index_corpus([str(corpus_file)])
        vocabulary = indexed.vocabulary(1)
        words = dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True))
        return Counts(words, len(indexed.offsets) - 1)
    counts: Counter[Any] = Counter()
    number = -1
    for number, sentence in _checked(corpus or ()):
        try:
            counts.update(sentence)
        except TypeError as error:
            raise _not_words(number, error) from error
    return Counts(dict(counts), number + 1)


def encode(corpus: Sentences | None, corpus_file: str | PathLike[str] | None, rows: Mapping[Any, int]) -> TokenIds:
    """Convert a corpus to rows of the tables.

    Args:
        corpus: Token lists, or None.
        corpus_file: A file, if there are no token lists.
        rows: The row of each word in the vocabulary.
    """
    if corpus_file is not None:
        indexed = index_corpus([str(corpus_file)])
        row_of = np.array([rows.get(word, len(rows)) for word in indexed.vocabulary(1).words], np.int32)
        return TokenIds(row_of[indexed.tokens], np.asarray(indexed.offsets))
    tokens, offsets, unknown = array("i"), array("q", [0]), len(rows)
    for number, sentence in _checked(corpus or ()):
        try:
            tokens.extend([rows.get(word, unknown) for word in sentence])
        except TypeError as error:
            raise _not_words(number, error) from error
        while offsets[-1] + MAX_SENTENCE < len(tokens):  # gensim drops the rest; here threads share it
            offsets.append(offsets[-1] + MAX_SENTENCE)
        offsets.append(len(tokens))
    return TokenIds(
        np.frombuffer(tokens, np.int32) if tokens else np.zeros(0, np.int32), np.frombuffer(offsets, np.int64)
    )


def select_words(
    counts: Mapping[Any, int], min_count: int, max_words: int | None, rule: TrimRule | None
) -> tuple[dict[Any, int], int]:
    """Choose the vocabulary.

    Args:
        counts: The number of occurrences of each word.
        min_count: Ignore words that occur fewer times than this.
        max_words: Raise `min_count` until at most this many words remain; None for no limit.
        rule: Decides about each word.

    Returns:
        The words and their counts, most frequent first, ties in the order of `counts`; and the `min_count` used.

    Raises:
        ArgumentError: The rule returned something else than 0, 1 or 2.
    """
    if max_words is not None and len(counts) > max_words:
        first_dropped = sorted(counts.values(), reverse=True)[max_words]
        min_count = max(min_count, first_dropped + 1)
    kept = {word: count for word, count in counts.items() if _keep(word, count, min_count, rule)}
    return dict(sorted(kept.items(), key=lambda item: -item[1])), min_count


def _keep(word: Any, count: int, min_count: int, rule: TrimRule | None) -> bool:
    decision = APPLY_MIN_COUNT if rule is None else rule(word, count, min_count)
    if decision not in (APPLY_MIN_COUNT, DISCARD, KEEP):
        raise ArgumentError(
            f"trim_rule returned {decision!r} for {word!r}; return 0 (default), 1 (discard) or 2 (keep)"
        )
    return count >= max(1, min_count) if decision == APPLY_MIN_COUNT else decision == KEEP


def _checked(corpus: Sentences) -> Iterator[tuple[int, Iterable[Any]]]:
    """Yield numbered sentences; warn if one is a string, whose items are characters."""
    warned = False
    for number, sentence in enumerate(corpus):
        if isinstance(sentence, str) and not warned:
            # subtle: gensim's words, because scripts and tests look for them
            _log.warning(
                "Each 'sentences' item should be a list of words (usually unicode strings). Sentence %d is a string, "
                "so its words are characters; split it first",
                number + 1,
            )
            warned = True
        if not isinstance(sentence, Iterable):
            raise _not_words(number, f"it is of type {type(sentence).__name__}")
        yield number, sentence


def _not_words(number: int, reason: object) -> ArgumentTypeError:
    return ArgumentTypeError(
        f"sentence {number + 1} is not a list of words: {reason}; pass lists of strings or integers"
    )
