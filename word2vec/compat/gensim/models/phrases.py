"""`Phrases` and `FrozenPhrases`: gensim's interface to frequent phrases.

Words and pairs are counted by the compiled pass of `corpus/phrase_counts.py`; the counts and scores are gensim's. Files
are JSON, and nothing is pickled.
"""

import inspect
import math
from abc import ABC, abstractmethod
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from os import PathLike
from typing import Any

import numpy as np

from word2vec.compat.gensim import phrase_files
from word2vec.compat.gensim.errors import ArgumentError
from word2vec.corpus.phrases import ENGLISH, joined_words

ENGLISH_CONNECTOR_WORDS = frozenset(ENGLISH)
NEVER = float("-inf")  # the score of words that are no phrase

Scorer = Callable[..., float]


def original_scorer(
    worda_count: int,
    wordb_count: int,
    bigram_count: int,
    len_vocab: int,
    min_count: int,
    corpus_word_count: int,  # noqa: ARG001 (of the interface)
) -> float:
    """Return the score of word2vec.c, (n_ab - min_count) / (n_a n_b) V."""
    if not worda_count or not wordb_count:
        return NEVER
    return (bigram_count - min_count) / float(worda_count * wordb_count) * len_vocab


def npmi_scorer(
    worda_count: int,
    wordb_count: int,
    bigram_count: int,
    len_vocab: int,  # noqa: ARG001 (of the interface)
    min_count: int,
    corpus_word_count: int,
) -> float:
    """Return the normalized pointwise mutual information, between -1 and 1."""
    if bigram_count < min_count or not worda_count or not wordb_count or not bigram_count:
        return NEVER
    pair = bigram_count / corpus_word_count
    chance = worda_count / corpus_word_count * (wordb_count / corpus_word_count)
    return math.log(pair / chance) / -math.log(pair)


SCORERS: dict[str, Scorer] = {"default": original_scorer, "npmi": npmi_scorer}
PARAMETERS = set(inspect.signature(original_scorer).parameters)


class PhrasesTransformation(ABC):
    """Joins the phrases of sentences.

    Args:
        connector_words: Words that may be inside a phrase, but not begin or end one.
    """

    def __init__(self, connector_words: Iterable[str]) -> None:
        self.connector_words = frozenset(connector_words)

    @abstractmethod
    def score_candidate(self, word_a: str, word_b: str, in_between: list[str]) -> tuple[str | None, float | None]:
        """Return a phrase and its score; two times None if the words are no phrase."""

    def analyze_sentence(self, sentence: Iterable[str]) -> Iterator[tuple[str, float | None]]:
        """Yield the phrases of a sentence with their scores, and its other words with None."""

        def candidate(words: tuple[str, ...]) -> tuple[str, float] | None:
            phrase, score = self.score_candidate(words[0], words[-1], list(words[1:-1]))
            return None if phrase is None or score is None else (phrase, score)

        for words, found in joined_words(sentence, self.connector_words, candidate):
            yield found or (words[0], None)

    def __getitem__(self, sentence: Iterable[Any]) -> Any:
        """Return a sentence, or an iterable of sentences, with joined phrases."""
        items = iter(sentence)
        first = list(islice(items, 1))
        if not first or isinstance(first[0], str):
            return [token for token, _ in self.analyze_sentence(chain(first, items))]
        # subtle: an iterator can be read only once, and its first item is gone
        return _Transformed(self, chain(first, items) if items is sentence else sentence)

    def find_phrases(self, sentences: Iterable[Iterable[str]]) -> dict[str, float]:
        """Return the phrases of sentences with their scores."""
        found = chain.from_iterable(map(self.analyze_sentence, sentences))
        return {phrase: score for phrase, score in found if score is not None}

    def save(self, fname: str | PathLike[str], *_: object, **__: object) -> None:
        """Save as JSON; an existing file is replaced when the new one is complete."""
        phrase_files.save(fname, type(self).__name__, vars(self), _scorer_name(vars(self).get("scoring")))

    @classmethod
    def load(cls, fname: str | PathLike[str], *, scoring: Scorer | None = None) -> Any:
        """Load a file that `save` wrote.

        Args:
            fname: The file.
            scoring: The function that the model was created with, if it is not "default" or "npmi": a file cannot
                contain a function.

        Raises:
            FormatError: The file cannot be read, or was written by gensim.
            ArgumentError: The model needs a function and none is passed.
        """
        classes: dict[str, type[PhrasesTransformation]] = {"Phrases": Phrases, "FrozenPhrases": FrozenPhrases}
        kind, values, name = phrase_files.load(fname, classes)
        if name is None and scoring is None:
            raise ArgumentError(
                f"{fname}: the model has a scoring function of its own; pass it: load(path, scoring=...)"
            )
        loaded: Any = classes[kind].__new__(classes[kind])
        vars(loaded).update(values)
        loaded.scoring = scoring or SCORERS[str(name)]
        return loaded


