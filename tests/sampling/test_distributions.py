"""Samplers are tested by what they draw: frequencies against the distribution, pairs against a plain double loop."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from word2vec.sampling.distributions import AliasTable, draw_negatives, subsample, window_pairs

ENOUGH = 1e-4  # a right sampler fails a chi-square test at this level once in 10,000 seeds; the seed is fixed
DRAWS = 200_000


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def p_value(drawn: torch.Tensor, probabilities: np.ndarray) -> float:
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
    ids=["even", "skewed", "zero", "zipf", "many", "unnormalised"],
)
def test_alias_table_draws_the_distribution(probabilities: np.ndarray) -> None:
    drawn = AliasTable(probabilities).draw((DRAWS,), generator())
    assert p_value(drawn, probabilities) > ENOUGH


def test_alias_table_is_the_distribution_exactly() -> None:
    # what each word gets over all columns, added up, is its probability: no sampling error hides a small bias
    probabilities = zipf(50_000)
    table = AliasTable(probabilities)
    acceptance = table.acceptance.double().numpy()
    mass = acceptance.copy()
    np.add.at(mass, table.alias.numpy(), 1 - acceptance)
    np.testing.assert_allclose(mass / len(probabilities), probabilities, rtol=1e-4)  # acceptances are kept in float32


@pytest.mark.parametrize("probabilities", [[], [0.0, 0.0], [0.5, -0.5], [[0.5], [0.5]]])
def test_alias_table_refuses_what_is_no_distribution(probabilities: list[float]) -> None:
    with pytest.raises(ValueError, match="alias table"):
        AliasTable(probabilities)


def test_negatives_follow_the_noise_given_that_they_miss_the_positive() -> None:
    noise = zipf(12)
    table = AliasTable(noise)
    for positive in (0, 5, 11):
        drawn = draw_negatives(table, torch.full((DRAWS // 5,), positive), 5, generator(positive))
        assert drawn.shape == (DRAWS // 5, 5)
        assert not (drawn == positive).any()
        given = noise.copy()
        given[positive] = 0
        assert p_value(drawn, given) > ENOUGH


def test_negatives_of_two_words_are_always_the_other() -> None:
    drawn = draw_negatives(AliasTable([0.9, 0.1]), torch.tensor([0, 1, 0]), 20, generator())
    assert torch.equal(drawn, torch.tensor([[1], [0], [1]]).expand(-1, 20))


def test_negatives_end_however_much_one_word_has() -> None:
    # word 0 has all but a hundred-millionth: drawing until another comes would take minutes
    table = AliasTable([1.0, 5e-9, 5e-9])
    drawn = draw_negatives(table, torch.zeros(DRAWS, dtype=torch.int64), 1, generator())
    assert p_value(drawn, np.array([0.0, 0.5, 0.5])) > ENOUGH


def test_subsampling_keeps_each_word_as_often_as_told_and_drops_the_unknown() -> None:
    keep = torch.tensor([0.0, 0.25, 0.5, 1.0])
    times = 40_000
    ids = torch.arange(6).repeat(times)  # ids 4 and 5 are out of vocabulary
    kept = subsample(keep, ids, generator())
    acceptance = [kept[ids == word].float().mean().item() for word in range(6)]
    deviation = 4 * (0.25 / times) ** 0.5  # four standard deviations of the widest
    assert acceptance == pytest.approx([0, 0.25, 0.5, 1, 0, 0], abs=deviation)
    assert acceptance[0] == acceptance[4] == acceptance[5] == 0
    assert acceptance[3] == 1


def plain_pairs(sentence: list[int], width: list[int]) -> set[tuple[int, int]]:
    """The definition, word by word."""
    pairs = set()
    for center, reach in enumerate(width):
        for context in range(max(0, center - reach), min(len(sentence), center + reach + 1)):
            if context != center and sentence[context] == sentence[center]:
                pairs.add((center, context))
    return pairs


@pytest.mark.parametrize("window", [1, 2, 5, 40])
@pytest.mark.parametrize("lengths", [[1], [2], [1, 1, 1], [7, 1, 13], [30, 3, 30]])
def test_window_pairs_equal_the_plain_double_loop(window: int, lengths: list[int]) -> None:
    sentence = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    width = torch.randint(1, window + 1, (len(sentence),), generator=generator(3)).tolist()
    center, context = window_pairs(sentence, window, generator(3))  # draws the same widths first
    found = list(zip(center.tolist(), context.tolist(), strict=True))
    assert len(found) == len(set(found))
    assert set(found) == plain_pairs(sentence.tolist(), width)


def test_window_widths_are_uniform() -> None:
    # in one long sentence a pair at distance d is made by the centers whose width is d or more: 1 - (d - 1)/W
    size, window = 50_000, 5
    center, context = window_pairs(torch.zeros(size, dtype=torch.int64), window, generator())
    distance = (center - context).abs()
    acceptance = [(distance == d).sum().item() / (2 * size) for d in range(1, window + 1)]
    assert acceptance == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2], abs=0.01)


def test_no_words_make_no_pairs() -> None:
    center, context = window_pairs(torch.empty(0, dtype=torch.int64), 5, generator())
    assert len(center) == len(context) == 0
