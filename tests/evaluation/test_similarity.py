"""Word similarity: correlations compared with gensim and scipy, intervals with a plain bootstrap."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tests.evaluation.samples import gensim_copy, pair_set, random_vectors
from word2vec.errors import ConfigError
from word2vec.evaluation import resampling
from word2vec.evaluation.benchmarks import PairSet, read_pairs
from word2vec.evaluation.similarity import evaluate_similarity
from word2vec.models.subwords import Subwords
from word2vec.vectors.word_vectors import WordVectors


def line_of_words(size: int, noise: float, seed: int) -> tuple[WordVectors, PairSet]:
    """Words on a quarter circle, each paired with the first; the scores are the negative angles plus noise."""
    angles = np.linspace(0, np.pi / 2, size)
    vectors = WordVectors(
        [f"w{i}" for i in range(size)], np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    )
    scores = -angles + noise * np.random.default_rng(seed).normal(size=size)
    return vectors, PairSet("line", tuple(("w0", f"w{i}") for i in range(size)), scores)


@pytest.mark.parametrize("oov", ["skip", "zero"])
@pytest.mark.parametrize("name", ["wordsim353", "simlex999"])
def test_correlations_agree_with_gensim(tmp_path: Path, name: str, oov: Any) -> None:
    pairs = read_pairs(name)
    words = sorted({word.lower() for pair in pairs.words for word in pair})
    vectors = random_vectors(words[:-40])  # some words are unknown
    table = tmp_path / "pairs.tsv"
    lines = [f"{a}\t{b}\t{score}" for (a, b), score in zip(pairs.words, pairs.scores, strict=True)]
    table.write_text("\n".join(lines), encoding="utf-8")
    pearson, spearman, missing = gensim_copy(vectors).evaluate_word_pairs(table, dummy4unknown=oov == "zero")

    result = evaluate_similarity(vectors, name, oov=oov)
    assert result.spearman == pytest.approx(spearman[0], abs=1e-6)
    assert result.pearson == pytest.approx(pearson[0], abs=1e-6)
    unknown = sum(a.lower() in words[-40:] or b.lower() in words[-40:] for a, b in pairs.words)
    assert unknown > 10
    assert 100 * unknown / len(pairs.words) == pytest.approx(missing)
    assert result.pairs_total == len(pairs.words)
    assert result.pairs == len(pairs.words) - (unknown if oov == "skip" else 0)


def test_ngrams_provide_vectors_of_unknown_words() -> None:
    words = ["one", "two", "three", "four"]
    subwords = Subwords(np.random.default_rng(0).standard_normal((500, 8), dtype=np.float32), 4, 5)
    rng = np.random.default_rng(1)
    vectors = WordVectors(words, rng.standard_normal((4, 8)), subwords=subwords)
    listed = [("one", "two"), ("one", "Threes"), ("fours", "three"), ("x", "one")]
    pairs = pair_set([(*pair, float(score)) for score, pair in enumerate(listed)])
    for case, spelled in (("exact", "Threes"), ("exact-then-lower", "threes"), ("gensim", "threes")):
        result = evaluate_similarity(vectors, pairs, case=case)  # type: ignore[arg-type]
        cosines = [vectors.similarity("one", "two"), vectors.similarity("one", spelled)]
        cosines.append(vectors.similarity("fours", "three"))
        assert result.pearson == pytest.approx(stats.pearsonr(cosines, [0, 1, 2]).statistic, abs=1e-5)
        assert (result.pairs, result.pairs_total, result.oov) == (3, 4, ("x",))  # <x> is too short
        assert result.from_ngrams == ("Threes", "fours")
        zero = evaluate_similarity(vectors, pairs, case=case, oov="zero")  # type: ignore[arg-type]
        assert zero.pearson == pytest.approx(stats.pearsonr([*cosines, 0], [0, 1, 2, 3]).statistic, abs=1e-5)


def test_ties_share_their_mean_rank_as_in_scipy() -> None:
    vectors = random_vectors([f"w{i}" for i in range(40)], dim=3)
    rows = [(f"w{i}", f"w{(i * 7 + 1) % 40}", float(i % 4)) for i in range(40)]
    rows += rows[:10]
    unit = vectors.unit.astype(np.float64)
    cosines = [float(unit[vectors.index(a)] @ unit[vectors.index(b)]) for a, b, _ in rows]
    scores = [score for _, _, score in rows]
    result = evaluate_similarity(vectors, pair_set(rows))
    assert result.spearman == pytest.approx(stats.spearmanr(cosines, scores).statistic, abs=1e-12)
    assert result.pearson == pytest.approx(stats.pearsonr(cosines, scores).statistic, abs=1e-6)


def test_unknown_words_are_skipped_or_scored_zero_and_listed() -> None:
    vectors = WordVectors(["a", "b", "c", "d"], np.array([[1, 0], [1, 0.1], [0, 1], [-1, 0]], dtype=np.float32))
    pairs = pair_set([("a", "b", 9), ("a", "c", 5), ("x", "a", 8), ("a", "d", 1), ("y", "x", 7)])
    skipped = evaluate_similarity(vectors, pairs)
    assert (skipped.pairs, skipped.pairs_total, skipped.oov) == (3, 5, ("x", "y"))
    assert skipped.spearman == pytest.approx(1)
    zero = evaluate_similarity(vectors, pairs, oov="zero")
    assert (zero.pairs, zero.pairs_total, zero.oov) == (5, 5, ("x", "y"))
    # cosines 1, 0, 0, -1, 0 against scores 9, 5, 8, 1, 7
    assert zero.spearman == pytest.approx(stats.spearmanr([1, 0, 0, -1, 0], [9, 5, 8, 1, 7]).statistic)


def test_case_is_folded_only_for_words_unknown_as_written() -> None:
    words = ["mars", "Mars", "water", "israel"]
    vectors = WordVectors(words, np.array([[1, 0], [0, 1], [0.1, 1], [1, 1]], dtype=np.float32))
    pairs = pair_set([("Mars", "water", 3), ("Israel", "water", 2), ("MARS", "WATER", 1)])
    assert evaluate_similarity(vectors, pairs).spearman == pytest.approx(1)
    exact = evaluate_similarity(vectors, pairs, case="exact")
    assert (exact.pairs, exact.oov) == (1, ("Israel", "MARS", "WATER"))


@pytest.mark.parametrize(
    ("rows", "matrix", "note"),
    [
        (
            [("a", "b", 1), ("x", "b", 2)],
            [[1, 0], [0, 1], [1, 1]],
            "too few usable pairs (1): a correlation needs two or more",
        ),
        ([("x", "y", 1)], [[1, 0], [0, 1], [1, 1]], "too few usable pairs (0)"),
        ([("a", "b", 0.1), ("a", "c", 0.1), ("b", "c", 0.1)], [[1, 0], [0, 1], [1, 1]], "all scores are equal"),
        ([("a", "b", 1), ("a", "c", 2), ("b", "c", 3)], [[0, 0], [0, 0], [0, 0]], "all cosines are equal"),
    ],
)
def test_undefined_correlations_are_nan_with_a_note(
    rows: list[tuple[str, str, float]], matrix: list[list[float]], note: str
) -> None:
    result = evaluate_similarity(WordVectors(["a", "b", "c"], np.array(matrix, dtype=np.float32)), pair_set(rows))
    assert note in result.note
    figures = (result.spearman, result.pearson, result.ci_low, result.ci_high)
    assert all(math.isnan(figure) for figure in figures)
    assert [result.as_dict()[key] for key in ("spearman", "pearson", "ci_low", "ci_high")] == [None] * 4
    assert "NaN" not in json.dumps(result.as_dict())


def test_undefined_resamples_are_ignored() -> None:
    vectors, pairs = line_of_words(3, noise=0, seed=0)  # one resample in nine consists of the same pair three times
    result = evaluate_similarity(vectors, pairs)
    assert (result.spearman, result.ci_low, result.ci_high) == pytest.approx((1, 1, 1))


def test_few_pairs_are_noted() -> None:
    vectors, pairs = line_of_words(9, noise=0.1, seed=0)
    assert evaluate_similarity(vectors, pairs).note == "only 9 usable pairs: the correlation is unreliable"
    vectors, pairs = line_of_words(10, noise=0.1, seed=0)
    assert evaluate_similarity(vectors, pairs).note == ""


def test_interval_agrees_with_a_plain_bootstrap() -> None:
    vectors, pairs = line_of_words(60, noise=0.6, seed=3)
    cosines = vectors.unit.astype(np.float64) @ vectors.unit[0].astype(np.float64)
    rng = np.random.default_rng(99)  # different resamples: the ends agree only up to sampling noise
    resamples = [rng.integers(60, size=60) for _ in range(2000)]
    plain = np.percentile([stats.spearmanr(cosines[i], pairs.scores[i]).statistic for i in resamples], [2.5, 97.5])
    result = evaluate_similarity(vectors, pairs, bootstrap=2000)
    assert (result.ci_low, result.ci_high) == pytest.approx(plain, abs=0.03)
    assert result.ci_high - result.ci_low > 0.1


def test_interval_contains_the_estimate_and_narrows_with_more_pairs() -> None:
    width = {}
    for size in (50, 800):
        vectors, pairs = line_of_words(size, noise=0.6, seed=size)
        result = evaluate_similarity(vectors, pairs, seed=5)
        assert result.ci_low < result.spearman < result.ci_high
        assert result == evaluate_similarity(vectors, pairs, seed=5)
        assert result.ci_low != evaluate_similarity(vectors, pairs, seed=6).ci_low
        width[size] = result.ci_high - result.ci_low
    assert width[800] == pytest.approx(width[50] / 4, rel=0.35)  # inverse square root of the number of pairs


def test_interval_does_not_depend_on_the_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, pairs = line_of_words(30, noise=0.5, seed=2)
    whole = evaluate_similarity(vectors, pairs)
    monkeypatch.setattr(resampling, "BLOCK_CELLS", 30 * 7)  # 7 resamples at once, which does not divide 1,000
    assert evaluate_similarity(vectors, pairs) == whole


def test_no_interval_without_resamples() -> None:
    vectors, pairs = line_of_words(30, noise=0.5, seed=2)
    result = evaluate_similarity(vectors, pairs, bootstrap=0)
    assert result.spearman > 0.5
    assert math.isnan(result.ci_low)
    assert math.isnan(result.ci_high)


def test_unknown_treatment_of_unknown_words_is_rejected() -> None:
    vectors, pairs = line_of_words(20, 0.0, 0)
    for oov in ("drop", "", None, "ZERO"):
        with pytest.raises(ConfigError, match="choose skip or zero"):
            evaluate_similarity(vectors, pairs, oov=oov)  # type: ignore[arg-type]
