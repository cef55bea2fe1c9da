"""What is made of the measurements of gpu_check.py: ratios, targets, quality, floors.

No process is started, no file is read and torch is not needed here. What was not measured is None, and said to be so.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from peers import RESTRICT
from summary import QUALITY, markdown_table, number, with_range

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
# three seeds each. With the CPU's range widened by it, equal vectors are called unequal one time in sixteen, and ones
# that are three such deviations apart in seven of eight.
SEED_NOISE = dict(zip(QUALITY, (0.7, 0.5, 0.4), strict=True))
QUALITY_NAMES = dict(zip(QUALITY, ("WordSim-353", "SimLex-999", f"analogies (top {RESTRICT // 1000}k)"), strict=True))
# Multiply-adds of float32 that a multiprocessor begins in a cycle, by compute capability, from the table of arithmetic
# throughput in NVIDIA's CUDA programming guide.
LANES = {
    (7, 0): 64, (7, 2): 64, (7, 5): 64, (8, 0): 64, (8, 6): 128, (8, 7): 128, (8, 9): 128, (9, 0): 128, (10, 0): 128,
    (10, 3): 128, (12, 0): 128, (12, 1): 128,
}  # fmt: skip

Runs = Mapping[str, Any]
"""What compare.py wrote, by the names of SYSTEMS."""


def figures(runs: Runs, name: str, figure: str) -> list[float]:
    """A figure of one system, of every round that has it."""
    return [each["figures"][figure] for each in runs.get(name, {}).get("measurements", []) if figure in each["figures"]]


def speed(runs: Runs, name: str) -> float | None:
    """The median of the raw words/s of one system."""
    found = figures(runs, name, "words_per_second")
    return statistics.median(found) if found else None


@dataclass(frozen=True)
class Target:
    """What the GPU engine is to reach, and what it reached."""

    name: str
    measured: float | None
    wanted: float | None = None  # None: stated, not aimed at
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether it was reached; None where it was not measured or nothing is aimed at."""
        if self.measured is None or self.wanted is None:
            return None
        return self.measured <= self.wanted if self.at_most else self.measured >= self.wanted


def targets(runs: Runs) -> list[Target]:
    """The speed, and how many times that of the others it is."""
    gpu = speed(runs, "gpu")
    seconds = TEXT8_EPOCHS * TEXT8_WORDS / gpu if gpu else None

    def times(name: str) -> float | None:
        other = speed(runs, name)
        return gpu / other if gpu and other else None

    return [
        Target("raw words/s", gpu, 100e6),
        Target(f"seconds for {TEXT8_EPOCHS} epochs of text8, at that speed", seconds, 2, at_most=True),
        Target("times the autograd engine on the same card", times("autograd"), 20),
        Target("times gensim on the machine's cores", times("gensim"), 40),
        Target("times the fused engine on the machine's cores", times("cpu")),
    ]


def verdict(own: Sequence[float], reference: Sequence[float], noise: float) -> str:
    """Where the median lies by the reference's range, widened by the noise."""
    if not own or not reference:
        return "not measured"
    middle = statistics.median(own)
    if middle < min(reference) - noise:
        return "below"
    return "above" if middle > max(reference) + noise else "within"


@dataclass(frozen=True)
class Quality:
    """What the vectors of both engines are worth on one set, x 100, a score a seed."""

    name: str
    gpu: list[float]
    cpu: list[float]
    noise: float

    @property
    def verdict(self) -> str:
        """Where the GPU engine's median lies."""
        return verdict(self.gpu, self.cpu, self.noise)


def quality(runs: Runs) -> list[Quality]:
    """Each set's scores by the GPU engine and by the CPU engine."""
    scores = {(system, name): [100 * score for score in figures(runs, system, name)]
              for system in ("gpu", "cpu") for name in QUALITY}  # fmt: skip
    return [
        Quality(QUALITY_NAMES[name], scores["gpu", name], scores["cpu", name], SEED_NOISE[name]) for name in QUALITY
    ]


@dataclass(frozen=True)
class Costs:
    """The least that training a raw word takes."""

    pairs: float  # trained
    operations: float  # of float32, a multiply-add counted as two
    bytes: float  # of rows, each read once where it is needed and its step written once


