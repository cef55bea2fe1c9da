"""The promises in tests/README.md name tests that exist."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
NAME = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def promised() -> list[tuple[str, str]]:
    """(file, test) of every test that the list of promises names."""
    return NAME.findall((TESTS / "README.md").read_text(encoding="utf-8"))


def missing(names: list[tuple[str, str]]) -> list[str]:
    return [
        f"{file}::{test}"
        for file, test in names
        if not (TESTS / file).is_file() or f"def {test}(" not in (TESTS / file).read_text(encoding="utf-8")
    ]


def test_every_promise_names_a_test_that_exists() -> None:
    assert missing(promised()) == []


def test_every_row_names_a_test() -> None:
    rows = [line for line in (TESTS / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    without = [row for row in rows if row != "| promise | test |" and not NAME.search(row)]
    assert len(rows) > 50
    assert without == []


def test_a_missing_test_is_found() -> None:
    assert missing([("test_promises.py", "test_no_such_test"), ("no_such_file.py", "test_x")]) == [
        "test_promises.py::test_no_such_test",
        "no_such_file.py::test_x",
    ]
