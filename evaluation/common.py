"""Code shared by the evaluation scripts: the header of a report, the scorer, JSON files and option parsers.

Every report in `results/` starts with the same header (date, command, commit, hardware with its instruction set,
versions), and its vectors are scored by `score_vectors`. The module also computes medians and ratios and formats
Markdown. The scripts measure, and tables.py renders the tables of the documentation.
"""

# subtle: import nothing large here. On Linux a child process starts with the peak memory of its parent, so compare.py,
# which measures the memory of its children, has to stay small, and other systems must not load what only we need.
import argparse
import json
import math
import os
import platform
import re
import shlex
import statistics
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from word2vec import WordVectors

Report = dict[str, Any]
"""The content of a file in results/."""
Measurements = Sequence[Mapping[str, Any]]
"""Measurements of compare.py: the label of a system, the number of the round, and named figures."""

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "results"
PACKAGES = ("word2vec-fused", "gensim", "fasttext", "torch", "triton", "numpy", "numba", "scipy")
RESTRICT = 30_000  # analogies use this many of the most frequent words, gensim's default
SCORES = ("wordsim353", "simlex999", "analogies")
ANALOGY_KINDS = ("semantic", "syntactic")
SCORE_NAMES = dict(zip(SCORES, ("WordSim-353", "SimLex-999", f"analogies (top {RESTRICT // 1000}k)"), strict=True))

# Widest vector instructions by the flags of /proc/cpuinfo, best first.
INSTRUCTION_SETS = {
    "avx512f": "AVX-512",
    "avx2": "AVX2",
    "avx": "AVX",
    "sse2": "SSE2",
    "sve": "SVE",
    "asimd": "NEON",
}

# Environment variables that restrict the instructions of compiled code.
RESTRICTING = {"WORD2VEC_INSTRUCTION_SET", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_ENABLE_AVX"}


def report_header(script: str, arguments: Sequence[str], device: str = "cpu") -> dict[str, Any]:
    """Return the fields that every report starts with.

    Args:
        script: File name of the script, such as "compare.py".
        arguments: Its command-line arguments.
        device: Device that trains; "cuda" adds the name of the GPU.
    """
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command_line(script, arguments),
        "commit": commit(),
        "hardware": hardware(device),
        "versions": versions(),
    }


def command_line(script: str, arguments: Sequence[str]) -> str:
    """Return the command as the user typed it, with file names in place of paths, which exist on this machine only."""
    return shlex.join(["python", f"evaluation/{script}", *(re.sub(r"[^=]*/", "", argument) for argument in arguments)])


def hardware(device: str = "cpu") -> dict[str, Any]:
    """Processor, instruction set, cores, memory, system, and the GPU if it is used."""
    cpuinfo = read_cpuinfo()
    facts: dict[str, Any] = {
        "cpu": cpuinfo.get("model name") or platform.processor(),
        "instruction_set": used_instruction_set(instruction_set(cpuinfo)),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "system": platform.platform(),
    }
    return facts if device == "cpu" else facts | {"gpu": gpu_name()}


def read_cpuinfo() -> dict[str, str]:
    """Return the fields of the first processor in /proc/cpuinfo; empty on systems without that file."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    first = path.read_text(encoding="utf-8").split("\n\n")[0]
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())}


def instruction_set(cpuinfo: dict[str, str]) -> str:
    """Return the widest vector instructions of the processor, such as "AVX-512", or else its architecture."""
    flags = (cpuinfo.get("flags") or cpuinfo.get("Features") or "").split()
    return next((name for flag, name in INSTRUCTION_SETS.items() if flag in flags), platform.machine())


def used_instruction_set(own: str) -> str:
    """Return the instruction set that compiled code uses, if environment variables restrict it, or else the given one.

    Another process finds out, because the modules that know are large.
    """
    if not RESTRICTING & os.environ.keys():
        return own
    program = "from word2vec.system.instruction_set import in_use; print(in_use().name)"
    used = _output([sys.executable, "-c", program])
    return own if used == own else f"{used} (the processor has {own})"


def gpu_name() -> str:
    """Return the name of the GPU by nvidia-smi, which some containers lack."""
    return _output(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"])


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that are compared or that determine the speed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """Return the commit of this checkout, with the suffix "-dirty" if files differ from it."""
    return _output(["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"])


def _output(command: Sequence[str]) -> str:
    """Return the standard output of a command; "unknown" if it is not installed or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return done.stdout.strip() if not done.returncode and done.stdout.strip() else "unknown"


