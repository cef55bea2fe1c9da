"""Benchmark the compiled kernels: time per part, speed by setting, and staleness.

    python evaluation/kernels.py parts [--dim 100] [--negatives 5] [--rows 6]
    python evaluation/kernels.py scaling [--rounds 3] [--output results/scaling]
    python evaluation/kernels.py staleness CORPUS [--programs 1,396,1584] [--seeds 1] [--set KEY=VALUE]

`parts` times the parts of the CPU kernel on rows in the nearest cache: nanoseconds per pair for the scores, the
objective and the updates of one block, with the time that two multiply-add units would need for them alone (Zen 4
takes twice as long for vectors of 16 floats, because each takes both units). WORD2VEC_INSTRUCTION_SET=avx2 times the
code for processors without AVX-512. Times are those of the CPU, so that other programs disturb them less. The
whole kernel takes longer than their sum because of sampling, and because it waits for rows and for the results of the
previous part. Takes a minute.

`scaling` measures the speed of the CPU engine against vocabulary, dimensions, negatives, window and threads. The text
is drawn at random with word frequencies 1/i (Zipf's law), in sentences of 1,000 words: the speed depends on the
frequencies, not on the words themselves. One setting is varied at a time, the others are those of BASE. The
settings alternate within a round, and the best round counts, because other programs disturbed it least. Takes several
minutes per round; writes OUTPUT.json and the curves in OUTPUT.svg.

`staleness` finds out without a GPU how many programs of the GPU engine may run concurrently before the vectors get
worse. It runs the algorithm of word2vec/engines/gpu/kernels.py in lockstep: all programs read the tables, each trains
one center word, then all write. On a GPU, programs are not in lockstep, but the values that they read are equally stale
on average. Supports negative sampling only. Takes several minutes for each number of programs.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import torch
from common import (
    RESULTS,
    SCORES,
    HelpFormatter,
    comma_separated,
    positive,
    report_header,
    score_vectors,
    setting,
    write_json,
)
from llvmlite import ir
from numba import types
from renderers.kernels import staleness as staleness_table

from word2vec import SamplingSettings, SkipGram, SkipGramDataset, TrainConfig, Vocabulary, WordVectors, index_corpus
from word2vec.config import make_config
from word2vec.engines.cpu.compiling import FLAGS
from word2vec.engines.cpu.engine import FusedEngine
from word2vec.engines.cpu.objectives import block_offsets, block_size, packed_gradients
from word2vec.engines.cpu.simd import (
    BLOCK_ROWS,
    LANES,
    block_scores,
    block_steps,
    padded_targets,
    padded_width,
    pointer_to,
)
from word2vec.engines.gpu.tiling import Shape, tile_shape
from word2vec.errors import Word2VecError
from word2vec.losses import NegativeSampling
from word2vec.sampling.distributions import draw_negatives, subsample
from word2vec.sampling.shards import chunks
from word2vec.system.instructions import INSTRUCTION_SET, WIDTH, intrinsic
from word2vec.training.setup import LinearDecay

# ---- parts

REPEATS, ROUNDS = 1000, 500  # a round is so short that other programs seldom interrupt it
UNITS, LATENCY = 2, 4  # multiply-adds started in a cycle, and cycles for one: Intel since Skylake, AMD since Zen 3
njit: Any = numba.njit(fastmath=FLAGS, boundscheck=False, error_model="numpy")


@intrinsic
def use_memory(typing_context):  # type: ignore[no-untyped-def]
    """Do nothing, but let the compiler believe that all memory is read and written, so that it removes no repeat."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        builder.asm(ir.FunctionType(ir.VoidType(), []), "", "~{memory}", [], side_effect=True)
        return context.get_dummy_value()

    return types.void(), generate


def aligned(size: int) -> npt.NDArray[np.float32]:
    """Small random numbers, aligned to a cache line."""
    memory = np.random.default_rng(0).normal(0, 0.1, size + LANES).astype(np.float32)
    first = -memory.ctypes.data % (4 * LANES) // 4
    return memory[first : first + size]


def make_parts(n_targets: int) -> tuple[Callable[..., None], ...]:
    """Return the parts of the kernel as compiled functions, each in a loop."""
    padded = padded_targets(n_targets)
    gradients, _, _ = block_offsets(padded, LANES)  # type: ignore[no-untyped-call]

    @njit
    def scores(repeats, x, rows, n, y, targets, block, steps, width):  # type: ignore[no-untyped-def]
        for _ in range(repeats):
            block_scores(x, rows, n, y, targets, block, width, n_targets, 1)
            use_memory()

    @njit
    def objective(repeats, x, rows, n, y, targets, block, steps, width):  # type: ignore[no-untyped-def]
        for _ in range(repeats):
            packed_gradients("negative-sampling", n, padded, LANES, block)  # type: ignore[no-untyped-call]
            use_memory()

    @njit
    def update(repeats, x, rows, n, y, targets, block, steps, width):  # type: ignore[no-untyped-def]
        for _ in range(repeats):
            block_steps(x, rows, n, y, targets, pointer_to(block, gradients), np.float32(1), steps, width, n_targets, 1)
            use_memory()

    return scores, objective, update


