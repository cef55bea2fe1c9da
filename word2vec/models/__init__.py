"""Models: the input and output tables, and vectors computed from character n-grams.

`SkipGram` is the model that is trained. `Subwords` computes vectors from character n-grams; it does not need torch, so
`SkipGram` is imported on first use only.
"""

from typing import TYPE_CHECKING

from word2vec.models.subwords import Subwords

if TYPE_CHECKING:
    from word2vec.models.skipgram import SkipGram

__all__ = ["SkipGram", "Subwords"]


def __getattr__(name: str) -> object:
    """Import SkipGram on first use (PEP 562), because searching word vectors must not import torch."""
    if name == "SkipGram":
        from word2vec.models.skipgram import SkipGram

        return SkipGram
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
