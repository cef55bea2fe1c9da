"""The names of gensim's KeyedVectors, each in a line, in terms of ours; WordVectors takes them as its methods.

They are here so that what worked with gensim works with our vectors. The README has a table of all that differs.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from word2vec.errors import Word2VecError

if TYPE_CHECKING:
    from word2vec.vectors.search import Neighbors
    from word2vec.vectors.word_vectors import WordVectors


def vector_size(self: "WordVectors") -> int:
    """The same as `dim`."""
    return self.dim


def index_to_key(self: "WordVectors") -> list[str]:
    """The same as `words`."""
    return self.words


def key_to_index(self: "WordVectors") -> Mapping[str, int]:
    """Each word's row, read-only; for one word `index` says more where it is unknown."""
    return MappingProxyType(self._rows)


def has_index_for(self: "WordVectors", key: str) -> bool:
    """The same as `key in vectors`."""
    return key in self


def get_index(self: "WordVectors", key: str, default: int | None = None) -> int:
    """The same as `index`; unknown words give the default where there is one."""
    return self.index(key) if default is None or key in self else default


def get_vector(self: "WordVectors", key: str, norm: bool = False) -> NDArray[np.float32]:
    """The same as `vectors[key]`, (D,); with `norm`, scaled to length one."""
    return np.array(self._directions(key)[0][0], dtype=np.float32) if norm else self[key]


def distance(self: "WordVectors", w1: str, w2: str) -> float:
    """One less the similarity."""
    return 1 - self.similarity(w1, w2)


def n_similarity(self: "WordVectors", ws1: Sequence[str], ws2: Sequence[str]) -> float:
    """The cosine of the means of two lists of words; the vectors go into the means as long as they are.

    Raises:
        Word2VecError: a list is empty.
    """
    if not len(ws1) or not len(ws2):
        raise Word2VecError("n_similarity needs two lists of words; one of them is empty")
    lists = ([words] if isinstance(words, str) else words for words in (ws1, ws2))
    left, right = (self[words].mean(axis=0, dtype=np.float64) for words in lists)  # (D,) each
    lengths = np.linalg.norm(left) * np.linalg.norm(right)
    return float(left @ right / (lengths if lengths > 0 else 1))


def doesnt_match(self: "WordVectors", words: Sequence[str]) -> str:
    """The same as `odd_one_out`."""
    return self.odd_one_out(words)


def most_similar(
    self: "WordVectors",
    positive: str | Sequence[str] = (),
    negative: str | Sequence[str] = (),
    topn: int = 10,
    restrict_vocab: int | None = None,
) -> "Neighbors":
    """The same as `nearest`."""
    return self.nearest(positive, negative, topn, restrict_vocab)


def similar_by_word(self: "WordVectors", word: str, topn: int = 10, restrict_vocab: int | None = None) -> "Neighbors":
    """The same as `nearest` of one word."""
    return self.nearest(word, (), topn, restrict_vocab)


def similar_by_vector(
    self: "WordVectors", vector: ArrayLike, topn: int = 10, restrict_vocab: int | None = None
) -> "Neighbors":
    """The same as `nearest_to`."""
    return self.nearest_to(vector, topn, restrict_vocab)
