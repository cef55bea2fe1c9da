"""The command line on pairs: train, nearest, info, export, evaluate."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from word2vec import PairVectors, WordVectors

from .conftest import CommandLine

COLUMNS = ("--input-column", "user", "--target-column", "item")
FAST = ("--dim", "8", "--threads", "1", "--epochs", "30")


@pytest.fixture
def clicks(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    users = draw.integers(30, size=2000)
    items = users % 3 + 3 * draw.integers(5, size=2000)
    frame = pd.DataFrame({"user": [f"u{user:03}" for user in users], "item": items, "times": 1 + users % 2})
    frame.to_csv(tmp_path / "clicks.csv.gz", index=False)
    return tmp_path / "clicks.csv.gz"


@pytest.fixture
def run(clicks: Path, tmp_path: Path, cli: CommandLine) -> Path:
    _, err = cli.output("train", "--pairs-from", clicks, *COLUMNS, *FAST, "-o", tmp_path / "run")
    assert "2,000 pairs of 30 inputs and 15 targets" in err
    assert "pairs/s" in err
    return tmp_path / "run"


def test_pairs_are_trained_and_answered(run: Path, clicks: Path, cli: CommandLine) -> None:
    out, _ = cli.output("nearest", run, "u004", "u005", "-n", "5", "--json")
    answers = json.loads(out)
    assert [sorted(int(item) % 3 for item, _ in answers[user]) for user in ("u004", "u005")] == [[1] * 5, [2] * 5]
    assert "item" not in cli.output("nearest", run, "u004")[0]
    assert "no vector" in cli.error("nearest", run, "nobody", code=1)
    out, _ = cli.output("info", run, "--verify")
    assert [line.split() for line in out.splitlines()[:3]] == [["inputs", "30"], ["targets", "15"], ["dimensions", "8"]]
    assert "clicks.csv.gz" in out


def test_held_out_pairs_are_ranked(run: Path, clicks: Path, tmp_path: Path, cli: CommandLine) -> None:
    held_out = tmp_path / "held_out.tsv"
    held_out.write_text("item\tuser\n4\tu004\n5\tu005\n6\tnobody\n", encoding="utf-8")
    (result,) = json.loads(cli.output("evaluate", run, "--held-out", held_out, *COLUMNS, "--k", "5", "--json")[0])
    assert result["kind"] == "ranking"
    assert (result["name"], result["k"], result["recall"], result["precision"]) == ("held_out.tsv", 5, 1.0, 1 / 5)
    assert (result["inputs"], result["inputs_total"], result["pairs"], result["pairs_total"]) == (2, 3, 2, 3)
    assert "ndcg@5" in cli.output("evaluate", run, "--held-out", held_out, *COLUMNS, "--k", "5")[0]
    all_known = ("evaluate", run, "--held-out", held_out, "--known", clicks, *COLUMNS, "--json")
    assert "among the known pairs, so nothing was ranked" in cli.error(*all_known, code=1)
    held_out.write_text("item\tuser\n4\tnobody\n", encoding="utf-8")
    unknown = ("evaluate", run, "--held-out", held_out, *COLUMNS)
    assert "that have vectors, so nothing was ranked" in cli.error(*unknown, code=1)
    held_out.write_text("item\tuser\n4\tu004\n", encoding="utf-8")
    assert "only 15 targets" in cli.output(*unknown, "--k", "16")[1]
    for option, value in (("--restrict", "9"), ("--oov", "zero"), ("--case", "exact")):
        assert "trained on pairs" in cli.error(*unknown, option, value, code=2)
    assert "--held-out FILE" in cli.error("evaluate", run, code=2)
    assert "trained on pairs" in cli.error("evaluate", run, "--held-out", held_out, "--pairs", "wordsim353", code=2)


def test_a_table_is_exported(run: Path, tmp_path: Path, cli: CommandLine) -> None:
    cli.output("export", run, tmp_path / "items.npz", "--table", "targets")
    vectors = PairVectors.load(run)
    np.testing.assert_array_equal(WordVectors.load(tmp_path / "items.npz").vectors, vectors.targets.vectors)
    cli.output("export", run, tmp_path / "users.txt", "--table", "inputs", "--limit", "2")
    assert WordVectors.load(tmp_path / "users.txt").words == vectors.inputs.words[:2]
    assert "--table targets" in cli.error("export", run, tmp_path / "x.npz", code=2)
    assert "omit --table" in cli.error(
        "export", tmp_path / "items.npz", tmp_path / "x.npz", "--table", "inputs", code=2
    )


def test_a_run_resumes_with_its_settings(run: Path, clicks: Path, tmp_path: Path, cli: CommandLine) -> None:
    again = ("train", "--pairs-from", clicks, *COLUMNS, "-o", run)
    assert "--overwrite" in cli.error(*again, code=1)
    _, err = cli.output(*again, "--resume", "--epochs", "31", "--threads", "1")
    assert "epoch 31/31" in err
    assert PairVectors.load(run).dim == 8
    assert "another corpus" in cli.error(*again, "--weight-column", "times", "--resume", code=1)


def test_mistakes_get_one_line(clicks: Path, run: Path, tmp_path: Path, cli: CommandLine) -> None:
    train = ("train", "-o", tmp_path / "other", "--pairs-from", clicks)
    assert "no column 'input'; the columns are: user, item, times" in cli.error(*train, code=1)
    assert "no column 'x'" in cli.error(*train, *COLUMNS, "--weight-column", "x", code=1)
    assert "--window does not apply" in cli.error(*train, *COLUMNS, "--window", "3", code=2)
    assert "--subwords does not apply" in cli.error(*train, *COLUMNS, "--subwords", "3-6", code=2)
    assert "CORPUS does not apply" in cli.error("train", clicks, *train[1:], *COLUMNS, code=2)
    for option in ("--weight-column", "--input-column", "--target-column"):
        assert "need --pairs-from" in cli.error("train", clicks, "-o", "x", option, "w", code=2)
    words = tmp_path / "words.txt"
    WordVectors(["a", "b"], np.eye(2)).save(words)
    assert "not trained on pairs" in cli.error("evaluate", words, "--held-out", clicks, code=2)
    for option in ("--known", "--k", "--sampled", "--input-column", "--target-column"):
        assert "need --held-out" in cli.error("evaluate", words, option, "7", code=2)
    table = tmp_path / "empty.csv"
    for content, problem in (
        ("", "no column 'input'"),
        ("input,target\n", "no rows"),
        ("input,target\n,a\n", "all of its 1"),
    ):
        table.write_text(content, encoding="utf-8")
        assert problem in cli.error("train", "-o", tmp_path / "other", "--pairs-from", table, code=1)
    assert "no such file" in cli.error("train", "-o", tmp_path / "x", "--pairs-from", tmp_path / "x.csv", code=1)
    assert "--restrict" in cli.error("nearest", run, "u004", "--restrict", "5", code=2)
    for command in (("analogy", run, "a", "b", "c"), ("report", run)):
        assert "trained on pairs" in cli.error(*command, code=1)
    assert not (tmp_path / "other").exists()
