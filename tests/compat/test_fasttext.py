"""FastText: vectors are means of rows of words and n-grams as in gensim, unknown words have one, and files keep all."""

import copy
import dataclasses
import inspect
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.compat.test_word2vec import SENTENCES, TOPIC
from word2vec.compat.gensim.errors import ArgumentError, NotReadyError, UnsupportedError
from word2vec.compat.gensim.models import KeyedVectors, Word2Vec
from word2vec.compat.gensim.models.fasttext import (
    FastText,
    FastTextKeyedVectors,
    load_facebook_model,
    load_facebook_vectors,
    save_facebook_model,
)
from word2vec.errors import FormatError, UnknownWordError
from word2vec.losses import NegativeSampling
from word2vec.models import CBOW, SkipGram
from word2vec.vectors import WordVectors

SMALL: dict[str, Any] = {"vector_size": 16, "workers": 1, "sample": 0, "epochs": 6, "bucket": 500}
UNKNOWN = "catdog"  # shares n-grams with known words


@pytest.fixture(scope="module")
def model() -> FastText:
    return FastText(SENTENCES, sg=1, **SMALL)


def in_gensim(model: FastText) -> Any:
    """Return gensim's vectors with the same tables."""
    gensim = pytest.importorskip("gensim.models.fasttext")
    vectors = gensim.FastTextKeyedVectors(model.vector_size, model.min_n, model.max_n, model.bucket)
    vectors.add_vectors(model.wv.index_to_key, np.zeros_like(model.wv.vectors))
    vectors.vectors_vocab, vectors.vectors_ngrams = vectors_of(model).vectors_vocab, vectors_of(model).vectors_ngrams
    vectors.recalc_char_ngram_buckets()
    vectors.adjust_vectors()
    return vectors


def vectors_of(model: FastText) -> FastTextKeyedVectors:
    assert isinstance(model.wv, FastTextKeyedVectors)
    return model.wv


def test_the_arguments_are_gensims() -> None:
    gensim = pytest.importorskip("gensim.models").FastText
    ours, theirs = (inspect.signature(kind.__init__).parameters for kind in (FastText, gensim))
    assert list(ours) == list(theirs)
    changed = {"alpha", "hashfxn"}
    for name, parameter in theirs.items():
        assert name in changed or ours[name].default == parameter.default, name


def test_the_default_alpha_is_that_of_words_with_ngrams() -> None:
    assert FastText(sg=1).alpha == NegativeSampling.default_lr * SkipGram.ngram_lr_factor
    assert FastText(sg=1, bucket=0).alpha == FastText(sg=1, max_n=0).alpha == NegativeSampling.default_lr
    assert FastText().alpha == NegativeSampling.default_lr * CBOW.ngram_lr_factor
    assert FastText(alpha=0.01).alpha == 0.01


@pytest.mark.parametrize("keywords", [{}, {"hs": 1, "negative": 0}, {"max_n": 0}])
def test_words_of_a_topic_are_neighbors(keywords: dict[str, Any]) -> None:
    trained = FastText(SENTENCES, **(SMALL | keywords))
    near = [TOPIC[word] == TOPIC[other] for word in TOPIC for other, _ in trained.wv.most_similar(word, topn=4)]
    assert sum(near) / len(near) > 0.9
    assert ("cats" in trained.wv) == (trained.bucket > 0)
    if trained.bucket:
        assert trained.wv.most_similar("cats", topn=1)[0][0] in TOPIC
        assert trained.wv.similarity("cats", "cat") > trained.wv.similarity("cats", "blue")


