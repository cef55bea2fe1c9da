"""The rooms of the package: imports follow the order of the data, without circles.

The imports are read from the source, so that nothing has to be imported. Three kinds count:

- An import anywhere, also inside a function or under TYPE_CHECKING, is an arrow between rooms and must not point up.
- An import at module level, also under TYPE_CHECKING, is an arrow between modules, and these must not form a circle.
- `word2vec/__init__.py` re-exports names of all rooms, so its own imports are exempt; no room may import it.
"""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parent.parent / "word2vec"
MAX_ENTRIES = 20  # at the top level of the package, to be seen at a glance

ORDER = (
    "errors",
    "system",
    "config",
    "corpus",
    "sampling",
    "models",
    "losses",
    "engines",
    "formats",
    "vectors",
    "evaluation",
    "training",
    "report",
    "cli",
    "__main__",
)
"""The rooms and top-level modules; each may import those to its left, and `system` only `errors`."""


class Import(NamedTuple):
    """One import of a module of the package."""

    importer: str  # "corpus.index", without the package's name
    imported: str
    line: int
    deferred: bool  # inside a function, so it runs after all modules are loaded


def modules(package: Path) -> dict[str, Path]:
    """The modules of a package by dotted name, without the package's own name; a room's `__init__` is the room."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:  # not the package's own __init__
            found[name] = path
    return found


def imports(package: Path) -> list[Import]:
    """All imports of a package's modules by each other."""
    known = modules(package)
    found: list[Import] = []
    for importer, path in known.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += [
            Import(importer, _module(target, known), node.lineno, deferred)
            for node, deferred in _walk(tree, deferred=False)
            for target in _targets(node, package.name, importer, path.name == "__init__.py")
        ]
    return found


def _walk(tree: ast.AST, *, deferred: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, deferred
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _walk(node, deferred=deferred or inside)


def _targets(node: ast.Import | ast.ImportFrom, package: str, importer: str, is_room: bool) -> list[str]:
    """The dotted names that a statement imports from the package, without the package's name."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif node.level:
        here = [package, *importer.split(".")]
        base = here[: len(here) - node.level + is_room] + ([node.module] if node.module else [])
        names = [".".join([*base, alias.name]) for alias in node.names]
    else:
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    return [name.partition(".")[2] for name in names if name.split(".")[0] == package]


def _module(target: str, known: dict[str, Path]) -> str:
    """The module that a dotted name leads to: "losses.base.Objective" is in "losses.base"; "" is the package itself."""
    while target and target not in known:
        target = target.rpartition(".")[0]
    return target


def wrong_arrows(package: Path) -> list[str]:
    """Imports that point to a room further right in ORDER, to a room without a place, or to the package itself."""
    wrong = []
    for found in imports(package):
        source, target = found.importer.split(".")[0], found.imported.split(".")[0]
        placed = source in ORDER and target in ORDER
        downwards = placed and ORDER.index(target) <= ORDER.index(source)
        if not downwards or (source == "system" and target not in ("system", "errors")):
            imported = ".".join(filter(None, (package.name, found.imported)))
            wrong.append(f"{package.name}.{found.importer}, line {found.line}, imports {imported}")
    return wrong


def circle(package: Path) -> list[str]:
    """Modules that import each other in a circle, at module level; empty where there is none."""
    graph: dict[str, set[str]] = {name: set() for name in modules(package)}
    for found in imports(package):
        if not found.deferred and found.imported != found.importer:
            graph[found.importer].add(found.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def rooms_without_docstring(package: Path) -> list[str]:
    """Rooms, at any depth, whose `__init__` does not say what they are for."""
    rooms = [path for path in sorted(package.rglob("__init__.py")) if path.parent != package]
    return [
        str(path.parent.relative_to(package))
        for path in rooms
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]


def test_imports_follow_the_order_of_the_rooms() -> None:
    assert not wrong_arrows(PACKAGE)


def test_there_is_no_import_circle() -> None:
    assert not circle(PACKAGE)


def test_every_room_says_what_it_is_for() -> None:
    assert not rooms_without_docstring(PACKAGE)


def test_the_top_level_is_small() -> None:
    entries = sorted(path.name for path in PACKAGE.iterdir() if path.name != "__pycache__")
    assert len(entries) <= MAX_ENTRIES, entries


def test_every_room_has_a_place_in_the_order() -> None:
    assert {name.split(".")[0] for name in modules(PACKAGE)} == set(ORDER)


# --- the checks themselves, on packages made up for them --------------------------------------------------------------


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A correct package of three rooms."""
    files = {
        "__init__.py": "from made_up.vectors import load\n",
        "errors.py": "class Error(Exception): ...\n",
        "system/__init__.py": '"""Files."""\n',
        "system/files.py": "from made_up.errors import Error\n",
        "corpus/__init__.py": '"""Text."""\nfrom made_up.corpus.index import Index\n',
        "corpus/index.py": "import made_up.system.files\nclass Index: ...\n",
        "vectors/__init__.py": '"""Vectors."""\nfrom made_up.vectors.table import load\n',
        "vectors/table.py": "from made_up.corpus import Index\nfrom ..system import files\ndef load(): ...\n",
    }
    folder = tmp_path / "made_up"
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_a_correct_package_passes(package: Path) -> None:
    assert len(imports(package)) == 6
    assert not wrong_arrows(package)
    assert not circle(package)
    assert not rooms_without_docstring(package)


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("corpus/index.py", "from made_up.vectors.table import load"),
        ("corpus/index.py", "from ..vectors import table"),
        ("corpus/index.py", "def late():\n    import made_up.vectors"),
        ("corpus/index.py", "if TYPE_CHECKING:\n    from made_up.vectors import load"),
        ("corpus/index.py", "from made_up import load"),
        ("corpus/index.py", "from made_up.nowhere import thing"),
        ("system/files.py", "from made_up.config import Config"),
        ("errors.py", "from made_up.system import files"),
    ],
)
def test_an_arrow_against_the_order_is_found(package: Path, module: str, statement: str) -> None:
    with (package / module).open("a", encoding="utf-8") as file:
        file.write(statement + "\n")
    name = module.removesuffix(".py").replace("/", ".")
    assert [line for line in wrong_arrows(package) if line.startswith(f"made_up.{name}, line")]


@pytest.mark.parametrize("indentation", ["", "if TYPE_CHECKING:\n    "])
def test_a_circle_is_found(package: Path, indentation: str) -> None:
    (package / "corpus" / "reader.py").write_text("from made_up.corpus.index import Index\n", encoding="utf-8")
    with (package / "corpus" / "index.py").open("a", encoding="utf-8") as file:
        file.write(f"{indentation}from made_up.corpus.reader import lines\n")
    assert set(circle(package)) == {"corpus.index", "corpus.reader"}


def test_a_deferred_import_within_a_room_is_no_circle(package: Path) -> None:
    (package / "corpus" / "reader.py").write_text("from made_up.corpus.index import Index\n", encoding="utf-8")
    with (package / "corpus" / "index.py").open("a", encoding="utf-8") as file:
        file.write("def read():\n    from made_up.corpus.reader import lines\n")
    assert not circle(package)


def test_a_room_without_docstring_is_found(package: Path) -> None:
    (package / "corpus" / "__init__.py").write_text("", encoding="utf-8")
    assert rooms_without_docstring(package) == ["corpus"]
