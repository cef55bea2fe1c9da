"""Train, evaluate and query word embeddings.

    import word2vec

    vectors = word2vec.train("pydocs", dim=50)
    vectors.nearest("array")

The subpackages, in the order in which data passes through them:

    corpus      from text files to token ids, indexed once
    sampling    subsampling, windows and negative samples
    models      skip-gram and CBOW, and character n-grams
    losses      the objectives, as functions of scores
    engines     training engines: plain, autograd, fused for the CPU and for CUDA
    formats     vector files
    vectors     word vectors and queries
    evaluation  word similarity and analogies
    training    the training loop, checkpoints, several processes, search for settings
    compat      gensim's classes on top of this package
    report      the HTML report of a run
    cli         the command line

All of them may use `config`, `errors` and `system` (files, memory, signals). To read the code, begin with
`engines/plain.py`; docs/internals.md contains the derivation and a reading order.
"""

from importlib import import_module

TYPE_CHECKING = False  # type checkers take it for True; importing `typing` would delay the handling of Ctrl-C by 10 ms
if TYPE_CHECKING:
    from os import PathLike

    from word2vec.config import TrainConfig
    from word2vec.corpus import (
        IndexedCorpus,
        MemoryCorpus,
        Phrases,
        Vocabulary,
        find_phrases,
        index_corpus,
        open_corpus,
    )
    from word2vec.errors import TrainingInterrupted, TuningInterrupted, UnknownWordError, Word2VecError
    from word2vec.evaluation import (
        compare,
        evaluate_analogies,
        evaluate_glossary,
        evaluate_ranking,
        evaluate_similarity,
        evaluate_stability,
        evaluate_weat,
        make_glossary_questions,
        measure_drift,
        read_glossary,
        read_pairs,
        read_questions,
        read_weat,
        to_frame,
    )
    from word2vec.evaluation.probes import probe_classifier, probe_language_model, read_labeled_texts
    from word2vec.losses import LOSSES
    from word2vec.models import CBOW, SkipGram
    from word2vec.report import write_report
    from word2vec.sampling import CBOWDataset, SamplingSettings, SkipGramDataset
    from word2vec.training import EpochResult, train, train_pairs
    from word2vec.training.tuning import TuningResult, tune
    from word2vec.vectors import PairVectors, WordVectors
    from word2vec.vectors.combination import combine
    from word2vec.vectors.documents import DocumentVectorizer

__all__ = [
    "CBOW",
    "LOSSES",
    "CBOWDataset",
    "DocumentVectorizer",
    "EpochResult",
    "IndexedCorpus",
    "MemoryCorpus",
    "PairVectors",
    "Phrases",
    "SamplingSettings",
    "SkipGram",
    "SkipGramDataset",
    "TrainConfig",
    "TrainingInterrupted",
    "TuningInterrupted",
    "TuningResult",
    "UnknownWordError",
    "Vocabulary",
    "Word2VecError",
    "WordVectors",
    "combine",
    "compare",
    "evaluate_analogies",
    "evaluate_glossary",
    "evaluate_ranking",
    "evaluate_similarity",
    "evaluate_stability",
    "evaluate_weat",
    "find_phrases",
    "index_corpus",
    "load",
    "make_glossary_questions",
    "measure_drift",
    "open_corpus",
    "probe_classifier",
    "probe_language_model",
    "read_glossary",
    "read_labeled_texts",
    "read_pairs",
    "read_questions",
    "read_weat",
    "to_frame",
    "train",
    "train_pairs",
    "tune",
    "write_report",
]

_PUBLIC_NAMES = {
    "config": ["TrainConfig"],
    "corpus": ["IndexedCorpus", "MemoryCorpus", "Phrases", "Vocabulary", "find_phrases", "index_corpus", "open_corpus"],
    "errors": ["TrainingInterrupted", "TuningInterrupted", "UnknownWordError", "Word2VecError"],
    "evaluation": [
        "compare",
        "evaluate_analogies",
        "evaluate_glossary",
        "evaluate_ranking",
        "evaluate_similarity",
        "evaluate_stability",
        "evaluate_weat",
        "make_glossary_questions",
        "read_glossary",
        "measure_drift",
        "read_pairs",
        "read_questions",
        "read_weat",
        "to_frame",
    ],
    "evaluation.probes": ["probe_classifier", "probe_language_model", "read_labeled_texts"],
    "losses": ["LOSSES"],
    "models": ["CBOW", "SkipGram"],
    "report": ["write_report"],
    "sampling": ["CBOWDataset", "SamplingSettings", "SkipGramDataset"],
    "training": ["EpochResult", "train", "train_pairs"],
    "training.tuning": ["TuningResult", "tune"],
    "vectors": ["PairVectors", "WordVectors"],
    "vectors.combination": ["combine"],
    "vectors.documents": ["DocumentVectorizer"],
}
"""The modules that the public names are imported from."""

_MODULE_OF = {name: module for module, names in _PUBLIC_NAMES.items() for name in names}

__version__: str


def load(
    path: "str | PathLike[str]", limit: int | None = None, *, progress: bool = False
) -> "WordVectors | PairVectors":
    """Load word vectors from a run folder or a file in any known format, or `PairVectors` from a run trained on pairs.

    `WordVectors.load` and `PairVectors.load` load only one of them.

    Args:
        path: Run folder or vectors file.
        limit: Maximum number of words to load, from the start of the file; None loads all.
        progress: Whether to show a progress bar on stderr.

    Raises:
        FormatError: The path cannot be read as vectors.
    """
    return import_module("word2vec.vectors").load_vectors(path, limit, progress=progress)  # type: ignore[no-any-return]


def __getattr__(name: str) -> object:
    """Import a public name on first use, so that `import word2vec` is fast and does not import torch (PEP 562)."""
    if name == "__version__":
        return import_module("importlib.metadata").version("word2vec-fused")
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'word2vec' has no attribute {name!r}")
    return getattr(import_module(f"word2vec.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
