"""Table of combination.py: scores of combined vectors."""

import re
from typing import Any

from common import Report, markdown_table, with_range

from renderers.refinement import MEASURES

NAMES = {
    "quality": "preset quality",
    "lr": "with --lr 0.05",
    "rare": "with --subsample 1e-5, 20 epochs",
}
"""What the names of runs stand for, without the number at their ends."""


def combination(report: Report) -> str:
    """Render the scores x 100: medians and ranges over repetitions."""
    groups: dict[tuple[str, float, str], list[dict[str, Any]]] = {}
    for each in report["measurements"]:
        groups.setdefault((_name(each["members"]), each["output_weight"], each["label"]), []).append(each)
    rows = [
        [
            name,
            f"{weight:g}",
            label,
            *(with_range([each["scores"][measure][0] for each in group], 1, 100) for measure in MEASURES),
        ]
        for (name, weight, label), group in groups.items()
        if label == "refined" or weight == 0 or " + " in name or " seeds" in name  # else the weight does not matter
    ]
    return markdown_table(["members", "output weight", "vectors", *MEASURES.values()], rows)


def _name(members: list[str]) -> str:
    kinds = [re.sub(r"-\d+$", "", member) for member in members]
    shown = {kind: NAMES.get(kind, kind) for kind in kinds}
    if len(shown) == 1 < len(kinds):
        return f"{shown[kinds[0]]}, {len(kinds)} seeds"
    return " + ".join(shown.values())
