"""Evaluation of word vectors (similarity, analogies, bias, glossaries) and of vectors of pairs (ranking metrics).

`benchmarks.py` reads test sets, `downloads.py` fetches public ones, `similarity.py` and `analogies.py` score vectors on
them. `weat.py` measures associations of words, and `glossary.py` starts with the terms of a domain. `ranking.py` ranks
targets for held-out pairs, and `results.py` defines the results and converts them to JSON and data frames.
`comparison.py` compares systems on the same items, by the resamples of `resampling.py` and the tests of
`differences.py`; `stability.py` measures how far runs with different seeds agree on nearest neighbors.
`drift.py` compares the neighbors of words in two runs.
"""

from word2vec.evaluation.analogies import evaluate_analogies
from word2vec.evaluation.benchmarks import (
    PairSet,
    QuestionSet,
    builtin_sets,
    read_pair_sets,
    read_pairs,
    read_questions,
)
from word2vec.evaluation.comparison import ComparisonResult, SetComparison, compare
from word2vec.evaluation.differences import Difference
from word2vec.evaluation.downloads import download_set
from word2vec.evaluation.drift import measure_drift
from word2vec.evaluation.glossary import Glossary, read_glossary
from word2vec.evaluation.glossary_questions import (
    GlossaryQuestions,
    make_glossary_questions,
    read_glossary_questions,
)
from word2vec.evaluation.glossary_scores import GlossaryResult, GlossaryScore, evaluate_glossary
from word2vec.evaluation.ranking import evaluate_ranking
from word2vec.evaluation.results import (
    AnalogyResult,
    DriftResult,
    RankingResult,
    SectionResult,
    SimilarityResult,
    WeatResult,
    WordDrift,
    to_frame,
)
from word2vec.evaluation.similarity import evaluate_similarity
from word2vec.evaluation.stability import BandResult, StabilityResult, evaluate_stability
from word2vec.evaluation.weat import WeatTest, evaluate_weat, read_weat

__all__ = [
    "AnalogyResult",
    "BandResult",
    "ComparisonResult",
    "Difference",
    "DriftResult",
    "Glossary",
    "GlossaryQuestions",
    "GlossaryResult",
    "GlossaryScore",
    "PairSet",
    "QuestionSet",
    "RankingResult",
    "SectionResult",
    "SetComparison",
    "SimilarityResult",
    "StabilityResult",
    "WeatResult",
    "WeatTest",
    "WordDrift",
    "builtin_sets",
    "compare",
    "download_set",
    "evaluate_analogies",
    "evaluate_glossary",
    "evaluate_ranking",
    "evaluate_similarity",
    "evaluate_stability",
    "evaluate_weat",
    "make_glossary_questions",
    "measure_drift",
    "read_glossary",
    "read_glossary_questions",
    "read_pair_sets",
    "read_pairs",
    "read_questions",
    "read_weat",
    "to_frame",
]
