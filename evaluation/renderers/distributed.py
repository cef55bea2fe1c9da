"""The tables of distributed.py."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from common import SCORE_NAMES, SCORES, Report, markdown_table, number, score_cells, with_range

NODE_SPEED = 4.4e6  # words/s of one thread in distributed-wiki8.json, for the projection to several nodes
SECONDS_PER_BYTE = 2e-9  # of averaging, from distributed-cost.json


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