@numba.njit(fastmath={"contract"})
def chain(repeats, number):  # type: ignore[no-untyped-def]
    """Multiply-adds that each wait for the one before: LATENCY cycles each."""
    for _ in range(repeats):
        number = number * np.float32(0.5) + np.float32(1)
    return number


def best_seconds(function: Callable[..., None], *arguments: object, repeats: int = REPEATS) -> float:
    """Return the shortest CPU time of one repeat."""
    function(1, *arguments)
    times = []
    for _ in range(ROUNDS):
        start = time.thread_time()
        function(repeats, *arguments)
        times.append(time.thread_time() - start)
    return min(times) / repeats


def run_parts(options: argparse.Namespace, report: dict[str, Any]) -> None:
    """Time each part and print it."""
    n, n_targets = options.rows, 1 + options.negatives
    width, padded = padded_width(options.dim), padded_targets(n_targets)
    starts = np.arange(max(n, padded), dtype=np.int64) * width
    block, steps = aligned(block_size(padded, LANES) + padded * LANES), np.zeros(padded * LANES, np.float32)
    x, y = aligned(n * width), aligned(padded * width)
    arguments = (x, starts, n, y, starts, block, steps, width)
    scores, objective, update = make_parts(n_targets)
    cycle = best_seconds(chain, np.float32(0), repeats=200 * REPEATS) / LATENCY
    product = n_targets * width / WIDTH / UNITS * cycle  # the minimum for one of the three products of a pair
    report |= {"vector_width": WIDTH, "instruction_set": INSTRUCTION_SET.name, "cycle_ns": cycle * 1e9, "parts": {}}
    for name, function, minimum in (
        ("scores", scores, product),
        ("objective", objective, 0.0),
        ("steps", update, 2 * product),
    ):
        seconds = best_seconds(function, *arguments) / n
        report["parts"][name] = {"ns_per_pair": seconds * 1e9, "multiply_adds_ns": minimum * 1e9}
        print(f"{name:10} {seconds * 1e9:6.1f} ns per pair; multiply-adds alone {minimum * 1e9:6.1f}")
    print(f"vectors of {WIDTH} floats, {INSTRUCTION_SET.name}; a cycle takes {cycle * 1e9:.3f} ns")
    if options.output:
        write_json(options.output, report)


# ---- scaling

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
    """Return the settings to measure, each once."""
    points = [BASE | {name: value} for name, values in VARIED.items() for value in values]
    return [point for number, point in enumerate(points) if point not in points[:number]]


def draw_text(vocabulary: int) -> tuple[npt.NDArray[np.int32], Vocabulary]:
    """Return word ids (WORDS,) by Zipf's law, every word at least once, and their vocabulary."""
    frequencies = 1 / np.arange(1, vocabulary + 1)
    counts = np.maximum(1, (frequencies / frequencies.sum() * WORDS).astype(np.int64))
    tokens = np.repeat(np.arange(vocabulary, dtype=np.int32), counts)
    np.random.default_rng(0).shuffle(tokens)
    return tokens, Vocabulary([str(number) for number in range(vocabulary)], counts)


def words_per_second(settings: Settings) -> tuple[float, float]:
    """Return the speed of one epoch in raw words/s, without compiling, and the number of pairs for each word."""
    tokens, vocabulary = draw_text(settings["vocabulary"])
    offsets = np.append(np.arange(0, len(tokens), SENTENCE), len(tokens))
    sampling = SamplingSettings(window=settings["window"], negatives=settings["negatives"])
    dataset = SkipGramDataset(tokens, offsets, vocabulary, sampling)
    model = SkipGram(len(vocabulary), settings["dimensions"], torch.Generator().manual_seed(0))
    engine = FusedEngine(model, NegativeSampling("sum"), dataset, lambda _, __: LEARNING_RATE, settings["threads"])
    start = time.perf_counter()
    *_, last = engine.epoch(0)
    return len(tokens) / (time.perf_counter() - start), last.pairs / len(tokens)


