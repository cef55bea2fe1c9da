"""gensim's own tests of word2vec and FastText run with this package's classes; docs/gensim.md lists those that pass."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.compat import gensim_suite
from tests.markdown import ROOT, read

pytest.importorskip("gensim")
pytest.importorskip("testfixtures")

NAME = re.compile(r"`((?:\w+\.)?test_?\w*)`")
PAGE = read(ROOT / "docs" / "gensim.md")
SLOW = re.compile(
    r"word_pairs|analogies|parallel|online\b|fixedwindow|fromfile|cbow_(hs|neg)|[sg]_\w+_training|Facebook|ByteIdentity"
)
"""Tests that train for a second or longer."""


def listed(heading: str) -> list[str]:
    section = PAGE.split(f"### {heading}\n")[1].split("\n#")[0]
    return NAME.findall(section)


PASS = listed("Tests that pass")
CANNOT, OTHER = listed("Tests that cannot pass"), listed("Tests that are not run")


def marked(names: list[str]) -> list[object]:
    return [pytest.param(name, marks=pytest.mark.slow) if SLOW.search(name) else name for name in names]


@pytest.fixture(scope="module")
def modules() -> dict[str, ModuleType]:
    """The test modules with replaced imports, by the names of their test classes."""
    loaded = [gensim_suite.load(name) for name in gensim_suite.MODULES]
    return {name.split(".")[0]: module for module in loaded for name in gensim_suite.names(module)}


@pytest.fixture(autouse=True)
def quiet_and_in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """gensim's tests write to the current folder."""
    monkeypatch.chdir(tmp_path)


def test_every_test_of_gensim_is_listed_once(modules: dict[str, ModuleType]) -> None:
    names = sorted(name for module in set(modules.values()) for name in gensim_suite.names(module))
    assert sorted(PASS + CANNOT + OTHER) == names
    assert len(PASS) > 140


@pytest.mark.filterwarnings("ignore")  # gensim's
@pytest.mark.parametrize("name", marked(PASS))
def test_passes(name: str, modules: dict[str, ModuleType]) -> None:
    assert gensim_suite.run(modules[name.split(".")[0]], name) == ""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CANNOT)
def test_cannot_pass(name: str, modules: dict[str, ModuleType]) -> None:
    problem = gensim_suite.run(modules[name.split(".")[0]], name)
    assert problem, f"{name} passes now: move it to the other list in docs/gensim.md"


def test_the_classes_under_test_are_those_of_this_package(modules: dict[str, ModuleType]) -> None:
    assert modules["TestWord2VecModel"].word2vec is sys.modules["word2vec.compat.gensim.models.word2vec"]
    assert modules["TestFastTextModel"].FT_gensim.__module__ == "word2vec.compat.gensim.models.fasttext"
    assert modules["TestKeyedVectors"].KeyedVectors.__module__ == "word2vec.compat.gensim.models.keyedvectors"
