"""Word vectors and test sets shared by the evaluation tests."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from word2vec.evaluation.benchmarks import PairSet
from word2vec.vectors.word_vectors import WordVectors


def random_vectors(words: Sequence[str], dim: int = 10, seed: int = 1) -> WordVectors:
    rng = np.random.default_rng(seed)
    return WordVectors(words, rng.normal(size=(len(words), dim)).astype(np.float32))


def gensim_copy(vectors: WordVectors) -> Any:
    copy = pytest.importorskip("gensim.models").KeyedVectors(vectors.vectors.shape[1])
    copy.add_vectors(list(vectors.words), vectors.vectors)
    return copy


def pair_set(rows: Sequence[tuple[str, str, float]]) -> PairSet:
    return PairSet("pairs", tuple((a, b) for a, b, _ in rows), np.array([score for _, _, score in rows]))
