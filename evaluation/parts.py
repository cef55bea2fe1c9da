"""Where the time of the fused CPU kernel goes: its parts alone, on rows that lie in the nearest cache.

    python evaluation/parts.py [--dim 100] [--negatives 5] [--rows 6]

Prints nanoseconds a pair for the scores, the objective and the steps of one block, beside the time that two units for
multiply-adds would need for them and nothing else. What the whole kernel takes beyond their
sum (evaluation/scaling.py) goes into sampling and into waiting for rows and for the results of the part before.
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from compare import positive

from word2vec.engines.cpu.objectives import FLAGS, block_size, places, score_gradients
from word2vec.engines.cpu.simd import (
    BLOCK_ROWS,
    LANES,
    WIDTH,
    block_scores,
    block_steps,
    padded_targets,
    padded_width,
    pointer_to,
)

REPEATS, ROUNDS = 100_000, 10
UNITS, LATENCY = 2, 4  # multiply-adds begun in a cycle, and cycles that one takes: Intel since Skylake, AMD since Zen 3
njit: Any = numba.njit(fastmath=FLAGS, boundscheck=False, error_model="numpy")


def aligned(size: int) -> np.ndarray:
    """Small random numbers that begin at a line of the cache."""
    memory = np.random.default_rng(0).normal(0, 0.1, size + LANES).astype(np.float32)
    first = -memory.ctypes.data % (4 * LANES) // 4
    return memory[first : first + size]


def make_parts(n_targets: int) -> tuple[Callable[..., None], ...]:
    """The parts, each repeated in compiled code."""
    padded = padded_targets(n_targets)
    gradients, _, _ = places(padded)  # type: ignore[no-untyped-call]

    @njit
    def scores(repeats, x, rows, n, y, targets, block, steps, constants, width):  # type: ignore[no-untyped-def]
        for _ in range(repeats):
            block_scores(x, rows, n, y, targets, block, width, n_targets)

    @njit
    def objective(repeats, x, rows, n, y, targets, block, steps, constants, width):  # type: ignore[no-untyped-def]
        for _ in range(repeats):
            score_gradients(0, n_targets, padded, block, constants)  # type: ignore[no-untyped-call]

    @njit
    def update(repeats, x, rows, n, y, targets, block, steps, constants, width):  # type: ignore[no-untyped-def]
        for _ in range(repeats):
            block_steps(x, rows, n, y, targets, pointer_to(block, gradients), steps, width, n_targets)

    return scores, objective, update


@numba.njit(fastmath={"contract"})
def chain(repeats, number):  # type: ignore[no-untyped-def]
    """Multiply-adds that each wait for the one before: LATENCY cycles each."""
    for _ in range(repeats):
        number = number * np.float32(0.5) + np.float32(1)
    return number


def best_seconds(function: Callable[..., None], *arguments: object) -> float:
    """The shortest time of one repeat."""
    function(1, *arguments)
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        function(REPEATS, *arguments)
        times.append(time.perf_counter() - start)
    return min(times) / REPEATS


def main(arguments: list[str]) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="parts.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dim", type=positive, default=100)
    parser.add_argument("--negatives", type=positive, default=5)
    parser.add_argument("--rows", type=positive, default=6, help="context words in the block")
    options = parser.parse_args(arguments)
    if options.rows > BLOCK_ROWS:
        parser.error(f"--rows: a block has {BLOCK_ROWS} at most")
    n, n_targets = options.rows, 1 + options.negatives
    width, padded = padded_width(options.dim), padded_targets(n_targets)
    starts = np.arange(max(n, padded), dtype=np.int64) * width
    block, steps = np.zeros(block_size(padded), np.float32), np.zeros(padded * LANES, np.float32)
    common = (
        aligned(n * width),
        starts,
        n,
        aligned(padded * width),
        starts,
        block,
        steps,
        np.zeros(1, np.float32),
        width,
    )
    scores, objective, update = make_parts(n_targets)
    cycle = best_seconds(chain, np.float32(0)) / LATENCY
    product = n_targets * width / WIDTH / UNITS * cycle  # the least that one of the three products takes, a pair
    for name, function, floor in (
        ("scores", scores, product),
        ("objective", objective, 0.0),
        ("steps", update, 2 * product),
    ):
        seconds = best_seconds(function, *common) / n
        print(f"{name:10} {seconds * 1e9:6.1f} ns a pair; multiply-adds alone {floor * 1e9:6.1f}")
    print(f"vectors of {WIDTH}; a cycle takes {cycle * 1e9:.3f} ns")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
