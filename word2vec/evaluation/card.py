"""The section of a model card with the scores of vectors on the built-in test sets."""

import math
from collections.abc import Iterator

from word2vec.evaluation.analogies import evaluate_analogies
from word2vec.evaluation.benchmarks import builtin_sets, read_pair_sets, read_questions
from word2vec.evaluation.results import AnalogyResult, SimilarityResult
from word2vec.evaluation.similarity import evaluate_similarity
from word2vec.vectors.word_vectors import WordVectors

HEAD = ("Test set", "Measure", "Score", "95% confidence interval", "Used")


def evaluation_section(vectors: WordVectors) -> str:
    """Return a Markdown section with the scores; empty if the vectors have no scores, for instance those of items."""
    sets = builtin_sets()
    pairs = read_pair_sets([name for name, path in sets.items() if path.suffix == ".csv"])
    questions = [read_questions(name) for name, path in sets.items() if path.suffix == ".txt"]
    rows = [row for each in pairs for row in _similarity_rows(evaluate_similarity(vectors, each))]
    rows += [row for each in questions for row in _analogy_rows(evaluate_analogies(vectors, each))]
    if not rows:
        return ""
    lines = [HEAD, ("---",) * len(HEAD), *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"\n## Evaluation\n\n{table}\n\nAnalogies are solved among the 30,000 most frequent words.\n"


def _similarity_rows(result: SimilarityResult) -> Iterator[tuple[str, ...]]:
    if math.isfinite(result.spearman):
        interval = _interval(result.ci_low, result.ci_high) if math.isfinite(result.ci_low) else ""
        used = f"{result.pairs:,} of {result.pairs_total:,} pairs"
        yield result.name, "Spearman", f"{result.spearman:.3f}", interval, used


def _analogy_rows(result: AnalogyResult) -> Iterator[tuple[str, ...]]:
    from scipy.stats import binomtest  # slow to import

    if result.questions:
        used = f"{result.questions:,} of {result.questions_total:,} questions"
        correct = sum(section.correct for section in result.sections)
        bounds = binomtest(correct, result.questions).proportion_ci(method="wilson")
        interval = _interval(bounds.low, bounds.high)
        yield result.name, "accuracy", f"{result.accuracy:.3f}", interval, used


def _interval(low: float, high: float) -> str:
    return f"{low:.3f} to {high:.3f}"
