"""The search: rungs of successive halving, and the comparison of the best settings with the default.

schedule.py plans the rungs, trainer.py trains and measures, trials.py keeps what is known, and comparison.py tells
whether the best settings are better than the default.
"""

import itertools
import logging
import math
import time
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from word2vec.config import TrainConfig
from word2vec.training.console import records_above
from word2vec.training.tuning.comparison import Comparison, compare
from word2vec.training.tuning.measures import Measure
from word2vec.training.tuning.schedule import (
    MAX_SETTINGS,
    RUNGS,
    SEEDS,
    Plan,
    compares_whole_corpus,
    next_size,
    plan_rungs,
    plan_search,
    sizes,
)
from word2vec.training.tuning.space import Space, Values, candidates, with_values
from word2vec.training.tuning.trainer import Trainer
from word2vec.training.tuning.trials import Trial, TrialLog

DEFAULT = 0  # the number of the default settings
PREVIEW = 60  # candidates whose mean cost is used for planning

logger = logging.getLogger("word2vec")


@dataclass(frozen=True)
class TuningResult:
    """The result of a search.

    Attributes:
        config: The settings to use: the best ones if they are better than the default, else the default.
        default: The values of the searched settings in the default.
        best: Those of the best settings found; None if the search ended before any were trained.
        setting: The number of the best settings, by which the trials refer to them; None if there are none.
        comparison: Their scores and those of the default, on the half of the measure that chose among the settings.
        held_out: The same on the held-out half; None if the measure has none.
        fraction: The fraction of the corpus on which they were compared.
        trials: All trainings.
        measure: Name of the measure.
        halves: Describes its halves.
    """

    config: TrainConfig
    default: Values
    best: Values | None
    setting: int | None
    comparison: Comparison
    held_out: Comparison | None
    fraction: float
    trials: list[Trial]
    measure: str
    halves: str

    @property
    def better(self) -> bool:
        """Whether the best settings are better than the default; decided by the held-out half, if there is one."""
        return (self.held_out or self.comparison).better

    @property
    def settings_tried(self) -> int:
        """Number of settings that were trained, including the default."""
        return len({trial.setting for trial in self.trials})

    @property
    def changes(self) -> dict[str, float]:
        """The best values that differ from the default."""
        return {name: value for name, value in (self.best or {}).items() if value != self.default[name]}

    @property
    def verdict(self) -> str:
        """The result in a sentence."""
        deciding = self.held_out or self.comparison
        if self.trials and self.best is None:
            return "no settings but the default could be trained"
        if not math.isfinite(deciding.noise):
            return "the search ended before the best settings were compared with the default"
        advantage = f"{deciding.advantage:+.4f}, noise {deciding.noise:.4f}"
        half = "" if self.held_out is None else " on the held-out half"
        sample = "" if self.fraction == 1 else f", trained on {self.fraction:.0%} of the corpus"
        return f"{'better' if self.better else 'no better'} than the default{half}{sample} ({advantage})"

    def as_dict(self) -> dict[str, Any]:
        """Return the result for JSON."""
        return {
            "measure": self.measure,
            "halves": self.halves,
            "settings_tried": self.settings_tried,
            "better": self.better,
            "verdict": self.verdict,
            "fraction": self.fraction,
            "default": dict(self.default),
            "best": None if self.best is None else dict(self.best),
            "comparison": self.comparison.as_dict(),
            "held_out": None if self.held_out is None else self.held_out.as_dict(),
            "config": self.config.as_dict(),
            "trials": len(self.trials),
        }


