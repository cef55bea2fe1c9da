"""DocumentVectorizer: the formulas of the paper, and scikit-learn's estimator checks and conventions."""

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
from word2vec.models.subwords import Subwords
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
    """Algorithm 1 of the paper, word by word."""
    probability = {word: count / COUNTS.sum() for word, count in zip(WORDS, COUNTS, strict=True)}
    rows = []
    for document in documents:
        known = [word for word in document.split() if word in vectors]
        total = np.zeros(D)
        for word in known:
            total += a / (a + probability[word]) * vectors[word]
        rows.append(total / max(1, len(known)))
    common = np.linalg.svd(np.array(rows))[2][0]
    return np.array([row - common * (common @ row) for row in rows])


@pytest.mark.parametrize("weighting", ["mean", "sif"])
def test_ngrams_provide_vectors_of_unknown_words(weighting: str, vectors: WordVectors) -> None:
    subwords = Subwords(np.random.default_rng(0).standard_normal((500, D), dtype=np.float32), 4, 5)
    known = WordVectors(vectors.words, vectors.vectors, counts=COUNTS, subwords=subwords)
    documents = ["cat unknown unknown", "x dog", "others", "x"]
    found = DocumentVectorizer(known, weighting=weighting).fit(documents)  # type: ignore[arg-type]
    weights = dict.fromkeys(WORDS, 1.0) if weighting == "mean" else dict(zip(WORDS, found.weights_, strict=True))
    unknown, others = known["unknown"], known["others"]
    means = [(weights["cat"] * known["cat"] + 2 * unknown) / 3, weights["dog"] * known["dog"], others, np.zeros(D)]
    if found.common_ is not None:
        means = [mean - found.common_ * (found.common_ @ mean) for mean in means]
    np.testing.assert_allclose(found.transform(documents), means, rtol=1e-5, atol=1e-6)
    assert found.transform([]).shape == (0, D)


def test_mean_is_the_mean_of_the_known_words(vectors: WordVectors) -> None:
    found = DocumentVectorizer(vectors).fit_transform(DOCUMENTS)
    assert found.shape == (5, D)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], vectors[["cat", "dog", "dog"]].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found[1], vectors[["red", "green"]].mean(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(found[4], np.zeros(D))


@pytest.mark.parametrize("a", [1e-4, 1e-2, 1])
def test_sif_follows_the_paper(vectors: WordVectors, a: float) -> None:
    found = DocumentVectorizer(vectors, weighting="sif", a=a).fit_transform(DOCUMENTS)
    np.testing.assert_allclose(found, by_hand(vectors, DOCUMENTS, a), atol=1e-6)


def test_sif_counts_words_in_the_documents_if_the_vectors_have_no_counts(vectors: WordVectors) -> None:
    bare = DocumentVectorizer(WordVectors(WORDS, vectors.vectors), weighting="sif", a=0.5).fit(DOCUMENTS)
    weights = dict(zip(WORDS, bare.weights_, strict=True))
    assert weights["dog"] == pytest.approx(0.5 / (0.5 + 2 / 10))  # two of the ten known words
    assert weights["cow"] == 1


def test_transform_uses_the_direction_found_by_fit(vectors: WordVectors) -> None:
    fitted = DocumentVectorizer(vectors, weighting="sif").fit(DOCUMENTS)
    alone = fitted.transform([DOCUMENTS[3]])
    np.testing.assert_allclose(alone[0], fitted.transform(DOCUMENTS)[3], rtol=1e-6)
    assert alone.any()  # fitted to this document alone, the common direction would remove all of it
    assert not DocumentVectorizer(vectors, weighting="sif").fit_transform([DOCUMENTS[3]]).round(5).any()


def test_documents_may_be_tokenized_or_use_a_custom_tokenizer(vectors: WordVectors) -> None:
    plain = DocumentVectorizer(vectors).fit_transform(["cat dog", "red"])
    for documents in ([["cat", "dog"], ["red"]], pd.Series(["cat dog", "red"]), np.array(["cat dog", "red"])):
        np.testing.assert_array_equal(DocumentVectorizer(vectors).fit_transform(documents), plain)
    custom = DocumentVectorizer(vectors, tokenize=lambda text: text.lower().split(","))
    np.testing.assert_array_equal(custom.fit_transform(["Cat,DOG", "red"]), plain)


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ("cat dog", "wrap a single text in a list"),
        (pd.DataFrame({"text": ["cat"]}), "pass one column of a table"),
        (np.array([["cat"]]), "pass one column of a table"),
        ((text for text in DOCUMENTS), "read only once; pass a list"),
        (["cat", None], "must be a string, bytes or a list of words, not None"),
        ([3.5], "must be a string, bytes or a list of words, not 3.5"),
    ],
)
def test_invalid_documents_are_rejected(vectors: WordVectors, documents: object, message: str) -> None:
    with pytest.raises(Word2VecError, match=message):
        DocumentVectorizer(vectors).fit(documents)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"weighting": "idf"}, "unknown weighting 'idf'; choose mean or sif"),
        ({"a": 0}, "a must be above 0, got 0"),
        ({"a": float("nan")}, "a must be above 0, got nan"),
    ],
)
def test_invalid_parameters_are_rejected_by_fit(vectors: WordVectors, parameters: dict, message: str) -> None:
    with pytest.raises(Word2VecError, match=message):
        DocumentVectorizer(vectors, **parameters).fit(DOCUMENTS)


# The conventions of scikit-learn


