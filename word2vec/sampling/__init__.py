"""From token ids to training examples: subsampling, windows and noise words.

`distributions` contains the random draws, `datasets` the batches, and `shards` the parts of a corpus that threads
train.
"""

from word2vec.sampling.datasets import Batch, SamplingSettings, SkipGramDataset
from word2vec.sampling.distributions import AliasTable

__all__ = ["AliasTable", "Batch", "SamplingSettings", "SkipGramDataset"]
