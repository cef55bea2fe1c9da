"""The settings that are tried."""

from itertools import islice

import numpy as np
import pytest

from word2vec.config import TrainConfig
from word2vec.corpus import Vocabulary
from word2vec.errors import ConfigError
from word2vec.training.tuning.space import MAX_RELATIVE_WORK, SEARCHED, Work, candidates, search_space, with_values

BASE = TrainConfig(lr=0.025)
WORK = Work(BASE, Vocabulary([f"w{i}" for i in range(100)], np.arange(1000, 0, -10)), np.array([0, 10, 20]))


def test_the_default_comes_first_and_nothing_twice() -> None:
    space = search_space(BASE, ())
    found = list(islice(candidates(space, WORK, 1), 100))
    assert with_values(BASE, found[0]) == BASE
    assert len({tuple(values.items()) for values in found}) == 100
    assert found == list(islice(candidates(space, WORK, 1), 100))
    assert found != list(islice(candidates(space, WORK, 2), 100))
    assert max(map(WORK.relative, found)) <= MAX_RELATIVE_WORK
    for name in SEARCHED:
        assert {values[name] for values in found} == set(space[name])
        assert 30 < sum(values[name] == getattr(BASE, name) for values in found) < 75
    assert min(space["noise_exponent"]) < 0


def test_settings_that_are_fixed_or_without_effect_are_not_searched() -> None:
    assert set(search_space(BASE, ["window", "dim"])) == set(SEARCHED) - {"window"}
    assert "window" not in search_space(TrainConfig(lr=0.025, window_mode="full"), ())
    tree = search_space(TrainConfig(lr=0.025, objective="hierarchical-softmax"), ())
    assert set(tree) == {"window", "subsample", "epochs", "lr"}
    with pytest.raises(ConfigError, match=r"omit one of --noise-exponent, .*--negatives"):
        search_space(BASE, SEARCHED)


def test_a_small_space_is_exhausted() -> None:
    space = search_space(BASE, set(SEARCHED) - {"lr"})
    assert sorted(values["lr"] for values in candidates(space, WORK, 1)) == [0.0125, 0.0175, 0.025, 0.035, 0.05]


def test_work_grows_with_what_is_trained() -> None:
    default = {name: values[0] for name, values in search_space(BASE, ()).items()}
    assert WORK.relative(default) == 1
    assert WORK.relative(default | {"epochs": 10}) == 2
    assert WORK.relative(default | {"window": 10}) > 1.2
    assert WORK.relative(default | {"negatives": 10}) > 1.2
    assert WORK.relative(default | {"subsample": 1e-5}) < 0.5
