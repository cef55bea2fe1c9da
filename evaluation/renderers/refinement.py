"""Tables of refinement.py and refinement_reference.py: scores, ablations, sizes of corpora, neighbors."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
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
CORPORA = {"w1m": "Wikipedia", "w8m": "Wikipedia", "quality": "wiki8", "w70m": "Wikipedia", "demo": "docstrings"}
"""What the names of runs stand for, without the number of the seed; tables of sizes have this order."""
CHOSEN_ON = ("w1m", "w8m", "quality", "w70m")  # the corpora on which settings are chosen
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
    rows = [
        [
            label,
            *(_median(_scores(report, label, measure)) for measure in MEASURES),
            *(number(_mean_of_sets(report, label, half), 1, 100) for half in HALVES),
        ]
        for label in _labels(report)
    ]
    return markdown_table(["settings", *MEASURES.values(), "first halves", "second halves"], rows)


def sizes(*reports: Report) -> str:
    """Render the scores x 100 of plain and refined vectors by corpus: medians and ranges over the runs."""
    rows = [
        [name, MAIN[label], *(with_range(_scores(report, label, measure), 1, 100) for measure in MEASURES)]
        for name, report in _by_corpus(reports)
        for label in ("plain", "defaults")
    ]
    return markdown_table(["corpus", "vectors", *MEASURES.values()], rows)


def size_ablations(*reports: Report) -> str:
    """Render the mean of the three sets x 100, on their first and second halves, by setting and corpus of CHOSEN_ON."""
    runs = _runs_by_corpus(reports)
    corpora: list[Report] = [{"measurements": runs[name]} for name in CHOSEN_ON if name in runs]
    rows = []
    for label in _labels(corpora[0]):
        if not all(label in _labels(corpus) for corpus in corpora):
            continue
        means = [[_mean_of_sets(corpus, label, half) for half in HALVES] for corpus in corpora]
        means.append([statistics.mean(half) for half in zip(*means, strict=True)])
        rows.append([label, *(" / ".join(number(half, 1, 100) for half in each) for each in means)])
    sizes = [_size(corpus["measurements"]) for corpus in corpora]
    return markdown_table(["settings", *sizes, "mean"], rows)


def unknown(*reports: Report) -> str:
    """Render what the refined vectors of unknown words gain: Spearman's correlations x 100, medians over the runs."""
    figures = {
        "unknown": "pairs left out, refined",
        "plain": "all pairs, plain",
        "known": "all pairs, refined, no unknown words",
        "refined": "all pairs, refined",
    }
    rows = []
    for name, report in _by_corpus(reports):
        found = [m["unknown"] for m in report["measurements"] if "unknown" in m]
        for measure, facts in found[0].items():
            cells = (_median(each[measure].get(figure) for each in found) for figure in figures)
            rows.append([name, MEASURES[measure], f"{facts['missing']:,} of {facts['size']:,}", *cells])
    return markdown_table(["corpus", "set", "left out", *figures.values()], rows)


def reference(*reports: Report) -> str:
    """Render how close plain and refined vectors come to those of a larger corpus, x 100: medians over the runs."""
    rows = []
    compared = [(runs, report["reference_words"]) for report in reports for runs in _runs_by_corpus([report]).values()]
    for runs, reference_words in compared:
        measured = {label: [m["bands"] for m in runs if m["label"] == label] for label in ("plain", "defaults")}
        for band, facts in measured["defaults"][0].items():
            cells = (
                _median(each[band][figure] for each in measured[label] if band in each)
                for figure in ("correlation", "neighbors")
                for label in measured
            )
            rows.append([_size(runs), f"{reference_words / 1e6:.0f} M", band, str(facts["words"]), *cells])
    figures = [f"{figure}, {name}" for figure in ("correlation", "neighbors") for name in ("plain", "refined")]
    return markdown_table(["corpus", "reference", "count", "words", *figures], rows)


def reference_ablations(report: Report) -> str:
    """Render by setting and corpus the means over the bands of known words: correlation / neighbors, both x 100."""
    corpora = list(_runs_by_corpus([report]).values())
    figures = ("correlation", "neighbors")
    rows = [
        [
            label,
            *(
                " / ".join(
                    _median(_mean_of_bands(m["bands"], figure) for m in runs if m["label"] == label)
                    for figure in figures
                )
                for runs in corpora
            ),
        ]
        for label in _labels(report)
    ]
    return markdown_table(["settings", *map(_size, corpora)], rows)


def _mean_of_bands(bands: Mapping[str, Mapping[str, float]], figure: str) -> float:
    return statistics.mean(each[figure] for band, each in bands.items() if band != "unknown")


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


def _labels(report: Report) -> list[str]:
    return list(dict.fromkeys(m["label"] for m in report["measurements"]))


def _runs_by_corpus(reports: Iterable[Report]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the measurements by the names of their runs without the seed, in the order of CORPORA."""
    measurements = [m for report in reports for m in report["measurements"]]
    found = {name: [m for m in measurements if m["run"].rpartition("-")[0] == name] for name in CORPORA}
    return {name: runs for name, runs in found.items() if runs}


def _by_corpus(reports: Iterable[Report]) -> list[tuple[str, Report]]:
    """Return the measurements of each corpus, after its name and the number of its words."""
    found = _runs_by_corpus(reports).items()
    return [(f"{CORPORA[name]}, {_size(runs)}", {"measurements": runs}) for name, runs in found]


def _size(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return the number of words of the corpus in the vocabulary, such as "17 M"."""
    return f"{runs[0]['words'] / 1e6:.0f} M"


def _scores(report: Report, label: str, measure: str, part: int = 0) -> list[float]:
    """Return the scores of the runs; undefined ones are left out."""
    found = [m["scores"][measure][part] for m in report["measurements"] if m["label"] == label]
    return [each for each in found if each is not None]


def _median(values: Iterable[float | None]) -> str:
    """Return a median x 100; a dash if no value is defined."""
    found = [each for each in values if each is not None]
    return number(statistics.median(found) if found else None, 1, 100)


def _mean_of_sets(report: Report, label: str, half: int) -> float:
    """Return the mean over the three sets of the medians over the runs on a half of them."""
    names = ("wordsim353", "simlex999", "analogies")
    return statistics.mean(statistics.median(_scores(report, label, name, half)) for name in names)
