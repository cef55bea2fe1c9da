"""The tables of kernels.py."""

from common import SCORE_NAMES, SCORES, Report, markdown_table, number


def scaling(report: Report) -> str:
    """Render million raw words/s at each value of one setting, with the others as in `base`."""
    rows = [
        [name, ", ".join(f"{value:,}: {speed:.1f}" for value, speed in points)]
        for name, points in report["million_words_per_second"].items()
    ]
    return markdown_table(["setting", "million raw words/s at each value"], rows)


def staleness(report: Report) -> str:
    """Render the scores by the number of concurrent programs of the GPU engine; one row per training run."""
    rows = [
        [
            str(m["programs"]),
            str(m["seed"]),
            *("diverged" if m[name] is None else number(m[name], 1, 100) for name in SCORES),
        ]
        for m in report["measurements"]
    ]
    return markdown_table(["programs", "seed", *SCORE_NAMES.values()], rows)