def score_vectors(vectors: "WordVectors") -> dict[str, float | None]:
    """Score vectors on the three shipped sets, as fractions; None where a score is undefined.

    The similarity scores are Spearman correlations over the pairs with two known words; the others are accuracies on
    the Google analogies among the RESTRICT most frequent words.
    """
    from word2vec import evaluate_analogies, evaluate_similarity

    scores = {name: evaluate_similarity(vectors, name, bootstrap=0).spearman for name in ("wordsim353", "simlex999")}
    analogies = evaluate_analogies(vectors, "questions-words", restrict=RESTRICT)
    scores |= {"analogies": analogies.accuracy, "semantic": analogies.semantic, "syntactic": analogies.syntactic}
    return {name: None if math.isnan(score) else score for name, score in scores.items()}


def write_json(path: Path, document: object) -> None:
    """Write JSON atomically: an interrupted script leaves the old file or the new one, never a partial one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Show the defaults of options, but not empty ones."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return super()._get_help_string(action) if action.default else action.help


def comma_separated(known: Sequence[str] | None = None) -> Callable[[str], list[str]]:
    """Parse an option: lists such as "ours,gensim"; every item must be in `known` if that is given."""

    def parse(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        for name in names:
            if known is not None and name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(known)}")
        return names

    return parse


def positive(text: str) -> int:
    """Parse an option: whole numbers of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def setting(text: str) -> tuple[str, Any]:
    """Parse an option: a setting of `TrainConfig`, as KEY=VALUE."""
    name, _, value = text.partition("=")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


# ---- Statistics and Markdown, for the output of the scripts and for tables.py


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a padded Markdown table; the first column is left-aligned, and columns of dashes only are dropped."""
    filled = [i for i in range(len(header)) if any(row[i] != "-" for row in rows)]
    header, rows = [header[i] for i in filled], [[row[i] for i in filled] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = (f"{cell:{'>' if i else '<'}{widths[i]}}" for i, cell in enumerate(cells))
        return f"| {' | '.join(padded)} |"

    rule = [f"{'-' * (width - 1)}:" if i else "-" * width for i, width in enumerate(widths)]
    return "\n".join([line(header), line(rule), *(line(row) for row in rows)])


def number(value: float | None, decimals: int = 0, scale: float = 1) -> str:
    """Return a number times `scale`; a dash if it was not measured."""
    return "-" if value is None else f"{value * scale:,.{decimals}f}"


def times(ratio: float | None) -> str:
    """Return a ratio of two speeds: one decimal from 10, else two; a dash if it was not measured."""
    return number(ratio, 1 if ratio is not None and ratio >= 10 else 2)


def with_range(
    values: Collection[float],
    decimals: int = 0,
    scale: float = 1,
    average: Callable[..., Any] = statistics.median,
) -> str:
    """Return the median, or another average, and for several values the smallest and the largest of them."""
    if not values:
        return "-"
    middle, low, high = (number(each, decimals, scale) for each in (average(values), min(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({low} to {high})"


def score_cells(
    measurements: Sequence[Mapping[str, Any]], average: Callable[..., Any] = statistics.median
) -> list[str]:
    """Return the three scores x 100 with their ranges; "diverged" or undefined scores are left out."""
    found = [[m[name] for m in measurements if m.get(name) is not None] for name in SCORES]
    return [with_range(values, 1, 100, average) for values in found]


def figures(measurements: Measurements, label: str, figure: str) -> dict[int, float]:
    """Return a figure of one system by round; rounds without it are left out."""
    return {m["round"]: m["figures"][figure] for m in measurements if m["label"] == label and figure in m["figures"]}


def median(measurements: Measurements, label: str, figure: str) -> float | None:
    """Return the median over the rounds; None if the figure was not measured."""
    found = figures(measurements, label, figure)
    return statistics.median(found.values()) if found else None


def paired_ratio(measurements: Measurements, label: str, reference: str, figure: str) -> float | None:
    """Return the median of the ratios within each round that measured both systems; None without such a round."""
    own, other = figures(measurements, label, figure), figures(measurements, reference, figure)
    ratios = [own[number] / other[number] for number in own.keys() & other.keys()]
    return statistics.median(ratios) if ratios else None


def labels(measurements: Measurements, figure: str) -> list[str]:
    """Return the systems that have the figure, in the order in which they ran."""
    return list(dict.fromkeys(m["label"] for m in measurements if figure in m["figures"]))
