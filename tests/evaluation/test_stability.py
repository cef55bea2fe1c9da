"""Agreement on nearest neighbors, compared with a search by hand."""

import math
from itertools import combinations

import numpy as np
import pytest

from word2vec.errors import Word2VecError
from word2vec.evaluation.stability import count_agreement, evaluate_stability
from word2vec.vectors.word_vectors import WordVectors


def noisy_runs(number: int, words: int = 150, noise: float = 0.5) -> list[WordVectors]:
    """The same vectors with noise that grows with the rank of the word; each run has one word of its own."""
    shared = np.random.default_rng(0).normal(size=(words, 8))
    growing = noise * np.linspace(0.2, 2, words)[:, np.newaxis]
    runs = []
    for seed in range(1, number + 1):
        rng = np.random.default_rng(seed)
        order = rng.permutation(words) if seed > 1 else np.arange(words)
        table = (shared + growing * rng.normal(size=shared.shape))[order]
        names = [f"own{seed}", *(f"w{row}" for row in order)]
        counts = range(2 * words + 1, words, -1) if seed == 1 else None
        runs.append(WordVectors(names, np.concatenate([rng.normal(size=(1, 8)), table]), counts=counts))
    return runs


def test_overlap_agrees_with_a_search_by_hand() -> None:
    runs = noisy_runs(3)
    result = evaluate_stability(runs, n=5, words_per_band=200)
    assert (result.runs, result.words, result.n) == (3, 150, 5)
    assert [(band.first, band.last, band.words) for band in result.bands] == [(1, 100, 100), (101, 150, 50)]
    assert [(band.min_count, band.max_count) for band in result.bands] == [(201, 300), (151, 200)]
    for band in result.bands:
        overlaps = []
        for word in runs[0].words[band.first : band.last + 1]:
            near = [{w for w, _ in [n for n in run.nearest(word) if n[0][:3] != "own"][:5]} for run in runs]
            overlaps.append(np.mean([len(a & b) / 5 for a, b in combinations(near, 2)]))
        assert band.overlap == pytest.approx(np.mean(overlaps))
        half = 1.96 * np.std(overlaps, ddof=1) / len(overlaps) ** 0.5
        assert (band.ci_low, band.ci_high) == pytest.approx((band.overlap - half, band.overlap + half))
    frequent, rare = result.bands
    assert frequent.overlap > rare.overlap + 0.1


def test_words_are_sampled_and_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = noisy_runs(2)
    result = evaluate_stability(runs, words_per_band=40)
    assert [band.words for band in result.bands] == [40, 40]
    monkeypatch.setattr("word2vec.vectors.search._BLOCK_CELLS", 80 * 17)
    assert evaluate_stability(runs, words_per_band=40) == result
    assert evaluate_stability(runs, words_per_band=40, seed=1) != result


def test_refined_vectors_are_compared_by_their_plain_ones() -> None:
    runs = noisy_runs(2)
    turned = [WordVectors(run.words, run.vectors[::-1], counts=run.counts, plain=run.vectors) for run in runs]
    assert evaluate_stability(turned) == evaluate_stability(runs)


def test_small_vocabularies() -> None:
    runs = [WordVectors(["a", "b"], np.random.default_rng(seed).normal(size=(2, 3))) for seed in (1, 2)]
    (band,) = evaluate_stability(runs).bands
    assert (band.overlap, band.min_count) == (1, None)
    single = evaluate_stability(runs, words_per_band=1)
    assert math.isnan(single.bands[0].ci_low)
    assert single.as_dict()["bands"][0]["ci_low"] is None


def test_runs_that_cannot_be_compared() -> None:
    first, second = noisy_runs(2)
    with pytest.raises(Word2VecError, match="two runs or more, got 1"):
        evaluate_stability([first])
    with pytest.raises(Word2VecError, match="run 1 and run 3: the same vectors"):
        evaluate_stability([first, second, WordVectors(first.words, first.vectors)])
    with pytest.raises(Word2VecError, match="fewer than two words in common"):
        evaluate_stability([first, WordVectors(["w1", "other"], np.eye(2))])
    with pytest.raises(Word2VecError, match="1 or more, got 0"):
        evaluate_stability([first, second], n=0)


def test_agreement_counts_runs() -> None:
    answers = [[("a", 0.9), ("b", 0.8)], [("b", 0.7), ("c", 0.6)], [("b", 0.5), ("a", 0.4)]]
    assert count_agreement(answers) == [2, 3]
