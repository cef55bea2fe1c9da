"""The vector instructions of compiled code: all that the processor has, or a smaller set for benchmarks and tests.

The environment variable WORD2VEC_INSTRUCTION_SET restricts them, so that code for processors without AVX-512 can be
tested and timed on one that has it. What numba compiles for is also determined by NUMBA_CPU_NAME, NUMBA_CPU_FEATURES
and NUMBA_ENABLE_AVX, so the set in use is read from the instructions that LLVM generates, not from the processor.
Numba's cache on disk distinguishes the sets, because its keys contain the features of the processor.
"""

import functools
import logging
import os
from typing import NamedTuple

import llvmlite.binding as llvm
from numba.core import codegen, config
from numba.core.registry import cpu_target

from word2vec.errors import ConfigError

logger = logging.getLogger("word2vec")

VARIABLE = "WORD2VEC_INSTRUCTION_SET"
NATIVE = "native"


class InstructionSet(NamedTuple):
    """What generated code has to know of vector instructions.

    Attributes:
        name: Its name in reports.
        floats: Number of floats in a vector register.
        registers: Number of vector registers.
        fused: Whether one instruction multiplies and adds.
        letter: What stands for a vector register in LLVM's inline assembly; empty if not known.
    """

    name: str
    floats: int
    registers: int
    fused: bool
    letter: str


AVX512 = InstructionSet("AVX-512", 16, 32, fused=True, letter="v")
AVX2 = InstructionSet("AVX2", 8, 16, fused=True, letter="x")
AVX = InstructionSet("AVX", 8, 16, fused=False, letter="x")
SSE4 = InstructionSet("SSE4", 4, 16, fused=False, letter="x")
NEON = InstructionSet("NEON", 4, 32, fused=True, letter="w")
OTHER = InstructionSet("other", 4, 16, fused=False, letter="")

REMOVED = {"sse4": (SSE4, "-avx"), "avx": (AVX, "-avx2,-fma,-fma4"), "avx2": (AVX2, "-avx512f"), "avx512": (AVX512, "")}
"""Values of the variable, smallest set first: the set, and the features to remove; LLVM removes all that need them."""

# a * b + c on 16 floats, from whose instructions the set is recognized
PROBE = """
declare <16 x float> @llvm.fmuladd.v16f32(<16 x float>, <16 x float>, <16 x float>)
define <16 x float> @probe(<16 x float> %a, <16 x float> %b, <16 x float> %c) {
  %sum = call <16 x float> @llvm.fmuladd.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %c)
  ret <16 x float> %sum
}
"""
# The first set whose parts all occur in the generated instructions is the set in use.
SIGNS = (
    (AVX512, ("vfmadd", "%zmm")),
    (AVX2, ("vfmadd", "%ymm")),
    (AVX, ("vmulps", "%ymm")),
    (SSE4, ("mulps", "%xmm")),
    (NEON, ("fmla", "v0")),
)


@functools.cache
def restrict() -> None:
    """Restrict what numba compiles for to $WORD2VEC_INSTRUCTION_SET, if it is set; call it before numba compiles.

    Raises:
        ConfigError: The variable has an unknown value, or names a set that the processor does not have.
    """
    wanted = os.environ.get(VARIABLE) or NATIVE
    if wanted == NATIVE:
        return
    codegen.initialize_llvm()  # type: ignore[no-untyped-call]
    name = config.CPU_NAME or llvm.get_host_cpu_name()  # type: ignore[attr-defined]
    features = config.CPU_FEATURES  # type: ignore[attr-defined]
    features = codegen.get_host_cpu_features() if features is None else features  # type: ignore[no-untyped-call]
    sets = [known for known, _ in REMOVED.values()]
    own = recognize(llvm.get_process_triple(), name, features)
    usable = list(REMOVED)[: sets.index(own) + 1] if own in sets else []
    if wanted not in usable:
        choice = ", ".join((*usable, NATIVE))
        raise ConfigError(f"{VARIABLE} is {wanted}, but the processor has {own.name}; use one of {choice}")
    logger.info("compiled code uses %s (%s)", REMOVED[wanted][0].name, VARIABLE)
    config.CPU_FEATURES = ",".join(filter(None, (features, REMOVED[wanted][1])))  # type: ignore[attr-defined]


@functools.cache
def in_use() -> InstructionSet:
    """Return the instruction set that numba compiles for in this process.

    Raises:
        ConfigError: Numba was in use before the restriction, or `restrict` refuses it.
    """
    restrict()
    target = cpu_target.target_context.codegen()  # pyright: ignore[reportAttributeAccessIssue]
    found = recognize(*target.magic_tuple())
    wanted = os.environ.get(VARIABLE) or NATIVE
    if wanted in REMOVED and REMOVED[wanted][0] != found:
        raise ConfigError(
            f"{VARIABLE} is {wanted}, but numba compiles for {found.name} already; set it before Python starts, and "
            "import this package before numba compiles anything"
        )
    return found


def recognize(triple: str, cpu: str, features: str) -> InstructionSet:
    """Return the instruction set that LLVM uses for a processor, by the name and features that LLVM knows it by."""
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, features=features)
    assembly = machine.emit_assembly(llvm.parse_assembly(PROBE))
    return next((known for known, parts in SIGNS if all(part in assembly for part in parts)), OTHER)