class _Transformed:
    """Sentences with joined phrases, which are joined again in each pass."""

    def __init__(self, phrases: PhrasesTransformation, sentences: Iterable[Any]) -> None:
        self._phrases, self._sentences = phrases, sentences

    def __iter__(self) -> Iterator[list[str]]:
        for sentence in self._sentences:
            yield self._phrases[sentence]

    def __len__(self) -> int:
        return len(self._sentences)  # type: ignore[arg-type] # raises a TypeError for an iterator, as gensim does


class Phrases(PhrasesTransformation):
    """Finds frequent phrases in sentences.

    Args:
        sentences: Sentences to count; None for an empty model.
        min_count: Pairs that occur fewer times are ignored.
        threshold: Pairs with a higher score are phrases.
        max_vocab_size: The maximum number of words and pairs; the rarest are removed after counting.
        delimiter: The text between the words of a phrase.
        progress_per: Ignored.
        scoring: "default", "npmi", or a function with the parameters of `original_scorer`.
        connector_words: Words that may be inside a phrase.

    Raises:
        ArgumentError: An argument is out of range.

    Attributes:
        vocab: The counts of words and of pairs, connector words excepted.
        corpus_word_count: The number of words counted, connector words included.
        min_reduce: Counts below this were removed.
    """

    def __init__(
        self,
        sentences: Iterable[Iterable[str]] | None = None,
        min_count: float = 5,
        threshold: float = 10.0,
        max_vocab_size: int = 40_000_000,
        delimiter: str = "_",
        progress_per: int = 10_000,
        scoring: str | Scorer = "default",
        connector_words: Iterable[str] = frozenset(),
    ) -> None:
        super().__init__(connector_words)
        if min_count <= 0:
            raise ArgumentError(f"min_count must be at least 1, not {min_count}")
        if scoring == "default" and threshold <= 0:
            raise ArgumentError(f"threshold must be above 0 with default scoring, not {threshold}")
        if scoring == "npmi" and not -1 <= threshold <= 1:
            raise ArgumentError(f"threshold must be from -1 to 1 with npmi scoring, not {threshold}")
        if isinstance(scoring, str) and scoring not in SCORERS:
            raise ArgumentError(f"unknown scoring {scoring!r}; use 'default', 'npmi' or a function")
        self.scoring: Scorer = SCORERS[scoring] if isinstance(scoring, str) else scoring
        if missing := sorted(PARAMETERS - set(inspect.signature(self.scoring).parameters)):
            raise ArgumentError(f"the scoring function needs the parameters {', '.join(missing)}; add them")
        self.min_count, self.threshold, self.max_vocab_size = min_count, threshold, max_vocab_size
        self.delimiter, self.progress_per = delimiter, progress_per
        self.vocab: dict[str, int] = {}
        self.corpus_word_count, self.min_reduce = 0, 1
        if sentences is not None:
            self.add_vocab(sentences)

    def __str__(self) -> str:
        return (
            f"Phrases<{len(self.vocab)} vocab, min_count={self.min_count}, threshold={self.threshold}, "
            f"max_vocab_size={self.max_vocab_size}>"
        )

    def add_vocab(self, sentences: Iterable[Iterable[str]]) -> None:
        """Count the words and pairs of more sentences."""
        from word2vec.corpus.phrase_counts import count_pairs, find_links

        ids: defaultdict[str, int] = defaultdict()
        ids.default_factory = ids.__len__
        numbers, ends = array("i"), array("q", [0])
        for sentence in sentences:
            numbers.extend(map(ids.__getitem__, sentence))
            ends.append(len(numbers))
        if not numbers:
            return
        self.corpus_word_count += len(numbers)
        tokens, offsets, words = np.frombuffer(numbers, np.int32), np.frombuffer(ends, np.int64), list(ids)
        is_connector = np.array([word in self.connector_words for word in words])
        counts = np.where(is_connector, 0, np.bincount(tokens))
        links = find_links(tokens, offsets, is_connector)
        pairs = count_pairs(tokens, offsets, counts, links, min_count=1)
        between = {link: [words[each] for each in links.words_of(link)] for link in np.unique(pairs.link).tolist()}
        found = chain(
            ((word, count) for word, count in zip(words, counts.tolist(), strict=True) if count),
            (
                (self.delimiter.join((words[first], *between[link], words[second])), count)
                for first, link, second, count in zip(
                    pairs.first.tolist(), pairs.link.tolist(), pairs.second.tolist(), pairs.counts.tolist(), strict=True
                )
            ),
        )
        for name, count in found:
            self.vocab[name] = self.vocab.get(name, 0) + count
        while len(self.vocab) > self.max_vocab_size:
            self.min_reduce += 1
            self.vocab = {name: count for name, count in self.vocab.items() if count >= self.min_reduce}

    def score_candidate(self, word_a: str, word_b: str, in_between: list[str]) -> tuple[str | None, float | None]:
        """Return a phrase and its score; two times None if the words are no phrase."""
        phrase = self.delimiter.join((word_a, *in_between, word_b))
        counts = [self.vocab.get(name, 0) for name in (word_a, word_b, phrase)]
        if 0 in counts:
            return None, None
        score = self.scoring(
            worda_count=counts[0],
            wordb_count=counts[1],
            bigram_count=counts[2],
            len_vocab=len(self.vocab),
            min_count=self.min_count,
            corpus_word_count=self.corpus_word_count,
        )
        return (phrase, score) if score > self.threshold else (None, None)

    def export_phrases(self) -> dict[str, float]:
        """Return all phrases with their scores; a name with several delimiters is scored by its first and last word."""
        parts = (name.split(self.delimiter) for name in self.vocab if self.delimiter in name)
        scored = (self.score_candidate(words[0], words[-1], words[1:-1]) for words in parts)
        return {phrase: score for phrase, score in scored if phrase is not None and score is not None}

    def freeze(self) -> "FrozenPhrases":
        """Return the phrases without the counts."""
        return FrozenPhrases(self)


