"""Word vectors as the result of training: lookup, nearest words, analogies, saving and loading.

The package also contains conversions to other libraries and document vectors. File formats are in `formats/`, quality
measures in `evaluation/`. Importing this package does not import torch, pandas or scikit-learn.
"""

from word2vec.vectors.search import Neighbors
from word2vec.vectors.word_vectors import WordVectors

__all__ = ["Neighbors", "WordVectors"]
