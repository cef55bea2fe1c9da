"""Compile the training kernels for GPUs that need not be present, and report the resources that it uses.

    python -m tests.engines.gpu.ahead_of_time ARCHITECTURE CASES

Prints a JSON list. A process of its own, for triton decides when it is imported whether it compiles or interprets.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from word2vec.engines.gpu import cbow_kernel
from word2vec.engines.gpu import kernels as gpu_kernels
from word2vec.engines.gpu.engine import typical_context
from word2vec.engines.gpu.objectives import GRADIENTS
from word2vec.engines.gpu.tiling import tile_shape
from word2vec.losses import NegativeSampling, SampledSoftmax
from word2vec.sampling.windows import make_window

POINTERS = {
    "words": "*i32", "sentences": "*i32", "bounds": "*i64", "count": "*i64", "targets": "*i32", "widths": "*i32",
    "inputs": "*fp32", "outputs": "*fp32", "positions": "*fp32", "log_q": "*fp32", "constants": "*fp32",
    "losses": "*fp64", "pairs": "*i64",
    "tokens": "*i32", "sentence": "*i32", "keep": "*i64", "kept": "*i8", "places": "*i64",
    "alias_acceptance": "*i64", "alias": "*i64", "cumulative": "*fp64",
}  # fmt: skip
WEIGHTED = "cbow with position weights"
FIRST: list[tuple[Any, ...]] = [
    (NegativeSampling, 100, 5, 5, "shrink", model) for model in ("skipgram", "cbow", WEIGHTED)
]
FIRST += [(NegativeSampling, 100, 5, 5, mode) for mode in ("left", "full")]
CASES = FIRST + [(kind, 100, 5, 5, "shrink") for kind in GRADIENTS if kind is not NegativeSampling] + [
    (NegativeSampling, *settings)
    for settings in (
        (50, 5, 5, "shrink"), (200, 5, 5, "shrink"), (300, 5, 5, "shrink"), (100, 20, 5, "shrink"),
        (100, 5, 15, "shrink"), (512, 5, 5, "shrink"), (300, 15, 10, "shrink"), (100, 5, 5, "right"),
        (100, 5, 5, "fixed"), (300, 5, 15, "left"), (300, 5, 5, "full"), (512, 15, 5, "left", "cbow"),
        (300, 5, 15, "fixed", WEIGHTED), (100, 60, 5, "full", "cbow"), (50, 5, 5, "right", WEIGHTED),
    )
] + [(kind, 100, 5, 5, "shrink", WEIGHTED) for kind in GRADIENTS if kind is not NegativeSampling]  # fmt: skip
TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"


def compile_kernel(architecture: int, function: Any, constants: dict[str, Any], warps: int = 4) -> Any:
    """A kernel whose arguments have the types of POINTERS, or are annotated, or constants."""
    names = function.arg_names
    written = {param.name: param.annotation_type for param in function.params}
    signature = {name: "constexpr" if name in constants else POINTERS.get(name) or written[name] for name in names}
    aligned = {
        (names.index(name),): [["tt.divisibility", 16]] for name in names if signature[name] == POINTERS.get(name)
    }
    return triton.compile(
        ASTSource(function, signature, constants, aligned),
        target=GPUTarget("cuda", architecture, 32),
        options={"num_warps": warps, "enable_fp_fusion": True},
    )


def compile_train(
    architecture: int, kind: Any, dim: int, negatives: int, window: int, mode: str, model: str = "skipgram"
) -> dict[str, Any]:
    """Registers, stack and shared memory of the kernel with the engine's own shape."""
    wide = make_window(mode, window, np.array([0, 1000, 1010]))
    shape = tile_shape(dim, negatives, typical_context(wide))
    constants = {
        "gradient": GRADIENTS[kind], "CORRECTED": kind is SampledSoftmax, "STRIDE": -(-dim // 8) * 8,
        "COLUMNS": shape.columns, "N_TARGETS": 1 + negatives, "TARGETS": shape.targets, "LEFT": wide.left,
        "RIGHT": wide.right, "ROWS": shape.rows, "frozen_inputs": None, "frozen_outputs": None,
    }  # fmt: skip
    own: dict[str, dict[str, Any]] = {
        "skipgram": {"CENTERS": shape.centers, "PRECISION": "ieee"},
        "cbow": {"positions": None},
        WEIGHTED: {},
    }
    function = gpu_kernels.train if model == "skipgram" else cbow_kernel.train
    kernel = compile_kernel(architecture, function, constants | own[model], shape.warps)
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(kernel.asm["cubin"])
        file.flush()
        command = [TOOLS / "cuobjdump", "--dump-resource-usage", file.name]
        says = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"REG:(\d+) STACK:(\d+)", says)
    assert found, says
    return {
        "architecture": architecture,
        "case": f"{kind.__name__} {dim} {negatives} {window} {mode}",
        "model": model,
        "warps": shape.warps,
        "registers": int(found[1]),
        "stack": int(found[2]),  # bytes a thread, for what finds no register
        "shared": kernel.metadata.shared,
        "bypasses": bool(re.search(r"(ld\.global|cp\.async)\.cg", kernel.asm["ptx"])),
        "atomic": len(re.findall(r"(?:red|atom)\S*\.v4\.f32", kernel.asm["ptx"])),
    }


def main(architecture: int, cases: int) -> None:
    """Compile all kernels, and print the resources that the training kernel uses in the first `cases` of CASES."""
    compile_kernel(architecture, gpu_kernels.survivors, {"BLOCK": 256})
    compile_kernel(architecture, gpu_kernels.compact, {"BLOCK": 256})
    compile_kernel(architecture, gpu_kernels.draw, {"BLOCK": 256, "NEGATIVES": 5})
    json.dump([compile_train(architecture, *case) for case in CASES[:cases]], sys.stdout)


if __name__ == "__main__":
    main(*(int(number) for number in sys.argv[1:]))
