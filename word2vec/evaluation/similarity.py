"""Measures how good word vectors are, on scored word pairs and on analogy questions.

Similarity: the rank correlation (Spearman) of the cosines of word pairs with the scores that people gave them, with a
bootstrap interval, since 353 pairs leave a lot to chance. Analogies: a is to b as c is to ?, answered by 3CosAdd
(Mikolov, Yih and Zweig 2013) or 3CosMul (Levy and Goldberg 2014). What the vectors do not know is always reported,
because leaving it out or counting it as 0 can move a figure by several points. The functions agree with gensim's
`evaluate_word_pairs` and `evaluate_word_analogies`; reading the sets is left to `word2vec.testsets`.
"""

import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import ConfigError
from word2vec.evaluation.benchmarks import PairSet, QuestionSet, read_pairs, read_questions
from word2vec.evaluation.results import AnalogyResult, SectionResult, SimilarityResult, to_frame
from word2vec.vectors.word_vectors import AnalogyMethod, WordVectors

__all__ = [
    "AnalogyResult",
    "SectionResult",
    "SimilarityResult",
    "evaluate_analogies",
    "evaluate_similarity",
    "to_frame",
]

BLOCK_CELLS = 2**23  # cells of the largest work array, 32 MB in float32; bounds the memory whatever the vocabulary
FEW_PAIRS = 10  # with fewer, resampling meets so few orders of the pairs that the interval means little
COSINE_NOISE = 1e-6  # what rounding in float32 leaves of cosines that are equal, such as those of words with themselves
TINY = 1e-6  # keeps the quotient of 3CosMul finite; gensim's value, the paper took 1e-3


def evaluate_similarity(
    vectors: WordVectors,
    pairs: PairSet | str | Path,
    *,
    oov: Literal["skip", "zero"] = "skip",
    fold_case: bool = True,
    bootstrap: int = 1000,
    seed: int = 0,
) -> SimilarityResult:
    """Compare the cosines of word pairs with the scores that people gave them.

    Args:
        vectors: The vectors to measure.
        pairs: The pairs, or a file of pairs, or the name of a shipped set.
        oov: What a pair with an unknown word counts: nothing ("skip"), or a cosine of 0 ("zero").
        fold_case: Look a word up in lower case where it is unknown as it stands.
        bootstrap: Resamples of the pairs behind the 95 % percentile interval; 0 for no interval.
        seed: Seed of the resampling.
    """
    pairs = pairs if isinstance(pairs, PairSet) else read_pairs(pairs)
    ids = {word: _lookup(vectors, word, fold_case) for pair in pairs.words for word in pair}
    # (P, 2), -1 for an unknown word
    index = np.array([[ids[first], ids[second]] for first, second in pairs.words], dtype=np.int64).reshape(-1, 2)
    known = (index >= 0).all(axis=1)  # (P,)
    cosines = np.zeros(len(index))  # (P,)
    left, right = vectors.unit[index[known, 0]], vectors.unit[index[known, 1]]
    cosines[known] = np.einsum("pd,pd->p", left, right, dtype=np.float64)
    used = known if oov == "skip" else np.ones_like(known)
    cosines, scores = cosines[used], pairs.scores[used]

    note = _undefined(cosines, scores)
    spearman, pearson, low, high = (math.nan,) * 4
    if not note:
        # the scale of the scores does not matter, but the squares of very large or small ones overflow or vanish
        spearman, pearson = float(_spearman(cosines, scores)), float(_pearson(cosines, scores / np.abs(scores).max()))
        low, high = _interval(cosines, scores, bootstrap, seed)
        if len(cosines) < FEW_PAIRS:
            note = f"only {len(cosines)} usable pairs: the figures say little"
    unknown = tuple(word for word, row in ids.items() if row < 0)
    return SimilarityResult(pairs.name, spearman, pearson, len(cosines), len(index), unknown, low, high, note)


def evaluate_analogies(
    vectors: WordVectors,
    questions: QuestionSet | str | Path,
    *,
    restrict: int | None = 30_000,
    method: AnalogyMethod = "3cosadd",
) -> AnalogyResult:
    """Answer analogy questions: a is to b as c is to d.

    Upper and lower case are one: a word means its first, most frequent spelling, and no spelling of a, b or c may be
    the answer. A question with a word outside the restricted vocabulary is not asked. All this is gensim's way.

    Args:
        vectors: The vectors to measure, most frequent words first.
        questions: The questions, or a file of them, or the name of a shipped set.
        restrict: Use only so many of the first words, in questions and answers; None for all.
        method: 3CosAdd, the nearest to b - a + c, or 3CosMul, which weighs the three cosines as a product.

    Raises:
        ConfigError: `restrict` leaves no words.
    """
    if restrict is not None and restrict < 1:
        raise ConfigError(f"restrict is {restrict}: analogies need a vocabulary; give 1 or more, such as 30000")
    questions = questions if isinstance(questions, QuestionSet) else read_questions(questions)
    first: dict[str, int] = {}
    # spelling[i] is the first row that spells word i up to case; upper() is what gensim folds by
    spelling = np.array([first.setdefault(word.upper(), i) for i, word in enumerate(vectors.words[:restrict])])  # (V,)
    asked = [
        [row for question in section.questions if min(row := [first.get(word.upper(), -1) for word in question]) >= 0]
        for section in questions.sections
    ]
    rows = np.array([row for section in asked for row in section], dtype=np.int64).reshape(-1, 4)  # (Q, 4)
    right = _answers(vectors.unit[:restrict], rows[:, :3], spelling, method) == rows[:, 3]  # (Q,)

    ends = np.cumsum([len(section) for section in asked])
    results = tuple(
        SectionResult(section.name, section.kind, int(part.sum()), len(part), len(section.questions))
        for section, part in zip(questions.sections, np.split(right, ends[:-1]), strict=True)
    )
    words = dict.fromkeys(word for section in questions.sections for question in section.questions for word in question)
    return AnalogyResult(questions.name, results, tuple(word for word in words if word.upper() not in first))


