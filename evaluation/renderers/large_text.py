"""Table of large_text.py: speed, memory and disk by the size of the text."""

from common import Report, markdown_table, number

HEADER = (
    "million words",
    "distinct words",
    "indexing, million words/s",
    "per CPU second",
    "peak MB",
    "index GB",
    "training, million words/s",
    "peak MB ",
)


def large_text(report: Report) -> str:
    """Render one row for each size."""
    rows = []
    for each in report["measurements"]:
        words = each["words"]
        training = each.get("train_seconds")
        rows.append(
            [
                number(words, scale=1e-6),
                number(each["distinct_words"]),
                number(words / each["index_seconds"], 1, 1e-6),
                number(words / each["index_cpu_seconds"], 1, 1e-6),
                number(each["index_peak_mb"]),
                number(each["index_bytes"], 2, 1e-9),
                number(training and words / training, 2, 1e-6),
                number(each.get("train_peak_mb")),
            ]
        )
    return markdown_table(HEADER, rows)
