"""`word2vec refine`, and how the other commands treat refined vectors."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import CommandLine
from tests.vectors.test_refinement import WORDS
from word2vec.vectors.word_vectors import WordVectors


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with words that have n-grams in common."""
    table = np.random.default_rng(0).standard_normal((2, len(WORDS), 8))
    vectors = WordVectors(WORDS, table[0], counts=np.arange(len(WORDS), 0, -1), output=table[1])
    vectors.save(tmp_path / "run")
    return tmp_path / "run"


def test_refine_writes_a_run_that_other_commands_know_as_refined(run: Path, tmp_path: Path, cli: CommandLine) -> None:
    refined = tmp_path / "refined"
    out, err = cli.output(
        "refine", run, "--output", refined, "--ngrams", "3-5", "--prior-count", "10", "--threads", "1"
    )
    assert out == ""
    expected = WordVectors.load(run).refine(lengths=(3, 5), prior_count=10)
    assert expected.subwords is not None
    rows = len(expected.subwords.rows)
    assert err == f"wrote {refined}: {len(WORDS)} words, 8 dimensions, {rows} n-grams\n"
    np.testing.assert_array_equal(WordVectors.load(refined).vectors, expected.vectors)
    shown = cli.output("info", refined)[0]
    assert "refined       yes" in shown
    assert "refinement    lengths=[3, 5], buckets=2000000, min_words=3, " in shown

    plain, by_default, chosen = (
        json.loads(cli.output("nearest", path, "walks", *option, "--json")[0])
        for path, option in ((run, ()), (refined, ()), (refined, ("--refined",)))
    )
    assert plain == by_default != chosen
    unknown, note = cli.output("nearest", refined, "walkings")
    assert "walking" in unknown
    assert "computed from n-grams: walkings" in note


def test_evaluate_shows_plain_and_refined_scores(run: Path, tmp_path: Path, cli: CommandLine) -> None:
    cli.output("refine", run, "--output", tmp_path / "refined")
    pairs, questions = tmp_path / "pairs.csv", tmp_path / "questions.txt"
    pairs.write_text("walk,walks,3\nwalk,jump,1\njumps,jumped,2\nwalkings,jumping,2\n")
    questions.write_text(": verbs\nwalk walks jump jumps\npaint paints climb climbs\n")
    files = ("--pairs", pairs, "--analogies", questions)
    refined, plain = (
        json.loads(cli.output("evaluate", path, *files, "--json")[0]) for path in (tmp_path / "refined", run)
    )
    assert [each["plain"] for each in refined] == [plain[0]["spearman"], plain[1]["accuracy"]]
    assert all("plain" not in each for each in plain)
    table = " ".join(re.sub("[^ -~]", " ", cli.output("evaluate", tmp_path / "refined", *files)[0]).split())  # no lines
    assert "measure refined plain" in table
    assert f"Spearman {refined[0]['spearman']:.3f} {plain[0]['spearman']:.3f} (3 of 4 pairs)" in table
    assert f"accuracy {refined[1]['accuracy']:.3f} {plain[1]['accuracy']:.3f}" in table


def test_refine_rejects_what_it_cannot_refine(run: Path, tmp_path: Path, cli: CommandLine) -> None:
    text = tmp_path / "v.txt"
    WordVectors.load(run).save(text)
    assert "contains no counts" in cli.error("refine", text, "-o", tmp_path / "out", code=2)
    cli.output("refine", text, "-o", tmp_path / "out", "--ignore-counts")
    once = WordVectors.load(tmp_path / "out")
    cli.output("refine", tmp_path / "out", "-o", tmp_path / "again", "--ignore-counts")  # its plain vectors are refined
    np.testing.assert_array_equal(WordVectors.load(tmp_path / "again").vectors, once.vectors)
    np.testing.assert_array_equal(WordVectors.load(tmp_path / "again").plain, once.plain)  # type: ignore[arg-type]
    assert "--ngrams must be MIN-MAX" in cli.error("refine", run, "-o", tmp_path / "x", "--ngrams", "6", code=2)
    assert "--refined" in cli.error("nearest", run, "walk", "--refined", code=2)
    assert not (tmp_path / "x").exists()
