import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gensim.models import KeyedVectors
from scipy import stats

from word2vec.errors import ConfigError
from word2vec.evaluation import similarity as evaluation
from word2vec.evaluation.benchmarks import PairSet, QuestionSet, Section, builtin_sets, read_pairs, read_questions
from word2vec.evaluation.similarity import (
    AnalogyResult,
    SectionResult,
    SimilarityResult,
    evaluate_analogies,
    evaluate_similarity,
    to_frame,
)
from word2vec.vectors.word_vectors import WordVectors


def random_vectors(words: Sequence[str], dim: int = 10, seed: int = 1) -> WordVectors:
    rng = np.random.default_rng(seed)
    return WordVectors(words, rng.normal(size=(len(words), dim)).astype(np.float32))


def gensim_copy(vectors: WordVectors) -> Any:
    copy = KeyedVectors(vectors.vectors.shape[1])
    copy.add_vectors(list(vectors.words), vectors.vectors)
    return copy


def pair_set(rows: Sequence[tuple[str, str, float]]) -> PairSet:
    return PairSet("own", tuple((a, b) for a, b, _ in rows), np.array([score for _, _, score in rows]))


def line_of_words(size: int, noise: float, seed: int) -> tuple[WordVectors, PairSet]:
    """Words on a quarter circle, each compared with the first; people judge the angle, with noise."""
    angles = np.linspace(0, np.pi / 2, size)
    vectors = WordVectors(
        [f"w{i}" for i in range(size)], np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    )
    scores = -angles + noise * np.random.default_rng(seed).normal(size=size)
    return vectors, PairSet("line", tuple(("w0", f"w{i}") for i in range(size)), scores)


# Similarity


@pytest.mark.parametrize("oov", ["skip", "zero"])
@pytest.mark.parametrize("name", ["wordsim353", "simlex999"])
def test_correlations_are_those_of_gensim(tmp_path: Path, name: str, oov: Any) -> None:
    pairs = read_pairs(name)
    words = sorted({word.lower() for pair in pairs.words for word in pair})
    vectors = random_vectors(words[:-40])  # some words stay unknown
    table = tmp_path / "pairs.tsv"
    lines = [f"{a}\t{b}\t{score}" for (a, b), score in zip(pairs.words, pairs.scores, strict=True)]
    table.write_text("\n".join(lines), encoding="utf-8")
    pearson, spearman, missing = gensim_copy(vectors).evaluate_word_pairs(table, dummy4unknown=oov == "zero")

    result = evaluate_similarity(vectors, name, oov=oov)
    assert result.spearman == pytest.approx(spearman[0], abs=1e-6)
    assert result.pearson == pytest.approx(pearson[0], abs=1e-6)
    unknown = sum(a.lower() in words[-40:] or b.lower() in words[-40:] for a, b in pairs.words)
    assert unknown > 10
    assert 100 * unknown / len(pairs.words) == pytest.approx(missing)
    assert result.pairs_total == len(pairs.words)
    assert result.pairs == len(pairs.words) - (unknown if oov == "skip" else 0)


def test_correlations_share_ranks_among_ties_as_scipy_does() -> None:
    vectors = random_vectors([f"w{i}" for i in range(40)], dim=3)
    rows = [(f"w{i}", f"w{(i * 7 + 1) % 40}", float(i % 4)) for i in range(40)]
    rows += rows[:10]
    unit = vectors.unit.astype(np.float64)
    cosines = [float(unit[vectors.index(a)] @ unit[vectors.index(b)]) for a, b, _ in rows]
    scores = [score for _, _, score in rows]
    result = evaluate_similarity(vectors, pair_set(rows))
    assert result.spearman == pytest.approx(stats.spearmanr(cosines, scores).statistic, abs=1e-12)
    assert result.pearson == pytest.approx(stats.pearsonr(cosines, scores).statistic, abs=1e-6)


