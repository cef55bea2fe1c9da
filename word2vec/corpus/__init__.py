"""Turn any source of text into token ids.

Sources are resolved to files (sources, named), read as clean UTF-8 (reader), counted and encoded (word_counts), and
stored once as an index on disk (indexing, content_key, index) with its vocabulary.
"""

from word2vec.corpus.index import IndexedCorpus
from word2vec.corpus.indexing import index_corpus
from word2vec.corpus.vocabulary import Vocabulary

__all__ = ["IndexedCorpus", "Vocabulary", "index_corpus"]
