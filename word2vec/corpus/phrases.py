"""Phrases: frequent pairs of words that are joined to one word, such as new_york, and how they are found in new text.

A model of phrases has one list for each pass over the corpus; a later pass joins the words that an earlier one made. A
sentence is read from left to right: a word that begins a phrase is joined with the next word, and with the connector
words between them. The scores are those of word2vec.c (Mikolov et al. 2013, "Distributed representations of words and
phrases and their compositionality") and NPMI (Bouma 2009, "Normalized (pointwise) mutual information in collocation
extraction"), and with equal settings the phrases of one pass are those of gensim.

Pairs are counted in phrase_counts.py, and a corpus is rewritten in phrase_corpus.py.
"""

import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from word2vec.config import check_phrase_settings
from word2vec.errors import ConfigError, FormatError
from word2vec.system.atomic_files import atomic_path

FORMAT, VERSION = "word2vec-phrases", 1
DEFAULT_THRESHOLDS = {"original": 10.0, "npmi": 0.5}  # original: gensim's default
ENGLISH = ("a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with", "without")
NAMED_CONNECTORS: dict[str, tuple[str, ...]] = {"none": (), "english": ENGLISH}
"""Names of lists of connector words; english: the articles, prepositions and conjunctions that gensim uses as well."""

Words = tuple[str, ...]
Score = TypeVar("Score")


@dataclass(frozen=True, slots=True)
class Phrase:
    """How often the words of a phrase follow each other, and their score."""

    count: int
    score: float


@dataclass(frozen=True)
class PhraseSettings:
    """The settings of a pass; checked on creation.

    Raises:
        ConfigError: A value is out of range.

    Attributes:
        scoring: "original" or "npmi".
        threshold: Pairs with a higher score are phrases; None for the default of the scoring.
        min_count: Pairs that occur fewer times are no phrases; "original" also subtracts it from the counts of pairs.
        connector_words: Words that may be inside a phrase, but not begin or end one.
        delimiter: The text between the words of a phrase.
    """

    scoring: str = "original"
    threshold: float | None = None
    min_count: int = 5
    connector_words: tuple[str, ...] = ()
    delimiter: str = "_"

    def __post_init__(self) -> None:
        check_phrase_settings(self.scoring, self.threshold, self.min_count, self.delimiter)
        if self.threshold is None:
            object.__setattr__(self, "threshold", DEFAULT_THRESHOLDS[self.scoring])
        object.__setattr__(self, "threshold", float(self.threshold or 0))
        object.__setattr__(self, "connector_words", tuple(sorted(set(self.connector_words))))

    @property
    def text(self) -> str:
        """The settings as JSON."""
        return json.dumps(vars(self), ensure_ascii=False, sort_keys=True)

    @property
    def above(self) -> float:
        """The threshold, with the default filled in."""
        assert self.threshold is not None  # noqa: S101 (set on creation)
        return self.threshold


class _Group(NamedTuple):
    """Words of a sentence that are joined."""

    words: Words
    parts: "tuple[_Group, ...]" = ()  # what a pass joined


