"""The arithmetic of the fused CPU engine on blocks of rows, as vector instructions.

A block consists of n input rows x_i (up to BLOCK_ROWS context words of one center word) and T target rows y_k (the
center word and its noise words). Training computes three small matrix products of it:

    scores      s_ki = x_i . y_k
    steps       x_i -= lr sum_k g_ki y_k     y_k -= lr sum_i g_ki x_i     (right-hand sides from before the step)

Numba offers no control over registers, so Python loops generate LLVM instructions while the kernel is compiled. The
loops over the targets of a tile and over the rows of a block are unrolled, and sums stay in registers while each row is
read once. With 16 registers, the steps of some input rows are in memory instead. For T = 6 and n = 6 on Zen 4, scores
reach 80 % of the peak rate of the multiply-add units, and steps 90 % with AVX-512 and 75 % with AVX2. Loops over the
rows, or adding up the lanes of each sum separately, took 1.4 times as long. evaluation/assembly.py counts the
instructions for each instruction set.

Rows are given as offsets into a flat table, (V * width,), where width is a multiple of WIDTH; scores and gradients are
flat too. If they are packed, s_ki is at i * padded + k, so that they occupy as few vectors as possible; otherwise at
k * LANES + i. Nothing is checked here: the kernel is responsible for sizes.
"""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from word2vec.system.instructions import (
    FLOAT,
    INSTRUCTION_SET,
    INT32,
    INT64,
    VECTOR,
    WIDTH,
    ZERO,
    Builder,
    Value,
    add_to,
    at,
    every_vector,
    for_each_case,
    intrinsic,
    keep_order,
    load,
    multiply_add,
    row_pointer,
    splat,
    store,
    sums_of_lanes,
    unpacked,
    variable,
    vectors_of_sums,
    vectors_on_stack,
)

LANES = 16
"""Examples per block, with padding; 16 floats are 64 bytes, a cache line."""

BLOCK_ROWS = 10
"""Maximum number of input rows in a block: the whole window at the default width of 5. Each number of rows has its own
code for the steps, so larger blocks take longer to compile."""

REGISTERS = INSTRUCTION_SET.registers - (0 if INSTRUCTION_SET.fused else 2)
"""Vector registers for rows, sums and slopes. Two are for products, if those are instructions of their own."""

TARGETS_AT_ONCE = range(3, 6) if REGISTERS < 16 else range(4, 7) if REGISTERS < 32 else range(4, 8)
"""Possible numbers of target rows per tile, see `tile_size`; each takes two registers, for the row and its step."""

MAX_ROWS_AT_ONCE = 2
"""Maximum number of input rows that are scored together, if there are enough registers."""

