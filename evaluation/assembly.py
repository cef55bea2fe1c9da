"""Compile the arithmetic of the CPU engine for other processors, and count the instructions of its inner loops.

    python evaluation/assembly.py [--processors "AVX2, Zen 3;NEON"] [--functions scores,steps] [--show]

LLVM compiles for processors that are not at hand. For each instruction set and function, prints what the innermost loop
with the most multiply-adds contains: multiply-adds, loads and stores of vectors, and spills. A spill is a value
that did not fit into the registers: it is written to the stack and read again; "pointers" counts those that are not
vectors. `--show` prints the assembly.
"""

import argparse
import importlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple
from unittest import mock

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import typing
from numba.core.codegen import initialize_llvm

from word2vec.system import instruction_set
from word2vec.system.instruction_set import AVX, AVX2, AVX512, NEON, SSE4, InstructionSet

LINUX = "x86_64-unknown-linux-gnu"
TARGETS: dict[str, tuple[InstructionSet, str, str]] = {
    "AVX-512": (AVX512, LINUX, "x86-64-v4"),
    "AVX-512, Zen 4": (AVX512, LINUX, "znver4"),
    "AVX2, Haswell": (AVX2, LINUX, "haswell"),
    "AVX2, Skylake": (AVX2, LINUX, "skylake"),
    "AVX2, Zen 3": (AVX2, LINUX, "znver3"),
    "AVX": (AVX, LINUX, "sandybridge"),
    "SSE4": (SSE4, LINUX, "x86-64-v2"),
    "NEON": (NEON, "aarch64-unknown-linux-gnu", "generic"),
    "NEON, Neoverse N1": (NEON, "aarch64-unknown-linux-gnu", "neoverse-n1"),
    "NEON, Apple M1": (NEON, "arm64-apple-darwin", "apple-m1"),
}
"""Instruction set, triple and processor, by label."""

FLOATS, LONGS, INTS = (types.CPointer(kind) for kind in (types.float32, types.int64, types.int32))
F, I = types.float32, types.int64
WIDTH = 112  # of the rows that the functions are compiled for: 100 dimensions and padding


class Function(NamedTuple):
    """An intrinsic, with the types of its arguments."""

    module: str
    name: str
    arguments: tuple[Any, ...]


def functions(n_targets: int = 6) -> dict[str, Function]:
    """Return the functions to compile; those on blocks for a fixed number of targets and for any number."""
    scores, steps = (FLOATS, LONGS, I, FLOATS, LONGS, FLOATS, I), (FLOATS, LONGS, I, FLOATS, LONGS, FLOATS, F, FLOATS, I)
    return {
        "scores": Function("simd", "block_scores", (*scores, types.literal(n_targets))),
        "steps": Function("simd", "block_steps", (*steps, types.literal(n_targets))),
        "path scores": Function("simd", "block_scores", (*scores, I)),
        "path steps": Function("simd", "block_steps", (*steps, I)),
        "vector scores": Function("simd_vector", "vector_scores", (FLOATS, FLOATS, LONGS, I, FLOATS, I)),
        "vector steps": Function("simd_vector", "vector_steps", (FLOATS, FLOATS, FLOATS, LONGS, FLOATS, I, I)),
        "gather": Function("simd_vector", "add_rows", (FLOATS, F, FLOATS, INTS, I, I, I)),
        "scatter": Function("simd_vector", "add_to_rows", (FLOATS, INTS, I, I, FLOATS, F, I)),
    }


MODULES = {"instructions": "word2vec.system", "simd": "word2vec.engines.cpu", "simd_vector": "word2vec.engines.cpu"}


@contextmanager
def modules_for(wanted: InstructionSet) -> Iterator[dict[str, ModuleType]]:
    """Import the modules that generate instructions again, for an instruction set; the imported ones stay as they are."""
    names = [f"{package}.{name}" for name, package in MODULES.items()]
    packages = [importlib.import_module(package) for package in dict.fromkeys(MODULES.values())]
    with mock.patch.object(instruction_set, "in_use", lambda: wanted), mock.patch.dict(sys.modules):
        before = [(package, dict(vars(package))) for package in packages]
        for name in names:
            sys.modules.pop(name, None)
        try:
            yield {name.rpartition(".")[2]: importlib.import_module(name) for name in names}
        finally:
            for package, content in before:
                vars(package).update(content)


class _Context:
    """What the functions need of numba's context."""

    def get_dummy_value(self) -> Any:
        return ir.Constant(ir.IntType(8).as_pointer(), None)


def generate(function: Function, modules: dict[str, ModuleType], name: str = "f") -> str:
    """Return the LLVM instructions of a function, before optimization; literals have no argument."""
    signature, body = getattr(modules[function.module], function.name)._defn(typing.Context(), *function.arguments)
    kinds = [_llvm_type(kind) for kind in signature.args if not isinstance(kind, types.Literal)]
    module = ir.Module()
    compiled = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
    builder = ir.IRBuilder(compiled.append_basic_block("entry"))
    given = iter(compiled.args)
    arguments = [None if isinstance(kind, types.Literal) else next(given) for kind in signature.args]
    body(_Context(), builder, signature, arguments)
    builder.ret_void()
    return str(module)


