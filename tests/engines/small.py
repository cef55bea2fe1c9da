"""Small corpora, datasets and models for the tests of the engines."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from word2vec.corpus.vocabulary import Vocabulary
from word2vec.losses import Objective
from word2vec.models import CBOW, EmbeddingModel
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import CBOWDataset, SamplingSettings, SkipGramDataset


def make_vocabulary(counts: Sequence[int]) -> Vocabulary:
    return Vocabulary([f"word{number}" for number in range(len(counts))], np.array(counts))


def make_dataset(sentences: Sequence[Sequence[int]], counts: Sequence[int], **settings: Any) -> SkipGramDataset:
    """The sentences as a dataset; accepts `batch_size`, `seed`, `device` and the fields of SamplingSettings."""
    return SkipGramDataset(*_text(sentences, counts), **_grouped(settings))


def make_cbow_dataset(sentences: Sequence[Sequence[int]], counts: Sequence[int], **settings: Any) -> CBOWDataset:
    """The sentences as windows; see `make_dataset`."""
    return CBOWDataset(*_text(sentences, counts), **_grouped(settings))


def _text(sentences: Sequence[Sequence[int]], counts: Sequence[int]) -> tuple[Any, Any, Vocabulary]:
    tokens = np.array([word for sentence in sentences for word in sentence], np.int32)
    return tokens, np.cumsum([0, *map(len, sentences)]), make_vocabulary(counts)


def _grouped(settings: dict[str, Any]) -> dict[str, Any]:
    own = {name: settings.pop(name) for name in ("batch_size", "seed", "device") if name in settings}
    return {"settings": SamplingSettings(**settings), **own}


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
