"""The subpackages import each other in the order of the data flow, without import cycles.

The imports are read from the source, so that nothing has to be imported. The rules:

- An import anywhere, even inside a function or under TYPE_CHECKING, is a dependency between subpackages and must follow
  the order.
- An import at module level, even under TYPE_CHECKING, is a dependency between modules, and these must not form a cycle.
- `word2vec/__init__.py` re-exports names of all subpackages, so its imports are exempt; no subpackage may import it.
"""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parent.parent / "word2vec"
MAX_ENTRIES = 20  # at the top level of the package, so that it can be taken in at a glance

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
    "compat",
    "report",
    "cli",
    "__main__",
)
"""The subpackages and top-level modules; each may import those before it, and `system` only `errors`."""


class Import(NamedTuple):
    """One import of a module of the package."""

    importer: str  # "corpus.index", without the package's name
    imported: str
    line: int
    deferred: bool  # inside a function, so it runs after all modules are loaded


def modules(package: Path) -> dict[str, Path]:
    """Map dotted names, without the name of the package, to modules; `__init__` has the name of its subpackage."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:  # not the package's own __init__
            found[name] = path
    return found


def imports(package: Path) -> list[Import]:
    """List all imports between the modules of a package."""
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


def _targets(node: ast.Import | ast.ImportFrom, package: str, importer: str, is_package: bool) -> list[str]:
    """List the dotted names that a statement imports from the package, without the name of the package."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif node.level:
        here = [package, *importer.split(".")]
        base = here[: len(here) - node.level + is_package] + ([node.module] if node.module else [])
        names = [".".join([*base, alias.name]) for alias in node.names]
    else:
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    return [name.partition(".")[2] for name in names if name.split(".")[0] == package]


def _module(target: str, known: dict[str, Path]) -> str:
    """Return the module that contains a name: "losses.base" for "losses.base.Objective", "" for the package itself."""
    while target and target not in known:
        target = target.rpartition(".")[0]
    return target


def wrong_imports(package: Path) -> list[str]:
    """List imports of a later subpackage in ORDER, of a subpackage that is not in ORDER, or of the package itself."""
    wrong = []
    for found in imports(package):
        source, target = found.importer.split(".")[0], found.imported.split(".")[0]
        listed = source in ORDER and target in ORDER
        in_order = listed and ORDER.index(target) <= ORDER.index(source)
        if not in_order or (source == "system" and target not in ("system", "errors")):
            imported = ".".join(filter(None, (package.name, found.imported)))
            wrong.append(f"{package.name}.{found.importer}, line {found.line}, imports {imported}")
    return wrong


def cycle(package: Path) -> list[str]:
    """Return the modules of an import cycle at module level; an empty list if there is none."""
    graph: dict[str, set[str]] = {name: set() for name in modules(package)}
    for found in imports(package):
        if not found.deferred and found.imported != found.importer:
            graph[found.importer].add(found.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def subpackages_without_docstring(package: Path) -> list[str]:
    """List the subpackages, at any depth, whose `__init__` has no docstring."""
    subpackages = [path for path in sorted(package.rglob("__init__.py")) if path.parent != package]
    return [
        str(path.parent.relative_to(package))
        for path in subpackages
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]


def test_imports_follow_the_order_of_the_subpackages() -> None:
    assert not wrong_imports(PACKAGE)


def test_there_is_no_import_cycle() -> None:
    assert not cycle(PACKAGE)


def test_every_subpackage_has_a_docstring() -> None:
    assert not subpackages_without_docstring(PACKAGE)


def test_the_top_level_is_small() -> None:
    entries = sorted(path.name for path in PACKAGE.iterdir() if path.name != "__pycache__")
    assert len(entries) <= MAX_ENTRIES, entries


def test_every_subpackage_is_in_the_order() -> None:
    assert {name.split(".")[0] for name in modules(PACKAGE)} == set(ORDER)


# --- tests of the checks, on artificial packages ----------------------------------------------------------------------


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A correct package of three subpackages."""
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


def test_correct_package_passes(package: Path) -> None:
    assert len(imports(package)) == 6
    assert not wrong_imports(package)
    assert not cycle(package)
    assert not subpackages_without_docstring(package)


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
def test_import_against_the_order_is_found(package: Path, module: str, statement: str) -> None:
    with (package / module).open("a", encoding="utf-8") as file:
        file.write(statement + "\n")
    name = module.removesuffix(".py").replace("/", ".")
    assert [line for line in wrong_imports(package) if line.startswith(f"made_up.{name}, line")]


@pytest.mark.parametrize("indentation", ["", "if TYPE_CHECKING:\n    "])
def test_import_cycle_is_found(package: Path, indentation: str) -> None:
    (package / "corpus" / "reader.py").write_text("from made_up.corpus.index import Index\n", encoding="utf-8")
    with (package / "corpus" / "index.py").open("a", encoding="utf-8") as file:
        file.write(f"{indentation}from made_up.corpus.reader import lines\n")
    assert set(cycle(package)) == {"corpus.index", "corpus.reader"}


def test_deferred_import_within_a_subpackage_is_allowed(package: Path) -> None:
    (package / "corpus" / "reader.py").write_text("from made_up.corpus.index import Index\n", encoding="utf-8")
    with (package / "corpus" / "index.py").open("a", encoding="utf-8") as file:
        file.write("def read():\n    from made_up.corpus.reader import lines\n")
    assert not cycle(package)


def test_subpackage_without_docstring_is_found(package: Path) -> None:
    (package / "corpus" / "__init__.py").write_text("", encoding="utf-8")
    assert subpackages_without_docstring(package) == ["corpus"]