def _llvm_type(kind: Any) -> Any:
    if isinstance(kind, types.CPointer):
        return _llvm_type(kind.dtype).as_pointer()
    return ir.FloatType() if kind == F else ir.IntType(kind.bitwidth)


def machine(label: str) -> llvm.TargetMachine:
    """Return LLVM's target machine for a label of TARGETS."""
    initialize_llvm()
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    _, triple, cpu = TARGETS[label]
    reloc = "static" if triple == LINUX else "default"
    return llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, opt=3, reloc=reloc, codemodel="default")


def optimized(text: str, target: llvm.TargetMachine) -> llvm.ModuleRef:
    """Return a module after the optimizations that numba applies."""
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = target.triple, str(target.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization, options.slp_vectorization = True, False
    builder = llvm.create_pass_builder(target, options)
    builder.getModulePassManager().run(module, builder)
    return module


def assembly(label: str, function: Function) -> str:
    """Return the assembly of a function for a label of TARGETS."""
    target = machine(label)
    with modules_for(TARGETS[label][0]) as modules:
        text = generate(function, modules)
    target.set_asm_verbosity(True)
    return target.emit_assembly(optimized(text, target))


# ---- counting

HEADER = re.compile(r"Inner Loop Header: Depth=(\d+)")
INSIDE = re.compile(r"in Loop: Header=(\w+) Depth=(\d+)")
LABEL = re.compile(r"^\.?L?(BB\d+_\d+):")
SPILL = re.compile(r"(\d+)-byte (Folded )?(Spill|Reload)")
FUSED, PRODUCT = re.compile(r"^(vfn?madd|fmla)"), re.compile(r"^(v?mulps|fmul)")


class Loop(NamedTuple):
    """What an innermost loop contains."""

    instructions: int
    fused: int  # vector multiply-adds in one instruction
    products: int  # vector products that are not
    loads: int  # of vectors, splats of a float included
    stores: int
    spills: int  # vectors written to the stack or read from it
    pointers: int  # other values that are

    @property
    def multiply_adds(self) -> int:
        return self.fused + self.products


def inner_loops(text: str) -> list[Loop]:
    """Return the innermost loops of the assembly that multiply vectors."""
    bodies: dict[str, list[str]] = {}
    current, name = None, ""
    for line in text.splitlines():
        label = LABEL.match(line)
        fresh = label or "%bb." in line
        if fresh:
            name = label[1] if label else ""
            current = None
        if HEADER.search(line) and name:
            current = name
            bodies.setdefault(current, [])
        elif (inside := INSIDE.search(line)) and fresh and inside[1] in bodies:
            current = inside[1]
        if current and line.startswith("\t") and not line.startswith("\t."):
            bodies[current].append(line.strip())
    return [loop for loop in map(_count, bodies.values()) if loop.multiply_adds]


def _count(lines: Sequence[str]) -> Loop:
    code = [line for line in lines if not line.startswith(("#", "//", ";"))]
    spilled = [int(found[1]) for line in code if (found := SPILL.search(line))]
    return Loop(
        instructions=len(code),
        fused=sum(bool(FUSED.match(line)) for line in code),
        products=sum(bool(PRODUCT.match(line)) for line in code),
        loads=sum(_loads(line) for line in code),
        stores=sum(_stores(line) for line in code),
        spills=sum(size >= 16 for size in spilled),
        pointers=sum(size < 16 for size in spilled),
    )


def _loads(line: str) -> int:
    """Number of vectors that an instruction reads from memory."""
    code = re.split(r"\s*(#|//|;)", line)[0]
    if re.match(r"(ldp|ldr|ldur|ld1r|ld1)\b", code):
        return len(re.findall(r"\b[qsv]\d+", code)) if "ldp" in code else bool(re.search(r"\b[qsv]\d+|\{", code))
    vector = re.search(r"%[xyz]mm", code)
    return bool(vector and re.search(r"\(.*?\)", code) and not code.rstrip().endswith(")"))


def _stores(line: str) -> int:
    code = re.split(r"\s*(#|//|;)", line)[0]
    if re.match(r"(stp|str|stur|st1)\b", code):
        return len(re.findall(r"\b[qsv]\d+", code)) if "stp" in code else bool(re.search(r"\b[qsv]\d+", code))
    return bool(re.search(r"%[xyz]mm", code) and code.rstrip().endswith(")"))


# ---- the command line


def main(arguments: Sequence[str]) -> int:
    """Compile and print; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="assembly.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processors", default=";".join(TARGETS), help="labels, separated by semicolons")
    parser.add_argument("--functions", default=",".join(functions()), help="functions, separated by commas")
    parser.add_argument("--targets", type=int, default=6, help="number of target rows of a block")
    parser.add_argument("--show", action="store_true", help="print the assembly")
    options = parser.parse_args(arguments)
    print(f"{'':20} {'':14} {'multiply-adds':>13} {'loads':>5} {'stores':>6} {'spills':>6} {'pointers':>8}")
    for label in options.processors.split(";"):
        for name in options.functions.split(","):
            text = assembly(label, functions(options.targets)[name])
            if options.show:
                print(text)
            for loop in inner_loops(text):
                print(f"{label:20} {name:14} {loop.instructions:5} {loop.fused:4} {loop.products:4} {loop.loads:5} {loop.stores:6} {loop.spills:6} {loop.pointers:8}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
