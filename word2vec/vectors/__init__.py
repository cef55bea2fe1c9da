"""Word vectors: lookup, nearest words, analogies, documents, and the forms of other libraries."""

from word2vec.vectors.word_vectors import WordVectors

__all__ = ["WordVectors"]
