"""What the README promises: its commands are accepted, its Python runs, the files it lists exist."""

import inspect
import re
import shlex
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors, Word2Vec

import word2vec
from word2vec import cli
from word2vec.vectors.word_vectors import WordVectors

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines()] + [
    line.removeprefix("$ ") for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")
]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_accepted(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # the work itself is tested elsewhere; here it is whether the words of the command line are right
    trained: list[object] = []
    asked = ["king", "queen", "man", "woman", "computer", "france", "monday"]
    vectors = WordVectors(asked, np.random.default_rng(0).normal(size=(len(asked), 5)))
    monkeypatch.setattr("word2vec.training.loop.train", lambda *a, **k: trained.append(a))
    monkeypatch.setattr(WordVectors, "load", lambda path, limit=None, progress=False: vectors)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(next(block for block in blocks("python") if "SoftMargin" in block))
    name, *arguments = shlex.split(command)
    assert name == "word2vec"
    assert cli.run(arguments) == 0
    assert bool(trained) == (arguments[0] == "train")


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 5


def test_python_runs(topics_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session, interfaces, objective = blocks("python")
    # a small corpus in place of the demo's, with the words that are asked for
    text = "array arrays ndarray maximum minimum max min\n" * 50
    topics_file.write_text(text, encoding="utf-8")
    names: dict[str, object] = {}
    exec(session.replace('"pydocs"', f'"{topics_file}"'), names)
    assert isinstance(names["vectors"], word2vec.WordVectors)
    exec(interfaces, names)
    assert np.shares_memory(names["table"], names["vectors"].vectors)
    exec(objective, names)
    config = word2vec.TrainConfig(corpus=(str(topics_file),), dim=8, epochs=1)
    assert len(word2vec.train(config, objective=names["SoftMargin"]())) == 7  # type: ignore[operator]


def test_the_way_from_gensim_is_true() -> None:
    theirs, ours = KeyedVectors(3), WordVectors(["a"], np.ones((1, 3)))
    table = README.split("## Coming from gensim")[1].split("\n## ")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 15
    for gensims, here in rows:
        names = re.findall(r"`(?:wv|KeyedVectors)\.(\w+)", gensims)
        for name in names:
            assert hasattr(theirs, name), name
            assert hasattr(ours, name) == here.strip().startswith("the same"), name
        for name in re.findall(r"`vectors\.(\w+)", here):
            assert hasattr(ours, name), name
        for name in re.findall(r"word2vec\.(\w+)", here):
            assert name in word2vec.__all__, name
    settings = {field.name for field in fields(word2vec.TrainConfig)}
    assert set(re.findall(r"(\w+)=", rows[0][1])) <= settings
    assert set(re.findall(r"`(\w+)`", rows[1][1])) <= settings
    gensims = re.findall(r"(\w+)=", rows[0][0]) + re.findall(r"`(\w+)`", rows[1][0])
    assert set(gensims) <= set(inspect.signature(Word2Vec).parameters)


def test_the_files_listed_are_there() -> None:
    listed = re.findall(r"`((?:word2vec/|evaluation/)?[\w/]+(?:\.py|/))`", README.split("reading order")[1])
    assert len(listed) > 20
    folder = ROOT / "word2vec"
    for name in listed:
        assert (ROOT / name).exists() or (folder / name).exists(), name


def test_every_module_is_listed() -> None:
    table = README.split("reading order")[1]
    for module in (ROOT / "word2vec").glob("*.py"):
        if module.name not in ("__init__.py", "__main__.py"):
            assert f"{module.name}`" in table, module.name
