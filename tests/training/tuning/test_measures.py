"""What a search maximizes, and its two halves."""

import random
from pathlib import Path

import numpy as np
import pytest

from word2vec.config import TrainConfig
from word2vec.corpus import open_corpus
from word2vec.errors import ConfigError, FormatError, Word2VecError
from word2vec.evaluation import evaluate_analogies, evaluate_similarity, read_pairs
from word2vec.training.tuning.measures import Analogies, HeldOutText, Measure, Similarity, find_measure
from word2vec.training.tuning.sample import sample, split_text
from word2vec.vectors.word_vectors import WordVectors

BASE = TrainConfig(lr=0.025)


def vectors(words: list[str]) -> WordVectors:
    return WordVectors(words, np.random.default_rng(0).normal(size=(len(words), 8)))


def halves(measure: Measure, words: WordVectors) -> list[float]:
    return [measure.score(words, BASE, held_out=half) for half in (False, True)]


def test_word_pairs_are_split_in_two(tmp_path: Path) -> None:
    lines = [f"w{i},w{i + 1},{i % 7}" for i in range(9)]
    (tmp_path / "pairs.csv").write_text("\n".join(lines))
    measure = find_measure(str(tmp_path / "pairs.csv"))
    assert isinstance(measure, Similarity)
    first, second = (set(half.words) for half in measure._halves)
    assert (len(first), len(second), len(first & second)) == (5, 4, 0)
    assert first | second == set(read_pairs(tmp_path / "pairs.csv").words)
    words = vectors([f"w{i}" for i in range(10)])
    assert halves(measure, words) == [
        evaluate_similarity(words, half, bootstrap=0).spearman for half in measure._halves
    ]


def test_questions_are_split_by_their_first_pair() -> None:
    measure = find_measure("questions-words")
    assert isinstance(measure, Analogies)
    first, second = ([{q[:2] for q in section.questions} for section in half.sections] for half in measure._halves)
    assert all(not one & other and one and other for one, other in zip(first, second, strict=True))
    assert measure.halves == "accuracy on 9,882 and 9,662 questions"
    words = vectors(["athens", "greece", "paris", "france", "rome", "italy", "man", "woman"])
    assert halves(measure, words)[0] == evaluate_analogies(words, measure._halves[0]).accuracy


def test_functions_of_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_measures.py").write_text(
        "def size(v): return len(v)\ndef both(v): return 1, 2.5\ndef text(v): return 'x'\ndef bad(v): return v[None]\n"
    )
    words = vectors(["a", "b"])
    one, both = find_measure("my_measures:size"), find_measure("my_measures:both")
    assert halves(one, words) == [2, 2]
    assert halves(both, words) == [1, 2.5]
    assert (one.has_held_out, both.has_held_out) == (False, True)
    for name, reason in (("text", "returned 'x'; return a number"), ("bad", "failed with")):
        with pytest.raises(ConfigError, match=f"my_measures:{name}: {reason}"):
            halves(find_measure(f"my_measures:{name}"), words)
    for location, reason in (("no_such:f", "no module 'no_such'"), ("my_measures:f", "no function f")):
        with pytest.raises(ConfigError, match=reason):
            find_measure(location)
    with pytest.raises(FormatError, match="no_such_file: no such file"):
        find_measure("no_such_file")


def text_measure(topics_file: Path, **settings: object) -> tuple[HeldOutText, TrainConfig, list[str]]:
    base = TrainConfig(lr=0.025, **settings)  # type: ignore[arg-type]
    corpus, measure = open_corpus(topics_file), find_measure("validation")
    vocabulary = corpus.vocabulary()
    measure.prepare(corpus, vocabulary, split_text(corpus, 0.2), base)
    assert isinstance(measure, HeldOutText)
    return measure, base, vocabulary.words


def test_prediction_of_held_out_text_does_not_depend_on_how_noise_words_were_drawn(tmp_path: Path) -> None:
    # models of the same probabilities, as training with different noise words and subsampling learns them
    text = random.Random(0).choices("abcdefghij", [1 / rank for rank in range(1, 11)], k=5000)
    path = tmp_path / "zipf.txt"
    path.write_text("\n".join(" ".join(text[start : start + 10]) for start in range(0, 5000, 10)))
    measure, base, words = text_measure(path)
    counts = open_corpus(path).vocabulary()
    logits = np.random.default_rng(1).normal(size=(len(words), len(words)))
    scores = []
    for exponent, subsample in ((0.75, 1e-3), (-1.0, 1e-3), (0.75, 1e-2), (0.0, 0.0)):
        noise, keep = counts.noise_distribution(exponent), counts.keep_probability(subsample)
        output = (logits + np.log(keep) - np.log(noise)).T  # so that x, a unit vector, selects a column
        config = TrainConfig(lr=0.025, noise_exponent=exponent, subsample=subsample)
        scores.append(measure.score(WordVectors(words, np.eye(len(words)), output=output), config))
    assert scores[1:] == pytest.approx([scores[0]] * 3, abs=1e-4)
    # uncorrected scores differ
    wrong = WordVectors(words, np.eye(len(words)), output=logits.T)
    assert measure.score(wrong, base) != pytest.approx(scores[0], abs=0.02)


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_good_models_predict_held_out_text(model: str, topics_file: Path) -> None:
    measure, _, words = text_measure(topics_file, model=model, subsample=0.0)
    topics = np.eye(3)[[["cat", "dog", "horse", "sheep", "cow", "goat"].count(w) + 2 * (w in COLORS) for w in words]]
    good = WordVectors(words, topics, output=9 * topics)
    none = WordVectors(words, topics, output=np.zeros_like(topics))
    assert halves(measure, good)[0] == pytest.approx(halves(measure, good)[1], abs=0.05)
    assert halves(measure, good)[0] > 2 * halves(measure, none)[0]
    # the output table was trained with the plain vectors
    refined = WordVectors(words, -topics, output=good.output, plain=topics)
    assert halves(measure, refined) == halves(measure, good)


COLORS = ("red", "green", "blue", "yellow", "white", "black")


def test_too_little_text_and_unsuitable_objectives(topics_file: Path, tmp_path: Path) -> None:
    with pytest.raises(Word2VecError, match="cannot be combined with --objective hierarchical-softmax"):
        text_measure(topics_file, objective="hierarchical-softmax")
    (tmp_path / "short.txt").write_text("a b\n" * 3)
    with pytest.raises(Word2VecError, match="too few sentences to hold any out"):
        text_measure(tmp_path / "short.txt")


def test_samples_are_spread_nested_and_without_held_out_sentences(topics_file: Path) -> None:
    corpus = open_corpus(topics_file)
    split = split_text(corpus, None)
    small, large = sample(corpus, split, 0.1), sample(corpus, split, 0.3)
    assert small.held_out == large.held_out == split.held_out
    assert len(small.training) > 5
    sentences = [{s for first, last in part.training for s in range(first, last)} for part in (small, large, split)]
    assert sentences[0] < sentences[1] < sentences[2]
    assert [round(len(part) / len(sentences[2]), 1) for part in sentences] == [0.1, 0.3, 1.0]
