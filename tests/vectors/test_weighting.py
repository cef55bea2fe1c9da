"""SIF weights of words."""

import numpy as np
import pytest

from word2vec.errors import Word2VecError
from word2vec.vectors.weighting import sif_weighted
from word2vec.vectors.word_vectors import WordVectors


def test_vectors_are_multiplied_by_the_weights_of_their_words() -> None:
    vectors = WordVectors(["the", "king"], np.ones((2, 3)), counts=[999, 1])
    weighted = sif_weighted(vectors, a=0.001)
    np.testing.assert_allclose(weighted.vectors[:, 0], [0.001 / (0.001 + 0.999), 0.5], rtol=1e-6)
    assert weighted.counts is not None
    assert weighted.counts.tolist() == [999, 1]
    assert vectors.vectors.all()


def test_invalid_arguments() -> None:
    with pytest.raises(Word2VecError, match="the vectors have no counts"):
        sif_weighted(WordVectors(["a"], np.ones((1, 2))))
    with pytest.raises(Word2VecError, match="a must be above 0, got 0"):
        sif_weighted(WordVectors(["a"], np.ones((1, 2)), counts=[1]), a=0)
