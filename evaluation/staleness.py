"""How many programs of the GPU engine may work at once before the vectors get worse, found out without a GPU.

    python evaluation/staleness.py CORPUS [--programs 1,396,1584] [--seeds 1] [--set KEY=VALUE]

The algorithm of word2vec/engines/gpu_kernel.py in lockstep: all programs read the tables, each does one center word,
then all write. On a GPU programs drift apart, but what each reads is as old on average. Negative sampling only. Prints
a table of scores and writes them to a JSON file.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import torch
from compare import comma_separated, commit, hardware, positive, shown_command, versions, write_atomically
from objectives import setting
from peers import HERE, RESTRICT
from summary import markdown_table

from word2vec import TrainConfig, WordVectors, evaluate_analogies, evaluate_similarity
from word2vec.config import make_config
from word2vec.corpus.index import index_corpus
from word2vec.engines.gpu.tiling import Shape, tile_shape
from word2vec.errors import Word2VecError
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import SamplingSettings, SkipGramDataset
from word2vec.sampling.distributions import draw_negatives, subsample
from word2vec.sampling.shards import chunks
from word2vec.training.loop import learning_rate
from word2vec.training.setup import DEFAULT_LR

CHUNK_WORDS = 1 << 21  # as in engines/gpu.py
SCORES = ("wordsim353", "simlex999", "analogies")


LIBERTIES = {"reassoc", "contract", "nsz", "arcp"}
ONE = np.float32(1)


@numba.njit(fastmath=LIBERTIES, error_model="numpy")
def _add(row, other, factor=ONE):  # type: ignore[no-untyped-def]
    """Add to a row (D,): numba's own addition of rows makes a third one."""
    for d in range(len(row)):
        row[d] += factor * other[d]


@numba.njit(fastmath=LIBERTIES, error_model="numpy")
def _train_pair(x, y, y_steps, lr, step):  # type: ignore[no-untyped-def]
    """Move an input row x (D,) and add to the steps of the targets (1 + K, D), of which y (1 + K, D) are the rows."""
    dim = len(x)
    step[:] = 0
    for k in range(len(y)):
        target, target_step = y[k], y_steps[k]
        score = np.float32(0)
        for d in range(dim):
            score += x[d] * target[d]
        g = -lr * (ONE / (ONE + np.exp(-score)) - np.float32(k == 0))
        for d in range(dim):
            step[d] += g * target[d]
        for d in range(dim):
            target_step[d] += g * x[d]
    for d in range(dim):
        x[d] += step[d]


@numba.njit(fastmath=LIBERTIES, error_model="numpy")
def lockstep(words, sentences, targets, widths, inputs, outputs, programs, centers, rows, window, lr_first, lr_last):  # type: ignore[no-untyped-def]
    """Train on a chunk of surviving words; arguments as of gpu_kernel.train, the tables (V, D)."""
    total, dim, n_targets = len(words), inputs.shape[1], targets.shape[1]
    groups = (total + centers - 1) // centers
    stretch = (groups + programs - 1) // programs * centers
    x = np.zeros((programs, rows, dim), np.float32)
    start = np.zeros((programs, rows, dim), np.float32)
    y_steps = np.zeros((programs, n_targets, dim), np.float32)
    y, own = np.zeros((n_targets, dim), np.float32), np.zeros(dim, np.float32)
    for step in range(stretch):
        for p in range(programs):
            center = p * stretch + step
            if center >= total:
                continue
            block = center - step % centers - window
            if step % centers == 0:
                for r in range(max(0, -block), min(rows, total - block)):
                    start[p, r] = 0
                    _add(start[p, r], inputs[words[block + r]])
                    x[p, r] = 0
                    _add(x[p, r], start[p, r])
            lr = np.float32(lr_first + (lr_last - lr_first) * center / total)
            for k in range(n_targets):
                y[k] = 0
                _add(y[k], outputs[targets[center, k]])
            y_steps[p] = 0
            for place in range(max(0, center - widths[center]), min(total, center + widths[center] + 1)):
                if place != center and sentences[place] == sentences[center]:
                    _train_pair(x[p, place - block], y, y_steps[p], lr, own)
        for p in range(programs):
            center = p * stretch + step
            if center >= total:
                continue
            for k in range(n_targets):
                _add(outputs[targets[center, k]], y_steps[p, k])
            if step % centers == centers - 1 or center == total - 1:
                block = center - step % centers - window
                for r in range(max(0, -block), min(rows, total - block)):
                    _add(inputs[words[block + r]], x[p, r])
                    _add(inputs[words[block + r]], start[p, r], -ONE)


