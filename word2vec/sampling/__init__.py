"""From token ids to training examples: subsampling, windows and noise words.

`distributions` contains the random draws, `datasets` the batches of skip-gram and CBOW examples, `pairs` those of
explicit pairs, `huffman` the tree of hierarchical softmax, and `shards` the parts of a corpus that threads train.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from word2vec.sampling.datasets import (
        Batch,
        CBOWDataset,
        ExampleDataset,
        SamplingSettings,
        SkipGramDataset,
        TextDataset,
    )
    from word2vec.sampling.distributions import AliasTable
    from word2vec.sampling.huffman import HuffmanTree
    from word2vec.sampling.pairs import PairDataset

__all__ = [
    "AliasTable",
    "Batch",
    "CBOWDataset",
    "ExampleDataset",
    "HuffmanTree",
    "PairDataset",
    "SamplingSettings",
    "SkipGramDataset",
    "TextDataset",
]

_MODULE_OF = {
    "AliasTable": "distributions",
    "HuffmanTree": "huffman",
    "PairDataset": "pairs",
}


def __getattr__(name: str) -> object:
    """Import a module on first use (PEP 562): probabilities of words need the tree, but must not import torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"word2vec.sampling.{_MODULE_OF.get(name, 'datasets')}"), name)
