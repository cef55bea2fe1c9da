"""The corpus `pydocs`: the docstrings of scientific packages that are installed anyway.

About two million words of real English, available offline and without shipping any text. The packages are not
imported; their source is parsed. A sentence is a paragraph of lowercase words. Examples (doctest lines and their
output) and the tests of the packages are excluded.
"""

import ast
import hashlib
import importlib.metadata
import importlib.util
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from word2vec.errors import CorpusError
from word2vec.system.atomic_files import atomic_path, new_folder
from word2vec.system.cache import cache_folder

PACKAGES = {"numpy": "numpy", "pandas": "pandas", "scipy": "scipy", "scikit-learn": "sklearn", "torch": "torch"}
"""Distribution name -> import name."""

RECIPE = "1"  # version of the extraction; changing it creates a new file
MAX_LABELED, MIN_LABELED_WORDS = 2_000, 8  # paragraphs of each package, and words of a paragraph, for classification
TESTS = {"test", "tests", "testing"}
PARENTS = ast.stmt | ast.excepthandler | ast.match_case  # nodes that can contain a definition
WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
PARAGRAPH = re.compile(r"\n\s*\n")


def pydocs() -> Path:
    """Return the corpus as a text file in the cache; the first call creates it, in about ten seconds.

    Raises:
        CorpusError: A package is not installed.
        Word2VecError: The file cannot be written.
    """
    return _extracted("pydocs", lambda: (text for package in PACKAGES.values() for text in package_sentences(package)))


def labeled_docstrings() -> Path:
    """Return a file with the lines `label text`: a package, and a paragraph of one of its docstrings.

    Each package has at most `MAX_LABELED` paragraphs, evenly spaced over its source. Short paragraphs, repeated ones
    and those that several packages have are left out. The file is in the cache; the first call creates it.

    Raises:
        CorpusError: A package is not installed.
        Word2VecError: The file cannot be written.
    """
    return _extracted("pydocs-labeled", _labeled)


def _extracted(name: str, lines: Callable[[], Iterable[str]]) -> Path:
    """Return a file in the cache with lines that are extracted from the packages, if it does not exist already."""
    versions = [(name, _version(name)) for name in PACKAGES]
    digest = hashlib.sha256(repr((RECIPE, versions)).encode()).hexdigest()[:16]
    target = cache_folder() / "corpora" / f"{name}-{digest}.txt"
    if not target.exists():
        with new_folder(target.parent), atomic_path(target) as path, path.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines())
    return target


def _labeled() -> Iterator[str]:
    paragraphs = {package: dict.fromkeys(package_sentences(package)) for package in PACKAGES.values()}
    packages = Counter(text for texts in paragraphs.values() for text in texts)
    for package, texts in paragraphs.items():
        own = [text for text in texts if packages[text] == 1 and text.count(" ") + 1 >= MIN_LABELED_WORDS]
        number = min(MAX_LABELED, len(own))
        yield from (f"{package} {own[place * len(own) // number]}" for place in range(number))


def package_sentences(package: str) -> Iterator[str]:
    """Yield the paragraphs of all docstrings of a package, as words separated by spaces.

    Args:
        package: The import name of the package.

    Raises:
        CorpusError: The package is not installed.
    """
    for source in _sources(package):
        yield from sentences(source)


def document_words(package: str) -> Iterator[tuple[str, set[str]]]:
    """Yield the distinct words of the docstrings of each source file of a package, with the name of the file.

    Args:
        package: The import name of the package.

    Raises:
        CorpusError: The package is not installed.
    """
    for source in _sources(package):
        name = f"{package}/{source.relative_to(_folder(package)).as_posix()}"
        yield name, {word for sentence in sentences(source) for word in sentence.split()}


def sentences(source: Path) -> Iterator[str]:
    """Yield the paragraphs of all docstrings in a Python file, as words separated by spaces."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings about invalid escapes in other packages are of no use here
        try:
            tree = ast.parse(source.read_bytes())
        except (SyntaxError, ValueError):
            return  # a template, source for another version of Python, or NUL bytes
    for node in _definitions(tree):
        docstring = ast.get_docstring(node)
        if docstring:
            yield from _paragraphs(docstring)


def _sources(package: str) -> Iterator[Path]:
    """Yield the source files of a package, without its tests."""
    folder = _folder(package)
    for source in sorted(folder.rglob("*.py")):
        if TESTS.isdisjoint(source.relative_to(folder).parts):
            yield source


def _definitions(tree: ast.Module) -> Iterator[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield all nodes that can have a docstring; expressions, which make up most of any source, are not searched."""
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        nodes += [child for child in ast.iter_child_nodes(node) if isinstance(child, PARENTS)]


def _paragraphs(docstring: str) -> Iterator[str]:
    """Yield the words of each paragraph, without examples."""
    for paragraph in PARAGRAPH.split(docstring):
        if ">>>" in paragraph:  # an example and its output
            paragraph = paragraph[: paragraph.index(">>>")]
        words = WORD.findall(paragraph.lower())
        if words:
            yield " ".join(words)


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError as error:
        raise _not_installed(distribution) from error


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)  # does not import the package
    if spec is None or spec.origin is None:
        raise _not_installed(package)
    return Path(spec.origin).parent


def _not_installed(package: str) -> CorpusError:
    return CorpusError(f"corpus pydocs: {package} is not installed; install it, or train on a text file")
