"""Table of drift.py: how well the words that changed are found."""

from common import Report, markdown_table, number

HEADER = ("runs", "words compared", "exchanged", "precision, %", "by direct cosine, %", "median drift", "of the others")


def drift(report: Report) -> str:
    """Render one row for anchored runs and one for independent ones."""
    return markdown_table(
        HEADER,
        [
            [
                kind,
                number(found["words"]),
                number(found["changed"]),
                number(100 * found["precision"], 1),
                number(100 * found["direct"], 1) if "direct" in found else "",
                number(found["median_changed"], 3),
                number(found["median_others"], 3),
            ]
            for kind in ("anchored", "independent")
            for found in (report[kind],)
        ],
    )
