"""The tables of deepwalk.py and sessions.py."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from common import Report, figures, labels, markdown_table, number, paired_ratio, times, with_range

from renderers.compare import system_name

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