def costs(config: TrainConfig, kept: float, pairs: float) -> Costs:
    """What a raw word costs, given how many words are kept and how many pairs are trained for one."""
    shape = tile_shape(config.dim, config.negatives, config.window)
    tiles = shape.centers / -(-(shape.centers + 2 * config.window) // shape.rows)  # centers that a tile serves
    rows = 1 + config.negatives + shape.rows / tiles
    return Costs(
        pairs=pairs,
        operations=pairs * 3 * (1 + config.negatives) * 2 * config.dim,
        bytes=kept * rows * 2 * 4 * config.dim,
    )


def float32_rate(capability: tuple[int, int], multiprocessors: int, kilohertz: int | None) -> float | None:
    """Operations a second that the card's float32 units do at its highest clock; None where the card is not known."""
    lanes = LANES.get(capability)
    return 2.0 * lanes * multiprocessors * 1000 * kilohertz if lanes and kilohertz else None


@dataclass(frozen=True)
class Floor:
    """What a raw word takes of one thing that the card has so much of a second, and how much of it was used."""

    name: str
    a_word: float
    a_second: float | None  # None: not known for this card
    training: float | None  # raw words/s, by the engine's own choice
    sweep: float | None  # raw words/s, the fastest in float32 throughout that did not diverge

    @property
    def most(self) -> float | None:
        """The raw words/s that nothing exceeds."""
        return None if self.a_second is None else self.a_second / self.a_word

    def share(self, reached: float | None) -> float | None:
        """How much of that was reached."""
        return None if self.most is None or reached is None else reached / self.most


def floors(sweep: Mapping[str, Any], runs: Runs) -> list[Floor]:
    """The two floors under the time of training."""
    if "costs" not in sweep:
        return []
    whole = [each["words_per_second"] for each in sweep["rows"] if each["precision"] == "ieee" and each.get("loss")]
    reached = speed(runs, "gpu"), max(whole, default=None)
    a_word, card = sweep["costs"], sweep["card"]
    return [
        Floor("float32 operations", a_word["operations"], card["float32_per_second"], *reached),
        Floor("bytes to and from memory", a_word["bytes"], card["copied_bytes_per_second"], *reached),
    ]


def verdicts(report: Mapping[str, Any]) -> dict[str, Any]:
    """All of it, for the JSON."""
    runs, sweep = report.get("compare", {}).get("runs", {}), report.get("sweep", {})
    return {
        "speeds": {name: speed(runs, name) for name in SYSTEMS},
        "targets": [asdict(each) | {"met": each.met} for each in targets(runs)],
        "quality": [asdict(each) | {"verdict": each.verdict} for each in quality(runs)],
        "floors": [
            asdict(each)
            | {"most": each.most, "share_training": each.share(each.training), "share_sweep": each.share(each.sweep)}
            for each in floors(sweep, runs)
        ],
    }


def tables(report: Mapping[str, Any]) -> list[str]:
    """All of it, for people; in each table what was measured, nothing for parts that have not run."""
    compare = report.get("compare", {})
    runs = compare.get("runs", {})
    found = []
    if compare:
        found = [
            speed_table(runs, compare.get("left_out", {})),
            target_table(targets(runs)),
            quality_table(quality(runs)),
        ]
    least = floors(report.get("sweep", {}), runs)
    return [*found, floor_table(least)] if least else found


def speed_table(runs: Runs, left_out: Mapping[str, str]) -> str:
    """Raw words/s, and how many times that of each system the GPU engine's is."""
    gpu, rows = speed(runs, "gpu"), []
    for name, shown in SYSTEMS.items():
        own = speed(runs, name)
        times = number(gpu / own, 1) if gpu and own else "-"
        rows.append([shown, with_range(figures(runs, name, "words_per_second")), times, left_out.get(name, "-")])
    return markdown_table(["system", "raw words/s", "the GPU engine is times as fast", "left out"], rows)


def target_table(found: Sequence[Target]) -> str:
    """Each target, and whether it was met."""
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
    """Both engines' medians and ranges, x 100, and the verdict."""
    rows = [
        [each.name, with_range(each.gpu, 1), with_range(each.cpu, 1), number(each.noise, 1), each.verdict]
        for each in found
    ]
    header = ["set, x 100", "GPU engine", "CPU engine", "seed noise", "the GPU's median by the CPU's range"]
    return markdown_table(header, rows)


def floor_table(found: Sequence[Floor]) -> str:
    """What the card allows, and how much of it was reached."""
    rows = [
        [
            each.name,
            number(each.a_word),
            "not known" if each.a_second is None else f"{each.a_second:.3g}",
            number(each.most),
            _percent(each.share(each.training)),
            _percent(each.share(each.sweep)),
        ]
        for each in found
    ]
    header = ["floor", "a raw word takes", "the card does a second", "raw words/s at most"]
    return markdown_table([*header, "reached in training", "reached in the sweep"], rows)


def _short(value: float) -> str:
    return number(value, 0 if value >= 1000 else 2 if value < 10 else 1)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
