"""The map: like words lie together, whatever the size of the vocabulary, and the same vectors give the same map."""

import numpy as np
import pytest

from word2vec.report.wordmap import FEW_WORDS, draw_map, principal_components
from word2vec.vectors.word_vectors import WordVectors


def topics(per_topic: int = 15, dim: int = 10) -> WordVectors:
    """Three topics of words, most alike inside a topic."""
    rng = np.random.default_rng(0)
    centers = np.eye(dim)[:3]
    rows = [centers[i % 3] + 0.1 * rng.normal(size=dim) for i in range(3 * per_topic)]
    return WordVectors([f"{'abc'[i % 3]}{i // 3}" for i in range(3 * per_topic)], np.array(rows))


def test_topics_are_places_and_groups() -> None:
    drawn = draw_map(topics())
    assert drawn.method == "t-SNE"
    topic = np.array([word[0] for word in drawn.words])
    for letter in "abc":
        inside = drawn.places[topic == letter]
        center = inside.mean(axis=0)
        farthest = np.linalg.norm(inside - center, axis=1).max()
        assert np.linalg.norm(drawn.places[topic != letter] - center, axis=1).min() > farthest
    # nine groups for 45 words: a group may be part of a topic, never of two
    for group in set(drawn.groups.tolist()):
        assert len(set(topic[drawn.groups == group])) == 1


def test_groups_are_named_by_their_own_words_and_sorted_by_size() -> None:
    drawn = draw_map(topics())
    sizes = np.bincount(drawn.groups)
    assert (np.diff(sizes) <= 0).all()
    row = {word: i for i, word in enumerate(drawn.words)}
    for group, names in enumerate(drawn.names):
        assert {int(drawn.groups[row[word]]) for word in names} == {group}


def test_a_group_is_named_by_the_words_in_its_middle() -> None:
    angles = np.radians([-40, 0, 41, -20, 20])
    vectors = WordVectors(list("abcde"), np.stack([np.cos(angles), np.sin(angles)], axis=1))
    assert draw_map(vectors).names == [["b", "e", "d"]]


def test_the_same_vectors_give_the_same_map() -> None:
    one, other = draw_map(topics()), draw_map(topics())
    np.testing.assert_array_equal(one.places, other.places)
    np.testing.assert_array_equal(one.groups, other.groups)


def test_only_the_most_frequent_words_are_drawn() -> None:
    drawn = draw_map(topics(), most=20)
    assert drawn.words == topics().words[:20]
    assert drawn.places.shape == (20, 2)


@pytest.mark.parametrize("words", [1, 2, 3, 5, FEW_WORDS - 1, FEW_WORDS, FEW_WORDS + 1, 31])
@pytest.mark.parametrize("dim", [1, 2, 7])
def test_small_vocabularies(words: int, dim: int) -> None:
    vectors = WordVectors([f"w{i}" for i in range(words)], np.random.default_rng(1).normal(size=(words, dim)))
    drawn = draw_map(vectors)
    assert drawn.places.shape == (words, 2)
    assert np.isfinite(drawn.places).all()
    assert len(drawn.names) == drawn.groups.max() + 1


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_words_that_are_all_alike(value: float) -> None:
    drawn = draw_map(WordVectors([f"w{i}" for i in range(30)], np.full((30, 5), value)))
    assert (drawn.method, len(drawn.names)) == ("principal components", 1)
    assert not drawn.places.any()


def test_principal_components_agree_with_sklearn() -> None:
    from sklearn.decomposition import PCA

    rows = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    expected = PCA(2).fit_transform(rows)
    np.testing.assert_allclose(np.abs(principal_components(rows)), np.abs(expected), atol=1e-4)
