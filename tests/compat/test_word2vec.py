"""Word2Vec: arguments are translated, training continues, files keep the model, and what is missing is one line."""

import inspect
import logging
import os
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import word2vec
from tests.conftest import TOPICS, topic_text
from word2vec.compat.gensim.counting import encode
from word2vec.compat.gensim.errors import ArgumentError, ArgumentTypeError, NotReadyError
from word2vec.compat.gensim.fitting import FitSettings
from word2vec.compat.gensim.models.callbacks import CallbackAny2Vec
from word2vec.compat.gensim.models.word2vec import LineSentence, PathLineSentences, Text8Corpus, Word2Vec
from word2vec.errors import CorpusError, FormatError, Word2VecError
from word2vec.losses import NegativeSampling
from word2vec.models import CBOW
from word2vec.sampling.datasets import SamplingSettings

SENTENCES = [line.split() for line in topic_text(400).splitlines()]
TOPIC = {word: name for name, words in TOPICS.items() for word in words}
SMALL: dict[str, Any] = {"vector_size": 16, "sg": 1, "workers": 1, "sample": 0, "epochs": 8}


@pytest.fixture(scope="module")
def model() -> Word2Vec:
    return Word2Vec(SENTENCES, **SMALL)


def purity(trained: Word2Vec) -> float:
    near = [TOPIC[word] == TOPIC[other] for word in TOPIC for other, _ in trained.wv.most_similar(word, topn=4)]
    return sum(near) / len(near)


def test_the_arguments_are_gensims() -> None:
    gensim = pytest.importorskip("gensim.models").Word2Vec
    for name in ("__init__", "train", "build_vocab", "build_vocab_from_freq", "predict_output_word"):
        ours, theirs = (inspect.signature(getattr(kind, name)).parameters for kind in (Word2Vec, gensim))
        internal = {"word_count", "queue_factor", "report_delay", "kwargs", "hashfxn"}
        expected = {key: value.default for key, value in theirs.items() if key not in internal}
        expected |= {"alpha": None} if "alpha" in expected else {}  # the default learning rate of the model
        assert {key: value.default for key, value in ours.items() if key != "hashfxn"} == expected, name
        if name == "__init__":
            assert [key for key in ours if key != "hashfxn"] == list(expected)


def test_words_of_a_topic_are_neighbors(model: Word2Vec) -> None:
    assert purity(model) > 0.95
    assert str(model) == "Word2Vec<vocab=18, vector_size=16, alpha=0.025>"
    assert (model.corpus_count, model.corpus_total_words) == (400, 2400)
    assert model.wv.get_vecattr("cat", "count") == sum(sentence.count("cat") for sentence in SENTENCES)
    assert model.syn1neg is not None
    assert model.syn1neg.shape == (18, 16)


def test_all_ways_to_pass_a_corpus_train_the_same_model(tmp_path: Path, model: Word2Vec) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text(topic_text(400), encoding="utf-8")
    split = Word2Vec(**SMALL)
    split.build_vocab(LineSentence(path))
    split.train(LineSentence(str(path)), total_words=split.corpus_total_words, epochs=split.epochs)
    from_folder = Word2Vec(PathLineSentences(tmp_path), **SMALL)
    for other in (split, from_folder):
        np.testing.assert_array_equal(other.wv.vectors, model.wv.vectors)
        assert other.wv.index_to_key == model.wv.index_to_key
    from_file = Word2Vec(corpus_file=str(path), **SMALL)  # words of equal count have another order
    assert set(from_file.wv.index_to_key) == set(model.wv.index_to_key)
    assert purity(from_file) > 0.95


def test_several_threads_are_reproducible_on_a_small_corpus() -> None:
    several = [Word2Vec(SENTENCES, **(SMALL | {"workers": 4})) for _ in range(2)]
    np.testing.assert_array_equal(several[0].wv.vectors, several[1].wv.vectors)


