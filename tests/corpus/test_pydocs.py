"""The corpus of docstrings, extracted from small packages created here."""

import importlib.metadata
import os
import sys
import warnings
from collections import Counter
from pathlib import Path

import pytest

from word2vec.corpus import pydocs as module
from word2vec.corpus.pydocs import PACKAGES, pydocs, sentences
from word2vec.errors import CorpusError, Word2VecError

DEFINITIONS = '''"""Module one."""
import os
"""Not a docstring."""
x = "nor this"

def function():
    """Function two."""
    "nor this"
    def inner():
        """Inner three."""
    async def inner_async():
        """Inner async four."""

async def coroutine():
    """Coroutine five."""

class Class:
    """Class six."""
    attribute: int
    """Nor that of an attribute."""
    def method(self):
        """Method seven."""
        class Local:
            """Local eight."""

def bare(): return 1

if x:
    def conditional():
        """Conditional nine."""
else:
    for y in x:
        with y:
            def deep():
                """Deep ten."""
try:
    pass
except ValueError:
    def handler():
        """Handler eleven."""
finally:
    def final():
        """Final twelve."""
match x:
    case 1:
        def case():
            """Case thirteen."""
'''


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two importable packages that seem to be installed."""
    site = tmp_path / "site-packages" / "tests"  # a folder of this name above a package does not matter
    sources = {
        "one/__init__.py": '"""Package one."""',
        "one/b.py": '"""Second module."""',
        "one/a.py": '"""First module.\n\nIts second paragraph."""',
        "one/sub/deep/c.py": '"""Deep module."""',
        "one/tests/test_a.py": '"""Left out."""',
        "one/sub/testing/d.py": '"""Left out."""',
        "one/sub/test/d.py": '"""Left out."""',
        "one/testing_tools.py": '"""Kept tools."""',
        "one/broken.py": '"""Left out.""" def (',
        "one/notes.txt": '"""Left out."""',
        "two/__init__.py": '"""Package two."""',
    }
    for name, source in sources.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(source)
    versions = {"dist-one": "1.0", "dist-two": "2.0"}
    monkeypatch.setattr(module, "PACKAGES", {"dist-one": "one", "dist-two": "two"})
    monkeypatch.setattr(importlib.metadata, "version", versions.__getitem__)
    monkeypatch.syspath_prepend(site)
    return site


def extracted(tmp_path: Path, source: str | bytes) -> list[str]:
    path = tmp_path / "source.py"
    path.write_bytes(source.encode() if isinstance(source, str) else source)
    return list(sentences(path))


def test_docstrings_of_every_definition(tmp_path: Path) -> None:
    assert sorted(extracted(tmp_path, DEFINITIONS)) == sorted([
        "module one", "function two", "inner three", "inner async four", "coroutine five", "class six",
        "method seven", "local eight", "conditional nine", "deep ten", "handler eleven", "final twelve",
        "case thirteen",
    ])  # fmt: skip


def test_paragraph_is_a_sentence_of_lowercase_words(tmp_path: Path) -> None:
    docstring = """
    Return the n_th Value (default 3),
    it's "Euclidean": a-b.

      Second paragraph.
    \t
    ------


    Third: 1.5 2
    """
    assert extracted(tmp_path, f'"""{docstring}"""') == [
        "return the n th value default it's euclidean a b",
        "second paragraph",
        "third",
    ]


def test_examples_are_excluded(tmp_path: Path) -> None:
    docstring = """Before.

    Text that leads to an example:
    >>> import left_out
    ... left_out
    left out

    >>> left_out

    After.
    """
    assert extracted(tmp_path, f'"""{docstring}"""') == ["before", "text that leads to an example", "after"]


@pytest.mark.parametrize(
    "source",
    [
        "def (",
        '"""Doc."""\n{{ template }} text',
        b'"""Doc."""\0',
        b'"""\xff"""',
        b"# coding: no-such-encoding\n'''Doc.'''",
        '"""Doc."""\nprint "python 2"',
    ],
)
def test_source_that_cannot_be_parsed_is_skipped(tmp_path: Path, source: str | bytes) -> None:
    assert extracted(tmp_path, source) == []


def test_source_without_docstrings(tmp_path: Path) -> None:
    assert extracted(tmp_path, "") == []
    assert extracted(tmp_path, 'x = 1\n"""Not a docstring."""\n') == []
    assert extracted(tmp_path, '""""""\nb"""Bytes."""') == []


def test_invalid_escapes_neither_warn_nor_skip_the_file(tmp_path: Path) -> None:
    """The corpus does not depend on the warning filters of the user."""
    source = '"""Doc of \\d."""\nif 1 is 1: pass\n'
    for action in ("error", "always"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter(action)
            assert extracted(tmp_path, source) == ["doc of d"]
        assert caught == []


def test_packages_are_read_in_order_without_their_tests(packages: Path) -> None:
    path = pydocs()
    assert path.read_text() == (
        "package one\nfirst module\nits second paragraph\nsecond module\ndeep module\nkept tools\npackage two\n"
    )
    assert not {"one", "two"} & set(sys.modules)  # they are not imported


def test_second_call_does_not_parse_again(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = pydocs()
    monkeypatch.setattr(module, "sentences", None)
    assert pydocs() == first
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_new_version_of_a_package_creates_a_new_file(
    packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pydocs()
    assert first.parent == tmp_path / "cache" / "corpora"
    monkeypatch.setattr(importlib.metadata, "version", {"dist-one": "1.0", "dist-two": "2.1"}.__getitem__)
    second = pydocs()
    monkeypatch.setattr(module, "RECIPE", "another")
    assert len({first, second, pydocs()}) == 3


def test_package_that_is_not_installed(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    with monkeypatch.context() as patched:
        patched.setattr(importlib.metadata, "version", version)
        with pytest.raises(CorpusError) as caught:
            pydocs()
    assert str(caught.value).startswith("corpus pydocs: dist-one is not installed; ")
    monkeypatch.setitem(module.PACKAGES, "dist-two", "no_such_package")
    with pytest.raises(CorpusError, match=r"^corpus pydocs: no_such_package is not installed; "):
        pydocs()


def test_failure_leaves_nothing_behind(packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Word2VecError, match="No space left on device"):
        pydocs()
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
def test_real_packages() -> None:
    assert list(PACKAGES) == ["numpy", "pandas", "scipy", "scikit-learn", "torch"]
    lines = pydocs().read_text().splitlines()
    counts = Counter(word for line in lines for word in line.split())
    assert counts.total() > 1_500_000
    assert len(lines) > 50_000
    for word in ("array", "mean", "monday", "tuesday", "gradient", "matrix"):
        assert counts[word] >= 5
    assert not any(">" in line for line in lines)
