"""Word vectors in the forms of other libraries: torch, pandas, gensim.

Each is a copy: what is done to it, fine-tuning for instance, leaves the vectors as they were. scikit-learn's form is in
`documents.py`, torchtext's in `torchtext.py`.
"""

from typing import TYPE_CHECKING

from word2vec.errors import Word2VecError

if TYPE_CHECKING:
    import pandas as pd
    from gensim.models import KeyedVectors
    from torch import nn

    from word2vec.vectors.word_vectors import WordVectors


def to_embedding(vectors: "WordVectors", freeze: bool) -> "nn.Embedding":
    """A torch layer that turns rows, `vectors.index(word)`, into vectors."""
    import torch

    embedding: nn.Embedding = torch.nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
        torch.tensor(vectors.vectors), freeze=freeze
    )
    return embedding


def to_frame(vectors: "WordVectors") -> "pd.DataFrame":
    """A row a word, a column a dimension."""
    import pandas as pd

    return pd.DataFrame(vectors.vectors, index=pd.Index(vectors.words, name="word", dtype=str), copy=True)


def to_gensim(vectors: "WordVectors") -> "KeyedVectors":
    """The vectors as gensim has them, with the counts where they are known.

    Raises:
        Word2VecError: gensim is not installed.
    """
    try:
        from gensim.models import KeyedVectors
    except ImportError as error:
        raise Word2VecError("gensim is not installed; install it: pip install gensim") from error
    theirs = KeyedVectors(vectors.dim)
    theirs.add_vectors(vectors.words, vectors.vectors)
    if vectors.counts is not None:
        theirs.allocate_vecattrs(["count"], [vectors.counts.dtype])
        theirs.expandos["count"][:] = vectors.counts  # set_vecattr would do the same word by word
    return theirs