class Phrases:
    """Phrases that were found in a corpus.

        phrases = word2vec.find_phrases("text8")
        phrases.join("the mayor of new york".split())  # ['the', 'mayor', 'of', 'new_york']

    Args:
        settings: The settings that all passes have in common.
        passes: For each pass, the words of each phrase, best score first; connector words included.
    """

    def __init__(self, settings: PhraseSettings, passes: Sequence[Mapping[Words, Phrase]]) -> None:
        self.settings = settings
        self.passes = tuple(passes)

    @cached_property
    def passes(self) -> tuple[Mapping[Words, Phrase], ...]:
        """For each pass, the words of each phrase, best score first; the words of a later pass may be phrases."""
        return _parse_passes(*self._unparsed)

    def __len__(self) -> int:
        """Return the number of phrases of all passes."""
        return sum(map(len, self.passes))

    def __repr__(self) -> str:
        return f"Phrases({len(self)} phrases, {len(self.passes)} passes, {self.settings})"

    def table(self) -> list[tuple[str, Phrase]]:
        """Return the phrases of all passes as words, with their counts and scores."""
        join = self.settings.delimiter.join
        return [(join(words), phrase) for found in self.passes for words, phrase in found.items()]

    @property
    def scores(self) -> dict[str, float]:
        """The phrases as words, with their scores; that of the last pass if several passes have a phrase."""
        return {name: phrase.score for name, phrase in self.table()}

    def join(self, sentence: Iterable[str]) -> list[str]:
        """Return the words of a sentence with its phrases joined."""
        return [self.settings.delimiter.join(group) for group in self.groups(sentence)]

    def groups(self, sentence: Iterable[str]) -> list[Words]:
        """Return the words of a sentence, each phrase in a tuple of its original words."""
        return [group.words for group in self._groups(sentence)]

    def join_known(self, sentence: Iterable[str], known: Container[str]) -> list[str]:
        """Return the words of a sentence with its phrases joined, as far as the results are known words.

        A phrase that is not known is divided into the phrases of the pass before.
        """
        join = self.settings.delimiter.join
        words, left = list[str](), self._groups(sentence)[::-1]
        while left:
            group = left.pop()
            if not group.parts or join(group.words) in known:
                words.append(join(group.words))
            else:
                left += reversed(group.parts)
        return words

    def _groups(self, sentence: Iterable[str]) -> list[_Group]:
        delimiter, connectors = self.settings.delimiter, frozenset(self.settings.connector_words)
        groups = [_Group((word,)) for word in sentence]
        for found in self.passes:
            words = [delimiter.join(group.words) for group in groups]
            joined: list[_Group] = []
            position = 0
            for part, _ in joined_words(words, connectors, found.get):
                parts = tuple(groups[position : position + len(part)])
                if len(parts) > 1:
                    joined.append(_Group(tuple(word for group in parts for word in group.words), parts))
                else:
                    joined += parts
                position += len(part)
            groups = joined
        return groups

    def with_pass(self, found: Mapping[Words, Phrase]) -> "Phrases":
        """Return a model with one more pass."""
        return Phrases(self.settings, (*self.passes, found))

    def united(self, other: "Phrases") -> "Phrases":
        """Return a model with the phrases of both, pass by pass; those of this one if they disagree.

        Raises:
            ConfigError: The delimiters or connector words differ.
        """
        own, others = self.settings, other.settings
        if (own.delimiter, own.connector_words) != (others.delimiter, others.connector_words):
            raise ConfigError(
                "phrases with different delimiters or connector words cannot be united; use the same settings"
            )
        passes = zip_longest(other.passes, self.passes, fillvalue=dict[Words, Phrase]())
        return Phrases(own, tuple({**before, **found} for before, found in passes))

    def to_bytes(self) -> bytes:
        """Return the content of a file: a line with the version and the settings, then one line per phrase.

        A line has the number of the pass, the count, the score and the words of the phrase, separated by tabs.
        """
        lines = [f"{FORMAT}\t{VERSION}\t{self.settings.text}"]
        for number, found in enumerate(self.passes, start=1):
            for words, phrase in found.items():
                lines.append("\t".join((str(number), str(phrase.count), repr(phrase.score), *words)))
        return "".join(f"{line}\n" for line in lines).encode()

    @classmethod
    def from_bytes(cls, content: bytes, source: str | Path) -> "Phrases":
        """Return the phrases of a file; its lines are parsed when they are needed.

        Args:
            content: The content of the file.
            source: Its name, for messages.

        Raises:
            FormatError: The first line is not that of a file of phrases, or has a later version. Another line is
                malformed; raised when the phrases are used.
        """
        first, _, rest = content.partition(b"\n")
        name, _, remainder = first.decode(errors="replace").partition("\t")
        version, _, settings = remainder.partition("\t")
        if name != FORMAT or not version.isdecimal():
            raise FormatError(f"{source}: not a file of phrases; pass a file that `word2vec phrases` wrote")
        if int(version) > VERSION:
            raise FormatError(
                f"{source}: the phrases have version {version}, but this program reads up to {VERSION}; update word2vec"
            )
        phrases = cls.__new__(cls)
        phrases.settings = _parse_settings(settings, source)
        phrases._unparsed = rest, source
        return phrases

    def save(self, path: str | Path) -> None:
        """Save the phrases; an existing file is replaced when the new one is complete.

        Raises:
            Word2VecError: The file cannot be written.
        """
        with atomic_path(Path(path)) as temporary:
            temporary.write_bytes(self.to_bytes())

    @classmethod
    def load(cls, path: str | Path) -> "Phrases":
        """Load the phrases of a file that `save` or `word2vec phrases` wrote.

        Raises:
            FormatError: The file cannot be read, or it is damaged.
        """
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise FormatError(f"cannot read {path}: {error.strerror or error}") from error
        phrases = cls.from_bytes(content, path)
        len(phrases)  # parses all lines
        return phrases

    _unparsed: tuple[bytes, str | Path]


