"""Evaluation of word vectors (word similarity and analogies) and of vectors of pairs (ranking metrics).

`benchmarks.py` reads test sets, `similarity.py` and `analogies.py` score vectors on them, `ranking.py` ranks targets
for held-out pairs, and `results.py` defines the results and converts them to JSON and data frames. `drift.py` compares
the neighbors of words in two runs.
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
from word2vec.evaluation.drift import measure_drift
from word2vec.evaluation.ranking import evaluate_ranking
from word2vec.evaluation.results import (
    AnalogyResult,
    DriftResult,
    RankingResult,
    SectionResult,
    SimilarityResult,
    WordDrift,
    to_frame,
)
from word2vec.evaluation.similarity import evaluate_similarity

__all__ = [
    "AnalogyResult",
    "DriftResult",
    "PairSet",
    "QuestionSet",
    "RankingResult",
    "SectionResult",
    "SimilarityResult",
    "WordDrift",
    "builtin_sets",
    "evaluate_analogies",
    "evaluate_ranking",
    "evaluate_similarity",
    "measure_drift",
    "read_pair_sets",
    "read_pairs",
    "read_questions",
    "to_frame",
]
