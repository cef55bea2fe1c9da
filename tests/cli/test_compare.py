"""`word2vec compare`, `word2vec stability`, and `word2vec nearest --runs`."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import CommandLine
from tests.evaluation.test_comparison import BAD, GOOD, ONE, TWO, WORDS
from word2vec.cli.systems import parse_systems
from word2vec.errors import ConfigError
from word2vec.evaluation.comparison import compare
from word2vec.evaluation.stability import evaluate_stability
from word2vec.vectors.pair_vectors import PairVectors
from word2vec.vectors.word_vectors import WordVectors


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with run folders good-1 to good-3 and bad-1 to bad-3, and the sets one.csv and two.csv."""
    monkeypatch.chdir(tmp_path)
    for name, group in (("good", GOOD), ("bad", BAD)):
        for number, vectors in enumerate(group, start=1):
            vectors.save(tmp_path / f"{name}-{number}", format="run")
    for pairs in (ONE, TWO):
        lines = [f"{a},{b},{float(score)!r}" for (a, b), score in zip(pairs.words, pairs.scores, strict=True)]
        (tmp_path / f"{pairs.name}.csv").write_text("\n".join([*lines, "w1,unknown,0.5"]) + "\n")
    return tmp_path


def test_json_is_the_result(runs: Path, cli: CommandLine) -> None:
    named = [*(f"good=good-{number}" for number in (1, 2, 3)), *(f"bad=bad-{number}" for number in (1, 2, 3))]
    sets = "--pairs", "one.csv", "two.csv", "--resamples", 100
    out, err = cli.output("compare", *named, *sets, "--json")
    expected = compare({"good": GOOD, "bad": BAD}, ["one.csv", "two.csv"], resamples=100)
    assert json.loads(out) == json.loads(json.dumps(expected.as_dict()))
    assert err == "".join(f"{name}: dropped 1 of 201 pairs, with a word that a run lacks\n" for name in ("one", "two"))


def test_table_of_single_runs(runs: Path, cli: CommandLine) -> None:
    out, err = cli.output("compare", "good-1", "bad-1", "bad-2", "--pairs", "one.csv", "two.csv", "--resamples", 100)
    (difference, _) = compare({"g": GOOD[0], "b": BAD[0], "c": BAD[1]}, [ONE], resamples=100).sets[0].differences
    rows = [[cell.strip() for cell in line.strip("│\n").split("│")] for line in out.splitlines() if "│" in line]
    assert [row[:2] for row in rows[:3]] == [["one", "good-1"], ["Spearman", "bad-1"], ["200 of 201 pairs", "bad-2"]]
    assert rows[1][3] == f"{difference.value:+.3f}"
    assert rows[1][5] == f"{difference.p_value:.4f}"
    assert rows[6][0] == "mean of 2 sets"
    assert "one run per system" in err


def test_stability_prints_bands(runs: Path, cli: CommandLine) -> None:
    out, _ = cli.output("stability", "good-1", "good-2", "good-3", "-n", 5, "--json")
    result = evaluate_stability(GOOD, n=5)
    assert json.loads(out) == json.loads(json.dumps(result.as_dict()))
    out, _ = cli.output("stability", "good-1", "good-2", "good-3", "-n", 5)
    assert "1 to 60" in out
    assert f"{result.bands[0].overlap:.3f}" in out


def test_neighbors_that_most_runs_agree_on(runs: Path, cli: CommandLine) -> None:
    others = "--runs", "good-2", "good-3"
    out, _ = cli.output("nearest", "good-1", "w3", "-n", 6, "--json", *others)
    answers = [[word for word, _ in run.nearest("w3", n=6)] for run in GOOD]
    found = json.loads(out)["w3"]
    assert found == [
        [word, pytest.approx(score), sum(word in each for each in answers)]
        for word, score in GOOD[0].nearest("w3", n=6)
    ]
    assert {count > 1 for _, _, count in found} == {True, False}
    out, _ = cli.output("nearest", "good-1", "w3", "-n", 6, *others)
    for word, score, count in found:
        assert f"{score:.3f}  {count}/3 {'*' if count > 1 else ' '}  {word}" in out


def test_a_name_groups_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a=b").touch()
    systems = parse_systems(["x=r1", "r2", "x=r3", "y=r=4", "a=b"])
    assert systems == {
        "x": [Path("r1"), Path("r3")], "r2": [Path("r2")], "y": [Path("r=4")], "a=b": [Path("a=b")]
    }  # fmt: skip
    for wrong in ("=r1", "x="):
        with pytest.raises(ConfigError, match="write NAME=RUN"):
            parse_systems([wrong])


def test_mistakes_are_reported_in_one_line(runs: Path, cli: CommandLine) -> None:
    assert "two systems or more, got only good-1" in cli.error("compare", "good-1", code=2)
    assert "got only x" in cli.error("compare", "x=good-1", "x=good-2", code=2)
    assert "good-1: given twice" in cli.error("compare", "good-1", "x=./good-1", code=2)
    assert "given twice" in cli.error("stability", "good-1", "good-1", code=2)
    assert "given twice" in cli.error("nearest", "good-1", "w1", "--runs", "good-1", code=2)
    assert "two runs or more, got only good-1" in cli.error("stability", "good-1", code=2)
    GOOD[0].save("copy", format="run")
    assert "good-1 and copy: the same vectors" in cli.error("compare", "good-1", "copy", code=1)
    WordVectors(["x", "y"], np.eye(2)).save("other.txt")
    assert "no words in common" in cli.error("compare", "good-1", "other.txt", code=1)
    assert "fewer than two words in common" in cli.error("stability", "good-1", "other.txt", code=1)
    assert "other.txt: 'w1' has no vector" in cli.error("nearest", "good-1", "w1", "--runs", "other.txt", code=1)
    assert "wordsim353: too few usable pairs" in cli.error(
        "compare", "good-1", "bad-1", "--pairs", "wordsim353", code=1
    )
    assert "no test set has enough pairs" in cli.error("compare", "good-1", "bad-1", code=1)
    Path("nan.txt").write_text("".join(f"{word} 1 nan\n" for word in WORDS))
    assert "nan.txt" in cli.error("compare", "good-1", "nan.txt", code=1)
    assert "gone.csv" in cli.error("compare", "good-1", "bad-1", "--pairs", "gone.csv", code=1)
    PairVectors(GOOD[0], GOOD[1]).save("pairs")
    for command in (("compare", "good-1", "pairs"), ("stability", "good-1", "pairs"), ("report", "pairs")):
        assert "trained on pairs" in cli.error(*command, code=1)
    assert "--runs do not apply" in cli.error("nearest", "pairs", "w1", "--runs", "good-1", code=2)
