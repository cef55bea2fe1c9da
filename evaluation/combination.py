"""Measure what combining the vectors of several runs gains, and the members of the preset `best`.

    for seed in 1 2 3; do word2vec train data/wiki8 --preset quality --seed $seed --output runs/quality-$seed; done
    for seed in 1 2; do word2vec train data/wiki8 --preset quality --lr 0.05 --seed $seed --output runs/lr-$seed; done
    python evaluation/combination.py --members runs/quality-{1,2,3} --members runs/quality-1 runs/lr-{1,2} \
        --output combination-wiki8.json

Each list of members is combined and scored plain and refined; a list of one run is scored as it is, and refined with
the default settings. This takes about half a minute per list, dimension and weight. Names of runs end in a number:
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
from word2vec.vectors.combination import DEFAULT_DIM, OUTPUT_WEIGHT


def measure(paths: Sequence[Path], dim: int, output_weight: float) -> list[dict[str, Any]]:
    """Score the combination of some runs, plain and refined."""
    members = [WordVectors.load(path) for path in paths]
    names = [path.name for path in paths]
    if len(members) == 1:
        settings: dict[str, Any] = {"members": names}
        plain = members[0]
    else:
        settings = {"members": names, "dim": dim, "output_weight": output_weight}
        plain = combine(members, dim, output_weight=output_weight)
    scores = {"plain": score(plain), "refined": score(plain.refine())}
    return [settings | {"label": label, "scores": each} for label, each in scores.items()]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("--members", nargs="+", type=Path, metavar="RUN", action="append", required=True)
    parser.add_argument("--dims", nargs="+", type=int, metavar="N", default=[DEFAULT_DIM])
    parser.add_argument("--output-weights", nargs="+", type=float, metavar="X", default=[OUTPUT_WEIGHT])
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.json", help="result file to write")
    options = parser.parse_args(arguments)
    report = report_header("combination.py", sys.argv[1:] if arguments is None else arguments)
    measurements: list[dict[str, Any]] = []
    for dim, weight, paths in itertools.product(options.dims, options.output_weights, options.members):
        for measured in measure(paths, dim, weight):
            measurements.append(measured)
            shown = {name: round(100 * each[0], 1) for name, each in measured["scores"].items()}
            print(measured["members"], dim, weight, measured["label"], shown, flush=True)
        write_json(options.output, report | {"measurements": measurements})


if __name__ == "__main__":
    main()
