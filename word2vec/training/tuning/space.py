"""The settings that a search tries: which ones, which values, and how long training with them takes.

Caselles-Dupre, Lesaint and Royo-Letelier (2018), "Word2vec applied to recommendation: hyperparameters matter",
arXiv 1804.04212, find that the noise exponent, the window, the subsampling threshold and the number of epochs decide
the quality, and that the best values depend on the data: for items, noise exponents below zero can be best. The
learning rate and the number of negative samples are searched as well, because their best values depend on these.
"""

import itertools
import math
import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import numpy as np

from word2vec.config import SETTINGS, TrainConfig
from word2vec.corpus import Vocabulary
from word2vec.errors import ConfigError
from word2vec.losses import find_objective
from word2vec.sampling.windows import Offsets, make_window

Values = Mapping[str, float]
"""A value for each searched setting, by name."""

Space = Mapping[str, tuple[float, ...]]
"""The values to try for each searched setting, by name; the first one is that of the default."""

SEARCHED = ("noise_exponent", "window", "subsample", "epochs", "lr", "negatives")
EXPONENTS = (-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0)
WINDOWS = (2, 3, 5, 8, 12, 18)
THRESHOLDS = (0.0, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)
EPOCH_FACTORS = (0.6, 1.6, 2.4, 4.0)  # relative to the default
LR_FACTORS = (0.5, 0.7, 1.4, 2.0)
NEGATIVES = (2, 5, 10, 20)  # few, because the fused engine is compiled for each

KEEP_DEFAULT = 0.5  # probability that a candidate has the default value of a setting
MAX_RELATIVE_WORK = 4.0  # of a candidate; slower ones would use up the time of several others
MAX_REPEATS = 200  # rejected draws in a row after which a space counts as exhausted

# Time per kept word is about proportional to (negatives + 3) (pairs + 4): a compromise between two processors, with
# skip-gram and the fused CPU engine; it is wrong by up to a factor of 1.6. It only decides which trainings fit the
# time; the speed is measured.
NEGATIVES_OFFSET = 3
PAIRS_OFFSET = 4


def search_space(base: TrainConfig, fixed: Collection[str]) -> Space:
    """Return the values to try for each setting.

    Args:
        base: The default settings, including the learning rate.
        fixed: Settings that are not searched.

    Raises:
        ConfigError: No setting is left to search.
    """
    assert base.lr is not None  # noqa: S101 (the caller has filled in the default of the objective)
    has_noise = getattr(find_objective(base.objective), "targets", "noise") == "noise"
    values: dict[str, tuple[float, ...]] = {
        "noise_exponent": EXPONENTS if has_noise else (),
        "window": WINDOWS if base.window_mode != "full" else (),
        "subsample": THRESHOLDS,
        "epochs": tuple(max(1, round(base.epochs * factor)) for factor in EPOCH_FACTORS),
        "lr": tuple(float(f"{base.lr * factor:.3g}") for factor in LR_FACTORS),
        "negatives": NEGATIVES if has_noise else (),
    }
    space = {
        name: tuple(dict.fromkeys((getattr(base, name), *others)))
        for name, others in values.items()
        if others and name not in fixed
    }
    limits = {name: SETTINGS[name][1].maximum or math.inf for name in space}
    lowest = {"lr": base.min_lr}
    space = {
        name: tuple(value for value in values if lowest.get(name, -math.inf) <= value <= limits[name])
        for name, values in space.items()
    }
    if not any(len(each) > 1 for each in space.values()):
        raise ConfigError(f"no setting is left to search; omit one of --{', --'.join(SEARCHED).replace('_', '-')}")
    return space


def candidates(space: Space, work: "Work", seed: int) -> Iterator[Values]:
    """Yield distinct combinations of values, the default first; the same ones for the same seed.

    Each setting of a candidate keeps the value of the default with probability `KEEP_DEFAULT`. The others come from
    shuffled decks, so that all values of a setting are tried about equally often.

    Args:
        space: The values to try.
        work: Estimates training times; candidates above `MAX_RELATIVE_WORK` are left out.
        seed: Random seed.
    """
    draw = random.Random(seed)  # noqa: S311 (not for cryptography)
    decks = {name: _deck(values[1:], draw) for name, values in space.items()}
    default = {name: values[0] for name, values in space.items()}
    yield default
    seen, repeats = {tuple(default.values())}, 0
    while repeats < MAX_REPEATS:
        values = {
            name: default[name] if len(space[name]) == 1 or draw.random() < KEEP_DEFAULT else next(decks[name])
            for name in space
        }
        repeats += 1
        if tuple(values.values()) not in seen and work.relative(values) <= MAX_RELATIVE_WORK:
            seen.add(tuple(values.values()))
            repeats = 0
            yield values


def _deck(values: tuple[float, ...], draw: random.Random) -> Iterator[float]:
    for _ in itertools.count():
        yield from draw.sample(values, len(values))


def with_values(base: TrainConfig, values: Values) -> TrainConfig:
    """Return settings with the values of a candidate."""
    return replace(base, **values)  # type: ignore[arg-type]


class Work:
    """Estimates how long training takes, relative to the default settings.

    Args:
        base: The default settings.
        vocabulary: The words to train.
        offsets: (sentences + 1,) positions at which sentences begin.

    Attributes:
        vectors: Number of words in the vocabulary.
    """

    def __init__(self, base: TrainConfig, vocabulary: Vocabulary, offsets: Offsets) -> None:
        self._base, self._vocabulary, self._offsets = base, vocabulary, offsets
        self.vectors = len(vocabulary)
        self._kept: dict[float, float] = {}  # fraction of the words that survive subsampling, by threshold
        self._of_base = self._work(base)

    def relative(self, values: Values) -> float:
        """Return the time of training with these values, divided by that of the default."""
        return self._work(with_values(self._base, values)) / self._of_base

    def _work(self, config: TrainConfig) -> float:
        pairs = make_window(config.window_mode, config.window, self._offsets).pairs
        if config.subsample not in self._kept:
            keep, counts = self._vocabulary.keep_probability(config.subsample), self._vocabulary.counts
            self._kept[config.subsample] = float(np.average(keep, weights=counts))
        kept = self._kept[config.subsample]
        return config.epochs * kept * (config.negatives + NEGATIVES_OFFSET) * (pairs + PAIRS_OFFSET)
