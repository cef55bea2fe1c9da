"""The arithmetic on blocks of rows against numpy, with the vectors of this machine and with those of smaller ones."""

import subprocess
import sys

import pytest

from word2vec.system.instructions import WIDTH

# Runs in its own process, in which some processor features are disabled before the vector layout is chosen.
PROGRAM = """
import sys
import llvmlite.binding as llvm
features = llvm.get_host_cpu_features()
without = sys.argv[1].split(",")
smaller = {name: has and not any(part and name.startswith(part) for part in without) for name, has in features.items()}
llvm.get_host_cpu_features = lambda: type(features)(smaller)
import numba
import numpy as np
from word2vec.system.instructions import WIDTH
from word2vec.engines.cpu.simd import BLOCK_ROWS, LANES, block_scores, block_steps, padded_targets
assert WIDTH == int(sys.argv[2]), WIDTH
n_targets, width, rows = int(sys.argv[3]), 48, 30
padded = padded_targets(n_targets)

@numba.njit
def work(x, row_starts, n, y, target_starts, scores, gradients, steps, width):
    block_scores(x, row_starts, n, y, target_starts, scores, width, n_targets)
    block_steps(x, row_starts, n, y, target_starts, gradients, np.float32(0.5), steps, width, n_targets)

draw = np.random.default_rng(0)
for n in range(1, BLOCK_ROWS + 1):
    x, y = draw.normal(size=(2, rows, width)).astype(np.float32)
    some_rows, some_targets = draw.integers(0, rows, n), draw.integers(0, rows, n_targets)
    some_rows[-1], some_targets[-1] = some_rows[0], some_targets[0]  # a row that stands there twice
    places = np.append(some_targets, np.full(padded - n_targets, some_targets[0]))
    scores = np.full(padded * LANES, np.nan, np.float32)
    gradients = np.zeros((padded, LANES), np.float32)
    gradients[:n_targets] = draw.normal(size=(n_targets, LANES))
    new_x, new_y = x.copy(), y.copy()
    work(new_x.ravel(), some_rows * width, n, new_y.ravel(), places * width, scores, gradients.ravel(),
         np.empty(padded * LANES, np.float32), width)
    x_rows, y_rows, g = x[some_rows].astype(float), y[some_targets].astype(float), gradients[:n_targets, :n]
    wanted_x, wanted_y = x.astype(float), y.astype(float)
    np.add.at(wanted_x, some_rows, -0.5 * g.T @ y_rows)
    np.add.at(wanted_y, some_targets, -0.5 * g @ x_rows)
    found = scores.reshape(padded, LANES)[:n_targets, :n]
    for got, wanted in ((found, y_rows @ x_rows.T), (new_x, wanted_x), (new_y, wanted_y)):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4)  # float32, sums of 48 products
print("same")
"""
WITHOUT = {"": WIDTH, "avx512": 8, "avx,fma": 4}  # features that are missing, and the floats of a vector register


@pytest.mark.skipif(WIDTH < 8, reason="no larger vectors to leave out")
@pytest.mark.parametrize(
    "n_targets", [pytest.param(1, marks=pytest.mark.slow), 6, pytest.param(21, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    ("missing", "width"),
    # the plain engine tests the vectors of this machine as well
    [
        pytest.param(*case, marks=pytest.mark.slow, id=case[0]) if case[0] != "avx512" else case
        for case in WITHOUT.items()
    ],
)
def test_blocks_equal_numpy_at_every_vector_width(missing: str, width: int, n_targets: int) -> None:
    command = [sys.executable, "-c", PROGRAM, missing, str(width), str(n_targets)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "same", result.stderr[-2000:]
