"""Comparison of systems on the same test sets: which of them is better, and by how much more than chance.

A system is a run, or several runs that differ in their seeds. All runs are scored on the same items: the word pairs and
analogy questions whose words all of them have. Each system is compared with the first one, on each set and in the mean
over the sets. `resampling.py` draws the items, and `differences.py` contains the formulas of intervals and p-values.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import ConfigError, Word2VecError
from word2vec.evaluation.analogies import answer_questions
from word2vec.evaluation.benchmarks import PairSet, QuestionSet, builtin_sets, read_pair_sets, read_questions
from word2vec.evaluation.differences import Difference, estimate, holm
from word2vec.evaluation.resampling import resampled_accuracy, resampled_spearman
from word2vec.evaluation.similarity import MIN_PAIRS, look_up, pair_cosines, rank_correlation, why_undefined
from word2vec.vectors.word_vectors import WordVectors

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("word2vec")

RESAMPLES = 10_000  # the smallest p-value of two runs is 2 / 10,001
RESTRICT = 30_000


@dataclass(frozen=True)
class SetComparison:
    """The scores of all systems on one test set, or their means over several, and the differences from the first."""

    name: str
    measure: Literal["Spearman", "accuracy", "mean"]
    used: int
    """Number of pairs or questions whose words all runs have; of all sets together in the mean over sets."""
    total: int
    """Number of pairs or questions in the set."""
    scores: dict[str, tuple[float, ...]]
    """The scores of the runs of each system, by its name."""
    differences: tuple[Difference, ...]
    """The differences of the other systems from the first one."""
    note: str = ""
    """A caveat about the figures, or an empty string."""

    @property
    def dropped(self) -> int:
        """Number of pairs or questions with a word that is unknown in at least one run."""
        return self.total - self.used

    def score(self, system: str) -> float:
        """Return the mean score of the runs of a system."""
        return float(np.mean(self.scores[system]))

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as a dictionary for JSON."""
        scores = {name: {"score": self.score(name), "runs": list(runs)} for name, runs in self.scores.items()}
        return {
            "name": self.name,
            "measure": self.measure,
            "used": self.used,
            "total": self.total,
            "dropped": self.dropped,
            "scores": scores,
            "differences": [difference.as_dict() for difference in self.differences],
        }


@dataclass(frozen=True)
class ComparisonResult:
    """Systems compared on one or more test sets."""

    sets: tuple[SetComparison, ...]
    mean: SetComparison | None
    """The mean over the sets; None for a single set."""

    @property
    def seeds(self) -> bool:
        """Whether a system has several runs, so that the differences apply to other seeds as well."""
        return any(len(runs) > 1 for runs in self.sets[0].scores.values())

    def as_dict(self) -> dict[str, Any]:
        """Return the result as a dictionary for JSON, in which NaN becomes None."""
        mean = None if self.mean is None else self.mean.as_dict()
        return {"seeds": self.seeds, "sets": [each.as_dict() for each in self.sets], "mean": mean}

    def to_frame(self) -> "pd.DataFrame":
        """Return a data frame with one row per set and system; the first system has no difference."""
        import pandas as pd

        keys = ("value", "ci_low", "ci_high", "p_value", "p_holm")
        rows: list[dict[str, Any]] = []
        for each in (*self.sets, *([self.mean] if self.mean else [])):
            found = {difference.system: difference for difference in each.differences}
            for name in each.scores:
                figures = {key: getattr(found[name], key) for key in keys} if name in found else {}
                head = {"name": each.name, "measure": each.measure, "used": each.used, "total": each.total}
                rows.append(head | {"system": name, "score": each.score(name)} | figures)
        return pd.DataFrame(rows).rename(columns={"value": "difference"})

    def _repr_html_(self) -> str:  # how notebooks show it
        return str(self.to_frame().to_html(index=False, float_format="{:.3f}".format, na_rep=""))


@dataclass(frozen=True)
class _Scored:
    """One test set: the scores of all runs, (R,), and those on resamples of its items, (B, R)."""

    name: str
    measure: Literal["Spearman", "accuracy", "mean"]
    used: int
    total: int
    scores: NDArray[np.float64]
    resampled: NDArray[np.float64]
    note: str = ""


