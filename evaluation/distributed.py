"""What training on several processes costs: quality, traffic and time.

    python evaluation/distributed.py train CORPUS [--ranks 1,2,4,8] [--sync-every 1000000] [--seeds 1] [--set KEY=VALUE]
    python evaluation/distributed.py cost [--words 100000,1000000] [--dims 100,300] [--ranks 2]

`train` trains with torchrun on this machine, one thread a process, for each number of processes and of words between
two averagings; processes may be more than the cores, and then only quality and traffic say something. `cost` times one
averaging of tables of which every row has changed, the most that it can be, while nothing is trained. Both print a
table and write a JSON file.
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
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from compare import comma_separated, commit, hardware, positive, shown_command, versions, write_atomically
from objectives import setting
from peers import HERE, RESTRICT
from summary import markdown_table, with_range

from word2vec import WordVectors, evaluate_analogies, evaluate_similarity

AVERAGED = re.compile(r"processes averaged (\d+) times: ([\d,]+) bytes a process, ([\d,.]+) s")
REPEATS = 3


def torchrun(ranks: int, *arguments: str) -> str:
    """Start so many processes; returns what they wrote to stderr."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}", *arguments]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stderr


def trained(corpus: str, ranks: int, sync_every: int, seed: int, others: dict[str, Any]) -> dict[str, Any]:
    """Train once and score."""
    settings = {"threads": 1, "sync-every": sync_every, "seed": seed, **others}
    options = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    with tempfile.TemporaryDirectory() as folder:
        log = torchrun(ranks, "-m", "word2vec", "train", corpus, "--output", folder, *options)
        vectors = WordVectors.load(Path(folder))
        last = json.loads((Path(folder) / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    scores = {name: evaluate_similarity(vectors, name, bootstrap=0).spearman for name in ("wordsim353", "simlex999")}
    scores["analogies"] = evaluate_analogies(vectors, "questions-words", restrict=RESTRICT).accuracy
    found = AVERAGED.search(log)
    times, sent, seconds = found.groups() if found else ("0", "0", "0")
    return {
        "ranks": ranks,
        "sync_every": sync_every,
        "seed": seed,
        "words_per_second": last["words_per_second"],
        "loss": last["loss"],
        **scores,
        "averaged": int(times),
        "bytes": int(sent.replace(",", "")),
        "averaging_seconds": float(seconds.replace(",", "")),
    }


def time_averaging(words: int, dim: int) -> None:
    """Of this rank, one of those that torchrun started: average a table; prints seconds and bytes as JSON."""
    from word2vec.training.distributed.averaging import exchange
    from word2vec.training.distributed.process_group import joined
    from word2vec.training.distributed.shared_rows import room_to_send, shared_rows

    with joined("cpu") as ranks:
        table = torch.zeros(words, dim)
        rows, seconds, sent = shared_rows(table, words), [], 0
        room = room_to_send([rows])
        for _ in range(1 + REPEATS):
            table += 1
            ranks.wait()
            begun = time.perf_counter()
            rows.take(words)
            [(moved, total)], sent = exchange(ranks, [rows], room)
            rows.move(moved, total)
            seconds.append(time.perf_counter() - begun)
        if ranks.first:
            print(json.dumps([min(seconds[1:]), sent]), file=sys.stderr)


def cost(words: int, dim: int, ranks: int) -> dict[str, Any]:
    """Seconds and bytes of averaging both tables."""
    log = torchrun(ranks, __file__, "rank", str(words), str(dim))
    seconds, sent = json.loads(log.strip().splitlines()[-1])
    return {"words": words, "dim": dim, "ranks": ranks, "seconds": 2 * seconds, "bytes": 2 * sent}


def training_table(measured: Sequence[dict[str, Any]]) -> str:
    """A row a run."""
    header = ["processes", "--sync-every", "seed", "WordSim-353", "SimLex-999", "analogies", "loss", "rounds",
              "MB a round", "MB in all", "words/s", "averaging s"]  # fmt: skip
    rows = [
        [str(m["ranks"]), f"{m['sync_every']:,}" if m["averaged"] else "-", str(m["seed"])]
        + [f"{100 * m[name]:.1f}" for name in ("wordsim353", "simlex999", "analogies")]
        + [f"{m['loss']:.3f}", str(m["averaged"]), f"{m['bytes'] / 1e6 / max(m['averaged'], 1):.1f}"]
        + [f"{m['bytes'] / 1e6:,.0f}", f"{m['words_per_second']:,.0f}", f"{m['averaging_seconds']:.1f}"]
        for m in measured
    ]
    return markdown_table(header, rows)


def speedups(measured: Sequence[dict[str, Any]]) -> list[str]:
    """How many times as fast as one process several were that had the same seed: a line for each setting."""
    alone = {m["seed"]: m["words_per_second"] for m in measured if m["ranks"] == 1}
    ratios: dict[tuple[int, int], list[float]] = defaultdict(list)
    for m in measured:
        if m["ranks"] > 1 and m["seed"] in alone:
            ratios[m["ranks"], m["sync_every"]].append(m["words_per_second"] / alone[m["seed"]])
    return [
        f"{ranks} processes, --sync-every {sync_every:,}: {with_range(found, 2)} times as fast as one"
        for (ranks, sync_every), found in ratios.items()
    ]


def cost_table(measured: Sequence[dict[str, Any]]) -> str:
    """A row a size."""
    rows = [
        [f"{m['words']:,}", str(m["dim"]), str(m["ranks"]), f"{m['bytes'] / 1e6:,.0f}", f"{m['seconds']:.2f}"]
        for m in measured
    ]
    return markdown_table(["words", "dimensions", "processes", "MB", "seconds"], rows)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; returns the exit code."""
    parser = argparse.ArgumentParser(prog="distributed.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=HERE / "results" / "distributed.json")
    works = parser.add_subparsers(dest="work", required=True)
    training = works.add_parser("train")
    training.add_argument("corpus", help="as `word2vec train` takes it")
    training.add_argument("--ranks", type=comma_separated(), default=["1", "2", "4", "8"])
    training.add_argument("--sync-every", type=comma_separated(), default=["1000000"])
    training.add_argument("--seeds", type=positive, default=1, help="how many")
    training.add_argument("--set", type=setting, action="append", default=[], help="other settings, as KEY=VALUE")
    sizes = works.add_parser("cost")
    sizes.add_argument("--words", type=comma_separated(), default=["100000", "1000000"])
    sizes.add_argument("--dims", type=comma_separated(), default=["100", "300"])
    sizes.add_argument("--ranks", type=comma_separated(), default=["2"])
    one = works.add_parser("rank")
    one.add_argument("words", type=int)
    one.add_argument("dim", type=int)
    options = parser.parse_args(arguments)
    if options.work == "rank":
        time_averaging(options.words, options.dim)
        return 0
    measured: list[dict[str, Any]] = []
    for result in trainings(options) if options.work == "train" else costs(options):
        print(result, file=sys.stderr)
        measured.append(result)
        report: dict[str, object] = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": shown_command(arguments, "distributed.py"),
            "commit": commit(),
            "hardware": hardware("cpu"),
            "versions": versions(),
            "measurements": measured,
        }
        write_atomically(options.output, report)
    print((training_table if options.work == "train" else cost_table)(measured))
    for line in speedups(measured) if options.work == "train" else []:
        print(line)
    return 0


def trainings(options: argparse.Namespace) -> Any:
    """All that `train` was asked for, one after the other."""
    for seed, ranks in itertools.product(range(1, options.seeds + 1), map(int, options.ranks)):
        for sync_every in map(int, options.sync_every if ranks > 1 else options.sync_every[:1]):
            yield trained(options.corpus, ranks, sync_every, seed, dict(options.set))


def costs(options: argparse.Namespace) -> Any:
    """All that `cost` was asked for, one after the other."""
    for size in itertools.product(options.words, options.dims, options.ranks):
        yield cost(*map(int, size))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
