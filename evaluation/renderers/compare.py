"""The tables of compare.py."""

from collections.abc import Mapping

from common import (
    ANALOGY_KINDS,
    SCORE_NAMES,
    SCORES,
    Measurements,
    Report,
    figures,
    labels,
    markdown_table,
    median,
    number,
    paired_ratio,
    times,
    with_range,
)


def system_name(label: str, report: Report | None = None) -> str:
    """Return the name of a system in tables: this package by its distribution, others with their versions if known."""
    name, _, detail = label.partition(", ")
    name = "word2vec-fused" if name == "ours" else name
    version = (report or {}).get("versions", {}).get(name, "") if name != "word2vec-fused" else ""
    return " ".join(filter(None, [name, version])) + (f", `{detail}`" if detail else "")


def training_table(measurements: Measurements, names: Mapping[str, str] | None = None) -> str:
    """Render speed, memory and, if measured, quality; one row per system, under its label or its name in `names`."""
    header = ["system", "raw words/s", "x gensim", "x tutorial", "training s", "process s", "process x gensim"]
    rows = [
        [
            (names or {}).get(label, label),
            with_range(figures(measurements, label, "words_per_second").values()),
            times(paired_ratio(measurements, label, "gensim", "words_per_second")),
            times(paired_ratio(measurements, label, "tutorial", "words_per_second")),
            number(median(measurements, label, "training_seconds"), 1),
            number(median(measurements, label, "wall_seconds"), 1),
            times(paired_ratio(measurements, "gensim", label, "wall_seconds")),
            number(median(measurements, label, "peak_mb")),
            *(number(median(measurements, label, name), 1, 100) for name in SCORES),
        ]
        for label in labels(measurements, "words_per_second")
    ]
    return markdown_table([*header, "peak MB", *SCORE_NAMES.values()], rows)


def indexing_table(measurements: Measurements, names: Mapping[str, str] | None = None) -> str:
    """Render time and memory of reading the text and counting its words; one row per system."""
    header = ["system", "indexing s", "times as fast as gensim", "process s", "peak MB"]
    rows = [
        [
            (names or {}).get(label, label),
            number(median(measurements, label, "indexing_seconds"), 2),
            number(paired_ratio(measurements, "gensim (indexing)", label, "indexing_seconds"), 2),
            number(median(measurements, label, "wall_seconds"), 2),
            number(median(measurements, label, "peak_mb")),
        ]
        for label in labels(measurements, "indexing_seconds")
    ]
    return markdown_table(header, rows)


def headline(main: Report, preset: Report) -> str:
    """Render speed, time of the whole process, and quality."""
    rows = []
    for label, report in (("ours", main), ("ours, --preset quality", preset), ("gensim", main)):
        found = report["measurements"]
        rows.append(
            [
                system_name(label, report),
                number(median(found, label, "words_per_second"), 2, 1e-6),
                number(paired_ratio(found, label, "gensim", "words_per_second"), 1),
                number(median(found, label, "wall_seconds"), 1),
                *(number(median(found, label, score), 1, 100) for score in SCORES),
            ]
        )
    return markdown_table(["system", "M words/s", "x gensim", "whole process s", *SCORE_NAMES.values()], rows)


def processors(*reports: Report) -> str:
    """Render the speed beside gensim's on each processor."""
    rows = []
    for report in reports:
        found, hardware = report["measurements"], report["hardware"]
        measured = median(found, "ours", "x_gensim")
        state = report.get("note", "").split(";")[:1] if measured else []  # "quiet machine" or "busy host"
        rows.append(
            [
                ", ".join([hardware["cpu"], hardware["instruction_set"], *state]),
                *(number(median(found, label, "words_per_second"), 2, 1e-6) for label in ("ours", "gensim")),
                number(measured or paired_ratio(found, "ours", "gensim", "words_per_second"), 1),
            ]
        )
    return markdown_table(["processor, 2 cores", "M words/s", "gensim, M words/s", "x gensim"], rows)


