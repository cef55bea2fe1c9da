"""Scores of vectors on the questions made from a glossary, each with its chance level and an interval.

- Synonym choice: the fraction of questions in which the synonym has a higher cosine with the term than each distractor
  that has a vector.
- Purity: the terms are clustered by k-means, with as many clusters as categories; purity is the fraction of terms in
  the most frequent category of their cluster. Its chance level is the mean over permutations of the categories.
- Outlier detection (Camacho-Collados and Navigli 2016): words are ranked by the mean cosine of the others without them,
  and the outlier should be last. Its accuracy is the fraction of questions in which it is; the outlier position
  percentage (OPP) is its mean rank, from 0 to 1.

Intervals are 95 % percentile bootstrap intervals over terms or, for outliers, over categories; where all answers are
right or all are wrong, Wilson's interval for that number of terms or categories.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from word2vec.evaluation.glossary import Glossary, read_glossary
from word2vec.evaluation.glossary_questions import (
    MIN_GROUP,
    GlossaryQuestions,
    OutlierQuestion,
    SynonymQuestion,
    make_glossary_questions,
    read_glossary_questions,
)
from word2vec.evaluation.lookup import CaseRule, find_vectors
from word2vec.evaluation.results import json_value
from word2vec.vectors.word_vectors import WordVectors

RESAMPLES = 1000  # of the bootstrap
PERMUTATIONS = 1000  # of categories, for the chance level of the purity
RESTARTS = 10  # of k-means
MIN_UNITS = 10  # terms or categories; with fewer, an interval says little
ROUNDING = 1e-6  # cosines in float32 that differ by less are equal

Found = Mapping[str, NDArray[np.float32]]
"""Word -> vector of length one, (D,)."""


@dataclass(frozen=True, kw_only=True)
class GlossaryScore:
    """One measure; NaN if no question could be asked, with the reason in `note`."""

    measure: str
    score: float
    ci_low: float
    ci_high: float
    chance: float
    """The expected score of vectors without meaning."""
    p_value: float = math.nan
    """Probability of at least this score by chance, for the purity."""
    used: int
    """Number of questions or terms used."""
    total: int
    """Number of synonyms or terms in the glossary, or of questions made."""
    unit: str
    """What is counted: synonyms, terms or questions."""
    note: str = ""
    """A caveat about the figures, or an empty string."""

    def as_dict(self) -> dict[str, Any]:
        """Return the score as a dictionary for JSON, in which NaN becomes None."""
        keys = ("measure", "score", "ci_low", "ci_high", "chance", "p_value", "used", "total", "unit", "note")
        return {key: json_value(getattr(self, key)) for key in keys}


@dataclass(frozen=True)
class GlossaryResult:
    """The scores of vectors on the questions made from a glossary."""

    name: str
    seed: int
    """Random seed of the questions."""
    scores: tuple[GlossaryScore, ...]
    oov: tuple[str, ...]
    """Terms and synonyms without a vector."""
    from_ngrams: tuple[str, ...] = ()
    """Terms outside the vocabulary whose vectors were computed from their n-grams."""
    kind: ClassVar[Literal["glossary"]] = "glossary"

    def __getitem__(self, measure: str) -> GlossaryScore:
        """Return the score of a measure."""
        return {score.measure: score for score in self.scores}[measure]

    def as_dict(self) -> dict[str, Any]:
        """Return the result as a dictionary for JSON."""
        scores = [score.as_dict() for score in self.scores]
        lists = {"oov": list(self.oov), "from_ngrams": list(self.from_ngrams)}
        return {"name": self.name, "kind": self.kind, "seed": self.seed, "scores": scores, **lists}


def evaluate_glossary(
    vectors: WordVectors,
    glossary: Glossary | GlossaryQuestions | str | Path,
    *,
    seed: int = 0,
    case: CaseRule = "exact-then-lower",
) -> GlossaryResult:
    """Evaluate vectors on questions about the terms of a domain.

    Questions with a word that has no vector are skipped; coverage is reported.

    Args:
        vectors: The vectors to evaluate, most frequent words first.
        glossary: The glossary or a file of it, from which questions are made; or questions that were made before, or a
            .json file of them. Compare several vectors on the same questions.
        seed: Random seed of the questions that are made, of k-means, of permutations and of resamples.
        case: How words are looked up, see `evaluate_similarity`.

    Raises:
        FormatError: The file cannot be read, or no question can be made from it with these vectors.
        ConfigError: `case` is unknown.
    """
    if isinstance(glossary, str | Path):
        is_json = Path(glossary).suffix.lower() == ".json"
        glossary = read_glossary_questions(glossary) if is_json else read_glossary(glossary)
    if isinstance(glossary, Glossary):
        glossary = make_glossary_questions(glossary, vectors, seed=seed, case=case)
    terms = glossary.terms()
    found, computed = find_vectors(vectors, [*terms, *glossary.distractors()], case)
    oov = tuple(term for term in terms if term not in found)
    scores: list[GlossaryScore] = []
    if glossary.pairs:
        scores += _synonym_scores(glossary, found, seed)
    if glossary.categories:
        scores.append(_purity_score(glossary.categories, found, seed))
        scores += _outlier_scores(glossary.outliers, found, seed)
    return GlossaryResult(glossary.name, glossary.seed, tuple(scores), oov, computed)


def _synonym_scores(questions: GlossaryQuestions, found: Found, seed: int) -> list[GlossaryScore]:
    """Return the accuracies against both kinds of distractors."""
    kinds = {
        "synonyms, random distractors": [(each, each.random) for each in questions.synonyms],
        "synonyms, frequency-matched": [(each, each.matched) for each in questions.synonyms],
    }
    return [_choice_score(measure, asked, found, len(questions.pairs), seed) for measure, asked in kinds.items()]


def _choice_score(
    measure: str, asked: Sequence[tuple[SynonymQuestion, tuple[str, ...]]], found: Found, total: int, seed: int
) -> GlossaryScore:
    correct, chances, terms = [], [], []
    for question, distractors in asked:
        wrong = [found[word] for word in distractors if word in found]
        if question.term not in found or question.synonym not in found or not wrong:
            continue
        choices = np.stack([found[question.synonym], *wrong])  # (C, D)
        cosines = choices @ found[question.term]  # (C,)
        correct.append(bool(cosines[0] > cosines[1:].max() + ROUNDING))  # a tie is not a choice
        chances.append(1 / len(choices))
        terms.append(question.term)
    units = np.unique(terms, return_inverse=True)[1] if terms else np.empty(0, dtype=np.int64)
    score, low, high, note = _mean_with_interval(np.array(correct, dtype=np.float64), units, "terms", seed)
    return GlossaryScore(
        measure=measure,
        score=score,
        ci_low=low,
        ci_high=high,
        chance=float(np.mean(chances)) if chances else math.nan,
        used=len(correct),
        total=total,
        unit="synonyms",
        note=note,
    )


def _mean_with_interval(
    values: NDArray[np.float64], units: NDArray[np.int64], unit: str, seed: int
) -> tuple[float, float, float, str]:
    """Return the mean of values (Q,), its bootstrap interval, and a note.

    Whole units are resampled, such as all questions about a term, because their values are not independent.

    Args:
        values: One value per question.
        units: (Q,) which unit, from 0, each question belongs to.
        unit: What the units are, for the note.
        seed: Random seed.
    """
    if not len(values):
        return math.nan, math.nan, math.nan, "no question has all words in the vocabulary"
    sums, sizes = np.bincount(units, values), np.bincount(units)  # (U,) each
    if values.min() == values.max():  # all resamples would be equal, and the interval a point
        low, high = _wilson_interval(float(values[0]), len(sums))
    else:
        drawn = np.random.default_rng(seed).integers(len(sums), size=(RESAMPLES, len(sums)))
        low, high = np.percentile(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1), [2.5, 97.5])
    note = f"only {len(sums)} {unit}: the interval is unreliable" if len(sums) < MIN_UNITS else ""
    return float(values.mean()), float(low), float(high), note


def _wilson_interval(fraction: float, trials: int) -> tuple[float, float]:
    from scipy.stats import binomtest

    interval = binomtest(round(fraction * trials), trials).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def _purity_score(categories: Mapping[str, tuple[str, ...]], found: Found, seed: int) -> GlossaryScore:
    known = {name: [term for term in terms if term in found] for name, terms in categories.items()}
    known = {name: terms for name, terms in known.items() if len(terms) > 1}  # a single term has no cluster
    terms = [term for group in known.values() for term in group]
    score = low = high = chance = p_value = math.nan
    note = "needs two categories or more with two terms or more that have a vector"
    if len(known) > 1:
        labels = np.repeat(np.arange(len(known)), [len(group) for group in known.values()])  # (N,)
        clusters = _cluster(np.stack([found[term] for term in terms]), len(known), seed)  # (N,)
        # subtle: with the category of each cluster fixed, since the purity of resamples is too high
        in_majority = labels == _table(clusters, labels).argmax(axis=1)[clusters]  # (N,)
        score, low, high, note = _mean_with_interval(
            in_majority.astype(np.float64), np.arange(len(labels)), "terms", seed
        )
        chance, p_value = _purity_by_chance(clusters, labels, score, seed)
    return GlossaryScore(
        measure="purity of clusters",
        score=score,
        ci_low=low,
        ci_high=high,
        chance=chance,
        p_value=p_value,
        used=len(terms) if len(known) > 1 else 0,
        total=sum(map(len, categories.values())),
        unit="terms",
        note=note,
    )


def _cluster(rows: NDArray[np.float32], number: int, seed: int) -> NDArray[np.int64]:
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    # one thread: sums in the same order on every machine, and no waiting for busy processors over so few terms
    with threadpool_limits(1):
        means = KMeans(number, n_init=RESTARTS, random_state=seed)  # pyright: ignore[reportArgumentType] (its mistake)
        clusters: NDArray[np.int64] = means.fit_predict(rows)
    return clusters


def _table(clusters: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many terms of each cluster are in each category, (K, C)."""
    categories = int(labels.max()) + 1
    size = (int(clusters.max()) + 1) * categories
    return np.bincount(clusters * categories + labels, minlength=size).reshape(-1, categories)