class FrozenPhrases(PhrasesTransformation):
    """The phrases of a model, without the counts, which take most of its memory.

    Args:
        phrases_model: The model.

    Attributes:
        phrasegrams: The phrases and their scores.
    """

    def __init__(self, phrases_model: Phrases) -> None:
        super().__init__(phrases_model.connector_words)
        self.threshold, self.min_count = phrases_model.threshold, phrases_model.min_count
        self.delimiter, self.scoring = phrases_model.delimiter, phrases_model.scoring
        self.phrasegrams = phrases_model.export_phrases()

    def __str__(self) -> str:
        return f"FrozenPhrases<{len(self.phrasegrams)} phrases, min_count={self.min_count}, threshold={self.threshold}>"

    def score_candidate(self, word_a: str, word_b: str, in_between: list[str]) -> tuple[str | None, float | None]:
        """Return a phrase and its score; two times None if the words are no phrase."""
        phrase = self.delimiter.join((word_a, *in_between, word_b))
        score = self.phrasegrams.get(phrase, NEVER)
        return (phrase, score) if score > self.threshold else (None, None)


Phraser = FrozenPhrases


def _scorer_name(scoring: object) -> str | None:
    """Return the name of a scorer; None for a function of the user."""
    return next((name for name, scorer in SCORERS.items() if scorer is scoring), None)
