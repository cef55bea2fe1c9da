"""Analogies: hand-made vectors with known answers, and accuracies compared with gensim."""

import math
from typing import Any

import numpy as np
import pytest

from tests.evaluation.samples import gensim_copy, random_vectors
from word2vec.errors import ConfigError
from word2vec.evaluation import analogies
from word2vec.evaluation.analogies import evaluate_analogies
from word2vec.evaluation.benchmarks import QuestionSet, Section, builtin_sets, read_questions
from word2vec.evaluation.results import SectionResult
from word2vec.vectors.word_vectors import WordVectors

WORDS = ["king", "man", "woman", "queen", "cat", "cats", "dog", "dogs", "mouse", "Queen", "DOGS"]
# dimensions: royal, female, animal, plural, and two that separate single words
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
    "questions",
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


def test_restrict_limits_questions_and_answers() -> None:
    result = evaluate_analogies(WordVectors(WORDS, GRID), QUESTIONS, restrict=4)
    assert [section.questions for section in result.sections] == [1, 0, 0]
    assert (result.accuracy, result.semantic) == (1, 1)
    assert math.isnan(result.syntactic)
    assert {"mouse", "cat", "cats"} < set(result.oov)
    none = evaluate_analogies(WordVectors(WORDS, GRID), QUESTIONS, restrict=3)
    assert math.isnan(none.accuracy)
    assert none.note == "no question has all four words in the restricted vocabulary"
    assert none.as_dict()["accuracy"] is None


@pytest.mark.parametrize("restrict", [0, -5])
def test_restrict_below_one_is_rejected(restrict: int) -> None:
    with pytest.raises(ConfigError, match=f"restrict must be 1 or more, got {restrict}"):
        evaluate_analogies(WordVectors(WORDS, GRID), QUESTIONS, restrict=restrict)


def test_spellings_of_question_words_are_never_answers() -> None:
    words = ["a", "b", "c", "B", "C", "A", "d"]
    matrix = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 1, 1], [-1, 1, 1], [-1, 1, 1], [0, 0.5, 0.5]])
    vectors = WordVectors(words, matrix.astype(np.float32))
    question = QuestionSet("questions", (Section("s", (("a", "b", "c", "d"),)),))
    assert evaluate_analogies(vectors, question).accuracy == 1
    # no candidate is left, even if the expected word is one of the question
    asked_for = QuestionSet("questions", (Section("s", (("a", "b", "c", "a"), ("a", "b", "c", "c"))),))
    assert evaluate_analogies(vectors, asked_for, restrict=6).accuracy == 0


def shared_offsets(seed: int) -> WordVectors:
    """Random vectors for the words of the built-in questions, with answers moved slightly toward b - a + c."""
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
def test_accuracies_agree_with_gensim(restrict: int) -> None:
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


def test_mixed_case_is_folded_as_in_gensim() -> None:
    rng = np.random.default_rng(8)
    stems = [f"word{i}" for i in range(12)]
    words = [spelling for stem in stems for spelling in (stem, stem.upper(), stem.title())]
    rng.shuffle(words)
    vectors = random_vectors(words, dim=4, seed=9)
    asked = [tuple(str(word) for word in rng.choice(stems, size=4, replace=False)) for _ in range(400)]
    questions = QuestionSet("questions", (Section("s", tuple((a, b, c, d) for a, b, c, d in asked)),))
    copy, correct = gensim_copy(vectors), 0
    first = {word.upper(): word for word in reversed(words)}
    for a, b, c, d in asked:
        near = copy.most_similar([first[b.upper()], first[c.upper()]], [first[a.upper()]], topn=36)
        correct += next(w for w, _ in near if w.upper() not in {a.upper(), b.upper(), c.upper()}).upper() == d.upper()
    result = evaluate_analogies(vectors, questions)
    assert result.sections[0].correct == correct
    assert correct > 20


@pytest.mark.filterwarnings("ignore:Call to deprecated `init_sims`:DeprecationWarning")  # by gensim itself
def test_three_cos_mul_agrees_with_gensim() -> None:
    words = [f"w{i}" for i in range(60)]
    vectors = random_vectors(words, dim=5, seed=2)
    rng = np.random.default_rng(3)
    asked = [tuple(str(word) for word in rng.choice(words, size=3, replace=False)) for _ in range(200)]
    copy = gensim_copy(vectors)
    answers = [copy.most_similar_cosmul([b, c], [a], topn=1)[0][0] for a, b, c in asked]
    sums = [copy.most_similar([b, c], [a], topn=1)[0][0] for a, b, c in asked]
    assert answers != sums
    questions = tuple((a, b, c, d) for (a, b, c), d in zip(asked, answers, strict=True))
    assert (
        evaluate_analogies(vectors, QuestionSet("questions", (Section("s", questions),)), method="3cosmul").accuracy
        == 1
    )


def test_answers_do_not_depend_on_the_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = shared_offsets(seed=5)
    whole = evaluate_analogies(vectors, "questions-words", restrict=600)
    monkeypatch.setattr(analogies, "BLOCK_CELLS", 600 * 7)
    assert evaluate_analogies(vectors, "questions-words", restrict=600) == whole
    assert 0 < whole.accuracy < 1


def test_unknown_method_is_rejected() -> None:
    with pytest.raises(ConfigError, match="choose 3cosadd or 3cosmul"):
        evaluate_analogies(random_vectors(["a", "b"]), "questions-words", method="add")  # type: ignore[arg-type]
