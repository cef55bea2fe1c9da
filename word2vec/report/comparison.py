"""The sections of a report on several runs: differences between systems, and agreement on nearest neighbors."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from word2vec.errors import Word2VecError
from word2vec.evaluation.benchmarks import PairSet, QuestionSet
from word2vec.evaluation.comparison import ComparisonResult, SetComparison, check_systems, compare
from word2vec.evaluation.differences import Difference
from word2vec.evaluation.stability import StabilityResult, evaluate_stability
from word2vec.vectors.word_vectors import WordVectors

logger = logging.getLogger("word2vec")

ALL_RUNS = "all runs"  # name of the agreement of runs that are systems of their own


@dataclass(frozen=True)
class Comparison:
    """What the page shows of a comparison.

    Attributes:
        result: The comparison.
        first: Name of the system that the others are compared with.
        limit: Largest absolute end of an interval, at which the axis of differences ends.
    """

    result: ComparisonResult
    first: str
    limit: float

    @property
    def sets(self) -> list[SetComparison]:
        """The sets, and the mean over them."""
        return [*self.result.sets, *([self.result.mean] if self.result.mean else [])]

    def rows(self, compared: SetComparison) -> list[tuple[str, int, float, Difference | None]]:
        """Return name, number of runs, score and difference of each system on a set."""
        found = {difference.system: difference for difference in compared.differences}
        return [(name, len(runs), compared.score(name), found.get(name)) for name, runs in compared.scores.items()]

    def place(self, value: float) -> str:
        """Return the position of a difference on the axis, from -limit to limit, as a length of the style sheet."""
        return f"{50 + 50 * value / self.limit:.2f}%"


def compare_runs(
    systems: Mapping[str, Sequence[WordVectors]], pair_sets: Sequence[PairSet], question_sets: Sequence[QuestionSet]
) -> tuple[Comparison | None, dict[str, StabilityResult]]:
    """Compare systems, and measure how far the runs of each agree; empty results without several runs.

    Raises:
        Word2VecError: The systems cannot be compared.
    """
    comparison = None
    if len(systems) > 1:
        logger.info("comparing %s", ", ".join(systems))
        check_systems(systems)
        try:
            result = compare(systems, pair_sets, question_sets, skip_unusable=True)
            comparison = Comparison(result, next(iter(systems)), _limit(result))
        except Word2VecError as error:  # for instance because the runs are in another language than the sets
            logger.warning("%s; the report leaves the comparison out", error)
    groups = {name: runs for name, runs in systems.items() if len(runs) > 1}
    if not groups and len(systems) > 1:
        groups = {ALL_RUNS: [run for runs in systems.values() for run in runs]}
    stability = {}
    for name, runs in groups.items():
        try:
            stability[name] = evaluate_stability(runs)
        except Word2VecError as error:
            raise Word2VecError(f"{name}: {error}") from None
    return comparison, stability


def _limit(result: ComparisonResult) -> float:
    ends = [
        abs(end)
        for each in (*result.sets, *([result.mean] if result.mean else []))
        for difference in each.differences
        for end in (difference.ci_low, difference.ci_high)
        if math.isfinite(end)
    ]
    return max(ends, default=0.0) or 1.0