def test_arguments_are_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[tuple[SamplingSettings, FitSettings]] = []

    def fit(tables: Any, ngrams: Any, vocabulary: Any, corpus: Any, settings: FitSettings) -> Generator[Any]:
        received.append((settings.sampling, settings))
        yield from ()

    monkeypatch.setattr("word2vec.compat.gensim.fitting.fit", fit)
    keywords = {"window": 7, "negative": 3, "sample": 1e-4, "ns_exponent": -0.5, "alpha": 0.2, "min_alpha": 0.1}
    trained = Word2Vec(SENTENCES, **keywords, sg=1, workers=6, epochs=4, seed=9, batch_words=55, min_count=1)
    trained.shrink_windows, trained.sg = False, 0
    trained.train(SENTENCES, total_examples=400, epochs=2, start_alpha=0.05, end_alpha=0.01)
    first, second = received
    assert first[0] == SamplingSettings(7, 3, 1e-4, -0.5, "shrink")
    assert first[1] == FitSettings(
        "skipgram", "negative-sampling", first[0], 4, 0.2, 0.1, threads=6, words_per_thread=55, seed=9
    )
    assert second[0].window_mode == "fixed"
    assert second[1].model == "cbow"
    assert (second[1].epochs, second[1].lr, second[1].min_lr) == (2, 0.05, 0.01)
    assert second[1].seed != 9  # each call draws other windows and noise words


def test_tiny_corpora_train_with_any_seed() -> None:
    documents = [["human", "interface", "computer"], ["survey", "user", "computer"], ["eps", "user"], ["trees"]]
    for seed in range(20):  # subsampling leaves only a few words of them
        trained = Word2Vec(documents, vector_size=4, min_count=1, sg=1, seed=seed, workers=1, epochs=1)
        assert len(trained.wv.most_similar("computer", topn=3)) == 3


@pytest.mark.parametrize("keywords", [{"sg": 0}, {"sg": 0, "hs": 1, "negative": 0}, {"hs": 1, "negative": 0}])
def test_other_models_train_and_continue(keywords: dict[str, Any], model: Word2Vec, tmp_path: Path) -> None:
    trained = Word2Vec(SENTENCES, **(SMALL | keywords))
    assert purity(trained) > 0.9
    assert not np.allclose(trained.wv.vectors, model.wv.vectors)
    trained.save(tmp_path / "model")
    loaded = Word2Vec.load(tmp_path / "model")
    for name in ("sg", "hs", "negative", "syn1", "syn1neg"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(trained, name))
    assert (trained.syn1 is None, trained.syn1neg is None) == (not trained.hs, bool(trained.hs))
    loaded.train(SENTENCES, total_examples=1, epochs=1)
    assert purity(loaded) > 0.9


def test_the_default_alpha_is_that_of_the_model() -> None:
    assert Word2Vec(sg=1).alpha == NegativeSampling.default_lr
    assert Word2Vec().alpha == NegativeSampling.default_lr * CBOW.lr_factor
    assert Word2Vec(alpha=0.01).alpha == 0.01


@pytest.mark.parametrize("sg", [0, 1])
def test_scores_are_those_of_gensim(sg: int) -> None:
    gensim = pytest.importorskip("gensim.models")
    words = [f"w{number}" for number in range(9)]
    text = [words[: 1 + number % 9] for number in range(900)]  # no two words have the same count, so the trees agree
    keywords: dict[str, Any] = {"vector_size": 6, "hs": 1, "negative": 0, "sg": sg, "min_count": 1, "workers": 1}
    trained, other = Word2Vec(text, **keywords, epochs=2), gensim.Word2Vec(text, **keywords, epochs=1)
    assert trained.syn1 is not None
    assert trained.wv.index_to_key == other.wv.index_to_key
    other.wv.vectors = trained.wv.vectors.copy()
    other.syn1 = np.concatenate([trained.syn1[-2::-1], trained.syn1[-1:]])  # gensim numbers nodes from the leaves
    asked = [words, [*words[3:], "unknown"], words[:2]]
    expected = other.score(asked, total_sentences=3)
    np.testing.assert_allclose(trained.score(asked), expected, rtol=0.05)  # gensim's logarithms are rounded
    assert trained.score(asked, total_sentences=2).shape == (2,)
    with pytest.raises(NotReadyError, match="predict_output_word needs negative sampling"):
        trained.predict_output_word(words)


