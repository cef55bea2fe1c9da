"""Documents as mean vectors: scikit-learn's own checks, its contract on text, and the paper's arithmetic."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks, get_tags

import word2vec
from tests.conftest import TOPICS
from word2vec.errors import Word2VecError
from word2vec.vectors.documents import DocumentVectorizer
from word2vec.vectors.word_vectors import WordVectors

D = 5
WORDS = [word for words in TOPICS.values() for word in words]
COUNTS = np.arange(len(WORDS), 0, -1) * 10
DOCUMENTS = ["cat dog dog", "red green unknown", "one", "sheep blue two two", ""]


@pytest.fixture(scope="module")
def vectors() -> WordVectors:
    rng = np.random.default_rng(0)
    topics = np.repeat(rng.standard_normal((len(TOPICS), D)) * 2, 6, axis=0)
    return WordVectors(WORDS, topics + rng.standard_normal((len(WORDS), D)), counts=COUNTS)


@pytest.fixture(params=["mean", "sif"])
def transformer(request: pytest.FixtureRequest, vectors: WordVectors) -> DocumentVectorizer:
    return DocumentVectorizer(vectors, weighting=request.param)


def by_hand(vectors: WordVectors, documents: list[str], a: float) -> np.ndarray:
    """The paper's algorithm 1, word by word."""
    share = {word: count / COUNTS.sum() for word, count in zip(WORDS, COUNTS, strict=True)}
    rows = []
    for document in documents:
        known = [word for word in document.split() if word in vectors]
        total = np.zeros(D)
        for word in known:
            total += a / (a + share[word]) * vectors[word]
        rows.append(total / max(1, len(known)))
    common = np.linalg.svd(np.array(rows))[2][0]
    return np.array([row - common * (common @ row) for row in rows])


def test_mean_is_the_mean_of_the_known_words(vectors: WordVectors) -> None:
    found = DocumentVectorizer(vectors).fit_transform(DOCUMENTS)
    assert found.shape == (5, D)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], vectors[["cat", "dog", "dog"]].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found[1], vectors[["red", "green"]].mean(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(found[4], np.zeros(D))


@pytest.mark.parametrize("a", [1e-4, 1e-2, 1])
def test_sif_is_the_papers_algorithm(vectors: WordVectors, a: float) -> None:
    found = DocumentVectorizer(vectors, weighting="sif", a=a).fit_transform(DOCUMENTS)
    np.testing.assert_allclose(found, by_hand(vectors, DOCUMENTS, a), atol=1e-6)


def test_sif_takes_the_counts_of_the_documents_where_it_has_no_others(vectors: WordVectors) -> None:
    bare = DocumentVectorizer(WordVectors(WORDS, vectors.vectors), weighting="sif", a=0.5).fit(DOCUMENTS)
    shares = dict(zip(WORDS, bare.weights_, strict=True))
    assert shares["dog"] == pytest.approx(0.5 / (0.5 + 2 / 10))  # two of the ten known words
    assert shares["cow"] == 1


def test_transform_uses_what_fit_learnt(vectors: WordVectors) -> None:
    fitted = DocumentVectorizer(vectors, weighting="sif").fit(DOCUMENTS)
    alone = fitted.transform([DOCUMENTS[3]])
    np.testing.assert_allclose(alone[0], fitted.transform(DOCUMENTS)[3], rtol=1e-6)
    assert alone.any()  # learnt from one document alone, the common direction would take all of it
    assert not DocumentVectorizer(vectors, weighting="sif").fit_transform([DOCUMENTS[3]]).round(5).any()


def test_words_may_be_parted_beforehand_or_by_ones_own_function(vectors: WordVectors) -> None:
    plain = DocumentVectorizer(vectors).fit_transform(["cat dog", "red"])
    for documents in ([["cat", "dog"], ["red"]], pd.Series(["cat dog", "red"]), np.array(["cat dog", "red"])):
        np.testing.assert_array_equal(DocumentVectorizer(vectors).fit_transform(documents), plain)
    own = DocumentVectorizer(vectors, tokenize=lambda text: text.lower().split(","))
    np.testing.assert_array_equal(own.fit_transform(["Cat,DOG", "red"]), plain)


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ("cat dog", "documents come as a list of texts, one text in a list too"),
        (pd.DataFrame({"text": ["cat"]}), "of a table give one column"),
        (np.array([["cat"]]), "of a table give one column"),
        ((text for text in DOCUMENTS), "read only once; give a list"),
        (["cat", None], "a document is a text or a list of words, not None"),
        ([3.5], "a document is a text or a list of words, not 3.5"),
    ],
)
def test_what_is_no_documents_is_refused(vectors: WordVectors, documents: object, message: str) -> None:
    with pytest.raises(Word2VecError, match=message):
        DocumentVectorizer(vectors).fit(documents)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"weighting": "idf"}, "no weighting 'idf'; choose mean or sif"),
        ({"a": 0}, "a is 0"),
        ({"a": float("nan")}, "a is nan"),
    ],
)
def test_wrong_parameters_are_refused_by_fit(vectors: WordVectors, parameters: dict, message: str) -> None:
    with pytest.raises(Word2VecError, match=message):
        DocumentVectorizer(vectors, **parameters).fit(DOCUMENTS)


