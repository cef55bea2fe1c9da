"""Measure training with several processes: quality, traffic and time.

    python evaluation/distributed.py train CORPUS [--ranks 1,2,4,8] [--sync-every 1000000] [--seeds 1] [--set KEY=VALUE]
    python evaluation/distributed.py cost [--words 100000,1000000] [--dims 100,300] [--ranks 2]

`train` trains with torchrun on this machine, one thread per process, for each number of processes and of words between
two averagings. With more processes than cores, only quality and traffic are meaningful. `cost` times one averaging of
tables in which every row has changed, the worst case, while nothing is trained. Both print a table and write a JSON
file.
"""

import argparse
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from common import (
    RESULTS,
    HelpFormatter,
    comma_separated,
    positive,
    report_header,
    score_vectors,
    setting,
    with_range,
    write_json,
)
from renderers.distributed import averaging_cost, distributed_runs, speedups

AVERAGED = re.compile(r"processes averaged (\d+) times so far: ([\d,]+) bytes per process, ([\d,.]+) s")
REPEATS = 3


def torchrun(ranks: int, *arguments: str) -> str:
    """Run a command in several processes; returns their stderr."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}", *arguments]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stderr


def train_once(corpus: str, ranks: int, sync_every: int, seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Train once and score the vectors."""
    from word2vec import WordVectors

    settings = {"threads": 1, "validation": 0, "sync-every": sync_every, "seed": seed, **settings}
    options = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    with tempfile.TemporaryDirectory() as folder:
        log = torchrun(ranks, "-m", "word2vec", "train", corpus, "--output", folder, *options)
        vectors = WordVectors.load(Path(folder))
        last = json.loads((Path(folder) / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    *_, (rounds, sent, seconds) = [("0", "0", "0"), *AVERAGED.findall(log)]
    return {
        "ranks": ranks,
        "sync_every": sync_every,
        "seed": seed,
        "words_per_second": last["words_per_second"],
        "loss": last["loss"],
        **score_vectors(vectors),
        "averaged": int(rounds),
        "bytes": int(sent.replace(",", "")),
        "averaging_seconds": float(seconds.replace(",", "")),
    }


def average_table(words: int, dim: int) -> None:
    """Run one rank of `cost` under torchrun: average a table and print the seconds and bytes as JSON."""
    import torch

    from word2vec.training.distributed.process_group import join_process_group
    from word2vec.training.distributed.rounds import exchange_rows
    from word2vec.training.distributed.shared_rows import send_buffer, shared_rows

    with join_process_group("cpu") as group:
        table = torch.zeros(words, dim)
        rows, seconds, sent = shared_rows(table, words), [], 0
        buffer = send_buffer([rows])
        for _ in range(1 + REPEATS):
            table += 1
            group.wait()
            start = time.perf_counter()
            rows.snapshot(words)
            [(changed, total)], sent = exchange_rows(group, [rows], buffer)
            rows.apply(changed, total)
            seconds.append(time.perf_counter() - start)
        if group.first:
            print(json.dumps([min(seconds[1:]), sent]), file=sys.stderr)


def measure_cost(words: int, dim: int, ranks: int) -> dict[str, Any]:
    """Seconds and bytes of averaging both tables."""
    log = torchrun(ranks, __file__, "rank", str(words), str(dim))
    seconds, sent = json.loads(log.strip().splitlines()[-1])
    return {"words": words, "dim": dim, "ranks": ranks, "seconds": 2 * seconds, "bytes": 2 * sent}


def trainings(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield all trainings of the subcommand `train`, one after the other."""
    for seed, ranks in itertools.product(range(1, options.seeds + 1), map(int, options.ranks)):
        for sync_every in map(int, options.sync_every if ranks > 1 else options.sync_every[:1]):
            yield train_once(options.corpus, ranks, sync_every, seed, dict(options.set))


def costs(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield all measurements of the subcommand `cost`, one after the other."""
    for size in itertools.product(options.words, options.dims, options.ranks):
        yield measure_cost(*map(int, size))


def speedup_lines(measured: Sequence[dict[str, Any]]) -> list[str]:
    """Return the speed relative to one process with the same seed, a line for each setting."""
    return [
        f"{ranks} processes, --sync-every {sync_every:,}: {with_range(ratios, 2)} times as fast as one"
        for (ranks, sync_every), ratios in speedups(measured).items()
    ]


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options; see --help."""
    style = HelpFormatter
    parser = argparse.ArgumentParser(
        prog="distributed.py",
        description="Measure training with several processes on this machine: quality, traffic and time. A training on "
        "17 million words takes about 20 seconds and its scores a few more; `cost` takes a minute.",
        formatter_class=style,
    )
    parser.add_argument("--output", type=Path, default=RESULTS / "distributed.json", help="JSON file to write")
    works = parser.add_subparsers(dest="work", required=True)
    add = works.add_parser("train", help="train and score", formatter_class=style).add_argument
    add("corpus", help="corpus, as for `word2vec train`")
    add("--ranks", type=comma_separated(), default="1,2,4,8", help="numbers of processes")
    add("--sync-every", type=comma_separated(), default="1000000", help="numbers of words between two averagings")
    add("--seeds", type=positive, default=1, help="number of seeds")
    add("--set", type=setting, action="append", default=[], metavar="KEY=VALUE", help="another setting of TrainConfig")
    add = works.add_parser("cost", help="time the averaging of tables", formatter_class=style).add_argument
    add("--words", type=comma_separated(), default="100000,1000000", help="numbers of rows of a table")
    add("--dims", type=comma_separated(), default="100,300", help="dimensions")
    add("--ranks", type=comma_separated(), default="2", help="numbers of processes")
    add = works.add_parser("rank", help="one process of `cost`; for internal use").add_argument
    add("words", type=int)
    add("dim", type=int)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; returns the exit code."""
    options = parse_arguments(arguments)
    if options.work == "rank":
        average_table(options.words, options.dim)
        return 0
    measured: list[dict[str, Any]] = []
    report = report_header("distributed.py", arguments) | {"measurements": measured}
    for result in trainings(options) if options.work == "train" else costs(options):
        print(result, file=sys.stderr)
        measured.append(result)
        write_json(options.output, report)
    if options.work == "cost":
        print(averaging_cost(report))
    else:
        print(distributed_runs(measured), *speedup_lines(measured), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
