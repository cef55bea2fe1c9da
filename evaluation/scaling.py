"""How the speed of the fused CPU engine depends on vocabulary, dimensions, negatives, window and threads.

    python evaluation/scaling.py [--rounds 3] [--output results/scaling-NAME]

Writes OUTPUT.json, every measurement with the machine, and OUTPUT.svg, the curves. The text is drawn at random, word i
with a share of 1/i (Zipf's law), in sentences of 1,000 words: what the words are makes no difference to the speed, how
often they come does. One thing is varied at a time, the rest is WORDS words of the middle vocabulary at the settings of
BASE. The settings take turns within a round, and the best round counts: other programs held that one up least.
"""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from compare import commit, hardware, versions, write_atomically
from matplotlib import pyplot as plt
from peers import HERE

from word2vec.corpus.vocabulary import Vocabulary
from word2vec.engines.cpu.engine import FusedEngine
from word2vec.losses import NegativeSampling
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import SamplingSettings, SkipGramDataset

WORDS, SENTENCE = 2_000_000, 1000
BASE = {"vocabulary": 100_000, "dimensions": 100, "negatives": 5, "window": 5, "threads": 1}
VARIED = {
    "vocabulary": (10_000, 30_000, 100_000, 300_000, 1_000_000),
    "dimensions": (50, 100, 200, 300, 500),
    "negatives": (1, 2, 5, 10, 20),
    "window": (1, 2, 5, 10, 15),
    "threads": (1, 2),
}
LOGARITHMIC = {"vocabulary"}
LEARNING_RATE = 0.025

Settings = dict[str, int]


def plan() -> list[Settings]:
    """The settings to measure, each once."""
    points = [BASE | {name: value} for name, values in VARIED.items() for value in values]
    return [point for number, point in enumerate(points) if point not in points[:number]]


def draw_text(vocabulary: int) -> tuple[np.ndarray, Vocabulary]:
    """Ids (WORDS,) by Zipf's law, every word of the vocabulary at least once, and the vocabulary."""
    shares = 1 / np.arange(1, vocabulary + 1)
    counts = np.maximum(1, (shares / shares.sum() * WORDS).astype(np.int64))
    tokens = np.repeat(np.arange(vocabulary, dtype=np.int32), counts)
    np.random.default_rng(0).shuffle(tokens)
    return tokens, Vocabulary([str(number) for number in range(vocabulary)], counts)


def prepare(settings: Settings) -> tuple[FusedEngine, int]:
    """The engine, compiled, and the number of words of its text."""
    tokens, vocabulary = draw_text(settings["vocabulary"])
    offsets = np.append(np.arange(0, len(tokens), SENTENCE), len(tokens))
    sampling = SamplingSettings(window=settings["window"], negatives=settings["negatives"])
    dataset = SkipGramDataset(tokens, offsets, vocabulary, sampling)
    model = SkipGram(len(vocabulary), settings["dimensions"], torch.Generator().manual_seed(0))
    engine = FusedEngine(model, NegativeSampling("sum"), dataset, lambda _, __: LEARNING_RATE, settings["threads"])
    return engine, len(tokens)


def words_per_second(settings: Settings) -> tuple[float, float]:
    """The speed of one epoch in raw words/s, and the pairs trained for each."""
    engine, words = prepare(settings)
    start = time.perf_counter()
    *_, last = engine.epoch(0)
    return words / (time.perf_counter() - start), last.pairs / words


def draw(best: dict[str, list[tuple[int, float]]], title: str, path: Path) -> None:
    """A panel for each thing that is varied."""
    mpl.rcParams["svg.hashsalt"] = "scaling"  # the same picture is the same file
    figure, panels = plt.subplots(1, len(best), figsize=(3 * len(best), 3), sharey=True)
    for panel, (name, points) in zip(panels, best.items(), strict=True):
        panel.plot(*zip(*points, strict=True), marker="o")
        panel.set_xlabel(name)
        panel.grid(alpha=0.3)
        if name in LOGARITHMIC:
            panel.set_xscale("log")
        if name == "threads":
            panel.set_xticks(VARIED[name])
    panels[0].set_ylabel("million raw words/s")
    panels[0].set_ylim(0, 1.1 * max(speed for points in best.values() for _, speed in points))
    figure.suptitle(title, fontsize=9)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main(arguments: list[str]) -> int:
    """Measure, draw, write; returns the exit code."""
    parser = argparse.ArgumentParser(prog="scaling.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "scaling", help="the files, without ending")
    options = parser.parse_args(arguments)
    speeds: dict[str, list[tuple[float, float]]] = {}
    for number in range(options.rounds):
        for settings in plan():
            speeds.setdefault(json.dumps(settings), []).append(words_per_second(settings))
            print(
                f"round {number + 1}: {settings}: {speeds[json.dumps(settings)][-1][0]:,.0f} words/s", file=sys.stderr
            )
    best = {
        name: [(value, max(speeds[json.dumps(BASE | {name: value})])[0] / 1e6) for value in values]
        for name, values in VARIED.items()
    }
    machine = hardware("cpu")
    report: dict[str, object] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "hardware": machine,
        "versions": versions(),
        "base": BASE,
        "million_words_per_second": best,
        "measurements": [
            json.loads(settings) | {"words_per_second": [s for s, _ in found], "pairs_per_word": found[0][1]}
            for settings, found in speeds.items()
        ],
    }
    write_atomically(options.output.with_suffix(".json"), report)
    base = ", ".join(f"{name} {value:,}" for name, value in BASE.items())
    draw(best, f"{machine['cpu']}; where not varied: {base}", options.output.with_suffix(".svg"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
