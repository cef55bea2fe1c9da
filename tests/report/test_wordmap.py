"""The map: similar words are close together, for vocabularies of any size; the map is deterministic."""

import numpy as np
import pytest

from word2vec.report.wordmap import MIN_TSNE_WORDS, map_words, principal_components
from word2vec.vectors.word_vectors import WordVectors


def topics(per_topic: int = 15, dim: int = 10) -> WordVectors:
    """Three topics of words; words are most similar within a topic."""
    rng = np.random.default_rng(0)
    centers = np.eye(dim)[:3]
    rows = [centers[i % 3] + 0.1 * rng.normal(size=dim) for i in range(3 * per_topic)]
    return WordVectors([f"{'abc'[i % 3]}{i // 3}" for i in range(3 * per_topic)], np.array(rows))


def test_topics_are_separated_and_clustered() -> None:
    result = map_words(topics())
    assert result.method == "t-SNE"
    topic = np.array([word[0] for word in result.words])
    for letter in "abc":
        inside = result.positions[topic == letter]
        center = inside.mean(axis=0)
        farthest = np.linalg.norm(inside - center, axis=1).max()
        assert np.linalg.norm(result.positions[topic != letter] - center, axis=1).min() > farthest
    # nine clusters for 45 words: a cluster is part of one topic
    for cluster in set(result.clusters.tolist()):
        assert len(set(topic[result.clusters == cluster])) == 1


def test_clusters_are_named_by_their_own_words_and_sorted_by_size() -> None:
    result = map_words(topics())
    sizes = np.bincount(result.clusters)
    assert (np.diff(sizes) <= 0).all()
    row = {word: i for i, word in enumerate(result.words)}
    for cluster, names in enumerate(result.names):
        assert {int(result.clusters[row[word]]) for word in names} == {cluster}


def test_a_cluster_is_named_by_the_words_nearest_to_its_center() -> None:
    angles = np.radians([-40, 0, 41, -20, 20])
    vectors = WordVectors(list("abcde"), np.stack([np.cos(angles), np.sin(angles)], axis=1))
    assert map_words(vectors).names == [["b", "e", "d"]]


def test_the_same_vectors_give_the_same_map() -> None:
    one, other = map_words(topics()), map_words(topics())
    np.testing.assert_array_equal(one.positions, other.positions)
    np.testing.assert_array_equal(one.clusters, other.clusters)


def test_only_the_most_frequent_words_are_drawn() -> None:
    result = map_words(topics(), max_words=20)
    assert result.words == topics().words[:20]
    assert result.positions.shape == (20, 2)


@pytest.mark.parametrize("words", [1, 2, 3, 5, MIN_TSNE_WORDS - 1, MIN_TSNE_WORDS, MIN_TSNE_WORDS + 1, 31])
@pytest.mark.parametrize("dim", [1, 2, 7])
def test_small_vocabularies(words: int, dim: int) -> None:
    vectors = WordVectors([f"w{i}" for i in range(words)], np.random.default_rng(1).normal(size=(words, dim)))
    result = map_words(vectors)
    assert result.positions.shape == (words, 2)
    assert np.isfinite(result.positions).all()
    assert len(result.names) == result.clusters.max() + 1


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_identical_vectors(value: float) -> None:
    result = map_words(WordVectors([f"w{i}" for i in range(30)], np.full((30, 5), value)))
    assert (result.method, len(result.names)) == ("principal components", 1)
    assert not result.positions.any()


def test_principal_components_agree_with_sklearn() -> None:
    from sklearn.decomposition import PCA

    rows = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    expected = PCA(2).fit_transform(rows)
    np.testing.assert_allclose(np.abs(principal_components(rows)), np.abs(expected), atol=1e-4)