def train_in_lockstep(config: TrainConfig, programs: int) -> WordVectors:
    """Train as the GPU engine does with so many programs."""
    corpus = index_corpus(config.corpus)
    vocabulary = corpus.vocabulary(config.min_count, config.max_vocab)
    settings = SamplingSettings(config.window, config.negatives, config.subsample, config.noise_exponent)
    dataset = SkipGramDataset(corpus.tokens, corpus.offsets, vocabulary, settings, seed=config.seed)
    model = SkipGram(len(vocabulary), config.dim, torch.Generator().manual_seed(config.seed))
    inputs, outputs = (table.detach().numpy() for table in (model.input, model.output))
    shape, generator, work = _one_block(config), torch.Generator().manual_seed(config.seed), 0
    whole = config.epochs * len(corpus.tokens)
    for _ in range(config.epochs):
        for begin, end in chunks(corpus.offsets, 0, len(corpus.offsets) - 1, CHUNK_WORDS):
            drawn = _draw(dataset, begin, end, generator)
            before, work = work, work + int(corpus.offsets[end] - corpus.offsets[begin])
            rates = [learning_rate(done / whole, config.lr or DEFAULT_LR, config.min_lr) for done in (before, work)]
            lockstep(*drawn, inputs, outputs, programs, shape.centers, shape.rows, config.window, *rates)  # type: ignore[call-arg]
    return WordVectors(vocabulary.words, inputs, counts=vocabulary.counts)


def _one_block(config: TrainConfig) -> Shape:
    shape = tile_shape(config.dim, config.negatives, config.window)
    if shape.centers + 2 * config.window > shape.rows:
        raise SystemExit("the window is too wide for one tile, which is all that is written here")
    return shape


def _draw(dataset: SkipGramDataset, begin: int, end: int, generator: torch.Generator) -> list[npt.NDArray[np.integer]]:
    """Words (N,), sentences (N,), targets (N, 1 + K) and widths (N,) of the sentences begin..end."""
    ids, sentence = dataset._read(begin, end)
    kept = subsample(dataset.keep, ids, generator)
    ids, sentence = ids[kept], sentence[kept]
    noise = draw_negatives(dataset.alias, ids, dataset.settings.negatives, generator)
    widths = torch.randint(1, dataset.settings.window + 1, (len(ids),), generator=generator)
    return [each.numpy() for each in (ids, sentence, torch.cat([ids[:, None], noise], dim=1), widths)]


def _scores(config: TrainConfig, programs: int) -> dict[str, float | None]:
    """What the vectors are worth; None where training diverged."""
    try:
        vectors = train_in_lockstep(config, programs)
    except Word2VecError:  # the vectors hold nan or infinity
        return dict.fromkeys(SCORES)
    pairs = {name: evaluate_similarity(vectors, name, bootstrap=0).spearman for name in SCORES[:2]}
    return {**pairs, SCORES[2]: evaluate_analogies(vectors, "questions-words", restrict=RESTRICT).accuracy}


def main(arguments: Sequence[str]) -> int:
    """Train, score, print, write; returns the exit code."""
    parser = argparse.ArgumentParser(prog="staleness.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("corpus", help="as `word2vec train` takes it")
    parser.add_argument("--programs", type=comma_separated(), default=["1", "396", "1584"], help="how many at once")
    parser.add_argument("--seeds", type=positive, default=1, help="how many")
    parser.add_argument("--set", type=setting, action="append", default=[], help="other settings, as KEY=VALUE")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "staleness.json")
    options = parser.parse_args(arguments)
    measured: list[dict[str, Any]] = []
    for programs in map(int, options.programs):
        for seed in range(1, options.seeds + 1):
            config = make_config(dict(options.set), {"corpus": [options.corpus], "seed": seed})
            scores = _scores(config, programs)
            measured.append({"programs": programs, "seed": seed, **scores})
            report: dict[str, object] = {
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
                "command": shown_command(arguments, "staleness.py"),
                "commit": commit(),
                "hardware": hardware("cpu"),
                "versions": versions(),
                "settings": dict(options.set),
                "measurements": measured,
            }
            write_atomically(options.output, report)
            print(measured[-1], file=sys.stderr)
    rows = [
        [
            str(each["programs"]),
            str(each["seed"]),
            *("diverged" if each[name] is None else f"{100 * each[name]:.1f}" for name in SCORES),
        ]
        for each in measured
    ]
    print(markdown_table(["programs", "seed", "WordSim-353", "SimLex-999", "analogies"], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
