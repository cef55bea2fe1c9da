"""Table of nearest_neighbors.py: recall and time of exact and approximate search."""

from common import Report, markdown_table, number

HEADER = ("search", "candidates", "recall@10", "ms per query", "seconds to build")


def nearest_neighbors(report: Report) -> str:
    """Render exact search, and one row for each library and number of candidates."""
    results = report["results"]
    rows = [["`search`, exact", "-", "1.000", number(results["exact"]["ms_per_query"], 2), "0"]]
    for library, found in list(results.items())[1:]:
        rows += [
            [
                f"{library} {found['version']}",
                number(each["ef_search"]),
                number(each["recall"], 3),
                number(each["ms_per_query"], 2),
                number(found["seconds_to_build"]),
            ]
            for each in found["searches"]
        ]
    return markdown_table(HEADER, rows)
