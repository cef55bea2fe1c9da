"""The scores that a report shows: each with its 95 % interval and with what it is made of.

Similarity has the bootstrap interval of `evaluation.py`. Accuracy on analogies has Wilson's interval of a share (Wilson
1927, "Probable inference, the law of succession, and statistical inference"), as if the questions were independent;
they are made of few word pairs, so that the true interval is wider, and the page says so.
"""

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from word2vec.errors import FormatError
from word2vec.evaluation.benchmarks import PairSet, builtin_sets, read_pairs, read_questions
from word2vec.evaluation.results import AnalogyResult, SectionResult, SimilarityResult
from word2vec.evaluation.similarity import evaluate_analogies, evaluate_similarity
from word2vec.vectors.word_vectors import WordVectors

logger = logging.getLogger("word2vec")


@dataclass(frozen=True)
class Score:
    """One row of the table of scores; numbers are NaN where they are not defined.

    Attributes:
        name: of the set, or of a part of it.
        measure: "Spearman" or "accuracy".
        value: the score, -1 to 1 or 0 to 1.
        low: lower end of the 95 % interval.
        high: upper end.
        used: pairs or questions that went into it.
        total: pairs or questions in the set.
        note: what to mind, or nothing.
        parts: scores of parts of the set.
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


def score_all(vectors: WordVectors, own_pairs: Sequence[str], restrict: int = 30_000) -> list[Score]:
    """Score vectors on the sets that come with the package, and on the pairs that the run was told of.

    Args:
        vectors: the vectors to measure.
        own_pairs: files of pairs; one that cannot be read any more is left out, with a warning.
        restrict: analogies use only so many of the most frequent words.
    """
    shipped = builtin_sets()
    pair_sets = [read_pairs(name) for name, path in shipped.items() if path.suffix == ".csv"]
    pair_sets += _readable(source for source in own_pairs if source not in shipped)
    question_sets = [read_questions(name) for name, path in shipped.items() if path.suffix == ".txt"]
    scores = [similarity_score(evaluate_similarity(vectors, pairs)) for pairs in pair_sets]
    return scores + [analogy_score(evaluate_analogies(vectors, each, restrict=restrict)) for each in question_sets]


def similarity_score(result: SimilarityResult) -> Score:
    """The row of a similarity set."""
    unknown = f"unknown: {', '.join(result.oov[:5])}" + (" and others" if len(result.oov) > 5 else "")
    note = result.note or (unknown if result.oov else "")
    numbers = result.spearman, result.ci_low, result.ci_high
    return Score(result.name, "Spearman", *numbers, result.pairs, result.pairs_total, note)


def analogy_score(result: AnalogyResult) -> Score:
    """The row of an analogy set, its sections as parts."""
    parts = tuple(_section_score(section) for section in result.sections if section.questions)
    correct = sum(section.correct for section in result.sections)
    low, high = wilson_interval(correct, result.questions)
    used = result.questions, result.questions_total
    return Score(result.name, "accuracy", result.accuracy, low, high, *used, result.note, parts)


def wilson_interval(correct: int, asked: int) -> tuple[float, float]:
    """The 95 % interval of a share, (NaN, NaN) of nothing."""
    from scipy.stats import binomtest

    if not asked:
        return math.nan, math.nan
    interval = binomtest(correct, asked).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def _section_score(section: SectionResult) -> Score:
    low, high = wilson_interval(section.correct, section.questions)
    used = section.questions, section.questions_total
    return Score(section.name, "accuracy", section.accuracy, low, high, *used)


def _readable(sources: Iterable[str]) -> list[PairSet]:
    sets = []
    for source in dict.fromkeys(sources):
        try:
            sets.append(read_pairs(source))
        except FormatError as error:
            logger.warning("a set of pairs that the run was scored on is left out: %s", error)
    return sets
