"""The compiled loop of the fused CPU engine for hierarchical softmax.

It is that of kernel.py on the tables themselves, without private rows, and with other targets: the nodes on the path of
the center word in the Huffman tree, whose number differs between words, in place of a fixed number of words. No noise
words are drawn. For each center word,

1. `_look_ahead` looks up the path of the next center word, draws its window, and prefetches its rows;
2. `block_scores` computes the scores of a block of context words with the nodes of the path, in complete tiles;
3. `score_gradients` turns the scores into losses and gradients, with the signs of the path, in objectives.py;
4. `block_steps` moves the rows. The nodes of a path are distinct, so no tile has to wait for another one.

`engines/plain.py` is the same algorithm in plain numpy.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from word2vec.engines.cpu.compiling import IMPORTED, compiled_kernel, digest_of, inlined
from word2vec.engines.cpu.draws import below, next_bits
from word2vec.engines.cpu.kernel import add_counts, add_losses, gather_block, subsample
from word2vec.engines.cpu.objectives import block_offsets, block_size, score_gradients
from word2vec.engines.cpu.simd import (
    BLOCK_ROWS,
    LANES,
    TILE,
    align_stack,
    block_scores,
    block_steps,
    keep_alive,
    pointer_to,
    pointers,
    prefetch_row,
)

PATH_STEP = 60  # a multiple of TILE. Paths are shorter with a million words, so there is usually a single kernel
HOT_NODES = 256  # nodes next to the root, which are in so many paths that they never leave the cache


class TreeSampling(NamedTuple):
    """The tree, and the distributions to draw from."""

    keep: npt.NDArray[np.uint32]  # (V,) see `kernel.Sampling`
    starts: npt.NDArray[np.int64]  # (V + 1,) the paths; see `HuffmanTree`
    nodes: npt.NDArray[np.int32]  # (N,)
    signs: npt.NDArray[np.int8]  # (N,)
    min_width: int  # of a window, and so on; see `kernel.Sampling`
    widths: int
    left: int
    right: int
    ahead: int


class TreeBuffers(NamedTuple):
    """Working memory of one call. The first four have two halves, which the current and the next center alternate."""

    targets: npt.NDArray[np.int64]  # (2 * size,) where the rows of the nodes begin in the output table
    signs: npt.NDArray[np.float32]  # (2 * size,)
    lengths: npt.NDArray[np.int64]  # (2,) numbers of nodes
    reach: npt.NDArray[np.int64]  # (2 * 2,) how many words before and after the center word its window contains
    rows: npt.NDArray[np.int64]  # (BLOCK_ROWS,) where the rows of a block of context words begin in the input table
    block: npt.NDArray[np.float32]  # (block_size(size, LANES),) scores, gradients and losses; see objectives.py
    loss: npt.NDArray[np.float64]  # (LANES,) sums of the losses


def path_size(longest: int) -> int:
    """Return the number of targets that a kernel has memory for, if the longest path has this many nodes."""
    return -(-longest // PATH_STEP) * PATH_STEP


@functools.cache
def tree_kernel(objective: str, size: int) -> Callable[..., None]:
    """Return the compiled loop `train(text, first, last, sampling, tables, constants, lr, thread)`, as kernel.py.

    subtle: the size is a compile-time constant, because otherwise the compiler does not know that the scores and the
    gradients of a block do not overlap, and does not vectorize the objective.

    Args:
        objective: Name of the objective in LOSSES.
        size: The result of `path_size`.
    """
    gradients, _, _ = block_offsets(size, LANES)
    memory_size = block_size(size, LANES)

    def train(text, first, last, sampling, tables, constants, lr, thread):
        align_stack()
        n_kept, state = subsample(text, first, last, sampling.keep, thread, thread.random[0])
        memory = TreeBuffers(
            targets=np.zeros(2 * size, np.int64),
            signs=np.zeros(2 * size, np.float32),
            lengths=np.zeros(2, np.int64),
            reach=np.zeros(4, np.int64),
            rows=np.zeros(BLOCK_ROWS, np.int64),
            block=_aligned(memory_size),
            loss=np.zeros(LANES, np.float64),
        )
        table, tree, words, buffers = pointers(tables), pointers(sampling), pointers(thread), pointers(memory)
        sentence, begin, pairs = 0, 0, 0
        for position in range(-1, n_kept):
            if position + 1 < n_kept:
                state = _look_ahead(position + 1, n_kept, words.kept, tree, table, buffers, state, size)
            if position < 0:
                continue
            while position >= words.ends[sentence]:
                begin = words.ends[sentence]
                sentence += 1
            half = position & 1
            left = max(begin, position - buffers.reach[2 * half])
            right = min(words.ends[sentence], position + buffers.reach[2 * half + 1] + 1)
            n_targets = buffers.lengths[half]
            padded = (n_targets + TILE - 1) // TILE * TILE
            targets, signs = pointer_to(buffers.targets, half * size), pointer_to(buffers.signs, half * size)
            slopes = pointer_to(buffers.block, gradients)
            for start in range(left, right - 1, BLOCK_ROWS):
                n = min(BLOCK_ROWS, right - 1 - start)
                gather_block(words.kept, start, n, position, table.width, buffers.rows)
                block_scores(table.input, buffers.rows, n, table.output, targets, buffers.block, table.width, padded, 0)
                score_gradients(objective, n_targets, size, LANES, memory.block, signs)
                for k in range(n_targets, padded):
                    for i in range(LANES):
                        slopes[k * LANES + i] = np.float32(0)
                block_steps(
                    table.input, buffers.rows, n, table.output, targets, slopes, lr, slopes, table.width, padded, 0
                )
                add_losses(buffers, size, n)
            pairs += right - 1 - left
        thread.random[0] = state
        add_counts(thread, pairs, memory.loss)
        keep_alive(memory)

    train.__qualname__ = f"train_tree_{objective}_{size}_{digest_of(*IMPORTED, 'kernel.py'):08x}"
    return compiled_kernel(train)


@inlined
def _aligned(size):
    """Return zeros whose vectors do not cross cache lines."""
    memory = np.zeros(size + LANES, np.float32)
    first = -memory.ctypes.data % 64 // 4
    return memory[first : first + size]


@inlined
def _look_ahead(position, n_kept, kept, tree, tables, buffers, state, size):
    """Look up the path of the center word at a position, draw its window, prefetch rows; returns the random state."""
    half, width = position & 1, tables.width
    center = np.int64(kept[position])
    place, start = half * size, tree.starts[center]
    length = tree.starts[center + 1] - start
    buffers.lengths[half] = length
    for k in range(length):
        node = np.int64(tree.nodes[start + k])
        buffers.targets[place + k] = node * width
        buffers.signs[place + k] = np.float32(tree.signs[start + k])
        if node >= HOT_NODES:
            prefetch_row(tables.output, node * width, width)
    for k in range(length, (length + TILE - 1) // TILE * TILE):  # the padding repeats the last node
        buffers.targets[place + k] = buffers.targets[place + length - 1]
    state, bits = next_bits(state)
    reach = tree.min_width + below(bits, tree.widths)
    buffers.reach[2 * half], buffers.reach[2 * half + 1] = min(reach, tree.left), min(reach, tree.right)
    if position + tree.ahead < n_kept:
        prefetch_row(tables.input, kept[position + tree.ahead] * width, width)
    return state
