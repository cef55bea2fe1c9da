"""What is made of the measurements: medians, ratios and the tables. No process is started and no file is read here."""

import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from peers import RESTRICT, TUTORIAL_BATCH, TUTORIAL_WARM_UP, Figures

QUALITY = ("wordsim353", "simlex999", "analogies")
QUIET_CORES = 0.1  # what an idle system's own services may take while a measurement runs


@dataclass(frozen=True)
class Measurement:
    """What was measured of one process."""

    label: str
    round: int
    seed: int
    figures: Figures


def values(measurements: Sequence[Measurement], label: str, figure: str) -> dict[int, float]:
    """A figure of one system by round; rounds without it are left out."""
    return {m.round: m.figures[figure] for m in measurements if m.label == label and figure in m.figures}


def median(measurements: Sequence[Measurement], label: str, figure: str) -> float | None:
    """The median over the rounds, or None where the figure was not measured."""
    found = values(measurements, label, figure)
    return statistics.median(found.values()) if found else None


def paired_ratio(measurements: Sequence[Measurement], label: str, reference: str, figure: str) -> float | None:
    """The median of the ratios within each round in which both systems were measured, or None."""
    own, other = values(measurements, label, figure), values(measurements, reference, figure)
    ratios = [own[number] / other[number] for number in own.keys() & other.keys()]
    return statistics.median(ratios) if ratios else None


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that reads well as text too: padded, all but the first to the right, without columns of dashes only."""
    filled = [i for i in range(len(header)) if any(row[i] != "-" for row in rows)]
    header, rows = [header[i] for i in filled], [[row[i] for i in filled] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = (f"{cell:{'>' if i else '<'}{widths[i]}}" for i, cell in enumerate(cells))
        return f"| {' | '.join(padded)} |"

    rule = [f"{'-' * (width - 1)}:" if i else "-" * width for i, width in enumerate(widths)]
    return "\n".join([line(header), line(rule), *(line(row) for row in rows)])


def number(value: float | None, decimals: int = 0, scale: float = 1) -> str:
    """A figure for the table; a dash where there is none."""
    return "-" if value is None else f"{value * scale:,.{decimals}f}"


def with_range(found: Collection[float], decimals: int = 0) -> str:
    """Median and, of several rounds, the smallest and largest value."""
    if not found:
        return "-"
    middle, low, high = (number(each, decimals) for each in (statistics.median(found), min(found), max(found)))
    return middle if len(found) == 1 else f"{middle} ({low} to {high})"


def labels(measurements: Sequence[Measurement], figure: str) -> list[str]:
    """The systems that have the figure, in the order in which they ran."""
    return list(dict.fromkeys(m.label for m in measurements if figure in m.figures))


def training_table(measurements: Sequence[Measurement]) -> str:
    """Speed, memory and, where it was measured, quality; a row a system."""
    header = ["system", "raw words/s", "x gensim", "x tutorial", "training s", "process s"]
    header += ["process x gensim", "peak MB", "WordSim-353", "SimLex-999", f"analogies (top {RESTRICT // 1000}k)"]
    rows = [
        [
            label,
            with_range(values(measurements, label, "words_per_second").values()),
            number(paired_ratio(measurements, label, "gensim", "words_per_second"), 2),
            number(paired_ratio(measurements, label, "tutorial", "words_per_second"), 1),
            number(median(measurements, label, "training_seconds"), 1),
            number(median(measurements, label, "wall_seconds"), 1),
            number(paired_ratio(measurements, "gensim", label, "wall_seconds"), 2),
            number(median(measurements, label, "peak_mb")),
            *(number(median(measurements, label, name), 1, 100) for name in QUALITY),
        ]
        for label in labels(measurements, "words_per_second")
    ]
    return markdown_table(header, rows)


def indexing_table(measurements: Sequence[Measurement]) -> str:
    """Time and memory of reading and counting the words of the text; a row a system."""
    header = ["system", "indexing s", "times as fast as gensim", "process s", "peak MB"]
    rows = [
        [
            label,
            number(median(measurements, label, "indexing_seconds"), 2),
            number(paired_ratio(measurements, "gensim (indexing)", label, "indexing_seconds"), 2),
            number(median(measurements, label, "wall_seconds"), 2),
            number(median(measurements, label, "peak_mb")),
        ]
        for label in labels(measurements, "indexing_seconds")
    ]
    return markdown_table(header, rows)


def notes(measurements: Sequence[Measurement]) -> list[str]:
    """What has to be known to read the tables."""
    present = {m.label for m in measurements}
    lines = [
        "Medians over the rounds; ratios are taken within a round. Raw words/s = corpus words x epochs / training "
        "seconds. Process s is everything: start, vocabulary, training, saving; its ratio is gensim's time by the "
        "system's. Quality x100."
    ]
    if "fasttext" in present:
        lines.append("fasttext: without n-grams; its training seconds include its vocabulary pass.")
    if any(not label.endswith("(indexing)") and label.startswith("ours") for label in present):
        lines.append(
            "ours: training seconds are elapsed_seconds in metrics.jsonl. Process s holds compiling the kernels, as in "
            "the first training on a machine; later ones load them."
        )
    vocabulary = median(measurements, "gensim", "vocabulary_seconds")
    if vocabulary is not None:
        lines.append(f"gensim: its vocabulary pass took {vocabulary:.1f} s and is not in its training seconds.")
    speed = median(measurements, "tutorial", "words_per_second")
    if speed is not None:
        lines.append(
            f"tutorial: extrapolated from {number(median(measurements, 'tutorial', 'steps'))} steps of "
            f"{TUTORIAL_BATCH} words after {TUTORIAL_WARM_UP} to warm up, at a vocabulary of "
            f"{number(median(measurements, 'tutorial', 'vocabulary'))} words; so it has no vectors to evaluate."
        )
    busiest = max((m.figures.get("other_cores", 0) for m in measurements), default=0)
    if busiest > QUIET_CORES:
        lines.append(f"Not a quiet machine: other processes kept up to {busiest:.1f} cores busy. Measure again.")
    return lines