@pytest.mark.filterwarnings("ignore:Call to deprecated")  # by gensim
def test_vectors_and_answers_are_those_of_gensim(model: FastText) -> None:
    theirs, ours = in_gensim(model), model.wv
    np.testing.assert_allclose(ours.vectors, theirs.vectors, atol=1e-6)
    for word in ("cat", UNKNOWN, "cät", "ca"):
        np.testing.assert_allclose(ours[word], theirs[word], atol=1e-6)
        np.testing.assert_allclose(ours.get_vector(word, norm=True), theirs.get_vector(word, norm=True), atol=1e-6)
        assert (word in ours, ours.has_index_for(word)) == (word in theirs, theirs.has_index_for(word))
    words = ["cat", UNKNOWN, "blue"]
    np.testing.assert_allclose(ours[words], theirs[words], atol=1e-6)
    for ask in (
        lambda wv: wv.most_similar(UNKNOWN, topn=3),
        lambda wv: wv.most_similar(positive=["cat", UNKNOWN], negative=["blues"], topn=3),
        lambda wv: wv.most_similar_cosmul(positive=["cat", UNKNOWN], topn=3),
        lambda wv: [(wv.doesnt_match([*words, "dog"]), wv.n_similarity(words, ["cats"]))],
        lambda wv: [("", wv.similarity("cat", UNKNOWN)), ("", wv.wmdistance(words, ["dog"]) if wv is ours else None)],
        lambda wv: [("", number) for number in wv.distances(UNKNOWN, ["cat", "dog"])],
    ):
        for (word, number), (expected, other) in zip(ask(ours), ask(theirs), strict=True):
            assert word == expected
            assert other is None or number == pytest.approx(other, abs=1e-5)
    np.testing.assert_allclose(ours.get_sentence_vector(words), theirs.get_sentence_vector(words), atol=1e-6)
    inferred = ours.vectors_for_all([UNKNOWN, "cat"])
    np.testing.assert_array_equal(inferred.vectors, ours[[UNKNOWN, "cat"]])
    assert ours.vectors_for_all([UNKNOWN, "cat"], allow_inference=False).index_to_key == ["cat"]


def test_buckets_without_words_take_no_memory(model: FastText) -> None:
    vectors = vectors_of(model)
    assert vectors.subwords is not None
    assert len(vectors.subwords.rows) < model.bucket
    assert vectors.vectors_ngrams.shape == (model.bucket, 16)
    assert np.count_nonzero(vectors.vectors_ngrams.any(axis=1)) == len(vectors.subwords.rows)


def test_words_without_known_ngrams_are_zeros_and_without_ngrams_unknown(
    model: FastText, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "word2vec"):
        assert not model.wv[""].any()
    assert "no n-gram of '' is known" in caplog.text
    with pytest.raises(UnknownWordError):
        FastText(SENTENCES, **(SMALL | {"bucket": 0, "epochs": 1})).wv[UNKNOWN]


def test_vocabulary_update_keeps_old_rows_and_adds_words() -> None:
    trained = FastText(SENTENCES, sg=1, **SMALL)
    old, vectors = {word: trained.wv[word].copy() for word in [*TOPIC, UNKNOWN]}, vectors_of(trained)
    assert vectors.subwords is not None
    rows = len(vectors.subwords.rows)
    animals = [["cat", "dog", "whale"], ["cat", "dog", "shark"]] * 200
    trained.build_vocab(animals, update=True)
    vectors = vectors_of(trained)
    assert vectors.subwords is not None
    assert vectors.subwords.used is not None
    assert len(np.unique(vectors.subwords.used)) == len(vectors.subwords.rows) > rows
    assert len(trained.wv) == len(TOPIC) + 2
    for word, vector in old.items():  # of an unknown word only if the new words share none of its n-grams
        np.testing.assert_allclose(trained.wv[word], vector, atol=1e-6)
    trained.train(animals, total_examples=len(animals), epochs=3)
    assert trained.wv.similarity("whale", "shark") > trained.wv.similarity("whale", "blue")