def test_check_estimator(transformer: DocumentVectorizer) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        results = estimator_checks.check_estimator(transformer)
    assert {result["status"] for result in results} == {"passed"}
    # the only warning: it cannot generate text input, so it skips most of its checks; the next test runs some of them
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
def test_estimator_checks_that_need_no_input(transformer: DocumentVectorizer, check: object) -> None:
    check(type(transformer).__name__, transformer)


def test_tags_declare_text_input(transformer: DocumentVectorizer) -> None:
    tags = get_tags(transformer)
    assert (tags.input_tags.string, tags.input_tags.one_d_array, tags.input_tags.two_d_array) == (True, True, False)
    assert tags.requires_fit
    assert not tags.target_tags.required


def test_transform_before_fit_is_rejected(transformer: DocumentVectorizer) -> None:
    with pytest.raises(NotFittedError):
        transformer.transform(DOCUMENTS)


def test_fit_returns_self_and_does_not_change_parameters(transformer: DocumentVectorizer) -> None:
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


def test_documents_are_transformed_independently(transformer: DocumentVectorizer) -> None:
    whole = transformer.fit(DOCUMENTS).transform(DOCUMENTS)
    np.testing.assert_allclose(transformer.transform(DOCUMENTS[::-1]), whole[::-1], rtol=1e-6)
    one_by_one = np.vstack([transformer.transform([document]) for document in DOCUMENTS])
    np.testing.assert_allclose(one_by_one, whole, rtol=1e-6)
    assert transformer.transform([]).shape == (0, D)


def test_pickling_keeps_the_fitted_state(transformer: DocumentVectorizer) -> None:
    transformer.fit(DOCUMENTS)
    again = pickle.loads(pickle.dumps(transformer))
    np.testing.assert_array_equal(again.transform(DOCUMENTS), transformer.transform(DOCUMENTS))


def test_feature_names(transformer: DocumentVectorizer) -> None:
    names = [f"documentvectorizer{column}" for column in range(D)]
    assert list(transformer.fit(DOCUMENTS).get_feature_names_out()) == names
    frame = transformer.set_output(transform="pandas").fit_transform(pd.Series(DOCUMENTS, index=list("abcde")))
    assert list(frame.columns) == names
    assert list(frame.index) == list("abcde")


def test_clones_share_the_vectors(transformer: DocumentVectorizer, vectors: WordVectors) -> None:
    assert clone(transformer.fit(DOCUMENTS)).vectors is vectors
    assert not hasattr(clone(transformer), "weights_")
    assert clone(make_pipeline(transformer))[0].vectors is vectors


def test_topics_are_classified_in_a_pipeline_with_grid_search(vectors: WordVectors) -> None:
    rng = np.random.default_rng(1)
    topics = list(TOPICS) * 20
    texts = [" ".join(rng.choice(TOPICS[topic], 4)) for topic in topics]
    pipeline = make_pipeline(DocumentVectorizer(vectors), LogisticRegression())
    search = GridSearchCV(pipeline, {"documentvectorizer__weighting": ["mean", "sif"]}, cv=3).fit(
        texts[:45], topics[:45]
    )
    mean, sif = search.cv_results_["mean_test_score"]
    assert mean > 0.9
    assert sif > 0.6  # guessing gives 0.33; one of the five dimensions is removed
    assert search.score(texts[45:], topics[45:]) > 0.9
    shuffled = rng.permutation(topics[:45])
    # with shuffled labels there is nothing to learn
    assert pipeline.fit(texts[:45], shuffled).score(texts[45:], topics[45:]) < 0.8


def test_the_class_is_public() -> None:
    assert word2vec.DocumentVectorizer is DocumentVectorizer


@pytest.mark.parametrize("documents", [[b"cat \xc3\xa9t\xc3\xa9 dog"], np.array([b"cat \xc3\xa9t\xc3\xa9 dog"])])
def test_bytes_are_decoded_as_by_count_vectorizer(vectors: WordVectors, documents: list[bytes]) -> None:
    seen: list[str] = []

    def tokenize(text: str) -> list[str]:
        seen.append(text)
        return text.split()

    found = DocumentVectorizer(vectors, tokenize=tokenize).fit_transform(documents)
    np.testing.assert_array_equal(found, DocumentVectorizer(vectors).fit_transform(["cat dog"]))
    assert set(seen) == {"cat été dog"}
    DocumentVectorizer(vectors, tokenize=tokenize, encoding="latin-1").fit_transform([b"\xe9t\xe9"])
    assert seen[-1] == "été"


def test_bytes_that_cannot_be_decoded(vectors: WordVectors) -> None:
    invalid = [b"cat \xff dog"]
    with pytest.raises(Word2VecError, match=r"document 1: .*can't decode byte 0xff.*decode_error"):
        DocumentVectorizer(vectors).fit(invalid)
    with pytest.raises(Word2VecError, match="unknown encoding"):
        DocumentVectorizer(vectors, encoding="none").fit(invalid)
    for decode_error in ("ignore", "replace"):
        found = DocumentVectorizer(vectors, decode_error=decode_error).fit_transform(invalid)
        np.testing.assert_array_equal(found, DocumentVectorizer(vectors).fit_transform(["cat dog"]))


@pytest.mark.parametrize("document", [[b"cat"], [1, 2], bytearray(b"cat"), [["cat"]]])
def test_words_that_are_not_strings_are_rejected(vectors: WordVectors, document: object) -> None:
    with pytest.raises(Word2VecError, match="a word must be a string"):
        DocumentVectorizer(vectors).fit(["cat", document])
