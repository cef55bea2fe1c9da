"""Evaluation with gensim's arguments and return values; the scores are computed by `word2vec.evaluation`."""

import logging
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np

from word2vec.compat.gensim.errors import ArgumentError, reason_of
from word2vec.errors import FormatError
from word2vec.evaluation.analogies import answer_questions
from word2vec.evaluation.benchmarks import PairSet, read_questions
from word2vec.evaluation.lookup import find_rows
from word2vec.evaluation.similarity import pair_cosines
from word2vec.vectors.search import AnalogyMethod
from word2vec.vectors.word_vectors import WordVectors

METHODS: dict[str, AnalogyMethod] = {"most_similar": "3cosadd", "most_similar_cosmul": "3cosmul"}

_log = logging.getLogger("word2vec")


def score_pairs(
    vectors: WordVectors,
    pairs: str | PathLike[str],
    delimiter: str,
    encoding: str,
    restrict: int | None,
    ignore_case: bool,
    zero_if_unknown: bool,
) -> tuple[Any, Any, float]:
    """Correlate the cosines of word pairs with human scores.

    Args:
        vectors: The vectors.
        pairs: A file with two words and a score per line. Comments, which start with #, and lines of another form are
            ignored, as in gensim; a warning counts the latter.
        delimiter: What separates the fields.
        encoding: The encoding of the file.
        restrict: Use only this many most frequent words; None for all.
        ignore_case: Whether to ignore case; of several spellings, the most frequent one counts.
        zero_if_unknown: Whether a pair with an unknown word counts as a cosine of 0; otherwise it is ignored.

    Returns:
        Pearson's and Spearman's correlation, each with its p-value, as scipy returns them, and the percentage of pairs
        with an unknown word, 0 to 100.

    Raises:
        ArgumentError: No pair can be scored.
        FormatError: The file cannot be read.
    """
    from scipy.stats import pearsonr, spearmanr

    listed = _read_pairs(Path(pairs), delimiter, encoding)
    words = (word for pair in listed.words for word in pair)
    rows = find_rows(vectors.words, words, "gensim" if ignore_case else "exact", restrict)
    cosines, known = pair_cosines(vectors, listed, rows)  # (P,) each
    used = np.ones_like(known) if zero_if_unknown else known
    if not used.any():
        raise ArgumentError(
            f"{pairs}: no pair can be scored: none of its {len(known)} pairs is known, or the delimiter is not "
            f"{delimiter!r}; pass delimiter="
        )
    human, model = listed.scores[used], cosines[used]
    unknown = 100 * float(1 - known.mean())
    return pearsonr(human, model), spearmanr(human, model), unknown


def score_analogies(
    vectors: WordVectors,
    analogies: str | PathLike[str],
    restrict: int | None,
    ignore_case: bool,
    wrong_if_unknown: bool,
    similarity_function: Literal["most_similar", "most_similar_cosmul"],
) -> tuple[float, list[dict[str, Any]]]:
    """Answer analogy questions.

    Args:
        vectors: The vectors.
        analogies: A file of questions, four words per line, with sections that begin with ": name".
        restrict: Use only this many most frequent words; None for all.
        ignore_case: Whether to ignore case.
        wrong_if_unknown: Whether a question with an unknown word counts as wrong; otherwise it is ignored.
        similarity_function: "most_similar" for 3CosAdd or "most_similar_cosmul" for 3CosMul.

    Returns:
        The fraction of correct answers, and for each section a dictionary with the keys "section", "correct" and
        "incorrect"; the last one, "Total accuracy", has the questions of all sections. Questions are tuples of four
        words, in uppercase if case is ignored.

    Raises:
        ArgumentError: The similarity function is unknown.
        FormatError: The file cannot be read.
    """
    if similarity_function not in METHODS:
        raise ArgumentError(f"unknown similarity_function {similarity_function!r}; choose one of: {', '.join(METHODS)}")
    questions = read_questions(Path(analogies))
    case: Literal["exact", "gensim"] = "gensim" if ignore_case else "exact"
    method = METHODS[similarity_function]
    answered = answer_questions(vectors, questions, restrict=restrict, method=method, case=case)
    results = []
    for section, outcomes in zip(questions.sections, answered, strict=True):
        shown = [tuple(word.upper() if ignore_case else word for word in question) for question in section.questions]
        correct = [question for question, outcome in zip(shown, outcomes, strict=True) if outcome]
        incorrect = [
            question
            for question, outcome in zip(shown, outcomes, strict=True)
            if outcome is False or (outcome is None and wrong_if_unknown)
        ]
        results.append({"section": section.name, "correct": correct, "incorrect": incorrect})
    total: dict[str, Any] = {"section": "Total accuracy"}
    total |= {key: [question for result in results for question in result[key]] for key in ("correct", "incorrect")}
    right, wrong = len(total["correct"]), len(total["incorrect"])
    return right / (right + wrong or 1), [*results, total]


def _read_pairs(path: Path, delimiter: str, encoding: str) -> PairSet:
    words, scores, skipped = [], [], 0
    try:
        lines = path.read_text(encoding=encoding).split("\n")
    except (OSError, ValueError, LookupError) as error:
        raise FormatError(f"{path}: cannot be read: {reason_of(error)}; check the path and the encoding") from error
    for line in lines:
        fields = line.strip("\r").split(delimiter)
        score = _number(fields[2]) if len(fields) == 3 else None
        if line.startswith("#") or not line.strip():
            continue
        if score is None:
            skipped += 1
        else:
            words.append((fields[0], fields[1]))
            scores.append(score)
    if skipped:
        _log.warning("%s: %d lines are not two words and a score; they are ignored", path, skipped)
    return PairSet(path.stem, tuple(words), np.array(scores))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
