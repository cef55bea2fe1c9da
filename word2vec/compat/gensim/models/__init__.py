"""The classes under the module names of `gensim.models`."""

from word2vec.compat.gensim.models import callbacks, fasttext, keyedvectors, phrases, word2vec
from word2vec.compat.gensim.models.callbacks import CallbackAny2Vec
from word2vec.compat.gensim.models.fasttext import FastText
from word2vec.compat.gensim.models.keyedvectors import KeyedVectors
from word2vec.compat.gensim.models.phrases import Phrases
from word2vec.compat.gensim.models.word2vec import Word2Vec

__all__ = [
    "CallbackAny2Vec",
    "FastText",
    "KeyedVectors",
    "Phrases",
    "Word2Vec",
    "callbacks",
    "fasttext",
    "keyedvectors",
    "phrases",
    "word2vec",
]
