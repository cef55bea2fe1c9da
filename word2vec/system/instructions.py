"""LLVM instructions for functions that numba compiles: vectors, loops over them, and sums over their lanes.

Numba offers no control over registers, so the fused CPU engine and the refinement of vectors generate LLVM instructions
while a kernel is compiled. A vector has the width of the instruction set in use unless another one is given; see
instruction_set.py.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as numba_intrinsic

from word2vec.system import instruction_set

intrinsic: Any = numba_intrinsic  # its declared type counts the typing context among the arguments of a call

INSTRUCTION_SET = instruction_set.in_use()
WIDTH = INSTRUCTION_SET.floats  # of a vector
FLOAT, INT32, INT64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
VECTOR = ir.VectorType(FLOAT, WIDTH)
ZERO = ir.Constant(VECTOR, [0.0] * WIDTH)

Builder = Any  # llvmlite has no types of its own; these are ir.IRBuilder and ir.Value
Value = Any


def unpacked(context: Any, builder: Builder, signature: Any, arguments: Sequence[Value]) -> list[Value]:
    """Return the arguments as LLVM values: arrays become pointers to their first items; literals are omitted."""
    values = []
    for kind, argument in zip(signature.args, arguments, strict=True):
        if isinstance(kind, types.Array):
            values.append(context.make_array(kind)(context, builder, value=argument).data)
        elif not isinstance(kind, types.Literal):
            values.append(argument)
    return values


def at(builder: Builder, pointer: Value, place: Value) -> Value:
    """Return a pointer to an item of an array."""
    return builder.gep(pointer, [place])


def row_pointer(builder: Builder, table: Value, starts: Value, number: Value) -> Value:
    """Return a pointer to a row, whose offset is item `number` of `starts`."""
    return at(builder, table, builder.load(at(builder, starts, number)))


def _vector_at(builder: Builder, row: Value, place: Value) -> Value:
    return builder.bitcast(at(builder, row, place), VECTOR.as_pointer())


def load(builder: Builder, row: Value, place: Value) -> Value:
    """Return the vector at a place in a row."""
    return builder.load(_vector_at(builder, row, place), align=4)


def store(builder: Builder, vector: Value, row: Value, place: Value) -> None:
    """Write a vector to a place in a row."""
    builder.store(vector, _vector_at(builder, row, place), align=4)


def add_to(builder: Builder, row: Value, place: Value, step: Value, factor: Value | None = None) -> None:
    """Add a vector, or its product with another one, to that at a place in a row, which is read again."""
    part = load(builder, row, place)
    part = builder.fadd(part, step) if factor is None else multiply_add(builder, factor, step, part)
    store(builder, part, row, place)


def multiply_add(builder: Builder, a: Value, b: Value, c: Value) -> Value:
    """Return a * b + c for vectors, in one instruction if the processor has one.

    subtle: a product and a sum that LLVM may contract stay two instructions on some processors, such as Apple's M1.
    """
    kind = ir.FunctionType(a.type, [a.type] * 3)
    name = f"llvm.fmuladd.v{a.type.count}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), (a, b, c))


def splat(builder: Builder, number: Value, lanes: int = WIDTH) -> Value:
    """Return a vector of equal floats."""
    undefined = ir.Constant(ir.VectorType(FLOAT, lanes), ir.Undefined)
    return builder.shuffle_vector(builder.insert_element(undefined, number, INT32(0)), undefined, _mask([0] * lanes))


def _mask(lanes: Sequence[int]) -> Value:
    return ir.Constant(ir.VectorType(INT32, len(lanes)), list(lanes))


def variable(builder: Builder) -> Value:
    """Return a vector that loops can modify, zero at first; LLVM keeps it in a register."""
    pointer = cgutils.alloca_once(builder, VECTOR)
    builder.store(ZERO, pointer)
    return pointer


def keep_order(builder: Builder, vectors: Sequence[Value]) -> list[Value]:
    """Return the same vectors, which are complete here; loads and stores do not move across. Generates no instruction.

    subtle: LLVM moves the loads of unrolled loops up and sums down, until there are not enough registers.
    """
    letter = INSTRUCTION_SET.letter
    if not letter:
        return list(vectors)
    kinds = [vector.type for vector in vectors]
    result = ir.LiteralStructType(kinds) if len(kinds) > 1 else kinds[0]
    constraints = ",".join([f"={letter}"] * len(kinds) + [str(i) for i in range(len(kinds))] + ["~{memory}"])
    same = builder.asm(ir.FunctionType(result, kinds), "", constraints, list(vectors), side_effect=True)
    return [builder.extract_value(same, i) for i in range(len(kinds))] if len(kinds) > 1 else [same]


def vectors_on_stack(builder: Builder, number: int) -> list[Value]:
    """Return pointers to vectors in memory, which LLVM does not keep in registers."""
    with builder.goto_entry_block():
        memory = builder.alloca(VECTOR, number)
        memory.align = WIDTH * 4
    kind = ir.FunctionType(memory.type, [memory.type])
    hidden = builder.asm(kind, "", "=r,0", [memory], side_effect=True)  # LLVM no longer knows what is in it
    return [at(builder, hidden, INT32(i)) for i in range(number)]


@contextmanager
def every_vector(builder: Builder, width: Value) -> Iterator[Value]:
    """Loop over a row in steps of one vector."""
    with cgutils.for_range_slice(builder, INT64(0), width, INT64(WIDTH), INT64) as (place, _):
        yield place


def for_each_case(builder: Builder, number: Value, cases: range, body: Callable[[int], None]) -> None:
    """Generate separate code for each value of a number."""
    after = builder.append_basic_block("after")
    switch = builder.switch(number, after)
    for case in cases:
        block = builder.append_basic_block(f"case{case}")
        switch.add_case(INT64(case), block)
        builder.position_at_end(block)
        body(case)
        builder.branch(after)
    builder.position_at_end(after)


def sums_of_lanes(builder: Builder, vectors: Sequence[Value]) -> list[Value]:
    """Return the sum over the lanes of each vector."""
    sums = vectors_of_sums(builder, vectors)
    return [builder.extract_element(sums[i // WIDTH], INT32(i % WIDTH)) for i in range(len(vectors))]


def vectors_of_sums(builder: Builder, vectors: Sequence[Value]) -> list[Value]:
    """Return the sum over the lanes of each vector, in their order, in the lanes of as few vectors as possible.

    Two vectors are combined into one that contains half-sums of both, and so on: three instructions for two vectors,
    while summing each vector separately takes eight.
    """
    owned = [
        (vector, [number] * WIDTH) for number, vector in enumerate(vectors)
    ]  # the vector to whose sum each lane belongs
    half = WIDTH // 2
    while half:
        pairs = [owned[i : i + 2] for i in range(0, len(owned), 2)]
        owned = [_merged(builder, pair[0], pair[-1], half) for pair in pairs]
        half //= 2
    ordered = []
    for number, (vector, owners) in enumerate(owned):
        first = number * WIDTH
        wanted = [min(i, len(vectors) - 1) for i in range(first, first + WIDTH)]  # lanes beyond the last sum repeat it
        ordered.append(builder.shuffle_vector(vector, vector, _mask([owners.index(owner) for owner in wanted])))
    return ordered


def _merged(
    builder: Builder, first: tuple[Value, list[int]], second: tuple[Value, list[int]], half: int
) -> tuple[Value, list[int]]:
    """Add every other group of `half` lanes of each vector to the group beside it."""
    unit = WIDTH if half >= 4 else 4  # shuffles within four lanes are fast
    lower: list[int] = []
    upper: list[int] = []
    for start in range(0, WIDTH, unit):
        for base in (start, start + WIDTH):  # lanes of the second vector count from WIDTH
            for group in range(base, base + unit, 2 * half):
                lower += range(group, group + half)
                upper += range(group + half, group + 2 * half)
    parts = [builder.shuffle_vector(first[0], second[0], _mask(lanes)) for lanes in (lower, upper)]
    owners = first[1] + second[1]
    return builder.fadd(*parts, flags=("reassoc",)), [owners[lane] for lane in lower]