def draw_curves(best: dict[str, list[tuple[int, float]]], title: str, path: Path) -> None:
    """Draw one panel for each setting that is varied."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

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


def run_scaling(options: argparse.Namespace, report: dict[str, Any]) -> None:
    """Measure every setting in every round; write the measurements and the curves."""
    speeds: dict[str, list[tuple[float, float]]] = {}
    for round_number in range(1, options.rounds + 1):
        for settings in plan():
            found = speeds.setdefault(json.dumps(settings), [])
            found.append(words_per_second(settings))
            print(f"round {round_number}: {settings}: {found[-1][0]:,.0f} words/s", file=sys.stderr)
    best = {
        name: [(value, max(speeds[json.dumps(BASE | {name: value})])[0] / 1e6) for value in values]
        for name, values in VARIED.items()
    }
    report |= {
        "base": BASE,
        "million_words_per_second": best,
        "measurements": [
            json.loads(settings) | {"words_per_second": [speed for speed, _ in found], "pairs_per_word": found[0][1]}
            for settings, found in speeds.items()
        ],
    }
    write_json(options.output.with_suffix(".json"), report)
    base = ", ".join(f"{name} {value:,}" for name, value in BASE.items())
    machine = report["hardware"]
    title = f"{machine['cpu']}, {machine['instruction_set']}; where not varied: {base}"
    draw_curves(best, title, options.output.with_suffix(".svg"))


# ---- staleness

CHUNK_WORDS = 1 << 21  # as in word2vec/engines/gpu/engine.py
FAST_MATH = {"reassoc", "contract", "nsz", "arcp"}
ONE = np.float32(1)


@numba.njit(fastmath=FAST_MATH, error_model="numpy")
def _add(row, other, factor=ONE):  # type: ignore[no-untyped-def]
    """Add to a row (D,) in place; numba's own addition of rows allocates a third one."""
    for d in range(len(row)):
        row[d] += factor * other[d]


@numba.njit(fastmath=FAST_MATH, error_model="numpy")
def _train_pair(x, y, y_steps, lr, step):  # type: ignore[no-untyped-def]
    """Update an input row x (D,) and add to the steps (1 + K, D) of the target rows y (1 + K, D)."""
    dim = len(x)
    step[:] = 0
    for k in range(len(y)):
        target, target_step = y[k], y_steps[k]
        score = np.float32(0)
        for d in range(dim):
            score += x[d] * target[d]
        g = -lr * (ONE / (ONE + np.exp(-score)) - np.float32(k == 0))
        for d in range(dim):
            step[d] += g * target[d]
        for d in range(dim):
            target_step[d] += g * x[d]
    for d in range(dim):
        x[d] += step[d]


@numba.njit(fastmath=FAST_MATH, error_model="numpy")
def lockstep(words, sentences, targets, widths, inputs, outputs, programs, centers, rows, window, lr_first, lr_last):  # type: ignore[no-untyped-def]
    """Train on a chunk of surviving words; arguments as in the train kernel of the GPU engine, tables (V, D)."""
    total, dim, n_targets = len(words), inputs.shape[1], targets.shape[1]
    groups = (total + centers - 1) // centers
    stretch = (groups + programs - 1) // programs * centers
    x = np.zeros((programs, rows, dim), np.float32)
    start = np.zeros((programs, rows, dim), np.float32)
    y_steps = np.zeros((programs, n_targets, dim), np.float32)
    y, scratch = np.zeros((n_targets, dim), np.float32), np.zeros(dim, np.float32)
    for step in range(stretch):
        for p in range(programs):  # all read
            center = p * stretch + step
            if center >= total:
                continue
            block = center - step % centers - window
            if step % centers == 0:
                for r in range(max(0, -block), min(rows, total - block)):
                    start[p, r] = 0
                    _add(start[p, r], inputs[words[block + r]])
                    x[p, r] = 0
                    _add(x[p, r], start[p, r])
            lr = np.float32(lr_first + (lr_last - lr_first) * center / total)
            for k in range(n_targets):
                y[k] = 0
                _add(y[k], outputs[targets[center, k]])
            y_steps[p] = 0
            for place in range(max(0, center - widths[center]), min(total, center + widths[center] + 1)):
                if place != center and sentences[place] == sentences[center]:
                    _train_pair(x[p, place - block], y, y_steps[p], lr, scratch)
        for p in range(programs):  # all write
            center = p * stretch + step
            if center >= total:
                continue
            for k in range(n_targets):
                _add(outputs[targets[center, k]], y_steps[p, k])
            if step % centers == centers - 1 or center == total - 1:
                block = center - step % centers - window
                for r in range(max(0, -block), min(rows, total - block)):
                    _add(inputs[words[block + r]], x[p, r])
                    _add(inputs[words[block + r]], start[p, r], -ONE)


