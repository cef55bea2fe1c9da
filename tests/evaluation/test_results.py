"""Results: the keys of their JSON form, their data frame, and their display in notebooks."""

import json
import math

import numpy as np

from tests.evaluation.samples import pair_set
from word2vec.evaluation.analogies import evaluate_analogies
from word2vec.evaluation.benchmarks import QuestionSet, Section
from word2vec.evaluation.results import AnalogyResult, RankingResult, SectionResult, SimilarityResult, to_frame
from word2vec.evaluation.similarity import evaluate_similarity
from word2vec.vectors.word_vectors import WordVectors

SIMILARITY = SimilarityResult("pairs", 0.5, 0.25, 8, 10, ("x", "y"), 0.125, 0.75)
ANALOGY = AnalogyResult(
    "questions",
    (SectionResult("family", "semantic", 1, 4, 5), SectionResult("gram1", "syntactic", 0, 0, 2)),
    ("z",),
)


def test_json_has_the_documented_keys() -> None:
    assert json.loads(json.dumps(SIMILARITY.as_dict())) == {
        "name": "pairs",
        "kind": "similarity",
        "spearman": 0.5,
        "pearson": 0.25,
        "pairs": 8,
        "pairs_total": 10,
        "oov": ["x", "y"],
        "ci_low": 0.125,
        "ci_high": 0.75,
        "case": "exact-then-lower",
        "from_ngrams": [],
    }
    assert json.loads(json.dumps(ANALOGY.as_dict())) == {
        "name": "questions",
        "kind": "analogy",
        "accuracy": 0.25,
        "questions": 4,
        "questions_total": 7,
        "case": "gensim",
        "sections": [
            {"name": "family", "kind": "semantic", "accuracy": 0.25, "questions": 4, "questions_total": 5},
            {"name": "gram1", "kind": "syntactic", "accuracy": None, "questions": 0, "questions_total": 2},
        ],
    }


def test_unknown_words_become_a_list() -> None:
    assert SIMILARITY.as_dict()["oov"] == ["x", "y"]


def test_computed_results_convert_to_json() -> None:
    vectors = WordVectors(["king", "queen", "man", "woman"], np.eye(4) + np.arange(4))
    pairs = pair_set([("king", "queen", 8), ("king", "man", 1), ("man", "woman", 7)])
    questions = QuestionSet("questions", (Section("family", (("man", "woman", "king", "queen"),)),))
    results = [evaluate_similarity(vectors, pairs), evaluate_analogies(vectors, questions)]
    names = [result["name"] for result in json.loads(json.dumps([result.as_dict() for result in results]))]
    assert names == ["pairs", "questions"]


def test_results_convert_to_a_data_frame() -> None:
    frame = to_frame([SIMILARITY, ANALOGY])
    assert frame["name"].tolist() == ["pairs", "questions"]
    assert frame["kind"].tolist() == ["similarity", "analogy"]
    assert frame.loc[0, ["spearman", "ci_low", "ci_high", "pearson"]].tolist() == [0.5, 0.125, 0.75, 0.25]
    assert frame.loc[0, ["accuracy", "semantic", "syntactic"]].isna().all()
    assert frame.loc[1, ["spearman", "ci_low", "ci_high", "pearson"]].isna().all()
    assert frame.loc[1, ["accuracy", "semantic"]].tolist() == [0.25, 0.25]
    assert math.isnan(frame.loc[1, "syntactic"])
    assert frame[["used", "total", "oov"]].to_numpy().tolist() == [[8, 10, 2], [4, 7, 1]]
    assert to_frame([]).columns.tolist() == frame.columns.tolist()


def test_results_are_displayed_as_tables_in_notebooks() -> None:
    table = SIMILARITY._repr_html_()
    for shown in (">spearman<", ">0.500<", ">0.125<", ">0.750<", ">0.250<", ">8<", ">10<", ">2<"):
        assert shown in table
    table = ANALOGY._repr_html_()
    for shown in (">questions<", ">family<", ">gram1<", ">0.250<"):
        assert shown in table
    assert "nan" not in table.lower()


def test_a_data_frame_has_the_ranking_metrics_of_rankings() -> None:
    metrics = dict.fromkeys(RankingResult.metrics, 0.5) | {"ndcg": 0.75}
    intervals = dict.fromkeys(RankingResult.metrics, (0.25, 0.875))
    ranking = RankingResult(
        "pairs", 10, **metrics, intervals=intervals, inputs=3, inputs_total=5, pairs=7, pairs_total=9, negatives=None
    )
    frame = to_frame(each for each in (SIMILARITY, ranking))
    row = frame.iloc[1]
    assert row[["kind", "k", "ndcg", "recall", "ci_low", "ci_high", "used", "total", "oov"]].tolist() == [
        "ranking", 10, 0.75, 0.5, 0.25, 0.875, 7, 9, 2,
    ]  # fmt: skip
    assert math.isnan(row["spearman"])
    assert math.isnan(frame["ndcg"][0])
    assert "ndcg" not in to_frame([SIMILARITY])
