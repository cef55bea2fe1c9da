"""The compiled loop of the fused CPU engine for skip-gram with n-grams.

The vector of a word is the mean of many rows, so it is gathered once per window: the center word predicts each of the
words around it. Up to LANES of these are the true words of a block of examples, which are updated at once. Each has K
noise words of its own, because all have the same input: if they shared noise words, as the examples of a window do in
kernel.py, the steps away from a few noise words would add up. Instead, the examples at the same place of SHARED_WINDOWS
consecutive windows share them. For each chunk of sentences,

1. the words that survive subsampling are as in kernel.py;
2. `_draw_window`, `_draw_noise` and `_list_targets` draw the window of the next center word and the noise words of the
   next block, whose rows are on the way into the cache while the current block is processed;
3. `add_word` gathers the vector x of the center word from its rows;
4. for each block, `_score_block` computes the scores of x with all true words and noise words, and `_step_block` adds
   their steps to them and to x;
5. `move_word` adds all steps of x to the rows of the center word.

`engines/plain.py` is the same algorithm in plain numpy, which gathers x again for each block.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from word2vec.engines.cpu.compiling import IMPORTED, compiled_kernel, digest_of, inlined
from word2vec.engines.cpu.draws import below, next_bits, noise_word
from word2vec.engines.cpu.kernel import add_counts, add_losses, subsample
from word2vec.engines.cpu.objectives import IGNORED, block_offsets, block_size, score_gradients
from word2vec.engines.cpu.simd import LANES, align_stack, keep_alive, pointer_to, pointers, prefetch_row
from word2vec.engines.cpu.simd_vector import copy_lanes, copy_lanes_unless_equal, vector_scores, vector_steps
from word2vec.engines.cpu.vector_kernel import ONE, add_word, clear, move_word, prefetch_ngrams, step_trained

SHARED_WINDOWS = 8
"""Consecutive windows that share noise words. On half of wiki8, training with 8 took 0.75 times as long as with 2.
After five epochs on wiki8, the scores of 8 and 4 were equal within the spread of seeds."""


class NgramBuffers(NamedTuple):
    """Working memory of one call. The first three have two halves, which the current and the next block alternate.

    In lists of targets, the true words of the n examples of a block come first, then n times the first noise word of
    each, and so on. LANES items are copied at once, the last of which belong to nothing.
    """

    targets: npt.NDArray[np.int64]  # (2 * T,) where the rows of the targets begin, T = (2 + K) * LANES
    shifts: npt.NDArray[np.float32]  # (2 * T,) their log_q
    bounds: npt.NDArray[np.int64]  # (2 * 2,) where the windows of the current and the next center word begin and end
    noise: npt.NDArray[np.int64]  # (K * LANES,) where the rows of the noise words begin, with K for each example
    noise_shifts: npt.NDArray[np.float32]  # (K * LANES,) their log_q
    scores: npt.NDArray[np.float32]  # (T,) scores of the targets
    slopes: npt.NDArray[np.float32]  # (T,) their gradients, times -lr
    block: npt.NDArray[np.float32]  # (block_size(1 + K, LANES),) scores, gradients and losses; see objectives.py
    x: npt.NDArray[np.float32]  # (width,) the vector of the center word
    step: npt.NDArray[np.float32]  # (width,) a step of x, without the gain of the word
    total: npt.NDArray[np.float32]  # (width,) the sum of these steps
    loss: npt.NDArray[np.float64]  # (LANES,) sums of the losses


@functools.cache
def ngram_kernel(objective: str, negatives: int, corrected: bool, frozen: bool = False) -> Callable[..., None]:
    """Return the compiled loop `train(text, first, last, sampling, tables, constants, lr, thread)`; see `kernel`."""
    n_targets = 1 + negatives
    size = block_size(n_targets, LANES)
    most = (1 + n_targets) * LANES

    def train(text, first, last, sampling, tables, constants, lr, thread):
        align_stack()
        n_kept, state = subsample(text, first, last, sampling.keep, thread, thread.random[0])
        memory = NgramBuffers(
            targets=np.zeros(2 * most, np.int64),
            shifts=np.zeros(2 * most, np.float32),
            bounds=np.zeros(4, np.int64),
            noise=np.zeros(negatives * LANES, np.int64),
            noise_shifts=np.zeros(negatives * LANES, np.float32),
            scores=np.zeros(most, np.float32),
            slopes=np.zeros(most, np.float32),
            block=np.zeros(size, np.float32),
            x=np.zeros(tables.width, np.float32),
            step=np.zeros(tables.width, np.float32),
            total=np.zeros(tables.width, np.float32),
            loss=np.zeros(LANES, np.float64),
        )
        vocabulary_size = len(sampling.cumulative)
        places = min(LANES, sampling.left + sampling.right)  # the largest number of examples in a block
        table, noise, words, buffers = pointers(tables), pointers(sampling), pointers(thread), pointers(memory)
        sentence, begin, pairs, half = 0, 0, 0, 0
        for position in range(-1, n_kept):
            left, right = np.int64(0), np.int64(0)  # of the window, without the center word
            if position >= 0:
                left, right = buffers.bounds[2 * (position & 1)], buffers.bounds[2 * (position & 1) + 1]
                clear(buffers.x, table.width)
                clear(buffers.total, table.width)
                add_word(words.kept, position, ONE, buffers.x, table, True)
            for start in range(left, max(right, left + 1), LANES):
                ahead, begins, ends = position, start + LANES, right  # the next block, if it is in the same window
                if begins >= right:
                    ahead, begins, ends = position + 1, np.int64(0), np.int64(0)
                    if ahead < n_kept:
                        while ahead >= words.ends[sentence]:
                            begin = words.ends[sentence]
                            sentence += 1
                        begins, ends, state = _draw_window(
                            ahead, begin, words.ends[sentence], n_kept, words.kept, noise, table, buffers, state
                        )
                if ahead < n_kept:
                    if ahead == position or ahead % SHARED_WINDOWS == 0:
                        state = _draw_noise(places, noise, vocabulary_size, table, buffers, state, negatives, corrected)
                    n = min(LANES, ends - begins)
                    _list_targets(
                        words.kept, begins, n, ahead, noise, table, buffers, negatives, corrected, (half ^ 1) * most
                    )
                n = min(LANES, right - start)
                if n > 0:
                    listed, shifts = pointer_to(buffers.targets, half * most), pointer_to(buffers.shifts, half * most)
                    _score_block(listed, shifts, n, table, buffers, n_targets, corrected)
                    # subtle: the array, because the longer objectives are not vectorized with a pointer
                    score_gradients(objective, n_targets, n_targets, LANES, memory.block, constants)
                    _step_block(listed, n, table, buffers, n_targets, lr, frozen)
                    gain = table.gains[words.kept[position]]
                    for d in range(table.width):
                        buffers.x[d] += gain * buffers.step[d]
                        buffers.total[d] += buffers.step[d]
                    add_losses(buffers, n_targets, n)
                half ^= 1
            if right > left:
                move_word(words.kept, position, buffers.total, ONE, table, True, frozen)
            pairs += right - left
        thread.random[0] = state
        add_counts(thread, pairs, memory.loss)
        keep_alive(memory)

    imported = (*IMPORTED, "kernel.py", "simd_vector.py", "vector_kernel.py")
    train.__qualname__ = f"train_ngrams_{objective}_{negatives}_{corrected}_{frozen}_{digest_of(*imported):08x}"
    return compiled_kernel(train)


@inlined
def _draw_window(position, begin, end, n_kept, kept, noise, tables, buffers, state):
    """Draw the window of the center word at a position of the sentence from `begin` to `end`, and prefetch rows.

    Returns:
        Where the window begins and ends if the center word is left out, and the random state.
    """
    state, bits = next_bits(state)
    reach, place = noise.min_width + below(bits, noise.widths), 2 * (position & 1)
    left = max(begin, position - min(reach, noise.left))
    right = min(end, position + min(reach, noise.right) + 1) - 1
    buffers.bounds[place], buffers.bounds[place + 1] = left, right
    word = np.int64(kept[position])
    prefetch_row(tables.input, word * tables.width, tables.width)
    prefetch_ngrams(word, tables)
    if position + noise.ahead < n_kept:
        prefetch_row(tables.output, np.int64(kept[position + noise.ahead]) * tables.width, tables.width)
    return left, right, state


@inlined
def _draw_noise(places, noise, vocabulary_size, tables, buffers, state, negatives, corrected):
    """Draw noise words for each example of a block, and prefetch their rows.

    They may be any words, because they are those of several true words.

    Returns:
        The random state.
    """
    for i in range(places):
        for k in range(negatives):
            state, bits = next_bits(state)
            word = noise_word(noise.noise, vocabulary_size, bits)
            buffers.noise[k * LANES + i] = word * tables.width
            if corrected:
                buffers.noise_shifts[k * LANES + i] = noise.log_q[word]
            prefetch_row(tables.output, word * tables.width, tables.width)
    return state


@inlined
def _list_targets(kept, start, n, position, noise, tables, buffers, negatives, corrected, place):
    """List the targets of n examples, whose true words are those from `start` on, without the center word."""
    for i in range(n):
        word = np.int64(kept[start + i + np.int64(start + i >= position)])
        buffers.targets[place + i] = word * tables.width
        if corrected:
            buffers.shifts[place + i] = noise.log_q[word]
    for k in range(negatives):
        copy_lanes(buffers.targets, place + (1 + k) * n, buffers.noise, k * LANES)
        if corrected:
            copy_lanes(buffers.shifts, place + (1 + k) * n, buffers.noise_shifts, k * LANES)


@inlined
def _score_block(listed, shifts, n, tables, buffers, n_targets, corrected):
    """Write the block of scores of n examples, whose targets are listed."""
    vector_scores(buffers.x, tables.output, listed, n * n_targets, buffers.scores, tables.width)
    if corrected:
        for k in range(n * n_targets):
            buffers.scores[k] -= shifts[k]
    copy_lanes(buffers.block, 0, buffers.scores, 0)
    for k in range(1, n_targets):
        # a noise word that is the true word is ignored
        copy_lanes_unless_equal(buffers.block, k * LANES, buffers.scores, k * n, listed, k * n, IGNORED)


@inlined
def _step_block(listed, n, tables, buffers, n_targets, lr, frozen):
    """Move the targets of n examples, and write the step of x, from the gradients that the objective has written."""
    gradients, _, _ = block_offsets(n_targets, LANES)
    for k in range(n_targets):
        copy_lanes(buffers.slopes, k * n, buffers.block, gradients + k * LANES)
    for k in range(n * n_targets):
        buffers.slopes[k] *= -lr
    if frozen:
        step_trained(buffers.x, buffers.step, tables, listed, buffers.slopes, n * n_targets)
    else:
        vector_steps(buffers.x, buffers.step, tables.output, listed, buffers.slopes, n * n_targets, tables.width)
