"""Is the best of many settings better than the default, or was it lucky? A test with fresh seeds answers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Comparison:
    """The scores of two settings, each trained with several seeds that played no part in the choice.

    Attributes:
        default: Scores of the default.
        best: Scores of the best settings.
    """

    default: tuple[float, ...]
    best: tuple[float, ...]

    @property
    def advantage(self) -> float:
        """Mean score of the best settings minus that of the default; NaN without scores."""
        if not self.default or not self.best:
            return math.nan
        return float(np.mean(self.best) - np.mean(self.default))

    @property
    def noise(self) -> float:
        """The advantage that two equal settings exceed in 5 % of comparisons, in either direction.

        The quantile of Student's t for the pooled variance of both; infinite if neither has two scores.
        """
        freedom = len(self.default) + len(self.best) - 2
        if freedom < 1 or not self.default or not self.best:
            return math.inf
        from scipy.stats import t

        squares = sum(float(np.sum((np.array(each) - np.mean(each)) ** 2)) for each in (self.default, self.best))
        error = math.sqrt(squares / freedom * (1 / len(self.default) + 1 / len(self.best)))
        return float(t.ppf((1 + CONFIDENCE) / 2, freedom)) * error

    @property
    def better(self) -> bool:
        """Whether the best settings are better by more than the noise."""
        return self.advantage > self.noise

    def as_dict(self) -> dict[str, object]:
        """Return the comparison for JSON, in which undefined numbers are None."""
        numbers = {"advantage": self.advantage, "noise": self.noise}
        finite = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
        return {"default": list(self.default), "best": list(self.best), **finite, "better": self.better}


def compare(default: Sequence[float | None], best: Sequence[float | None]) -> Comparison:
    """Compare scores; trainings that failed have none."""
    return Comparison(
        tuple(score for score in default if score is not None), tuple(score for score in best if score is not None)
    )