def test_hierarchical_softmax_with_noise_words_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "word2vec"):
        Word2Vec(SENTENCES, hs=1, workers=1, epochs=1, vector_size=4)
    assert [record.message for record in caplog.records] == [
        "hs=1 with negative=5 trains hierarchical softmax only; pass negative=0 to confirm"
    ]


@pytest.mark.parametrize(
    ("keywords", "reason"),
    [
        ({"negative": 0}, "hs=0 and negative=0 leave nothing to train"),
        ({"sg": 0, "cbow_mean": 0}, "cbow_mean=0, the sum of the context words, is not supported"),
        ({"null_word": 1}, "null_word is not supported"),
        ({"sample": 10}, "sample must be a frequency"),
        ({"vector_size": 0}, "must be 1 or more"),
        ({"trim_rule": lambda *_: 7}, "trim_rule returned 7"),
    ],
)
def test_what_is_not_supported_is_one_line(keywords: dict[str, Any], reason: str) -> None:
    with pytest.raises(ArgumentError, match=reason) as caught:
        Word2Vec(SENTENCES, **(SMALL | keywords))
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("corpus", "reason"),
    [
        ((sentence for sentence in SENTENCES), "a generator can be read only once"),
        (17, "the corpus is of type int"),
        ([["a", "b"], None], "sentence 2 is not a list of words: it is of type NoneType"),
        ([["a", ["b"]]], "sentence 1 is not a list of words"),
    ],
)
def test_what_is_no_corpus_is_a_type_error(corpus: Any, reason: str) -> None:
    with pytest.raises(ArgumentTypeError, match=reason) as caught:
        Word2Vec(corpus, **SMALL)
    assert isinstance(caught.value, TypeError)
    assert "\n" not in str(caught.value)


def test_both_or_no_corpus_and_missing_files(tmp_path: Path) -> None:
    empty = Word2Vec(**SMALL)
    with pytest.raises(ArgumentTypeError, match="no corpus given"):
        empty.build_vocab()
    with pytest.raises(ArgumentTypeError, match="two corpora given"):
        Word2Vec(SENTENCES, "text.txt", **SMALL)
    with pytest.raises(ArgumentTypeError, match="is not a file"):
        empty.build_vocab(corpus_file=str(tmp_path / "nothing"))
    with pytest.raises(NotReadyError, match="call build_vocab"):
        empty.train(SENTENCES, total_examples=1, epochs=1)
    with pytest.raises(NotReadyError, match="no vocabulary to update"):
        empty.build_vocab(SENTENCES, update=True)
    with pytest.raises(NotReadyError, match="score needs a model with hierarchical softmax"):
        empty.score(SENTENCES)
    with pytest.raises(NotReadyError, match="no word is left"):
        Word2Vec([["a", "b"]], **SMALL)


def test_a_vocabulary_of_one_word_is_one_line() -> None:
    with pytest.raises(Word2VecError, match="only one word"):
        Word2Vec([["a"] * 9], **(SMALL | {"min_count": 1}))


def test_training_needs_explicit_sizes(model: Word2Vec) -> None:
    for keywords, reason in (({"epochs": 1}, "size of the corpus"), ({"total_examples": 1}, "number of epochs")):
        with pytest.raises(ArgumentError, match=reason):
            model.train(SENTENCES, **keywords)
    with pytest.raises(ArgumentError, match="the corpus has no words"):
        model.train([], total_examples=1, epochs=1)


