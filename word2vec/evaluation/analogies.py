"""Analogy questions: a is to b as c is to d, where d has to be found.

Answers are found by 3CosAdd (Mikolov, Yih and Zweig 2013, "Linguistic regularities in continuous space word
representations") or 3CosMul (Levy and Goldberg 2014, "Linguistic regularities in sparse and explicit word
representations"). The accuracies agree with gensim's `evaluate_word_analogies`. Reading questions is left to
`benchmarks.py`.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import ConfigError
from word2vec.evaluation.benchmarks import QuestionSet, read_questions
from word2vec.evaluation.lookup import find_rows
from word2vec.evaluation.results import AnalogyResult, SectionResult
from word2vec.vectors.search import AnalogyMethod, three_cos_mul
from word2vec.vectors.word_vectors import WordVectors

BLOCK_CELLS = 2**23  # scores computed at a time, 32 MB in float32: bounds the memory for any vocabulary size


def evaluate_analogies(
    vectors: WordVectors,
    questions: QuestionSet | str | Path,
    *,
    restrict: int | None = 30_000,
    method: AnalogyMethod = "3cosadd",
    case: Literal["exact", "gensim"] = "gensim",
) -> AnalogyResult:
    """Answer analogy questions: a is to b as c is to d.

    Questions with a word outside the restricted vocabulary are skipped. Where a set lists several answers, as BATS
    does, each of them is correct, and a question is asked if one of them is in the vocabulary.

    Args:
        vectors: The vectors to evaluate, most frequent words first.
        questions: The questions, a file of questions, or the name of a built-in set.
        restrict: Use only this many most frequent words, in questions and answers; None for all.
        method: "3cosadd", the word nearest to b - a + c, or "3cosmul", which multiplies the three cosines.
        case: "gensim" ignores case: a word stands for its first, most frequent spelling, and no spelling of a, b or c
            can be the answer. "exact" uses words as written.

    Raises:
        ConfigError: `restrict` is below 1, or the method or `case` is unknown.
        FormatError: The file of questions cannot be read.
    """
    questions = questions if isinstance(questions, QuestionSet) else read_questions(questions)
    answered = answer_questions(vectors, questions, restrict=restrict, method=method, case=case)
    results = tuple(
        SectionResult(
            section.name, section.kind, outcomes.count(True), len(outcomes) - outcomes.count(None), len(outcomes)
        )
        for section, outcomes in zip(questions.sections, answered, strict=True)
    )
    words = (word for section in questions.sections for question in section.questions for word in question)
    unknown = tuple(word for word, row in find_rows(vectors.words, words, case, restrict).items() if row < 0)
    return AnalogyResult(questions.name, results, unknown, case)


def answer_questions(
    vectors: WordVectors,
    questions: QuestionSet,
    *,
    restrict: int | None,
    method: AnalogyMethod,
    case: Literal["exact", "gensim"],
) -> list[list[bool | None]]:
    """Return for each question of each section whether it was answered correctly; None if a word is unknown.

    The arguments and errors are those of `evaluate_analogies`.
    """
    if restrict is not None and restrict < 1:
        raise ConfigError(f"restrict must be 1 or more, got {restrict}; a usual value is 30000")
    if method not in SCORES:
        raise ConfigError(f"unknown analogy method {method!r}; choose {' or '.join(SCORES)}")
    asked_for = [
        (question, section.alternatives.get(question[2], ()))
        for section in questions.sections
        for question in section.questions
    ]
    words = (word for question, others in asked_for for word in (*question, *others))
    row_of = find_rows(vectors.words, words, case, restrict)
    accepted = [  # the rows of the correct answers to each question that are known
        [row for word in (question[3], *others) if (row := row_of[word]) >= 0] for question, others in asked_for
    ]
    listed = [
        [*(row_of[word] for word in question[:3]), right[0] if right else -1]
        for (question, _), right in zip(asked_for, accepted, strict=True)
    ]
    rows = np.array(listed, dtype=np.int64).reshape(-1, 4)  # (Q, 4), -1 for an unknown word
    vocabulary = vectors.words[:restrict]
    first = find_rows(vocabulary, vocabulary, case)  # the first row of the spellings of each word
    first_spelling = np.array([first[word] for word in vocabulary])  # (V,)
    known: NDArray[np.bool_] = np.all(rows >= 0, axis=1)  # (Q,)
    answers = iter(_answers(vectors.unit[:restrict], rows[known, :3], first_spelling, method).tolist())
    outcomes = iter(
        [next(answers) in right if each else None for each, right in zip(known.tolist(), accepted, strict=True)]
    )
    return [[next(outcomes) for _ in section.questions] for section in questions.sections]


def _answers(
    unit: NDArray[np.float32], asked: NDArray[np.int64], first_spelling: NDArray[np.int64], method: AnalogyMethod
) -> NDArray[np.int64]:
    """Return the best answer to each question, (Q,), as the row of its first spelling; -1 if no word is left.

    Args:
        unit: (V, D) rows of length one.
        asked: (Q, 3) rows of a, b and c.
        first_spelling: (V,) row of the first word that is equal up to case.
        method: "3cosadd" or "3cosmul".
    """
    score = SCORES[method]
    answers = np.empty(len(asked), dtype=np.int64)  # (Q,)
    block = max(1, BLOCK_CELLS // max(1, len(unit)))
    for start in range(0, len(asked), block):
        questions = asked[start : start + block]  # (B, 3)
        scores = score(unit, *questions.T)  # (B, V)
        row = np.arange(len(questions))
        scores[row[:, None], questions] = -np.inf
        best = scores.argmax(axis=1)  # (B,)
        # subtle: other spellings of a, b or c are no answers either; rare, so only the affected rows are repeated
        while (
            again := row[(first_spelling[best][:, None] == questions).any(axis=1) & np.isfinite(scores[row, best])]
        ).size:
            scores[again, best[again]] = -np.inf
            best[again] = scores[again].argmax(axis=1)
        answers[start : start + block] = np.where(np.isfinite(scores[row, best]), first_spelling[best], -1)
    return answers


def _add_scores(
    unit: NDArray[np.float32], a: NDArray[np.int64], b: NDArray[np.int64], c: NDArray[np.int64]
) -> NDArray[Any]:
    """Return 3CosAdd scores: the products of b - a + c with all words, (B, V), which rank as the cosines do."""
    return (unit[b] - unit[a] + unit[c]) @ unit.T


def _multiply_scores(
    unit: NDArray[np.float32], a: NDArray[np.int64], b: NDArray[np.int64], c: NDArray[np.int64]
) -> NDArray[Any]:
    """Return 3CosMul scores of all words, (B, V)."""
    return three_cos_mul(*(unit[word] @ unit.T for word in (a, b, c)))


SCORES = {"3cosadd": _add_scores, "3cosmul": _multiply_scores}
"""The scores of all words (B, V), as functions of unit rows (V, D) and the rows of a, b and c (B,), by method."""
