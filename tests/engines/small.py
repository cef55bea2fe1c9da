"""Small corpora, datasets and models for the tests of the engines."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from word2vec.corpus.vocabulary import Vocabulary
from word2vec.losses import Objective
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import SamplingSettings, SkipGramDataset


def make_vocabulary(counts: Sequence[int]) -> Vocabulary:
    return Vocabulary([f"word{number}" for number in range(len(counts))], np.array(counts))


def make_dataset(sentences: Sequence[Sequence[int]], counts: Sequence[int], **settings: Any) -> SkipGramDataset:
    """The sentences as a dataset; accepts `batch_size`, `seed`, `device` and the fields of SamplingSettings."""
    own = {name: settings.pop(name) for name in ("batch_size", "seed", "device") if name in settings}
    tokens = np.array([word for sentence in sentences for word in sentence], np.int32)
    offsets = np.cumsum([0, *map(len, sentences)])
    return SkipGramDataset(tokens, offsets, make_vocabulary(counts), SamplingSettings(**settings), **own)


def random_sentences(words: int, counts: Sequence[int], length: int = 12, seed: int = 0) -> list[list[int]]:
    """Words drawn by their counts, in sentences of about the same length."""
    draw = np.random.default_rng(seed)
    tokens = draw.choice(len(counts), size=words, p=np.array(counts) / sum(counts)).tolist()
    return [tokens[start : start + length] for start in range(0, words, length)]


def make_model(size: int, dim: int, spread: float = 0.0) -> SkipGram:
    """A new model; with a `spread` both tables are random, such that scores have this standard deviation."""
    model = SkipGram(size, dim, torch.Generator().manual_seed(0))
    if spread:
        scale = (spread / dim**0.5) ** 0.5
        with torch.no_grad():
            for seed, table in enumerate((model.input, model.output), start=1):
                table.copy_(scale * torch.randn(size, dim, generator=torch.Generator().manual_seed(seed)))
    return model


def make_objective(kind: type[Objective], vocabulary_size: int) -> Objective:
    """Create an objective that sums its losses, as in training."""
    sized: dict[str, Any] = {"num_labels": vocabulary_size} if kind.needs_num_labels else {}
    return kind(reduction="sum", **sized)