def training(report: Report) -> str:
    """Render all columns, for this package with its default settings and for gensim."""
    found = [m for m in report["measurements"] if m["label"] in ("ours", "gensim")]
    return training_table(found, {label: system_name(label, report) for label in ("ours", "gensim")})


def peers(main: Report, autograd: Report, earlier: Report) -> str:
    """Render every system that was measured, with the speed of gensim in the same run."""
    shown = [
        (system_name("ours"), main, "ours"),
        (system_name("ours") + ", `--engine autograd`", autograd, "ours"),
        (system_name("gensim", main), main, "gensim"),
        ("word2vec.c", earlier, "word2vec.c"),
        (system_name("fastText", earlier), earlier, "fastText"),
        ("tutorial pipeline", autograd, "tutorial"),
    ]
    rows = []
    for name, report, label in shown:
        found = report["measurements"]
        rows.append(
            [
                name,
                number(median(found, label, "words_per_second")),
                number(median(found, "gensim", "words_per_second")),
                times(paired_ratio(found, label, "gensim", "words_per_second")),
                *(number(median(found, label, score), 1, 100) for score in SCORES),
            ]
        )
    return markdown_table(["system", "raw words/s", "gensim, same run", "x gensim", *SCORE_NAMES.values()], rows)


def presets(preset: Report, main: Report, less_frequent: Report, wide: Report) -> str:
    """Render `--preset quality` and gensim with stronger subsampling and wider windows."""
    shown = [
        ("word2vec-fused, `--preset quality`", preset, "ours, --preset quality"),
        ("gensim, window 5, t 1e-3", main, "gensim"),
        ("gensim, window 5, t 1e-4", less_frequent, "gensim"),
        ("gensim, window 15, t 1e-4", wide, "gensim"),
    ]
    rows = []
    for name, report, label in shown:
        found = report["measurements"]
        scores = [with_range(figures(found, label, score).values(), 1, 100) for score in SCORES]
        seconds = median(found, label, "wall_seconds")
        rows.append([name, str(len(figures(found, label, "wordsim353"))), number(seconds, 1), *scores])
    return markdown_table(["system", "seeds", "whole process s", *SCORE_NAMES.values()], rows)


def objective_speeds(report: Report) -> str:
    """Render raw words/s of every objective that the fused engines support."""
    found = report["measurements"]
    rows = [
        [label.partition(", ")[2], with_range(figures(found, label, "words_per_second").values(), 1, 1e-6)]
        for label in labels(found, "words_per_second")
    ]
    return markdown_table(["objective", "million raw words/s"], rows)


def indexing(report: Report) -> str:
    """Render indexing time, compared with gensim's vocabulary pass."""
    names = {f"{label} (indexing)": system_name(label, report) for label in ("ours", "gensim")}
    return indexing_table(report["measurements"], names)


def models(*reports: Report) -> str:
    """Render each model of this package beside the system that it was measured with: speed, memory and quality."""
    header = ["system", "epochs", "raw words/s", "times the peer", "training s", "peak MB", *SCORE_NAMES.values()]
    rows = []
    for report in reports:
        found = report["measurements"]
        systems = labels(found, "words_per_second")
        peer = next((label for label in systems if not label.startswith("ours")), "")
        rows += [
            [
                system_name(label, report),
                number(_epochs(found, label, report)),
                with_range(figures(found, label, "words_per_second").values()),
                times(paired_ratio(found, label, peer, "words_per_second")),
                number(median(found, label, "training_seconds"), 1),
                number(median(found, label, "peak_mb")),
                *(with_range(figures(found, label, score).values(), 1, 100) for score in (*SCORES, *ANALOGY_KINDS)),
            ]
            for label in systems
        ]
    return markdown_table([*header, *ANALOGY_KINDS], rows)


def _epochs(measurements: Measurements, label: str, report: Report) -> float:
    """Return the number of epochs of a measurement, from the words it trained."""
    words = float(report["corpus"]["words_used"])
    seconds, speed = (median(measurements, label, name) or 0.0 for name in ("training_seconds", "words_per_second"))
    return round(seconds * speed / words)
