"""Turn any source of text into token ids.

Sources are resolved to files (sources, named), read as clean UTF-8 (reader), counted and encoded (word_counts), and
stored once as an index on disk (indexing, content_key, index) with its vocabulary.
"""

from word2vec.corpus.index import IndexedCorpus
from word2vec.corpus.indexing import index_corpus
from word2vec.corpus.vocabulary import Vocabulary

__all__ = ["IndexedCorpus", "Vocabulary", "index_corpus"]

Corpus = IndexedCorpus


def as_paths(corpus, tokenizer=None):
    return (str(corpus),) if not isinstance(corpus, (list, tuple)) else tuple(corpus)


def open_corpus(data, *, lowercase, tokenizer, column, padding, output, progress):
    return index_corpus(data, lowercase=lowercase, output=output, progress=progress)
