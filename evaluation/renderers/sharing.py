"""Table of sharing.py: rows that threads fetch, and rows that another processor core has changed."""

from common import Report, markdown_table, number

HEADER = (
    "threads",
    "directly: fetched",
    "of these foreign",
    "words per block",
    "in blocks: fetched",
    "of these foreign ",
)


def sharing(report: Report) -> str:
    """Render one row for each number of threads; rows are counted per center word."""
    return markdown_table(
        HEADER,
        [
            [
                number(each["threads"]),
                number(each["direct_fetched"], 1),
                number(each["direct_foreign"], 1),
                number(each["block"]),
                number(each["blocks_fetched"], 1),
                number(each["blocks_foreign"], 1),
            ]
            for each in report["measurements"]
        ],
    )
