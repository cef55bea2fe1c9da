"""Train, evaluate and query word embeddings.

    import word2vec

    config = word2vec.TrainConfig(corpus=("pydocs",), dim=50)
    vectors = word2vec.train(config)
    vectors.nearest("array")

The parts, in the order in which text passes through them: corpus, counting, tokens, vocabulary; sampling, dataset;
model, losses, engines, training; vectors, subwords, formats, documents; testsets, evaluation; report.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from word2vec.config import TrainConfig
    from word2vec.corpus.index import IndexedCorpus, index_corpus
    from word2vec.corpus.vocabulary import Vocabulary
    from word2vec.errors import TrainingInterrupted, UnknownWordError, Word2VecError
    from word2vec.evaluation.benchmarks import read_pairs, read_questions
    from word2vec.evaluation.results import to_frame
    from word2vec.evaluation.similarity import evaluate_analogies, evaluate_similarity
    from word2vec.losses import LOSSES
    from word2vec.models.skipgram import SkipGram
    from word2vec.report import write_report
    from word2vec.sampling.datasets import SamplingSettings, SkipGramDataset
    from word2vec.training.loop import train
    from word2vec.vectors.documents import DocumentVectorizer
    from word2vec.vectors.word_vectors import WordVectors

__all__ = [
    "LOSSES",
    "DocumentVectorizer",
    "IndexedCorpus",
    "SamplingSettings",
    "SkipGram",
    "SkipGramDataset",
    "TrainConfig",
    "TrainingInterrupted",
    "UnknownWordError",
    "Vocabulary",
    "Word2VecError",
    "WordVectors",
    "evaluate_analogies",
    "evaluate_similarity",
    "index_corpus",
    "load",
    "read_pairs",
    "read_questions",
    "to_frame",
    "train",
    "write_report",
]

_HOMES = {
    "LOSSES": "losses",
    "DocumentVectorizer": "vectors.documents",
    "IndexedCorpus": "corpus",
    "SamplingSettings": "sampling",
    "SkipGram": "models",
    "SkipGramDataset": "sampling",
    "TrainConfig": "config",
    "TrainingInterrupted": "errors",
    "UnknownWordError": "errors",
    "Vocabulary": "corpus",
    "Word2VecError": "errors",
    "WordVectors": "vectors",
    "evaluate_analogies": "evaluation",
    "evaluate_similarity": "evaluation",
    "index_corpus": "corpus",
    "read_pairs": "evaluation",
    "read_questions": "evaluation",
    "to_frame": "evaluation",
    "train": "training",
    "write_report": "report",
}

__version__ = version("word2vec-fused")


def load(path: str, limit: int | None = None, *, progress: bool = False) -> "WordVectors":
    """Read vectors: short for `WordVectors.load`."""
    return import_module("word2vec.vectors").WordVectors.load(path, limit, progress=progress)  # type: ignore[no-any-return]


def __getattr__(name: str) -> object:
    """Import a public name's module on first use, so that `import word2vec` is light (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'word2vec' has no attribute {name!r}")
    return getattr(import_module(f"word2vec.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