def joined_words(
    sentence: Iterable[str], connectors: frozenset[str], score: Callable[[Words], Score | None]
) -> Iterator[tuple[Words, Score | None]]:
    """Yield the words of a sentence, each as a tuple of one, and its phrases as tuples of their words.

    Args:
        sentence: The words.
        connectors: Words that may be inside a phrase.
        score: Function that returns what is known of a phrase, given its words; None if it is no phrase.
    """
    pending: list[str] = []  # a word that may begin a phrase, and the connector words after it
    for word in sentence:
        if word in connectors:
            if pending:
                pending.append(word)
            else:
                yield (word,), None
            continue
        if pending:
            found = score((*pending, word))
            if found is not None:
                yield (*pending, word), found
                pending = []
                continue
            for each in pending:
                yield (each,), None
        pending = [word]
    for each in pending:
        yield (each,), None


def as_connector_words(words: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return connector words: "none", "english", words separated by spaces, or a list of words."""
    if words is None:
        return ()
    if isinstance(words, str):
        return NAMED_CONNECTORS[words] if words in NAMED_CONNECTORS else tuple(words.split())
    return tuple(words)


def _parse_settings(text: str, source: str | Path) -> PhraseSettings:
    try:
        values: dict[str, Any] = json.loads(text)
        return PhraseSettings(**{**values, "connector_words": tuple(values["connector_words"])})
    except (ValueError, TypeError, LookupError, RecursionError, ConfigError) as error:
        raise FormatError(f"{source}: the settings of the phrases are damaged; restore the file from a copy") from error


def _parse_passes(content: bytes, source: str | Path) -> tuple[dict[Words, Phrase], ...]:
    """Parse all lines but the first.

    Raises:
        FormatError: A line is malformed.
    """
    passes: list[dict[Words, Phrase]] = []
    number = 1  # of the line, for the message
    try:
        lines = content.decode().split("\n")  # subtle: splitlines() would split at characters that words may contain
        if lines.pop():
            raise ValueError("the last line is incomplete")
        for number, line in enumerate(lines, start=2):  # noqa: B007 (used in the message)
            which, count, score, first, second, *others = line.split("\t")
            if int(which) - len(passes) not in (0, 1):
                raise ValueError("the passes are not in order")
            if int(which) > len(passes):
                passes.append({})
            passes[-1][(first, second, *others)] = Phrase(int(count), float(score))
    except ValueError as error:
        raise FormatError(
            f"{source}, line {number}: expected pass, count, score and the words of a phrase, separated by tabs; the "
            "file is damaged"
        ) from error
    return tuple(passes)
