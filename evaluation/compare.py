"""Compare this package with gensim, fastText and typical tutorial code on one text.

    python evaluation/compare.py [CORPUS] [--rounds 3] [--quality] [--systems ours,gensim] [--output FILE.json]

Each measurement runs in its own process, with an empty cache for the indexed corpus, and the systems alternate within
each round (a repetition with another seed), so that a machine that slows down halfway slows down all of them. Ratios
are computed within each round; the tables show their median over the rounds. The tables are printed to stdout. Every
individual measurement is written to a JSON file, which is updated after each one.

Three rounds of this package and gensim on wiki8 take about 15 minutes on two cores, one round of fastText about ten.
The worker processes are in peers.py, the tables in renderers/compare.py.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# subtle: import nothing large here; see common.py
from common import (
    HERE,
    RESULTS,
    ROOT,
    HelpFormatter,
    comma_separated,
    median,
    number,
    positive,
    report_header,
    write_json,
)
from peers import TUTORIAL_BATCH, TUTORIAL_WARM_UP, Figures, Job, is_compressed
from renderers.compare import indexing_table, training_table

TEXT8 = ROOT / "data" / "text8"
MIN_COUNT = 5
LOG_LINES = 15  # of a failed process, shown to the user
QUIET_CORES = 0.1  # what the services of an idle system may use while a measurement runs


@dataclass(frozen=True)
class Task:
    """One row of a table: a system, and the work that its process does."""

    label: str
    work: str
    objective: str = ""
    needs: str = ""
    """The package that has to be installed."""
    preset: str = ""
    """The preset of this package, which then replaces the settings shared by all systems."""
    options: tuple[str, ...] = ()
    """More options of this package."""


SYSTEMS: dict[str, tuple[Task, ...]] = {
    "ours": (Task("ours", "ours"),),
    "preset": (Task("ours, --preset quality", "ours", preset="quality"),),
    "gensim": (Task("gensim", "gensim", needs="gensim"),),
    "fasttext": (Task("fasttext", "fasttext", needs="fasttext"),),
    "cbow": (
        Task("ours, --model cbow", "ours", options=("--model", "cbow")),
        Task("gensim, sg=0", "gensim-cbow", needs="gensim"),
    ),
    "subwords": (
        # with fastText's noise distribution, which its options cannot change
        Task("ours, --subwords 3-6", "ours", options=("--subwords", "3-6", "--noise-exponent", "0.5")),
        Task("fasttext, minn=3, maxn=6", "fasttext-subwords", needs="fasttext"),
    ),
    "tree": (
        Task("ours, --objective hierarchical-softmax", "ours", options=("--objective", "hierarchical-softmax")),
        Task("gensim, hs=1", "gensim-tree", needs="gensim"),
    ),
    "tutorial": (Task("tutorial", "tutorial"),),
    "indexing": (Task("ours (indexing)", "index-ours"), Task("gensim (indexing)", "index-gensim", needs="gensim")),
}


DEFAULT_SYSTEMS = ("ours", "preset", "gensim", "fasttext", "tutorial", "indexing")


class ComparisonError(Exception):
    """An error that the user can fix; the message is one line."""


def training_command(job: Job, task: Task, engine: str, device: str) -> list[str]:
    """Return the command line that trains with this package."""
    command = [sys.executable, "-m", "word2vec", "train", job.text, "--output", job.output]
    shared = {
        "--dim": job.dim,
        "--window": job.window,
        "--negatives": job.negatives,
        "--subsample": job.subsample,
        "--epochs": job.epochs,
    }
    settings = {
        "--min-count": job.min_count,
        "--threads": job.threads,
        "--seed": job.seed,
        "--validation": 0,  # all systems train the same tokens
        "--device": device,
        "--engine": engine,
        "--objective": task.objective,
        **({"--preset": task.preset} if task.preset else shared),
    }
    command += [part for name, value in settings.items() if value != "" for part in (name, str(value))]
    return [*command, *task.options]


def training_figures(run: Path) -> Figures:
    """Seconds and words of all epochs, from the last line of a run's metrics.jsonl."""
    last = json.loads((run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    return {"training_seconds": float(last["elapsed_seconds"]), "raw_words": float(last["words"])}


def busy_seconds() -> float:
    """CPU time of all processes since the machine started, stolen time included; 0 on systems without /proc/stat."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0
    user, nice, system, _, _, irq, softirq, steal = map(int, stat.read_text(encoding="ascii").split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def run_process(command: Sequence[str], log: Path, environment: dict[str, str]) -> Figures:
    """Run a command to its end and measure its wall time, its peak memory, and the cores that other processes used.

    Raises:
        ComparisonError: The command failed; the end of its output goes to stderr.
    """
    with log.open("wb") as sink:
        start, busy = time.perf_counter(), busy_seconds()
        process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall, busy = time.perf_counter() - start, busy_seconds() - busy
    process.returncode = os.waitstatus_to_exitcode(status)  # else Popen would wait for it a second time
    if process.returncode:
        print(*log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:], sep="\n", file=sys.stderr)
        raise ComparisonError(f"exit code {process.returncode}; the end of its output is above")
    return {
        "wall_seconds": wall,
        "peak_mb": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6,
        "other_cores": max(0.0, busy - usage.ru_utime - usage.ru_stime) / wall,
    }


def run_work(work: str, job: Job, folder: Path, environment: dict[str, str]) -> Figures:
    """Run one piece of work of peers.py in a new process; returns its own figures and those of `run_process`."""
    job_file, result_file = folder / "job.json", folder / "result.json"
    job_file.write_text(json.dumps(asdict(job)), encoding="utf-8")
    command = [sys.executable, str(HERE / "peers.py"), work, str(job_file), str(result_file)]
    usage = run_process(command, folder / "log", environment)
    result: Figures = json.loads(result_file.read_text(encoding="utf-8"))
    return result | usage


def measure(task: Task, job: Job, words: int, options: argparse.Namespace, folder: Path) -> Figures:
    """Train or index once, then score the vectors in another process."""
    threads = str(job.threads)
    environment = os.environ | {"WORD2VEC_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": threads}
    environment["OPENBLAS_NUM_THREADS"] = threads
    if task.work == "ours":
        # as in the first training on a machine: nothing is compiled yet
        environment["NUMBA_CACHE_DIR"] = str(folder / "compiled")
        environment["TRITON_CACHE_DIR"] = str(folder / "triton")
        figures = run_process(training_command(job, task, options.engine, options.device), folder / "log", environment)
        figures |= training_figures(Path(job.output))
    else:
        figures = run_work(task.work, job, folder, environment)
    if "training_seconds" in figures:
        figures["words_per_second"] = figures.get("raw_words", words * job.epochs) / figures["training_seconds"]
    if options.quality and Path(job.output).exists() and "training_seconds" in figures:
        scores = run_work("score", job, folder, environment)
        figures |= {name: scores[name] for name in scores.keys() - figures.keys()}
    return figures


def plan(systems: Sequence[str], objectives: Sequence[str]) -> list[Task]:
    """Return the tasks of a round, in order; this package once for each objective."""
    tasks = [task for system in systems for task in SYSTEMS[system]]
    variants = [Task(f"ours, {objective}", "ours", objective) for objective in objectives]
    return [each for task in tasks for each in (variants if variants and task.label == "ours" else [task])]


def describe_corpus(job: Job, counts: Figures) -> dict[str, object]:
    """Return name, checksum and size of the text."""
    with Path(job.full).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "name": Path(job.source).name,
        "sha256": digest,
        "words": int(counts["full_words"]),
        "words_used": int(counts["words"]),
    }


def first_job(options: argparse.Namespace, folder: Path) -> Job:
    """Return the job that all measurements share, except for the seed and the path of the output."""
    source = str(options.corpus)
    full = str(folder / options.corpus.stem) if is_compressed(source) else source
    text = str(folder / f"first-{options.words}-words") if options.words else full
    return Job(
        source=source, full=full, text=text, limit=options.words, output="",
        epochs=options.epochs, dim=options.dim, window=options.window, negatives=options.negatives,
        subsample=options.subsample, min_count=MIN_COUNT, threads=options.threads, seed=1,
    )  # fmt: skip


def compare(options: argparse.Namespace, report: dict[str, Any], output: Path, folder: Path) -> None:
    """Measure all rounds; the report is written after each measurement."""
    job = first_job(options, folder)
    counts = run_work("prepare", job, folder, dict(os.environ))
    report |= {"corpus": describe_corpus(job, counts), "measurements": []}
    for round_number in range(1, options.rounds + 1):
        for task in plan(options.systems, options.objectives):
            with tempfile.TemporaryDirectory(dir=folder) as work:
                seeded = replace(job, seed=round_number, output=str(Path(work) / "output"))
                try:
                    figures = measure(task, seeded, int(counts["words"]), options, Path(work))
                except ComparisonError as error:
                    raise ComparisonError(f"{task.label}, round {round_number}: {error}") from None
            report["measurements"].append(
                {"label": task.label, "round": round_number, "seed": seeded.seed, "figures": figures}
            )
            write_json(output, report)
            print(f"round {round_number}: {task.label}: {figures['wall_seconds']:.1f} s", file=sys.stderr)


def notes(measurements: Sequence[dict[str, Any]]) -> list[str]:
    """Return the notes that explain the tables."""
    present = {m["label"] for m in measurements}
    lines = [
        "Medians over the rounds; ratios are computed per round. Raw words/s = corpus words x epochs / training "
        "seconds. Process s is the total: start, vocabulary, training, saving; its ratio is gensim's time divided "
        "by the system's. Quality x100."
    ]
    if "fasttext" in present:
        lines.append("fasttext: without n-grams; its training seconds include its vocabulary pass.")
    if any(not label.endswith("(indexing)") and label.startswith("ours") for label in present):
        lines.append(
            "ours: training seconds are elapsed_seconds in metrics.jsonl. Process s includes compiling the kernels, as "
            "in the first training on a machine; later runs load them from the cache."
        )
    vocabulary = median(measurements, "gensim", "vocabulary_seconds")
    if vocabulary is not None:
        lines.append(f"gensim: its vocabulary pass took {vocabulary:.1f} s and is not in its training seconds.")
    if median(measurements, "tutorial", "words_per_second") is not None:
        lines.append(
            f"tutorial: extrapolated from {number(median(measurements, 'tutorial', 'steps'))} steps of "
            f"{TUTORIAL_BATCH} words after {TUTORIAL_WARM_UP} warm-up steps, with a vocabulary of "
            f"{number(median(measurements, 'tutorial', 'vocabulary'))} words; it has no vectors to evaluate."
        )
    busiest = max((m["figures"].get("other_cores", 0) for m in measurements), default=0)
    if busiest > QUIET_CORES:
        lines.append(f"The machine was busy: other processes used up to {busiest:.1f} cores. Measure again.")
    return lines


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options; see --help."""
    parser = argparse.ArgumentParser(
        prog="compare.py",
        description="Compare this package with gensim, fastText and typical tutorial code on one text: speed, "
        "memory, and with --quality the scores of the vectors. Three rounds with gensim on 17 million words "
        "take about 15 minutes on two cores.",
        formatter_class=HelpFormatter,
    )
    add = parser.add_argument
    add("corpus", nargs="?", type=Path, default=TEXT8, help="text file, which may be compressed as .xz, .gz or .bz2")
    add(
        "--systems",
        type=comma_separated(list(SYSTEMS)),
        default=",".join(DEFAULT_SYSTEMS),
        help="systems to measure: " + ", ".join(SYSTEMS),
    )
    add("--rounds", type=positive, default=3, help="number of rounds, each with another seed")
    add("--words", type=positive, default=0, help="number of words to use from the start of the text; 0 for all")
    add("--quality", action="store_true", help="evaluate the vectors on word similarity and analogies")
    add("--epochs", type=positive, default=5, help="number of passes over the text")
    add("--dim", type=positive, default=100, help="dimension of the vectors")
    add("--window", type=positive, default=5, help="maximum distance of a context word")
    add("--negatives", type=positive, default=5, help="number of noise words for each context word")
    add("--subsample", type=float, default=1e-3, help="subsampling threshold for frequent words")
    add("--threads", type=positive, default=2, help="number of threads of every system")
    add("--objectives", type=comma_separated(), default=[], help="objectives to train with this package, one run each")
    add("--engine", default="", help="engine of this package; empty for auto")
    add("--device", choices=("cpu", "cuda"), default="cpu", help="device of this package; other systems use the CPU")
    add("--output", type=Path, help="JSON file to write; by default a new file in evaluation/results/")
    return parser.parse_args(arguments)


def check(options: argparse.Namespace) -> None:
    """Report missing files and packages before the first measurement.

    Raises:
        ComparisonError: The corpus or a peer is missing.
    """
    if not options.corpus.is_file():
        hint = "run `word2vec download text8` or pass a text file" if options.corpus == TEXT8 else "pass a text file"
        raise ComparisonError(f"{options.corpus}: no such file; {hint}")
    for task in plan(options.systems, []):
        if task.needs and find_spec(task.needs) is None:
            raise ComparisonError(
                f"{task.needs} is not installed; run `pip install -e '.[peers]'`, or leave it out with --systems"
            )


def main(arguments: Sequence[str]) -> int:
    """Compare, print the tables, write the JSON; returns the exit code."""
    options = parse_arguments(arguments)
    output = options.output or RESULTS / f"compare-{options.corpus.stem}-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    try:
        check(options)
        report = report_header("compare.py", arguments, options.device)
        with tempfile.TemporaryDirectory(prefix="compare-") as folder:
            compare(options, report, output, Path(folder))
    except (ComparisonError, OSError) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"compare.py: interrupted; the measurements so far are in {output}", file=sys.stderr)
        return 1
    measurements = report["measurements"]
    tables = (training_table(measurements), indexing_table(measurements))
    print(*(table for table in tables if table.count("\n") > 1), *notes(measurements), sep="\n\n")
    print(f"all measurements: {output}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
