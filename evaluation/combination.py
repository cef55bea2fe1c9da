"""Measure what combining the vectors of several runs gains, and the members of the preset `best`.

    for seed in 1 2 3; do word2vec train data/wiki8 --preset quality --seed $seed --output runs/quality-$seed; done
    word2vec train data/wiki8 --preset quality --lr 0.05 --output runs/lr-1
    word2vec train data/wiki8 --preset quality --subsample 1e-5 --epochs 20 --output runs/rare-1
    python evaluation/combination.py --members runs/quality-{1,2,3} --members runs/{quality,lr,rare}-1 \
        --output combination-wiki8.json

Each list of members is combined to 300 dimensions, with and without the output tables, and scored plain and refined; a
list of one run is scored as it is. This takes about half a minute per list and weight. Names of runs end in a number:
lists that differ only in these numbers are repetitions.
"""

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import HelpFormatter, report_header, write_json
from refinement import score

from word2vec import WordVectors, combine


def measure(paths: Sequence[Path], output_weight: float) -> list[dict[str, Any]]:
    """Score the combination of some runs, plain and refined."""
    members = [WordVectors.load(path) for path in paths]
    plain = members[0] if len(members) == 1 else combine(members, output_weight=output_weight)
    scored = {"plain": score(plain)}
    scored["refined"] = score(plain.refine(output_weight=output_weight if len(members) == 1 else 0))
    names = [path.name for path in paths]
    return [
        {"members": names, "output_weight": output_weight, "label": label, "scores": scores}
        for label, scores in scored.items()
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("--members", nargs="+", type=Path, metavar="RUN", action="append", required=True)
    parser.add_argument("--output-weights", nargs="+", type=float, metavar="X", default=[0.0, 0.25])
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.json", help="result file to write")
    options = parser.parse_args(arguments)
    report = report_header("combination.py", sys.argv[1:] if arguments is None else arguments)
    measurements: list[dict[str, Any]] = []
    for paths, weight in itertools.product(options.members, options.output_weights):
        for measured in measure(paths, weight):
            measurements.append(measured)
            shown = {name: round(100 * each[0], 1) for name, each in measured["scores"].items()}
            print(measured["members"], weight, measured["label"], shown, flush=True)
        write_json(options.output, report | {"measurements": measurements})


if __name__ == "__main__":
    main()
