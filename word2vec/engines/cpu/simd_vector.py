"""The arithmetic of the fused CPU engine on one vector and a list of rows, as vector instructions.

Models that gather the input vector x of an example from several rows need four operations, with lists of rows that are
as long as the window, the word's n-grams or the targets require:

    gather      x += a sum_i r_i                 over the rows r_i of the words and n-grams that x is made of
    scores      s_k = x . y_k                    over the target rows y_k
    steps       dx = sum_k g_k y_k               y_k += g_k x, right-hand sides from before the step
    scatter     r_i += a dx

As in simd.py, all sums stay in registers while each row is read once: those of up to PARTS_AT_ONCE vectors of x, or of
up to SCORES_AT_ONCE target rows. The rows of words and n-grams are given by their numbers, int32, because a window is a
slice of the corpus and the n-grams of a word are a slice of its list; target rows are given as offsets, as in simd.py.
Nothing is checked here: the kernel is responsible for sizes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from llvmlite import ir
from numba import types
from numba.core import cgutils

from word2vec.engines.cpu.simd import LANES
from word2vec.system.instructions import (
    FLOAT,
    INSTRUCTION_SET,
    INT32,
    INT64,
    WIDTH,
    Builder,
    Value,
    add_to,
    at,
    every_vector,
    for_each_case,
    intrinsic,
    load,
    multiply_add,
    row_pointer,
    splat,
    store,
    sums_of_lanes,
    unpacked,
    variable,
)

PARTS_AT_ONCE = 8 if INSTRUCTION_SET.registers == 32 else 6 if INSTRUCTION_SET.fused else 5
"""Vectors of x that are worked on together. The steps take two registers for each, and without instructions that
multiply and add, others for products. A row of 100 dimensions is 7, 13 or 25 vectors."""

SCORES_AT_ONCE = 8
"""Scores that are computed together, in one register each."""


@intrinsic
def add_rows(typing_context, x, scale, table, numbers, n, left_out, width):
    """Add the sum of rows, times a factor, to x. Arrays may be given as arrays or as pointers.

    Args:
        typing_context: Passed by numba, not by the caller.
        x: (width,), changed in place.
        scale: The factor.
        table: The table of the rows.
        numbers: (n,) int32, row numbers; (n + 1,) if one is left out.
        n: Number of rows.
        left_out: Place of an item of `numbers` to leave out; n or more for none.
        width: Floats in a row.
    """
    signature = types.void(x, scale, table, numbers, n, left_out, width)

    def generate(context, builder, signature, arguments):
        x, scale, table, numbers, n, left_out, width = unpacked(context, builder, signature, arguments)
        factor = splat(builder, scale)

        def add_parts(places: list[Value]) -> None:
            sums = [variable(builder) for _ in places]
            with _every_row(builder, table, numbers, n, left_out, width) as row:
                for place, total in zip(places, sums, strict=True):
                    builder.store(builder.fadd(builder.load(total), load(builder, row, place)), total)
            for place, total in zip(places, sums, strict=True):
                store(builder, multiply_add(builder, factor, builder.load(total), load(builder, x, place)), x, place)

        _for_all_parts(builder, width, add_parts)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def add_to_rows(typing_context, table, numbers, n, left_out, step, scale, width):
    """Add a step, times a factor, to rows; a row that occurs several times gets it as often. See `add_rows`."""
    signature = types.void(table, numbers, n, left_out, step, scale, width)

    def generate(context, builder, signature, arguments):
        table, numbers, n, left_out, step, scale, width = unpacked(context, builder, signature, arguments)
        factor = splat(builder, scale)

        def add_parts(places: list[Value]) -> None:
            steps = [builder.fmul(load(builder, step, place), factor) for place in places]
            with _every_row(builder, table, numbers, n, left_out, width) as row:
                for place, part in zip(places, steps, strict=True):
                    add_to(builder, row, place, part)

        _for_all_parts(builder, width, add_parts)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def vector_scores(typing_context, x, table, targets, n, scores, width):
    """Compute the scores of x with target rows.

    Args:
        typing_context: Passed by numba, not by the caller.
        x: (width,).
        table: The table of the target rows.
        targets: (n,) int64, their offsets.
        n: Number of targets.
        scores: (n,), output.
        width: Floats in a row.
    """
    signature = types.void(x, table, targets, n, scores, width)

    def generate(context, builder, signature, arguments):
        x, table, targets, n, scores, width = unpacked(context, builder, signature, arguments)

        def score_rows(first: Value, number: int) -> None:
            places = [builder.add(first, INT64(k)) for k in range(number)]
            rows = [row_pointer(builder, table, targets, place) for place in places]
            sums = [variable(builder) for _ in rows]
            with every_vector(builder, width) as d:
                part = load(builder, x, d)
                for row, total in zip(rows, sums, strict=True):
                    builder.store(multiply_add(builder, part, load(builder, row, d), builder.load(total)), total)
            totals = sums_of_lanes(builder, [builder.load(total) for total in sums])
            for place, total in zip(places, totals, strict=True):
                builder.store(total, at(builder, scores, place))

        _in_tiles(builder, n, SCORES_AT_ONCE, score_rows)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def vector_steps(typing_context, x, step, table, targets, slopes, n, width):
    """Add slopes_k x to the target rows y_k, and write sum_k slopes_k y_k, from before the step, to `step`.

    A target that occurs several times gets all of its steps. The arguments are those of `vector_scores`, with the
    factors `slopes`, (n,), and the output `step`, (width,).
    """
    signature = types.void(x, step, table, targets, slopes, n, width)

    def generate(context, builder, signature, arguments):
        x, step, table, targets, slopes, n, width = unpacked(context, builder, signature, arguments)

        def step_parts(places: list[Value]) -> None:
            steps = [variable(builder) for _ in places]
            with cgutils.for_range_slice(builder, INT64(0), n, INT64(1), INT64) as (k, _):
                row, slope = (
                    row_pointer(builder, table, targets, k),
                    splat(builder, builder.load(at(builder, slopes, k))),
                )
                for place, total in zip(places, steps, strict=True):
                    part = multiply_add(builder, slope, load(builder, row, place), builder.load(total))
                    builder.store(part, total)
            parts = [load(builder, x, place) for place in places]
            # subtle: a loop of its own, which reads each row again: a row that occurs twice gets both steps
            with cgutils.for_range_slice(builder, INT64(0), n, INT64(1), INT64) as (k, _):
                row, slope = (
                    row_pointer(builder, table, targets, k),
                    splat(builder, builder.load(at(builder, slopes, k))),
                )
                for place, part in zip(places, parts, strict=True):
                    store(builder, multiply_add(builder, slope, part, load(builder, row, place)), row, place)
            for place, total in zip(places, steps, strict=True):
                store(builder, builder.load(total), step, place)

        _for_all_parts(builder, width, step_parts)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def copy_lanes(typing_context, target, place, source, source_place):
    """Copy LANES items from a place in one array to a place in another, which may be given as pointers."""

    def generate(context, builder, signature, arguments):
        target, place, source, source_place = unpacked(context, builder, signature, arguments)
        _store_lanes(builder, _load_lanes(builder, source, source_place), target, place)
        return context.get_dummy_value()

    return types.void(target, place, source, source_place), generate


@intrinsic
def copy_lanes_unless_equal(typing_context, target, place, source, source_place, rows, row_place, otherwise):
    """Copy LANES items like `copy_lanes`, but write `otherwise` for each that belongs to the same row as its example.

    Args:
        typing_context: Passed by numba, not by the caller.
        target: Array or pointer.
        place: Place in it.
        source: Array or pointer.
        source_place: Place in it.
        rows: int64; the row of example i is at i.
        row_place: The row of item i is at `row_place` + i.
        otherwise: The value to write for equal rows.
    """
    signature = types.void(target, place, source, source_place, rows, row_place, otherwise)

    def generate(context, builder, signature, arguments):
        target, place, source, source_place, rows, row_place, otherwise = unpacked(
            context, builder, signature, arguments
        )
        items = _load_lanes(builder, source, source_place)
        equal = builder.icmp_signed("==", _load_lanes(builder, rows, row_place), _load_lanes(builder, rows, INT64(0)))
        values = ir.Constant(items.type, ir.Undefined)
        values = builder.insert_element(values, otherwise, INT32(0))
        values = builder.shuffle_vector(values, values, ir.Constant(ir.VectorType(INT32, LANES), [0] * LANES))
        _store_lanes(builder, builder.select(equal, values, items), target, place)
        return context.get_dummy_value()

    return signature, generate


def _lanes_at(builder: Builder, array: Value, place: Value) -> tuple[Value, int]:
    """Return a pointer to LANES items of an array, and the size of an item in bytes."""
    item = array.type.pointee
    size = {FLOAT: 4, INT32: 4, INT64: 8}[item]
    return builder.bitcast(at(builder, array, place), ir.VectorType(item, LANES).as_pointer()), size


def _load_lanes(builder: Builder, array: Value, place: Value) -> Value:
    pointer, size = _lanes_at(builder, array, place)
    return builder.load(pointer, align=size)


def _store_lanes(builder: Builder, items: Value, array: Value, place: Value) -> None:
    pointer, size = _lanes_at(builder, array, place)
    builder.store(items, pointer, align=size)


@contextmanager
def _every_row(
    builder: Builder, table: Value, numbers: Value, n: Value, left_out: Value, width: Value
) -> Iterator[Value]:
    """Loop over rows that are given by their numbers, without the one at the place `left_out`."""
    with cgutils.for_range_slice(builder, INT64(0), n, INT64(1), INT64) as (i, _):
        skipped = builder.zext(builder.icmp_signed(">=", i, left_out), INT64)
        number = builder.sext(builder.load(at(builder, numbers, builder.add(i, skipped))), INT64)
        yield at(builder, table, builder.mul(number, width))


def _for_all_parts(builder: Builder, width: Value, body: Callable[[list[Value]], None]) -> None:
    """Generate code for all vectors of a row, PARTS_AT_ONCE at a time; the body gets their places."""

    def parts(first: Value, number: int) -> None:
        body([builder.mul(builder.add(first, INT64(part)), INT64(WIDTH)) for part in range(number)])

    _in_tiles(builder, builder.sdiv(width, INT64(WIDTH)), PARTS_AT_ONCE, parts)


def _in_tiles(builder: Builder, total: Value, size: int, body: Callable[[Value, int], None]) -> None:
    """Generate code for items in tiles of a size, and for each possible number of items in the last tile."""
    rest = builder.urem(total, INT64(size))
    whole = builder.sub(total, rest)
    with cgutils.for_range_slice(builder, INT64(0), whole, INT64(size), INT64) as (first, _):
        body(first, size)
    for_each_case(builder, rest, range(1, size), lambda number: body(whole, number))
