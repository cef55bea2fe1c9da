"""Evaluation of word vectors (word similarity and analogies) and of vectors of pairs (ranking metrics).

`benchmarks.py` reads test sets, `similarity.py` and `analogies.py` score vectors on them, `ranking.py` ranks targets
for held-out pairs, and `results.py` defines the results and converts them to JSON and data frames. `comparison.py`
compares systems on the same items, by the resamples of `resampling.py` and the tests of `differences.py`;
`stability.py` measures how far runs with different seeds agree on nearest neighbors.
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
from word2vec.evaluation.ranking import evaluate_ranking
from word2vec.evaluation.results import AnalogyResult, RankingResult, SectionResult, SimilarityResult, to_frame
from word2vec.evaluation.similarity import evaluate_similarity
from word2vec.evaluation.stability import BandResult, StabilityResult, evaluate_stability

__all__ = [
    "AnalogyResult",
    "BandResult",
    "ComparisonResult",
    "Difference",
    "PairSet",
    "QuestionSet",
    "RankingResult",
    "SectionResult",
    "SetComparison",
    "SimilarityResult",
    "StabilityResult",
    "builtin_sets",
    "compare",
    "evaluate_analogies",
    "evaluate_ranking",
    "evaluate_similarity",
    "evaluate_stability",
    "read_pair_sets",
    "read_pairs",
    "read_questions",
    "to_frame",
]
