"""The scores in a model card are those of the evaluation."""

import numpy as np

from word2vec.evaluation import evaluate_analogies, evaluate_similarity, read_pairs, read_questions
from word2vec.evaluation.card import evaluation_section
from word2vec.vectors.word_vectors import WordVectors


def test_scores_with_their_intervals() -> None:
    pairs = read_pairs("wordsim353").words
    capitals = read_questions("questions-words").sections[0].questions
    words = list(dict.fromkeys(word for item in (*pairs, *capitals) for word in item))
    vectors = WordVectors(words, np.random.default_rng(0).standard_normal((len(words), 4)))
    lines = evaluation_section(vectors).splitlines()
    assert lines[:3] == ["", "## Evaluation", ""]
    rows = {
        cells[1].strip(): [cell.strip() for cell in cells[2:-1]] for cells in (line.split("|") for line in lines[5:8])
    }
    similarity = evaluate_similarity(vectors, "wordsim353")
    interval = f"{similarity.ci_low:.3f} to {similarity.ci_high:.3f}"
    assert rows["wordsim353"] == ["Spearman", f"{similarity.spearman:.3f}", interval, "353 of 353 pairs"]
    analogies = evaluate_analogies(vectors, "questions-words")
    measure, score, interval, used = rows["questions-words"]
    assert (measure, score) == ("accuracy", f"{analogies.accuracy:.3f}")
    assert used == f"{analogies.questions:,} of 19,544 questions"
    low, high = map(float, interval.split(" to "))
    assert 0 <= low <= analogies.accuracy < high < 0.1


def test_vectors_without_scores_have_no_section() -> None:
    assert evaluation_section(WordVectors(["item-1", "item-2"], np.eye(2))) == ""
