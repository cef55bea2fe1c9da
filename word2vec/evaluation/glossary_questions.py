"""Questions made from a glossary, drawn at random once, so that several vectors can answer the same ones.

- Synonym choice: which of twenty words is the synonym of a term? Distractors are drawn from the whole vocabulary and,
  for a second question, from the words whose frequency is most similar to that of the synonym, because words of similar
  frequency are close to each other for reasons that have nothing to do with their meaning.
- Outlier detection: which of nine words does not belong to the category of the others? As in the data set 8-8-8 of
  Camacho-Collados and Navigli 2016, "Find the word that does not belong", but with terms of the other categories as
  outliers.

Answering is left to `glossary_scores.py`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from word2vec.errors import FormatError
from word2vec.evaluation.glossary import Glossary
from word2vec.evaluation.lookup import CaseRule, find_rows, find_vectors
from word2vec.evaluation.text_lines import read_text
from word2vec.system.atomic_files import atomic_path
from word2vec.vectors.word_vectors import WordVectors

DISTRACTORS = 19  # so that the chance level is 0.05; good vectors would answer nearly all questions with fewer
SIMILAR_FREQUENCY = 100  # words around a synonym in the order of frequency, from which distractors are drawn
GROUP = 8  # words of a category, and outliers for it, as in 8-8-8
MIN_GROUP = 3  # words of a category; with two, an outlier would be as close to one word as these to each other
FORMAT, VERSION = "word2vec glossary questions", 1


@dataclass(frozen=True)
class SynonymQuestion:
    """Which word is the synonym of a term?"""

    term: str
    synonym: str
    random: tuple[str, ...]
    """Distractors from the whole vocabulary."""
    matched: tuple[str, ...]
    """Distractors of a frequency similar to that of the synonym."""


@dataclass(frozen=True)
class OutlierQuestion:
    """Which word does not belong to the others?"""

    category: str
    members: tuple[str, ...]
    outlier: str


@dataclass(frozen=True)
class GlossaryQuestions:
    """Questions made from a glossary, see `make_glossary_questions`."""

    name: str
    seed: int
    synonyms: tuple[SynonymQuestion, ...]
    pairs: tuple[tuple[str, str], ...]
    """All terms and synonyms of the glossary."""
    categories: Mapping[str, tuple[str, ...]]
    """Category -> all of its terms."""
    outliers: tuple[OutlierQuestion, ...]

    def terms(self) -> list[str]:
        """Return the terms and synonyms of the glossary, and other outliers, if a file of questions contains some."""
        outliers = [each.outlier for each in self.outliers]
        return list(dict.fromkeys(chain(*self.pairs, *self.categories.values(), outliers)))

    def distractors(self) -> list[str]:
        """Return the distractors of all questions about synonyms."""
        return list(dict.fromkeys(chain(*((*each.random, *each.matched) for each in self.synonyms))))

    def save(self, path: Path) -> None:
        """Write the questions as JSON.

        Raises:
            Word2VecError: The file cannot be written.
        """
        with atomic_path(path) as temporary:
            document = {"format": FORMAT, "version": VERSION, **asdict(self)}
            temporary.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def make_glossary_questions(
    glossary: Glossary, vectors: WordVectors, *, seed: int = 0, case: CaseRule = "exact-then-lower"
) -> GlossaryQuestions:
    """Make questions whose words have vectors.

    Args:
        glossary: The terms, see `read_glossary`.
        vectors: The vectors from whose vocabulary distractors are drawn, most frequent words first.
        seed: Random seed of the distractors, and of the words of large categories.
        case: How terms are looked up, see `evaluate_similarity`.

    Raises:
        FormatError: None of the terms has a vector, or no question can be made from those that have one.
        ConfigError: `case` is unknown.
    """
    rng = np.random.default_rng(seed)
    terms = list(dict.fromkeys(chain(*glossary.synonyms, *glossary.categories.values())))
    known, _ = find_vectors(vectors, terms, case)
    if not known:
        raise FormatError(
            f"{glossary.name}: no term of {len(terms):,} has a vector; check the language, and upper and lower case"
        )
    groups = {name: [term for term in of if term in known] for name, of in glossary.categories.items()}
    questions = GlossaryQuestions(
        glossary.name,
        seed,
        _synonym_questions(glossary, vectors, known, case, rng),
        glossary.synonyms,
        glossary.categories,
        tuple(chain(*(_outlier_questions(name, groups, rng) for name in groups))),
    )
    if not questions.synonyms and not questions.outliers:
        raise FormatError(
            f"{glossary.name}: only {len(known):,} of its {len(terms):,} terms have a vector, too few for a question; "
            f"a question needs a term and its synonym, or two categories of which one has {MIN_GROUP} terms"
        )
    return questions


def _synonym_questions(
    glossary: Glossary,
    vectors: WordVectors,
    known: Mapping[str, Any],
    case: CaseRule,
    rng: np.random.Generator,
) -> tuple[SynonymQuestion, ...]:
    pairs = [(term, synonym) for term, synonym in glossary.synonyms if term in known and synonym in known]
    rows = find_rows(vectors.words, (synonym for _, synonym in pairs), case)
    related: dict[str, set[str]] = {}  # no distractor is another spelling of a term or of its synonyms
    for term, synonym in glossary.synonyms:
        related.setdefault(term, {_spelling(term)}).add(_spelling(synonym))
    size = len(vectors)
    questions = []
    for term, synonym in pairs:
        center = rows[synonym] if rows[synonym] >= 0 else size - 1  # from n-grams: as rare as the rarest word
        start = max(0, min(center - SIMILAR_FREQUENCY // 2, size - SIMILAR_FREQUENCY))
        near = range(start, min(start + SIMILAR_FREQUENCY, size))
        drawn = [_draw(vectors.words, part, related[term], rng) for part in (range(size), near)]
        questions.append(SynonymQuestion(term, synonym, *drawn))
    return tuple(questions)


def _draw(words: list[str], rows: range, related: set[str], rng: np.random.Generator) -> tuple[str, ...]:
    """Return distractors from some rows of the vocabulary; fewer than usual, or none, from a tiny one."""
    usable: list[str] = []
    drawn = rng.choice(len(rows), min(len(rows), SIMILAR_FREQUENCY), replace=False)
    for row in (drawn + rows.start).tolist():
        if len(usable) < DISTRACTORS and _spelling(words[row]) not in related:
            usable.append(words[row])
    return tuple(usable)


def _spelling(word: str) -> str:
    return "_".join(word.lower().split())


def _outlier_questions(name: str, groups: Mapping[str, list[str]], rng: np.random.Generator) -> list[OutlierQuestion]:
    """Return the questions of one category: its words with each of several terms of other categories."""
    own = groups[name]
    others = [term for other, terms in groups.items() if other != name for term in terms]
    if len(own) < MIN_GROUP:
        return []
    members = tuple(own[place] for place in sorted(rng.permutation(len(own))[:GROUP].tolist()))
    outliers = [others[place] for place in sorted(rng.permutation(len(others))[:GROUP].tolist())]
    return [OutlierQuestion(name, members, outlier) for outlier in outliers]


def read_glossary_questions(path: str | Path) -> GlossaryQuestions:
    """Read questions that `GlossaryQuestions.save` wrote.

    Raises:
        FormatError: The file cannot be read, or contains something else.
    """
    path = Path(path)
    text = read_text(path)
    try:
        document = json.loads(text)
        if document["format"] != FORMAT or document["version"] != VERSION:
            raise FormatError(f"{path}: format {document['format']!r}, version {document['version']}; make it again")
        return GlossaryQuestions(
            str(document["name"]),
            int(document["seed"]),
            tuple(
                SynonymQuestion(
                    str(each["term"]), str(each["synonym"]), _words(each["random"]), _words(each["matched"])
                )
                for each in document["synonyms"]
            ),
            tuple((str(term), str(synonym)) for term, synonym in document["pairs"]),
            {str(name): _words(terms) for name, terms in document["categories"].items()},
            tuple(
                OutlierQuestion(str(each["category"]), _words(each["members"]), str(each["outlier"]))
                for each in document["outliers"]
            ),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise FormatError(
            f"{path}: not a file of questions ({type(error).__name__}: {error}); write one with "
            "word2vec benchmark-from GLOSSARY.csv VECTORS --output FILE.json"
        ) from None


def _words(listed: list[Any]) -> tuple[str, ...]:
    return tuple(map(str, listed))
