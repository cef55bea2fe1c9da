"""Run the arithmetic of the CPU engine, compiled for 64-bit ARM, under an emulator, and compare it with NumPy.

    python evaluation/emulate.py [--label "NEON, Neoverse N1"]

Needs `qemu-aarch64` and `aarch64-linux-gnu-gcc`. On Debian:

    apt-get install qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross

Every function of assembly.py runs on random rows, with each number of input rows and with rows that occur twice. Prints
the largest difference from NumPy for each, and fails if one is larger than the rounding of float32 explains.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from assembly import TARGETS, functions, generate, machine, modules_for, optimized

COMPILER, EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"
WIDTH, ROWS, TARGET_ROWS, PADDED, LANES = 112, 30, 6, 12, 16
LEARNING_RATE = 0.5
TOLERANCE = 1e-4  # sums of about 100 products of numbers near 1, in float32

MEMORY = np.dtype(
    [
        ("x", np.float32, (ROWS, WIDTH)),
        ("y", np.float32, (ROWS, WIDTH)),
        ("g", np.float32, (PADDED, LANES)),
        ("out", np.float32, (PADDED, LANES)),
        ("work", np.float32, (PADDED, LANES)),
        ("v", np.float32, (WIDTH,)),
        ("step", np.float32, (WIDTH,)),
        ("rows", np.int64, (LANES,)),
        ("targets", np.int64, (LANES,)),
        ("numbers", np.int32, (LANES,)),
    ]
)
"""The arguments of all functions, which the program reads and writes back."""

PROGRAM = f"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static struct {{
    float x[{ROWS * WIDTH}], y[{ROWS * WIDTH}], g[{PADDED * LANES}], out[{PADDED * LANES}], work[{PADDED * LANES}];
    float v[{WIDTH}], step[{WIDTH}];
    long rows[{LANES}], targets[{LANES}];
    int numbers[{LANES}];
}} m;
void scores(float*, long*, long, float*, long*, float*, long);
void steps(float*, long*, long, float*, long*, float*, float, float*, long);
void path_scores(float*, long*, long, float*, long*, float*, long, long);
void path_steps(float*, long*, long, float*, long*, float*, float, float*, long, long);
void vector_scores(float*, float*, long*, long, float*, long);
void vector_steps(float*, float*, float*, long*, float*, long, long);
void gather(float*, float, float*, int*, long, long, long);
void scatter(float*, int*, long, long, float*, float, long);
int main(int count, char **argument) {{
    const char *name = argument[1];
    long n = atol(argument[2]), w = {WIDTH}, k = {PADDED};
    float lr = {LEARNING_RATE};
    if (fread(&m, sizeof m, 1, stdin) != 1) return 1;
    if (!strcmp(name, "scores")) scores(m.x, m.rows, n, m.y, m.targets, m.out, w);
    else if (!strcmp(name, "steps")) steps(m.x, m.rows, n, m.y, m.targets, m.g, lr, m.work, w);
    else if (!strcmp(name, "path_scores")) path_scores(m.x, m.rows, n, m.y, m.targets, m.out, w, k);
    else if (!strcmp(name, "path_steps")) path_steps(m.x, m.rows, n, m.y, m.targets, m.g, lr, m.work, w, k);
    else if (!strcmp(name, "vector_scores")) vector_scores(m.v, m.y, m.targets, n, m.out, w);
    else if (!strcmp(name, "vector_steps")) vector_steps(m.v, m.step, m.y, m.targets, m.g, n, w);
    else if (!strcmp(name, "gather")) gather(m.v, lr, m.x, m.numbers, n, 2, w);
    else if (!strcmp(name, "scatter")) scatter(m.x, m.numbers, n, 2, m.v, lr, w);
    else return 2;
    return fwrite(&m, sizeof m, 1, stdout) != 1;
}}
"""

Memory = npt.NDArray[Any]
Expected = dict[str, npt.NDArray[np.float64]]


def build(label: str, folder: Path) -> Path:
    """Compile all functions and the program; return its path."""
    target = machine(label)
    (folder / "program.c").write_text(PROGRAM, encoding="utf-8")
    objects = []
    with modules_for(TARGETS[label][0]) as modules:
        for name, function in functions(TARGET_ROWS).items():
            text = generate(function, modules, name.replace(" ", "_"))
            objects.append(folder / f"{name.replace(' ', '_')}.o")
            objects[-1].write_bytes(target.emit_object(optimized(text, target)))
    program = folder / "program"
    subprocess.run([COMPILER, "-O1", "-static", "-o", program, folder / "program.c", *objects], check=True)
    return program


def draw(distinct: bool, seed: int) -> Memory:
    """Return random arguments; rows and targets occur twice unless they have to be distinct."""
    draw = np.random.default_rng(seed)
    memory = np.zeros((), MEMORY)
    for name in ("x", "y", "g", "v"):
        memory[name] = draw.normal(size=memory[name].shape)
    rows, targets = draw.integers(0, ROWS, LANES), draw.permutation(ROWS)[:LANES]
    rows[1] = rows[0]
    if not distinct:
        targets[1] = targets[0]
    memory["rows"], memory["numbers"], memory["targets"] = rows * WIDTH, rows, targets * WIDTH
    return memory


