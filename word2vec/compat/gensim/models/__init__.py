"""The classes under the module names of `gensim.models`."""

from word2vec.compat.gensim.models import callbacks, keyedvectors, word2vec
from word2vec.compat.gensim.models.callbacks import CallbackAny2Vec
from word2vec.compat.gensim.models.keyedvectors import KeyedVectors
from word2vec.compat.gensim.models.word2vec import Word2Vec

__all__ = ["CallbackAny2Vec", "KeyedVectors", "Word2Vec", "callbacks", "keyedvectors", "word2vec"]
