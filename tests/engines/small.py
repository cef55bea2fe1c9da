"""Small corpora, datasets and models for the tests of the engines."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from word2vec.corpus.vocabulary import Vocabulary
from word2vec.losses import Objective
from word2vec.models import CBOW, EmbeddingModel, NgramIndex, SkipGram
from word2vec.sampling.datasets import CBOWDataset, SamplingSettings, SkipGramDataset, TextDataset


def make_vocabulary(counts: Sequence[int]) -> Vocabulary:
    return Vocabulary([f"word{number}" for number in range(len(counts))], np.array(counts))


def make_dataset(
    sentences: Sequence[Sequence[int]],
    counts: Sequence[int],
    dataset_class: type[TextDataset] = SkipGramDataset,
    **settings: Any,
) -> TextDataset:
    """The sentences as a dataset; accepts `batch_size`, `seed`, `device` and the fields of SamplingSettings."""
    own = {name: settings.pop(name) for name in ("batch_size", "seed", "device") if name in settings}
    tokens = np.array([word for sentence in sentences for word in sentence], np.int32)
    offsets = np.cumsum([0, *map(len, sentences)])
    return dataset_class(tokens, offsets, make_vocabulary(counts), SamplingSettings(**settings), **own)


def random_sentences(words: int, counts: Sequence[int], length: int = 12, seed: int = 0) -> list[list[int]]:
    """Words drawn by their counts, in sentences of about the same length."""
    draw = np.random.default_rng(seed)
    tokens = draw.choice(len(counts), size=words, p=np.array(counts) / sum(counts)).tolist()
    return [tokens[start : start + length] for start in range(0, words, length)]


def make_model(size: int, dim: int, spread: float = 0.0) -> SkipGram:
    """A new model; with a `spread` both tables are random, such that scores have this standard deviation."""
    model = SkipGram(size, dim, torch.Generator().manual_seed(0))
    _spread_out(model, spread)
    return model


def make_cbow(size: int, dim: int, spread: float = 0.0, positions: int = 0) -> CBOW:
    """A new model, see `make_model`; with a `spread` the weights of positions are random as well."""
    model = CBOW(size, dim, torch.Generator().manual_seed(0), positions=positions)
    _spread_out(model, spread)
    if spread and model.positions is not None:
        with torch.no_grad():
            model.positions.normal_(1.0, 0.5, generator=torch.Generator().manual_seed(3))
    return model


@torch.no_grad()
def _spread_out(model: EmbeddingModel, spread: float) -> None:
    scale = (spread / model.input.shape[1] ** 0.5) ** 0.5
    for seed, table in enumerate((model.input, model.output) if spread else (), start=1):
        table.copy_(scale * torch.randn(table.shape, generator=torch.Generator().manual_seed(seed)))


def make_objective(kind: type[Objective], vocabulary_size: int) -> Objective:
    """Create an objective that sums its losses, as in training."""
    sized: dict[str, Any] = {"num_labels": vocabulary_size} if kind.needs_num_labels else {}
    return kind(reduction="sum", **sized)


class Kind(NamedTuple):
    """Which parts a model has."""

    cbow: bool = False
    ngrams: bool = False
    positions: bool = False

    def make_dataset(self, *text: Any, **settings: Any) -> TextDataset:
        """The dataset of this kind of model; see `make_dataset` for the arguments."""
        return make_dataset(*text, CBOWDataset if self.cbow else SkipGramDataset, **settings)

    def make_model(self, words: Sequence[str], dim: int, positions: int = 4, spread: float = 0.0) -> EmbeddingModel:
        """A new model; with a `spread` all tables are random.

        Args:
            words: The vocabulary.
            dim: Dimensions.
            positions: Number of positions in a window, if they have weights.
            spread: Standard deviation of the scores, about.
        """
        vocabulary = Vocabulary(list(words), np.full(len(words), 10))
        ngrams = NgramIndex.of(vocabulary, NGRAM_LENGTHS, BUCKETS) if self.ngrams else None
        random = torch.Generator().manual_seed(0)
        if self.cbow:
            places = positions if self.positions else 0
            model: EmbeddingModel = CBOW(len(words), dim, random, ngrams=ngrams, positions=places)
        else:
            model = SkipGram(len(words), dim, random, ngrams=ngrams)
        if spread:
            scale = (spread / dim**0.5) ** 0.5
            with torch.no_grad():
                for seed, table in enumerate(model.parameters(), start=1):
                    table.copy_(scale * torch.randn(table.shape, generator=torch.Generator().manual_seed(seed)))
        return model


KINDS: dict[str, Kind] = {
    "skipgram": Kind(),
    "cbow": Kind(cbow=True),
    "cbow-positions": Kind(cbow=True, positions=True),
    "skipgram-ngrams": Kind(ngrams=True),
    "cbow-ngrams": Kind(cbow=True, ngrams=True),
}
"""The models in all combinations of parts that change how they are trained."""

NGRAM_LENGTHS, BUCKETS = (4, 5), 50  # few buckets, so that different n-grams share rows
"""Of the models with n-grams."""
