"""The compiled loop of the fused CPU engine for skip-gram with n-grams.

The vector of a word is the mean of many rows, so it is gathered once per window: the center word predicts each of the
words around it. Up to SHARED_NOISE of these are the true words of as many examples, which share K noise words and are
updated at once. The vector x of the center word makes each step at once, its rows make the sum of the steps at the end:

1. the words that survive subsampling are as in kernel.py;
2. `_draw_window` and `_draw_noise` draw the window of the next center word and the noise words of the next examples,
   whose rows are on the way into the cache while the current examples are processed;
3. `add_word` gathers the rows of the center word;
4. for each group of examples, `score_targets` and `step_targets` are those of vector_kernel.py, and x moves;
5. `move_word` adds all steps of x to the rows of the center word.

`engines/plain.py` is the same algorithm in plain numpy, which gathers x again for each group.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from word2vec.engines.cpu.kernel import (
    IMPORTED,
    add_losses,
    below,
    digest_of,
    inlined,
    next_bits,
    noise_word,
    subsample,
)
from word2vec.engines.cpu.objectives import FLAGS, block_size, score_gradients
from word2vec.engines.cpu.simd import LANES, align_stack, keep_alive, pointer_to, pointers, prefetch_row
from word2vec.engines.cpu.vector_kernel import (
    ONE,
    add_word,
    clear,
    move_word,
    prefetch_ngrams,
    score_targets,
    step_targets,
)
from word2vec.system.jit import cached_on_disk

SHARED_NOISE = 2
"""Words of a window that share noise words and are updated at once. All examples of a window have the same input, so
sharing multiplies the steps away from few noise words: after an epoch on wiki8, analogies were 47 % with 1 word, 46 %
with 2 and 3, 41 % with 5 and 32 % with 10; after five epochs, 56 % with 2 and 53 % with 3."""


class NgramBuffers(NamedTuple):
    """Working memory of one call. The first two have two halves, which the current and the next examples alternate."""

    noise: npt.NDArray[np.int64]  # (2 * K,) where the rows of the noise words begin
    shifts: npt.NDArray[np.float32]  # (2 * K,) their log_q
    reach: npt.NDArray[np.int64]  # (2 * 2,) how many words before and after the current and the next center word
    listed: npt.NDArray[np.int64]  # (LANES + K,) the rows of the true words, then those of the noise words
    listed_shifts: npt.NDArray[np.float32]  # (LANES + K,) their log_q
    scores: npt.NDArray[np.float32]  # (LANES + K,) their scores
    slopes: npt.NDArray[np.float32]  # (LANES + K,) their gradients, times -lr
    block: npt.NDArray[np.float32]  # (block_size(1 + K),) scores, gradients and losses; see objectives.py
    x: npt.NDArray[np.float32]  # (width,) the vector of the center word
    step: npt.NDArray[np.float32]  # (width,) a step of x, without the gain of the word
    total: npt.NDArray[np.float32]  # (width,) the sum of these steps
    loss: npt.NDArray[np.float64]  # (LANES,) sums of the losses


@functools.cache
def ngram_kernel(objective: str, negatives: int, corrected: bool) -> Callable[..., None]:
    """Return the compiled loop `train(text, first, last, sampling, tables, constants, lr, thread)`; see `kernel`."""
    n_targets = 1 + negatives
    size = block_size(n_targets)

    def train(text, first, last, sampling, tables, constants, lr, thread):
        align_stack()
        n_kept, state = subsample(text, first, last, sampling.keep, thread, thread.random[0])
        memory = NgramBuffers(
            noise=np.zeros(2 * negatives, np.int64),
            shifts=np.zeros(2 * negatives, np.float32),
            reach=np.zeros(4, np.int64),
            listed=np.zeros(LANES + negatives, np.int64),
            listed_shifts=np.zeros(LANES + negatives, np.float32),
            scores=np.zeros(LANES + negatives, np.float32),
            slopes=np.zeros(LANES + negatives, np.float32),
            block=np.zeros(size, np.float32),
            x=np.zeros(tables.width, np.float32),
            step=np.zeros(tables.width, np.float32),
            total=np.zeros(tables.width, np.float32),
            loss=np.zeros(LANES, np.float64),
        )
        vocabulary_size = len(sampling.cumulative)
        table, noise, words, buffers = pointers(tables), pointers(sampling), pointers(thread), pointers(memory)
        listed, shifts = pointer_to(buffers.listed, 0), pointer_to(buffers.listed_shifts, 0)
        sentence, begin, pairs, half = 0, 0, 0, 0
        if n_kept > 0:
            state = _draw_window(
                0, n_kept, words.kept, noise, vocabulary_size, table, buffers, state, negatives, corrected, 0
            )
        for position in range(n_kept):
            while position >= words.ends[sentence]:
                begin = words.ends[sentence]
                sentence += 1
            place = 2 * (position & 1)
            left = max(begin, position - buffers.reach[place])
            right = min(words.ends[sentence], position + buffers.reach[place + 1] + 1) - 1  # without the center word
            gain = table.gains[words.kept[position]]
            clear(buffers.x, table.width)
            clear(buffers.total, table.width)
            add_word(words.kept, position, ONE, buffers.x, table, True)
            for start in range(left, max(right, left + 1), SHARED_NOISE):
                if start + SHARED_NOISE < right:
                    state = _draw_noise(noise, vocabulary_size, table, buffers, state, negatives, corrected, half ^ 1)
                elif position + 1 < n_kept:
                    state = _draw_window(
                        position + 1,
                        n_kept,
                        words.kept,
                        noise,
                        vocabulary_size,
                        table,
                        buffers,
                        state,
                        negatives,
                        corrected,
                        half ^ 1,
                    )
                n = min(SHARED_NOISE, right - start)
                if n > 0:
                    _list_targets(words.kept, start, n, position, half, noise, table, buffers, negatives, corrected)
                    score_targets(listed, shifts, n, table, buffers, n_targets, corrected, True)
                    # subtle: the array, because the longer objectives are not vectorized with a pointer
                    score_gradients(objective, n_targets, n_targets, memory.block, constants)
                    step_targets(listed, n, table, buffers, n_targets, lr)
                    for d in range(table.width):
                        buffers.x[d] += gain * buffers.step[d]
                        buffers.total[d] += buffers.step[d]
                    add_losses(buffers, n_targets, n)
                half ^= 1
            if right > left:
                move_word(words.kept, position, buffers.total, ONE, table, True)
            pairs += right - left
        thread.random[0] = state
        # subtle: both at the end, so that a report in between counts the pairs that belong to its loss
        thread.pairs[0] += pairs
        for i in range(LANES):
            thread.loss[i] += memory.loss[i]
        keep_alive(memory)

    # subtle: unique and complete for the cache, as in kernel.py
    imported = (*IMPORTED, "kernel.py", "simd_vector.py", "vector_kernel.py")
    train.__qualname__ = f"train_ngrams_{objective}_{negatives}_{corrected}_{digest_of(*imported):08x}"
    return cached_on_disk(numba.njit(nogil=True, fastmath=FLAGS, boundscheck=False, error_model="numpy")(train))


@inlined
def _draw_noise(noise, vocabulary_size, tables, buffers, state, negatives, corrected, half):
    """Draw noise words, of any words because they are those of several true words, and prefetch their rows.

    Returns:
        The random state.
    """
    for k in range(negatives):
        state, bits = next_bits(state)
        word = noise_word(noise.noise, vocabulary_size, bits)
        buffers.noise[half * negatives + k] = word * tables.width
        if corrected:
            buffers.shifts[half * negatives + k] = noise.log_q[word]
        prefetch_row(tables.output, word * tables.width, tables.width)
    return state


@inlined
def _draw_window(position, n_kept, kept, noise, vocabulary_size, tables, buffers, state, negatives, corrected, half):
    """Draw the first noise words and the window of the center word at a position, and prefetch rows.

    Returns:
        The random state.
    """
    state = _draw_noise(noise, vocabulary_size, tables, buffers, state, negatives, corrected, half)
    state, bits = next_bits(state)
    reach, place = noise.min_width + below(bits, noise.widths), 2 * (position & 1)
    buffers.reach[place], buffers.reach[place + 1] = min(reach, noise.left), min(reach, noise.right)
    word = np.int64(kept[position])
    prefetch_row(tables.input, word * tables.width, tables.width)
    prefetch_ngrams(word, tables)
    if position + noise.ahead < n_kept:
        prefetch_row(tables.output, np.int64(kept[position + noise.ahead]) * tables.width, tables.width)
    return state


@inlined
def _list_targets(kept, start, n, position, half, noise, tables, buffers, negatives, corrected):
    """List the rows of n true words, from word `start` on and without the center at `position`, and the noise words."""
    for i in range(n):
        word = np.int64(kept[start + i + np.int64(start + i >= position)])
        buffers.listed[i] = word * tables.width
        if corrected:
            buffers.listed_shifts[i] = noise.log_q[word]
    for k in range(negatives):
        buffers.listed[n + k] = buffers.noise[half * negatives + k]
        if corrected:
            buffers.listed_shifts[n + k] = buffers.shifts[half * negatives + k]
