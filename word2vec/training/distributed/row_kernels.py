"""Compiled functions of shared_rows.py, without `fastmath`: the compiler may not reorder or fuse operations."""

import numpy as np
from numba.extending import register_jitable

from word2vec.system.jit import compiled

ONE = np.float32(1)
UPPER, ODD, BELOW_HALF, NAN = np.uint32(16), np.uint32(1), np.uint32(0x7FFF), np.uint32(0x7FC0)


@register_jitable
def _to_float32(bits):
    """Return the bits of a bfloat16 as a float32."""
    return np.uint32(np.uint32(bits) << UPPER).view(np.float32)


@compiled
def snapshot_rows(table, synced, columns, changed, taken):
    """See SharedRows.snapshot; only the first `columns` columns are compared."""
    dim = table.shape[1]
    for row in range(len(changed)):
        changed[row] = 0
        for column in range(columns):
            if table[row, column] != synced[row, column]:
                changed[row] = 1
                break
        if changed[row]:
            for column in range(dim):
                taken[row, column] = table[row, column]


@compiled
def delta_rows(taken, synced, changed, rows, out):
    """See SharedRows.delta; `out` has the bits of bfloat16, which are the upper half of those of float32."""
    dim = taken.shape[1]
    for place, row in enumerate(rows):
        out[place, dim] = np.float32(changed[row]).view(np.uint32) >> UPPER
        if not changed[row]:
            for column in range(dim):
                out[place, column] = 0
            continue
        for column in range(dim):
            moved = np.float32(taken[row, column] - synced[row, column])
            bits = moved.view(np.uint32)
            odd = (bits >> UPPER) & ODD  # ties are rounded to even
            out[place, column] = (bits + BELOW_HALF + odd) >> UPPER if moved == moved else NAN


@compiled
def apply_rows(table, taken, synced, momentum, rare_from, changed, rows, total):
    """See SharedRows.apply."""
    dim = table.shape[1]
    for place, row in enumerate(rows):
        k = _to_float32(total[place, dim]) if row < rare_from else ONE
        decay = ONE - ONE / k
        start = taken if changed[row] else synced
        for column in range(dim):
            since = table[row, column] - start[row, column]
            mean = _to_float32(total[place, column]) / k
            step = decay * momentum[row, column] + mean
            momentum[row, column] = step
            moved = synced[row, column] + mean + decay * step
            synced[row, column] = moved
            table[row, column] = moved + since