def block(
    n: int, k: int, packed: bool, memory: Memory
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Any, Any, Any]:
    """Return rows, targets, their values and gradients (k, n) of a block."""
    rows, targets = memory["rows"][:n] // WIDTH, memory["targets"][:k] // WIDTH
    x, y = memory["x"].astype(float)[rows], memory["y"].astype(float)[targets]
    gradients = memory["g"].astype(float)
    return rows, targets, x, y, gradients.ravel()[: n * k].reshape(n, k).T if packed else gradients[:k, :n]


def block_scores(k: int, packed: bool) -> Callable[[int, Memory], Expected]:
    """Return the scores of a block with k targets, by NumPy."""

    def expected(n: int, memory: Memory) -> Expected:
        _, _, x, y, _ = block(n, k, packed, memory)
        return {"out": (x @ y.T).reshape(1, -1) if packed else y @ x.T}

    return expected


def block_steps(k: int, packed: bool) -> Callable[[int, Memory], Expected]:
    """Return both tables after the steps of a block with k targets, by NumPy."""

    def expected(n: int, memory: Memory) -> Expected:
        rows, targets, x, y, g = block(n, k, packed, memory)
        new_x, new_y = memory["x"].astype(float), memory["y"].astype(float)
        np.add.at(new_x, rows, -LEARNING_RATE * g.T @ y)
        np.add.at(new_y, targets, -LEARNING_RATE * g @ x)
        return {"x": new_x, "y": new_y}

    return expected


def vector_scores(n: int, memory: Memory) -> Expected:
    """Return the scores of a vector with n targets, by NumPy."""
    return {"out": (memory["y"].astype(float)[memory["targets"][:n] // WIDTH] @ memory["v"])[None]}


def vector_steps(n: int, memory: Memory) -> Expected:
    """Return the step of a vector, and the output table after those of n targets, by NumPy."""
    targets, slopes = memory["targets"][:n] // WIDTH, memory["g"].astype(float).ravel()[:n]
    new_y = memory["y"].astype(float)
    np.add.at(new_y, targets, slopes[:, None] * memory["v"])
    return {"y": new_y, "step": slopes @ memory["y"].astype(float)[targets]}


def gather(n: int, memory: Memory) -> Expected:
    """Return a vector plus rows, without the row at place 2, by NumPy."""
    rows = np.delete(memory["numbers"][: n + 1], 2) if n > 2 else memory["numbers"][:n]
    return {"v": memory["v"] + LEARNING_RATE * memory["x"].astype(float)[rows].sum(axis=0)}


def scatter(n: int, memory: Memory) -> Expected:
    """Return the input table after adding a vector to rows, without the row at place 2, by NumPy."""
    rows = np.delete(memory["numbers"][: n + 1], 2) if n > 2 else memory["numbers"][:n]
    new_x = memory["x"].astype(float)
    np.add.at(new_x, rows, LEARNING_RATE * memory["v"])
    return {"x": new_x}


CHECKS: dict[str, Callable[[int, Memory], Expected]] = {
    "scores": block_scores(TARGET_ROWS, packed=True),
    "steps": block_steps(TARGET_ROWS, packed=True),
    "path_scores": block_scores(PADDED, packed=False),
    "path_steps": block_steps(PADDED, packed=False),
    "vector_scores": vector_scores,
    "vector_steps": vector_steps,
    "gather": gather,
    "scatter": scatter,
}


def largest_difference(program: Path, name: str, n: int) -> float:
    """Return the largest absolute difference between the result of a function under the emulator and NumPy's."""
    memory = draw(name.startswith("path"), n)
    done = subprocess.run([EMULATOR, program, name, str(n)], input=memory.tobytes(), stdout=subprocess.PIPE, check=True)
    found = np.frombuffer(done.stdout, MEMORY)[0]
    differences = []
    for field, wanted in CHECKS[name](n, memory).items():
        part = found[field].reshape(1, -1) if len(wanted) == 1 else found[field]
        part = part[tuple(slice(size) for size in wanted.shape)]
        differences.append(np.abs(part - wanted).max())
    return float(max(differences))


def main(arguments: Sequence[str]) -> int:
    """Compile, run and compare; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="emulate.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--label", default="NEON", help="processor of assembly.py, with 64-bit ARM and Linux")
    options = parser.parse_args(arguments)
    for needed in (COMPILER, EMULATOR):
        if not shutil.which(needed):
            parser.error(f"{needed} is not installed; see --help")
    with tempfile.TemporaryDirectory() as folder:
        program = build(options.label, Path(folder))
        worst = {name: max(largest_difference(program, name, n) for n in range(1, 11)) for name in CHECKS}
    for name, difference in worst.items():
        print(f"{name:14} {difference:.1e}")
    return int(max(worst.values()) > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
