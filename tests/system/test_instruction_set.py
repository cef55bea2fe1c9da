"""The instruction set of compiled code, and its restriction by the environment variable."""

import os
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm
import pytest
from numba.core.codegen import initialize_llvm

from word2vec.errors import ConfigError
from word2vec.system import instruction_set
from word2vec.system.instruction_set import AVX, AVX2, AVX512, NEON, OTHER, SSE4, VARIABLE, InstructionSet

X86, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"

PROGRAM = """
from word2vec.system.instructions import INSTRUCTION_SET, WIDTH
from word2vec.system.jit import compiled

@compiled
def width():
    return WIDTH

print(width(), INSTRUCTION_SET.floats, sum(width._cache_hits.values()))
"""


@pytest.mark.parametrize(
    ("triple", "cpu", "features", "expected"),
    [
        (X86, "x86-64-v2", "", SSE4),
        (X86, "sandybridge", "", AVX),
        (X86, "x86-64-v3", "", AVX2),
        (X86, "x86-64-v4", "", AVX512),
        (X86, "x86-64-v4", "-avx512f", AVX2),
        (X86, "x86-64-v2", "+avx512f", AVX512),  # as if NUMBA_CPU_NAME were set, but not NUMBA_CPU_FEATURES
        (ARM, "generic", "", NEON),
        ("arm64-apple-darwin", "apple-m1", "", NEON),
    ],
)
def test_set_is_what_llvm_generates(triple: str, cpu: str, features: str, expected: InstructionSet) -> None:
    initialize_llvm()
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    assert instruction_set.recognize(triple, cpu, features) == expected


def test_unknown_value_names_the_possible_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "avx3")
    instruction_set.restrict.cache_clear()
    with pytest.raises(ConfigError, match=rf"{VARIABLE} is avx3, .*; use one of .*native"):
        instruction_set.restrict()


@pytest.mark.skipif(instruction_set.in_use() in (SSE4, NEON, OTHER), reason="no smaller instruction set")
def test_compiled_code_of_one_set_is_not_loaded_for_another(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    native = instruction_set.in_use().floats
    for value, floats, hits in (("sse4", 4, 0), ("native", native, 0), ("sse4", 4, 1)):
        environment = os.environ | {VARIABLE: value, "NUMBA_CACHE_DIR": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, tmp_path / "program.py"], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == [str(floats), str(floats), str(hits)], value
