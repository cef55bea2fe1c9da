"""Models: the tables of vectors, and how an input vector is gathered from their rows.

`subwords` and `ngram_hash` compute vectors from character n-grams. They do not need torch, so `SkipGram` is imported
only on use.
"""

from typing import TYPE_CHECKING

from word2vec.models.subwords import Subwords

if TYPE_CHECKING:
    from word2vec.models.skipgram import SkipGram

__all__ = ["SkipGram", "Subwords"]


def __getattr__(name: str) -> object:
    """Import SkipGram on first use, since answering questions about vectors must not import torch (PEP 562)."""
    if name == "SkipGram":
        from word2vec.models.skipgram import SkipGram

        return SkipGram
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