def _purity_by_chance(
    clusters: NDArray[np.int64], labels: NDArray[np.int64], score: float, seed: int
) -> tuple[float, float]:
    """Return the mean purity over permutations of the categories (N,), and the fraction that reaches the score."""
    rng = np.random.default_rng(seed)
    permuted = (_table(clusters, rng.permutation(labels)) for _ in range(PERMUTATIONS))
    purities = np.array([table.max(axis=1).sum() for table in permuted]) / len(labels)
    return float(purities.mean()), (1 + int((purities >= score - ROUNDING).sum())) / (1 + PERMUTATIONS)


def _outlier_scores(questions: Sequence[OutlierQuestion], found: Found, seed: int) -> list[GlossaryScore]:
    """Return the accuracy and the OPP, on the members of each group that have a vector."""
    positions, sizes, groups = [], [], []
    for question in questions:
        members = [found[word] for word in question.members if word in found]
        if question.outlier in found and len(members) >= MIN_GROUP:
            positions.append(outlier_position(np.stack([*members, found[question.outlier]])))
            sizes.append(len(members))
            groups.append(question.category)
    position, size = np.array(positions, dtype=np.float64), np.array(sizes, dtype=np.float64)  # (Q,) each
    units = np.unique(groups, return_inverse=True)[1] if groups else np.empty(0, dtype=np.int64)
    measures = {
        "outlier accuracy": (np.equal(position, size).astype(np.float64), 1 / (1 + size)),
        "outlier position (OPP)": (position / size, np.full(len(size), 0.5)),
    }
    scores = []
    for measure, (values, chances) in measures.items():
        score, low, high, note = _mean_with_interval(values, units, "categories", seed)
        scores.append(
            GlossaryScore(
                measure=measure,
                score=score,
                ci_low=low,
                ci_high=high,
                chance=float(chances.mean()) if len(chances) else math.nan,
                used=len(values),
                total=len(questions),
                unit="questions",
                note=note,
            )
        )
    return scores


def outlier_position(rows: NDArray[np.float32]) -> int:
    """Return the position of an outlier, from 0 to the number of other words: how many are more similar to the rest.

    Removing the word with the lowest sum of cosines leaves the most compact set, so this is the order of the paper. A
    word that is as similar as the outlier does not count.

    Args:
        rows: (N + 1, D) vectors of length one, that of the outlier last.
    """
    cosines = rows @ rows.T  # (N + 1, N + 1)
    sums = cosines.sum(axis=1) - np.diagonal(cosines)  # (N + 1,)
    return int((sums[:-1] > sums[-1] + ROUNDING).sum())
