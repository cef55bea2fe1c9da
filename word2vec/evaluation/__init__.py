"""Scores of word vectors on word similarity and analogies, with coverage and confidence intervals."""

from word2vec.evaluation.benchmarks import read_pairs, read_questions
from word2vec.evaluation.results import to_frame
from word2vec.evaluation.similarity import evaluate_analogies, evaluate_similarity

__all__ = ["evaluate_analogies", "evaluate_similarity", "read_pairs", "read_questions", "to_frame"]