def test_unknown_words_are_skipped_or_count_zero_and_are_listed() -> None:
    vectors = WordVectors(["a", "b", "c", "d"], np.array([[1, 0], [1, 0.1], [0, 1], [-1, 0]], dtype=np.float32))
    pairs = pair_set([("a", "b", 9), ("a", "c", 5), ("x", "a", 8), ("a", "d", 1), ("y", "x", 7)])
    skipped = evaluate_similarity(vectors, pairs)
    assert (skipped.pairs, skipped.pairs_total, skipped.oov) == (3, 5, ("x", "y"))
    assert skipped.spearman == pytest.approx(1)
    zero = evaluate_similarity(vectors, pairs, oov="zero")
    assert (zero.pairs, zero.pairs_total, zero.oov) == (5, 5, ("x", "y"))
    # cosines 1, 0, 0, -1, 0 against scores 9, 5, 8, 1, 7
    assert zero.spearman == pytest.approx(stats.spearmanr([1, 0, 0, -1, 0], [9, 5, 8, 1, 7]).statistic)


def test_case_is_folded_only_where_the_word_is_unknown_as_it_stands() -> None:
    words = ["mars", "Mars", "water", "israel"]
    vectors = WordVectors(words, np.array([[1, 0], [0, 1], [0.1, 1], [1, 1]], dtype=np.float32))
    pairs = pair_set([("Mars", "water", 3), ("Israel", "water", 2), ("MARS", "WATER", 1)])
    assert evaluate_similarity(vectors, pairs).spearman == pytest.approx(1)
    exact = evaluate_similarity(vectors, pairs, fold_case=False)
    assert (exact.pairs, exact.oov) == (1, ("Israel", "MARS", "WATER"))


@pytest.mark.parametrize(
    ("rows", "matrix", "note"),
    [
        (
            [("a", "b", 1), ("x", "b", 2)],
            [[1, 0], [0, 1], [1, 1]],
            "too few usable pairs (1): a correlation needs two or more",
        ),
        ([("x", "y", 1)], [[1, 0], [0, 1], [1, 1]], "too few usable pairs (0)"),
        ([("a", "b", 0.1), ("a", "c", 0.1), ("b", "c", 0.1)], [[1, 0], [0, 1], [1, 1]], "all scores are equal"),
        ([("a", "b", 1), ("a", "c", 2), ("b", "c", 3)], [[0, 0], [0, 0], [0, 0]], "all similarities are equal"),
    ],
)
def test_an_undefined_correlation_is_nan_with_a_note(
    rows: list[tuple[str, str, float]], matrix: list[list[float]], note: str
) -> None:
    result = evaluate_similarity(WordVectors(["a", "b", "c"], np.array(matrix, dtype=np.float32)), pair_set(rows))
    assert note in result.note
    figures = (result.spearman, result.pearson, result.ci_low, result.ci_high)
    assert all(math.isnan(figure) for figure in figures)
    assert [result.as_dict()[key] for key in ("spearman", "pearson", "ci_low", "ci_high")] == [None] * 4
    assert "NaN" not in json.dumps(result.as_dict())


def test_resamples_without_a_correlation_are_left_out() -> None:
    vectors, pairs = line_of_words(3, noise=0, seed=0)  # one resample in nine holds the same pair three times
    result = evaluate_similarity(vectors, pairs)
    assert (result.spearman, result.ci_low, result.ci_high) == pytest.approx((1, 1, 1))


def test_few_pairs_are_noted() -> None:
    vectors, pairs = line_of_words(9, noise=0.1, seed=0)
    assert evaluate_similarity(vectors, pairs).note == "only 9 usable pairs: the figures say little"
    vectors, pairs = line_of_words(10, noise=0.1, seed=0)
    assert evaluate_similarity(vectors, pairs).note == ""


def test_interval_is_that_of_a_plain_bootstrap() -> None:
    vectors, pairs = line_of_words(60, noise=0.6, seed=3)
    cosines = vectors.unit.astype(np.float64) @ vectors.unit[0].astype(np.float64)
    rng = np.random.default_rng(99)  # other draws: the ends agree as far as 2,000 resamples go
    drawn = [rng.integers(60, size=60) for _ in range(2000)]
    plain = np.percentile([stats.spearmanr(cosines[i], pairs.scores[i]).statistic for i in drawn], [2.5, 97.5])
    result = evaluate_similarity(vectors, pairs, bootstrap=2000)
    assert (result.ci_low, result.ci_high) == pytest.approx(plain, abs=0.03)
    assert result.ci_high - result.ci_low > 0.1