# scikit-learn's contract


def test_check_estimator(transformer: DocumentVectorizer) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        results = estimator_checks.check_estimator(transformer)
    assert {result["status"] for result in results} == {"passed"}
    # it has only this to say: it does not know how to make texts, so most of its checks are left out, see below
    assert {warning.category for warning in caught} == {SkipTestWarning}
    assert all("Can't test estimator DocumentVectorizer which requires input" in str(each.message) for each in caught)


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_estimator_tags_renamed,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_mixin_order,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_set_params,
        estimator_checks.check_valid_tag_types,
    ],
)
def test_checks_that_need_no_numbers(transformer: DocumentVectorizer, check: object) -> None:
    check(type(transformer).__name__, transformer)


def test_tags_say_that_it_takes_texts(transformer: DocumentVectorizer) -> None:
    tags = get_tags(transformer)
    assert (tags.input_tags.string, tags.input_tags.one_d_array, tags.input_tags.two_d_array) == (True, True, False)
    assert tags.requires_fit
    assert not tags.target_tags.required


def test_unfitted_is_told(transformer: DocumentVectorizer) -> None:
    with pytest.raises(NotFittedError):
        transformer.transform(DOCUMENTS)


def test_fit_returns_itself_and_changes_no_parameter(transformer: DocumentVectorizer) -> None:
    before, documents = transformer.get_params(), list(DOCUMENTS)
    assert transformer.fit(documents) is transformer
    assert transformer.get_params() == before
    assert documents == DOCUMENTS
    fitted = dict(vars(transformer))
    transformer.transform(documents)
    assert vars(transformer) == fitted


def test_fitting_twice_and_fit_transform_agree(transformer: DocumentVectorizer) -> None:
    once = transformer.fit(DOCUMENTS).transform(DOCUMENTS)
    np.testing.assert_array_equal(transformer.fit(DOCUMENTS).transform(DOCUMENTS), once)
    np.testing.assert_array_equal(clone(transformer).fit_transform(DOCUMENTS, [0] * 5), once)
    other = transformer.fit(DOCUMENTS[:2]).fit(DOCUMENTS).transform(DOCUMENTS)
    np.testing.assert_array_equal(other, once)


def test_neither_order_nor_company_of_the_documents_matters(transformer: DocumentVectorizer) -> None:
    whole = transformer.fit(DOCUMENTS).transform(DOCUMENTS)
    np.testing.assert_allclose(transformer.transform(DOCUMENTS[::-1]), whole[::-1], rtol=1e-6)
    one_by_one = np.vstack([transformer.transform([document]) for document in DOCUMENTS])
    np.testing.assert_allclose(one_by_one, whole, rtol=1e-6)
    assert transformer.transform([]).shape == (0, D)


def test_pickled_it_does_the_same(transformer: DocumentVectorizer) -> None:
    transformer.fit(DOCUMENTS)
    again = pickle.loads(pickle.dumps(transformer))
    np.testing.assert_array_equal(again.transform(DOCUMENTS), transformer.transform(DOCUMENTS))


def test_columns_have_names(transformer: DocumentVectorizer) -> None:
    names = [f"documentvectorizer{column}" for column in range(D)]
    assert list(transformer.fit(DOCUMENTS).get_feature_names_out()) == names
    frame = transformer.set_output(transform="pandas").fit_transform(pd.Series(DOCUMENTS, index=list("abcde")))
    assert list(frame.columns) == names
    assert list(frame.index) == list("abcde")


def test_clones_share_the_vectors(transformer: DocumentVectorizer, vectors: WordVectors) -> None:
    assert clone(transformer.fit(DOCUMENTS)).vectors is vectors
    assert not hasattr(clone(transformer), "weights_")
    assert clone(make_pipeline(transformer))[0].vectors is vectors


def test_in_a_pipeline_and_a_grid_search_it_tells_topics_apart(vectors: WordVectors) -> None:
    rng = np.random.default_rng(1)
    topics = list(TOPICS) * 20
    texts = [" ".join(rng.choice(TOPICS[topic], 4)) for topic in topics]
    pipeline = make_pipeline(DocumentVectorizer(vectors), LogisticRegression())
    search = GridSearchCV(pipeline, {"documentvectorizer__weighting": ["mean", "sif"]}, cv=3).fit(
        texts[:45], topics[:45]
    )
    mean, sif = search.cv_results_["mean_test_score"]
    assert mean > 0.9
    assert sif > 0.6  # guessing gives 0.33; one of five dimensions is taken away
    assert search.score(texts[45:], topics[45:]) > 0.9
    shuffled = rng.permutation(topics[:45])
    assert pipeline.fit(texts[:45], shuffled).score(texts[45:], topics[45:]) < 0.8  # the labels are what it learns


def test_it_is_public() -> None:
    assert word2vec.DocumentVectorizer is DocumentVectorizer
