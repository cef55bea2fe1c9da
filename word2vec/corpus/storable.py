"""Which words files of vectors cannot store, and what to do about them.

formats/table.py rejects the same words when it writes a file, which may be hours later.
"""

import re

LINE_BREAK = re.compile(r"[\t\n\r\v\f]")
OUTER_SPACE = re.compile(r"\A | \Z")
SURROGATE = re.compile("[\ud800-\udfff]")
UNSTORABLE = re.compile("|".join(pattern.pattern for pattern in (LINE_BREAK, OUTER_SPACE, SURROGATE)))

PROBLEMS = {
    LINE_BREAK: "contains a tab or a line break, which files of vectors cannot store; replace it by a space",
    OUTER_SPACE: "begins or ends with a space, which files of vectors cannot store; remove it with .strip()",
    SURROGATE: "contains half of a surrogate pair, which is not valid Unicode; correct or remove it",
}
"""Pattern -> what is wrong with a word that contains it, and what to do."""


def storage_problem(word: str) -> str | None:
    """Return why files of vectors cannot store a word that is not empty, and what to do; None if they can."""
    return next((problem for pattern, problem in PROBLEMS.items() if pattern.search(word)), None)