def test_interval_holds_the_estimate_is_reproducible_and_narrows() -> None:
    width = {}
    for size in (50, 800):
        vectors, pairs = line_of_words(size, noise=0.6, seed=size)
        result = evaluate_similarity(vectors, pairs, seed=5)
        assert result.ci_low < result.spearman < result.ci_high
        assert result == evaluate_similarity(vectors, pairs, seed=5)
        assert result.ci_low != evaluate_similarity(vectors, pairs, seed=6).ci_low
        width[size] = result.ci_high - result.ci_low
    assert width[800] == pytest.approx(width[50] / 4, rel=0.35)  # one over the root of the number of pairs


def test_interval_does_not_depend_on_the_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, pairs = line_of_words(30, noise=0.5, seed=2)
    whole = evaluate_similarity(vectors, pairs)
    monkeypatch.setattr(evaluation, "BLOCK_CELLS", 8 * 30 * 7)  # 7 resamples at once, which does not divide 1,000
    assert evaluate_similarity(vectors, pairs) == whole


def test_no_resamples_no_interval() -> None:
    vectors, pairs = line_of_words(30, noise=0.5, seed=2)
    result = evaluate_similarity(vectors, pairs, bootstrap=0)
    assert result.spearman > 0.5
    assert math.isnan(result.ci_low)
    assert math.isnan(result.ci_high)


# Analogies

WORDS = ["king", "man", "woman", "queen", "cat", "cats", "dog", "dogs", "mouse", "Queen", "DOGS"]
#          royal female animal plural, and a direction of its own for some
GRID = np.array(
    [
        [1, 0, 0, 0, 0, 0],
        [0.01, 0, 0, 0, 1, 0],
        [0.01, 1, 0, 0, 1, 0],
        [1, 1, 0, 0, 0, 0],
        [0, 0, 1, 0, 1, 0],
        [0, 0, 1, 1, 1, 0],
        [0, 0, 1, 0, 0, 1],
        [0, 0, 1, 1, 0, 1],
        [0, 0, -1, 0, 0, 0],
        [0, -1, 0, 0, 0, 1],
        [0, 0, 0, -1, 0, -1],
    ],
    dtype=np.float32,
)
QUESTIONS = QuestionSet(
    "own",
    (
        Section("family", (("man", "woman", "king", "queen"), ("man", "king", "woman", "mouse"))),
        Section("none-known", (("man", "woman", "uncle", "aunt"),)),
        Section(
            "gram8-plural",
            (("cat", "cats", "dog", "dogs"), ("Dog", "DOGS", "cat", "Cats"), ("cat", "cats", "mouse", "mice")),
        ),
    ),
)


@pytest.mark.parametrize("method", ["3cosadd", "3cosmul"])
def test_analogies_with_a_known_answer(method: Any) -> None:
    result = evaluate_analogies(WordVectors(WORDS, GRID), QUESTIONS, method=method)
    assert result.sections == (
        SectionResult("family", "semantic", correct=1, questions=2, questions_total=2),
        SectionResult("none-known", "semantic", correct=0, questions=0, questions_total=1),
        SectionResult("gram8-plural", "syntactic", correct=2, questions=2, questions_total=3),
    )
    assert (result.questions, result.questions_total) == (4, 6)
    assert (result.accuracy, result.semantic, result.syntactic) == (3 / 4, 1 / 2, 1)
    assert result.oov == ("uncle", "aunt", "mice")
    assert result.note == ""


def test_restrict_leaves_out_questions_and_answers() -> None:
    result = evaluate_analogies(WordVectors(WORDS, GRID), QUESTIONS, restrict=4)
    assert [section.questions for section in result.sections] == [1, 0, 0]
    assert (result.accuracy, result.semantic) == (1, 1)
    assert math.isnan(result.syntactic)
    assert {"mouse", "cat", "cats"} < set(result.oov)
    none = evaluate_analogies(WordVectors(WORDS, GRID), QUESTIONS, restrict=3)
    assert math.isnan(none.accuracy)
    assert none.note == "no question has all its four words in the restricted vocabulary"
    assert none.as_dict()["accuracy"] is None


