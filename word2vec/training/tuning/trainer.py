"""Train and measure one candidate, and predict how long the next one takes."""

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple, cast

from word2vec.config import TrainConfig
from word2vec.corpus import Corpus
from word2vec.errors import ConfigError, TrainingError
from word2vec.sampling.held_out import Split
from word2vec.sampling.shards import count_words
from word2vec.training.loop import run_training
from word2vec.training.tuning.measures import Measure
from word2vec.training.tuning.sample import SampleSource, sample
from word2vec.training.tuning.schedule import Cost, smallest_sample
from word2vec.training.tuning.space import Space, Values, Work, with_values
from word2vec.vectors import WordVectors

WARM_UP_WORDS = 2_000  # enough to compile the engine
CALIBRATION_WORDS = 400_000  # trained in a second or two, to measure the speed

logger = logging.getLogger("word2vec")


class Outcome(NamedTuple):
    """What a training gives: the scores on both halves of the measure, the time, and why it failed."""

    score: float | None
    held_out: float | None
    seconds: float
    error: str | None


class Trainer:
    """Trains candidates on samples of a corpus.

    Args:
        base: The default settings.
        corpus: The corpus.
        split: Its sentences to train and to hold out.
        measure: Scores the vectors.
        work: Estimates training times.

    Attributes:
        words: Words of the corpus that can be trained.
        smallest: Fraction of them in the smallest sample.
    """

    def __init__(self, base: TrainConfig, corpus: Corpus, split: Split, measure: Measure, work: Work) -> None:
        self._base, self._corpus, self._split, self._measure, self.work = base, corpus, split, measure, work
        self.words = count_words(split.training, corpus.offsets)
        self.smallest = smallest_sample(self.words, work.vectors)
        self._overhead = 0.0  # seconds of a training on nothing
        self._work = self._seconds = 0.0  # of recent trainings: work relative to the default's, without overhead

    def warm_up(self, space: Space) -> None:
        """Compile the engine for the values of a space, and measure the speed.

        Raises:
            ConfigError: The measure fails or is undefined.
            TrainingError: Training with the default settings diverged.
            Word2VecError: Training is not possible.
        """
        default = {name: values[0] for name, values in space.items()}
        fraction = min(1.0, WARM_UP_WORDS / self.words)
        for negatives in space.get("negatives", (self._base.negatives,)):
            self._fit({**default, "negatives": negatives}, fraction, self._base.seed)
        self._overhead = self.train(default, fraction, self._base.seed).seconds
        fraction = min(1.0, CALIBRATION_WORDS / self.words)
        outcome = self.train(default, fraction, self._base.seed)
        if outcome.error:
            raise TrainingError(outcome.error)
        if outcome.score is None:
            raise ConfigError(
                f"--measure: {self._measure.name} is undefined for the default settings, for instance because no word "
                "of it is in the vocabulary; choose another measure"
            )
        self.record(default, fraction, outcome.seconds)

    def train(self, values: Values, fraction: float, seed: int, *, held_out: bool = False) -> Outcome:
        """Train on a sample and measure the vectors.

        Args:
            values: The values of the searched settings.
            fraction: The fraction of the corpus.
            seed: Random seed.
            held_out: Whether to score the held-out half as well.

        Raises:
            TrainingInterrupted: A signal arrived.
            Word2VecError: The measure failed, or training is not possible with any values.
        """
        start = time.perf_counter()
        try:
            vectors, config = self._fit(values, fraction, seed)
        except TrainingError as error:  # diverged: other values may not
            return Outcome(None, None, time.perf_counter() - start, str(error))
        scores = [self._score(vectors, config, half) for half in (False, True)[: 1 + held_out]]
        return Outcome(scores[0], scores[1] if held_out else None, time.perf_counter() - start, None)

    def _fit(self, values: Values, fraction: float, seed: int) -> tuple[WordVectors, TrainConfig]:
        """Train on a sample.

        Raises:
            TrainingError: Training diverged.
        """
        config = replace(with_values(self._base, values), seed=seed)
        source = SampleSource(self._corpus, sample(self._corpus, self._split, fraction))
        with _quiet():
            vectors = run_training(
                config, source, None, objective=None, callbacks=(), progress=False, resume=False, overwrite=False
            )
        return cast("WordVectors", vectors), config

    def _score(self, vectors: WordVectors, config: TrainConfig, held_out: bool) -> float | None:
        score = self._measure.score(vectors, config, held_out=held_out)
        return score if math.isfinite(score) else None

    def start_rung(self) -> None:
        """Measure the speed anew, from the trainings of the next rung; the earlier ones count little."""
        self._work, self._seconds = (1e-2 * total for total in (self._work, self._seconds))

    def record(self, values: Values, fraction: float, seconds: float) -> None:
        """Record how long a training took."""
        self._work += self.work.relative(values) * fraction
        self._seconds += max(seconds - self._overhead, 0.0)

    def predict(self, values: Values, fraction: float) -> float:
        """Return the expected seconds of a training."""
        return self._overhead + self._default_seconds * self.work.relative(values) * fraction

    def cost(self, values: list[Values]) -> Cost:
        """Return the expected seconds of trainings with these values on the whole corpus."""
        relative = sum(map(self.work.relative, values)) / len(values)
        return Cost(self._overhead, self._default_seconds, self._default_seconds * relative)

    @property
    def _default_seconds(self) -> float:
        """Expected seconds of the default on the whole corpus, without overhead."""
        return self._seconds / self._work


@contextmanager
def _quiet() -> Iterator[None]:
    """Log errors only: the facts about corpus and settings would be repeated for each training."""
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
