"""The compiled loop of the fused CPU engine for CBOW, and what it shares with that for n-grams in ngram_kernel.py.

The examples of both have one input vector x, gathered from several rows. For CBOW, x is the mean of the words of a
window, and its example has the center word and K noise words as targets. The steps are those of kernel.py, with a
vector in place of a matrix:

1. `draw_ahead` draws the noise words and the window of the next center word and prefetches their rows, which are on
   the way into the cache while the current center word is processed;
2. `_gather` computes x from the rows of words, n-grams and position weights;
3. `_score_targets` computes the scores of x with all targets, and `_step_targets` adds the steps to all of them;
4. `_scatter` adds the step of x, divided among the words of a window, to all rows that x came from.

The arithmetic on rows is in simd_vector.py. `engines/plain.py` is the same algorithm in plain numpy.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from word2vec.engines.cpu.compiling import IMPORTED, compiled_kernel, digest_of, inlined
from word2vec.engines.cpu.draws import below, draw_targets, next_bits
from word2vec.engines.cpu.kernel import NONE_FROZEN, add_counts, subsample
from word2vec.engines.cpu.objectives import block_offsets, block_size, score_gradients
from word2vec.engines.cpu.simd import LANES, align_stack, keep_alive, pointer_to, pointers, prefetch_row
from word2vec.engines.cpu.simd_vector import add_rows, add_to_rows, vector_scores, vector_steps

F = np.float32
ZERO, ONE = F(0), F(1)


class VectorTables(NamedTuple):
    """The model. Tables that it does not have are empty."""

    input: npt.NDArray[np.float32]  # (V * width,) words
    output: npt.NDArray[np.float32]  # (V * width,)
    ngrams: npt.NDArray[np.float32]  # (G * width,)
    ngram_starts: npt.NDArray[np.int64]  # (V + 1,) where the n-grams of each word begin in `ngram_rows`
    ngram_rows: npt.NDArray[np.int32]  # rows of the n-gram table
    gains: npt.NDArray[np.float32]  # (V,) how far each word moves if each of its rows makes a step of 1
    positions: npt.NDArray[np.float32]  # (P * width,) weights of the positions of a window
    width: int  # dimensions, rounded up to complete vectors; the padding is zero
    frozen_input: npt.NDArray[np.uint8] = NONE_FROZEN  # (V,) 1 for rows that are not trained
    frozen_output: npt.NDArray[np.uint8] = NONE_FROZEN  # (V,)
    frozen_ngrams: npt.NDArray[np.uint8] = NONE_FROZEN  # (G,)


class VectorBuffers(NamedTuple):
    """Working memory of one call. The first three have two halves, which the current and the next center alternate."""

    targets: npt.NDArray[np.int64]  # (2 * (1 + K),) where the rows of the center word and the noise words begin
    shifts: npt.NDArray[np.float32]  # (2 * (1 + K),) log_q of the targets
    reach: npt.NDArray[np.int64]  # (2 * 2,) how many words before and after the center word its window contains
    slopes: npt.NDArray[np.float32]  # (1 + K,) the gradients of their scores, times -lr
    block: npt.NDArray[np.float32]  # (block_size(1 + K, 1),) scores, gradients and losses; see objectives.py
    x: npt.NDArray[np.float32]  # (width,)
    step: npt.NDArray[np.float32]  # (width,) the step of x
    words: npt.NDArray[np.float32]  # (P * width,) the words of a window, if positions have weights
    loss: npt.NDArray[np.float64]  # (LANES,) sums of the losses


@functools.cache
def cbow_kernel(
    objective: str, negatives: int, corrected: bool, ngrams: bool, weighted: bool, frozen: bool = False
) -> Callable[..., None]:
    """Return the compiled loop `train(text, first, last, sampling, tables, constants, lr, thread)`.

    It trains the sentences from `first` to before `last`. The arguments here are compile-time constants.

    Args:
        objective: Name of the objective in LOSSES.
        negatives: Number of noise words per center word.
        corrected: Whether `log_q` is subtracted from the scores.
        ngrams: Whether words have n-grams.
        weighted: Whether positions have weights.
        frozen: Whether rows of the tables are frozen.
    """
    n_targets = 1 + negatives
    _, losses, _ = block_offsets(n_targets, 1)
    size = block_size(n_targets, 1)

    def train(text, first, last, sampling, tables, constants, lr, thread):
        align_stack()
        n_kept, state = subsample(text, first, last, sampling.keep, thread, thread.random[0])
        memory = VectorBuffers(
            targets=np.zeros(2 * n_targets, np.int64),
            shifts=np.zeros(2 * n_targets, np.float32),
            reach=np.zeros(4, np.int64),
            slopes=np.zeros(n_targets, np.float32),
            block=np.zeros(size, np.float32),
            x=np.zeros(tables.width, np.float32),
            step=np.zeros(tables.width, np.float32),
            words=np.empty(len(tables.positions), np.float32),
            loss=np.zeros(LANES, np.float64),
        )
        cumulative = sampling.cumulative
        table, noise, words, buffers = pointers(tables), pointers(sampling), pointers(thread), pointers(memory)
        sentence, begin, pairs = 0, 0, 0
        for position in range(-1, n_kept):
            ahead = position + 1
            if ahead < n_kept:
                state = draw_ahead(
                    ahead,
                    n_kept,
                    words.kept,
                    noise,
                    cumulative,
                    table,
                    buffers,
                    state,
                    n_targets,
                    n_targets,
                    corrected,
                )
                if ngrams and ahead + noise.ahead < n_kept:
                    prefetch_ngrams(np.int64(words.kept[ahead + noise.ahead]), table)
            if position < 0:
                continue
            while position >= words.ends[sentence]:
                begin = words.ends[sentence]
                sentence += 1
            half = position & 1
            left = max(begin, position - buffers.reach[2 * half])
            right = min(words.ends[sentence], position + buffers.reach[2 * half + 1] + 1)
            context = right - 1 - left
            if context:
                _gather(words.kept, left, right, position, noise.left, table, buffers, ngrams, weighted)
                listed = pointer_to(buffers.targets, half * n_targets)
                shifts = pointer_to(buffers.shifts, half * n_targets)
                _score_targets(listed, shifts, table, buffers, n_targets, corrected)
                # subtle: the array, because the longer objectives are not vectorized with a pointer
                score_gradients(objective, n_targets, n_targets, 1, memory.block, constants)
                _step_targets(listed, table, buffers, n_targets, lr, frozen)
                _scatter(words.kept, left, right, position, noise.left, table, buffers, ngrams, weighted, frozen)
                buffers.loss[0] += np.float64(buffers.block[losses])
                pairs += 1
        thread.random[0] = state
        add_counts(thread, pairs, memory.loss)
        keep_alive(memory)

    settings = f"{objective}_{negatives}_{corrected}_{ngrams}_{weighted}_{frozen}"
    train.__qualname__ = f"train_cbow_{settings}_{digest_of(*IMPORTED, 'kernel.py', 'simd_vector.py'):08x}"
    return compiled_kernel(train)


@inlined
def draw_ahead(position, n_kept, kept, noise, cumulative, tables, buffers, state, n_targets, padded, corrected):
    """Draw noise words and window of the center word at a position, and prefetch rows; returns the random state."""
    half, width = position & 1, tables.width
    center = np.int64(kept[position])
    state = draw_targets(center, half * padded, noise, cumulative, tables, buffers, state, n_targets, padded, corrected)
    state, bits = next_bits(state)
    reach = noise.min_width + below(bits, noise.widths)
    buffers.reach[2 * half], buffers.reach[2 * half + 1] = min(reach, noise.left), min(reach, noise.right)
    if position + noise.ahead < n_kept:
        prefetch_row(tables.input, kept[position + noise.ahead] * width, width)
    return state


@inlined
def prefetch_ngrams(word, tables):
    """Prefetch the rows of the n-grams of a word."""
    for place in range(tables.ngram_starts[word], tables.ngram_starts[word + 1]):
        prefetch_row(tables.ngrams, np.int64(tables.ngram_rows[place]) * tables.width, tables.width)


@inlined
def clear(x, width):
    """Set a vector to zero."""
    for d in range(width):
        x[d] = ZERO


@inlined
def add_word(kept, place, scale, x, tables, ngrams):
    """Add the vector of the word at a place, times a factor, to x."""
    if ngrams:
        word = kept[place]
        begin = tables.ngram_starts[word]
        n = tables.ngram_starts[word + 1] - begin
        scale = scale / F(1 + n)
        add_rows(x, scale, tables.ngrams, pointer_to(tables.ngram_rows, begin), n, n, tables.width)
    add_rows(x, scale, tables.input, pointer_to(kept, place), 1, 1, tables.width)


@inlined
def move_word(kept, place, step, scale, tables, ngrams, frozen):
    """Add a step, times a factor, to all rows of the word at a place, except to those that are frozen."""
    word = kept[place]
    if ngrams and frozen:
        for listed in range(tables.ngram_starts[word], tables.ngram_starts[word + 1]):
            if not tables.frozen_ngrams[tables.ngram_rows[listed]]:
                add_to_rows(tables.ngrams, pointer_to(tables.ngram_rows, listed), 1, 1, step, scale, tables.width)
    elif ngrams:
        begin = tables.ngram_starts[word]
        n = tables.ngram_starts[word + 1] - begin
        add_to_rows(tables.ngrams, pointer_to(tables.ngram_rows, begin), n, n, step, scale, tables.width)
    if not (frozen and tables.frozen_input[word]):
        add_to_rows(tables.input, pointer_to(kept, place), 1, 1, step, scale, tables.width)


@inlined
def step_trained(x, step, tables, listed, slopes, n):
    """Do the same as `vector_steps` with rows of the output table, but leave out those that are frozen."""
    width = tables.width
    clear(step, width)
    for k in range(n):
        for d in range(width):
            step[d] += slopes[k] * tables.output[listed[k] + d]
    for k in range(n):
        if not tables.frozen_output[listed[k] // width]:
            for d in range(width):
                tables.output[listed[k] + d] += slopes[k] * x[d]


@inlined
def _gather(kept, left, right, position, before, tables, buffers, ngrams, weighted):
    """Compute the mean x of the words from `left` to before `right`, without the center at `position`.

    If positions have weights, this also writes the vector of each word; `before` is the number of positions before the
    center word.
    """
    width, n = tables.width, right - 1 - left
    scale = ONE / F(n)
    clear(buffers.x, width)
    if weighted:
        for place in range(left, right):
            if place != position:
                start = (place - position + before - np.int64(place > position)) * width
                word, weight = pointer_to(buffers.words, start), pointer_to(tables.positions, start)
                clear(word, width)
                add_word(kept, place, ONE, word, tables, ngrams)
                for d in range(width):
                    buffers.x[d] += scale * weight[d] * word[d]
    elif ngrams:
        for place in range(left, right):
            if place != position:
                add_word(kept, place, scale, buffers.x, tables, ngrams)
    else:
        add_rows(buffers.x, scale, tables.input, pointer_to(kept, left), n, position - left, width)


@inlined
def _scatter(kept, left, right, position, before, tables, buffers, ngrams, weighted, frozen):
    """Move the words of a window, and the weights of their positions; see `_gather`."""
    width, n = tables.width, right - 1 - left
    scale = ONE / F(n)
    if weighted:
        for place in range(left, right):
            if place != position:
                start = (place - position + before - np.int64(place > position)) * width
                word, weight = pointer_to(buffers.words, start), pointer_to(tables.positions, start)
                for d in range(width):
                    step = scale * buffers.step[d]
                    word[d], weight[d] = step * weight[d], weight[d] + step * word[d]
                move_word(kept, place, word, ONE, tables, ngrams, frozen)
    elif ngrams or frozen:
        for place in range(left, right):
            if place != position:
                move_word(kept, place, buffers.step, scale, tables, ngrams, frozen)
    else:
        add_to_rows(tables.input, pointer_to(kept, left), n, position - left, buffers.step, scale, width)


@inlined
def _score_targets(listed, shifts, tables, buffers, n_targets, corrected):
    """Write the scores of x with the listed targets into the block."""
    vector_scores(buffers.x, tables.output, listed, n_targets, buffers.block, tables.width)
    if corrected:
        for k in range(n_targets):
            buffers.block[k] -= shifts[k]


@inlined
def _step_targets(listed, tables, buffers, n_targets, lr, frozen):
    """Move the targets, and write the step of x, from the gradients that the objective has written."""
    gradients, _, _ = block_offsets(n_targets, 1)
    for k in range(n_targets):
        buffers.slopes[k] = -lr * buffers.block[gradients + k]
    if frozen:
        step_trained(buffers.x, buffers.step, tables, listed, buffers.slopes, n_targets)
    else:
        vector_steps(buffers.x, buffers.step, tables.output, listed, buffers.slopes, n_targets, tables.width)