class Search:
    """A search in progress.

    Args:
        base: The default settings.
        space: The values to try.
        trainer: Trains and measures candidates.
        measure: The measure.
        log: What is known already.
        seconds: Seconds of the whole search, including earlier sessions.
        started: The clock at which this session began, from `time.monotonic`.
        progress: Whether to show progress bars on stderr.
    """

    def __init__(
        self,
        base: TrainConfig,
        space: Space,
        trainer: Trainer,
        measure: Measure,
        log: TrialLog,
        *,
        seconds: float,
        started: float,
        progress: bool,
    ) -> None:
        self._base, self._space, self._trainer, self._measure, self._log = base, space, trainer, measure, log
        self._seconds, self._progress = seconds, progress
        self._started = started - (log.trials[-1].elapsed if log.trials else 0.0)
        generated = candidates(space, trainer.work, base.seed)
        self._settings: list[Values] = list(itertools.islice(generated, MAX_SETTINGS))

    def run(self) -> None:
        """Run what is left of the search.

        Raises:
            ConfigError: The budget is too small, or the measure fails.
            TrainingInterrupted: A signal arrived.
        """
        self._trainer.warm_up(self._space)
        settings, compared = list(range(len(self._settings))), 1.0
        for rung in range(RUNGS):
            plan = self._plan(rung, settings)
            settings = settings[: plan.settings[0]]
            share = plan.seconds[0] / plan.total * (self._seconds - self._elapsed())
            self._train_rung(rung, settings, self._log.rungs[rung][0], share)
            ranked = [DEFAULT, *(trial.setting for trial in self._ranked(rung))]
            settings = ranked[: next_size(len(settings))]
            compared = 1.0 if plan.compared == 1 else self._log.rungs[rung][0]
        if trials := self._compared():
            compared = 1.0 if trials[0].fraction == 1 else self._log.rungs[-1][0]
        self._compare(compared)

    def result(self) -> TuningResult:
        """Return what is known so far."""
        best, compared = self._best(), self._compared()
        default, found = ([t for t in compared if t.setting == setting] for setting in (DEFAULT, best))
        comparison = compare([t.score for t in default], [t.score for t in found])
        held_out = None
        if self._measure.has_held_out:
            held_out = compare([t.held_out for t in default], [t.held_out for t in found])
        better = best is not None and (held_out or comparison).better
        return TuningResult(
            config=with_values(self._base, self._settings[best]) if better and best is not None else self._base,
            default=self._settings[DEFAULT],
            best=None if best is None else self._settings[best],
            setting=best,
            comparison=comparison,
            held_out=held_out,
            fraction=compared[0].fraction if compared else 0.0,
            trials=self._log.trials,
            measure=self._measure.name,
            halves=self._measure.halves,
        )

    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    def _plan(self, rung: int, settings: list[int]) -> Plan:
        """Plan the rungs from this one on, for the time that is left; a rung of an earlier session stays as it was.

        Args:
            rung: Number of the rung.
            settings: The settings that are left.
        """
        trainer, left, known = self._trainer, self._seconds - self._elapsed(), rung < len(self._log.rungs)
        if rung == 0 and not known:
            cost = trainer.cost(self._settings[1 : PREVIEW + 1])
            whole = compares_whole_corpus(self._seconds, cost)
            plan = plan_search(left, trainer.smallest, cost, len(settings), whole=whole)
        else:
            number = self._log.rungs[rung][1] if known else len(settings)
            others = settings[1:number] or [DEFAULT]  # all others may have failed
            cost = trainer.cost([self._settings[setting] for setting in others])
            whole = compares_whole_corpus(self._seconds, cost)
            plan = plan_rungs(left, sizes(number, RUNGS - rung), trainer.smallest, cost, whole=whole)
        if not known:
            earlier = self._log.rungs[-1][0] if rung else 0.0  # a sample is never smaller than that of the rung before
            self._log.add_rung(max(earlier, plan.fractions[0]), plan.settings[0])
        return plan

    def _train_rung(self, rung: int, settings: list[int], fraction: float, allowed: float) -> None:
        """Train the settings of a rung, the default first; after the time allowed, no further training begins."""
        words = round(fraction * self._trainer.words)
        left = [setting for setting in settings if not self._log.find(setting, rung, self._base.seed)]
        logger.info(
            "rung %d of %d: %d settings, %s words of the corpus each, %.1f of %.1f minutes used",
            rung + 1, RUNGS, len(settings), f"{words:,}", self._elapsed() / 60, self._seconds / 60,
        )  # fmt: skip
        self._trainer.start_rung()
        deadline = self._elapsed() + allowed
        bar = tqdm(left, desc=f"rung {rung + 1}", disable=not self._progress, leave=False)
        with bar, records_above(bar):
            for done, setting in enumerate(bar, start=len(settings) - len(left)):
                expected = self._trainer.predict(self._settings[setting], fraction)
                if done >= 2 and self._elapsed() + expected > deadline:
                    logger.info("rung %d: no time for %d of %d settings", rung + 1, len(settings) - done, len(settings))
                    break
                self._train(setting, rung, self._base.seed, fraction)

    def _compare(self, fraction: float) -> None:
        """Train the default and the best settings with fresh seeds, and score both halves of the measure."""
        best = self._best()
        if best is None:
            return
        logger.info("comparing the best settings with the default, with %d seeds", SEEDS)
        pairs = [(self._base.seed + number, setting) for number in range(1, SEEDS + 1) for setting in (DEFAULT, best)]
        for seed, setting in tqdm(pairs, desc="comparison", disable=not self._progress, leave=False):
            both = sum(self._trainer.predict(self._settings[each], fraction) for each in (DEFAULT, best))
            if setting == DEFAULT and seed > self._base.seed + 2 and self._elapsed() + both > self._seconds:
                logger.info("no time for a third seed")
                break
            if not self._log.find(setting, RUNGS, seed):
                self._train(setting, RUNGS, seed, fraction)

    def _train(self, setting: int, rung: int, seed: int, fraction: float) -> None:
        values, compared = self._settings[setting], rung == RUNGS
        held_out = compared and self._measure.has_held_out
        outcome = self._trainer.train(values, fraction, seed, held_out=held_out)
        self._trainer.record(values, fraction, outcome.seconds)
        self._log.add(
            Trial(
                setting, rung, seed, round(fraction, 6), values, outcome.score, outcome.held_out,
                round(outcome.seconds, 3), round(self._elapsed(), 3), outcome.error,
            )
        )  # fmt: skip

    def _ranked(self, rung: int) -> list[Trial]:
        """Return the trainings of a rung without the default, the best first."""
        found = [t for t in self._log.trials if t.rung == rung and t.setting != DEFAULT and t.score is not None]
        return sorted(found, key=lambda trial: (-(trial.score or 0.0), trial.setting))

    def _compared(self) -> list[Trial]:
        """Return the trainings of the final comparison."""
        return [trial for trial in self._log.trials if trial.rung == RUNGS]

    def _best(self) -> int | None:
        """Return the best settings of the last rung with any that could be measured, besides the default."""
        for rung in reversed(range(RUNGS)):
            if ranked := self._ranked(rung):
                return ranked[0].setting
        return None
