"""Word vectors as the result of training: lookup, nearest words, analogies, saving and loading.

`PairVectors` are the result of training on pairs: one table of word vectors for the inputs and one for the targets.

The package also contains conversions to other libraries and document vectors. File formats are in `formats/`, quality
measures in `evaluation/`. Importing this package does not import torch, pandas or scikit-learn.
"""

from word2vec.vectors.pair_vectors import PairVectors, load_vectors
from word2vec.vectors.search import Neighbors
from word2vec.vectors.word_vectors import WordVectors

__all__ = ["Neighbors", "PairVectors", "WordVectors", "load_vectors"]
