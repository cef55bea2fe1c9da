"""The map of the most frequent words: a place in the plane and a group for each.

Places are t-SNE's (van der Maaten and Hinton 2008, "Visualizing data using t-SNE"), begun from the two principal
components so that the same vectors give the same map and large distances keep some meaning; few words are placed by
the principal components alone. Groups are k-means clusters of the vectors, not of the places. Both use unit vectors,
whose squared distance is 2 - 2 cosine, and one thread: on a busy machine several only wait for each other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from word2vec.vectors.word_vectors import WordVectors

MAP_WORDS = 2000  # t-SNE takes about five seconds for so many, and a screen shows no more
FEW_WORDS = 10  # below, neighborhoods that t-SNE could keep are all the words there are
PERPLEXITY = 30.0  # neighbors that a word minds, the usual value
MAX_GROUPS = 10  # colors that can still be told apart
WORDS_PER_GROUP = 5  # at least, on average
NAMING_WORDS = 3  # the words nearest to a group's center are its name


@dataclass(frozen=True)
class WordMap:
    """The most frequent words in the plane.

    Attributes:
        words: most frequent first, M of them.
        places: (M, 2) float32.
        groups: (M,) the group of each word, from 0; a larger group has a smaller number.
        names: for each group the words nearest to its center.
        method: how the places were found, for people.
    """

    words: list[str]
    places: NDArray[np.float32]
    groups: NDArray[np.int64]
    names: list[list[str]]
    method: str


def draw_map(vectors: WordVectors, most: int = MAP_WORDS, seed: int = 0) -> WordMap:
    """The map of at most so many words; the same for the same seed."""
    from threadpoolctl import threadpool_limits

    words, unit = vectors.words[:most], vectors.unit[:most]  # (M, D)
    with threadpool_limits(1):
        components = principal_components(unit)
        alone = len(unit) < FEW_WORDS or not components.any()
        places = components if alone else _tsne(unit, components, seed)
        groups = _groups(unit, seed)
    method = "principal components" if alone else "t-SNE"
    return WordMap(words, places, groups, _names(words, unit, groups), method)


def principal_components(unit: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first two principal components of rows (M, D), as (M, 2); zeros where there are none."""
    centerd = unit.astype(np.float64) - unit.mean(axis=0, dtype=np.float64)
    left, lengths, _ = np.linalg.svd(centerd, full_matrices=False)
    found = (left * lengths)[:, :2]  # (M, at most 2)
    found[np.abs(found) < 1e-6] = 0  # rounding: rows of unit length differ by more, or not at all
    # subtle: the sign of a component is a matter of chance in the solver; its largest entry shall be positive
    found *= np.where(found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])] < 0, -1, 1)
    return np.pad(found, ((0, 0), (0, 2 - found.shape[1]))).astype(np.float32)


def _tsne(unit: NDArray[np.float32], start: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    from sklearn.manifold import TSNE

    scaled = start * (1e-4 / start[:, 0].std())  # small, as t-SNE wants its beginning
    perplexity = min(PERPLEXITY, (len(unit) - 1) / 3)
    places: NDArray[np.float32] = TSNE(init=scaled, perplexity=perplexity, random_state=seed).fit_transform(unit)
    return places


def _groups(unit: NDArray[np.float32], seed: int) -> NDArray[np.int64]:
    """A k-means cluster for each row, (M,); the largest is 0."""
    from sklearn.cluster import KMeans

    different = len(np.unique(unit, axis=0))
    count = min(MAX_GROUPS, max(1, len(unit) // WORDS_PER_GROUP), different)
    means = KMeans(count, n_init=4, random_state=seed)  # pyright: ignore[reportArgumentType] (it guesses from "auto")
    found = means.fit_predict(unit)  # (M,)
    order = np.argsort(-np.bincount(found, minlength=count), kind="stable")
    number = np.empty(count, dtype=np.int64)
    number[order] = np.arange(count)
    named: NDArray[np.int64] = number[found]
    return named


def _names(words: list[str], unit: NDArray[np.float32], groups: NDArray[np.int64]) -> list[list[str]]:
    names = []
    for group in range(int(groups.max()) + 1):
        rows = np.flatnonzero(groups == group)
        near = unit[rows] @ unit[rows].mean(axis=0)  # (rows,)
        names.append([words[row] for row in rows[np.argsort(-near, kind="stable")[:NAMING_WORDS]]])
    return names
