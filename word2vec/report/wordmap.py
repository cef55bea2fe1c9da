"""The map of the most frequent words: a position in the plane and a cluster for each word.

Positions come from t-SNE (van der Maaten and Hinton 2008, "Visualizing data using t-SNE"), initialized with the first
two principal components, so that the map is deterministic and large distances keep some meaning; very small
vocabularies use the principal components alone. Clusters are k-means clusters of the vectors, not of the positions.
Both use unit vectors, whose squared distance is 2 - 2 cosine, and one thread: on a busy machine, several threads
mostly wait for each other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from word2vec.vectors.word_vectors import WordVectors

MAP_WORDS = 2000  # t-SNE takes about five seconds for these, and a screen cannot show more
MIN_TSNE_WORDS = 10  # with fewer words, each neighborhood would be the whole vocabulary
PERPLEXITY = 30.0  # effective number of neighbors of a word; the usual value
MAX_CLUSTERS = 10  # colors that can still be distinguished
MIN_WORDS_PER_CLUSTER = 5  # on average
NAME_WORDS = 3  # a cluster is named by the words nearest to its center


@dataclass(frozen=True)
class WordMap:
    """The most frequent words in two dimensions.

    Attributes:
        words: M words, most frequent first.
        positions: (M, 2) float32.
        clusters: (M,) cluster of each word, from 0, in order of decreasing size.
        names: For each cluster, the words nearest to its center.
        method: Name of the projection: "t-SNE" or "principal components".
    """

    words: list[str]
    positions: NDArray[np.float32]
    clusters: NDArray[np.int64]
    names: list[list[str]]
    method: str


def map_words(vectors: WordVectors, max_words: int = MAP_WORDS, seed: int = 0) -> WordMap:
    """Project and cluster the most frequent words; the same seed gives the same map."""
    from threadpoolctl import threadpool_limits

    words, unit = vectors.words[:max_words], vectors.unit[:max_words]  # (M, D)
    with threadpool_limits(1):
        components = principal_components(unit)
        use_tsne = len(unit) >= MIN_TSNE_WORDS and bool(components.any())
        positions = _tsne(unit, components, seed) if use_tsne else components
        clusters = _clusters(unit, seed)
    method = "t-SNE" if use_tsne else "principal components"
    return WordMap(words, positions, clusters, _names(words, unit, clusters), method)


def principal_components(unit: NDArray[np.float32]) -> NDArray[np.float32]:
    """Project rows (M, D) on their first two principal components, (M, 2); missing components are zero."""
    centered = unit.astype(np.float64) - unit.mean(axis=0, dtype=np.float64)
    left, lengths, _ = np.linalg.svd(centered, full_matrices=False)
    found = (left * lengths)[:, :2]  # (M, at most 2)
    found[np.abs(found) < 1e-6] = 0  # rounding errors: distinct unit vectors differ by more
    # subtle: the solver leaves the sign of a component undetermined; make its largest entry positive
    found *= np.where(found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])] < 0, -1, 1)
    return np.pad(found, ((0, 0), (0, 2 - found.shape[1]))).astype(np.float32)


def _tsne(unit: NDArray[np.float32], start: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    from sklearn.manifold import TSNE

    scaled = start * (1e-4 / start[:, 0].std())  # t-SNE needs a small initialization
    perplexity = min(PERPLEXITY, (len(unit) - 1) / 3)
    tsne = TSNE(init=scaled, perplexity=perplexity, random_state=seed)
    positions: NDArray[np.float32] = tsne.fit_transform(unit)  # (M, 2)
    return positions


def _clusters(unit: NDArray[np.float32], seed: int) -> NDArray[np.int64]:
    """Return the k-means cluster of each row, (M,), numbered by decreasing size."""
    from sklearn.cluster import KMeans

    distinct = len(np.unique(unit, axis=0))
    count = min(MAX_CLUSTERS, max(1, len(unit) // MIN_WORDS_PER_CLUSTER), distinct)
    kmeans = KMeans(count, n_init=4, random_state=seed)  # pyright: ignore[reportArgumentType]
    labels = kmeans.fit_predict(unit)  # (M,)
    by_size = np.argsort(-np.bincount(labels, minlength=count), kind="stable")  # (clusters,)
    rank = np.empty(count, dtype=np.int64)
    rank[by_size] = np.arange(count)
    clusters: NDArray[np.int64] = rank[labels]
    return clusters


def _names(words: list[str], unit: NDArray[np.float32], clusters: NDArray[np.int64]) -> list[list[str]]:
    names = []
    for cluster in range(int(clusters.max()) + 1):
        rows = np.flatnonzero(clusters == cluster)
        scores = unit[rows] @ unit[rows].mean(axis=0)  # (rows,)
        names.append([words[row] for row in rows[np.argsort(-scores, kind="stable")[:NAME_WORDS]]])
    return names
