"""Turn any source of text or tokens into token ids.

Files are resolved (sources, named), read as clean UTF-8 (reader), counted and encoded (word_tables), and stored once as
an index on disk (indexing, content_key, index). Sequences and texts in memory (opening, containers, sequences, texts)
are encoded the same way (token_counts, memory). Each corpus has a vocabulary. Explicit pairs of inputs and targets
(pair_corpus, pair_files) have two.
"""

from word2vec.corpus.base import Corpus
from word2vec.corpus.index import IndexedCorpus
from word2vec.corpus.indexing import index_corpus
from word2vec.corpus.memory import MemoryCorpus
from word2vec.corpus.opening import Tokenizer, as_paths, open_corpus
from word2vec.corpus.pair_corpus import PairColumns, PairCorpus, as_pair_columns, make_pair_corpus
from word2vec.corpus.pair_files import read_pair_names, read_pairs
from word2vec.corpus.phrase_search import find_phrases
from word2vec.corpus.phrases import Phrases, PhraseSettings
from word2vec.corpus.saving import save_corpus
from word2vec.corpus.vocabulary import Vocabulary

__all__ = [
    "Corpus",
    "IndexedCorpus",
    "MemoryCorpus",
    "PairColumns",
    "PairCorpus",
    "PhraseSettings",
    "Phrases",
    "Tokenizer",
    "Vocabulary",
    "as_pair_columns",
    "as_paths",
    "find_phrases",
    "index_corpus",
    "make_pair_corpus",
    "open_corpus",
    "read_pair_names",
    "read_pairs",
    "save_corpus",
]
