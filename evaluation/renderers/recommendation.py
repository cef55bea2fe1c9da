"""The tables of recommendation.py."""

import statistics

from common import Report, markdown_table, number, with_range


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
