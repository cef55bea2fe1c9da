"""The compiled loop of the fused CPU engine.

The algorithm is that of Ji et al. 2016, "Parallelizing word2vec in shared and distributed memory": the context words of
a center word share one set of noise words, so that the scores and updates of a window are small matrix products.
`subsample` writes the words of a chunk of sentences that survive subsampling. For each block of some hundred of them,

1. `stage_block` copies the rows that the block needs to private memory, see staging.py;
2. for each center word of the block, in `train_block`,
   `pick_targets` picks the noise words, and the window is drawn;
   `gather_block` lists the rows x_i of up to BLOCK_ROWS context words;
   `score_block` computes s_ki = x_i . y_k for all targets y_k;
   `score_gradients` turns the scores into losses and gradients g_ki = dL/ds_ki, in objectives.py;
   `update_block` adds -lr * sum_k g_ki y_k to x_i, and -lr * sum_i g_ki x_i to y_k;
3. `merge_rows` adds what changed to the tables.

The arithmetic on rows is in simd.py. Numba compiles a kernel for each objective and number of noise words, in two to
three seconds, and caches it on disk. `engines/plain.py` is the same algorithm in plain numpy.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from word2vec.engines.cpu.compiling import IMPORTED, compiled_kernel, digest_of, inlined
from word2vec.engines.cpu.draws import HALF, U64, below, next_bits
from word2vec.engines.cpu.objectives import block_offsets, is_packed, packed_block, packed_gradients, score_gradients
from word2vec.engines.cpu.simd import (
    BLOCK_ROWS,
    LANES,
    align_stack,
    block_scores,
    block_steps,
    keep_alive,
    padded_targets,
    pointer_to,
    pointers,
)
from word2vec.engines.cpu.staging import Stage, copy_rows, draw_pool, merge_rows, number_words, pick_noise, restore_rows
from word2vec.engines.draws import pool_size

STAGED = ("staging.py", "../draws.py")
"""Further files that kernels on private rows contain code of."""

NONE_FROZEN = np.empty(0, np.uint8)


class Text(NamedTuple):
    """The corpus."""

    tokens: npt.NDArray[np.int32]  # (words,)
    offsets: npt.NDArray[np.int64]  # (sentences + 1,)


class Sampling(NamedTuple):
    """The distributions to draw from."""

    keep: npt.NDArray[np.uint32]  # (V,) a word survives if a draw from 0..2^32-1 is at most this
    # (2 * V,) alias table: for each column its acceptance probability in units of 2^-32, then its alias
    noise: npt.NDArray[np.uint32]
    cumulative: npt.NDArray[np.float64]  # (V,) cumulative noise distribution
    log_q: npt.NDArray[np.float32]  # (V,) subtracted from the scores, if the objective needs it
    min_width: int  # of a window; widths and sides as in sampling.windows.Window
    widths: int
    left: int
    right: int
    ahead: int  # the loops on the tables prefetch the input row of the word this far after the center word


class Tables(NamedTuple):
    """The model."""

    input: npt.NDArray[np.float32]  # (V * width,)
    output: npt.NDArray[np.float32]  # (V * width,)
    width: int  # dimensions, rounded up to complete vectors; the padding is zero
    frozen_input: npt.NDArray[np.uint8] = NONE_FROZEN  # (V,) 1 for rows that are not trained
    frozen_output: npt.NDArray[np.uint8] = NONE_FROZEN  # (V,)


class ThreadState(NamedTuple):
    """State and working memory of one thread."""

    kept: npt.NDArray[np.int32]  # (words of a chunk or more,) words that survived subsampling
    ends: npt.NDArray[np.int64]  # (sentences of a chunk or more,) where each sentence ends in `kept`
    random: npt.NDArray[np.uint64]  # (1,) state of the random numbers
    pairs: npt.NDArray[np.int64]  # (1,) pairs trained
    loss: npt.NDArray[np.float64]  # (LANES,) sums of the losses


class StagedState(NamedTuple):
    """State and working memory of one thread that trains private copies of rows."""

    kept: npt.NDArray[np.int32]  # as in ThreadState
    ends: npt.NDArray[np.int64]
    random: npt.NDArray[np.uint64]
    pairs: npt.NDArray[np.int64]
    loss: npt.NDArray[np.float64]
    stage: Stage


class Buffers(NamedTuple):
    """Working memory of one call."""

    targets: npt.NDArray[np.int64]  # (padded,) where the rows of the targets begin in the output table
    shifts: npt.NDArray[np.float32]  # (padded,) log_q of the targets
    rows: npt.NDArray[np.int64]  # (BLOCK_ROWS,) where the rows of a block of context words begin in the input table
    block: npt.NDArray[np.float32]  # scores, gradients and losses; see objectives.py
    steps: npt.NDArray[np.float32]  # (padded * LANES,) working memory of block_steps
    loss: npt.NDArray[np.float64]  # (LANES,) sums of the losses


@functools.cache
def kernel(objective: str, negatives: int, corrected: bool, frozen: bool = False) -> Callable[..., None]:
    """Return the compiled loop `train(text, first, last, sampling, tables, constants, lr, thread)`.

    It trains the sentences from `first` to before `last`, and merges each block into the tables at once. The arguments
    here are compile-time constants: the objective is inlined, and the loops over the targets of a tile are unrolled.

    Args:
        objective: Name of the objective in LOSSES.
        negatives: Number of noise words per center word.
        corrected: Whether `log_q` is subtracted from the scores.
        frozen: Whether rows of the tables are frozen.
    """
    n_targets = 1 + negatives
    padded = padded_targets(n_targets)
    packed = is_packed(objective, corrected)

    def train(text, first, last, sampling, tables, constants, lr, thread):
        align_stack()
        n_kept, state = subsample(text, first, last, sampling.keep, thread, thread.random[0])
        memory = new_buffers(n_targets, padded)
        table, stage, sentence, pairs = pointers(tables), pointers(thread.stage), 0, 0
        for start in range(0, n_kept, stage.block_words):
            stop = min(n_kept, start + stage.block_words)
            text_slots, slots, state = stage_block(start, stop, n_kept, sampling, table, thread, state)
            sentence, trained, state = train_block(
                start,
                stop,
                sentence,
                sampling,
                constants,
                lr,
                thread,
                memory,
                state,
                objective,
                n_targets,
                padded,
                corrected,
                packed,
                table,
                frozen,
            )
            merge_rows(stage, text_slots, slots, table, frozen)
            pairs += trained
        thread.random[0] = state
        add_counts(thread, pairs, memory.loss)
        keep_alive(memory)

    train.__qualname__ = f"train_{objective}_{negatives}_{corrected}_{frozen}_{digest_of(*IMPORTED, *STAGED):08x}"
    return compiled_kernel(train)


@inlined
def new_buffers(n_targets, padded):
    """Allocate the working memory of a call."""
    return Buffers(
        targets=np.zeros(padded, np.int64),
        shifts=np.zeros(padded, np.float32),
        rows=np.zeros(BLOCK_ROWS, np.int64),
        block=packed_block(n_targets, padded, LANES),
        steps=np.zeros(padded * LANES, np.float32),
        loss=np.zeros(LANES, np.float64),
    )


@inlined
def add_counts(thread, pairs, loss):
    """Add the pairs and losses of a call to those of the thread."""
    # subtle: at the end of a call, so that a report in between counts the pairs that belong to its loss
    thread.pairs[0] += pairs
    for i in range(LANES):
        thread.loss[i] += loss[i]


@inlined
def stage_block(start, stop, n_kept, sampling, table, thread, state):
    """Copy the rows of a block, which begins at word `start` and ends before `stop`, and draw its noise words.

    Returns:
        The number of slots with input rows, that of all slots, and the random state.
    """
    noise, words = pointers(sampling), pointers(thread)
    low, high = max(0, start - noise.left), min(n_kept, stop + noise.right)
    text_slots = number_words(words.stage, words.kept, low, high)
    size = pool_size(stop - start, words.stage.negatives)
    slots, state = draw_pool(words.stage, text_slots, size, noise, sampling.cumulative, state)
    copy_rows(words.stage, text_slots, slots, table)
    return text_slots, slots, state


@inlined
def train_block(
    start,
    stop,
    sentence,
    sampling,
    constants,
    lr,
    thread,
    memory,
    state,
    objective,
    n_targets,
    padded,
    corrected,
    packed,
    table,
    frozen,
):
    """Train the center words from word `start` to before `stop` on private rows.

    Returns:
        The sentence of the last word, the number of pairs, and the random state.
    """
    noise, words, buffers = pointers(sampling), pointers(thread), pointers(memory)
    stage, low, size = words.stage, max(0, start - noise.left), pool_size(stop - start, n_targets - 1)
    begin = words.ends[sentence - 1] if sentence else 0
    pairs = 0
    for position in range(start, stop):
        while position >= words.ends[sentence]:
            begin = words.ends[sentence]
            sentence += 1
        center = np.int64(stage.local[position - low])
        state = pick_targets(center, stage, size, noise.log_q, buffers, state, n_targets, padded, corrected)
        state, bits = next_bits(state)
        reach = noise.min_width + below(bits, noise.widths)
        left = max(begin, position - min(reach, noise.left))
        right = min(words.ends[sentence], position + min(reach, noise.right) + 1)
        for place in range(left, right - 1, BLOCK_ROWS):
            n = min(BLOCK_ROWS, right - 1 - place)
            gather_block(stage.local, place - low, n, position - low, stage.width, buffers.rows)
            score_block(stage, buffers, 0, n, n_targets, padded, corrected, packed)
            # subtle: the array, because the longer objectives are not vectorized with a pointer
            block_gradients(objective, n, n_targets, padded, packed, memory.block, constants)
            update_block(stage, buffers, 0, n, n_targets, padded, packed, lr)
            if frozen:
                restore_rows(stage, buffers.rows, n, buffers.targets, n_targets, table)
            add_losses(buffers, padded, LANES if packed else n)
        pairs += right - 1 - left
    return sentence, pairs, state


@inlined
def subsample(text, first, last, keep, thread, state):
    """Write the words that survive, and where each sentence of them ends; returns their number and the random state."""
    n_kept = 0
    for sentence in range(first, last):
        for place in range(text.offsets[sentence], text.offsets[sentence + 1]):
            word = np.int64(text.tokens[place])
            if U64(word) < U64(len(keep)):  # negative ids are outside the vocabulary too
                state, bits = next_bits(state)
                thread.kept[n_kept] = word  # without a branch, which the processor would mispredict one time in four
                n_kept += np.int64((bits >> HALF) <= keep[word])
        thread.ends[sentence - first] = n_kept
    return n_kept, state


@inlined
def pick_targets(center, stage, size, log_q, buffers, state, n_targets, padded, corrected):
    """Write the targets of a center word: itself and noise words from the pool; returns the random state."""
    for k in range(padded):  # the padding repeats the center word
        buffers.targets[k] = center * stage.width
    if corrected:
        buffers.shifts[0] = log_q[stage.words[center]]
    for k in range(1, n_targets):
        slot, state = pick_noise(stage, center, size, state)
        buffers.targets[k] = slot * stage.width
        if corrected:
            buffers.shifts[k] = log_q[stage.words[slot]]
    return state


@inlined
def gather_block(kept, start, n, position, width, rows):
    """Write where the rows of n context words begin, from word `start` on and without the center at `position`."""
    for i in range(n):
        word = start + i + np.int64(start + i >= position)
        rows[i] = np.int64(kept[word]) * width


@inlined
def score_block(tables, buffers, half, n, n_targets, padded, corrected, packed):
    """Write the scores of n context words with all targets, corrected by log_q if needed."""
    targets = pointer_to(buffers.targets, half * padded)
    block_scores(tables.input, buffers.rows, n, tables.output, targets, buffers.block, tables.width, n_targets, packed)
    if corrected:
        for k in range(n_targets):
            shift = buffers.shifts[half * padded + k]
            for i in range(LANES):
                buffers.block[k * LANES + i] -= shift


@inlined
def block_gradients(objective, n, n_targets, padded, packed, block, constants):
    """Write the losses and gradients of n context words."""
    if packed:
        packed_gradients(objective, n, padded, LANES, block)
    else:
        score_gradients(objective, n_targets, padded, LANES, block, constants)


@inlined
def update_block(tables, buffers, half, n, n_targets, padded, packed, lr):
    """Add the steps of a block to its rows, from the gradients that the objective has written."""
    gradients, _, _ = block_offsets(padded, LANES)
    targets, slopes = pointer_to(buffers.targets, half * padded), pointer_to(buffers.block, gradients)
    block_steps(
        tables.input,
        buffers.rows,
        n,
        tables.output,
        targets,
        slopes,
        lr,
        buffers.steps,
        tables.width,
        n_targets,
        packed,
    )


@inlined
def add_losses(buffers, padded, n):
    """Add the losses of a block in the first n lanes."""
    _, losses, _ = block_offsets(padded, LANES)
    for i in range(LANES):
        buffers.loss[i] += np.float64(buffers.block[losses + i]) if i < n else 0.0
