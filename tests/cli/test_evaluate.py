"""`word2vec evaluate`; `word2vec report` is tested in tests/report."""

import json
from pathlib import Path

from tests.cli.conftest import CommandLine


def test_json_output(vectors_file: Path, tmp_path: Path, cli: CommandLine) -> None:
    pairs, questions = tmp_path / "p.csv", tmp_path / "q.txt"
    pairs.write_text("king,queen,9\nking,man,7\nman,woman,1\nking,emperor,8\n")
    questions.write_text(": royal\nman king woman queen\n")
    out, _ = cli.output("evaluate", vectors_file, "--pairs", pairs, "--analogies", questions, "--json")
    similarity, analogy = json.loads(out)
    keys = {"name", "kind", "spearman", "pearson", "pairs", "pairs_total", "oov", "ci_low", "ci_high", "case"}
    keys |= {"from_ngrams"}
    assert set(similarity) == keys
    assert (similarity["pairs"], similarity["pairs_total"], similarity["oov"]) == (3, 4, ["emperor"])
    assert set(analogy) == {"name", "kind", "accuracy", "questions", "questions_total", "sections", "case"}
    assert analogy["accuracy"] == 1.0
    out, _ = cli.output("evaluate", vectors_file, "--pairs", pairs, "--oov", "zero", "--json")
    assert json.loads(out)[0]["pairs"] == 4


def test_table_shows_coverage(vectors_file: Path, tmp_path: Path, cli: CommandLine) -> None:
    pairs = tmp_path / "p.csv"
    pairs.write_text("king,queen,9\nking,man,7\nman,woman,1\nking,emperor,8\n")
    out, _ = cli.output("evaluate", vectors_file, "--pairs", pairs)
    assert "3 of 4 pairs" in out
    assert "emperor" in out


def test_undefined_score_is_null_with_a_warning(vectors_file: Path, tmp_path: Path, cli: CommandLine) -> None:
    pairs = tmp_path / "p.csv"
    pairs.write_text("king,queen,5\nking,man,5\n")
    out, err = cli.output("evaluate", vectors_file, "--pairs", pairs, "--json")
    assert json.loads(out)[0]["spearman"] is None
    assert err.startswith("p: ")


def test_the_treatment_of_case_is_chosen_and_named(tmp_path: Path, cli: CommandLine) -> None:
    (tmp_path / "v.txt").write_text("4 2\nKing 1 0\nqueen 1 1\nman 0 1\nwoman 1 2\n")
    (tmp_path / "p.csv").write_text("king,queen,9\nQueen,man,7\nman,woman,1\n")
    for options, case, pairs in (((), "exact-then-lower", 2), (("--case", "gensim"), "gensim", 3)):
        out, _ = cli.output("evaluate", tmp_path / "v.txt", "--pairs", tmp_path / "p.csv", "--json", *options)
        (result,) = json.loads(out)
        assert (result["case"], result["pairs"]) == (case, pairs)