def _lookup(vectors: WordVectors, word: str, fold_case: bool) -> int:
    for spelling in (word, word.lower()) if fold_case else (word,):
        if spelling in vectors:
            return vectors.index(spelling)
    return -1


def _undefined(cosines: NDArray[np.float64], scores: NDArray[np.float64]) -> str:
    """Why no correlation is defined, or nothing where it is."""
    if len(cosines) < 2:
        return f"too few usable pairs ({len(cosines)}): a correlation needs two or more"
    if scores.min() == scores.max():  # not ptp, a difference that may overflow
        return "all scores are equal: there is no order to compare with"
    if np.ptp(cosines) <= COSINE_NOISE:
        return "all similarities are equal: the vectors order nothing"
    return ""


def _pearson(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation along the last axis; NaN where one side is constant."""
    x = x - x.mean(axis=-1, keepdims=True)
    y = y - y.mean(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN that is meant
        correlation: NDArray[np.float64] = (x * y).sum(-1) / np.sqrt((x * x).sum(-1) * (y * y).sum(-1))
    return correlation


def _spearman(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation of the ranks along the last axis; equal values share their mean rank."""
    from scipy.stats import rankdata

    return _pearson(rankdata(x, axis=-1), rankdata(y, axis=-1))


def _interval(x: NDArray[np.float64], y: NDArray[np.float64], resamples: int, seed: int) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of Spearman's correlation, (NaN, NaN) without resamples."""
    rng = np.random.default_rng(seed)
    rows = max(1, BLOCK_CELLS // (8 * len(x)))  # resamples at once; several arrays of this size in float64 are alive
    drawn = []
    for start in range(0, resamples, rows):
        chosen = rng.integers(len(x), size=(min(rows, resamples - start), len(x)))
        drawn.append(_spearman(x[chosen], y[chosen]))
    values = np.concatenate([*drawn, np.empty(0)])
    values = values[np.isfinite(values)]  # a resample of a tiny set may hold the same pair throughout
    if not len(values):
        return math.nan, math.nan
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _answers(
    unit: NDArray[np.float32], asked: NDArray[np.int64], spelling: NDArray[np.int64], method: AnalogyMethod
) -> NDArray[np.int64]:
    """The best word for each question, as the row of its first spelling; -1 where no word is left.

    Args:
        unit: (V, D) rows of length one.
        asked: (Q, 3) rows of a, b and c.
        spelling: (V,) row of the first word that is the same up to case.
        method: "3cosadd" or "3cosmul".
    """
    score = {"3cosadd": _add, "3cosmul": _multiply}[method]
    answers = np.empty(len(asked), dtype=np.int64)  # (Q,)
    block = max(1, BLOCK_CELLS // max(1, len(unit)))
    for start in range(0, len(asked), block):
        questions = asked[start : start + block]  # (B, 3)
        scores = score(unit, *questions.T)  # (B, V)
        row = np.arange(len(questions))
        scores[row[:, None], questions] = -np.inf
        best = scores.argmax(axis=1)  # (B,)
        # subtle: another spelling of a, b or c is no answer either; rare, so only the rows that met one go on
        while (again := row[(spelling[best][:, None] == questions).any(axis=1) & np.isfinite(scores[row, best])]).size:
            scores[again, best[again]] = -np.inf
            best[again] = scores[again].argmax(axis=1)
        answers[start : start + block] = np.where(np.isfinite(scores[row, best]), spelling[best], -1)
    return answers


def _add(unit: NDArray[np.float32], a: NDArray[np.int64], b: NDArray[np.int64], c: NDArray[np.int64]) -> NDArray[Any]:
    return (unit[b] - unit[a] + unit[c]) @ unit.T


def _multiply(
    unit: NDArray[np.float32], a: NDArray[np.int64], b: NDArray[np.int64], c: NDArray[np.int64]
) -> NDArray[Any]:
    # cosines are moved to 0 .. 1, since a product of two negative ones would count as likeness
    near_a, near_b, near_c = ((1 + unit[word] @ unit.T) / 2 for word in (a, b, c))
    return near_b * near_c / (near_a + TINY)