TILE = 4
"""The number of target rows per tile if the number of targets is known only when the code runs."""


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
    """Return the number of floats in a row with `dim` dimensions: complete vectors."""
    return -(-dim // WIDTH) * WIDTH


def _tiles(n_targets: Any) -> tuple[int, bool]:
    """Return the tile size for a type of `n_targets`, and whether a row may occur in several tiles."""
    if isinstance(n_targets, types.IntegerLiteral):
        tile = tile_size(n_targets.literal_value)
        return tile, tile < padded_targets(n_targets.literal_value)
    return TILE, False


def _rows_at_once(tile: int) -> int:
    """Return the number of input rows whose scores with a tile of targets fit into registers together.

    Each input row takes a register for each sum and one for itself; the current target takes one.
    """
    return max(1, min(MAX_ROWS_AT_ONCE, (REGISTERS - 1) // (tile + 1)))


def _number_of_targets(n_targets: Any, count: Sequence[Value]) -> Value:
    """Return the number of targets with padding: a constant, or the value passed to the running code."""
    return count[0] if count else INT64(padded_targets(n_targets.literal_value))


@intrinsic(prefer_literal=True)
def block_scores(typing_context, inputs, rows, n, outputs, targets, scores, width, n_targets, packed):
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
        packed: Whether the scores are packed, a compile-time constant, 0 or 1; only if `n_targets` is one too. What
            follows the scores of the block, up to the end of a vector, is overwritten.
    """
    signature = types.void(inputs, rows, n, outputs, targets, scores, width, n_targets, packed)
    tile, several_tiles = _tiles(n_targets)
    in_vectors = packed.literal_value and not several_tiles

    def generate(context, builder, signature, arguments):
        x_table, row_starts, n, y_table, target_starts, out, width, *count = unpacked(
            context, builder, signature, arguments
        )
        padded = _number_of_targets(n_targets, count)
        score_place = _score_place(packed, padded)

        def score_rows(first: Value, rows_at_once: int) -> None:
            places = [builder.add(first, INT64(i)) for i in range(rows_at_once)]
            x = [row_pointer(builder, x_table, row_starts, place) for place in places]
            with cgutils.for_range_slice(builder, INT64(0), padded, INT64(tile), INT64) as (tile_start, _):
                targets = [builder.add(tile_start, INT64(k)) for k in range(tile)]
                y = [row_pointer(builder, y_table, target_starts, k) for k in targets]
                sums = [[variable(builder) for _ in y] for _ in x]
                with every_vector(builder, width) as d:
                    x_parts = [load(builder, row, d) for row in x]
                    for k, row in enumerate(y):
                        x_parts = keep_order(builder, x_parts)
                        y_part = load(builder, row, d)
                        for x_part, row_sums in zip(x_parts, sums, strict=True):
                            builder.store(multiply_add(builder, x_part, y_part, builder.load(row_sums[k])), row_sums[k])
                totals = [builder.load(total) for row_sums in sums for total in row_sums]
                if in_vectors:
                    begin = builder.mul(first, INT64(tile))
                    for number, part in enumerate(vectors_of_sums(builder, totals)):
                        store(builder, part, out, builder.add(begin, INT64(number * WIDTH)))
                    return
                scores = _in_groups(sums_of_lanes(builder, totals), tile)
                for place, row_scores in zip(places, scores, strict=True):
                    for k, score in zip(targets, row_scores, strict=True):
                        builder.store(score, at(builder, out, score_place(builder, k, place)))

        size = _rows_at_once(tile)
        rest = builder.urem(n, INT64(size))
        whole = builder.sub(n, rest)
        with cgutils.for_range_slice(builder, INT64(0), whole, INT64(size), INT64) as (first, _):
            score_rows(first, size)
        for_each_case(builder, rest, range(1, size), lambda number: score_rows(whole, number))
        return context.get_dummy_value()

    return signature, generate


@intrinsic(prefer_literal=True)
def block_steps(typing_context, inputs, rows, n, outputs, targets, gradients, lr, steps, width, n_targets, packed):
    """Add their steps to all rows of a block, computed from the rows before the step.

    A row that occurs several times in the block gets all of its steps. The arguments are those of `block_scores`, with
    the gradients g_ki in the layout of the scores, 0 for the padding of the targets, the learning rate, and `steps`,
    working memory of the same size as the gradients. If `n_targets` is not a compile-time constant, the targets must be
    distinct, except that the padding may repeat the last one; `steps` is not used then.
    """
    signature = types.void(inputs, rows, n, outputs, targets, gradients, lr, steps, width, n_targets, packed)
    tile, repeated = _tiles(n_targets)
    one_tile = isinstance(n_targets, types.IntegerLiteral) and not repeated

    def generate(context, builder, signature, arguments):
        x_table, row_starts, n, y_table, target_starts, g, lr, steps, width, *count = unpacked(
            context, builder, signature, arguments
        )
        padded = _number_of_targets(n_targets, count)
        score_place = _score_place(packed, padded)
        # the input rows whose steps stay in registers, beside a tile and the current row, its step, its slope, and lr
        in_registers = max(0, REGISTERS - 2 * tile - 4)
        in_memory = vectors_on_stack(builder, BLOCK_ROWS + 1) if in_registers < BLOCK_ROWS else []
        factor_place = in_memory[-1] if in_memory else variable(builder)
        builder.store(splat(builder, builder.fneg(lr)), factor_place)  # saves a pass over the gradients

        def step_rows(rows_in_block: int) -> None:
            x = [row_pointer(builder, x_table, row_starts, INT64(i)) for i in range(rows_in_block)]
            x_steps = [variable(builder) if i < in_registers else in_memory[i] for i in range(rows_in_block)]
            with every_vector(builder, width) as d:
                for x_step in [] if one_tile else x_steps:
                    builder.store(ZERO, x_step)
                with cgutils.for_range_slice(builder, INT64(0), padded, INT64(tile), INT64) as (tile_start, _):
                    targets = [builder.add(tile_start, INT64(k)) for k in range(tile)]
                    y_parts = [load(builder, row_pointer(builder, y_table, target_starts, k), d) for k in targets]
                    y_steps = [ZERO] * tile
                    for i, (row, x_step) in enumerate(zip(x, x_steps, strict=True)):
                        x_part, step = load(builder, row, d), ZERO if one_tile else builder.load(x_step)
                        for k, y_part in enumerate(y_parts):
                            place = score_place(builder, targets[k], INT64(i))
                            slope = splat(builder, builder.load(at(builder, g, place)))
                            step = multiply_add(builder, slope, y_part, step)
                            y_steps[k] = multiply_add(builder, slope, x_part, y_steps[k])
                        step, *y_steps = keep_order(builder, [step, *y_steps])
                        builder.store(step, x_step)
                    factor = builder.load(factor_place)
                    for k, step in zip(targets, y_steps, strict=True):
                        if repeated:  # later tiles may contain the same row, and have to read it before the step
                            store(builder, step, steps, builder.mul(k, INT64(LANES)))
                        else:
                            add_to(builder, row_pointer(builder, y_table, target_starts, k), d, step, factor)
                factor = builder.load(factor_place)
                # subtle: each row is read again before its step is added: a row that occurs twice gets both steps
                if repeated:
                    with cgutils.for_range_slice(builder, INT64(0), padded, INT64(1), INT64) as (k, _):
                        step = load(builder, steps, builder.mul(k, INT64(LANES)))
                        add_to(builder, row_pointer(builder, y_table, target_starts, k), d, step, factor)
                for row, x_step in zip(x, x_steps, strict=True):
                    add_to(builder, row, d, builder.load(x_step), factor)

        for_each_case(builder, n, range(1, BLOCK_ROWS + 1), step_rows)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def copy_row(typing_context, table, start, first, second, place, width):
    """Copy the row of a table that begins at `start` to the same place of two arrays."""
    signature = types.void(table, start, first, second, place, width)

    def generate(context, builder, signature, arguments):
        table, start, first, second, place, width = unpacked(context, builder, signature, arguments)
        row, *copies = at(builder, table, start), at(builder, first, place), at(builder, second, place)
        with every_vector(builder, width) as d:
            part = load(builder, row, d)
            for copy in copies:
                store(builder, part, copy, d)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def add_difference(typing_context, table, start, new, old, place, width):
    """Add new - old, the rows that begin at `place` of two arrays, to the row of a table that begins at `start`."""
    signature = types.void(table, start, new, old, place, width)

    def generate(context, builder, signature, arguments):
        table, start, new, old, place, width = unpacked(context, builder, signature, arguments)
        row, after, before = at(builder, table, start), at(builder, new, place), at(builder, old, place)
        with every_vector(builder, width) as d:
            add_to(builder, row, d, builder.fsub(load(builder, after, d), load(builder, before, d)))
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def add_row(typing_context, table, start, rows, place, width):
    """Add a row, which begins at `place`, to the row of a table that begins at `start`."""
    signature = types.void(table, start, rows, place, width)

    def generate(context, builder, signature, arguments):
        table, start, rows, place, width = unpacked(context, builder, signature, arguments)
        row, step = at(builder, table, start), at(builder, rows, place)
        with every_vector(builder, width) as d:
            add_to(builder, row, d, load(builder, step, d))
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def pointers(typing_context, record):
    """Replace the arrays of a named tuple or a tuple of them, also in nested ones, by pointers to their first items.

    subtle: each use of an array in a loop may cost two atomic updates of its reference count. Pointers have none, so
    the arrays have to be kept alive by the caller, or by `keep_alive` behind the loop. No bounds are checked, and
    negative indices do not wrap around.
    """

    def generate(context, builder, signature, arguments):
        return _pointers_of(context, builder, record, arguments[0])

    return _with_pointers(record)(record), generate


def _with_pointers(kind: Any) -> Any:
    """Return the type of a value in which pointers replace the arrays, also those in tuples."""
    if isinstance(kind, types.Array):
        return types.CPointer(kind.dtype)
    if isinstance(kind, types.NamedTuple):
        return types.NamedTuple([_with_pointers(item) for item in kind.types], kind.instance_class)
    return types.UniTuple(_with_pointers(kind.dtype), kind.count) if isinstance(kind, types.UniTuple) else kind


def _pointers_of(context: Any, builder: Builder, kind: Any, value: Value) -> Value:
    if isinstance(kind, types.Array):
        return context.make_array(kind)(context, builder, value=value).data
    if not isinstance(kind, types.NamedTuple | types.UniTuple):
        return value
    items = [
        _pointers_of(context, builder, item, builder.extract_value(value, number))
        for number, item in enumerate(kind.types)
    ]
    return context.make_tuple(builder, _with_pointers(kind), items)


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
    to read again: kernels were up to 1.7 times as slow, depending on where their stack began.
    """

    def generate(context, builder, signature, arguments):
        with builder.goto_entry_block():
            aligned = builder.alloca(VECTOR)
            aligned.align = WIDTH * 4
        kind = ir.FunctionType(ir.VoidType(), [aligned.type])
        builder.asm(kind, "", "r", [aligned], side_effect=True)  # so that it is not removed
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def pointer_to(typing_context, array, place):
    """Return a pointer to an item of an array, which may be given as a pointer."""

    def generate(context, builder, signature, arguments):
        array, place = unpacked(context, builder, signature, arguments)
        return at(builder, array, place)

    return types.CPointer(array.dtype)(array, place), generate


@intrinsic
def prefetch_row(typing_context, table, start, width):
    """Prefetch a row into the cache without waiting for it."""

    def generate(context, builder, signature, arguments):
        table, start, width = unpacked(context, builder, signature, arguments)
        row = at(builder, table, start)
        kind = ir.FunctionType(ir.VoidType(), (FLOAT.as_pointer(), INT32, INT32, INT32))
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        with cgutils.for_range_slice(builder, INT64(0), width, INT64(LANES), INT64) as (line, _):
            to_read, to_the_nearest_cache, data = INT32(0), INT32(3), INT32(1)
            builder.call(fetch, (at(builder, row, line), to_read, to_the_nearest_cache, data))
        return context.get_dummy_value()

    return types.void(table, start, width), generate


def _score_place(packed: Any, padded: Value) -> Callable[[Builder, Value, Value], Value]:
    """Return the function that generates the place of a score from the numbers of its target and of its input row."""
    if packed.literal_value:
        return lambda builder, target, row: builder.add(builder.mul(row, padded), target)
    return lambda builder, target, row: builder.add(builder.mul(target, INT64(LANES)), row)


def _in_groups(items: Sequence[Value], size: int) -> list[Sequence[Value]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