def compare(
    systems: Mapping[str, WordVectors | Sequence[WordVectors]],
    pairs: Sequence[PairSet | str | Path] = (),
    analogies: Sequence[QuestionSet | str | Path] = (),
    *,
    restrict: int | None = RESTRICT,
    resamples: int = RESAMPLES,
    seed: int = 0,
    skip_unusable: bool = False,
) -> ComparisonResult:
    """Compare systems on the pairs and questions that all of them can answer.

        word2vec.compare({"default": [first, second, third], "wide": [fourth, fifth, sixth]}, ["wordsim353"])

    With one run per system, the interval and the p-value of a difference are those of the paired bootstrap, and apply
    to these runs. With several runs, which must differ in their seeds, they apply to the settings: they account for the
    seeds as well as for the items. Words are looked up as written, then in lowercase; analogies ignore case and are
    solved by 3CosAdd among the most frequent words of each run. The formulas are in `evaluation/differences.py`.

    The p-values of the sets are corrected together by Holm's method; those of the mean are corrected among themselves.

    Args:
        systems: Two systems or more, by name: the vectors of one run, or of several.
        pairs: Sets of word pairs, files of word pairs, or names of built-in sets.
        analogies: Sets of analogy questions, files, or names of built-in sets. Without any sets, all built-in ones.
        restrict: Use only this many most frequent words in analogies; None for all.
        resamples: Number of bootstrap resamples.
        seed: Random seed of the resampling.
        skip_unusable: Whether to skip sets on which the systems cannot be compared, with a warning.

    Raises:
        ConfigError: `resamples` or `restrict` is below 1.
        FormatError: A test set cannot be read.
        Word2VecError: There are fewer than two systems, two runs have the same vectors, the runs have no words in
            common, or too few items of a set have all their words in every run.
    """
    if resamples < 1:
        raise ConfigError(f"resamples must be 1 or more, got {resamples}; a usual value is {RESAMPLES}")
    groups = {name: [runs] if isinstance(runs, WordVectors) else list(runs) for name, runs in systems.items()}
    check_systems(groups)
    runs = [run for group in groups.values() for run in group]
    scored = []
    pair_sets, question_sets = read_test_sets(pairs, analogies)
    test_sets: list[PairSet | QuestionSet] = [*pair_sets, *question_sets]
    for number, test_set in enumerate(test_sets):
        rng = np.random.default_rng([seed, number])  # its own, so that the sets are resampled independently
        try:
            if isinstance(test_set, PairSet):
                scored.append(_score_pairs(runs, test_set, resamples, rng))
            else:
                scored.append(_score_questions(runs, test_set, restrict, resamples, rng))
        except Word2VecError as error:
            if not skip_unusable or isinstance(error, ConfigError):
                raise
            logger.warning("%s", error)
    if not scored:
        raise Word2VecError("no test set has enough pairs or questions whose words all runs have; pass other sets")
    return _differences(scored, groups)


def check_systems(systems: Mapping[str, Sequence[WordVectors]]) -> None:
    """Check that systems can be compared.

    Raises:
        Word2VecError: There are fewer than two, one has no run, two runs have the same vectors, or the runs have no
            words in common.
    """
    if len(systems) < 2:
        raise Word2VecError(f"compare needs two systems or more, got {len(systems)}; pass another run")
    if empty := next((name for name, runs in systems.items() if not runs), None):
        raise Word2VecError(f"{empty}: has no runs; pass its vectors")
    numbered = [
        (name if len(runs) == 1 else f"run {number} of {name}", run)
        for name, runs in systems.items()
        for number, run in enumerate(runs, start=1)
    ]
    check_distinct([name for name, _ in numbered], [run for _, run in numbered])
    if not common_words([run for _, run in numbered]):
        raise Word2VecError("the runs have no words in common, so they cannot be compared; pass runs of similar texts")


def check_distinct(names: Sequence[str], runs: Sequence[WordVectors]) -> None:
    """Raise Word2VecError if two runs have the same words and vectors: such runs are no independent samples."""
    for number, run in enumerate(runs):
        for earlier in range(number):
            other = runs[earlier]
            if run is other or (run.words == other.words and np.array_equal(run.vectors, other.vectors)):
                raise Word2VecError(f"{names[earlier]} and {names[number]}: the same vectors; pass each run once")


def common_words(runs: Sequence[WordVectors]) -> list[str]:
    """Return the words that all runs have, in the order of the first run."""
    return [word for word in runs[0].words if all(word in run for run in runs[1:])]


