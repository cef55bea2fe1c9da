"""All tests named in tests/README.md exist."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
NAME = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def named_tests() -> list[tuple[str, str]]:
    """List the (file, test) pairs that tests/README.md names."""
    return NAME.findall((TESTS / "README.md").read_text(encoding="utf-8"))


def missing(names: list[tuple[str, str]]) -> list[str]:
    return [
        f"{file}::{test}"
        for file, test in names
        if not (TESTS / file).is_file() or f"def {test}(" not in (TESTS / file).read_text(encoding="utf-8")
    ]


def test_every_named_test_exists() -> None:
    assert missing(named_tests()) == []


def test_every_row_names_a_test() -> None:
    rows = [line for line in (TESTS / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    without = [row for row in rows if row != "| guarantee | test |" and not NAME.search(row)]
    assert len(rows) > 50
    assert without == []


def test_missing_test_is_found() -> None:
    assert missing([("test_guarantees.py", "test_no_such_test"), ("no_such_file.py", "test_x")]) == [
        "test_guarantees.py::test_no_such_test",
        "no_such_file.py::test_x",
    ]
