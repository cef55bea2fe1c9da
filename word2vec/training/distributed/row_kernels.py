"""The compiled parts of averaging_rows.py. Without `fastmath` the compiler may not reorder or fuse what is written."""

import numpy as np
from numba.extending import register_jitable

from word2vec.system.jit import compiled

ONE = np.float32(1)
UPPER, ODD, BELOW_HALF, NAN = np.uint32(16), np.uint32(1), np.uint32(0x7FFF), np.uint32(0x7FC0)


@register_jitable
def _widened(bits):
    """The float32 of the bits of a bfloat16."""
    return np.uint32(np.uint32(bits) << UPPER).view(np.float32)


@compiled
def take_rows(table, before, columns, changed, taken):
    """See SharedRows.take; `columns` are the first ones, in which a change is looked for."""
    dim = table.shape[1]
    for row in range(len(changed)):
        changed[row] = 0
        for column in range(columns):
            if table[row, column] != before[row, column]:
                changed[row] = 1
                break
        if changed[row]:
            for column in range(dim):
                taken[row, column] = table[row, column]


@compiled
def subtract_rows(taken, before, changed, rows, sent):
    """See SharedRows.subtract; `sent` holds the bits of bfloat16, the upper half of those of float32."""
    dim = taken.shape[1]
    for place, row in enumerate(rows):
        sent[place, dim] = np.float32(changed[row]).view(np.uint32) >> UPPER
        if not changed[row]:
            for column in range(dim):
                sent[place, column] = 0
            continue
        for column in range(dim):
            moved = np.float32(taken[row, column] - before[row, column])
            bits = moved.view(np.uint32)
            odd = (bits >> UPPER) & ODD  # of two that are as near, the even one
            sent[place, column] = (bits + BELOW_HALF + odd) >> UPPER if moved == moved else NAN


@compiled
def move_rows(table, taken, before, momentum, rare_from, changed, rows, total):
    """See SharedRows.move."""
    dim = table.shape[1]
    for place, row in enumerate(rows):
        k = _widened(total[place, dim]) if row < rare_from else ONE
        decay = ONE - ONE / k
        was = taken if changed[row] else before
        for column in range(dim):
            since = table[row, column] - was[row, column]
            mean = _widened(total[place, column]) / k
            step = decay * momentum[row, column] + mean
            momentum[row, column] = step
            moved = before[row, column] + mean + decay * step
            before[row, column] = moved
            table[row, column] = moved + since
