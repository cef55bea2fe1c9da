"""`word2vec train`: where settings come from and which source takes precedence."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from tests.training.interruptions import unfinished
from tests.training.topics import contents, small
from word2vec.config import PRESETS, read_config
from word2vec.system.atomic_files import locked
from word2vec.training import train
from word2vec.training.checkpoint import read_checkpoint
from word2vec.vectors.word_vectors import WordVectors


def test_train_then_query(topics_file: Path, tmp_path: Path, cli: CommandLine) -> None:
    run = tmp_path / "run"
    settings = ["--dim", 16, "--epochs", 3, "--lr", 0.1, "--subsample", 0, "--batch-size", 64, "--threads", 1]
    out, err = cli.output("train", topics_file, "--output", run, *settings)
    assert out == ""
    assert "6,000 words" in err
    out, _ = cli.output("nearest", run, "cat", "red", "-n", "5", "--json")
    neighbors = json.loads(out)
    assert {word for word, _ in neighbors["cat"]} == {"dog", "horse", "sheep", "cow", "goat"}
    assert {word for word, _ in neighbors["red"]} == {"green", "blue", "yellow", "white", "black"}
    out, _ = cli.output("info", run)
    assert "words" in out
    assert "topics.txt" in out


def test_options_override_the_config_file(topics_file: Path, tmp_path: Path, cli: CommandLine) -> None:
    config = tmp_path / "c.toml"
    config.write_text(f'corpus = ["{topics_file}"]\ndim = 5\nepochs = 1\nsubsample = 0.0\n')
    cli.output("train", "--config", config, "--dim", "7", "--output", tmp_path / "run")
    assert WordVectors.load(tmp_path / "run").dim == 7


def test_preset_overrides_the_config_file_and_options_override_both(
    topics_file: Path, tmp_path: Path, cli: CommandLine
) -> None:
    config = tmp_path / "c.toml"
    config.write_text("window = 2\ndim = 5\nsubsample = 0.0\n")
    options = ["--preset", "quality", "--config", config, "--dim", "7", "--epochs", "1"]
    cli.output("train", topics_file, *options, "--output", tmp_path / "run")
    used = read_config(tmp_path / "run/config.toml")
    expected = (2, 7, 1, PRESETS["quality"]["subsample"])
    assert (used["window"], used["dim"], used["epochs"], used["subsample"]) == expected


def test_preset_best_trains_members(topics_file: Path, tmp_path: Path, cli: CommandLine) -> None:
    options = ["--preset", "best", "--dim", "4", "--threads", "1", "--epochs", "1", "--no-refine"]
    cli.output("train", topics_file, *options, "--output", tmp_path / "run")
    used = [read_config(tmp_path / "run" / "members" / number / "config.toml") for number in ("1", "2", "3")]
    assert [(each["lr"], each["seed"]) for each in used] == [(0.025, 1), (0.025, 2), (0.05, 3)]
    assert {(each["dim"], each["epochs"], each["subsample"]) for each in used} == {(4, 1, 1e-4)}
    assert WordVectors.load(tmp_path / "run").dim == 12


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (["--model", "cbow", "--position-weights"], "position_weights = true"),
        (["--subwords", "3-6", "--buckets", 1000], 'subwords = "3-6"'),
    ],
)
def test_every_model_is_evaluated_and_reported(
    model: list[object], words: str, topics_file: Path, tmp_path: Path, cli: CommandLine
) -> None:
    run, pairs = tmp_path / "run", tmp_path / "pairs.csv"
    pairs.write_text("cat,dog,9\nred,green,8\ncat,red,1\n")
    settings = ["--dim", 8, "--epochs", 2, "--lr", 0.1, "--threads", 1, "--min-count", 1, "--engine", "autograd"]
    _, err = cli.output("train", topics_file, "-o", run, *settings, *model, "--tensorboard", "--pairs", pairs)
    assert "epoch 2/2" in err
    assert words in (run / "config.toml").read_text()
    assert len(list((run / "tensorboard").glob("events*"))) == 1
    out, _ = cli.output("evaluate", run, "--pairs", pairs, "--json")
    assert json.loads(out)[0]["pairs"] == 3
    cli.output("report", run, "-o", tmp_path / "report.html")
    assert '"sheep"' in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--subwords", "6-3"], "--subwords must be MIN-MAX"),
        (["--subwords", "x"], "--subwords must be MIN-MAX"),
        (["--subwords", "60-70"], "no word has n-grams of these lengths"),
        (["--position-weights"], "add --model cbow"),
    ],
)
def test_contradictory_models_get_one_line(
    options: list[str], problem: str, topics_file: Path, tmp_path: Path, cli: CommandLine
) -> None:
    assert problem in cli.error("train", topics_file, "-o", tmp_path / "run", *options, code=2)
    name, value = options[0].lstrip("-").replace("-", "_"), f'"{options[1]}"' if options[1:] else "true"
    (tmp_path / "c.toml").write_text(f"{name} = {value}\n")
    assert problem in cli.error("train", topics_file, "-o", tmp_path / "run", "--config", tmp_path / "c.toml", code=2)
    assert not (tmp_path / "run").exists()


def test_several_pair_files(topics_file: Path, tmp_path: Path, cli: CommandLine) -> None:
    files = [tmp_path / f"{name}.csv" for name in ("one", "two", "three")]
    for file in files:
        file.write_text("cat,dog,9\nred,green,8\ncat,red,1\n")
    options = ["--pairs", files[0], files[1], "--pairs", files[2], "--epochs", "1", "--dim", "4"]
    cli.output("train", topics_file, *options, "--output", tmp_path / "run")
    last = json.loads((tmp_path / "run/metrics.jsonl").read_text().splitlines()[-1])
    assert set(last["similarity"]) == {"one", "two", "three"}


@pytest.mark.parametrize(("flags", "kept"), [([], False), (["--no-lowercase"], True), (["--lowercase"], False)])
def test_a_flag_of_the_config_file_can_be_turned_off(
    flags: list[str], kept: bool, tmp_path: Path, cli: CommandLine
) -> None:
    (tmp_path / "text.txt").write_text("One TWO one two\n" * 50)
    (tmp_path / "c.toml").write_text("lowercase = true\nmin_count = 1\nepochs = 1\ndim = 2\nsubsample = 0.0\n")
    cli.output("train", tmp_path / "text.txt", "--config", tmp_path / "c.toml", "--output", tmp_path / "run", *flags)
    assert ("One" in WordVectors.load(tmp_path / "run")) == kept


def test_demo_keeps_an_unfinished_run(
    topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: CommandLine
) -> None:
    run = tmp_path / "run"
    unfinished(topics_file, run, monkeypatch)
    before = contents(run)
    assert "unfinished run (epoch 3 of 5)" in cli.error("demo", "--output", run, code=1)
    assert contents(run) == before


def test_demo_resumes_an_interrupted_demo_but_not_while_it_is_running(
    topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: CommandLine
) -> None:
    run = tmp_path / "run"
    monkeypatch.setattr("word2vec.cli.train.DEMO", unfinished(topics_file, run, monkeypatch), raising=False)
    before = contents(run)
    with locked(run):
        assert "another process writes to this folder" in cli.error("demo", "--output", run, code=1)
    assert contents(run) == before
    _, messages = cli.output("demo", "--output", run, code=1)  # because the topics lack the words that demo shows
    assert "resuming after 12,000 of 30,000 words" in messages
    assert read_checkpoint(run).finished


def test_demo_replaces_only_its_own_run(
    topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: CommandLine
) -> None:
    run, config = tmp_path / "run", small(topics_file, epochs=1)
    train(config, run)
    before = contents(run)
    assert "contains a finished run; add --overwrite" in cli.error("demo", "--output", run, code=1)
    assert contents(run) == before
    monkeypatch.setattr("word2vec.cli.train.DEMO", config)
    for demo in (config, replace(config, dim=5)):
        monkeypatch.setattr("word2vec.cli.train.DEMO", demo)
        options = [] if demo == config else ["--overwrite"]
        _, messages = cli.output("demo", "--output", run, *options, code=1)  # the topics lack the words that demo shows
        assert f"wrote {run}: 18 words, {demo.dim} dimensions" in messages
