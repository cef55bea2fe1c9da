"""Upper and lower case of a test set and a vocabulary; the rule of gensim gives the scores of gensim."""

from pathlib import Path

import numpy as np
import pytest

from word2vec.errors import ConfigError
from word2vec.evaluation import evaluate_analogies, evaluate_similarity, read_pairs
from word2vec.evaluation.lookup import CaseRule, find_rows
from word2vec.vectors.word_vectors import WordVectors

VOCABULARY = ["Paris", "paris", "PARIS", "berlin", "Rome", "stra\u00dfe", "King"]


@pytest.mark.parametrize(
    ("case", "rows"),
    [
        ("exact", [1, -1, -1, 4, -1, -1]),
        ("exact-then-lower", [1, 1, 3, 4, -1, -1]),
        ("gensim", [0, 0, 3, 4, 6, 5]),
    ],
)
def test_rules(case: CaseRule, rows: list[int]) -> None:
    asked = ["paris", "pARIS", "Berlin", "Rome", "king", "STRASSE"]
    assert find_rows(VOCABULARY, asked, case) == dict(zip(asked, rows, strict=True))
    assert find_rows(VOCABULARY, ["Rome", "Paris"], case, restrict=4) == {"Rome": -1, "Paris": 0}


def test_unknown_rules_are_rejected() -> None:
    with pytest.raises(ConfigError, match="unknown treatment of case 'fold'; choose one of: exact, "):
        find_rows(VOCABULARY, [], "fold")  # type: ignore[arg-type]


@pytest.fixture
def mixed() -> WordVectors:
    """The words of WordSim-353, some of them capitalized and some in two spellings."""
    words = sorted({word.lower() for pair in read_pairs("wordsim353").words for word in pair})
    spelled = [spelling for word in words for spelling in _spellings(word)]
    return WordVectors(spelled, np.random.default_rng(0).standard_normal((len(spelled), 12)))


def _spellings(word: str) -> list[str]:
    return [[word], [word.capitalize()], [word.upper(), word], [word.capitalize(), word]][len(word) % 4]


def test_similarity_agrees_with_gensim_on_mixed_case(mixed: WordVectors, tmp_path: Path) -> None:
    keyed = pytest.importorskip("gensim.models").KeyedVectors(mixed.dim)
    keyed.add_vectors(mixed.words, mixed.vectors)
    pairs = read_pairs("wordsim353")
    lines = (f"{a}\t{b}\t{score}" for (a, b), score in zip(pairs.words, pairs.scores, strict=True))
    (tmp_path / "pairs.tsv").write_text("\n".join(lines))
    pearson, spearman, unknown = keyed.evaluate_word_pairs(str(tmp_path / "pairs.tsv"))
    found = evaluate_similarity(mixed, pairs, case="gensim")
    assert found.spearman == pytest.approx(spearman[0], abs=1e-6)
    assert found.pearson == pytest.approx(pearson[0], abs=1e-6)
    assert (found.case, found.pairs, unknown) == ("gensim", 353, 0)
    ours = evaluate_similarity(mixed, pairs)
    assert ours.case == "exact-then-lower"
    assert ours.pairs < 353  # capitalized words are not found by their lowercase form
    assert abs(ours.spearman - found.spearman) > 0.001


def test_analogies_as_written(tmp_path: Path) -> None:
    table = {"man": [1, 0, 0], "King": [1, 0, 1], "woman": [0, 1, 0], "queen": [0, 1, 1], "WOMAN": [0, 0.9, 0.9]}
    vectors = WordVectors(list(table), list(table.values()))
    (tmp_path / "q.txt").write_text(": royal\nman king woman queen\nman King woman queen\n")
    folded, exact = (evaluate_analogies(vectors, tmp_path / "q.txt", case=case) for case in ("gensim", "exact"))
    assert (folded.questions, exact.questions) == (2, 1)
    assert (folded.case, exact.case) == ("gensim", "exact")
    assert exact.oov == ("king",)
    assert folded.accuracy == 1
