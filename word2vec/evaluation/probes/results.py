"""Results of probes: the scores of each initialization over the seeds, with intervals, for JSON and tables.

The intervals are those of Student's t for the mean over seeds. All initializations of a seed train the same other
parameters on the same examples in the same order, so differences are taken seed by seed, which cancels what they have
in common. Perplexities are averaged and compared as logarithms, that is, by cross-entropy.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import numpy as np

Init = Literal["frozen", "fine-tuned", "random"]
"""Where a model's word vectors come from: the vectors, kept or trained further, or random numbers, trained."""

INITS: tuple[Init, ...] = ("frozen", "fine-tuned", "random")
CONFIDENCE = 0.95

Interval = tuple[float, float, float]
"""A mean and the ends of its interval; the ends are NaN for a single value."""


def mean_interval(values: Sequence[float]) -> Interval:
    """Return the mean of independent values and its 95 % interval by Student's t."""
    from scipy.stats import t

    mean, number = float(np.mean(values)), len(values)
    if number < 2:
        return mean, math.nan, math.nan
    margin = float(t.ppf((1 + CONFIDENCE) / 2, number - 1)) * float(np.std(values, ddof=1)) / math.sqrt(number)
    return mean, mean - margin, mean + margin


@dataclass(frozen=True)
class ProbeScores:
    """The scores of one initialization, one per seed."""

    init: Init
    validation: tuple[float, ...]
    """Scores on validation data, by which the best epoch was chosen; empty if nothing was chosen."""
    test: tuple[float, ...]
    """Scores on test data."""
    seconds: tuple[float, ...]
    """Time of training, without the test."""


@dataclass(frozen=True)
class LanguageModelResult:
    """Perplexities of a recurrent language model by initialization, and of a trigram model on the same words."""

    corpus: str
    cell: str
    scores: tuple[ProbeScores, ...]
    trigram: float
    """Test perplexity of the interpolated modified Kneser-Ney trigram model."""
    words: tuple[int, int, int]
    """Numbers of training, validation and test words."""
    vocabulary: int
    """Number of words of the vocabulary, with `<unk>` for all others."""
    covered: float
    """Fraction of the training words, counting repetitions, that have a vector."""
    unknown: float
    """Fraction of the test words that are outside the vocabulary."""
    samples: dict[Init, str]
    """Text that the model of the first seed wrote."""
    kind: ClassVar[str] = "language-model"

    def mean(self, scores: ProbeScores) -> Interval:
        """Return the geometric mean of the test perplexities and its 95 % interval."""
        return _exp(mean_interval(_logs(scores.test)))

    def change(self, scores: ProbeScores) -> Interval | None:
        """Return the relative change of the test perplexity from random initialization, -0.1 for 10 % less."""
        random = _random(self.scores)
        if random is None or scores is random:
            return None
        pairs = zip(_logs(scores.test), _logs(random.test), strict=True)
        middle, low, high = _exp(mean_interval([ours - theirs for ours, theirs in pairs]))
        return middle - 1, low - 1, high - 1

    def as_dict(self) -> dict[str, Any]:
        """Return the result as a dictionary for JSON, in which NaN becomes None."""
        keys = ("kind", "corpus", "cell", "trigram", "words", "vocabulary", "covered", "unknown", "samples")
        scores = [_scores_as_dict(each, self.mean(each), self.change(each)) for each in self.scores]
        return {key: getattr(self, key) for key in keys} | {"words": list(self.words), "scores": scores}


@dataclass(frozen=True)
class ClassifierResult:
    """Accuracies of a text classifier by initialization, as fractions."""

    task: str
    model: str
    scores: tuple[ProbeScores, ...]
    classes: tuple[str, ...]
    texts: int
    """Number of training texts, or of all texts with cross-validation."""
    tests: int
    """Number of test texts."""
    folds: int | None
    """Number of folds of cross-validation, or None if there are separate test texts."""
    majority: float
    """Accuracy of always answering the class that is most frequent in training."""
    covered: float
    """Fraction of the words of the texts, counting repetitions, that have a vector."""
    kind: ClassVar[str] = "classifier"

    def mean(self, scores: ProbeScores) -> Interval:
        """Return the mean of the test accuracies and its 95 % interval."""
        return mean_interval(scores.test)

    def change(self, scores: ProbeScores) -> Interval | None:
        """Return the difference of the test accuracy from that of random initialization."""
        random = _random(self.scores)
        if random is None or scores is random:
            return None
        return mean_interval([ours - theirs for ours, theirs in zip(scores.test, random.test, strict=True)])

    def as_dict(self) -> dict[str, Any]:
        """Return the result as a dictionary for JSON, in which NaN becomes None."""
        keys = ("kind", "task", "model", "texts", "tests", "folds", "majority", "covered")
        scores = [_scores_as_dict(each, self.mean(each), self.change(each)) for each in self.scores]
        return {key: getattr(self, key) for key in keys} | {"classes": list(self.classes), "scores": scores}


def _scores_as_dict(scores: ProbeScores, mean: Interval, change: Interval | None) -> dict[str, Any]:
    names = ("mean", "ci_low", "ci_high", "change", "change_low", "change_high")
    figures = dict(zip(names, (*mean, *(change or (math.nan,) * 3)), strict=True))
    finite = {name: figure if math.isfinite(figure) else None for name, figure in figures.items()}
    return {name: list(each) if isinstance(each, tuple) else each for name, each in asdict(scores).items()} | finite


def _random(scores: Sequence[ProbeScores]) -> ProbeScores | None:
    return next((each for each in scores if each.init == "random"), None)


def _logs(values: Sequence[float]) -> list[float]:
    return [math.log(value) for value in values]


def _exp(interval: Interval) -> Interval:
    middle, low, high = map(math.exp, interval)
    return middle, low, high
