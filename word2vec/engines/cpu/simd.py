"""The arithmetic of the fused CPU engine on blocks of rows, as vector instructions.

A block consists of n input rows x_i (up to BLOCK_ROWS context words of one center word) and T target rows y_k (the
center word and its noise words). Training computes three small matrix products of it:

    scores      s_ki = x_i . y_k
    steps       x_i -= lr sum_k g_ki y_k     y_k -= lr sum_i g_ki x_i     (right-hand sides from before the step)

Numba offers no control over registers, so Python loops generate LLVM instructions while the kernel is compiled. The
loops over the targets of a tile and over the rows of a block are unrolled, and all sums stay in registers while each
row is read once. For T = 6 and n = 6 the result is within 5 % (steps) and 30 % (scores) of the peak rate of the
multiply-add units. Loops over the rows, or adding up the lanes of each sum separately, took 1.4 times as long.

Rows are given as offsets into a flat table, (V * width,), where width is a multiple of LANES; scores and gradients are
flat too, with s_ki at k * LANES + i. Nothing is checked here: the kernel is responsible for sizes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as numba_intrinsic

intrinsic: Any = numba_intrinsic  # its declared type counts the typing context among the arguments of a call

LANES = 16
"""Examples per block, with padding; also the unit of row widths: 16 floats are 64 bytes, a cache line."""

BLOCK_ROWS = 10
"""Maximum number of input rows in a block: the whole window at the default width of 5. Each number of rows has its own
code for the steps, so larger blocks take longer to compile."""

TARGETS_AT_ONCE = range(4, 8)
"""Possible numbers of target rows whose sums are kept in registers together; see `tile_size`."""

TILE = 4
"""The number of target rows per tile if the number of targets is known only when the code runs."""


def _vector_width() -> tuple[int, int]:
    """Return the number of floats in a vector register, and of input rows whose scores fit into registers together."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 16, 2
    if features.get("avx"):
        return 8, 1  # only 16 registers
    return 4, 2


WIDTH, ROWS_AT_ONCE = _vector_width()
FLOAT, INT32, INT64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
VECTOR = ir.VectorType(FLOAT, WIDTH)
ZERO = ir.Constant(VECTOR, [0.0] * WIDTH)
UNDEFINED = ir.Constant(VECTOR, ir.Undefined)

Builder = Any  # llvmlite has no types of its own; these are ir.IRBuilder and ir.Value
Value = Any


