"""Compare vectors of a small corpus with those of a larger one, plain and refined, without a test set.

    python evaluation/refinement_reference.py runs/small-1 runs/small-2 --reference runs/large-1 runs/large-2 \
        --output refinement-reference.json

Words that are frequent in the larger corpus have reliable vectors there, even if they are rare in the smaller one. The
reference is the cosine of two such words, the mean over the runs of the larger corpus, whose vectors are plain. By the
count of a word in the smaller corpus, two figures say how close its vectors come:

- correlation: Spearman's rank correlation with the reference, over the cosines of the words of the band with a sample
  of the frequent words that both corpora contain;
- neighbors: the fraction of the 10 nearest of this sample by the reference that are among the 10 nearest.

A band takes part only if words with its least count are expected to be frequent in the larger corpus, by the sizes of
the two; otherwise only unusual words of the band would be compared, such as names that the other texts happen to be
about. Words that the smaller corpus lacks take part if refined vectors have one for them; they are unusual words to
some degree. The method needs no human scores, so it works for any language. Takes seconds per run and setting.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from common import HelpFormatter, comma_separated, positive, report_header, write_json
from numpy.typing import NDArray
from refinement import ABLATIONS, DEFAULT, refined
from scipy.stats import spearmanr

from word2vec import WordVectors

FREQUENT = 100  # default count of words in the larger corpus
NEAREST = 10
SAMPLED, OTHERS = 500, 2000  # words of a band, and words with which they are compared
MIN_WORDS = 30  # of a band
UNKNOWN = "unknown"
BANDS = {
    UNKNOWN: (0, 0),
    "5 to 9": (5, 9),
    "10 to 19": (10, 19),
    "20 to 49": (20, 49),
    "50 to 199": (50, 199),
    "200 to 999": (200, 999),
    "1,000 or more": (1000, sys.maxsize),
}
"""The bands of frequency: the lowest and the highest counts in the smaller corpus."""


def cosines(vectors: WordVectors, words: Sequence[str], others: Sequence[str]) -> NDArray[np.float32]:
    """Return the cosines of words with words of the vocabulary, (W, O); those outside it get theirs from n-grams.

    The vectors are centered: what all words have in common, which depends on their frequency, is not compared.
    """
    mean = vectors.vectors.mean(axis=0)  # (D,)
    computed = vectors.from_ngrams(words)
    rows = np.array([computed[word] if word in computed else vectors[word] - mean for word in words])  # (W, D)
    columns = vectors.vectors[[vectors.index(word) for word in others]] - mean  # (O, D)
    products: NDArray[np.float32] = _unit(rows) @ _unit(columns).T
    return products


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-9))
    return unit


def frequent_words(references: Sequence[WordVectors], count: int) -> list[str]:
    """Return the words that occur at least `count` times in the larger corpus, in order of frequency."""
    first = references[0]
    assert first.counts is not None
    return [
        word
        for word, number in zip(first.words, first.counts.tolist(), strict=True)
        if number >= count and all(word in each for each in references)
    ]


def compare(
    vectors: WordVectors, bands: dict[str, list[str]], others: list[str], expected: dict[str, NDArray[np.float32]]
) -> dict[str, dict[str, float]]:
    """Return the number of words, the correlation and the fraction of common neighbors by band.

    Args:
        vectors: Vectors of the smaller corpus.
        bands: The words of each band.
        others: The words with which they are compared.
        expected: The reference for each band, (words, others).
    """
    found = {}
    place = {word: column for column, word in enumerate(others)}
    for band, words in bands.items():
        computed = vectors.from_ngrams(words)
        kept = [i for i, word in enumerate(words) if word in vectors or word in computed]
        if not kept:
            continue
        own = cosines(vectors, [words[i] for i in kept], others)  # (K, O)
        reference = expected[band][kept]
        different = np.ones(own.shape, bool)  # without the cosine of a word with itself
        for row, i in enumerate(kept):
            different[row, place.get(words[i], 0)] = words[i] not in place
        shared = [
            len(set(_nearest(own[row], different[row])) & set(_nearest(reference[row], different[row])))
            for row in range(len(kept))
        ]
        found[band] = {
            "words": len(kept),
            "correlation": float(spearmanr(own[different], reference[different]).statistic),
            "neighbors": float(np.mean(shared)) / NEAREST,
        }
    return found


def _nearest(similar: NDArray[np.float32], different: NDArray[np.bool_]) -> list[int]:
    """Return the positions of the nearest words, without the word itself."""
    found: list[int] = np.argpartition(np.where(different, -similar, np.inf), NEAREST)[:NEAREST].tolist()
    return found


def measure(
    runs: Sequence[Path], references: Sequence[WordVectors], labels: Sequence[str], count: int
) -> Iterator[dict[str, Any]]:
    """Compare runs with the references, plain and refined with settings of ABLATIONS."""
    frequent = frequent_words(references, count)
    for run in runs:
        plain = WordVectors.load(run)
        assert plain.counts is not None
        counts = dict(zip(plain.words, plain.counts.tolist(), strict=True))
        growth = number_of_words(references[0]) / number_of_words(plain)
        others = _sample(frequent, counts, 1, sys.maxsize, OTHERS)
        sampled = {
            band: _sample(frequent, counts, low, high, SAMPLED)
            for band, (low, high) in BANDS.items()
            if band == UNKNOWN or low * growth >= count
        }
        bands = {band: words for band, words in sampled.items() if len(words) >= MIN_WORDS}
        expected = {
            band: np.mean([cosines(each, words, others) for each in references], axis=0)
            for band, words in bands.items()
        }
        for label in ("plain", *labels):
            vectors = plain if label == "plain" else refined(plain, replace(DEFAULT, **ABLATIONS[label]))
            found = compare(vectors, bands, others, expected)
            yield {"run": run.name, "label": label, "words": number_of_words(plain), "bands": found}


def number_of_words(vectors: WordVectors) -> int:
    """Return the number of words of the corpus that are in the vocabulary."""
    assert vectors.counts is not None
    return int(vectors.counts.sum())


def _sample(words: Sequence[str], counts: dict[str, int], low: int, high: int, size: int) -> list[str]:
    """Return at most `size` of the words with these counts."""
    found = [word for word in words if low <= counts.get(word, 0) <= high]
    return [found[i] for i in np.random.default_rng(1).permutation(len(found))[:size]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run folders of smaller corpora")
    parser.add_argument(
        "--reference", nargs="+", type=Path, required=True, metavar="RUN", help="run folders of the larger corpus"
    )
    parser.add_argument("--frequent", type=positive, default=FREQUENT, help="least count in the larger corpus")
    parser.add_argument(
        "--settings",
        type=comma_separated(tuple(ABLATIONS)),
        default=["defaults"],
        metavar="LABEL,...",
        help="settings of refinement.py to measure",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.json", help="result file to write")
    options = parser.parse_args(arguments)
    report = report_header("refinement_reference.py", sys.argv[1:] if arguments is None else arguments)
    references = [WordVectors.load(run) for run in options.reference]
    report["reference_words"] = number_of_words(references[0])
    measurements: list[dict[str, Any]] = []
    for measured in measure(options.runs, references, options.settings, options.frequent):
        measurements.append(measured)
        print(measured, flush=True)
        write_json(options.output, report | {"measurements": measurements})


if __name__ == "__main__":
    main()
