"""The schedule of a search: how many settings are trained on how much of the corpus, so that the time is enough.

Successive halving (Jamieson and Talwalkar 2016, "Non-stochastic best arm identification and hyperparameter
optimization"): many settings are trained on a small sample; the best third on three times as much; and so on. Each of
these stages, called rungs, takes about as long as the others. Finally the best settings and the default are compared
with several seeds each, on the whole corpus unless that takes most of the time.

All functions are pure; search.py measures the speed and plans again before each rung.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from word2vec.errors import ConfigError

REDUCTION = 3  # of the number of settings from one rung to the next, and growth of the sample
RUNGS = 3
TARGET_SETTINGS = 40  # tried before time is spent on a larger sample
MAX_SETTINGS = 200
MIN_SETTINGS = 4
SEEDS = 3  # of the final comparison, for the default and for the best settings
MIN_SAMPLE_WORDS = 100_000
MIN_WORDS_PER_VECTOR = 10  # of a sample, on average; with fewer, most vectors would stay as they were initialized
RESERVE = 0.1  # fraction of the time that is not planned, because trainings take longer than predicted now and then
COMPARISON = 0.4  # fraction of the time that a comparison on the whole corpus may take
BISECTIONS = 30


@dataclass(frozen=True)
class Cost:
    """Predicted seconds of a training.

    Attributes:
        overhead: Seconds that do not depend on the sample: creating the tables, and measuring the result.
        default: Further seconds with the default settings on the whole corpus.
        candidate: The mean of these seconds over the candidates.
    """

    overhead: float
    default: float
    candidate: float

    def trainings(self, candidates: int, defaults: int, fraction: float) -> float:
        """Return the seconds of some trainings on a fraction of the corpus."""
        whole = candidates * self.candidate + defaults * self.default
        return (candidates + defaults) * self.overhead + fraction * whole


@dataclass(frozen=True)
class Plan:
    """The rungs that are left, and the seconds that they and the final comparison are predicted to take.

    Attributes:
        settings: Number of settings of each rung, including the default.
        fractions: Fraction of the corpus of each rung.
        seconds: Predicted seconds of each rung.
        compared: Fraction of the corpus of the comparison.
        comparison: Predicted seconds of the comparison.
    """

    settings: tuple[int, ...]
    fractions: tuple[float, ...]
    seconds: tuple[float, ...]
    compared: float
    comparison: float

    @property
    def total(self) -> float:
        """Predicted seconds."""
        return sum(self.seconds) + self.comparison


def smallest_sample(words: int, vectors: int) -> float:
    """Return the smallest fraction of a corpus of `words` words that is trained, for a vocabulary of `vectors`."""
    return min(1.0, max(MIN_SAMPLE_WORDS, MIN_WORDS_PER_VECTOR * vectors) / words)


def compares_whole_corpus(seconds: float, cost: Cost) -> bool:
    """Return whether a search has the time to compare the best settings with the default on the whole corpus."""
    return cost.trainings(SEEDS, SEEDS, 1.0) <= COMPARISON * seconds


def plan_search(
    seconds: float, smallest: float, cost: Cost, available: int = MAX_SETTINGS, *, whole: bool = False
) -> Plan:
    """Plan a whole search.

    If the time is enough, the last rung has the whole corpus, and there are as many settings as fit. Otherwise there
    are `TARGET_SETTINGS`, and the last rung has the largest sample that fits; on the smallest possible samples, there
    are fewer settings.

    Args:
        seconds: The time.
        smallest: Fraction of the corpus in the smallest possible sample.
        cost: Predicted times.
        available: Number of distinct settings, including the default.
        whole: Whether the comparison has the whole corpus, whatever the last rung has.

    Raises:
        ConfigError: The time is not even enough for `MIN_SETTINGS` on the smallest samples.
    """
    limit = (1 - RESERVE) * seconds
    numbers = range(min(MAX_SETTINGS, available), 1, -1)
    for number in numbers:
        if number < min(TARGET_SETTINGS, available):
            break
        plan = _plan(sizes(number), 1.0, smallest, cost, whole)
        if plan.total <= limit:
            return plan
    for number in numbers:
        if number <= TARGET_SETTINGS and _plan(sizes(number), 0.0, smallest, cost, whole).total <= limit:
            return plan_rungs(seconds, sizes(number), smallest, cost, whole=whole)
        if number <= min(MIN_SETTINGS, available):
            break
    least = _plan(sizes(min(MIN_SETTINGS, available)), 0.0, smallest, cost, whole).total / (1 - RESERVE)
    raise ConfigError(
        f"--budget: {seconds / 60:.3g} minutes are left for trainings, but even a small search takes about "
        f"{least / 60:.2g}; raise --budget"
    )


def plan_rungs(seconds: float, settings: Sequence[int], smallest: float, cost: Cost, *, whole: bool = False) -> Plan:
    """Plan the rungs that are left, with the largest samples that fit; with the smallest ones if none fit.

    Args:
        seconds: The time that is left.
        settings: Number of settings of each of these rungs, including the default.
        smallest: Fraction of the corpus in the smallest possible sample.
        cost: Predicted times.
        whole: Whether the comparison has the whole corpus, whatever the last rung has.
    """
    limit = (1 - RESERVE) * seconds
    low, high = 0.0, 1.0
    if _plan(settings, high, smallest, cost, whole).total <= limit:
        return _plan(settings, high, smallest, cost, whole)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if _plan(settings, middle, smallest, cost, whole).total <= limit else (low, middle)
    return _plan(settings, low, smallest, cost, whole)


def next_size(number: int) -> int:
    """Return how many settings of a rung are in the next one; the default and another one always are."""
    return max(2, round((number - 1) / REDUCTION) + 1)


def sizes(number: int, rungs: int = RUNGS) -> tuple[int, ...]:
    """Return the number of settings of each rung."""
    found = [number]
    while len(found) < rungs:
        found.append(next_size(found[-1]))
    return tuple(found)


def _plan(settings: Sequence[int], fraction: float, smallest: float, cost: Cost, whole: bool) -> Plan:
    """Return the plan whose last rung has a fraction of the corpus, or the smallest possible sample."""
    fractions = tuple(max(smallest, fraction / REDUCTION**after) for after in reversed(range(len(settings))))
    seconds = tuple(cost.trainings(n - 1, 1, sample) for n, sample in zip(settings, fractions, strict=True))
    compared = 1.0 if whole else max(smallest, fraction)
    return Plan(tuple(settings), fractions, seconds, compared, cost.trainings(SEEDS, SEEDS, compared))
