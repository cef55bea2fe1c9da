"""From token ids to training examples: subsampling, windows and noise words.

`distributions` contains the random draws, `datasets` the batches of skip-gram and CBOW examples, `pairs` those of
explicit pairs, and `shards` the parts of a corpus that threads train.
"""

from word2vec.sampling.datasets import (
    Batch,
    CBOWDataset,
    ExampleDataset,
    SamplingSettings,
    SkipGramDataset,
    TextDataset,
)
from word2vec.sampling.distributions import AliasTable
from word2vec.sampling.pairs import PairDataset

__all__ = [
    "AliasTable",
    "Batch",
    "CBOWDataset",
    "ExampleDataset",
    "PairDataset",
    "SamplingSettings",
    "SkipGramDataset",
    "TextDataset",
]