def test_training_continues_from_the_vectors() -> None:
    trained = Word2Vec(SENTENCES[:100], **SMALL)
    assert trained.wv.most_similar("cat")  # which computes the lengths of the vectors
    before = trained.wv.vectors.copy()
    counted = trained.train([[*SENTENCES[0], "unknown"]], total_examples=1, epochs=2, start_alpha=1e-4, end_alpha=1e-5)
    assert counted == (12, 14)
    moved = np.abs(trained.wv.vectors - before).max()
    assert 0 < moved < 0.01
    assert trained.min_alpha_yet_reached == 1e-5
    trained.train(SENTENCES, total_examples=1, epochs=5)
    near, cosine = trained.wv.most_similar("cat", topn=1)[0]
    assert cosine == pytest.approx(trained.wv.similarity("cat", near), rel=1e-5)  # with the lengths of the new vectors


def test_vocabulary_update_keeps_old_vectors_and_adds_words() -> None:
    trained = Word2Vec(SENTENCES, **SMALL)
    assert trained.syn1neg is not None
    old = {word: (trained.wv[word].copy(), trained.syn1neg[trained.wv.get_index(word)].copy()) for word in TOPIC}
    animals = [["cat", "dog", "whale"], ["cat", "dog", "shark"]] * 1000
    trained.build_vocab(animals, update=True)
    assert len(trained.wv) == len(TOPIC) + 2
    assert trained.wv.index_to_key[0] in ("cat", "dog")  # rows are sorted by frequency
    assert (np.diff(trained.wv.expandos["count"]) <= 0).all()
    for word, (vector, output) in old.items():
        np.testing.assert_array_equal(trained.wv[word], vector)
        np.testing.assert_array_equal(trained.syn1neg[trained.wv.get_index(word)], output)
    assert np.count_nonzero(trained.syn1neg.any(axis=1)) == len(TOPIC)
    assert trained.wv.get_vecattr("cat", "count") == 2000 + sum(sentence.count("cat") for sentence in SENTENCES)
    trained.train(animals, total_examples=len(animals), epochs=5)
    assert trained.wv.rank("whale", "shark") == 1


def test_vocabulary_updates_count_as_gensim_does() -> None:
    first = [["a", "b", "c", "a"], ["b", "c", "d", "rare"]] * 20
    second = [["a", "new", "b", "new"], ["d", "new", "once"]] * 4 + [["once"]]
    found = []
    for model_class in (Word2Vec, pytest.importorskip("gensim.models").Word2Vec):
        model = model_class(first, vector_size=8, min_count=6, workers=1, epochs=1)
        model.build_vocab(second, update=True)
        trained = model.train(second, total_examples=model.corpus_count, epochs=2)[1]
        counts = {word: model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key}
        found.append((counts, model.corpus_count, model.corpus_total_words, trained))
    assert found[0] == found[1]
    assert found[0][0] == {"a": 44, "b": 44, "c": 40, "d": 24, "rare": 20, "new": 12}


def test_limits_of_the_vocabulary(caplog: pytest.LogCaptureFixture) -> None:
    counts = {"a": 9, "b": 7, "c": 5, "d": 5, "e": 1}
    for keywords, expected in (
        ({"min_count": 1}, "abcde"),
        ({"min_count": 0}, "abcde"),
        ({"min_count": 6}, "ab"),
        ({"min_count": 1, "max_final_vocab": 3}, "ab"),  # c and d have the same count
        ({"min_count": 1, "max_final_vocab": 4}, "abcd"),
        ({"min_count": 1, "max_vocab_size": 3}, "abc"),
        ({"min_count": 6, "trim_rule": lambda word, *_: 2 if word == "e" else 1 if word == "a" else 0}, "be"),
    ):
        chosen = Word2Vec(**(SMALL | keywords))
        chosen.build_vocab_from_freq(counts)
        assert "".join(chosen.wv.index_to_key) == expected
    assert "max_vocab_size" in caplog.text
    report = Word2Vec(**SMALL)
    report.build_vocab_from_freq(counts, keep_raw_vocab=True)
    assert report.raw_vocab == counts
    assert report.prepare_vocab(min_count=6, dry_run=True)["retain_total"] == 16
    assert len(report.wv) == 4


