"""The GPU kernels compile for GPUs that need not be present, and use a limited part of their resources."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from word2vec.engines.gpu.engine import CBOW_PROGRAMS_PER_MULTIPROCESSOR, PROGRAMS_PER_MULTIPROCESSOR

REGISTERS = 65_536  # of a multiprocessor, from compute capability 3.7 on
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("architecture", "cases"),
    [(90, 3), pytest.param(80, 100, marks=pytest.mark.slow), pytest.param(90, 100, marks=pytest.mark.slow)],
)
def test_kernels_compile_and_fit_into_registers(architecture: int, cases: int, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    command = [sys.executable, "-W", "error", "-m", "tests.engines.gpu.ahead_of_time", str(architecture), str(cases)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment | {"TRITON_CACHE_DIR": str(tmp_path)}, capture_output=True, text=True
    )
    assert not done.returncode, done.stderr
    kernels: list[dict[str, Any]] = json.loads(done.stdout)
    assert len(kernels) >= min(cases, 12)
    for kernel in kernels:
        assert kernel["stack"] <= 128, kernel  # bytes a thread that live in memory; a tile of rows would be 64 or more
        assert kernel["shared"] <= 101_376, kernel  # bytes, what cards of 8.6 and 8.9 have
        assert kernel["bypasses"], kernel  # the cache that knows nothing of the others' additions
    default = [kernel for kernel in kernels if kernel["case"] == "NegativeSampling 100 5 5 shrink"]
    assert [kernel["model"] for kernel in default] == ["skipgram", "cbow", "cbow with position weights"]
    if architecture == 90:
        # as many at once as the engine counts on, and steps added four numbers at a time
        for kernel in default:
            skipgram = kernel["model"] == "skipgram"
            at_once = PROGRAMS_PER_MULTIPROCESSOR if skipgram else CBOW_PROGRAMS_PER_MULTIPROCESSOR
            assert at_once * 32 * kernel["warps"] * kernel["registers"] <= REGISTERS, kernel
        assert all(kernel["atomic"] for kernel in kernels)
