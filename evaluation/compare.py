"""Side by side on one text: this package, gensim, fastText and the usual tutorial code.

    python evaluation/compare.py [CORPUS] [--rounds 3] [--quality] [--systems ours,gensim] [--output FILE.json]

Every measurement is a process of its own, with an empty cache for the indexed corpus, and the systems take turns
within each round, so that a machine that grows slower half-way is slower for all. Ratios are taken within a round and
then their median over the rounds. The table goes to stdout; every single measurement, with the machine, the versions
and the command, goes to a JSON file, which is written anew after each measurement.

This file plans, starts, measures and writes; the work of the peers is in peers.py, the tables are in summary.py.
"""

import argparse
import hashlib
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

# subtle: import nothing large here. Linux counts the parent's memory at the start of a child as the child's own, so
# the peak memory of a child can never be measured as less than this process has held.
from peers import HERE, Figures, Job, is_compressed
from summary import Measurement, indexing_table, notes, training_table

ROOT = HERE.parent
TEXT8 = ROOT / "data" / "text8"
MIN_COUNT = 5
PACKAGES = ("word2vec-fused", "gensim", "fasttext", "torch", "triton", "numpy", "numba", "scipy")
LOG_LINES = 15  # of a failed child, shown to the user


@dataclass(frozen=True)
class Task:
    """One row of a table: a system, and the work that its process does."""

    label: str
    work: str
    objective: str = ""
    needs: str = ""
    """The package that has to be installed."""
    preset: str = ""
    """Ours with the settings of this name in place of those that all systems share."""


SYSTEMS: dict[str, tuple[Task, ...]] = {
    "ours": (Task("ours", "ours"),),
    "preset": (Task("ours, --preset quality", "ours", preset="quality"),),
    "gensim": (Task("gensim", "gensim", needs="gensim"),),
    "fasttext": (Task("fasttext", "fasttext", needs="fasttext"),),
    "tutorial": (Task("tutorial", "tutorial"),),
    "indexing": (Task("ours (indexing)", "index-ours"), Task("gensim (indexing)", "index-gensim", needs="gensim")),
}


class ComparisonError(Exception):
    """Something that the user can mend; the message is one line."""


def training_command(job: Job, task: Task, engine: str, device: str) -> list[str]:
    """The command line that trains with this package."""
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
        "--device": device,
        "--engine": engine,
        "--objective": task.objective,
        **({"--preset": task.preset} if task.preset else shared),
    }
    return command + [part for name, value in settings.items() if value != "" for part in (name, str(value))]