def test_integers_are_words() -> None:
    walks = [[number, number + 1, number] for number in (10, 20, 30)] * 100
    trained = Word2Vec(walks, **(SMALL | {"min_count": 1}))
    assert set(trained.wv.index_to_key) == {10, 11, 20, 21, 30, 31}
    assert trained.wv.rank(10, 11) == 1


def test_long_sentences_are_split_and_all_words_are_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.compat.gensim.counting.MAX_SENTENCE", 4)
    found = encode([["a"] * 9, ["b"] * 4, [], ["a"]], None, {"a": 0})
    assert found.offsets.tolist() == [0, 4, 8, 9, 13, 13, 14]
    assert found.tokens.tolist() == [0] * 9 + [1] * 4 + [0]


def test_vectors_cannot_be_locked(model: Word2Vec) -> None:
    assert model.wv.vectors_lockf.tolist() == [1]
    with pytest.raises(ArgumentError, match="not supported"):
        model.wv.vectors_lockf = np.zeros(len(model.wv))


def test_strings_in_place_of_lists_are_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "word2vec"):
        Word2Vec(**SMALL).build_vocab(["the cat", "the dog"])
    assert [record.message.count("should be a list of words") for record in caplog.records] == [1]


class Recorder(CallbackAny2Vec):
    def __init__(self) -> None:
        self.calls: list[str] = []
        self.losses: list[float] = []
        self.vectors: list[np.ndarray] = []

    def on_train_begin(self, model: Word2Vec) -> None:
        self.calls.append("train begins")

    def on_epoch_begin(self, model: Word2Vec) -> None:
        self.calls.append("begins")

    def on_epoch_end(self, model: Word2Vec) -> None:
        self.calls.append("ends")
        self.losses.append(model.get_latest_training_loss())
        self.vectors.append(model.wv["cat"].copy())
        assert model.wv.most_similar("cat")

    def on_train_end(self, model: Word2Vec) -> None:
        self.calls.append("train ends")


def test_callbacks_see_each_epoch() -> None:
    recorder = Recorder()
    trained = Word2Vec(SENTENCES, **(SMALL | {"epochs": 3}), compute_loss=True, callbacks=[recorder])
    assert recorder.calls == ["train begins", *["begins", "ends"] * 3, "train ends"]
    losses = np.diff([0, *recorder.losses])
    assert losses[0] > losses[1] > losses[2] > 0
    assert recorder.losses[-1] == trained.get_latest_training_loss()
    assert not np.array_equal(recorder.vectors[0], recorder.vectors[1])
    np.testing.assert_array_equal(recorder.vectors[-1], trained.wv["cat"])


class TrainingStoppedError(Exception):
    pass


class Stopper(CallbackAny2Vec):
    """Ends training after the first epoch, as scripts do that stop early, or presses Ctrl-C."""

    def __init__(self, error: type[BaseException] | None) -> None:
        self.error = error

    def on_epoch_end(self, model: Word2Vec) -> None:
        if self.error:
            raise self.error
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("error", [TrainingStoppedError, None])
def test_stopped_training_keeps_what_was_learned(error: type[BaseException] | None) -> None:
    trained = Word2Vec(**SMALL)
    trained.build_vocab(SENTENCES)
    before = trained.wv.vectors.copy()
    with pytest.raises(error or KeyboardInterrupt):
        trained.train(SENTENCES, total_examples=400, epochs=1000, callbacks=[Stopper(error)])
    assert not np.allclose(trained.wv.vectors, before)
    assert np.isfinite(trained.wv.vectors).all()
    assert trained.wv.most_similar("cat")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_saved_models_continue(model: Word2Vec, tmp_path: Path) -> None:
    path = tmp_path / "word2vec.model"
    model.save(str(path), sep_limit=0)
    loaded = Word2Vec.load(str(path), mmap="r")
    np.testing.assert_array_equal(loaded.wv.vectors, model.wv.vectors)
    np.testing.assert_array_equal(loaded.syn1neg, model.syn1neg)
    for name in ("vector_size", "window", "negative", "alpha", "corpus_count", "train_count", "sample", "sg", "epochs"):
        assert getattr(loaded, name) == getattr(model, name), name
    assert word2vec.load(path).nearest("cat") == model.wv.most_similar("cat")
    loaded.train(SENTENCES, total_examples=loaded.corpus_count, epochs=1)
    assert purity(loaded) > 0.95


