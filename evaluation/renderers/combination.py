"""Tables of combination.py: scores of combined vectors."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from common import Report, markdown_table, with_range

from renderers.refinement import MEASURES

NAMES = {
    "lr": "lr 0.05",
    "rare": "subsample 1e-5 and 20 epochs",
}
"""The changes of the preset quality that the names of runs stand for, without the number at their ends."""

Measurement = Mapping[str, Any]


def combination(report: Report) -> str:
    """Render the scores x 100 by members: medians and ranges over repetitions."""
    return _render(report, {"members": lambda each: _name(each["members"]), "vectors": lambda each: str(each["label"])})


def settings(report: Report) -> str:
    """Render the scores x 100 of refined vectors by dimension and weight of the output tables."""
    refined = [each for each in report["measurements"] if each["label"] == "refined"]
    return _render(
        {"measurements": refined},
        {"dimension": lambda each: str(each["dim"]), "output weight": lambda each: f"{each['output_weight']:g}"},
    )


def _render(report: Report, columns: Mapping[str, Callable[[Measurement], str]]) -> str:
    groups: dict[tuple[str, ...], list[Measurement]] = {}
    for each in report["measurements"]:
        groups.setdefault(tuple(column(each) for column in columns.values()), []).append(each)
    rows = [
        [*key, *(with_range([each["scores"][measure][0] for each in group], 1, 100) for measure in MEASURES)]
        for key, group in groups.items()
    ]
    return markdown_table([*columns, *MEASURES.values()], rows)


def _name(members: list[str]) -> str:
    """Return what the members are, such as "quality + 2 x lr 0.05"."""
    kinds = [NAMES.get(kind, kind) for kind in (re.sub(r"-\d+$", "", member) for member in members)]
    times = {kind: kinds.count(kind) for kind in kinds}
    return " + ".join(kind if number == 1 else f"{number} x {kind}" for kind, number in times.items())
