"""Conversion of word vectors to objects of other libraries: torch, pandas, gensim.

Each function takes plain arrays and returns a copy, so that changes to the result, such as fine-tuning, do not affect
the original vectors. The scikit-learn transformer is in `documents.py`, the torchtext adapter in `torchtext.py`.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import Word2VecError
from word2vec.models.subwords import Subwords

if TYPE_CHECKING:
    import pandas as pd
    from gensim.models import KeyedVectors
    from torch import nn


def to_embedding(vectors: NDArray[np.float32], freeze: bool) -> "nn.Embedding":
    """Return a torch embedding layer with a copy of `vectors` (V, D); `freeze` excludes its weight from training."""
    import torch

    embedding: nn.Embedding = torch.nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
        torch.tensor(vectors), freeze=freeze
    )
    return embedding


def to_frame(words: list[str], vectors: NDArray[np.float32], column: str | None = None) -> "pd.DataFrame":
    """Return a data frame with one row per word and one column per dimension of `vectors` (V, D).

    Args:
        words: The words, which become the index, named "word".
        vectors: Their vectors.
        column: Name of a first column for the words, in place of the index. The dimensions are then named "0", "1" and
            so on, since other libraries accept only strings.
    """
    import pandas as pd

    frame = pd.DataFrame(vectors, index=pd.Index(words, name=column or "word", dtype=str), copy=True)
    return frame.rename(columns=str).reset_index() if column else frame


def to_gensim(
    words: list[str],
    vectors: NDArray[np.float32],
    counts: NDArray[np.int64] | None,
    subwords: Subwords | None = None,
) -> "KeyedVectors":
    """Return a gensim `KeyedVectors` with `vectors` (V, D) and, if given, the word counts (V,).

    With n-grams it is a `FastTextKeyedVectors`, which computes the same vectors of unknown words.

    Raises:
        Word2VecError: The package gensim is not installed.
    """
    try:
        from gensim.models import KeyedVectors
    except ImportError as error:
        raise Word2VecError("gensim is not installed; install it with: pip install gensim") from error
    keyed_vectors = KeyedVectors(vectors.shape[1]) if subwords is None else _with_ngrams(words, vectors, subwords)
    keyed_vectors.add_vectors(words, vectors)
    if counts is not None:
        keyed_vectors.allocate_vecattrs(["count"], [counts.dtype])
        keyed_vectors.expandos["count"][:] = counts  # set_vecattr does the same, but word by word
    return keyed_vectors


def _with_ngrams(words: list[str], vectors: NDArray[np.float32], subwords: Subwords) -> "KeyedVectors":
    """Return a gensim `FastTextKeyedVectors` with the rows of words and n-grams, to which the words are not added."""
    from gensim.models.fasttext import FastTextKeyedVectors

    dim = vectors.shape[1]
    keyed_vectors = FastTextKeyedVectors(dim, subwords.min_n, subwords.max_n, subwords.buckets)
    own = subwords.word_rows
    if own is None:
        own = subwords.own_rows([word.encode(errors="replace") for word in words], vectors)
    keyed_vectors.vectors_vocab = own.copy()
    # zeros of a new array take no memory until they are used
    keyed_vectors.vectors_ngrams = np.zeros((subwords.buckets, dim), np.float32)
    keyed_vectors.vectors_ngrams[slice(None) if subwords.used is None else subwords.used] = subwords.rows
    return keyed_vectors
