"""Render the tables of the evaluation as Markdown, from reports in results/. This module measures nothing.

A renderer takes one or more reports and returns a table, without its sources. tables.py contains the registry of the
tables in the documentation; the measuring scripts print some of them as well.
"""

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from common import (
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
    score_cells,
    times,
    with_range,
)

EPOCHS, IN_BATCH_LR = 5, 0.05  # of the in-batch row in the table of objectives
NODE_SPEED = 4.4e6  # words/s of one thread in distributed-wiki8.json, for the projection to several nodes
SECONDS_PER_BYTE = 2e-9  # of averaging, from distributed-cost.json


# ---- Tables of compare.py


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


def headline(main: Report, preset: Report, quiet: Report, busy: Report) -> str:
    """Render speed with AVX-512 and with AVX2 (quiet and busy machine), time of the whole process, and quality."""

    def speed(report: Report, label: str) -> str:
        return number(median(report["measurements"], label, "words_per_second"), 2, 1e-6)

    def ratio(report: Report, label: str) -> str:
        found = report["measurements"]
        # subtle: of the AVX2 machine only rounded speeds were kept, but also the ratio before rounding
        measured = median(found, label, "x_gensim")
        return number(measured or paired_ratio(found, label, "gensim", "words_per_second"), 1)

    rows = []
    for label, report in (("ours", main), ("ours, --preset quality", preset), ("gensim", main)):
        found = report["measurements"]
        rows.append(
            [
                system_name(label, report),
                speed(report, label),
                ratio(report, label),
                _with_busy(speed(quiet, label), speed(busy, label)),
                _with_busy(ratio(quiet, label), ratio(busy, label)),
                number(median(found, label, "wall_seconds"), 1),
                *(number(median(found, label, score), 1, 100) for score in SCORES),
            ]
        )
    header = ["system", "M words/s, AVX-512", "x gensim", "M words/s, AVX2", "x gensim", "whole process s, AVX-512"]
    return markdown_table([*header, *SCORE_NAMES.values()], rows)


def _with_busy(quiet: str, busy: str) -> str:
    """Return a figure on a quiet machine, with that on a busy machine if it differs."""
    return quiet if quiet == busy else f"{quiet} (busy: {busy})"


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


# ---- Tables of objectives.py


