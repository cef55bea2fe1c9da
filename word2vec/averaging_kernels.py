"""The compiled parts of averaging_rows.py. Without `fastmath` the compiler may not reorder or fuse what is written."""

import numpy as np

from word2vec.compiled import compiled

ONE = np.float32(1)


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
    """See SharedRows.subtract."""
    dim = table.shape[1]
    for place, row in enumerate(rows):
        for column in range(dim):
            sent[place, column] = table[row, column] - before[row, column]
        sent[place, dim] = changed[row]


@compiled
def move_rows(table, before, momentum, rare_from, rows, total):
    """See SharedRows.move."""
    dim = table.shape[1]
    for place, row in enumerate(rows):
        k = total[place, dim] if row < rare_from else ONE
        decay = ONE - ONE / k
        for column in range(dim):
            mean = total[place, column] / k
            step = decay * momentum[row, column] + mean
            momentum[row, column] = step
            moved = before[row, column] + mean + decay * step
            before[row, column] = table[row, column] = moved
