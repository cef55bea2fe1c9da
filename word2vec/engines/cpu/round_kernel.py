"""The compiled loop of deterministic.py: blocks of all shards in rounds, with threads that wait for each other."""

import functools
import sys
from collections.abc import Callable

import numpy as np
from llvmlite import ir
from numba import types

from word2vec.engines.cpu.compiling import IMPORTED, compiled_kernel, digest_of, inlined
from word2vec.engines.cpu.kernel import STAGED, add_counts, new_buffers, stage_block, subsample, train_block
from word2vec.engines.cpu.objectives import is_packed
from word2vec.engines.cpu.simd import align_stack, keep_alive, padded_targets, pointers
from word2vec.engines.cpu.staging import add_changes, keep_changes
from word2vec.system.instructions import INT32, INT64, intrinsic, unpacked

SPINS = 2000  # times that a waiting thread looks for the others before it lets another thread run: some microseconds
YIELD = "SwitchToThread" if sys.platform == "win32" else "sched_yield"  # a function of the operating system
F = np.float32


@functools.cache
def round_kernel(objective: str, negatives: int, corrected: bool, frozen: bool = False) -> Callable[..., None]:
    """Return the compiled loop `train_rounds(...)`, which trains the current chunks of all shards in rounds.

    All threads call it at once. Its arguments beside those of `kernel`:

    - kept: (shards,) int64, the number of words of each chunk, which the function of `read_kernel` returned.
    - first_lr, last_lr: The learning rate before and after the chunks, between which it changes linearly.
    - states: The states of all shards, a tuple; a thread trains those whose number modulo `threads` is `rank`.
    - met: (1,) int64, zero before the first thread begins: counts the arrivals of threads at the ends of steps.

    Args:
        objective: Name of the objective in LOSSES.
        negatives: Number of noise words per center word.
        corrected: Whether `log_q` is subtracted from the scores.
        frozen: Whether rows of the tables are frozen.
    """
    n_targets = 1 + negatives
    padded = padded_targets(n_targets)
    packed = is_packed(objective, corrected)

    def train_rounds(kept, sampling, tables, constants, first_lr, last_lr, states, rank, threads, met):
        align_stack()
        memory, table, shards = new_buffers(n_targets, padded), pointers(tables), pointers(states)
        block, last, arrivals = shards[0].stage.block_words, max(kept), 0
        for start in range(0, last, block):
            lr = F(first_lr + (last_lr - first_lr) * start / last)
            for number in range(rank, len(states), threads):
                thread, n_kept, text_slots, slots = shards[number], kept[number], 0, 0
                if start < n_kept:
                    memory.loss[:] = 0
                    stop = min(n_kept, start + block)
                    text_slots, slots, state = stage_block(
                        start, stop, n_kept, sampling, table, thread, thread.random[0]
                    )
                    _, pairs, state = train_block(
                        start,
                        stop,
                        0,
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
                    keep_changes(thread.stage, text_slots, slots)
                    thread.random[0] = state
                    add_counts(thread, pairs, memory.loss)
                thread.stage.used[0], thread.stage.used[1] = text_slots, slots
            arrivals += threads
            _meet(met, arrivals)
            for number in range(len(states)):
                stage = shards[number].stage
                add_changes(stage, stage.used[0], stage.used[1], table, rank, threads, frozen)
            arrivals += threads
            _meet(met, arrivals)
        keep_alive(memory)

    settings = f"{objective}_{negatives}_{corrected}_{frozen}"
    train_rounds.__qualname__ = f"train_rounds_{settings}_{digest_of(*IMPORTED, *STAGED, 'kernel.py'):08x}"
    return compiled_kernel(train_rounds)


@functools.cache
def read_kernel() -> Callable[..., int]:
    """Return the compiled function `read(text, first, last, sampling, thread)`, which subsamples sentences.

    It writes the words that survive to `thread.kept` and returns their number.
    """

    def read(text, first, last, sampling, thread):
        n_kept, state = subsample(text, first, last, sampling.keep, thread, thread.random[0])
        thread.random[0] = state
        return n_kept

    read.__qualname__ = f"read_{digest_of(*IMPORTED, 'kernel.py'):08x}"
    return compiled_kernel(read)


@inlined
def _meet(met, arrivals):
    """Wait until threads have arrived so many times; what each wrote before can be read by all then."""
    _arrive(met)
    spins = 0
    while _arrived(met) < arrivals:
        spins += 1
        if spins > SPINS:
            _yield_processor()


@intrinsic
def _arrive(typing_context, counter):
    def generate(context, builder, signature, arguments):
        (counter,) = unpacked(context, builder, signature, arguments)
        builder.atomic_rmw("add", counter, INT64(1), "seq_cst")
        return context.get_dummy_value()

    return types.void(counter), generate


@intrinsic
def _arrived(typing_context, counter):
    def generate(context, builder, signature, arguments):
        (counter,) = unpacked(context, builder, signature, arguments)
        return builder.load_atomic(counter, "seq_cst", 8)

    return types.int64(counter), generate


@intrinsic
def _yield_processor(typing_context):
    def generate(context, builder, signature, arguments):
        function = builder.module.globals.get(YIELD) or ir.Function(builder.module, ir.FunctionType(INT32, ()), YIELD)
        builder.call(function, ())
        return context.get_dummy_value()

    return types.void(), generate
