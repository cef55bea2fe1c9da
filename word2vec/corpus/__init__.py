"""From any source of text to token ids that are indexed once.

Sources are resolved to files (sources), read as clean UTF-8 (reader), counted and encoded (word_counts), and kept as
an index on disk (index, indexing) with its vocabulary.
"""

from word2vec.corpus.index import IndexedCorpus, index_corpus
from word2vec.corpus.vocabulary import Vocabulary

__all__ = ["IndexedCorpus", "Vocabulary", "index_corpus"]
