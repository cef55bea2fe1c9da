"""Models: the tables, how the input vector of an example is gathered from them, and character n-grams.

`SkipGram` and `CBOW` are the models that are trained. `Subwords` computes the vectors of unknown words from character
n-grams; it does not need torch, so the models are imported on first use only.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from word2vec.models.subwords import Subwords

if TYPE_CHECKING:
    from word2vec.models.base import EmbeddingModel
    from word2vec.models.cbow import CBOW
    from word2vec.models.ngram_index import NgramIndex
    from word2vec.models.registry import MODELS
    from word2vec.models.skipgram import SkipGram

__all__ = ["CBOW", "MODELS", "EmbeddingModel", "NgramIndex", "SkipGram", "Subwords"]

_MODULE_OF = {
    "CBOW": "cbow",
    "MODELS": "registry",
    "EmbeddingModel": "base",
    "NgramIndex": "ngram_index",
    "SkipGram": "skipgram",
}


def __getattr__(name: str) -> object:
    """Import a model on first use (PEP 562), because searching word vectors must not import torch."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"word2vec.models.{_MODULE_OF[name]}"), name)
