"""Fixtures for the tests of the formats."""

import numpy as np
import pytest

from tests.formats.samples import WORDS
from word2vec.formats import Table


@pytest.fixture
def table() -> Table:
    """Words that are hard to store, and rows of random bits, which contain every kind of finite number."""
    rng = np.random.default_rng(0)
    vectors = rng.integers(0, 2**32, (len(WORDS), 7), dtype=np.uint32).view(np.float32)
    vectors[~np.isfinite(vectors)] = 0.1
    vectors[0] = [0.0, -0.0, 1e-45, -3.4028235e38, 1.17549435e-38, 1 / 3, 16777217]
    output = rng.standard_normal(vectors.shape, dtype=np.float32)
    return Table(list(WORDS), vectors, np.arange(len(WORDS), 0, -1, dtype=np.int64) * 10**12, output)
