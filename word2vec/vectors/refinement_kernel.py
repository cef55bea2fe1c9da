"""Compiled functions of refinement.py: which n-grams are shared by words, and ridge regression on them.

Both directions of the regression, from n-grams to words and back, run over the list of n-grams of each word, for
COLUMNS columns of the tables at a time. A block of columns is solved by one thread, so that results do not depend on
the number of threads, and the tables of conjugate gradient take memory only for the blocks in work.

The rows of a block have 16 floats, which are one vector in LLVM's code. LLVM splits it into the registers that the
processor has; from plain loops over the columns numba makes code that takes several times as long.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from word2vec.system import instruction_set, instructions
from word2vec.system.instructions import FLOAT, INT64, intrinsic, multiply_add, splat, unpacked
from word2vec.system.jit import compiled, compiled_with

CONVERGED = 1e-12  # squared length of the residual, relative to its start, at which a column is solved
COLUMNS = 16  # columns solved at a time: a row of float32 is a cache line

_FLOATS, _DOUBLES = ir.VectorType(FLOAT, COLUMNS), ir.VectorType(ir.DoubleType(), COLUMNS)


def _row(builder: Any, table: Any, number: Any, kind: Any = _FLOATS) -> Any:
    """Return a pointer to a row of a table with COLUMNS columns."""
    return builder.gep(builder.bitcast(table, kind.as_pointer()), [number])


@intrinsic
def _gather(typing_context, table, rows, start, end, factor, sums, word):  # noqa: ARG001 (passed by numba)
    """Set sums[word] to factor * sum of table[rows[start:end]]."""

    def generate(context, builder, signature, arguments):
        table, rows, start, end, factor, sums, word = unpacked(context, builder, signature, arguments)
        total = cgutils.alloca_once(builder, _FLOATS)
        builder.store(ir.Constant(_FLOATS, [0.0] * COLUMNS), total)
        with cgutils.for_range_slice(builder, start, end, INT64(1), INT64) as (place, _):
            row = _row(builder, table, builder.load(builder.gep(rows, [place])))
            builder.store(builder.fadd(builder.load(total), builder.load(row, align=4)), total)
        product = builder.fmul(builder.load(total), splat(builder, factor, COLUMNS))
        builder.store(product, _row(builder, sums, word), align=4)
        return context.get_dummy_value()

    return types.void(table, rows, start, end, types.float32, sums, word), generate


@intrinsic
def _scatter(typing_context, table, rows, start, end, factor, factors, values, word):  # noqa: ARG001
    """Add factor * factors * values[word] to table[row] for each row of rows[start:end]; factors are (COLUMNS,)."""

    def generate(context, builder, signature, arguments):
        table, rows, start, end, factor, factors, values, word = unpacked(context, builder, signature, arguments)
        step = builder.fmul(builder.load(_row(builder, values, word), align=4), splat(builder, factor, COLUMNS))
        step = builder.fmul(step, builder.load(_row(builder, factors, INT64(0)), align=4))
        with cgutils.for_range_slice(builder, start, end, INT64(1), INT64) as (place, _):
            row = _row(builder, table, builder.load(builder.gep(rows, [place])))
            builder.store(builder.fadd(builder.load(row, align=4), step), row, align=4)
        return context.get_dummy_value()

    return types.void(table, rows, start, end, types.float32, factors, values, word), generate


@intrinsic
def _multiply_add_row(typing_context, factors, left, right, number, sums):  # noqa: ARG001
    """Set sums[number] to factors * left[number] + right[number]; factors are (COLUMNS,)."""

    def generate(context, builder, signature, arguments):
        factors, left, right, number, sums = unpacked(context, builder, signature, arguments)
        a, b, c = (
            builder.load(_row(builder, table, place), align=4)
            for table, place in ((factors, INT64(0)), (left, number), (right, number))
        )
        builder.store(multiply_add(builder, a, b, c), _row(builder, sums, number), align=4)
        return context.get_dummy_value()

    return types.void(factors, left, right, number, sums), generate


@intrinsic
def _add_squares(typing_context, factor, table, number, sums):  # noqa: ARG001
    """Add factor * table[number]^2 to (COLUMNS,) sums, in float64 because there may be millions of rows."""

    def generate(context, builder, signature, arguments):
        factor, table, number, sums = unpacked(context, builder, signature, arguments)
        row = builder.load(_row(builder, table, number), align=4)
        squares = builder.fmul(builder.fmul(row, row), splat(builder, factor, COLUMNS))
        total = _row(builder, sums, INT64(0), _DOUBLES)
        builder.store(builder.fadd(builder.load(total, align=8), builder.fpext(squares, _DOUBLES)), total, align=8)
        return context.get_dummy_value()

    return types.void(types.float32, table, number, sums), generate


@compiled
def count_words(ids, ends, words):
    """Count in how many words each bucket occurs.

    Args:
        ids: (N,) bucket of each n-gram of each word.
        ends: (V,) end of each word's n-grams in `ids`.
        words: (buckets,) int32, output: number of words; zeros on entry.
    """
    latest = np.full(len(words), -1, np.int32)  # the last word in which each bucket occurred
    start = 0
    for word in range(len(ends)):
        for ngram in range(start, ends[word]):
            bucket = ids[ngram]
            if latest[bucket] != word:
                latest[bucket] = word
                words[bucket] += 1
        start = ends[word]


@compiled
def number_buckets(ids, ends, order, words, min_words, number, used):
    """Number the buckets of n-grams that enough words have, by their first word in an order of the words.

    Args:
        ids: (N,) bucket of each n-gram of each word.
        ends: (V,) end of each word's n-grams in `ids`.
        order: (V,) int64, the words in the order in which they are visited.
        words: (buckets,) int32, number of words of each bucket.
        min_words: Smallest number of words of a bucket that gets a number.
        number: (buckets,) int32, output: the number of each bucket; -1 on entry.
        used: (G,) int64, output: the bucket of each number.
    """
    found = 0
    for word in order:
        for ngram in range(ends[word - 1] if word else 0, ends[word]):
            bucket = ids[ngram]
            if words[bucket] >= min_words and number[bucket] < 0:
                number[bucket] = found
                used[found] = bucket
                found += 1


@compiled
def keep_numbered(ids, ends, number, starts, rows):
    """Keep the n-grams whose bucket has a row.

    Args:
        ids: (N,) bucket of each n-gram of each word.
        ends: (V,) end of each word's n-grams in `ids`.
        number: (buckets,) int32, the row of each bucket, -1 if it has none.
        starts: (V + 1,) int64, output: start of each word's rows.
        rows: (N,) int32, output: the rows; only the first `starts[V]` are set.
    """
    start, kept = 0, 0
    for word in range(len(ends)):
        starts[word] = kept
        for ngram in range(start, ends[word]):
            if number[ids[ngram]] >= 0:
                rows[kept] = number[ids[ngram]]
                kept += 1
        start = ends[word]
    starts[len(ends)] = kept


@compiled_with(instruction_set, instructions)
def predict(starts, rows, scale, order, coefficients, predicted):
    """Set `predicted` (V, COLUMNS) to X B, for coefficients B (G, COLUMNS); see `solve_ridge`."""
    for word in order:
        _gather(coefficients, rows, starts[word], starts[word + 1], scale[word], predicted, word)


@compiled_with(instruction_set, instructions)
def solve_ridge(starts, rows, scale, order, weights, targets, penalty, steps, coefficients):
    """Minimize sum_w weights[w] |targets[w] - (X B)[w]|^2 + penalty |B|^2 by conjugate gradient, from B = 0.

    The columns are independent regressions. They solve A B = X^T R U with A = X^T R X + penalty I, R = diag(weights)
    and U the targets; X and A are never stored. Row w of X is `scale[w]` times the number of times it has each n-gram.

    Args:
        starts: (V + 1,) int64, start of each word's n-grams in `rows`.
        rows: (N,) int32, n-grams.
        scale: (V,) float32, factor of each word's row of X.
        order: (V,) int64, the words in the order in which they are visited: similar words in sequence are faster.
        weights: (V,) float32.
        targets: (V, COLUMNS) float32; overwritten.
        penalty: Penalty of the squared coefficients, above 0.
        steps: Number of steps; a column that is solved earlier does not change any more.
        coefficients: (G, COLUMNS) float32, output: B.
    """
    ngrams, one = len(coefficients), np.float32(1)
    step, shrink, turn = np.ones(COLUMNS, np.float32), np.empty(COLUMNS, np.float32), np.empty(COLUMNS, np.float32)
    residual = np.zeros_like(coefficients)  # (G, COLUMNS), X^T R U - A B
    for word in order:
        _scatter(residual, rows, starts[word], starts[word + 1], scale[word] * weights[word], step, targets, word)
    coefficients[:] = 0
    direction = residual.copy()
    predicted = targets  # (V, COLUMNS), X direction: the targets are not needed any more
    squares = np.zeros(COLUMNS)  # |residual|^2
    for ngram in range(ngrams):
        _add_squares(one, residual, ngram, squares)
    enough = CONVERGED * squares  # subtle: in float32, the steps that follow would be quotients of rounding errors
    for _ in range(steps):
        curvature, length = np.zeros(COLUMNS), np.zeros(COLUMNS)  # direction^T X^T R X direction, |direction|^2
        for word in order:
            _gather(direction, rows, starts[word], starts[word + 1], scale[word], predicted, word)
            _add_squares(weights[word], predicted, word, curvature)
        for ngram in range(ngrams):
            _add_squares(one, direction, ngram, length)
        for column in range(COLUMNS):
            slope = curvature[column] + penalty * length[column]
            step[column] = -squares[column] / slope if squares[column] > enough[column] else 0
            shrink[column] = penalty * step[column]
        for word in order:
            _scatter(residual, rows, starts[word], starts[word + 1], scale[word] * weights[word], step, predicted, word)
        step = -step
        earlier, squares = squares, np.zeros(COLUMNS)
        for ngram in range(ngrams):
            _multiply_add_row(shrink, direction, residual, ngram, residual)
            _multiply_add_row(step, direction, coefficients, ngram, coefficients)
            _add_squares(one, residual, ngram, squares)
        for column in range(COLUMNS):
            turn[column] = squares[column] / earlier[column] if earlier[column] > 0 else 0
        for ngram in range(ngrams):
            _multiply_add_row(turn, direction, residual, ngram, direction)