@pytest.mark.parametrize("restrict", [0, -5])
def test_a_restriction_to_nothing_is_refused(restrict: int) -> None:
    with pytest.raises(ConfigError, match=f"restrict is {restrict}: "):
        evaluate_analogies(WordVectors(WORDS, GRID), QUESTIONS, restrict=restrict)


def test_no_spelling_of_a_question_word_is_an_answer() -> None:
    words = ["a", "b", "c", "B", "C", "A", "d"]
    matrix = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 1, 1], [-1, 1, 1], [-1, 1, 1], [0, 0.5, 0.5]])
    vectors = WordVectors(words, matrix.astype(np.float32))
    question = QuestionSet("own", (Section("s", (("a", "b", "c", "d"),)),))
    assert evaluate_analogies(vectors, question).accuracy == 1
    # nothing is left to answer with, also where the expected word is one of the question
    asked_for = QuestionSet("own", (Section("s", (("a", "b", "c", "a"), ("a", "b", "c", "c"))),))
    assert evaluate_analogies(vectors, asked_for, restrict=6).accuracy == 0


def shared_offsets(seed: int) -> WordVectors:
    """Random vectors of the words of the shipped questions, in which the answers lean towards b - a + c."""
    rng = np.random.default_rng(seed)
    questions = [question for section in read_questions("questions-words").sections for question in section.questions]
    words = sorted({word.lower() for question in questions for word in question})
    rng.shuffle(words)
    rows = dict(zip(words, rng.normal(size=(len(words), 20)).astype(np.float32), strict=True))
    for a, b, c, d in (tuple(word.lower() for word in question) for question in questions):
        rows[d] = rows[d] + np.float32(0.05) * (rows[b] - rows[a] + rows[c])
        rows[d] /= np.linalg.norm(rows[d])
    return WordVectors(list(rows), np.stack(list(rows.values())))


@pytest.mark.parametrize("restrict", [700, 850])
def test_analogies_are_answered_as_gensim_answers_them(restrict: int) -> None:
    vectors = shared_offsets(seed=4)
    score, sections = gensim_copy(vectors).evaluate_word_analogies(
        builtin_sets()["questions-words"], restrict_vocab=restrict
    )
    result = evaluate_analogies(vectors, "questions-words", restrict=restrict)
    assert [(section.name, section.correct, section.questions) for section in result.sections] == [
        (section["section"], len(section["correct"]), len(section["correct"]) + len(section["incorrect"]))
        for section in sections[:-1]
    ]
    assert result.accuracy == pytest.approx(score)
    assert result.questions > 1000
    assert 0.1 < score < 0.9


def test_mixed_case_is_folded_as_gensim_folds_it() -> None:
    rng = np.random.default_rng(8)
    stems = [f"word{i}" for i in range(12)]
    words = [spelling for stem in stems for spelling in (stem, stem.upper(), stem.title())]
    rng.shuffle(words)
    vectors = random_vectors(words, dim=4, seed=9)
    asked = [tuple(str(word) for word in rng.choice(stems, size=4, replace=False)) for _ in range(400)]
    questions = QuestionSet("own", (Section("s", tuple((a, b, c, d) for a, b, c, d in asked)),))
    copy, right = gensim_copy(vectors), 0
    first = {word.upper(): word for word in reversed(words)}
    for a, b, c, d in asked:
        near = copy.most_similar([first[b.upper()], first[c.upper()]], [first[a.upper()]], topn=36)
        right += next(w for w, _ in near if w.upper() not in {a.upper(), b.upper(), c.upper()}).upper() == d.upper()
    result = evaluate_analogies(vectors, questions)
    assert result.sections[0].correct == right
    assert right > 20


