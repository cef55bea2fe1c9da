"""gensim's own tests of word2vec run with this package's classes, and docs/gensim.md lists exactly those that pass."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.compat import gensim_suite
from tests.markdown import ROOT, read

pytest.importorskip("gensim")
pytest.importorskip("testfixtures")

NAME = re.compile(r"`(\w+\.test\w*)`")
PAGE = read(ROOT / "docs" / "gensim.md")
SLOW = re.compile(r"word_pairs|analogies|parallel|online\b|fixedwindow|fromfile|cbow_(hs|neg)")
"""Tests that train for a second or longer."""


def listed(heading: str) -> list[str]:
    section = PAGE.split(f"### {heading}\n")[1].split("\n#")[0]
    return NAME.findall(section)


PASS, ADAPTED = listed("Tests that pass"), listed("Tests that pass with negative sampling")
CANNOT, OTHER = listed("Tests that cannot pass"), listed("Tests of other parts")


def marked(names: list[str]) -> list[object]:
    return [pytest.param(name, marks=pytest.mark.slow) if SLOW.search(name) else name for name in names]


@pytest.fixture(scope="module")
def modules() -> dict[str, ModuleType]:
    """The test modules with replaced imports, by the names of their test classes."""
    loaded = [gensim_suite.load(name) for name in gensim_suite.MODULES]
    return {name.split(".")[0]: module for module in loaded for name in gensim_suite.names(module)}


@pytest.fixture(scope="module")
def without_hs() -> ModuleType:
    return gensim_suite.load("test_word2vec", without_hs=True)


@pytest.fixture(autouse=True)
def quiet_and_in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """gensim's tests write to the current folder."""
    monkeypatch.chdir(tmp_path)


def test_every_test_of_gensim_is_listed_once(modules: dict[str, ModuleType]) -> None:
    names = sorted(name for module in set(modules.values()) for name in gensim_suite.names(module))
    assert sorted(PASS + ADAPTED + CANNOT + OTHER) == names
    assert len(PASS) > 70


@pytest.mark.filterwarnings("ignore")  # gensim's
@pytest.mark.parametrize("name", marked(PASS))
def test_passes(name: str, modules: dict[str, ModuleType]) -> None:
    assert gensim_suite.run(modules[name.split(".")[0]], name) == ""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", marked(ADAPTED))
def test_passes_with_negative_sampling(name: str, without_hs: ModuleType, modules: dict[str, ModuleType]) -> None:
    assert "hs=1" in gensim_suite.run(modules[name.split(".")[0]], name)
    assert gensim_suite.run(without_hs, name) == ""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CANNOT)
def test_cannot_pass(name: str, modules: dict[str, ModuleType]) -> None:
    problem = gensim_suite.run(modules[name.split(".")[0]], name)
    assert problem, f"{name} passes now: move it to the other list in docs/gensim.md"
    reason = next(row for row in PAGE.splitlines() if f"`{name}`" in row and row.startswith("|")).split("|")[2]
    assert "hs=1" in problem or "`hs=1`" not in reason


def test_the_classes_under_test_are_those_of_this_package(modules: dict[str, ModuleType]) -> None:
    assert modules["TestWord2VecModel"].word2vec is sys.modules["word2vec.compat.gensim.models.word2vec"]
    assert modules["TestKeyedVectors"].KeyedVectors.__module__ == "word2vec.compat.gensim.models.keyedvectors"
