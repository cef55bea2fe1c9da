"""gensim's word2vec classes on top of this package, so that scripts run after changing one import.

    from word2vec.compat.gensim.models import Word2Vec  # was: from gensim.models import Word2Vec

The modules have the names of gensim's: `models.word2vec`, `models.keyedvectors`, `models.phrases`, `models.callbacks`.
The page "Coming from gensim" of the documentation lists the differences.
"""

from word2vec.compat.gensim import models
from word2vec.compat.gensim.models import CallbackAny2Vec, FastText, KeyedVectors, Phrases, Word2Vec
from word2vec.compat.gensim.sentences import LineSentence, PathLineSentences, Text8Corpus

__all__ = [
    "CallbackAny2Vec",
    "FastText",
    "KeyedVectors",
    "LineSentence",
    "PathLineSentences",
    "Phrases",
    "Text8Corpus",
    "Word2Vec",
    "models",
]
