"""Training that starts from vectors: what is kept, what is frozen, how new words begin, and what is refused."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import word2vec
from tests.conftest import TOPICS, topic_text
from tests.training.interruptions import killed, many_checkpoints
from tests.training.topics import contents, results, small
from word2vec.cli import run as command
from word2vec.config import TrainConfig
from word2vec.corpus.phrases import Phrase, Phrases, PhraseSettings
from word2vec.errors import ConfigError, CorpusError, FormatError, Word2VecError
from word2vec.formats.run import CHECKPOINT_FILE
from word2vec.models import Subwords
from word2vec.training import train
from word2vec.training.checkpoint import read_checkpoint
from word2vec.vectors.word_vectors import WordVectors

KNOWN = ["cat", "dog", "horse", "red", "green", "blue", "one", "two", "three", "four"]
ABSENT = ["catalog", "reddish"]  # words of the start that the corpus does not have
NEW = ["black", "cow", "five", "goat", "sheep", "six", "white", "yellow"]  # words that only the corpus has
DIM = 16
UNMOVED = {"lr": 1e-30, "min_lr": 0.0}  # too small to change a number


def make_start(*, counts: bool = True, output: bool = True, ngrams: bool = False, seed: int = 0) -> WordVectors:
    """Vectors of some words of the topics, and of two others; with n-grams, vectors are means as in training."""
    draw, words = np.random.default_rng(seed), KNOWN + ABSENT
    table, second = draw.normal(size=(2, len(words), DIM)).astype(np.float32)
    subwords = None
    if ngrams:
        rows = draw.normal(size=(500, DIM)).astype(np.float32)
        subwords = Subwords(rows, 3, 4, word_rows=table)
        table = subwords.known_vectors([word.encode() for word in words], table)
    return WordVectors(
        words,
        table,
        counts=range(1000, 988, -1) if counts else None,
        output=second if output else None,
        subwords=subwords,
    )


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """Two hundred sentences about topics; every word occurs often."""
    path = tmp_path / "text.txt"
    path.write_text(topic_text(200), encoding="utf-8")
    return path


def start_at(path: Path, **settings: Any) -> str:
    """Save a start, and return its path."""
    make_start(**settings).save(path)
    return str(path)


def config_of(text: Path, start: str, **settings: Any) -> TrainConfig:
    return small(text, start_from=start, **{"dim": DIM, "epochs": 1, "engine": "fused", **settings})


def rows_of(vectors: WordVectors, words: list[str], table: str = "vectors") -> np.ndarray[Any, Any]:
    return np.asarray(getattr(vectors, table)[[vectors.index(word) for word in words]])


# What training starts from, and what it keeps


@pytest.mark.parametrize("name", ["run", "start.safetensors", "start.npz", "start.txt.gz", "start.bin", "start.glove"])
def test_known_words_begin_with_their_vectors_in_any_format(name: str, text: Path, tmp_path: Path) -> None:
    start = WordVectors.load(start_at(tmp_path / name))
    trained = train(config_of(text, str(tmp_path / name), **UNMOVED))
    np.testing.assert_array_equal(trained[KNOWN], start[KNOWN])
    assert trained.output is not None
    if start.output is not None:
        np.testing.assert_array_equal(rows_of(trained, KNOWN, "output"), rows_of(start, KNOWN, "output"))
    assert np.abs(rows_of(trained, NEW, "output")).max() < 1e-20
    assert (np.abs(rows_of(trained, KNOWN, "output")).max() > 1e-20) == (start.output is not None)


def test_words_that_the_corpus_does_not_have_are_not_lost(text: Path, tmp_path: Path) -> None:
    start = make_start()
    start.save(tmp_path / "start")
    trained = train(config_of(text, str(tmp_path / "start")), tmp_path / "run")
    assert set(trained.words) == {*KNOWN, *ABSENT, *NEW}
    for table in ("vectors", "output"):
        np.testing.assert_array_equal(rows_of(trained, ABSENT, table), rows_of(start, ABSENT, table))
        assert (rows_of(trained, KNOWN, table) != rows_of(start, KNOWN, table)).any(axis=1).all()
    counts, text_words = dict(zip(trained.words, trained.counts, strict=True)), text.read_text().split()  # type: ignore[arg-type]
    old = dict(zip(start.words, start.counts, strict=True))  # type: ignore[arg-type]
    assert counts == {word: text_words.count(word) + old.get(word, 0) for word in counts}
    assert trained.words == sorted(trained.words, key=lambda word: -counts[word])
    loaded = WordVectors.load(tmp_path / "run")
    np.testing.assert_array_equal(loaded.vectors, trained.vectors)


def test_without_counts_words_of_the_corpus_come_first(text: Path, tmp_path: Path) -> None:
    trained = train(config_of(text, start_at(tmp_path / "start.txt", counts=False)))
    assert trained.words[-2:] == ABSENT
    assert trained.counts is None


def test_rare_words_of_the_start_are_kept_but_not_trained(text: Path, tmp_path: Path) -> None:
    text.write_text(text.read_text() + "catalog cat catalog cat catalog cat catalog cat\n", encoding="utf-8")  # 4 times
    start = make_start()
    start.save(tmp_path / "start")
    trained = train(config_of(text, str(tmp_path / "start")))
    np.testing.assert_array_equal(trained["catalog"], start["catalog"])


def test_training_continues_to_learn(text: Path, tmp_path: Path) -> None:
    train(small(text, epochs=5), tmp_path / "first")
    more = train(small(text, epochs=1, start_from=str(tmp_path / "first"), lr=0.01))
    loss = more.similarity("cat", "dog") - more.similarity("cat", "red")
    assert loss > 0.5
    scratch = train(small(text, epochs=1, lr=0.01))
    assert loss > 2 * (scratch.similarity("cat", "dog") - scratch.similarity("cat", "red"))


# What is frozen


@pytest.mark.parametrize(
    "settings",
    [{}, {"model": "cbow"}, {"subwords": "3-4", "buckets": 500}, {"deterministic": True}, {"engine": "autograd"}],
    ids=["skipgram", "cbow", "subwords", "deterministic", "autograd"],
)
def test_frozen_words_keep_their_vectors_and_new_ones_are_trained(
    settings: dict[str, Any], text: Path, tmp_path: Path
) -> None:
    path = start_at(tmp_path / "start", ngrams="subwords" in settings)
    start, trained = WordVectors.load(path), train(config_of(text, path, freeze="known", **settings))
    for table in ("vectors", "output"):
        np.testing.assert_array_equal(rows_of(trained, KNOWN, table), rows_of(start, KNOWN, table))
    unmoved = train(config_of(text, path, **(settings | UNMOVED)))
    for table in ("vectors", "output"):
        assert (rows_of(trained, NEW, table) != rows_of(unmoved, NEW, table)).any(axis=1).all()


def test_without_output_vectors_only_the_vectors_are_frozen(text: Path, tmp_path: Path) -> None:
    path = start_at(tmp_path / "start.txt", output=False)
    trained, start = train(config_of(text, path, freeze="known")), WordVectors.load(path)
    np.testing.assert_array_equal(trained[KNOWN], start[KNOWN])
    assert rows_of(trained, KNOWN, "output").any(axis=1).all()


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_an_anchor_freezes_output_vectors_and_keeps_the_words_of_the_corpus(
    model: str, text: Path, tmp_path: Path
) -> None:
    path = start_at(tmp_path / "start")
    start, trained = WordVectors.load(path), train(config_of(text, path, anchor=True, model=model))
    np.testing.assert_array_equal(rows_of(trained, KNOWN, "output"), rows_of(start, KNOWN, "output"))
    assert (trained[KNOWN] != start[KNOWN]).any(axis=1).all()
    words = text.read_text().split()
    assert set(trained.words) == set(words)
    assert trained.counts is not None
    assert trained.counts.tolist() == [words.count(word) for word in trained.words]


def test_slices_with_one_anchor_share_a_space(text: Path, tmp_path: Path) -> None:
    train(small(text, epochs=5), tmp_path / "all")
    slices = []
    for seed in (2, 3):
        part = tmp_path / f"slice{seed}.txt"
        part.write_text(topic_text(200, seed=seed), encoding="utf-8")
        slices.append(train(small(part, epochs=2, seed=seed, anchor=True, start_from=str(tmp_path / "all"))))
    for animal in TOPICS["animals"]:
        assert slices[1].nearest_to(slices[0][animal], n=1)[0][0] in TOPICS["animals"]


# New words


def test_new_words_can_be_left_out(text: Path, tmp_path: Path) -> None:
    path = start_at(tmp_path / "start")
    trained = train(config_of(text, path, new_words=False), tmp_path / "run")
    assert set(trained.words) == {*KNOWN, *ABSENT}
    # unknown words are dropped before windows are formed, as if the text did not contain them
    reduced = tmp_path / "reduced.txt"
    lines = text.read_text().splitlines()
    reduced.write_text("\n".join(" ".join(word for word in line.split() if word in KNOWN) for line in lines) + "\n")
    expected = train(config_of(reduced, path))
    assert trained.words == expected.words
    np.testing.assert_allclose(trained.vectors, expected.vectors, atol=0.1)  # their learning rates differ slightly


def test_new_words_without_ngrams_begin_as_in_a_new_run(text: Path, tmp_path: Path) -> None:
    trained = train(config_of(text, start_at(tmp_path / "start"), **UNMOVED))
    assert 0 < np.abs(trained[NEW]).max() < 0.5 / DIM
    assert np.linalg.matrix_rank(trained[NEW]) == len(NEW)


def test_new_words_begin_with_the_vectors_of_their_ngrams(text: Path, tmp_path: Path) -> None:
    path = start_at(tmp_path / "start", ngrams=True)
    start = WordVectors.load(path)
    for settings in ({}, {"subwords": "3-4", "buckets": 500}):
        trained = train(config_of(text, path, **UNMOVED, **settings))
        np.testing.assert_allclose(trained[NEW], start[NEW], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(trained[KNOWN], start[KNOWN], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(trained[ABSENT], start[ABSENT], rtol=1e-5, atol=1e-6)


def test_new_words_begin_in_the_direction_of_a_refinement(text: Path, tmp_path: Path) -> None:
    start = make_start()
    words = [*start.words, *(f"{word}{end}" for word in KNOWN for end in ("s", "es", "ed"))]
    draw = np.random.default_rng(1)
    table = np.concatenate([start.vectors, draw.normal(size=(30, DIM))])
    refined = WordVectors(words, table, counts=[50] * len(words)).refine(lengths=(2, 4), min_words=2)
    refined.save(tmp_path / "refined")
    trained = train(config_of(text, str(tmp_path / "refined"), **UNMOVED))
    np.testing.assert_array_equal(trained[KNOWN], refined.unrefined()[KNOWN])
    found = [word for word in NEW if word in refined.from_ngrams(NEW)]
    assert found
    centered = trained[found] - refined.unrefined().vectors.mean(axis=0)
    cosines = (centered * refined[found]).sum(axis=1) / np.linalg.norm(centered, axis=1)
    np.testing.assert_allclose(cosines / np.linalg.norm(refined[found], axis=1), 1, rtol=1e-4)
    known = np.linalg.norm(trained[KNOWN] - refined.unrefined().vectors.mean(axis=0), axis=1)
    np.testing.assert_allclose(np.linalg.norm(centered, axis=1), np.median(known) / 2, rtol=0.2)


def test_ngrams_of_the_start_that_no_word_uses_are_not_lost(text: Path, tmp_path: Path) -> None:
    path = start_at(tmp_path / "start", ngrams=True)
    start, trained = WordVectors.load(path), train(config_of(text, path, subwords="3-4", buckets=500, **UNMOVED))
    np.testing.assert_allclose(trained["elephantine"], start["elephantine"], rtol=1e-5, atol=1e-6)


def test_words_without_ngrams_can_be_continued_with_ngrams(text: Path, tmp_path: Path) -> None:
    path = start_at(tmp_path / "start")
    start = WordVectors.load(path)
    trained = train(config_of(text, path, subwords="3-4", **UNMOVED), tmp_path / "run")
    np.testing.assert_allclose(trained[KNOWN + ABSENT], start[KNOWN + ABSENT], rtol=1e-4, atol=1e-5)
    assert trained.subwords is not None
    trained = train(config_of(text, path, subwords="3-4"))
    np.testing.assert_allclose(trained[ABSENT], start[ABSENT], rtol=1e-4, atol=1e-5)


# Checkpoints


@pytest.mark.parametrize(
    "settings", [{}, {"subwords": "3-4", "buckets": 500}, {"freeze": "known", "refine": False}, {"anchor": True}]
)
def test_a_killed_run_resumes_to_the_same_bytes(
    settings: dict[str, Any], text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_checkpoints(monkeypatch)
    config = config_of(text, start_at(tmp_path / "start", ngrams="subwords" in settings), epochs=2, **settings)
    train(config, tmp_path / "whole")
    killed(config, tmp_path / "run", 3, monkeypatch)
    train(config, tmp_path / "run", resume=True)
    assert results(tmp_path / "run") == results(tmp_path / "whole")


def test_a_finished_run_trains_more_epochs(text: Path, tmp_path: Path) -> None:
    config = config_of(text, start_at(tmp_path / "start"))
    first = train(config, tmp_path / "run")
    before = contents(tmp_path / "run")
    train(config, tmp_path / "run", resume=True)
    assert contents(tmp_path / "run")[CHECKPOINT_FILE] == before[CHECKPOINT_FILE]  # nothing is left to train
    (tmp_path / "start").rename(tmp_path / "moved")
    settings = ["--from", str(tmp_path / "moved"), "--epochs", "2"]
    assert command(["train", str(text), "--output", str(tmp_path / "run"), "--resume", *settings]) == 0
    second = WordVectors.load(tmp_path / "run")
    assert second.words == first.words
    assert (second[KNOWN] != first[KNOWN]).any()
    np.testing.assert_array_equal(second[ABSENT], first[ABSENT])
    assert read_checkpoint(tmp_path / "run").epoch == 2


def test_a_run_does_not_resume_from_another_start(text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(text, start_at(tmp_path / "start"), epochs=3)
    killed(config, tmp_path / "run", 1, monkeypatch)
    before = contents(tmp_path / "run")
    make_start(seed=1).save(tmp_path / "start")
    with pytest.raises(ConfigError, match="cannot resume with other vectors to start from"):
        train(config, tmp_path / "run", resume=True)
    with pytest.raises(ConfigError, match=r"--from was vectors with fingerprint \w{8}, now none"):
        train(small(text, dim=DIM, epochs=3, engine="fused"), tmp_path / "run", resume=True)
    assert contents(tmp_path / "run") == before


# What is refused


@pytest.mark.parametrize(
    ("settings", "start", "error", "message"),
    [
        ({"dim": 8}, {}, ConfigError, "it has 16 dimensions, and --dim is 8; add --dim 16"),
        ({"subwords": "3-5", "buckets": 500}, {"ngrams": True}, ConfigError, "use --subwords 3-4 --buckets 500"),
        ({"subwords": "3-4"}, {"ngrams": True}, ConfigError, "3 to 4 characters in 500 buckets"),
        ({"anchor": True}, {"output": False}, ConfigError, "has no output vectors to freeze"),
        ({"refine": True}, {"counts": False}, ConfigError, "has no counts, which decide how far"),
        ({"objective": "hierarchical-softmax"}, {}, ConfigError, "--from cannot be combined with --objective hier"),
        ({"lowercase": True, "min_count": 1000}, {}, CorpusError, "the vocabulary is too small"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(
    settings: dict[str, Any],
    start: dict[str, Any],
    error: type[Word2VecError],
    message: str,
    text: Path,
    tmp_path: Path,
) -> None:
    path = start_at(tmp_path / "start", **start)
    with pytest.raises(error, match=message):
        train(config_of(text, path, **settings), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_settings_that_need_a_start_or_leave_nothing_to_train_are_refused(text: Path) -> None:
    for settings in ({"freeze": "known"}, {"anchor": True}, {"new_words": False}):
        with pytest.raises(ConfigError, match="add --from VECTORS"):
            small(text, **settings)
    with pytest.raises(ConfigError, match="leaves nothing to train"):
        small(text, start_from="x", freeze="known", new_words=False)


def test_pairs_and_tuning_have_no_start(text: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--from does not apply to pairs"):
        word2vec.train_pairs(["a", "b"], ["c", "d"], start_from="x")
    with pytest.raises(ConfigError, match="--from does not apply to tuning"):
        word2vec.tune(str(text), output=tmp_path / "tuning", measure="validation", start_from="x")


def test_a_start_without_common_words_is_refused(text: Path, tmp_path: Path) -> None:
    WordVectors(["CAT", "DOG"], np.ones((2, DIM))).save(tmp_path / "start.txt")
    with pytest.raises(ConfigError, match="none of its 2 words, such as 'CAT', is in the vocabulary"):
        train(config_of(text, str(tmp_path / "start.txt")))
    with pytest.raises(CorpusError, match="--no-new-words leaves 0 of the 18 words"):
        train(config_of(text, str(tmp_path / "start.txt"), new_words=False))


def test_extreme_numbers_in_a_start_are_refused(text: Path, tmp_path: Path) -> None:
    for number, message in (("nan", "not a finite number|nan or infinity"), ("1e30", "numbers up to 1e")):
        (tmp_path / "start.txt").write_text(f"1 {DIM}\ncat {' '.join([number] * DIM)}\n")
        with pytest.raises(FormatError, match=message):
            train(config_of(text, str(tmp_path / "start.txt")))


def test_a_start_is_not_replaced_by_its_result(text: Path, tmp_path: Path) -> None:
    train(small(text, dim=DIM, epochs=1), tmp_path / "run")
    before = contents(tmp_path / "run")
    for path in (tmp_path / "run", tmp_path / "run" / "vectors.safetensors"):
        with pytest.raises(ConfigError, match="which would replace it; choose another"):
            train(config_of(text, str(path)), tmp_path / "run", overwrite=True)
    assert contents(tmp_path / "run") == before


def test_the_log_says_what_is_known(text: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "word2vec")
    train(config_of(text, start_at(tmp_path / "start", ngrams=True)))
    assert "10 of its 12 words are in the vocabulary of the corpus, which has 8 new words" in caplog.text
    assert "8 of 8 new words start from their n-grams" in caplog.text


def test_phrases_of_the_start_are_kept(text: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    start, phrase = make_start(), Phrase(9, 20.0)
    start.phrases = Phrases(PhraseSettings(), [{("new", "york"): phrase}])
    start.save(tmp_path / "start.npz")
    result = train(config_of(text, str(tmp_path / "start.npz")), tmp_path / "run")
    assert result.phrases is not None
    assert result.phrases.join(["new", "york"]) == ["new_york"]
    assert "add --phrases" in caplog.text
