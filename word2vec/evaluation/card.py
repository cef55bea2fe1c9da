"""The section of a model card with the scores of vectors on the built-in test sets."""

import math
from collections.abc import Iterator

import numpy as np

from word2vec.evaluation.analogies import answer_questions
from word2vec.evaluation.benchmarks import QuestionSet, builtin_sets, read_pair_sets, read_questions
from word2vec.evaluation.resampling import resampled_accuracy
from word2vec.evaluation.results import SimilarityResult
from word2vec.evaluation.similarity import evaluate_similarity
from word2vec.vectors.word_vectors import WordVectors

RESTRICT, RESAMPLES = 30_000, 1000
HEAD = ("Test set", "Measure", "Score", "95% confidence interval", "Used")


def evaluation_section(vectors: WordVectors) -> str:
    """Return a Markdown section with the scores; empty if the vectors have no scores, for instance those of items."""
    sets = builtin_sets()
    pairs = read_pair_sets([name for name, path in sets.items() if path.suffix == ".csv"])
    questions = [read_questions(name) for name, path in sets.items() if path.suffix == ".txt"]
    rows = [row for each in pairs for row in _similarity_rows(evaluate_similarity(vectors, each))]
    rows += [row for each in questions for row in _analogy_rows(vectors, each)]
    if not rows:
        return ""
    lines = [HEAD, ("---",) * len(HEAD), *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"\n## Evaluation\n\n{table}\n\nAnalogies are solved among the {RESTRICT:,} most frequent words.\n"


def _similarity_rows(result: SimilarityResult) -> Iterator[tuple[str, ...]]:
    if math.isfinite(result.spearman):
        interval = _interval(result.ci_low, result.ci_high) if math.isfinite(result.ci_low) else ""
        used = f"{result.pairs:,} of {result.pairs_total:,} pairs"
        yield result.name, "Spearman", f"{result.spearman:.3f}", interval, used


def _analogy_rows(vectors: WordVectors, questions: QuestionSet) -> Iterator[tuple[str, ...]]:
    answers = answer_questions(vectors, questions, restrict=RESTRICT, method="3cosadd", case="gensim")
    known = [
        [question for question, answer in zip(section.questions, given, strict=True) if answer is not None]
        for section, given in zip(questions.sections, answers, strict=True)
    ]
    outcomes = np.array([[answer for given in answers for answer in given if answer is not None]], np.bool_)  # (1, Q)
    if outcomes.size:
        # questions share word pairs, so these are drawn
        resampled = resampled_accuracy(outcomes, known, RESAMPLES, np.random.default_rng(0))
        low, high = np.nanpercentile(resampled, [2.5, 97.5])
        used = f"{outcomes.size:,} of {sum(len(given) for given in answers):,} questions"
        yield questions.name, "accuracy", f"{outcomes.mean():.3f}", _interval(low, high), used


def _interval(low: float, high: float) -> str:
    return f"{low:.3f} to {high:.3f}"
