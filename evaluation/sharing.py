"""Count how many rows threads fetch per word, and how many of them another processor core has changed.

    python evaluation/sharing.py CORPUS [--threads 1,2,8,16,64,128] [--output FILE.json]

A row that another core has changed travels between caches, which takes longer than the arithmetic on it. This script
simulates threads that train skip-gram in step, each on its own shard of the corpus: directly on the tables, a center
word at a time, or in blocks of private rows as in word2vec/engines/cpu/staging.py, with the sizes of blocks used there.
It counts, per center word,

- fetched rows: those that are not among the rows that the thread has used last and that fit its private cache. A row
  that another thread has changed in the meantime counts as fetched again;
- foreign rows: the fetched rows that another thread changed last, within the rows that fit its cache.

It simulates accesses, not time. Each access counts as a change, also the copying of a row to private memory. Whether a
row is in a shared cache or in memory is left out. Takes a minute.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numba
import numpy as np
import numpy.typing as npt
import torch
from common import HelpFormatter, comma_separated, report_header, write_json
from renderers.sharing import sharing

from word2vec import SamplingSettings, SkipGramDataset, index_corpus
from word2vec.engines.cpu.simd import padded_width
from word2vec.engines.draws import block_words, pool_size, unseen_words
from word2vec.sampling.distributions import subsample

CACHE_BYTES = 1 << 20  # private cache of a processor core
WINDOW, NEGATIVES, DIM = 5, 5, 100
STEPS = 400_000  # center words of all threads together


@numba.njit
def _use(row, thread, now, capacity, writer, written, used, counts):  # type: ignore[no-untyped-def]
    """Read and write a row; `now` counts the rows that the thread has used."""
    mine = writer[row] == thread and now[thread] - used[row] < capacity
    foreign = writer[row] >= 0 and writer[row] != thread and now[writer[row]] - written[row] < capacity
    counts[0] += not mine
    counts[1] += foreign
    now[thread] += not mine
    writer[row], written[row], used[row] = thread, now[thread], now[thread]


@numba.njit
def train_directly(words, noise, widths, threads, steps, vocabulary, capacity):  # type: ignore[no-untyped-def]
    """Count rows when all threads train one center word in turn."""
    writer = np.full(2 * vocabulary, -1, np.int32)
    written, used = np.zeros(2 * vocabulary, np.int64), np.zeros(2 * vocabulary, np.int64)
    now, counts, shard = np.zeros(threads, np.int64), np.zeros(2, np.int64), len(words) // threads
    for step in range(steps // threads):
        for thread in range(threads):
            place = thread * shard + WINDOW + step
            for other in range(place - widths[place], place + widths[place] + 1):
                if other != place:
                    _use(words[other], thread, now, capacity, writer, written, used, counts)
            _use(vocabulary + words[place], thread, now, capacity, writer, written, used, counts)
            for k in range(NEGATIVES):
                word = noise[(place * NEGATIVES + k) % len(noise)]
                _use(vocabulary + word, thread, now, capacity, writer, written, used, counts)
    return counts


@numba.njit
def train_blocks(words, noise, block, pool, threads, steps, vocabulary, capacity):  # type: ignore[no-untyped-def]
    """Count rows when all threads train one block in turn, whose rows are fetched before and merged after it."""
    writer = np.full(2 * vocabulary, -1, np.int32)
    written, used = np.zeros(2 * vocabulary, np.int64), np.zeros(2 * vocabulary, np.int64)
    now, counts, shard = np.zeros(threads, np.int64), np.zeros(2, np.int64), len(words) // threads
    slots = np.empty((threads, 2 * (block + 2 * WINDOW) + pool), np.int64)
    seen, stamp, drawn = np.zeros(2 * vocabulary, np.int64), 0, 0
    for step in range(steps // threads // block):
        lengths = np.zeros(threads, np.int64)
        for thread in range(threads):
            stamp += 1
            start = thread * shard + WINDOW + step * block
            for place in range(start - WINDOW, start + block + WINDOW):
                for row in (words[place], vocabulary + words[place]):
                    if seen[row] != stamp:
                        seen[row] = stamp
                        slots[thread, lengths[thread]] = row
                        lengths[thread] += 1
            for _ in range(pool):
                row = vocabulary + noise[drawn % len(noise)]
                drawn += 1
                if seen[row] != stamp:
                    seen[row] = stamp
                    slots[thread, lengths[thread]] = row
                    lengths[thread] += 1
        for _ in range(2):  # to copy and to merge
            for thread in range(threads):
                for slot in range(lengths[thread]):
                    _use(slots[thread, slot], thread, now, capacity, writer, written, used, counts)
    return counts


def simulate(corpus: str, threads: int) -> dict[str, float]:
    """Count the rows per center word of a number of threads."""
    index = index_corpus([corpus])
    vocabulary = index.vocabulary(5, None)
    settings = SamplingSettings(WINDOW, NEGATIVES)
    dataset = SkipGramDataset(index.tokens, index.offsets, vocabulary, settings, seed=1)
    generator = torch.Generator().manual_seed(1)
    ids = torch.from_numpy(np.asarray(index.tokens[: 6 * STEPS]).astype(np.int64))
    ids = ids[(ids >= 0) & (ids < len(vocabulary))]
    words: npt.NDArray[np.int64] = ids[subsample(dataset.keep, ids, generator)].numpy()
    noise = dataset.alias.draw((1 << 20,), generator).numpy()
    widths = np.random.default_rng(1).integers(1, WINDOW + 1, len(words))
    capacity = CACHE_BYTES // (4 * padded_width(DIM))
    block = block_words(DIM)
    if threads > 1:
        block = max(4, min(block, unseen_words(float(dataset.pair_frequency.max()), 2 * WINDOW) // threads))
    result: dict[str, float] = {"threads": threads, "block": block}
    direct = train_directly(words, noise, widths, threads, STEPS, len(vocabulary), capacity)
    blocks = train_blocks(words, noise, block, pool_size(block, NEGATIVES), threads, STEPS, len(vocabulary), capacity)
    for name, counts in (("direct", direct), ("blocks", blocks)):
        steps = STEPS // threads * threads if name == "direct" else STEPS // threads // block * block * threads
        result |= {f"{name}_fetched": counts[0] / steps, f"{name}_foreign": counts[1] / steps}
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("corpus", help="corpus, as for `word2vec train`")
    parser.add_argument("--threads", type=comma_separated(), default="1,2,8,16,64,128", help="numbers of threads")
    parser.add_argument("--output", type=Path, metavar="FILE.json", help="result file to write")
    options = parser.parse_args(arguments)
    report = report_header("sharing.py", sys.argv[1:] if arguments is None else arguments)
    report["measurements"] = [simulate(options.corpus, int(threads)) for threads in options.threads]
    if options.output:
        write_json(options.output, report)
    print(sharing(report))


if __name__ == "__main__":
    main()