def objective_rows(measured: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return rows of objective, learning rate, number of seeds, and the means and ranges of the three scores."""
    rows = []
    for objective, lr in dict.fromkeys((m["objective"], m["lr"]) for m in measured):
        same = [m for m in measured if (m["objective"], m["lr"]) == (objective, lr)]
        rows.append([objective, f"{lr:g}", str(len(same)), *score_cells(same, statistics.fmean)])
    return rows


def objectives(report: Report, in_batch_report: Report) -> str:
    """Render means and ranges over the seeds at each objective's default learning rate."""
    default = [
        m
        for m in in_batch_report["measurements"]
        if (m["corrected"], m["epochs"], m["lr"]) == (False, EPOCHS, IN_BATCH_LR)
    ]
    rows = objective_rows(report["measurements"]) + objective_rows(default)
    return markdown_table(["objective", "lr", "seeds", *SCORE_NAMES.values()], rows)


def noise(*reports: Report) -> str:
    """Render the scores with other noise distributions, on two corpora."""
    rows = []
    for report in reports:
        corpus = report["command"].split()[2]
        exponent = f"{report['settings'].get('noise_exponent', 0.75):g}"
        rows += [[name, exponent, *cells, corpus] for name, *cells in objective_rows(report["measurements"])]
    rows.sort(key=lambda row: row[-1], reverse=True)
    return markdown_table(["objective", "noise exponent", "lr", "seeds", *SCORE_NAMES.values(), "corpus"], rows)


def learning_rates(report: Report) -> str:
    """Render the three scores at each multiple of the initial guess of an objective's learning rate."""
    found: dict[str, list[str]] = defaultdict(list)
    for m in report["measurements"]:
        found[m["objective"]].append(f"{m['lr']:g}: " + " / ".join(number(m[name], 1, 100) for name in SCORES))
    header = ["lr: WordSim-353 / SimLex-999 / analogies", "x 0.25", "x 0.5", "x 1", "x 2"]
    return markdown_table(header, [[name, *cells] for name, cells in found.items()])


def in_batch(report: Report) -> str:
    """Render the scores by learning rate and correction of in-batch softmax."""
    rows = [
        ["yes" if m["corrected"] else "no", str(m["epochs"]), f"{m['lr']:g}"]
        + [number(m[name], 1, 100) for name in SCORES]
        + [number(m.get("mean_length"), 2)]
        for m in report["measurements"]
    ]
    header = ["corrected by log q", "epochs", "lr", *SCORE_NAMES.values(), "length of the mean vector"]
    return markdown_table(header, rows)


# ---- Tables of distributed.py


def distributed_runs(measured: Sequence[Mapping[str, Any]]) -> str:
    """Render one row per training run, as distributed.py prints it."""
    header = ["processes", "--sync-every", "seed", *SCORE_NAMES.values(), "loss", "rounds", "MB per round", "MB total",
              "words/s", "averaging s"]  # fmt: skip
    rows = [
        [str(m["ranks"]), f"{m['sync_every']:,}" if m["averaged"] else "-", str(m["seed"])]
        + [number(m[name], 1, 100) for name in SCORES]
        + [number(m["loss"], 3), str(m["averaged"]), *_traffic(m)]
        + [number(m["words_per_second"]), number(m["averaging_seconds"], 1)]
        for m in measured
    ]
    return markdown_table(header, rows)


def _traffic(measurement: Mapping[str, Any]) -> list[str]:
    """Return the megabytes that a process passes to all-reduce: per round, and in total."""
    sent, rounds = measurement["bytes"] / 1e6, measurement["averaged"]
    return [number(sent / rounds), number(sent)] if rounds else ["-", "-"]


def speedups(measured: Sequence[Mapping[str, Any]]) -> dict[tuple[int, int], list[float]]:
    """Speed of several processes relative to one with the same seed before it, by (processes, words in a round)."""
    alone: dict[int, float] = {}
    ratios: dict[tuple[int, int], list[float]] = defaultdict(list)
    for m in measured:
        if m["ranks"] == 1:
            alone[m["seed"]] = m["words_per_second"]
        elif m["seed"] in alone:
            ratios[m["ranks"], m["sync_every"]].append(m["words_per_second"] / alone[m["seed"]])
    return dict(ratios)


def distributed(*reports: Report) -> str:
    """Render medians and ranges over the seeds; the first report repeats the second and is used for the speed only."""
    first, repeated, *others = reports
    ratios = speedups([*first["measurements"], *repeated["measurements"]])
    measured = [m for report in (first, *others) for m in report["measurements"]]
    rows = []
    for key in sorted({(m["ranks"], m["sync_every"]) for m in measured}):
        same = [m for m in measured if (m["ranks"], m["sync_every"]) == key]
        ranks, sync_every = key
        rows.append(
            [
                str(ranks),
                f"{sync_every:,}" if ranks > 1 else "-",
                str(len(same)),
                with_range(ratios.get(key, []), 2),
                *score_cells(same),
                str(same[0]["averaged"] or "-"),
                *_traffic(same[0]),
            ]
        )
    header = ["processes", "`--sync-every`", "seeds", "x one process", *SCORE_NAMES.values(), "rounds", "MB per round"]
    return markdown_table([*header, "MB total"], rows)


def averaging_cost(report: Report) -> str:
    """Render the time of averaging tables in which every row has changed."""
    rows = [
        [f"{m['words']:,}", str(m["dim"]), str(m["ranks"]), f"{m['bytes'] / 1e6:,.0f}", f"{m['seconds']:.2f}"]
        for m in report["measurements"]
    ]
    return markdown_table(["words", "dimensions", "processes", "MB", "seconds"], rows)


def projected_speed(nodes: int, words: float, sent: float, network: float) -> float:
    """Return the words/s of several nodes by the formula in evaluation/FINDINGS.md.

    Args:
        nodes: R, how many nodes, each with the speed v = NODE_SPEED.
        words: n, words between two averagings on each node.
        sent: B, bytes that each node passes to all-reduce per round.
        network: b, bytes/s of the network. It costs time only beyond the eighth of a round that training overlaps.
    """
    training, ring = words / NODE_SPEED, 2 * (nodes - 1) / nodes * sent / network
    return nodes * words / (training + SECONDS_PER_BYTE * sent + max(0.0, ring - training / 8))


def projection(short_rounds: Report, long_rounds: Report, cost: Report) -> str:
    """Render a projection, not a measurement: millions of words/s on 8 and 64 nodes over two networks."""
    sizes = [
        ("wiki8, 100d", _bytes_per_round(short_rounds, 1_000_000), 1_000_000),
        ("wiki8, 100d", _bytes_per_round(long_rounds, 4_000_000), 4_000_000),
        ("1 M words, 300d", cost["measurements"][-1]["bytes"], 1_000_000),
        ("1 M words, 300d", cost["measurements"][-1]["bytes"], 50_000_000),
    ]
    rows = [
        [f"{name}: {sent / 1e6:,.0f} MB", f"{words:,}"]
        + [
            f"{projected_speed(nodes, words, sent, gigabits * 1e9 / 8) / 1e6:.1f}"
            for nodes in (8, 64)
            for gigabits in (10, 100)
        ]
        for name, sent, words in sizes
    ]
    networks = [f"{nodes} nodes, {gigabits} Gbit/s" for nodes in (8, 64) for gigabits in (10, 100)]
    return markdown_table(["tables", "words in a round", *networks], rows)


def _bytes_per_round(report: Report, sync_every: int) -> float:
    same = next(m for m in report["measurements"] if m["averaged"] and m["sync_every"] == sync_every)
    return float(same["bytes"] / same["averaged"])


# ---- Tables of kernels.py


def scaling(report: Report) -> str:
    """Render million raw words/s at each value of one setting, with the others as in `base`."""
    rows = [
        [name, ", ".join(f"{value:,}: {speed:.1f}" for value, speed in points)]
        for name, points in report["million_words_per_second"].items()
    ]
    return markdown_table(["setting", "million raw words/s at each value"], rows)


def staleness(report: Report) -> str:
    """Render the scores by the number of concurrent programs of the GPU engine; one row per training run."""
    rows = [
        [
            str(m["programs"]),
            str(m["seed"]),
            *("diverged" if m[name] is None else number(m[name], 1, 100) for name in SCORES),
        ]
        for m in report["measurements"]
    ]
    return markdown_table(["programs", "seed", *SCORE_NAMES.values()], rows)


# ---- Tables of deepwalk.py and sessions.py

DEEPWALK_PAPER = {0.1: 36.0, 0.5: 41.0, 0.9: 42.0}  # Micro-F1 by the labeled part, table 2 of Perozzi et al. 2014


def deepwalk(report: Report) -> str:
    """Render Micro-F1 and Macro-F1 on BlogCatalog by the labeled part of the nodes, beside the paper's."""
    rows = []
    for labeled in dict.fromkeys(score["labeled"] for score in report["scores"]):
        found = [score for score in report["scores"] if score["labeled"] == labeled]
        paper = DEEPWALK_PAPER.get(labeled)
        rows.append(
            [
                f"{100 * labeled:.0f} %",
                number(paper, 1),
                *(_with_deviation([score[name] for score in found]) for name in ("micro", "macro")),
                str(len(found)),
            ]
        )
    return markdown_table(["labeled nodes", "Micro-F1, paper", "Micro-F1", "Macro-F1", "splits"], rows)


def _with_deviation(values: Sequence[float]) -> str:
    """Return the mean of fractions, times 100, and for several values their standard deviation."""
    mean = number(statistics.mean(values), 1, 100)
    return mean if len(values) == 1 else f"{mean} ± {number(statistics.stdev(values), 1, 100)}"


def deepwalk_speed(report: Report) -> str:
    """Render the speed of training on walks beside gensim's on the same walks."""
    found = report["measurements"]
    rows = [
        [
            system_name(label, report),
            with_range(figures(found, label, "words_per_second").values()),
            times(paired_ratio(found, label, "gensim", "words_per_second")),
            with_range(figures(found, label, "training_seconds").values(), 1),
            with_range(figures(found, label, "micro").values(), 1, 100),
        ]
        for label in labels(found, "words_per_second")
    ]
    return markdown_table(["system", "steps of walks/s", "x gensim", "seconds", "Micro-F1 at 50 %"], rows)


SESSION_METRICS = {"hit_rate": "hit rate@10", "mrr": "MRR@10", "ndcg": "NDCG@10"}


def sessions(report: Report) -> str:
    """Render the ranking of the next item, x 100, on the test part; one row per model, means and ranges over seeds."""
    found = [m for m in report["measurements"] if m["part"] == "test"]
    rows = [
        [_session_model(model, settings), *_session_cells(found, model, settings)]
        for model, settings in dict.fromkeys((m["model"], m.get("settings")) for m in found)
    ]
    return markdown_table(["model", *SESSION_METRICS.values()], rows)


def _session_model(model: str, settings: str | None) -> str:
    if settings is None:
        return model
    return f"word2vec, {model}" + ("" if settings == "chosen settings" else ", defaults for text")


def _session_cells(found: Sequence[Mapping[str, Any]], model: str, settings: str | None) -> list[str]:
    same = [m for m in found if (m["model"], m.get("settings")) == (model, settings)]
    return [with_range([m[name] for m in same], 1, 100, statistics.mean) for name in SESSION_METRICS]


def session_settings(report: Report) -> str:
    """Render both models of word2vec on the validation part, x 100; one row per change of the settings."""
    found = [m for m in report["measurements"] if m["part"] == "validation" and "settings" in m]
    models = list(dict.fromkeys(m["model"] for m in found))
    rows = [
        [settings, *(cell for model in models for cell in _session_cells(found, model, settings)[:2])]
        for settings in dict.fromkeys(m["settings"] for m in found)
    ]
    names = list(SESSION_METRICS.values())[:2]
    return markdown_table(["settings", *(f"{name}, {model}" for model in models for name in names)], rows)


# ---- Tables of recommendation.py


def recommendation(report: Report) -> str:
    """Render ranking metrics and speed of each system on each set of interactions, means with their ranges."""
    rows = []
    for name, part in report["sets"].items():
        found = part["measurements"]
        for system in dict.fromkeys(m["system"] for m in found):
            own = [m for m in found if m["system"] == system]
            label = system if system.startswith(("implicit", "popularity", "true")) else f"word2vec-fused, {system}"
            scores = [
                with_range([m[metric] for m in own], 1, 100, statistics.mean) for metric in ("ndcg", "recall", "mrr")
            ]
            timed = [m for m in own if "seconds" in m]
            speed = number(statistics.median(m["examples_per_second"] for m in timed), 1, 1e-6) if timed else "-"
            seconds = number(statistics.median(m["seconds"] for m in timed), 1) if timed else "-"
            rows.append([f"{name}: {label}", *scores, speed, seconds])
    k = report["settings"]["k"]
    header = ["interactions: system", f"NDCG@{k}", f"recall@{k}", f"MRR@{k}", "M examples per CPU second", "CPU s"]
    return markdown_table(header, rows)
