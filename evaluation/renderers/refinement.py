"""Tables of refinement.py: scores, ablations, neighbors."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from common import Report, markdown_table, number, with_range

MEASURES = {
    "wordsim353": "WordSim-353",
    "simlex999": "SimLex-999",
    "analogies": "analogies",
    "semantic": "semantic",
    "syntactic": "syntactic",
}
MAIN = {"plain": "plain", "defaults": "refined", "output_weight 0": "refined without the output table"}
HALVES = (1, 2)  # positions of the scores of the halves of a set, after that of the whole set


def refinement(report: Report) -> str:
    """Render the scores x 100 of plain and refined vectors: medians and ranges over the runs."""
    rows = [
        [name, *(with_range(_scores(report, label, measure), 1, 100) for measure in MEASURES)]
        for label, name in MAIN.items()
    ]
    return markdown_table(["vectors", *MEASURES.values()], rows)


def ablations(report: Report) -> str:
    """Render the medians x 100 with one setting changed, and the mean of the three sets on both halves of them."""
    labels = list(dict.fromkeys(m["label"] for m in report["measurements"]))
    rows = [
        [
            label,
            *(number(statistics.median(_scores(report, label, measure)), 1, 100) for measure in MEASURES),
            *(number(_mean_of_sets(report, label, half), 1, 100) for half in HALVES),
        ]
        for label in labels
    ]
    return markdown_table(["settings", *MEASURES.values(), "first halves", "second halves"], rows)


def chosen(report: Report) -> str:
    """Render the scores x 100 with lengths and penalty that cross-validation chose, by run."""
    rows = [
        [
            m["run"],
            "{}-{}".format(*m["settings"]["lengths"]),
            f"{m['settings']['penalty']:g}",
            *(number(m["scores"][measure][0], 1, 100) for measure in MEASURES),
        ]
        for m in report["measurements"]
    ]
    return markdown_table(["run", "lengths", "penalty", *MEASURES.values()], rows)


def spelling(report: Report) -> str:
    """Render how many neighbors begin like their word, in %, by the count of the word."""
    rows = [
        [each["band"], *(number(each[name], 0, 100) for name in ("plain", "refined"))]
        for each in report["neighbors"]["similar_spelling"]
    ]
    return markdown_table(["count of the word", "plain, %", "refined, %"], rows)


def examples(report: Report) -> str:
    """Render the nearest neighbors of a few words."""
    found: Sequence[Mapping[str, Any]] = report["neighbors"]["examples"]
    rows = [
        [f"{each['word']} ({each['band']})", *(", ".join(each[name]) for name in ("plain", "refined"))]
        for each in found
    ]
    return markdown_table(["word (count)", "plain", "refined"], rows)


def _scores(report: Report, label: str, measure: str, part: int = 0) -> list[float]:
    return [m["scores"][measure][part] for m in report["measurements"] if m["label"] == label]


def _mean_of_sets(report: Report, label: str, half: int) -> float:
    """Return the mean over the three sets of the medians over the runs on a half of them."""
    names = ("wordsim353", "simlex999", "analogies")
    return statistics.mean(statistics.median(_scores(report, label, name, half)) for name in names)
