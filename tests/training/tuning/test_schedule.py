"""How many settings are trained on how much of the corpus."""

import pytest

from word2vec.errors import ConfigError
from word2vec.training.tuning.schedule import (
    Cost,
    compares_whole_corpus,
    plan_rungs,
    plan_search,
    sizes,
    smallest_sample,
)

WIKI8 = Cost(overhead=0.4, default=23.0, candidate=35.0)  # seconds on two cores


def test_a_third_of_the_settings_and_the_default_remain() -> None:
    assert sizes(40) == (40, 14, 5)
    assert sizes(4) == (4, 2, 2)


def test_each_rung_has_three_times_the_text_and_about_the_same_time() -> None:
    plan = plan_search(15 * 60, 0.01, WIKI8, 200)
    assert plan.settings == (50, 17, 6)
    assert plan.fractions == pytest.approx((1 / 9, 1 / 3, 1))
    assert plan.seconds == pytest.approx((213, 201, 200), abs=1)
    assert plan.total <= 0.9 * 15 * 60


def test_with_less_time_the_samples_shrink_and_then_the_number_of_settings() -> None:
    shorter = plan_search(10 * 60, 0.01, WIKI8, 200)
    assert shorter.settings[0] == 40
    assert shorter.fractions == pytest.approx((0.0878, 0.2634, 0.7901), abs=1e-4)
    assert shorter.total == pytest.approx(540, abs=1)
    slow = plan_search(15 * 60, 0.04, Cost(5.0, 200.0, 300.0), 200)
    assert slow.settings[0] < 40
    assert slow.fractions[0] == 0.04
    assert slow.total <= 810


def test_the_comparison_has_the_whole_corpus_unless_that_takes_most_of_the_time() -> None:
    assert compares_whole_corpus(450, WIKI8)
    assert not compares_whole_corpus(440, WIKI8)
    plan = plan_search(450, 0.01, WIKI8, 200, whole=True)
    assert plan.compared == 1
    assert plan.comparison == pytest.approx(6 * 0.4 + 3 * (23 + 35))
    assert plan.total == pytest.approx(405, abs=1)
    sample = plan_search(450, 0.01, WIKI8, 200)
    assert plan.fractions[-1] < sample.fractions[-1] == sample.compared < 1


def test_the_time_is_enough_for_nothing() -> None:
    with pytest.raises(ConfigError, match=r"--budget: 0.1 minutes .* takes about 1\.\d; raise"):
        plan_search(6, 0.04, Cost(5.0, 0.0, 0.0))


def test_few_distinct_settings_are_all_tried() -> None:
    assert plan_search(3600, 0.01, WIKI8, 5).settings == (5, 2, 2)


def test_the_rest_is_planned_for_the_time_that_is_left() -> None:
    whole = plan_rungs(900, (14, 5), 0.01, WIKI8)
    assert whole.fractions == pytest.approx((1 / 3, 1))
    late = plan_rungs(300, (14, 5), 0.01, WIKI8)
    assert late.total == pytest.approx(270, abs=1)
    assert late.fractions[1] == pytest.approx(3 * late.fractions[0])
    assert plan_rungs(1, (14, 5), 0.01, WIKI8).fractions == (0.01, 0.01)


def test_a_sample_has_words_for_every_vector() -> None:
    assert smallest_sample(17_000_000, 68_000) == 0.04
    assert smallest_sample(10_000_000, 500) == 0.01
    assert smallest_sample(50_000, 500) == 1.0
