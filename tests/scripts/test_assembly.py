"""The inner loops of the CPU engine, compiled for several processors."""

import importlib
import shutil
from typing import Any

import pytest

assembly: Any = importlib.import_module("assembly")
emulate: Any = importlib.import_module("emulate")

FAST = {"AVX-512", "AVX2, Zen 3", "SSE4", "NEON", "NEON, Apple M1"}
MAX_SPILLS = {"AVX2, Haswell": 10}  # in the loop for five rows; that LLVM schedules for other processors has none


@pytest.mark.parametrize(
    "label", [pytest.param(label, marks=() if label in FAST else pytest.mark.slow) for label in assembly.TARGETS]
)
def test_inner_loops_keep_vectors_in_registers(label: str) -> None:
    fused = assembly.TARGETS[label][0].fused
    for name in ("scores", "steps"):  # of six targets, with one loop for each number of input rows
        loops = assembly.inner_loops(assembly.assembly(label, assembly.functions()[name]))
        assert len(loops) >= {"scores": 1, "steps": 10}[name]
        for loop in loops:
            assert loop.spills <= MAX_SPILLS.get(label, 0), (name, loop)
            assert (loop.products == 0) == fused, (name, loop)
            assert loop.multiply_adds > 0
            assert loop.loads > 0


def test_spills_are_counted() -> None:
    text = """
.LBB0_1:                                # =>This Inner Loop Header: Depth=1
\tvmovups\t(%rax,%rcx,4), %ymm1
\tvmovaps\t%ymm2, 32(%rsp)                 # 32-byte Spill
\tvfmadd231ps\t32(%rsp), %ymm1, %ymm3 # 32-byte Folded Reload
\tmovq\t8(%rsp), %rdx                   # 8-byte Reload
\tvmovups\t%ymm3, (%rax,%rcx,4)
\tjne\t.LBB0_1
# %bb.2:
\tvmovaps\t%ymm2, 64(%rsp)                 # 32-byte Spill
\tretq
"""
    (loop,) = assembly.inner_loops(text)
    assert loop == assembly.Loop(instructions=6, fused=1, products=0, loads=2, stores=2, spills=2, pointers=1)


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(shutil.which, (emulate.COMPILER, emulate.EMULATOR))), reason="no emulator of 64-bit ARM"
)
@pytest.mark.parametrize("label", ["NEON", "NEON, Neoverse N1"])
def test_code_for_arm_equals_numpy(label: str) -> None:
    assert emulate.main(["--label", label]) == 0