@pytest.mark.filterwarnings("ignore:Call to deprecated `init_sims`:DeprecationWarning")  # gensim calls it itself
def test_the_product_is_that_of_gensim() -> None:
    words = [f"w{i}" for i in range(60)]
    vectors = random_vectors(words, dim=5, seed=2)
    rng = np.random.default_rng(3)
    asked = [tuple(str(word) for word in rng.choice(words, size=3, replace=False)) for _ in range(200)]
    copy = gensim_copy(vectors)
    answers = [copy.most_similar_cosmul([b, c], [a], topn=1)[0][0] for a, b, c in asked]
    sums = [copy.most_similar([b, c], [a], topn=1)[0][0] for a, b, c in asked]
    assert answers != sums
    questions = tuple((a, b, c, d) for (a, b, c), d in zip(asked, answers, strict=True))
    assert evaluate_analogies(vectors, QuestionSet("own", (Section("s", questions),)), method="3cosmul").accuracy == 1


def test_answers_do_not_depend_on_the_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = shared_offsets(seed=5)
    whole = evaluate_analogies(vectors, "questions-words", restrict=600)
    monkeypatch.setattr(evaluation, "BLOCK_CELLS", 600 * 7)
    assert evaluate_analogies(vectors, "questions-words", restrict=600) == whole
    assert 0 < whole.accuracy < 1


# Results

SIMILARITY = SimilarityResult("pairs", 0.5, 0.25, 8, 10, ("x", "y"), 0.125, 0.75)
ANALOGY = AnalogyResult(
    "questions",
    (SectionResult("family", "semantic", 1, 4, 5), SectionResult("gram1", "syntactic", 0, 0, 2)),
    ("z",),
)


def test_results_have_the_keys_of_the_contract() -> None:
    assert json.loads(json.dumps(SIMILARITY.as_dict())) == {
        "name": "pairs",
        "kind": "similarity",
        "spearman": 0.5,
        "pearson": 0.25,
        "pairs": 8,
        "pairs_total": 10,
        "oov": ["x", "y"],
        "ci_low": 0.125,
        "ci_high": 0.75,
    }
    assert json.loads(json.dumps(ANALOGY.as_dict())) == {
        "name": "questions",
        "kind": "analogy",
        "accuracy": 0.25,
        "questions": 4,
        "questions_total": 7,
        "sections": [
            {"name": "family", "kind": "semantic", "accuracy": 0.25, "questions": 4, "questions_total": 5},
            {"name": "gram1", "kind": "syntactic", "accuracy": None, "questions": 0, "questions_total": 2},
        ],
    }


def test_unknown_words_are_a_list_as_in_json() -> None:
    assert SIMILARITY.as_dict()["oov"] == ["x", "y"]


def test_results_from_measuring_are_ready_for_json() -> None:
    vectors = WordVectors(WORDS, GRID)
    pairs = pair_set([("king", "queen", 8), ("king", "cat", 1), ("dog", "cat", 7)])
    results = [evaluate_similarity(vectors, pairs), evaluate_analogies(vectors, QUESTIONS)]
    assert [part["name"] for part in json.loads(json.dumps([result.as_dict() for result in results]))] == ["own"] * 2


def test_results_make_a_frame() -> None:
    frame = to_frame([SIMILARITY, ANALOGY])
    assert frame["name"].tolist() == ["pairs", "questions"]
    assert frame["kind"].tolist() == ["similarity", "analogy"]
    assert frame.loc[0, ["spearman", "ci_low", "ci_high", "pearson"]].tolist() == [0.5, 0.125, 0.75, 0.25]
    assert frame.loc[0, ["accuracy", "semantic", "syntactic"]].isna().all()
    assert frame.loc[1, ["spearman", "ci_low", "ci_high", "pearson"]].isna().all()
    assert frame.loc[1, ["accuracy", "semantic"]].tolist() == [0.25, 0.25]
    assert math.isnan(frame.loc[1, "syntactic"])
    assert frame[["used", "total", "oov"]].to_numpy().tolist() == [[8, 10, 2], [4, 7, 1]]
    assert to_frame([]).columns.tolist() == frame.columns.tolist()


def test_results_show_as_tables_in_notebooks() -> None:
    table = SIMILARITY._repr_html_()
    for shown in (">spearman<", ">0.500<", ">0.125<", ">0.750<", ">0.250<", ">8<", ">10<", ">2<"):
        assert shown in table
    table = ANALOGY._repr_html_()
    for shown in (">questions<", ">family<", ">gram1<", ">0.250<"):
        assert shown in table
    assert "nan" not in table.lower()
