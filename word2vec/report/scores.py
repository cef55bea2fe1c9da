"""The scores of a report, each with its 95% confidence interval and its sections.

Similarity has the bootstrap interval of `evaluation`. Accuracy on analogies has the Wilson score interval (Wilson 1927,
"Probable inference, the law of succession, and statistical inference"), which assumes independent questions; many
questions share word pairs, so the true interval is wider, and the page says so.
"""

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from word2vec.errors import FormatError
from word2vec.evaluation.analogies import evaluate_analogies
from word2vec.evaluation.benchmarks import (
    PairSet,
    QuestionSet,
    builtin_sets,
    read_pairs,
    read_questions,
    set_names,
)
from word2vec.evaluation.results import AnalogyResult, SectionResult, SimilarityResult
from word2vec.evaluation.similarity import evaluate_similarity
from word2vec.vectors.word_vectors import WordVectors

logger = logging.getLogger("word2vec")

NOTED_WORDS = 5  # outside the vocabulary, named in the note of a score


@dataclass(frozen=True)
class Score:
    """One row of the table of scores; undefined numbers are NaN.

    Attributes:
        name: Name of the test set, or of a section of it.
        measure: "Spearman" or "accuracy".
        value: The score, -1 to 1 or 0 to 1.
        low: Lower end of the 95% confidence interval.
        high: Upper end of the 95% confidence interval.
        used: Number of pairs or questions that were scored.
        total: Number of pairs or questions in the test set.
        note: Remark on the score; may be empty.
        parts: Scores of the sections.
    """

    name: str
    measure: str
    value: float
    low: float
    high: float
    used: int
    total: int
    note: str = ""
    parts: tuple["Score", ...] = ()


def read_sets(run_pairs: Iterable[str]) -> tuple[list[PairSet], list[QuestionSet]]:
    """Read the bundled test sets and the similarity files of the run; unreadable ones are skipped with a warning."""
    bundled = builtin_sets()
    pair_sets = [read_pairs(name) for name, path in bundled.items() if path.suffix == ".csv"]
    pair_sets += _readable(source for source in run_pairs if source not in bundled)
    return pair_sets, [read_questions(name) for name, path in bundled.items() if path.suffix == ".txt"]


def score_all(
    vectors: WordVectors, pair_sets: Sequence[PairSet], question_sets: Sequence[QuestionSet], restrict: int = 30_000
) -> list[Score]:
    """Evaluate vectors.

    Args:
        vectors: The vectors to evaluate.
        pair_sets: Sets of word pairs.
        question_sets: Sets of analogy questions.
        restrict: Solve analogies among this many of the most frequent words.
    """

    def score(of: WordVectors) -> list[Score]:
        scores = [similarity_score(evaluate_similarity(of, pairs)) for pairs in pair_sets]
        return scores + [analogy_score(evaluate_analogies(of, each, restrict=restrict)) for each in question_sets]

    scores = score(vectors)
    if vectors.plain is None:
        return scores
    return [_with_plain(*both) for both in zip(scores, score(vectors.unrefined()), strict=True)]


def _with_plain(refined: Score, plain: Score) -> Score:
    """Return the score of refined vectors with that of the plain ones in its note."""
    if not math.isfinite(plain.value):
        return refined
    return replace(refined, note="; ".join(filter(None, [refined.note, f"plain vectors: {plain.value:.3f}"])))


def similarity_score(result: SimilarityResult) -> Score:
    """Return the row of a similarity test set."""
    unknown = [f"unknown: {_first(result.oov)}"] if result.oov else []
    computed = [f"vectors from n-grams: {_first(result.from_ngrams)}"] if result.from_ngrams else []
    note = result.note or "; ".join(unknown + computed)
    numbers = result.spearman, result.ci_low, result.ci_high
    return Score(result.name, "Spearman", *numbers, result.pairs, result.pairs_total, note)


def _first(words: tuple[str, ...]) -> str:
    return ", ".join(words[:NOTED_WORDS]) + (" and others" if len(words) > NOTED_WORDS else "")


def analogy_score(result: AnalogyResult) -> Score:
    """Return the row of an analogy test set, with its sections as parts."""
    parts = tuple(_section_score(section) for section in result.sections if section.questions)
    correct = sum(section.correct for section in result.sections)
    low, high = wilson_interval(correct, result.questions)
    used = result.questions, result.questions_total
    return Score(result.name, "accuracy", result.accuracy, low, high, *used, result.note, parts)


def wilson_interval(correct: int, questions: int) -> tuple[float, float]:
    """Return the 95% Wilson score interval of a proportion; (NaN, NaN) without questions."""
    from scipy.stats import binomtest

    if not questions:
        return math.nan, math.nan
    interval = binomtest(correct, questions).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def _section_score(section: SectionResult) -> Score:
    low, high = wilson_interval(section.correct, section.questions)
    used = section.questions, section.questions_total
    return Score(section.name, "accuracy", section.accuracy, low, high, *used)


def _readable(sources: Iterable[str]) -> list[PairSet]:
    sets, distinct = [], list(dict.fromkeys(sources))
    for source, name in zip(distinct, set_names(distinct), strict=True):
        try:
            sets.append(replace(read_pairs(source), name=name))
        except FormatError as error:
            logger.warning("skipping a similarity file of the run: %s", error)
    return sets