def read_test_sets(
    pairs: Sequence[PairSet | str | Path], analogies: Sequence[QuestionSet | str | Path]
) -> tuple[list[PairSet], list[QuestionSet]]:
    """Read test sets that are given by file or name; all built-in ones if none is given.

    Raises:
        FormatError: A file cannot be read.
    """
    if not pairs and not analogies:
        known = builtin_sets()
        pairs = [name for name, path in known.items() if path.suffix == ".csv"]
        analogies = [name for name, path in known.items() if path.suffix == ".txt"]
    files = iter(read_pair_sets([each for each in pairs if not isinstance(each, PairSet)]))
    return (
        [each if isinstance(each, PairSet) else next(files) for each in pairs],
        [each if isinstance(each, QuestionSet) else read_questions(each) for each in analogies],
    )


def _score_pairs(runs: Sequence[WordVectors], pairs: PairSet, resamples: int, rng: np.random.Generator) -> _Scored:
    found = [pair_cosines(run, pairs, *look_up(run, pairs)) for run in runs]
    used = np.all([known for _, known in found], axis=0)  # (P,)
    cosines = np.array([each[used] for each, _ in found])  # (R, U)
    scores = pairs.scores[used]
    for each in cosines:
        if reason := why_undefined(each, scores):
            raise Word2VecError(f"{pairs.name}: {reason}, among the pairs that all runs have; pass another set")
    note = f"only {len(scores)} usable pairs: the p-values are unreliable" if len(scores) < MIN_PAIRS else ""
    resampled = resampled_spearman(cosines, scores, resamples, rng)
    return _Scored(
        pairs.name, "Spearman", len(scores), len(used), rank_correlation(cosines, scores[np.newaxis]), resampled, note
    )


def _score_questions(
    runs: Sequence[WordVectors], questions: QuestionSet, restrict: int | None, resamples: int, rng: np.random.Generator
) -> _Scored:
    answered = [answer_questions(run, questions, restrict=restrict, method="3cosadd", case="gensim") for run in runs]
    answers = [list(chain.from_iterable(sections)) for sections in answered]
    used = np.array([None not in each for each in zip(*answers, strict=True)])  # (Q,)
    outcomes = np.array([[bool(answer) for answer in each] for each in answers])[:, used]  # (R, U)
    if not used.any():
        raise Word2VecError(f"{questions.name}: no question has all its words in every run; pass another set")
    kept = iter(used.tolist())
    sections = [[question for question in section.questions if next(kept)] for section in questions.sections]
    resampled = resampled_accuracy(outcomes, sections, resamples, rng)
    number = int(used.sum())
    note = f"only {number} usable questions: the p-values are unreliable" if number < MIN_PAIRS else ""
    return _Scored(questions.name, "accuracy", number, len(used), outcomes.mean(axis=1), resampled, note)


def _differences(scored: Sequence[_Scored], groups: Mapping[str, Sequence[WordVectors]]) -> ComparisonResult:
    """Compare each system with the first one, on each set and in the mean."""
    ends = np.cumsum([len(runs) for runs in groups.values()])[:-1]
    compared = [_compare_set(each, list(groups), ends) for each in scored]
    sets = _corrected(compared)
    if len(scored) == 1:
        return ComparisonResult(sets, None)
    mean = _Scored(
        f"mean of {len(scored)} sets",
        "mean",
        sum(each.used for each in scored),
        sum(each.total for each in scored),
        np.mean([each.scores for each in scored], axis=0),
        np.mean([each.resampled for each in scored], axis=0),
    )
    return ComparisonResult(sets, *_corrected([_compare_set(mean, list(groups), ends)]))


def _compare_set(scored: _Scored, names: Sequence[str], ends: NDArray[np.int64]) -> SetComparison:
    """Compare each system with the first one on one set; the p-values are not corrected yet."""
    scores, resampled = np.split(scored.scores, ends), np.split(scored.resampled, ends, axis=1)
    differences = []
    for name, other, drawn in zip(names[1:], scores[1:], resampled[1:], strict=True):
        value, low, high, p_value = estimate([scores[0], other], [resampled[0], drawn])
        differences.append(Difference(name, value, low, high, p_value, p_value))
    by_name = {name: tuple(each.tolist()) for name, each in zip(names, scores, strict=True)}
    return SetComparison(
        scored.name, scored.measure, scored.used, scored.total, by_name, tuple(differences), scored.note
    )


def _corrected(sets: Sequence[SetComparison]) -> tuple[SetComparison, ...]:
    """Return comparisons with p-values that are corrected together."""
    corrected = iter(holm([difference.p_value for each in sets for difference in each.differences]))
    return tuple(
        replace(each, differences=tuple(replace(old, p_holm=next(corrected)) for old in each.differences))
        for each in sets
    )
