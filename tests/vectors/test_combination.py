"""Combination of vectors, held to a singular value decomposition of the concatenated members."""

import numpy as np
import pytest
from numpy.typing import NDArray

from word2vec.errors import ConfigError, Word2VecError
from word2vec.vectors import combination
from word2vec.vectors.combination import combine
from word2vec.vectors.word_vectors import WordVectors

V = 53
WORDS = [f"w{i}" for i in range(V)]
COUNTS = np.arange(V, 0, -1) * 3


def member(dim: int, seed: int, words: list[str] = WORDS, counts: NDArray[np.int64] | None = COUNTS) -> WordVectors:
    """Random vectors whose mean is not zero and whose dimensions differ in variance."""
    table = np.random.default_rng(seed).standard_normal((2, len(words), dim)) * np.linspace(2, 0.3, dim) + 0.5
    return WordVectors(words, table[0], counts=counts, output=table[1])


def unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)


def concatenated(members: list[WordVectors], weight: float) -> NDArray[np.float64]:
    """The centered unit rows of the members side by side, (V, W)."""
    sums = [m.vectors.astype(np.float64) + weight * np.asarray(m.output, np.float64) for m in members]
    return np.hstack([unit(each - each.mean(axis=0)) for each in sums]) / np.sqrt(len(members))


@pytest.mark.parametrize(("dim", "weight"), [(5, 0.25), (16, 0.0)])  # 16 columns in all: only rotated
def test_combined_vectors_are_principal_components(dim: int, weight: float) -> None:
    members = [member(7, 0), member(9, 1)]
    combined = combine(members, dim, output_weight=weight)
    table = concatenated(members, weight)
    table -= table.mean(axis=0)
    components = np.linalg.svd(table, full_matrices=False)[2][:dim].T  # (W, D)
    components *= np.sign(components[np.abs(components).argmax(axis=0), np.arange(dim)])
    np.testing.assert_allclose(combined.vectors, table @ components, atol=2e-6)
    assert combined.words == WORDS
    assert combined.output is None
    np.testing.assert_array_equal(combined.counts, COUNTS)


def test_blocks_and_iteration_give_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    members = [member(7, 0), member(9, 1)]
    expected = combine(members, 4).vectors
    monkeypatch.setattr(combination, "_BLOCK_WORDS", 10)  # the last block has three words
    np.testing.assert_allclose(combine(members, 4).vectors, expected, atol=1e-6)
    monkeypatch.setattr(combination, "MAX_EXACT_WIDTH", 15)
    monkeypatch.setattr(combination, "OVERSAMPLING", 4)
    monkeypatch.setattr(combination, "PASSES", 60)
    np.testing.assert_allclose(combine(members, 4).vectors, expected, atol=1e-4)


def test_iteration_converges_for_a_falling_spectrum(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    common = rng.standard_normal((V, 3))
    members = [
        WordVectors(WORDS, common @ rng.standard_normal((3, 30)) + 0.2 * rng.standard_normal((V, 30))) for _ in range(2)
    ]
    expected = combine(members, 3).vectors
    monkeypatch.setattr(combination, "MAX_EXACT_WIDTH", 59)
    np.testing.assert_allclose(combine(members, 3).vectors, expected, atol=1e-4)


def test_common_and_united_vocabulary() -> None:
    first = member(4, 0, ["a", "b", "c", "d"], np.array([9, 7, 5, 1]))
    second = member(4, 1, ["d", "e", "c", "a"], np.array([8, 7, 6, 2]))
    common = combine([first, second])
    assert common.words == ["a", "d", "c"]
    assert common.counts is not None
    assert common.counts.tolist() == [9, 8, 6]
    united = combine([first, second], vocabulary="united")
    assert united.words == ["a", "d", "b", "e", "c"]
    # zeros where a member lacks the word, so that the cosine of the rest counts; all 8 columns keep all distances
    rows = np.zeros((5, 8))
    for number, each in enumerate((first, second)):
        directions = concatenated([each], combination.OUTPUT_WEIGHT)
        for row, word in enumerate(united.words):
            if word in each:
                rows[row, 4 * number : 4 * number + 4] = directions[each.index(word)] / np.sqrt(2)
    rows -= rows.mean(axis=0)
    np.testing.assert_allclose(united.vectors @ united.vectors.T, rows @ rows.T, atol=1e-6)


def test_counts_of_a_member_without_them_come_from_the_others() -> None:
    known, unknown = member(3, 0, ["a", "b"], np.array([2, 5])), member(3, 1, ["a", "b", "c"], None)
    assert np.asarray(combine([unknown, known]).counts).tolist() == [5, 2]
    united = combine([unknown, known], vocabulary="united")
    assert united.counts is None
    assert united.words == ["a", "b", "c"]


def test_refined_members_are_combined_by_their_plain_vectors() -> None:
    words = ["walk", "walks", "walked", "walking", "talk", "talked", "talking"]
    members = [member(4, seed, words, np.arange(7, 0, -1)) for seed in (0, 1)]
    expected = combine(members).vectors
    refined = [each.refine() for each in members]
    np.testing.assert_array_equal(combine(refined).vectors, expected)
    assert combine(members).refine().plain is not None


def test_members_that_cannot_be_combined() -> None:
    members = [member(3, 0), member(4, 1)]
    with pytest.raises(Word2VecError, match="two runs or more, got 1"):
        combine(members[:1])
    with pytest.raises(ConfigError, match="between 1 and 7, the sum of those of the members, not 8"):
        combine(members, 8)
    with pytest.raises(ConfigError, match="vocabulary must be one of common, united"):
        combine(members, vocabulary="all")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="output weight must be 0 or more"):
        combine(members, output_weight=float("nan"))
    with pytest.raises(Word2VecError, match="no words in common"):
        combine([members[0], WordVectors(["x"], [[1.0]])])