def test_files_that_are_no_models(model: Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / "vectors")
    with pytest.raises(FormatError, match=r"no model of this class; read it with KeyedVectors\.load"):
        Word2Vec.load(tmp_path / "vectors")
    model.save(tmp_path / "model")
    content = (tmp_path / "model").read_bytes()
    (tmp_path / "model").write_bytes(content.replace(b'\\"window\\"', b'\\"widnow\\"'))
    with pytest.raises(FormatError, match="settings of the model are incomplete"):
        Word2Vec.load(tmp_path / "model")
    gensim = pytest.importorskip("gensim.models")
    gensim.Word2Vec([["a", "b"]] * 9, min_count=1, vector_size=4).save(str(tmp_path / "gensim.model"))
    with pytest.raises(FormatError, match=r"load it with gensim and call model\.wv\.save_word2vec_format"):
        Word2Vec.load(tmp_path / "gensim.model")


def test_predictions_agree_with_gensim(model: Word2Vec, tmp_path: Path) -> None:
    gensim = pytest.importorskip("gensim.models")
    other = gensim.Word2Vec(SENTENCES, vector_size=16, sg=1, min_count=5, workers=1, epochs=1)
    model.wv.save_word2vec_format(tmp_path / "v.bin", binary=True)
    other.wv.vectors = np.array([model.wv[word] for word in other.wv.index_to_key])
    other.syn1neg = np.array([model.syn1neg[model.wv.get_index(word)] for word in other.wv.index_to_key])
    found = model.predict_output_word(["cat", "dog", "unknown"], topn=5)
    expected = other.predict_output_word(["cat", "dog", "unknown"], topn=5)
    assert found is not None
    assert [word for word, _ in found] == [word for word, _ in expected]
    np.testing.assert_allclose([p for _, p in found], [p for _, p in expected], rtol=1e-5)
    assert model.predict_output_word(["unknown"]) is None


# corpora


def test_sentences_are_those_of_gensim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gensim = pytest.importorskip("gensim.models.word2vec")
    (tmp_path / "b.txt").write_text("one two three four five\n\nsix\n", encoding="utf-8")
    (tmp_path / "a.txt").write_text(" ".join(str(number) for number in range(5000)), encoding="utf-8")
    for path in (tmp_path / "a.txt", tmp_path / "b.txt"):
        for limit in (None, 1):
            expected = list(gensim.LineSentence(str(path), max_sentence_length=3, limit=limit))
            assert list(LineSentence(path, max_sentence_length=3, limit=limit)) == expected
        with path.open("rb") as file:
            assert list(LineSentence(file)) == list(LineSentence(file)) == list(gensim.LineSentence(str(path)))
        assert list(Text8Corpus(path, 7)) == list(gensim.Text8Corpus(str(path), 7))
    expected = list(Text8Corpus(tmp_path / "a.txt", 7))
    monkeypatch.setattr("word2vec.compat.gensim.sentences.BLOCK_BYTES", 11)  # within words
    assert list(Text8Corpus(tmp_path / "a.txt", 7)) == expected
    assert list(PathLineSentences(tmp_path, limit=2)) == list(gensim.PathLineSentences(str(tmp_path), limit=2))
    assert list(PathLineSentences(tmp_path / "b.txt")) == [["one", "two", "three", "four", "five"], ["six"]]


def test_corpora_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="cannot be read"):
        list(LineSentence(tmp_path / "nothing"))
    with pytest.raises(ArgumentError, match="no such file or folder"):
        PathLineSentences(tmp_path / "nothing")
    (tmp_path / "damaged.gz").write_bytes(b"\x1f\x8b\x08\x00damaged")
    with pytest.raises(CorpusError, match=r"damaged\.gz: cannot be read"):
        list(LineSentence(tmp_path / "damaged.gz"))
