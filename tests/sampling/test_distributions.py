"""The random draws: frequencies against the distribution, and pairs against a plain double loop."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from word2vec.sampling.distributions import AliasTable, draw_negatives, subsample, window_pairs
from word2vec.sampling.windows import WINDOW_MODES, make_window

SIGNIFICANCE = 1e-4  # a correct sampler fails a chi-square test for one seed in 10,000; the seed is fixed
DRAWS = 200_000


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def p_value(drawn: torch.Tensor, probabilities: np.ndarray) -> float:
    """The p-value of a chi-square test; words of probability 0 must not be drawn."""
    observed = np.bincount(drawn.flatten().numpy(), minlength=len(probabilities))
    assert len(observed) == len(probabilities)
    assert observed[probabilities == 0].sum() == 0
    possible = probabilities > 0
    expected = probabilities[possible] / probabilities.sum() * observed.sum()
    return float(chisquare(observed[possible], expected).pvalue)


def zipf(size: int, exponent: float = 0.75) -> np.ndarray:
    weights = (1 / np.arange(1, size + 1)) ** exponent
    return weights / weights.sum()


@pytest.mark.parametrize(
    "probabilities",
    [
        np.array([0.5, 0.5]),
        np.array([0.999, 0.001]),
        np.array([0.2, 0.0, 0.8]),
        zipf(7),
        zipf(1023),
        np.array([3.0, 1.0]),
    ],
    ids=["even", "skewed", "zero", "zipf", "many", "unnormalized"],
)
def test_alias_table_draws_the_distribution(probabilities: np.ndarray) -> None:
    drawn = AliasTable(probabilities).draw((DRAWS,), generator())
    assert p_value(drawn, probabilities) > SIGNIFICANCE


def test_alias_table_has_no_bias() -> None:
    # the sum over all columns of what each word gets is its probability; no sampling error could hide a small bias
    probabilities = zipf(50_000)
    table = AliasTable(probabilities)
    acceptance = table.acceptance.double().numpy()
    mass = acceptance.copy()
    np.add.at(mass, table.alias.numpy(), 1 - acceptance)
    np.testing.assert_allclose(mass / len(probabilities), probabilities, rtol=1e-4)  # acceptances are float32


@pytest.mark.parametrize("probabilities", [[], [0.0, 0.0], [0.5, -0.5], [[0.5], [0.5]]])
def test_alias_table_rejects_invalid_weights(probabilities: list[float]) -> None:
    with pytest.raises(ValueError, match="alias table"):
        AliasTable(probabilities)


def test_negatives_follow_the_distribution_without_the_true_word() -> None:
    noise = zipf(12)
    table = AliasTable(noise)
    for positive in (0, 5, 11):
        drawn = draw_negatives(table, torch.full((DRAWS // 5,), positive), 5, generator(positive))
        assert drawn.shape == (DRAWS // 5, 5)
        assert not (drawn == positive).any()
        conditional = noise.copy()
        conditional[positive] = 0
        assert p_value(drawn, conditional) > SIGNIFICANCE


def test_negatives_of_two_words_are_the_other_word() -> None:
    drawn = draw_negatives(AliasTable([0.9, 0.1]), torch.tensor([0, 1, 0]), 20, generator())
    assert torch.equal(drawn, torch.tensor([[1], [0], [1]]).expand(-1, 20))


def test_negatives_end_if_one_word_has_nearly_all_probability() -> None:
    # word 0 has all but a hundred-millionth: drawing until another word is drawn would take minutes
    table = AliasTable([1.0, 5e-9, 5e-9])
    drawn = draw_negatives(table, torch.zeros(DRAWS, dtype=torch.int64), 1, generator())
    assert p_value(drawn, np.array([0.0, 0.5, 0.5])) > SIGNIFICANCE


def test_subsampling_follows_the_keep_probabilities_and_drops_unknown_words() -> None:
    keep = torch.tensor([0.0, 0.25, 0.5, 1.0])
    times = 40_000
    ids = torch.arange(6).repeat(times)  # ids 4 and 5 are out of vocabulary
    kept = subsample(keep, ids, generator())
    fractions = [kept[ids == word].float().mean().item() for word in range(6)]
    deviation = 4 * (0.25 / times) ** 0.5  # four standard deviations of the widest distribution
    assert fractions == pytest.approx([0, 0.25, 0.5, 1, 0, 0], abs=deviation)
    assert fractions[0] == fractions[4] == fractions[5] == 0
    assert fractions[3] == 1


IN_CONTEXT: dict[str, Callable[[int, int, int], bool]] = {
    "shrink": lambda distance, width, window: abs(distance) <= width,
    "fixed": lambda distance, width, window: abs(distance) <= window,
    "full": lambda distance, width, window: True,
    "left": lambda distance, width, window: -width <= distance < 0,
    "right": lambda distance, width, window: 0 < distance <= width,
}
"""The definition of each mode, for the distance of a word from the center word, which is negative before it."""


def plain_pairs(mode: str, window: int, sentence: list[int], widths: list[int]) -> set[tuple[int, int]]:
    """The definition, word by word."""
    return {
        (center, context)
        for center, width in enumerate(widths)
        for context in range(len(sentence))
        if context != center
        and sentence[context] == sentence[center]
        and IN_CONTEXT[mode](context - center, width, window)
    }


@pytest.mark.parametrize("mode", WINDOW_MODES)
@pytest.mark.parametrize("window", [1, 2, 5, 40])
@pytest.mark.parametrize("lengths", [[1], [2], [1, 1, 1], [7, 1, 13], [30, 3, 30]])
def test_window_pairs_equal_the_plain_double_loop(mode: str, window: int, lengths: list[int]) -> None:
    sentence = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    widths = torch.randint(1, window + 1, (len(sentence),), generator=generator(3)).tolist()
    bounds = make_window(mode, window, np.cumsum([0, *lengths]))
    center, context = window_pairs(sentence, bounds, generator(3))  # draws the same widths
    found = list(zip(center.tolist(), context.tolist(), strict=True))
    assert len(found) == len(set(found))
    assert set(found) == plain_pairs(mode, window, sentence.tolist(), widths)


def test_a_full_window_pairs_all_words_of_the_longest_sentence() -> None:
    sentence = torch.repeat_interleave(torch.arange(3), torch.tensor([2, 1000, 5]))
    center, context = window_pairs(sentence, make_window("full", 1, np.array([0, 2, 1002, 1007])), generator())
    assert len(center) == 2 + 1000 * 999 + 5 * 4
    assert len(torch.unique(center * 2000 + context)) == len(center)
    assert torch.equal(sentence[center], sentence[context])
    assert not (center == context).any()


@pytest.mark.parametrize(("mode", "sides"), [("shrink", [-1, 1]), ("left", [-1]), ("right", [1])])
def test_window_widths_are_uniform(mode: str, sides: list[int]) -> None:
    # in one long sentence, pairs at distance d have centers whose width is at least d: a fraction of 1 - (d - 1)/W
    size, window = 50_000, 5
    bounds = make_window(mode, window, np.array([0, size]))
    center, context = window_pairs(torch.zeros(size, dtype=torch.int64), bounds, generator())
    for side in (-1, 1):
        distance = (context - center) * side
        fractions = [(distance == d).sum().item() / size for d in range(1, window + 1)]
        expected = [1.0, 0.8, 0.6, 0.4, 0.2] if side in sides else [0.0] * 5
        assert fractions == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("mode", WINDOW_MODES)
def test_no_words_make_no_pairs(mode: str) -> None:
    window = make_window(mode, 5, np.array([0]))
    center, context = window_pairs(torch.empty(0, dtype=torch.int64), window, generator())
    assert len(center) == len(context) == 0
