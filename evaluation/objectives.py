"""Compare the objectives on one text at several learning rates; their defaults were chosen with this script.

    python evaluation/objectives.py CORPUS [--objectives ranknet,warp] [--rates 0.5,1,2] [--seeds 1] [--set KEY=VALUE]

Trains each objective at multiples of its default learning rate, with each seed, and scores the vectors on word
similarity and analogies. Prints a table of the means and writes every measurement to a JSON file, again after each one.
On wiki8 and two cores, a training run with its scores takes about 20 seconds; in-batch softmax takes half an hour.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import (
    RESULTS,
    SCORE_NAMES,
    HelpFormatter,
    comma_separated,
    markdown_table,
    positive,
    report_header,
    score_vectors,
    setting,
    write_json,
)
from renderers.objectives import objective_rows

from word2vec import LOSSES, TrainConfig, train
from word2vec.config import make_config

SETTINGS: dict[str, Any] = {"subsample": 1e-4, "validation": 0.0}


def measure(config: TrainConfig) -> dict[str, Any]:
    """Train once and score the vectors."""
    start = time.perf_counter()
    vectors = train(config)
    seconds = time.perf_counter() - start
    run = {"objective": config.objective, "lr": config.lr, "seed": config.seed, "seconds": seconds}
    return run | score_vectors(vectors)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options; see --help."""
    parser = argparse.ArgumentParser(
        prog="objectives.py",
        description="Compare the objectives on one text: scores at multiples of their default learning rates. A "
        "training on 17 million words takes about 20 seconds on two cores, and half an hour with in-batch softmax.",
        formatter_class=HelpFormatter,
    )
    add = parser.add_argument
    add("corpus", help="corpus, as for `word2vec train`")
    add("--objectives", type=comma_separated(list(LOSSES)), default=",".join(LOSSES), help="objectives to train")
    add("--rates", type=comma_separated(), default="1", help="multiples of the default learning rates")
    add("--seeds", type=positive, default=1, help="number of seeds")
    add("--set", type=setting, action="append", default=[], metavar="KEY=VALUE", help="another setting of TrainConfig")
    add("--output", type=Path, default=RESULTS / "objectives.json", help="JSON file to write")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Train, score, print, write; returns the exit code."""
    options = parse_arguments(arguments)
    settings = SETTINGS | dict(options.set)
    measured: list[dict[str, Any]] = []
    report = report_header("objectives.py", arguments) | {"settings": settings, "measurements": measured}
    seeds = range(1, options.seeds + 1)
    for objective, rate, seed in itertools.product(options.objectives, options.rates, seeds):
        lr = LOSSES[objective].default_lr * float(rate)
        run = {"corpus": [options.corpus], "objective": objective, "lr": lr, "seed": seed}
        measured.append(measure(make_config(settings, run)))
        write_json(options.output, report)
        print(measured[-1], file=sys.stderr)
    print(markdown_table(["objective", "lr", "seeds", *SCORE_NAMES.values()], objective_rows(measured)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
