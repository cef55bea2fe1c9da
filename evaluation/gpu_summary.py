"""Summarize the measurements of gpu_check.py: ratios, targets, verdicts on quality, and bounds on the speed.

This module starts no process, reads no file and does not need torch. A figure that was not measured is None, and the
tables say so.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from common import SCORE_NAMES, SCORES, markdown_table, number, with_range

from word2vec import TrainConfig
from word2vec.engines.gpu.tiling import tile_shape

TEXT8_WORDS = 17_005_207
TEXT8_EPOCHS = 5
SYSTEMS = {
    "gpu": "ours, fused engine, GPU",
    "cpu": "ours, fused engine, CPU",
    "autograd": "ours, autograd engine, GPU",
    "gensim": "gensim",
}
# One standard deviation between seeds, x 100, pooled over the 15 settings in results/ that were trained on wiki8 with
# three seeds each. With the CPU's range widened by it, engines of equal quality are called different one time in
# sixteen, and engines three standard deviations apart in seven of eight.
SEED_NOISE = dict(zip(SCORES, (0.7, 0.5, 0.4), strict=True))
# float32 multiply-adds that a multiprocessor starts in a cycle, by compute capability, from the table of arithmetic
# throughput in NVIDIA's CUDA programming guide.
LANES = {
    (7, 0): 64, (7, 2): 64, (7, 5): 64, (8, 0): 64, (8, 6): 128, (8, 7): 128, (8, 9): 128, (9, 0): 128, (10, 0): 128,
    (10, 3): 128, (12, 0): 128, (12, 1): 128,
}  # fmt: skip

Runs = Mapping[str, Any]
"""Reports of compare.py, by the names of SYSTEMS."""


def figures(runs: Runs, name: str, figure: str) -> list[float]:
    """Return a figure of one system, in every round that has it."""
    return [each["figures"][figure] for each in runs.get(name, {}).get("measurements", []) if figure in each["figures"]]


def speed(runs: Runs, name: str) -> float | None:
    """Return the median raw words/s of one system; None if it was not measured."""
    found = figures(runs, name, "words_per_second")
    return statistics.median(found) if found else None


@dataclass(frozen=True)
class Target:
    """A target of the GPU engine, and the value it reached."""

    name: str
    measured: float | None
    wanted: float | None = None  # None: reported without a target
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the target was reached; None if it was not measured or there is none."""
        if self.measured is None or self.wanted is None:
            return None
        return self.measured <= self.wanted if self.at_most else self.measured >= self.wanted


def targets(runs: Runs) -> list[Target]:
    """Return the speed, and its ratio to the speed of the other systems."""
    gpu = speed(runs, "gpu")
    seconds = TEXT8_EPOCHS * TEXT8_WORDS / gpu if gpu else None

    def times(name: str) -> float | None:
        other = speed(runs, name)
        return gpu / other if gpu and other else None

    return [
        Target("raw words/s", gpu, 100e6),
        Target(f"seconds for {TEXT8_EPOCHS} epochs of text8, at that speed", seconds, 2, at_most=True),
        Target("times the autograd engine on the same GPU", times("autograd"), 20),
        Target("times gensim on the machine's cores", times("gensim"), 40),
        Target("times the fused engine on the machine's cores", times("cpu")),
    ]


def verdict(own: Sequence[float], reference: Sequence[float], noise: float) -> str:
    """Return whether the median is within, below or above the range of the reference, widened by the noise."""
    if not own or not reference:
        return "not measured"
    middle = statistics.median(own)
    if middle < min(reference) - noise:
        return "below"
    return "above" if middle > max(reference) + noise else "within"


@dataclass(frozen=True)
class Quality:
    """The scores of both engines on one set, x 100, one for each seed."""

    name: str
    gpu: list[float]
    cpu: list[float]
    noise: float

    @property
    def verdict(self) -> str:
        """Whether the median of the GPU engine is within the range of the CPU engine."""
        return verdict(self.gpu, self.cpu, self.noise)


def quality(runs: Runs) -> list[Quality]:
    """Return the scores of the GPU engine and of the CPU engine on each set."""
    scores = {(system, name): [100 * score for score in figures(runs, system, name)]
              for system in ("gpu", "cpu") for name in SCORES}  # fmt: skip
    return [Quality(SCORE_NAMES[name], scores["gpu", name], scores["cpu", name], SEED_NOISE[name]) for name in SCORES]


@dataclass(frozen=True)
class Costs:
    """The minimum work of training one raw word."""

    pairs: float  # trained
    operations: float  # float32, a multiply-add counts as two
    bytes: float  # of rows, each read once and its step written once


