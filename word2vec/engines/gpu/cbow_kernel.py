"""The Triton kernel that trains CBOW in the fused GPU engine; kernels.py has the kernels of the sampling before it.

Each program processes its own part of the text, one center word at a time: it loads the rows of the window's words, in
several tiles if they do not fit into one, scores the targets against their mean, and adds the step of the mean to the
same rows. Unlike in skip-gram, the rows of a window do not stay in registers for the next center word: the mean needs
all of them at once, so that would work for narrow windows only.
"""

import triton
import triton.language as tl

from word2vec.engines.gpu.kernels import rows_at, trained


@triton.jit
def _context(words, block, center, high, ROWS: tl.constexpr):
    """Return the words from place `block` on, (ROWS,), and whether each is before `high` and not the center word."""
    place = block + tl.arange(0, ROWS)
    used = (place < high) & (place != center)
    return tl.load(words + place, mask=used, other=0), used


@triton.jit
def _positions(block, center, LEFT: tl.constexpr, ROWS: tl.constexpr):
    """Return the positions in the window, (ROWS,), of the words from place `block` on; 0 is the leftmost one."""
    place = block + tl.arange(0, ROWS)
    return place - center + LEFT - (place > center).to(tl.int32)


@triton.jit(do_not_specialize_on_alignment=["count"])
def train(
    words,
    sentences,
    bounds,
    count,
    targets,
    widths,
    inputs,
    outputs,
    frozen_inputs,
    frozen_outputs,
    log_q,
    constants,
    first_lr: tl.float32,
    last_lr: tl.float32,
    losses,
    pairs,
    positions,
    gradient: tl.constexpr,
    CORRECTED: tl.constexpr,
    STRIDE: tl.constexpr,
    COLUMNS: tl.constexpr,
    N_TARGETS: tl.constexpr,
    TARGETS: tl.constexpr,
    LEFT: tl.constexpr,
    RIGHT: tl.constexpr,
    ROWS: tl.constexpr,
):
    """Train the surviving words of a chunk; models/cbow.py has the formulas.

    Args: as for `train` in kernels.py, and

        pairs: (programs,) int64, numbers of windows, added to.
        positions: (LEFT + RIGHT, STRIDE) float32, position weights, updated; or None.
        ROWS: Input rows loaded at once, a power of two.
    """
    column, k = tl.arange(0, COLUMNS), tl.arange(0, TARGETS)
    total = tl.load(count)
    stretch = tl.cdiv(total, tl.num_programs(0))
    begin = tl.program_id(0) * stretch
    loss, n_windows = tl.zeros((), tl.float64), tl.zeros((), tl.int64)
    for center in range(begin, tl.minimum(begin + stretch, total)):
        lr = first_lr + (last_lr - first_lr) * (center / total)
        width, sentence = tl.load(widths + center), bounds + tl.load(sentences + center)
        low = tl.maximum(center - tl.minimum(width, LEFT), tl.load(sentence))
        high = tl.minimum(center + tl.minimum(width, RIGHT) + 1, tl.load(sentence + 1))
        if high - low > 1:  # the window has a context word
            size = (high - low - 1).to(tl.float32)
            mean = tl.zeros((COLUMNS,), tl.float32)
            for block in range(low, high, ROWS):
                context, near = _context(words, block, center, high, ROWS)
                u_place, u_used = rows_at(inputs, context, near, column, STRIDE)  # (ROWS, COLUMNS)
                # subtle: ".cg" bypasses the cache of the multiprocessor, which does not see the additions of the others
                u = tl.load(u_place, mask=u_used, other=0.0, cache_modifier=".cg")
                if positions is not None:
                    p_place, _ = rows_at(positions, _positions(block, center, LEFT, ROWS), near, column, STRIDE)
                    u *= tl.load(p_place, mask=u_used, other=0.0, cache_modifier=".cg")
                mean += tl.sum(u, axis=0) / size
            used = k < N_TARGETS
            target = tl.load(targets + center * N_TARGETS + k, mask=used, other=0)
            y_place, y_used = rows_at(outputs, target, used, column, STRIDE)  # (TARGETS, COLUMNS)
            y = tl.load(y_place, mask=y_used, other=0.0, cache_modifier=".cg")
            scores = tl.sum(y * mean[None, :], axis=1)[None, :]  # (1, TARGETS)
            if CORRECTED:
                scores -= tl.load(log_q + target, mask=used, other=0.0)[None, :]
            example_loss, g = gradient(scores, k, N_TARGETS, constants)  # (1,), (1, TARGETS)
            loss += tl.sum(example_loss, axis=0).to(tl.float64)
            n_windows += 1
            g = tl.sum(tl.where(used[None, :], -lr * g, 0.0), axis=0)[:, None]  # (TARGETS, 1)
            y_moves = y_used & trained(target, used, frozen_outputs)
            tl.atomic_add(y_place, g * mean[None, :], mask=y_moves, sem="relaxed")
            step = (tl.sum(g * y, axis=0) / size)[None, :]  # (1, COLUMNS), of each context word
            for block in range(low, high, ROWS):
                context, near = _context(words, block, center, high, ROWS)
                u_place, u_used = rows_at(inputs, context, near, column, STRIDE)
                u_step = tl.broadcast_to(step, (ROWS, COLUMNS))
                if positions is not None:
                    # subtle: these are the values before the step, unless a word occurs in several tiles of the window
                    p_place, _ = rows_at(positions, _positions(block, center, LEFT, ROWS), near, column, STRIDE)
                    u = tl.load(u_place, mask=u_used, other=0.0, cache_modifier=".cg")
                    u_step *= tl.load(p_place, mask=u_used, other=0.0, cache_modifier=".cg")
                    tl.atomic_add(p_place, step * u, mask=u_used, sem="relaxed")
                u_moves = u_used & trained(context, near, frozen_inputs)
                tl.atomic_add(u_place, u_step, mask=u_moves, sem="relaxed")
            tl.debug_barrier()  # the next window contains some of these rows, and other warps read them
    program = tl.program_id(0)
    tl.store(losses + program, tl.load(losses + program) + loss)
    tl.store(pairs + program, tl.load(pairs + program) + n_windows)