def test_saved_models_continue(model: FastText, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    loaded = FastText.load(tmp_path / "model")
    for word in ("cat", UNKNOWN):
        np.testing.assert_array_equal(loaded.wv[word], model.wv[word])
    for name in FastText.SAVED:
        assert getattr(loaded, name) == getattr(model, name), name
    np.testing.assert_array_equal(vectors_of(loaded).vectors_vocab, vectors_of(model).vectors_vocab)
    np.testing.assert_array_equal(WordVectors.load(tmp_path / "model")[UNKNOWN], model.wv[UNKNOWN])
    loaded.train(SENTENCES, total_examples=1, epochs=1)
    model.wv.save(tmp_path / "vectors")
    for kind in (KeyedVectors, FastTextKeyedVectors):
        np.testing.assert_array_equal(kind.load(tmp_path / "vectors")[UNKNOWN], model.wv[UNKNOWN])
    with pytest.raises(FormatError, match="those of another class"):
        Word2Vec.load(tmp_path / "model")


def test_facebook_models_are_exchanged_with_gensim(model: FastText, tmp_path: Path) -> None:
    gensim = pytest.importorskip("gensim.models.fasttext")
    save_facebook_model(model, tmp_path / "model.bin")
    theirs, ours = gensim.load_facebook_model(str(tmp_path / "model.bin")), load_facebook_model(tmp_path / "model.bin")
    for name in ("sg", "hs", "window", "epochs", "negative", "min_count", "sample", "min_n", "max_n", "bucket"):
        expected = getattr(model, name)
        assert getattr(ours, name) == pytest.approx(expected), name
        assert getattr(theirs.wv if name in ("min_n", "max_n", "bucket") else theirs, name) == pytest.approx(expected)
    for word in ("cat", UNKNOWN):
        for loaded in (ours, theirs):
            np.testing.assert_allclose(loaded.wv[word], model.wv[word], atol=1e-6)
    assert model.syn1neg is not None
    assert ours.syn1neg is not None
    np.testing.assert_array_equal(ours.syn1neg, model.syn1neg)
    np.testing.assert_array_equal(theirs.syn1neg, model.syn1neg)
    ours.train(SENTENCES, total_examples=1, epochs=1)
    assert not np.allclose(ours.wv["cat"], model.wv["cat"])
    np.testing.assert_allclose(load_facebook_vectors(tmp_path / "model.bin")[UNKNOWN], model.wv[UNKNOWN], atol=1e-6)


def test_trees_are_kept_in_facebook_models(tmp_path: Path) -> None:
    trained = FastText(SENTENCES, hs=1, negative=0, **(SMALL | {"epochs": 1}))
    save_facebook_model(trained, tmp_path / "model.bin")
    loaded = load_facebook_model(tmp_path / "model.bin")
    np.testing.assert_array_equal(loaded.syn1, trained.syn1)
    np.testing.assert_allclose(loaded.score(SENTENCES[:3]), trained.score(SENTENCES[:3]), rtol=1e-5)


def test_what_is_not_supported_is_one_line(tmp_path: Path) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"word_ngrams": 2}, "n-grams of words are not supported"),
        ({"bucket": -1}, "bucket must be 0 or more"),
        ({"cbow_mean": 0}, "cbow_mean=0"),
    ]
    for keywords, reason in wrong:
        with pytest.raises(ArgumentError, match=reason):
            FastText(**keywords)
    with pytest.raises(ArgumentError, match="encoding 'cp852' is not supported"):
        load_facebook_model(tmp_path / "model.bin", encoding="cp852")
    datapath = pytest.importorskip("gensim.test.utils").datapath
    with pytest.raises(UnsupportedError, match="a classifier"):
        load_facebook_model(datapath("pang_lee_polarity_fasttext.bin"))
    with pytest.raises(NotReadyError, match="create it with hs=1"):
        FastText(**SMALL).score(SENTENCES)


def test_words_that_only_wv_has_are_not_trained(model: FastText) -> None:
    changed = copy.deepcopy(model)
    changed.wv.add_vectors(["brandnew"], [np.zeros(16, np.float32)])
    with pytest.raises(NotReadyError, match="output table"):
        changed.train(SENTENCES, total_examples=len(SENTENCES), epochs=1)


def test_buckets_that_a_file_left_out_are_trained() -> None:
    trained = FastText(SENTENCES, sg=1, **SMALL)
    subwords = vectors_of(trained).subwords
    assert subwords is not None
    assert subwords.used is not None
    vectors_of(trained).subwords = dataclasses.replace(subwords, rows=subwords.rows[:5], used=subwords.used[:5])
    index = vectors_of(trained).ngram_index()
    assert index is not None
    assert index.rows.min() >= 0
    assert set(index.used.tolist()) == set(subwords.used.tolist())
    trained.train(SENTENCES, total_examples=len(SENTENCES), epochs=1)
    assert np.isfinite(trained.wv.vectors).all()
