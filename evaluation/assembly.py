"""Compile the arithmetic of the CPU engine for other processors, and count the instructions of its inner loops.

    python evaluation/assembly.py [--processors "AVX2, Zen 3;NEON"] [--functions scores,steps] [--show]

LLVM compiles for processors that are not at hand. For each of them and for each function, prints what each innermost
loop over vectors contains: all instructions; multiply-adds ("fused"), or products if a sum is an instruction of its
own; loads and stores of vectors; and spills. A spill writes a vector to the stack, because there are not enough
registers, or reads it again; "pointers" are spills of other values. `--show` prints the assembly.

The functions are those of word2vec/engines/cpu/simd.py and simd_vector.py; those called "path" are for hierarchical
softmax, with a varying number of targets. Each number of input rows (1 to 10) has its own loop for the steps.
"""

import argparse
import importlib
import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple
from unittest import mock

import llvmlite.binding as llvm
from common import positive
from llvmlite import ir
from numba import types
from numba.core.codegen import initialize_llvm
from numba.core.registry import cpu_target

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

FLOAT, LONG = types.float32, types.int64
FLOATS, LONGS, INTS = (types.CPointer(kind) for kind in (FLOAT, LONG, types.int32))  # type: ignore[no-untyped-call]


class Function(NamedTuple):
    """An intrinsic, with the types of its arguments."""

    module: str
    name: str
    arguments: tuple[Any, ...]


def functions(n_targets: int = 6) -> dict[str, Function]:
    """Return the functions to compile; those on blocks for a fixed number of targets and for any number."""
    scores, steps = (
        (FLOATS, LONGS, LONG, FLOATS, LONGS, FLOATS, LONG),
        (FLOATS, LONGS, LONG, FLOATS, LONGS, FLOATS, FLOAT, FLOATS, LONG),
    )
    number, lanes, packed = (types.literal(value) for value in (n_targets, 0, 1))  # type: ignore[no-untyped-call]
    return {
        "scores": Function("simd", "block_scores", (*scores, number, packed)),
        "steps": Function("simd", "block_steps", (*steps, number, packed)),
        "path scores": Function("simd", "block_scores", (*scores, LONG, lanes)),
        "path steps": Function("simd", "block_steps", (*steps, LONG, lanes)),
        "vector scores": Function("simd_vector", "vector_scores", (FLOATS, FLOATS, LONGS, LONG, FLOATS, LONG)),
        "vector steps": Function("simd_vector", "vector_steps", (FLOATS, FLOATS, FLOATS, LONGS, FLOATS, LONG, LONG)),
        "gather": Function("simd_vector", "add_rows", (FLOATS, FLOAT, FLOATS, INTS, LONG, LONG, LONG)),
        "scatter": Function("simd_vector", "add_to_rows", (FLOATS, INTS, LONG, LONG, FLOATS, FLOAT, LONG)),
    }


MODULES = {"instructions": "word2vec.system", "simd": "word2vec.engines.cpu", "simd_vector": "word2vec.engines.cpu"}


@contextmanager
def modules_for(wanted: InstructionSet) -> Iterator[dict[str, ModuleType]]:
    """Import the modules that generate instructions once more, for an instruction set, beside those in use."""
    names = [f"{package}.{name}" for name, package in MODULES.items()]
    packages = [importlib.import_module(package) for package in dict.fromkeys(MODULES.values())]
    with mock.patch.object(instruction_set, "in_use", return_value=wanted), mock.patch.dict(sys.modules):
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
    intrinsic = getattr(modules[function.module], function.name)
    signature, body = intrinsic._defn(cpu_target.typing_context, *function.arguments)
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
    return ir.FloatType() if kind == FLOAT else ir.IntType(kind.bitwidth)


def machine(label: str) -> llvm.TargetMachine:
    """Return LLVM's target machine for a label of TARGETS."""
    initialize_llvm()  # type: ignore[no-untyped-call]
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
    return str(target.emit_assembly(optimized(text, target)))


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
        """Number of vector products, with a sum or without one."""
        return self.fused + self.products


def inner_loops(text: str) -> list[Loop]:
    """Return the innermost loops of the assembly that multiply vectors, by the comments that LLVM writes."""
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

COLUMNS = ("instructions", "fused", "products", "loads", "stores", "spills", "pointers")


def names_of(known: Collection[str], separator: str) -> Callable[[str], list[str]]:
    """Return the type of an option that takes several of the known names."""

    def names(text: str) -> list[str]:
        found = text.split(separator)
        if unknown := [name for name in found if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is unknown; use {separator.join(known)}")
        return found

    return names


def main(arguments: Sequence[str]) -> int:
    """Compile and print; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="assembly.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--processors", type=names_of(TARGETS, ";"), default=list(TARGETS), help="labels, separated by semicolons")
    add("--functions", type=names_of(functions(), ","), default=list(functions()), help="separated by commas")
    add("--targets", type=positive, default=6, help="number of target rows of a block")
    add("--show", action="store_true", help="print the assembly")
    options = parser.parse_args(arguments)
    print(f"{'':32}" + "".join(f"{column:>13}" for column in COLUMNS))
    for label in options.processors:
        for name in options.functions:
            text = assembly(label, functions(options.targets)[name])
            if options.show:
                print(text)
            for loop in inner_loops(text):
                print(f"{label:18}{name:14}" + "".join(f"{getattr(loop, column):13}" for column in COLUMNS))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
