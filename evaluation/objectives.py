"""All objectives on one text, at several learning rates: what their defaults were chosen by.

    python evaluation/objectives.py CORPUS [--objectives ranknet,warp] [--rates 0.5,1,2] [--seeds 1] [--set KEY=VALUE]

Trains each objective at multiples of its default learning rate, with as many seeds as asked for, and scores the vectors
on word similarity and analogies, all by the package itself. Prints a table of the means and writes every measurement to
a JSON file, anew after each one.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from compare import comma_separated, commit, hardware, positive, shown_command, versions, write_atomically
from peers import HERE, RESTRICT
from summary import markdown_table

from word2vec import TrainConfig, evaluate_analogies, evaluate_similarity, train
from word2vec.config import make_config
from word2vec.losses import LOSSES

SETTINGS: dict[str, Any] = {"subsample": 1e-4}


@dataclass(frozen=True)
class Measured:
    """One training."""

    objective: str
    lr: float
    seed: int
    seconds: float
    wordsim353: float
    simlex999: float
    analogies: float


def measure(config: TrainConfig) -> Measured:
    """Train and score."""
    start = time.perf_counter()
    vectors = train(config)
    seconds = time.perf_counter() - start
    pairs = {name: evaluate_similarity(vectors, name, bootstrap=0).spearman for name in ("wordsim353", "simlex999")}
    analogies = evaluate_analogies(vectors, "questions-words", restrict=RESTRICT).accuracy
    assert config.lr is not None
    return Measured(config.objective, config.lr, config.seed, seconds, analogies=analogies, **pairs)


def table(measured: Sequence[Measured]) -> str:
    """Means over the seeds, x 100, in the order of measurement."""
    rows = []
    for objective, lr in dict.fromkeys((each.objective, each.lr) for each in measured):
        same = [each for each in measured if (each.objective, each.lr) == (objective, lr)]
        scores = zip(*((each.wordsim353, each.simlex999, each.analogies) for each in same), strict=True)
        rows.append([objective, f"{lr:g}", str(len(same)), *(f"{100 * statistics.fmean(each):.1f}" for each in scores)])
    return markdown_table(["objective", "lr", "seeds", "WordSim-353", "SimLex-999", "analogies"], rows)


def setting(text: str) -> tuple[str, Any]:
    """A setting of TrainConfig as KEY=VALUE."""
    name, _, value = text.partition("=")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


def main(arguments: Sequence[str]) -> int:
    """Train, score, print, write; returns the exit code."""
    parser = argparse.ArgumentParser(prog="objectives.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("corpus", help="as `word2vec train` takes it")
    parser.add_argument("--objectives", type=comma_separated(list(LOSSES)), default=list(LOSSES), help="which")
    parser.add_argument("--rates", type=comma_separated(), default=["1"], help="multiples of the default learning rate")
    parser.add_argument("--seeds", type=positive, default=1, help="how many")
    parser.add_argument("--set", type=setting, action="append", default=[], help="other settings, as KEY=VALUE")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "objectives.json")
    options = parser.parse_args(arguments)
    settings = SETTINGS | dict(options.set)
    report: dict[str, object] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shown_command(arguments, "objectives.py"),
        "commit": commit(),
        "hardware": hardware("cpu"),
        "versions": versions(),
        "settings": settings,
    }
    measured: list[Measured] = []
    for objective in options.objectives:
        for rate in options.rates:
            for seed in range(1, options.seeds + 1):
                lr = LOSSES[objective].default_lr * float(rate)
                own = {"corpus": [options.corpus], "objective": objective, "lr": lr, "seed": seed}
                measured.append(measure(make_config(settings, own)))
                report["measurements"] = [asdict(each) for each in measured]
                write_atomically(options.output, report)
                print(measured[-1], file=sys.stderr)
    print(table(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
