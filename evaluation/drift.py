"""Find words whose use was changed on purpose: how well `word2vec drift` finds them.

    python evaluation/drift.py data/wiki8 --work runs/drift --output drift.json

The text is divided into two slices of equal content, blocks of 1,000 words in turn. In the second slice, pairs of words
of similar frequency are exchanged, so that each is used like the other one: these words changed, and no others did. A
run on both slices together is the start of a run on each slice with `--anchor`; two more runs on the slices are
independent of each other. The words are then ranked by drift. The precision is the fraction of exchanged words among as
many words of the highest drift as were exchanged. For comparison, `direct` ranks by one minus the cosine of a word's
vectors in the two anchored runs. Takes about five minutes on two cores; runs that are in the folder are used again.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from common import HelpFormatter, positive, report_header, write_json
from numpy.typing import NDArray

import word2vec
from word2vec import WordVectors, measure_drift

BLOCK = 1000  # words
BANDS = {"50 to 199": (50, 199), "200 to 999": (200, 999), "1,000 or more": (1000, 1_000_000)}
"""The bands of frequency in a slice, from which the same number of pairs is drawn."""

SETTINGS: dict[str, Any] = {}
"""Settings of all runs, beside those that are options of this script."""


def exchange(words: Sequence[str], counts: NDArray[np.int64], pairs: int, seed: int) -> dict[str, str]:
    """Draw pairs of words from each band; returns what each of the words is replaced by.

    Args:
        words: Words, most frequent first.
        counts: Their counts.
        pairs: Number of pairs in each band.
        seed: Random seed.
    """
    random = np.random.default_rng(seed)
    found: dict[str, str] = {}
    for low, high in BANDS.values():
        rows = np.flatnonzero((counts >= low) & (counts <= high))
        # neighbors in the order of frequency have about the same count
        for place in random.permutation(len(rows) // 2)[:pairs].tolist():
            one, other = words[int(rows[2 * place])], words[int(rows[2 * place + 1])]
            found |= {one: other, other: one}
    return found


def write_slices(text: Path, folder: Path, pairs: int, seed: int) -> dict[str, str]:
    """Write both slices and all of the text; returns what words of the second slice were replaced by."""
    tokens = text.read_text(encoding="utf-8").split()
    lines = [tokens[start : start + BLOCK] for start in range(0, len(tokens), BLOCK)]
    names, numbers = np.unique(np.concatenate(lines[1::2]), return_counts=True)
    order = np.argsort(-numbers, kind="stable")
    replaced = exchange([str(names[row]) for row in order], numbers[order], pairs, seed)
    slices = lines[0::2], [[replaced.get(word, word) for word in line] for line in lines[1::2]]
    for name, content in (("first", slices[0]), ("second", slices[1]), ("all", [*slices[0], *slices[1]])):
        (folder / f"{name}.txt").write_text("\n".join(map(" ".join, content)) + "\n", encoding="utf-8")
    return replaced


def train(folder: Path, slice_: str, run: str, **settings: Any) -> WordVectors:
    """Train a run, or load it if it is there."""
    if not (folder / run / "vectors.safetensors").exists():
        word2vec.train(str(folder / f"{slice_}.txt"), output=folder / run, **settings)
    return WordVectors.load(folder / run)


def precision(first: WordVectors, second: WordVectors, changed: set[str], **options: Any) -> dict[str, float]:
    """Return the precision of the ranking by drift, and the median drift of the words that did and did not change."""
    compared = measure_drift(first, second, n=10**9, bootstrap=1, **options).words
    inside = {each.word for each in compared} & changed
    found = sum(each.word in inside for each in compared[: len(inside)])
    drifts = [[each.drift for each in compared if (each.word in inside) == which] for which in (True, False)]
    return {
        "words": len(compared),
        "changed": len(inside),
        "precision": found / len(inside),
        "median_changed": float(np.median(drifts[0])),
        "median_others": float(np.median(drifts[1])),
    }


def direct(first: WordVectors, second: WordVectors, changed: set[str], restrict: int) -> float:
    """Return the precision of the ranking by the cosine of a word's vectors in two runs that share a space."""
    compared = [each.word for each in measure_drift(first, second, n=restrict, restrict=restrict, bootstrap=1).words]
    one, other = (each.unit[[each.index(word) for word in compared]] for each in (first, second))
    order, inside = np.argsort(np.einsum("wd,wd->w", one, other)), changed & set(compared)
    return sum(compared[row] in inside for row in order[: len(inside)]) / len(inside)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("text", type=Path, metavar="TEXT", help="text file of words separated by spaces")
    parser.add_argument("--pairs", type=positive, default=25, help="pairs of words to exchange in each band")
    parser.add_argument("--restrict", type=positive, default=20_000, help="number of words to compare")
    parser.add_argument("--seed", type=positive, default=1, help="random seed")
    parser.add_argument("--epochs", type=positive, default=5, help="epochs of each run")
    parser.add_argument("--threads", type=positive, default=None, help="threads of each run")
    parser.add_argument("--work", type=Path, required=True, metavar="FOLDER", help="folder of slices and runs")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.json", help="result file to write")
    options = parser.parse_args(arguments)
    report = report_header("drift.py", sys.argv[1:] if arguments is None else arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    changed = set(write_slices(options.text, options.work, options.pairs, options.seed))
    settings = {**SETTINGS, "epochs": options.epochs, "seed": options.seed, "threads": options.threads}
    train(options.work, "all", "compass", **settings)
    anchor = {"start_from": str(options.work / "compass"), "anchor": True}
    for kind, more in (("anchored", anchor), ("independent", {})):
        first, second = (
            train(options.work, name, f"{kind}-{name}", **settings, **more) for name in ("first", "second")
        )
        report[kind] = precision(first, second, changed, restrict=options.restrict)
        if more:
            report[kind]["direct"] = direct(first, second, changed, options.restrict)
        print(kind, report[kind], flush=True)
    write_json(options.output, report)


if __name__ == "__main__":
    main()
