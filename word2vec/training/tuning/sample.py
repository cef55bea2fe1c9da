"""Training on a sample of a corpus that is indexed once for all trainings of a search.

A sample consists of the beginnings of blocks of sentences that are spread over the corpus; a smaller sample is a part
of every larger one. Its vocabulary is that of the whole corpus, with the counts of the whole corpus, so that
subsampling, noise words and the coverage of test sets are the same on every sample.
"""

from pathlib import Path

import torch
from torch import nn

from word2vec.config import TrainConfig
from word2vec.corpus import Corpus
from word2vec.engines import Engine
from word2vec.losses import Objective
from word2vec.sampling.datasets import ExampleDataset
from word2vec.sampling.held_out import Split, shorten_ranges, split_corpus
from word2vec.sampling.shards import count_words
from word2vec.training.distributed import ProcessGroup
from word2vec.training.examples import Source
from word2vec.training.source import CorpusSource
from word2vec.training.text_examples import TextExamples
from word2vec.training.validation import Validation


class SampleExamples(TextExamples):
    """A corpus whose sentences to train are given; without validation loss, because a search has its own measure."""

    def make_validation(
        self,
        config: TrainConfig,
        dataset: ExampleDataset,
        objective: Objective,
    ) -> Validation | None:
        """Return None."""
        return None


class SampleSource(Source):
    """Provides an open corpus, or a sample of it, as the data of a run.

    Args:
        corpus: The corpus.
        split: The sentences to train and those to hold out.
    """

    def __init__(self, corpus: Corpus, split: Split) -> None:
        self._corpus, self._split = corpus, split

    def check(self, config: TrainConfig, group: ProcessGroup) -> None:
        """Accept everything: the corpus is open already."""

    def engine_class(self, config: TrainConfig, objective: type[nn.Module], device: torch.device) -> type[Engine]:
        """Choose the engine for text; see `Source.engine_class`."""
        return CorpusSource().engine_class(config, objective, device)

    def read(self, config: TrainConfig, run: Path | None, group: ProcessGroup, progress: bool) -> TextExamples:
        """Return the examples of the sentences to train."""
        return SampleExamples(self._corpus, config, self._split)


def split_text(corpus: Corpus, validation: float | None) -> Split:
    """Split a corpus as training does, so that the held-out sentences can be used to measure the result."""
    return split_corpus(corpus.offsets, validation or None)


def sample(corpus: Corpus, split: Split, fraction: float) -> Split:
    """Return a split with a fraction of the words to train, and the same held-out sentences."""
    words = int(fraction * count_words(split.training, corpus.offsets))
    return Split(shorten_ranges(split.training, corpus.offsets, words), split.held_out)