def costs(config: TrainConfig, kept: float, pairs: float) -> Costs:
    """Return the minimum work per raw word, given the fraction of words kept and the number of pairs per raw word."""
    shape = tile_shape(config.dim, config.negatives, 2 * config.window)
    tiles = shape.centers / -(-(shape.centers + 2 * config.window) // shape.rows)  # center words that share a tile
    rows = 1 + config.negatives + shape.rows / tiles
    return Costs(
        pairs=pairs,
        operations=pairs * 3 * (1 + config.negatives) * 2 * config.dim,
        bytes=kept * rows * 2 * 4 * config.dim,
    )


def float32_rate(capability: tuple[int, int], multiprocessors: int, kilohertz: int | None) -> float | None:
    """float32 operations/s of the GPU at its highest clock; None if LANES does not list its compute capability."""
    lanes = LANES.get(capability)
    return 2.0 * lanes * multiprocessors * 1000 * kilohertz if lanes and kilohertz else None


@dataclass(frozen=True)
class Bound:
    """An upper bound of the speed by one resource of the GPU, and the speeds that were reached."""

    name: str
    per_word: float  # what a raw word needs of the resource
    per_second: float | None  # what the GPU provides; None if this is not known
    training: float | None  # raw words/s with the engine's own choice of programs
    sweep: float | None  # raw words/s, the fastest of the sweep in float32 that did not diverge

    @property
    def limit(self) -> float | None:
        """The bound in raw words/s."""
        return None if self.per_second is None else self.per_second / self.per_word

    def fraction(self, reached: float | None) -> float | None:
        """Return the fraction of the bound that was reached."""
        return None if self.limit is None or reached is None else reached / self.limit


def bounds(sweep: Mapping[str, Any], runs: Runs) -> list[Bound]:
    """Return the bounds by arithmetic and by memory traffic."""
    if "costs" not in sweep:
        return []
    whole = [each["words_per_second"] for each in sweep["rows"] if each["precision"] == "ieee" and each.get("loss")]
    reached = speed(runs, "gpu"), max(whole, default=None)
    per_word, rates = sweep["costs"], sweep["gpu_rates"]
    return [
        Bound("float32 operations", per_word["operations"], rates["float32_per_second"], *reached),
        Bound("bytes to and from memory", per_word["bytes"], rates["copied_bytes_per_second"], *reached),
    ]


def verdicts(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return all results, for the JSON."""
    runs, sweep = report.get("compare", {}).get("runs", {}), report.get("sweep", {})
    return {
        "speeds": {name: speed(runs, name) for name in SYSTEMS},
        "targets": [asdict(each) | {"met": each.met} for each in targets(runs)],
        "quality": [asdict(each) | {"verdict": each.verdict} for each in quality(runs)],
        "bounds": [
            asdict(each)
            | {
                "limit": each.limit,
                "fraction_training": each.fraction(each.training),
                "fraction_sweep": each.fraction(each.sweep),
            }
            for each in bounds(sweep, runs)
        ],
    }


def tables(report: Mapping[str, Any]) -> list[str]:
    """Return all results as tables; none for parts that have not run."""
    compare = report.get("compare", {})
    runs = compare.get("runs", {})
    found = []
    if compare:
        found = [
            speed_table(runs, compare.get("left_out", {})),
            target_table(targets(runs)),
            quality_table(quality(runs)),
        ]
    found_bounds = bounds(report.get("sweep", {}), runs)
    return [*found, bound_table(found_bounds)] if found_bounds else found


def speed_table(runs: Runs, left_out: Mapping[str, str]) -> str:
    """Raw words/s of each system, and the ratio of the GPU engine to it."""
    gpu, rows = speed(runs, "gpu"), []
    for name, shown in SYSTEMS.items():
        own = speed(runs, name)
        times = number(gpu / own, 1) if gpu and own else "-"
        rows.append([shown, with_range(figures(runs, name, "words_per_second")), times, left_out.get(name, "-")])
    return markdown_table(["system", "raw words/s", "GPU engine / system", "left out"], rows)


def target_table(found: Sequence[Target]) -> str:
    """Return each target and whether it was met."""
    rows = [
        [
            each.name,
            "not measured" if each.measured is None else _short(each.measured),
            "-" if each.wanted is None else f"{'at most' if each.at_most else 'at least'} {_short(each.wanted)}",
            "-" if each.met is None else "met" if each.met else "not met",
        ]
        for each in found
    ]
    return markdown_table(["target", "measured", "wanted", "verdict"], rows)


def quality_table(found: Sequence[Quality]) -> str:
    """Medians and ranges of both engines, x 100, and the verdict."""
    rows = [
        [each.name, with_range(each.gpu, 1), with_range(each.cpu, 1), number(each.noise, 1), each.verdict]
        for each in found
    ]
    header = ["set, x 100", "GPU engine", "CPU engine", "seed noise", "GPU median relative to the CPU range"]
    return markdown_table(header, rows)


def bound_table(found: Sequence[Bound]) -> str:
    """Return the speed that the GPU allows, and the fraction that was reached."""
    rows = [
        [
            each.name,
            number(each.per_word),
            "not known" if each.per_second is None else f"{each.per_second:.3g}",
            number(each.limit),
            _percent(each.fraction(each.training)),
            _percent(each.fraction(each.sweep)),
        ]
        for each in found
    ]
    header = ["bound by", "needed per raw word", "GPU per second", "limit, raw words/s"]
    return markdown_table([*header, "reached in training", "reached in the sweep"], rows)


def _short(value: float) -> str:
    return number(value, 0 if value >= 1000 else 2 if value < 10 else 1)


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{100 * fraction:.1f} %"
