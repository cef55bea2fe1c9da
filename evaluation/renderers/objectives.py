"""The tables of objectives.py."""

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from common import SCORE_NAMES, SCORES, Report, markdown_table, number, score_cells

EPOCHS, IN_BATCH_LR = 5, 0.05  # of the in-batch row in the table of objectives


def objective_rows(measured: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return rows of objective, learning rate, number of seeds, and the means and ranges of the three scores."""
    rows = []
    for objective, lr in dict.fromkeys((m["objective"], m["lr"]) for m in measured):
        same = [m for m in measured if (m["objective"], m["lr"]) == (objective, lr)]
        rows.append([objective, f"{lr:g}", str(len(same)), *score_cells(same, statistics.fmean)])
    return rows


def objectives(report: Report, in_batch_report: Report) -> str:
    """Render means and ranges over the seeds at each objective's default learning rate."""
    default = [
        m
        for m in in_batch_report["measurements"]
        if (m["corrected"], m["epochs"], m["lr"]) == (False, EPOCHS, IN_BATCH_LR)
    ]
    rows = objective_rows(report["measurements"]) + objective_rows(default)
    return markdown_table(["objective", "lr", "seeds", *SCORE_NAMES.values()], rows)


def noise(*reports: Report) -> str:
    """Render the scores with other noise distributions, on two corpora."""
    rows = []
    for report in reports:
        corpus = report["command"].split()[2]
        exponent = f"{report['settings'].get('noise_exponent', 0.75):g}"
        rows += [[name, exponent, *cells, corpus] for name, *cells in objective_rows(report["measurements"])]
    rows.sort(key=lambda row: row[-1], reverse=True)
    return markdown_table(["objective", "noise exponent", "lr", "seeds", *SCORE_NAMES.values(), "corpus"], rows)


def learning_rates(report: Report) -> str:
    """Render the three scores at each multiple of the initial guess of an objective's learning rate."""
    found: dict[str, list[str]] = defaultdict(list)
    for m in report["measurements"]:
        found[m["objective"]].append(f"{m['lr']:g}: " + " / ".join(number(m[name], 1, 100) for name in SCORES))
    header = ["lr: WordSim-353 / SimLex-999 / analogies", "x 0.25", "x 0.5", "x 1", "x 2"]
    return markdown_table(header, [[name, *cells] for name, cells in found.items()])


def in_batch(report: Report) -> str:
    """Render the scores by learning rate and correction of in-batch softmax."""
    rows = [
        ["yes" if m["corrected"] else "no", str(m["epochs"]), f"{m['lr']:g}"]
        + [number(m[name], 1, 100) for name in SCORES]
        + [number(m.get("mean_length"), 2)]
        for m in report["measurements"]
    ]
    header = ["corrected by log q", "epochs", "lr", *SCORE_NAMES.values(), "length of the mean vector"]
    return markdown_table(header, rows)
