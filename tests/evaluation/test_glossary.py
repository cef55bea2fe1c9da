"""Tests made from a glossary: reading it, the questions, and scores whose values are known."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import CommandLine
from tests.evaluation.samples import random_vectors
from word2vec.errors import FormatError
from word2vec.evaluation import (
    Glossary,
    evaluate_glossary,
    make_glossary_questions,
    read_glossary,
    read_glossary_questions,
)
from word2vec.evaluation.glossary_questions import DISTRACTORS, SIMILAR_FREQUENCY, GlossaryQuestions
from word2vec.evaluation.glossary_scores import outlier_position
from word2vec.vectors.word_vectors import WordVectors

TOPICS = {topic: tuple(f"{topic}{number}" for number in range(10)) for topic in ("law", "sea", "farm")}
GLOSSARY = Glossary("terms", tuple((f"law{n}", f"sea{n}") for n in range(10)), TOPICS)
NOISE = [f"noise{number}" for number in range(600)]


def topic_vectors(
    spread: float = 0.1, words: tuple[str, ...] = (*TOPICS["law"], *TOPICS["sea"], *TOPICS["farm"])
) -> WordVectors:
    """Terms close to the axis of their topic, between words without a topic."""
    vocabulary = [*NOISE[:300], *words, *NOISE[300:]]
    rows = random_vectors(vocabulary, dim=12).vectors
    for row, word in enumerate(vocabulary):
        if not word.startswith("noise"):
            rows[row] *= spread
            rows[row, ["law", "sea", "farm"].index(word.rstrip("0123456789"))] += 1
    return WordVectors(vocabulary, rows)


FORMS = {
    "comma": 'term,synonym,category\ndoctor,physician,medicine\nship,"boat; vessel",sea\n',
    "semicolon": 'Term;Category;Synonym\ndoctor;medicine;physician\nship;sea;"boat;vessel"\n',
    "tab, other columns": "id\tword\ttype\talias\n1\tdoctor\tmedicine\tphysician\n2\tship\tsea\tboat|vessel\n",
    "rows of a term": "term,synonym,class\ndoctor,physician,medicine\nship,boat,sea\n\nship,vessel,sea\nship,Ship,\n",
    "byte-order mark, CRLF": "\ufeffterm,synonym,category\r\ndoctor,physician,medicine\r\nship,boat|vessel,sea\r\n",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_common_forms_of_glossaries_are_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "terms.csv").write_bytes(text.encode())
    glossary = read_glossary(tmp_path / "terms.csv")
    assert glossary.name == "terms"
    assert glossary.synonyms == (("doctor", "physician"), ("ship", "boat"), ("ship", "vessel"))
    assert glossary.categories == {"medicine": ("doctor",), "sea": ("ship",)}


def test_terms_of_several_categories_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "terms.csv").write_text("term,category\nbank,money\nbank,river\ncoin,money\nshore,river\n")
    assert read_glossary(tmp_path / "terms.csv").categories == {"money": ("coin",), "river": ("shore",)}
    assert "several categories, left out of the tests of categories: 1" in caplog.text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("a,b\nc,d\n", "no column of terms in the header (a, b); call it term"),
        ("term,definition\nship,large boat\n", "no column of synonyms or categories in the header (term, definition)"),
        ("term\nship\n", "no column of synonyms or categories"),
        ("term,synonym\n", "contains no synonyms and no categories"),
        ("term,category\nship,sea\nboat,sea\n", "contains only the category 'sea'"),
        ("term,category\nship,sea\n,sea\n", "line 3: the term is missing"),
        ("term,category\nship,sea,x\n", "line 2: found 3 columns, but the header has 2"),
        ('term,category\n"ship,sea\n', "line 2: cannot be split into columns"),
        ("term,category\nsh\0ip,sea\n", "contains NUL bytes"),
    ],
)
def test_glossaries_that_cannot_be_read(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "terms.csv").write_text(text)
    with pytest.raises(FormatError) as caught:
        read_glossary(tmp_path / "terms.csv")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_questions_are_fixed_by_the_seed_and_by_the_file(tmp_path: Path) -> None:
    vectors = topic_vectors()
    questions = make_glossary_questions(GLOSSARY, vectors, seed=5)
    assert questions == make_glossary_questions(GLOSSARY, vectors, seed=5)
    assert questions != make_glossary_questions(GLOSSARY, vectors, seed=6)
    questions.save(tmp_path / "questions.json")
    assert read_glossary_questions(tmp_path / "questions.json") == questions
    assert evaluate_glossary(vectors, tmp_path / "questions.json") == evaluate_glossary(vectors, questions)


def test_distractors() -> None:
    vectors = topic_vectors()
    questions = make_glossary_questions(GLOSSARY, vectors)
    assert len(questions.synonyms) == 10
    places = []
    for question in questions.synonyms:
        assert len(set(question.random)) == len(set(question.matched)) == DISTRACTORS
        assert not {question.term, question.synonym} & {*question.random, *question.matched}
        rank = vectors.index(question.synonym)
        assert all(abs(vectors.index(word) - rank) <= SIMILAR_FREQUENCY // 2 for word in question.matched)
        places += [vectors.index(word) for word in question.random]
    assert np.mean(places) == pytest.approx(len(vectors) / 2, abs=40)  # three standard errors
    assert max(places) - min(places) > 500


def test_outliers_are_terms_of_other_categories() -> None:
    questions = make_glossary_questions(GLOSSARY, topic_vectors()).outliers
    assert len(questions) == 3 * 8
    for question in questions:
        assert len(set(question.members)) == 8
        assert set(question.members) <= set(TOPICS[question.category])
        assert question.outlier not in TOPICS[question.category]


def test_vectors_that_know_the_topics_are_right() -> None:
    result = evaluate_glossary(topic_vectors(), GLOSSARY)
    for measure in ("purity of clusters", "outlier accuracy", "outlier position (OPP)"):
        assert result[measure].score == 1
    assert result["purity of clusters"].p_value == 1 / 1001
    assert (result["purity of clusters"].used, result["purity of clusters"].total) == (30, 30)
    assert (result["outlier accuracy"].chance, result["outlier accuracy"].used) == (pytest.approx(1 / 9), 24)
    low, high = result["purity of clusters"].ci_low, result["purity of clusters"].ci_high
    assert (low, high) == (pytest.approx(30 / (30 + 1.96**2), abs=1e-3), 1)  # Wilson's interval
    assert result["outlier accuracy"].note == "only 3 categories: the interval is unreliable"
    wrong = result["synonyms, random distractors"]  # the synonyms are of another topic
    assert wrong.score < 0.5
    assert wrong.ci_low <= wrong.score <= wrong.ci_high


def test_synonyms_close_to_their_terms_are_chosen() -> None:
    vectors = topic_vectors()
    rows = vectors.vectors.copy()
    pairs = tuple(zip(NOISE[:10], NOISE[590:], strict=True))  # frequent terms with rare synonyms
    rows[:10] = rows[-10:]
    result = evaluate_glossary(WordVectors(vectors.words, rows), Glossary("pairs", pairs, {}))
    assert [score.measure for score in result.scores] == ["synonyms, random distractors", "synonyms, frequency-matched"]
    assert [score.score for score in result.scores] == [1, 1]
    assert [score.chance for score in result.scores] == pytest.approx([1 / 20, 1 / 20])


def test_vectors_without_meaning_score_at_chance() -> None:
    scores = []
    for seed in range(10):
        vectors = random_vectors([*NOISE, *(word for words in TOPICS.values() for word in words)], dim=20, seed=seed)
        scores.append([score.score - score.chance for score in evaluate_glossary(vectors, GLOSSARY).scores])
    assert np.abs(np.mean(scores, axis=0)).max() < 0.09


def test_equal_vectors_get_no_credit() -> None:
    words = [*NOISE, *(word for words in TOPICS.values() for word in words)]
    vectors = WordVectors(words, np.ones((len(words), 3)) + 1e-9 * random_vectors(words, dim=3).vectors)
    questions = make_glossary_questions(Glossary("pairs", GLOSSARY.synonyms, {}), vectors)
    assert [score.score for score in evaluate_glossary(vectors, questions).scores] == [0, 0]
    assert outlier_position(np.ones((9, 3), dtype=np.float32)) == 0


def test_the_position_of_an_outlier_is_that_of_the_paper() -> None:
    rows = random_vectors([str(n) for n in range(9)], dim=3, seed=3).unit.astype(np.float64)

    def compactness(without: int) -> float:
        rest = np.delete(rows, without, axis=0)
        return float((rest @ rest.T)[~np.eye(8, dtype=bool)].mean())

    values = [compactness(without) for without in range(9)]
    for outlier in range(9):
        order = [*(place for place in range(9) if place != outlier), outlier]
        assert outlier_position(rows[order].astype(np.float32)) == sum(value < values[outlier] for value in values)


def test_unknown_terms_are_reported_and_skipped() -> None:
    words = (*TOPICS["law"][1:], *TOPICS["sea"][:2], *TOPICS["farm"])
    result = evaluate_glossary(topic_vectors(words=words), GLOSSARY)
    assert result.oov == ("law0", *TOPICS["sea"][2:])
    assert (result["synonyms, frequency-matched"].used, result["synonyms, frequency-matched"].total) == (1, 10)
    assert (result["purity of clusters"].used, result["purity of clusters"].total) == (21, 30)
    fixed = make_glossary_questions(GLOSSARY, topic_vectors())
    other = evaluate_glossary(topic_vectors(words=words), fixed)
    assert other["outlier accuracy"].used < other["outlier accuracy"].total == 24
    with pytest.raises(FormatError, match=r"terms: no term of 30 has a vector; check the language"):
        evaluate_glossary(random_vectors(NOISE), GLOSSARY)
    with pytest.raises(FormatError, match="only 1 of its 30 terms have a vector, too few for a question"):
        evaluate_glossary(random_vectors([*NOISE, "sea1"]), GLOSSARY)


def test_terms_of_several_words_and_other_case() -> None:
    glossary = Glossary("cases", (("New York", "BIG apple"),), {})
    result = evaluate_glossary(random_vectors([*NOISE, "New_York", "big_apple"]), glossary)
    assert (result.oov, result.scores[0].used) == ((), 1)


def test_command_line(tmp_path: Path, cli: CommandLine) -> None:
    table = "term,synonym,category\n" + "".join(f"{t},{t[:-1]}9,{name}\n" for name, ts in TOPICS.items() for t in ts)
    (tmp_path / "terms.csv").write_text(table)
    topic_vectors().save(tmp_path / "v.txt")
    questions = tmp_path / "questions.json"
    out, err = cli.output("benchmark-from", tmp_path / "terms.csv", tmp_path / "v.txt", "-o", questions)
    assert "30 of 30 terms" in out
    assert "(p < 0.001)" in out
    assert "only 3 categories" in err
    first, _ = cli.output("benchmark-from", tmp_path / "terms.csv", tmp_path / "v.txt", "--json")
    assert cli.output("benchmark-from", questions, tmp_path / "v.txt", "--json")[0] == first.replace(
        '"terms"', '"terms"'
    )
    result = json.loads(first)
    assert (result["kind"], result["seed"], result["oov"]) == ("glossary", 0, [])
    assert set(result["scores"][0]) == {
        "measure", "score", "ci_low", "ci_high", "chance", "p_value", "used", "total", "unit", "note"
    }  # fmt: skip
    assert "the glossary comes first" in cli.error("benchmark-from", tmp_path, tmp_path / "terms.csv", code=2)
    assert "must be .json" in cli.error("benchmark-from", questions, tmp_path / "v.txt", "-o", "q.txt", code=2)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": "word2vec glossary questions", "version": 1}',
        '{"format": "x", "version": 9}',
        "[" * 9999,
    ],
)
def test_files_that_are_no_questions(tmp_path: Path, content: str) -> None:
    (tmp_path / "q.json").write_text(content)
    with pytest.raises(FormatError, match=r"q\.json: (not a file of questions|format)"):
        read_glossary_questions(tmp_path / "q.json")


def test_questions_survive_json(tmp_path: Path) -> None:
    questions = GlossaryQuestions("ü", 3, (), (("a", "b"),), {"x": ("a",)}, ())
    questions.save(tmp_path / "q.json")
    assert read_glossary_questions(tmp_path / "q.json") == questions
