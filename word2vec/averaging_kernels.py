"""The compiled parts of averaging_rows.py. Without `fastmath` the compiler may not reorder or fuse what is written."""

import numpy as np
from numba.extending import register_jitable

from word2vec.compiled import compiled

ONE = np.float32(1)
UPPER, ODD, BELOW_HALF, NAN = np.uint32(16), np.uint32(1), np.uint32(0x7FFF), np.uint32(0x7FC0)


@register_jitable
def _widened(bits):
    """The float32 of the bits of a bfloat16."""
    return np.uint32(np.uint32(bits) << UPPER).view(np.float32)


@compiled
def find_changed(table, before, columns, changed):
    """Note in `changed` (N,) which of the first N rows of two tables differ in their first columns."""
    for row in range(len(changed)):
        changed[row] = 0
        for column in range(columns):
            if table[row, column] != before[row, column]:
                changed[row] = 1
                break


@compiled
def subtract_rows(table, before, rows, changed, sent):
    """See SharedRows.subtract; `sent` holds the bits of bfloat16, the upper half of those of float32."""
    dim = table.shape[1]
    for place, row in enumerate(rows):
        for column in range(dim):
            moved = np.float32(table[row, column] - before[row, column])
            bits = moved.view(np.uint32)
            odd = (bits >> UPPER) & ODD  # of two that are as near, the even one
            sent[place, column] = (bits + BELOW_HALF + odd) >> UPPER if moved == moved else NAN
        sent[place, dim] = np.float32(changed[row]).view(np.uint32) >> UPPER


@compiled
def move_rows(table, before, momentum, rare_from, rows, total):
    """See SharedRows.move."""
    dim = table.shape[1]
    for place, row in enumerate(rows):
        k = _widened(total[place, dim]) if row < rare_from else ONE
        decay = ONE - ONE / k
        for column in range(dim):
            mean = _widened(total[place, column]) / k
            step = decay * momentum[row, column] + mean
            momentum[row, column] = step
            moved = before[row, column] + mean + decay * step
            before[row, column] = table[row, column] = moved
