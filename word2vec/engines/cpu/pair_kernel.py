"""The compiled loop of the fused CPU engine over explicit pairs.

Pairs come in random order, each with its own input and target. Groups of pairs with the same target, of which a chunk
usually has several, share their noise words and are updated at once, as the context words of a window are in kernel.py:
then the rows of the targets are read and written once for up to BLOCK_ROWS pairs. For each chunk of positions,

1. `_look_up` writes the inputs and targets of the pairs at these positions (see sampling/pair_order.py);
2. `_group` assigns the pairs to groups, which are in the order of their first pairs;
3. `_draw_ahead` draws the noise words of the next group and prefetches its rows;
4. the rows are scored, differentiated and updated by the functions of kernel.py and objectives.py.

`engines/plain_pairs.py` is the same algorithm in plain Python.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from word2vec.engines.cpu.compiling import IMPORTED, compiled_kernel, digest_of, inlined
from word2vec.engines.cpu.draws import GOLDEN, U64, draw_targets, next_bits, noise_word
from word2vec.engines.cpu.kernel import add_counts, add_losses, block_gradients, score_block, update_block
from word2vec.engines.cpu.objectives import is_packed, packed_block
from word2vec.engines.cpu.simd import (
    BLOCK_ROWS,
    LANES,
    align_stack,
    keep_alive,
    padded_targets,
    pointers,
    prefetch_row,
)
from word2vec.sampling import pair_order
from word2vec.sampling.pair_order import scramble


class Pairs(NamedTuple):
    """The pairs and the order of the epoch."""

    inputs: npt.NDArray[np.int32]  # (P,)
    targets: npt.NDArray[np.int32]  # (P,)
    columns: npt.NDArray[np.uint32]  # (2 * P,) alias table of the weights; empty without weights
    keys: npt.NDArray[np.uint64]  # (KEYS,) of the epoch
    mask: np.uint64  # of the domain that is permuted
    shift: np.uint64


class Noise(NamedTuple):
    """The noise distribution over the targets; see `kernel.Sampling`."""

    noise: npt.NDArray[np.uint32]  # (2 * targets,)
    cumulative: npt.NDArray[np.float64]  # (targets,)
    log_q: npt.NDArray[np.float32]  # (targets,), or empty


class PairThread(NamedTuple):
    """State and working memory of one thread; N is the number of pairs in a chunk."""

    inputs: npt.NDArray[np.int32]  # (N,) the pairs of the chunk
    targets: npt.NDArray[np.int32]  # (N,)
    group_of: npt.NDArray[np.int32]  # (N,) the group of each pair
    members: npt.NDArray[np.int32]  # (N,) the inputs, group by group
    group_targets: npt.NDArray[np.int32]  # (N,) the target of each group
    starts: npt.NDArray[np.int64]  # (N + 1,) where each group begins in `members`
    open_group: npt.NDArray[np.int32]  # (targets,) the last group of each target; -1 between two chunks
    random: npt.NDArray[np.uint64]  # (1,) state of the random numbers
    pairs: npt.NDArray[np.int64]  # (1,) pairs trained
    loss: npt.NDArray[np.float64]  # (LANES,) sums of the losses


class PairBuffers(NamedTuple):
    """Working memory of one call; see `kernel.Buffers`. The first two have two halves."""

    targets: npt.NDArray[np.int64]  # (2 * padded,)
    shifts: npt.NDArray[np.float32]  # (2 * padded,)
    rows: npt.NDArray[np.int64]  # (BLOCK_ROWS,)
    block: npt.NDArray[np.float32]
    steps: npt.NDArray[np.float32]  # (padded * LANES,)
    loss: npt.NDArray[np.float64]  # (LANES,)


@functools.cache
def pair_kernel(objective: str, negatives: int, corrected: bool) -> Callable[..., None]:
    """Return the compiled loop `train(pairs, first, last, noise, tables, constants, lr, group_rows, thread)`.

    It trains the pairs at the positions from `first` to before `last`, in groups of up to `group_rows`, which is at
    most BLOCK_ROWS. The arguments here are compile-time constants.

    Args:
        objective: Name of the objective in LOSSES.
        negatives: Number of noise words per group.
        corrected: Whether `log_q` is subtracted from the scores.
    """
    n_targets = 1 + negatives
    padded = padded_targets(n_targets)
    packed = is_packed(objective, corrected)

    def train(pairs, first, last, sampling, tables, constants, lr, group_rows, thread):
        align_stack()
        memory = PairBuffers(
            targets=np.zeros(2 * padded, np.int64),
            shifts=np.zeros(2 * padded, np.float32),
            rows=np.zeros(BLOCK_ROWS, np.int64),
            block=packed_block(n_targets, padded, LANES),
            steps=np.zeros(padded * LANES, np.float32),
            loss=np.zeros(LANES, np.float64),
        )
        _look_up(pairs, first, last, thread)
        n_groups = _group(thread, last - first, group_rows)
        state, cumulative = thread.random[0], sampling.cumulative
        table, noise, chunk, buffers = pointers(tables), pointers(sampling), pointers(thread), pointers(memory)
        for group in range(-1, n_groups):
            if group + 1 < n_groups:
                state = _draw_ahead(
                    group + 1, chunk, noise, cumulative, table, buffers, state, n_targets, padded, corrected
                )
            if group < 0:
                continue
            half, start = group & 1, chunk.starts[group]
            n = chunk.starts[group + 1] - start
            for i in range(n):
                buffers.rows[i] = np.int64(chunk.members[start + i]) * table.width
            score_block(table, buffers, half, n, n_targets, padded, corrected, packed)
            # subtle: the array, because the longer objectives are not vectorized with a pointer
            block_gradients(objective, n, n_targets, padded, packed, memory.block, constants)
            update_block(table, buffers, half, n, n_targets, padded, packed, lr)
            add_losses(buffers, padded, LANES if packed else n)
        thread.random[0] = state
        add_counts(thread, last - first, memory.loss)
        keep_alive(memory)

    train.__qualname__ = (
        f"train_pairs_{objective}_{negatives}_{corrected}_{digest_of(*IMPORTED, 'kernel.py', pair_order.__file__):08x}"
    )
    return compiled_kernel(train)


inlined(scramble)


@inlined
def _look_up(pairs, first, last, thread):
    """Write the inputs and targets of the pairs at the positions from `first` to before `last`."""
    size = len(pairs.inputs)
    weighted = len(pairs.columns) > 0
    for position in range(first, last):
        if weighted:
            _, bits = next_bits(pairs.keys[1] + U64(position) * GOLDEN)
            number = noise_word(pairs.columns, size, bits)
        else:
            place = scramble(U64(position), pairs.keys, pairs.mask, pairs.shift)
            while place >= U64(size):
                place = scramble(place, pairs.keys, pairs.mask, pairs.shift)
            number = np.int64(place)
        thread.inputs[position - first] = pairs.inputs[number]
        thread.targets[position - first] = pairs.targets[number]


@inlined
def _group(thread, n_pairs, group_rows):
    """Arrange the pairs of the chunk in groups with one target each; returns their number.

    A loop of its own: here the processor mispredicts branches, and must not have to wait for the pairs then.
    """
    n_groups = 0
    for i in range(n_pairs):
        target = thread.targets[i]
        group = thread.open_group[target]
        if group < 0 or thread.starts[group + 1] == group_rows:
            group = n_groups
            n_groups += 1
            thread.open_group[target] = group
            thread.group_targets[group] = target
            thread.starts[group + 1] = 0
        thread.starts[group + 1] += 1  # the size of the group, for now
        thread.group_of[i] = group
    thread.starts[0] = 0
    for group in range(n_groups):
        thread.open_group[thread.group_targets[group]] = -1
        thread.starts[group + 1] += thread.starts[group]
    for i in range(n_pairs - 1, -1, -1):  # each group is filled from its end
        group = thread.group_of[i]
        thread.starts[group + 1] -= 1
        thread.members[thread.starts[group + 1]] = thread.inputs[i]
    for group in range(n_groups):  # now each end has become the start of its own group
        thread.starts[group] = thread.starts[group + 1]
    thread.starts[n_groups] = n_pairs
    return n_groups


@inlined
def _draw_ahead(group, chunk, noise, cumulative, tables, buffers, state, n_targets, padded, corrected):
    """Draw the noise words of a group and prefetch its rows; returns the random state."""
    place, width = (group & 1) * padded, tables.width
    target = np.int64(chunk.group_targets[group])
    state = draw_targets(target, place, noise, cumulative, tables, buffers, state, n_targets, padded, corrected)
    for i in range(chunk.starts[group], chunk.starts[group + 1]):
        prefetch_row(tables.input, np.int64(chunk.members[i]) * width, width)
    return state