def tile_size(targets: int) -> int:
    """Return the number of target rows per tile: the largest of those with the least padding."""
    if targets < TARGETS_AT_ONCE.stop:
        return targets
    return min(TARGETS_AT_ONCE, key=lambda size: (-(-targets // size) * size, -size))


def padded_targets(targets: int) -> int:
    """Return the number of target rows that `block_scores` and `block_steps` read: complete tiles."""
    size = tile_size(targets)
    return -(-targets // size) * size


def padded_width(dim: int) -> int:
    """Return the number of floats in a row with `dim` dimensions: complete cache lines."""
    return -(-dim // LANES) * LANES


def _tiles(n_targets: Any) -> tuple[int, bool]:
    """Return the tile size for a type of `n_targets`, and whether a row may occur in several tiles."""
    if isinstance(n_targets, types.IntegerLiteral):
        tile = tile_size(n_targets.literal_value)
        return tile, tile < padded_targets(n_targets.literal_value)
    return TILE, False


def _number_of_targets(n_targets: Any, count: Sequence[Value]) -> Value:
    """Return the number of targets with padding: a constant, or the value passed to the running code."""
    return count[0] if count else INT64(padded_targets(n_targets.literal_value))


@intrinsic(prefer_literal=True)
def block_scores(typing_context, inputs, rows, n, outputs, targets, scores, width, n_targets):
    """Compute the scores s_ki of a block. Arrays may be given as arrays or as pointers.

    Args:
        typing_context: Passed by numba, not by the caller.
        inputs: The input table.
        rows: (n or more,) int64, offsets of the input rows.
        n: Number of input rows, 1 to BLOCK_ROWS.
        outputs: The output table.
        targets: (padded,) int64, offsets of the target rows; the padding may repeat any of them.
        scores: (padded * LANES,), output.
        width: Floats in a row.
        n_targets: T, a compile-time constant, with padded = padded_targets(T); or an integer of the running code,
            padded itself, a multiple of TILE.
    """
    signature = types.void(inputs, rows, n, outputs, targets, scores, width, n_targets)
    tile, _ = _tiles(n_targets)

    def generate(context, builder, signature, arguments):
        x_table, row_starts, n, y_table, target_starts, out, width, *count = _unpacked(
            context, builder, signature, arguments
        )
        padded = _number_of_targets(n_targets, count)

        def score_rows(first: Value, rows_at_once: int) -> None:
            places = [builder.add(first, INT64(i)) for i in range(rows_at_once)]
            x = [_row(builder, x_table, row_starts, place) for place in places]
            with cgutils.for_range_slice(builder, INT64(0), padded, INT64(tile), INT64) as (tile_start, _):
                targets = [builder.add(tile_start, INT64(k)) for k in range(tile)]
                y = [_row(builder, y_table, target_starts, k) for k in targets]
                sums = [[_variable(builder) for _ in y] for _ in x]
                with _every_vector(builder, width) as d:
                    y_parts = [_load(builder, row, d) for row in y]
                    for row, row_sums in zip(x, sums, strict=True):
                        x_part = _load(builder, row, d)
                        for y_part, total in zip(y_parts, row_sums, strict=True):
                            builder.store(_multiply_add(builder, x_part, y_part, builder.load(total)), total)
                totals = _sums_of_lanes(builder, [builder.load(total) for row_sums in sums for total in row_sums])
                for place, row_totals in zip(places, _in_groups(totals, tile), strict=True):
                    for k, total in zip(targets, row_totals, strict=True):
                        builder.store(total, _at(builder, out, _score_place(builder, k, place)))

        rest = builder.urem(n, INT64(ROWS_AT_ONCE))
        whole = builder.sub(n, rest)
        with cgutils.for_range_slice(builder, INT64(0), whole, INT64(ROWS_AT_ONCE), INT64) as (first, _):
            score_rows(first, ROWS_AT_ONCE)
        with cgutils.for_range_slice(builder, whole, n, INT64(1), INT64) as (first, _):
            score_rows(first, 1)
        return context.get_dummy_value()

    return signature, generate


@intrinsic(prefer_literal=True)
def block_steps(typing_context, inputs, rows, n, outputs, targets, gradients, lr, steps, width, n_targets):
    """Add their steps to all rows of a block, computed from the rows before the step.

    A row that occurs several times in the block gets all of its steps. The arguments are those of `block_scores`, with
    the gradients g_ki in the layout of the scores, 0 for the padding of the targets, the learning rate, and `steps`,
    working memory of the same size as the gradients. If `n_targets` is not a compile-time constant, the targets must be
    distinct, except that the padding may repeat the last one; `steps` is not used then.
    """
    signature = types.void(inputs, rows, n, outputs, targets, gradients, lr, steps, width, n_targets)
    tile, repeated = _tiles(n_targets)

    def generate(context, builder, signature, arguments):
        x_table, row_starts, n, y_table, target_starts, g, lr, steps, width, *count = _unpacked(
            context, builder, signature, arguments
        )
        padded = _number_of_targets(n_targets, count)

        # subtle: the sums are multiplied, not the gradients: a pass over the gradients just before their numbers are
        # loaded one by one makes these loads wait for its wide stores, and takes a third of the time of a path
        factor = _splat(builder, builder.fsub(ir.Constant(FLOAT, 0.0), lr))

        def step_rows(rows_in_block: int) -> None:
            x = [_row(builder, x_table, row_starts, INT64(i)) for i in range(rows_in_block)]
            with _every_vector(builder, width) as d:
                x_steps = [_variable(builder) for _ in x]
                with cgutils.for_range_slice(builder, INT64(0), padded, INT64(tile), INT64) as (tile_start, _):
                    targets = [builder.add(tile_start, INT64(k)) for k in range(tile)]
                    y_parts = [_load(builder, _row(builder, y_table, target_starts, k), d) for k in targets]
                    y_steps = [ZERO] * tile
                    for i, (row, x_step) in enumerate(zip(x, x_steps, strict=True)):
                        x_part, step = _load(builder, row, d), builder.load(x_step)
                        for k, y_part in enumerate(y_parts):
                            place = _score_place(builder, targets[k], INT64(i))
                            slope = _splat(builder, builder.load(_at(builder, g, place)))
                            step = _multiply_add(builder, slope, y_part, step)
                            y_steps[k] = _multiply_add(builder, slope, x_part, y_steps[k])
                        builder.store(step, x_step)
                    for k, step in zip(targets, y_steps, strict=True):
                        if repeated:  # later tiles may contain the same row, and have to read it before the step
                            _store(builder, step, steps, builder.mul(k, INT64(LANES)))
                        else:
                            _add_to(builder, _row(builder, y_table, target_starts, k), d, step, factor)
                # subtle: each row is read again before its step is added: a row that occurs twice gets both steps
                if repeated:
                    with cgutils.for_range_slice(builder, INT64(0), padded, INT64(1), INT64) as (k, _):
                        step = _load(builder, steps, builder.mul(k, INT64(LANES)))
                        _add_to(builder, _row(builder, y_table, target_starts, k), d, step, factor)
                for row, x_step in zip(x, x_steps, strict=True):
                    _add_to(builder, row, d, builder.load(x_step), factor)

        _for_each_case(builder, n, range(1, BLOCK_ROWS + 1), step_rows)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def pointers(typing_context, record):
    """Replace the arrays of a named tuple by pointers to their first items.

    subtle: each use of an array in a loop may cost two atomic updates of its reference count. Pointers have none, so
    the arrays have to be kept alive by the caller, or by `keep_alive` behind the loop. No bounds are checked, and
    negative indices do not wrap around.
    """
    fields = [types.CPointer(kind.dtype) if isinstance(kind, types.Array) else kind for kind in record.types]
    result = types.NamedTuple(fields, record.instance_class)

    def generate(context, builder, signature, arguments):
        items = [builder.extract_value(arguments[0], number) for number in range(len(fields))]
        for number, kind in enumerate(record.types):
            if isinstance(kind, types.Array):
                items[number] = context.make_array(kind)(context, builder, value=items[number]).data
        return context.make_tuple(builder, result, items)

    return result(record), generate


@intrinsic
def keep_alive(typing_context, record):
    """Do nothing, but keep the arrays of a record from being freed before this call; see `pointers`."""

    def generate(context, builder, signature, arguments):
        return context.get_dummy_value()

    return types.void(record), generate


@intrinsic
def align_stack(typing_context):
    """Align the stack of the function that calls this, so that vectors in it do not cross cache lines.

    subtle: when LLVM finds that registers do not suffice, it is too late to align the stack for the vectors that it
    saves there, unless a variable already needs it. A saved vector that crosses cache lines takes several times as long
    to read again.
    """

    def generate(context, builder, signature, arguments):
        with builder.goto_entry_block():
            variable = builder.alloca(VECTOR)
            variable.align = WIDTH * 4
        kind = ir.FunctionType(ir.VoidType(), [variable.type])
        builder.asm(kind, "", "r", [variable], side_effect=True)  # so that it is not removed
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def pointer_to(typing_context, array, place):
    """Return a pointer to an item of an array, which may be given as a pointer."""

    def generate(context, builder, signature, arguments):
        array, place = _unpacked(context, builder, signature, arguments)
        return _at(builder, array, place)

    return types.CPointer(array.dtype)(array, place), generate


@intrinsic
def prefetch_row(typing_context, table, start, width):
    """Prefetch a row into the cache without waiting for it."""

    def generate(context, builder, signature, arguments):
        table, start, width = _unpacked(context, builder, signature, arguments)
        row = _at(builder, table, start)
        kind = ir.FunctionType(ir.VoidType(), (FLOAT.as_pointer(), INT32, INT32, INT32))
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        with cgutils.for_range_slice(builder, INT64(0), width, INT64(LANES), INT64) as (line, _):
            to_read, to_the_nearest_cache, data = INT32(0), INT32(3), INT32(1)
            builder.call(fetch, (_at(builder, row, line), to_read, to_the_nearest_cache, data))
        return context.get_dummy_value()

    return types.void(table, start, width), generate


def _unpacked(context: Any, builder: Builder, signature: Any, arguments: Sequence[Value]) -> list[Value]:
    """Return the arguments as LLVM values: arrays become pointers to their first items; literals are omitted."""
    values = []
    for kind, argument in zip(signature.args, arguments, strict=True):
        if isinstance(kind, types.Array):
            values.append(context.make_array(kind)(context, builder, value=argument).data)
        elif not isinstance(kind, types.Literal):
            values.append(argument)
    return values


def _at(builder: Builder, pointer: Value, place: Value) -> Value:
    return builder.gep(pointer, [place])


def _row(builder: Builder, table: Value, starts: Value, number: Value) -> Value:
    """Return a pointer to a row, whose offset is item `number` of `starts`."""
    return _at(builder, table, builder.load(_at(builder, starts, number)))


def _score_place(builder: Builder, target: Value, row: Value) -> Value:
    return builder.add(builder.mul(target, INT64(LANES)), row)


def _vector_at(builder: Builder, row: Value, place: Value) -> Value:
    return builder.bitcast(_at(builder, row, place), VECTOR.as_pointer())


def _load(builder: Builder, row: Value, place: Value) -> Value:
    return builder.load(_vector_at(builder, row, place), align=4)


def _store(builder: Builder, vector: Value, row: Value, place: Value) -> None:
    builder.store(vector, _vector_at(builder, row, place), align=4)


def _add_to(builder: Builder, row: Value, place: Value, step: Value, factor: Value) -> None:
    _store(builder, _multiply_add(builder, factor, step, _load(builder, row, place)), row, place)


def _multiply_add(builder: Builder, a: Value, b: Value, c: Value) -> Value:
    """Return a * b + c, in one instruction if the machine has it."""
    return builder.fadd(builder.fmul(a, b, flags=("contract",)), c, flags=("contract",))


def _splat(builder: Builder, number: Value) -> Value:
    return builder.shuffle_vector(builder.insert_element(UNDEFINED, number, INT32(0)), UNDEFINED, _mask([0] * WIDTH))


def _mask(lanes: Sequence[int]) -> Value:
    return ir.Constant(ir.VectorType(INT32, WIDTH), list(lanes))


def _variable(builder: Builder) -> Value:
    """Return a vector that loops can modify, zero at first; LLVM keeps it in a register."""
    pointer = cgutils.alloca_once(builder, VECTOR)
    builder.store(ZERO, pointer)
    return pointer


@contextmanager
def _every_vector(builder: Builder, width: Value) -> Iterator[Value]:
    """Loop over a row in steps of one vector."""
    with cgutils.for_range_slice(builder, INT64(0), width, INT64(WIDTH), INT64) as (place, _):
        yield place


def _for_each_case(builder: Builder, number: Value, cases: range, body: Callable[[int], None]) -> None:
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


def _in_groups(items: Sequence[Value], size: int) -> list[Sequence[Value]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _sums_of_lanes(builder: Builder, vectors: Sequence[Value]) -> list[Value]:
    """Return the sum over the lanes of each vector.

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
    return [_lane_of(builder, owned, number) for number in range(len(vectors))]


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


def _lane_of(builder: Builder, owned: Sequence[tuple[Value, list[int]]], number: int) -> Value:
    vector, owners = next((vector, owners) for vector, owners in owned if number in owners)
    return builder.extract_element(vector, INT32(owners.index(number)))