def train_in_lockstep(config: TrainConfig, programs: int) -> WordVectors:
    """Train as the GPU engine does with this number of programs."""
    corpus = index_corpus(config.corpus)
    vocabulary = corpus.vocabulary(config.min_count, config.max_vocab)
    settings = SamplingSettings(config.window, config.negatives, config.subsample, config.noise_exponent)
    dataset = SkipGramDataset(corpus.tokens, corpus.offsets, vocabulary, settings, seed=config.seed)
    model = SkipGram(len(vocabulary), config.dim, torch.Generator().manual_seed(config.seed))
    inputs, outputs = (table.detach().numpy() for table in (model.input, model.output))
    shape, generator, done = _single_tile(config), torch.Generator().manual_seed(config.seed), 0
    decay = LinearDecay(config.lr or NegativeSampling.default_lr, config.min_lr, len(corpus.tokens), config.epochs)
    for _ in range(config.epochs):
        for begin, end in chunks(corpus.offsets, 0, len(corpus.offsets) - 1, CHUNK_WORDS):
            drawn = _draw(dataset, begin, end, generator)
            before, done = done, done + int(corpus.offsets[end] - corpus.offsets[begin])
            rates = decay(0, before), decay(0, done)
            lockstep(*drawn, inputs, outputs, programs, shape.centers, shape.rows, config.window, *rates)  # type: ignore[call-arg]
    return WordVectors(vocabulary.words, inputs, counts=vocabulary.counts)


def _single_tile(config: TrainConfig) -> Shape:
    shape = tile_shape(config.dim, config.negatives, 2 * config.window)
    if shape.centers + 2 * config.window > shape.rows:
        raise SystemExit(f"window {config.window}: too wide for one tile, and lockstep supports no more; lower it")
    return shape


def _draw(dataset: SkipGramDataset, begin: int, end: int, generator: torch.Generator) -> list[npt.NDArray[Any]]:
    """Words (N,), sentences (N,), targets (N, 1 + K) and widths (N,) of the sentences begin..end."""
    ids, sentence = dataset._read(begin, end)
    kept = subsample(dataset.keep, ids, generator)
    ids, sentence = ids[kept], sentence[kept]
    negatives = draw_negatives(dataset.alias, ids, dataset.settings.negatives, generator)
    widths = torch.randint(1, dataset.settings.window + 1, (len(ids),), generator=generator)
    return [each.numpy() for each in (ids, sentence, torch.cat([ids[:, None], negatives], dim=1), widths)]


def run_staleness(options: argparse.Namespace, report: dict[str, Any]) -> None:
    """Train and score for each number of programs and seed; None stands for training that diverged."""
    settings = dict(options.set)
    report |= {"settings": settings, "measurements": []}
    for programs in map(int, options.programs):
        for seed in range(1, options.seeds + 1):
            config = make_config(settings, {"corpus": [options.corpus], "seed": seed})
            scores: dict[str, float | None] = dict.fromkeys(SCORES)
            with suppress(Word2VecError):  # the vectors contain nan or infinity
                scores = score_vectors(train_in_lockstep(config, programs))
            report["measurements"].append({"programs": programs, "seed": seed, **scores})
            write_json(options.output, report)
            print(report["measurements"][-1], file=sys.stderr)
    print(staleness_table(report))


# ---- the command line

WORK: dict[str, Callable[[argparse.Namespace, dict[str, Any]], None]] = {
    "parts": run_parts,
    "scaling": run_scaling,
    "staleness": run_staleness,
}


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options; see --help."""
    style = HelpFormatter
    parser = argparse.ArgumentParser(
        prog="kernels.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    works = parser.add_subparsers(dest="work", required=True)
    parts = works.add_parser("parts", help="time the parts of the CPU kernel (one minute)", formatter_class=style)
    parts.add_argument("--dim", type=positive, default=100, help="dimension of the vectors")
    parts.add_argument("--negatives", type=positive, default=5, help="number of noise words")
    parts.add_argument("--rows", type=positive, default=6, help="number of context words in the block")
    parts.add_argument("--output", type=Path, help="JSON file to write")
    scaling = works.add_parser(
        "scaling", help="measure speed by setting (several minutes per round)", formatter_class=style
    )
    add = scaling.add_argument
    add("--rounds", type=positive, default=3, help="number of rounds")
    add("--output", type=Path, default=RESULTS / "scaling", help="files to write, without .json and .svg")
    staleness = works.add_parser(
        "staleness", help="measure quality by number of programs (several minutes each)", formatter_class=style
    )
    add = staleness.add_argument
    add("corpus", help="corpus, as for `word2vec train`")
    add("--programs", type=comma_separated(), default="1,396,1584", help="numbers of programs at once")
    add("--seeds", type=positive, default=1, help="number of seeds")
    add("--set", type=setting, action="append", default=[], metavar="KEY=VALUE", help="another setting of TrainConfig")
    add("--output", type=Path, default=RESULTS / "staleness.json", help="JSON file to write")
    options = parser.parse_args(arguments)
    if options.work == "parts" and options.rows > BLOCK_ROWS:
        parts.error(f"--rows: a block has at most {BLOCK_ROWS} rows")
    return options


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; returns the exit code."""
    options = parse_arguments(arguments)
    WORK[options.work](options, report_header("kernels.py", arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
