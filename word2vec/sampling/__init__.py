"""From token ids to training examples: subsampling, windows and noise words.

`distributions` contains the random draws, `datasets` the batches of skip-gram examples, `pairs` those of explicit
pairs, and `shards` the parts of a corpus that threads train.
"""

from word2vec.sampling.datasets import Batch, ExampleDataset, SamplingSettings, SkipGramDataset
from word2vec.sampling.distributions import AliasTable
from word2vec.sampling.pairs import PairDataset

__all__ = ["AliasTable", "Batch", "ExampleDataset", "PairDataset", "SamplingSettings", "SkipGramDataset"]