def trained(run: Path) -> Figures:
    """Time and words of all epochs by the last line of a run's metrics.jsonl."""
    last = json.loads((run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    return {"training_seconds": float(last["elapsed_seconds"]), "raw_words": float(last["words"])}


def busy_seconds() -> float:
    """Processor time that all processes took since the machine started, stolen time too; 0 where it is not told."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0
    user, nice, system, _, _, irq, softirq, steal = map(int, stat.read_text(encoding="ascii").split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def run_process(command: Sequence[str], log: Path, environment: dict[str, str]) -> Figures:
    """Run a command to its end; its wall time, its own peak memory, and the cores that others kept busy meanwhile.

    Raises:
        ComparisonError: it failed; the end of what it printed goes to stderr.
    """
    with log.open("wb") as sink:
        start, busy = time.perf_counter(), busy_seconds()
        process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall, busy = time.perf_counter() - start, busy_seconds() - busy
    process.returncode = os.waitstatus_to_exitcode(status)  # else Popen would wait for it a second time
    if process.returncode:
        print(*log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:], sep="\n", file=sys.stderr)
        raise ComparisonError(f"exit code {process.returncode}; what it printed last stands above")
    return {
        "wall_seconds": wall,
        "peak_mb": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6,
        "other_cores": max(0.0, busy - usage.ru_utime - usage.ru_stime) / wall,
    }


def run_work(work: str, job: Job, folder: Path, environment: dict[str, str]) -> Figures:
    """Run a piece of peers.py's work in a fresh process; what it measured of itself and what was measured of it."""
    job_file, result_file = folder / "job.json", folder / "result.json"
    job_file.write_text(json.dumps(asdict(job)), encoding="utf-8")
    command = [sys.executable, str(HERE / "peers.py"), work, str(job_file), str(result_file)]
    usage = run_process(command, folder / "log", environment)
    result: Figures = json.loads(result_file.read_text(encoding="utf-8"))
    return result | usage


def measure(task: Task, job: Job, words: int, options: argparse.Namespace, folder: Path) -> Figures:
    """Train or index once, then score the vectors in another process."""
    cache = folder / "cache"
    threads = str(job.threads)
    environment = os.environ | {"WORD2VEC_CACHE": str(cache), "OMP_NUM_THREADS": threads}
    environment["OPENBLAS_NUM_THREADS"] = threads
    if task.work == "ours":
        # as in the first training on a machine: nothing is compiled yet
        environment["NUMBA_CACHE_DIR"] = str(folder / "compiled")
        environment["TRITON_CACHE_DIR"] = str(folder / "triton")
        figures = run_process(training_command(job, task, options.engine, options.device), folder / "log", environment)
        figures |= trained(Path(job.output))
    else:
        figures = run_work(task.work, job, folder, environment)
    if "training_seconds" in figures:
        figures["words_per_second"] = figures.get("raw_words", words * job.epochs) / figures["training_seconds"]
    if options.quality and Path(job.output).exists() and "training_seconds" in figures:
        scores = run_work("score", job, folder, environment)
        figures |= {name: scores[name] for name in scores.keys() - figures.keys()}
    return figures


def plan(systems: Sequence[str], objectives: Sequence[str]) -> list[Task]:
    """The tasks of a round, in order; ours once for each objective."""
    tasks = [task for system in systems for task in SYSTEMS[system]]
    ours = [Task(f"ours, {objective}", "ours", objective) for objective in objectives]
    return [each for task in tasks for each in (ours if ours and task.label == "ours" else [task])]


def gpu_name() -> str:
    """The name of the GPU by its driver's tool, which containers may lack."""
    return _answer(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"])


def hardware(device: str) -> dict[str, object]:
    """The machine: processor, cores, memory, system, and the GPU where it is used."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    facts: dict[str, object] = {
        "cpu": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "system": platform.platform(),
    }
    return facts if device == "cpu" else facts | {"gpu": gpu_name()}


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that are compared or that set the speed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """The commit of this checkout, marked where files differ from it."""
    return _answer(["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"])


def _answer(command: Sequence[str]) -> str:
    """What a program of the system says; "unknown" where it is not installed or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return done.stdout.strip() if not done.returncode and done.stdout.strip() else "unknown"


def shown_command(arguments: Sequence[str], script: str = "compare.py") -> str:
    """The command as it was given, with file names in place of paths, which are of this machine only."""
    return shlex.join(["python", f"evaluation/{script}", *(re.sub(r"[^=]*/", "", argument) for argument in arguments)])


def describe_corpus(job: Job, counts: Figures) -> dict[str, object]:
    """Which text it was."""
    with Path(job.full).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "name": Path(job.source).name,
        "sha256": digest,
        "words": int(counts["full_words"]),
        "words_used": int(counts["words"]),
    }


def write_atomically(path: Path, document: dict[str, object]) -> None:
    """Write the JSON so that a file cut off half-way never stands there."""
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)


def comma_separated(known: Sequence[str] | None = None) -> Callable[[str], list[str]]:
    """A parser of lists such as ours,gensim."""

    def parse(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        for name in names:
            if known is not None and name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(known)}")
        return names

    return parse


def positive(text: str) -> int:
    """A parser of numbers from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """The options; see --help."""
    parser = argparse.ArgumentParser(
        prog="compare.py",
        description="Compare this package with gensim, fastText and the usual tutorial code on one text.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("corpus", nargs="?", type=Path, default=TEXT8, help="a text file, which may be .xz, .gz or .bz2")
    add("--systems", type=comma_separated(list(SYSTEMS)), default=",".join(SYSTEMS), help="which to measure")
    add("--rounds", type=positive, default=3, help="how often everything is measured, each time with another seed")
    add("--words", type=positive, default=0, help="use only so many of the first words; 0 for all")
    add("--quality", action="store_true", help="evaluate the vectors on word similarity and analogies")
    add("--epochs", type=positive, default=5, help="passes over the text")
    add("--dim", type=positive, default=100, help="length of the vectors")
    add("--window", type=positive, default=5, help="largest distance of a context word")
    add("--negatives", type=positive, default=5, help="noise words for each context word")
    add("--subsample", type=float, default=1e-3, help="threshold of the subsampling of frequent words")
    add("--threads", type=positive, default=2, help="threads of every system")
    add("--objectives", type=comma_separated(), default=[], help="run ours once for each of these objectives")
    add("--engine", default="", help="engine of ours; its own choice if empty")
    add("--device", choices=("cpu", "cuda"), default="cpu", help="device of ours; the peers have only the CPU")
    add("--output", type=Path, help="where the JSON goes; evaluation/results/ if not given")
    return parser.parse_args(arguments)


def check(options: argparse.Namespace) -> None:
    """Refuse before the first measurement what would fail after the last.

    Raises:
        ComparisonError: the corpus or a peer is missing.
    """
    if not options.corpus.is_file():
        hint = "run `word2vec download text8` or name a text file" if options.corpus == TEXT8 else "name a text file"
        raise ComparisonError(f"{options.corpus}: no such file; {hint}")
    for task in plan(options.systems, []):
        if task.needs and find_spec(task.needs) is None:
            raise ComparisonError(
                f"{task.needs} is not installed: run `pip install -e '.[peers]'`, or leave it out with --systems"
            )


def first_job(options: argparse.Namespace, folder: Path) -> Job:
    """The job that all measurements share, but for the seed and the place of their output."""
    source = str(options.corpus)
    full = str(folder / options.corpus.stem) if is_compressed(source) else source
    text = str(folder / f"first-{options.words}-words") if options.words else full
    return Job(
        source=source, full=full, text=text, limit=options.words, output="",
        epochs=options.epochs, dim=options.dim, window=options.window, negatives=options.negatives,
        subsample=options.subsample, min_count=MIN_COUNT, threads=options.threads, seed=1,
    )  # fmt: skip


def compare(options: argparse.Namespace, report: dict[str, object], output: Path, folder: Path) -> list[Measurement]:
    """All rounds; the report is written after each measurement."""
    job = first_job(options, folder)
    counts = run_work("prepare", job, folder, dict(os.environ))
    report["corpus"] = describe_corpus(job, counts)
    measurements: list[Measurement] = []
    for number_of_round in range(1, options.rounds + 1):
        for task in plan(options.systems, options.objectives):
            with tempfile.TemporaryDirectory(dir=folder) as work:
                own = replace(job, seed=number_of_round, output=str(Path(work) / "output"))
                try:
                    figures = measure(task, own, int(counts["words"]), options, Path(work))
                except ComparisonError as error:
                    raise ComparisonError(f"{task.label}, round {number_of_round}: {error}") from None
            measurements.append(Measurement(task.label, number_of_round, own.seed, figures))
            report["measurements"] = [asdict(measurement) for measurement in measurements]
            write_atomically(output, report)
            print(f"round {number_of_round}: {task.label}: {figures['wall_seconds']:.1f} s", file=sys.stderr)
    return measurements


def main(arguments: Sequence[str]) -> int:
    """Compare, print the tables, write the JSON; returns the exit code."""
    options = parse_arguments(arguments)
    now = datetime.now(UTC)
    output = options.output or HERE / "results" / f"compare-{options.corpus.stem}-{now:%Y%m%d-%H%M%S}.json"
    try:
        check(options)
        output.parent.mkdir(parents=True, exist_ok=True)
        report: dict[str, object] = {
            "date": now.isoformat(timespec="seconds"),
            "command": shown_command(arguments),
            "commit": commit(),
            "hardware": hardware(options.device),
            "versions": versions(),
        }
        with tempfile.TemporaryDirectory(prefix="compare-") as folder:
            measurements = compare(options, report, output, Path(folder))
    except (ComparisonError, OSError) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"compare.py: stopped; what was measured until now is in {output}", file=sys.stderr)
        return 1
    tables = (training_table(measurements), indexing_table(measurements))
    print(*(table for table in tables if table.count("\n") > 1), *notes(measurements), sep="\n\n")
    print(f"every measurement: {output}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
