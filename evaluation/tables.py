"""Render the tables of README.md, evaluation/*.md and docs/*.md from the JSON files in evaluation/results/.

    python evaluation/tables.py            # rewrite every table in place
    python evaluation/tables.py --check    # exit code 1 and one line for each stale table; writes nothing

A table is placed in a Markdown file by a pair of markers, each on a separate line:

    <!-- table: headline -->
    <!-- /table -->

The text between them is replaced by the table of that name in TABLES and, below it, one line for each result file: the
command that reproduces it, the hardware, the date and the commit. The scripts that measure print the same tables.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from common import RESULTS, ROOT, Report
from renderers import (
    combination,
    compare,
    distributed,
    drift,
    kernels,
    large_text,
    nearest_neighbors,
    objectives,
    recommendation,
    refinement,
    sequences,
    sharing,
)

FILES = ("README.md", "evaluation/*.md", "docs/*.md")
MARKER = re.compile(r"^<!-- table: (\S+) -->\n(.*?)^<!-- /table -->$", re.MULTILINE | re.DOTALL)
OPENING = re.compile(r"^<!-- table: .*$", re.MULTILINE)


class TableError(Exception):
    """A marker in a Markdown file is invalid; the message is one line."""


TABLES: dict[str, tuple[Callable[..., str], tuple[str, ...]]] = {
    "headline": (compare.headline, ("wiki8-fused-2-cores", "wiki8-preset-2-cores")),
    "processors": (
        compare.processors,
        ("wiki8-fused-2-cores", "wiki8-zen4-2-cores", "wiki8-zen4-avx2-2-cores", "wiki8-avx2-2-cores"),
    ),
    "training": (compare.training, ("wiki8-fused-2-cores",)),
    "dimensions": (compare.training, ("wiki8-300d-2-cores",)),
    "peers": (compare.peers, ("wiki8-fused-2-cores", "wiki8-2-cores", "wiki8-earlier-2-cores")),
    "presets": (
        compare.presets,
        ("wiki8-preset-2-cores", "wiki8-fused-2-cores", "wiki8-gensim-t1e-4-2-cores", "wiki8-gensim-window15-2-cores"),
    ),
    "models": (compare.models, ("models-cbow-wiki8", "models-tree-wiki8", "models-subwords-wiki8")),
    "indexing": (compare.indexing, ("wiki8-indexing-2-cores",)),
    "sharing": (sharing.sharing, ("sharing",)),
    "large-text": (large_text.large_text, ("large-text",)),
    "nearest-neighbors": (nearest_neighbors.nearest_neighbors, ("nearest-neighbors",)),
    "objectives": (objectives.objectives, ("objectives-wiki8", "in-batch-softmax-wiki8")),
    "objective-speeds": (compare.objective_speeds, ("wiki8-objectives-speed-2-cores",)),
    "learning-rates": (objectives.learning_rates, ("learning-rates-wiki8",)),
    "in-batch": (objectives.in_batch, ("in-batch-softmax-wiki8",)),
    "noise": (objectives.noise, ("objectives-flat-noise", "objectives-noise-exponent-wiki8")),
    "refinement": (refinement.refinement, ("refinement-wiki8",)),
    "refinement-settings": (refinement.ablations, ("refinement-wiki8",)),
    "refinement-sizes": (refinement.sizes, ("refinement-sizes", "refinement-wiki8")),
    "refinement-size-settings": (refinement.size_ablations, ("refinement-sizes", "refinement-wiki8")),
    "refinement-unknown": (refinement.unknown, ("refinement-sizes", "refinement-wiki8")),
    "refinement-reference": (refinement.reference, ("refinement-reference",)),
    "refinement-reference-settings": (refinement.reference_ablations, ("refinement-reference",)),
    "refinement-chosen": (refinement.chosen, ("refinement-chosen-wiki8",)),
    "refinement-spelling": (refinement.spelling, ("refinement-wiki8",)),
    "refinement-neighbors": (refinement.examples, ("refinement-wiki8",)),
    "combination": (combination.combination, ("combination-wiki8",)),
    "combination-settings": (combination.settings, ("combination-settings-wiki8",)),
    "drift": (drift.drift, ("drift-wiki8",)),
    "recommendation": (recommendation.recommendation, ("recommendation",)),
    "scaling": (kernels.scaling, ("scaling",)),
    "distributed": (
        distributed.distributed,
        (
            "distributed-wiki8",
            "distributed-wiki8-repeated",
            "distributed-wiki8-rounds",
            "distributed-wiki8-often",
            "distributed-wiki8-4-and-8",
        ),
    ),
    "averaging-cost": (distributed.averaging_cost, ("distributed-cost",)),
    "projection": (distributed.projection, ("distributed-wiki8", "distributed-wiki8-rounds", "distributed-cost")),
    "deepwalk": (sequences.deepwalk, ("deepwalk",)),
    "deepwalk-speed": (sequences.deepwalk_speed, ("deepwalk-speed",)),
    "sessions": (sequences.sessions, ("sessions",)),
    "session-settings": (sequences.session_settings, ("sessions",)),
}
"""Each table by its name: the function that renders it, and the files in results/ that it takes, in order."""


def load_reports(names: Sequence[str]) -> list[Report]:
    """Return the reports in files of results/; a file holds one report or a list of them."""
    reports: list[Report] = []
    for name in names:
        document = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
        reports += document if isinstance(document, list) else [document]
    return reports


def source_lines(reports: Sequence[Report]) -> list[str]:
    """Return where a table comes from, one line for all reports that differ only in their command.

    A line has the commands, the hardware with its instruction set, the date, the commit, and a note if there is one.
    """
    commands: dict[str, list[str]] = {}
    for report in reports:
        machine, commit = report["hardware"], report.get("commit", "")
        facts = [
            ", ".join(
                [
                    *filter(None, [machine.get("gpu"), machine["cpu"]]),
                    f"{machine['cores']} cores",
                    machine.get("instruction_set", "instruction set not recorded"),
                ]
            ),
            report["date"][:10] + (f", commit `{commit[:7]}`" if commit else ""),
            report.get("note", ""),
        ]
        command = re.sub(r"^(python .*?) --output[= ]\S+", r"\1", report["command"])
        commands.setdefault("; ".join(filter(None, facts)), []).append(f"`{command}`")
    return [f"- {', '.join(dict.fromkeys(found))}; {facts}" for facts, found in commands.items()]


def render(name: str) -> str:
    """Return a table with its sources, as it goes between the markers.

    Raises:
        TableError: There is no table of this name.
    """
    if name not in TABLES:
        raise TableError(f"unknown table {name!r}; the tables are {', '.join(TABLES)}")
    renderer, files = TABLES[name]
    reports = load_reports(files)
    return "\n".join(["", renderer(*reports), "", *source_lines(reports), "", ""])


def update(text: str) -> tuple[str, list[str]]:
    """Replace every table in a Markdown text; returns the new text and the names of the tables that were stale.

    Raises:
        TableError: A marker has no closing marker, or names no table.
    """
    stale: list[str] = []

    def replace(match: re.Match[str]) -> str:
        name, body = match.groups()
        if OPENING.search(body):
            raise TableError(f"table {name!r} has no closing marker; add a line <!-- /table -->")
        rendered = render(name)
        if body != rendered:
            stale.append(name)
        return f"<!-- table: {name} -->\n{rendered}<!-- /table -->"

    if len(OPENING.findall(text)) != len(re.findall(r"^<!-- /table -->$", text, re.MULTILINE)):
        raise TableError(
            "the markers <!-- table: NAME --> and <!-- /table --> do not come in pairs; add the missing one"
        )
    return MARKER.sub(replace, text), stale


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Update or check every table; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="tables.py",
        description="Render the tables of the documentation from evaluation/results/. Takes a second.",
        epilog=f"Tables: {', '.join(TABLES)}.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; list stale tables and exit with code 1")
    options = parser.parse_args(arguments)
    failed = False
    for path in sorted(path for pattern in FILES for path in root.glob(pattern)):
        place = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        try:
            updated, stale = update(text)
        except TableError as error:
            print(f"{place}: {error}", file=sys.stderr)
            failed = True
            continue
        for name in stale:
            print(
                f"{place}: table {name!r} {'is stale; run `make tables`' if options.check else 'updated'}",
                file=sys.stderr,
            )
        failed |= bool(stale) and options.check
        if stale and not options.check:
            path.write_text(updated, encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
