"""The arithmetic on blocks of rows against numpy, with the instructions of this machine and with smaller sets."""

import os
import subprocess
import sys

import pytest

from word2vec.system.instruction_set import REMOVED, VARIABLE

# Runs in its own process, because the instruction set is chosen once.
PROGRAM = """
import sys
import numba
import numpy as np
from word2vec.system.instructions import INSTRUCTION_SET
from word2vec.engines.cpu.simd import BLOCK_ROWS, LANES, block_scores, block_steps, padded_targets
n_targets, width, rows = int(sys.argv[1]), 48, 30
padded = padded_targets(n_targets)

@numba.njit
def work_lanes(x, row_starts, n, y, target_starts, scores, gradients, steps, width):
    block_scores(x, row_starts, n, y, target_starts, scores, width, n_targets, 0)
    block_steps(x, row_starts, n, y, target_starts, gradients, np.float32(0.5), steps, width, n_targets, 0)

@numba.njit
def work_packed(x, row_starts, n, y, target_starts, scores, gradients, steps, width):
    block_scores(x, row_starts, n, y, target_starts, scores, width, n_targets, 1)
    block_steps(x, row_starts, n, y, target_starts, gradients, np.float32(0.5), steps, width, n_targets, 1)


draw = np.random.default_rng(0)
for n in range(1, BLOCK_ROWS + 1):
    x, y = draw.normal(size=(2, rows, width)).astype(np.float32)
    some_rows, some_targets = draw.integers(0, rows, n), draw.integers(0, rows, n_targets)
    some_rows[-1], some_targets[-1] = some_rows[0], some_targets[0]  # a row that stands there twice
    places = np.append(some_targets, np.full(padded - n_targets, some_targets[0]))
    x_rows, y_rows, g = x[some_rows].astype(float), y[some_targets].astype(float), draw.normal(size=(n_targets, n))
    wanted_x, wanted_y = x.astype(float), y.astype(float)
    np.add.at(wanted_x, some_rows, -0.5 * g.T @ y_rows)
    np.add.at(wanted_y, some_targets, -0.5 * g @ x_rows)
    for work, shape, axes in ((work_lanes, (padded, LANES), (0, 1)), (work_packed, (LANES, padded), (1, 0))):
        scores = np.full(shape, np.nan, np.float32)
        gradients = np.zeros(shape, np.float32)
        gradients.transpose(axes)[:n_targets, :n] = g
        new_x, new_y = x.copy(), y.copy()
        work(new_x.ravel(), some_rows * width, n, new_y.ravel(), places * width, scores.ravel(), gradients.ravel(),
             np.empty(padded * LANES, np.float32), width)
        found = scores.transpose(axes)[:n_targets, :n]
        for got, wanted in ((found, y_rows @ x_rows.T), (new_x, wanted_x), (new_y, wanted_y)):
            np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4)  # float32, sums of 48 products
print(INSTRUCTION_SET.name)
"""


@pytest.mark.parametrize(
    "n_targets", [pytest.param(1, marks=pytest.mark.slow), 6, pytest.param(21, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    "value",
    # the plain engine tests the instructions of this machine as well
    [pytest.param(value, marks=() if value == "avx2" else pytest.mark.slow) for value in REMOVED],
)
def test_blocks_equal_numpy_with_every_instruction_set(value: str, n_targets: int) -> None:
    result = run_program(PROGRAM, value, n_targets)
    if "use one of" in result.stderr:
        pytest.skip(f"this processor has no {value}")
    assert result.stdout.strip() == REMOVED[value][0].name, result.stderr[-2000:]


def run_program(program: str, value: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run a program with restricted instructions."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    environment = os.environ | {VARIABLE: value}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
