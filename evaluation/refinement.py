"""Measure what the refinement of finished vectors gains: test sets, ablations of its settings, neighbors.

    for seed in 1 2 3; do word2vec train data/wiki8 --preset quality --seed $seed --output runs/quality-$seed; done
    python evaluation/refinement.py runs/quality-1 runs/quality-2 runs/quality-3 --output refinement-wiki8.json

Each run is scored plain, refined with the default settings, and refined with one setting changed at a time; this takes
about 15 seconds per run and setting, and --settings selects some of them. Runs of several corpora may be given: their
names are the name of the corpus, a hyphen and the seed. The scores are also given for two halves of each test set, so
that settings can be chosen on one half and confirmed on the other: pairs are assigned in turn, and analogy questions by
their first pair of words, so that no such pair is in both halves.

With --choose, lengths and penalty are chosen without any test set, by how well the vectors of frequent words are
predicted that were left out of the regression (repeated random splits), and the refinement with them is scored.
"""

import argparse
import itertools
import math
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from common import RESTRICT, HelpFormatter, comma_separated, number, report_header, write_json

from word2vec import WordVectors
from word2vec.evaluation.analogies import answer_questions
from word2vec.evaluation.benchmarks import PairSet, read_pairs, read_questions
from word2vec.evaluation.lookup import find_rows
from word2vec.evaluation.similarity import MIN_PAIRS, evaluate_similarity
from word2vec.vectors.refinement import Refinement, refine_table

DEFAULT = Refinement()
ABLATIONS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "output_weight 0": {"output_weight": 0.0},
    "output_weight 0.5": {"output_weight": 0.5},
    "penalty 0.1": {"penalty": 0.1},
    "penalty 2": {"penalty": 2.0},
    "prior_count 0": {"prior_count": 0.0},
    "prior_count 10": {"prior_count": 10.0},
    "prior_count 100": {"prior_count": 100.0},
    "prediction_weight 0": {"prediction_weight": 0.0},
    "prediction_weight 0.25": {"prediction_weight": 0.25},
    "prediction_weight 1": {"prediction_weight": 1.0},
    "lengths 3-6": {"lengths": (3, 6)},
    "lengths 5-5": {"lengths": (5, 5)},
    "lengths 3-5": {"lengths": (3, 5)},
    "min_words 2": {"min_words": 2},
    "min_words 5": {"min_words": 5},
    "full_count 1": {"full_count": 1.0},
    "full_count 100": {"full_count": 100.0},
    "steps 6": {"steps": 6},
    "steps 30": {"steps": 30},
    "buckets 200000": {"buckets": 200_000},
}
"""Changes of the default settings by their labels."""
PAIR_SETS = ("wordsim353", "simlex999")
FREQUENT = 100  # occurrences of words whose vectors are predicted by cross-validation
REPEATS, HIDDEN = 2, 0.2  # number of random splits, and the fraction of the frequent words that a split leaves out
DIMENSIONS = 64  # used by cross-validation: all dimensions are alike, and fewer take less time
CHOICES: dict[str, tuple[Any, ...]] = {
    "lengths": ((3, 5), (3, 6), (4, 6), (5, 6)),
    "penalty": (0.03, 0.1, 0.3, 1.0, 3.0),
}
NEIGHBORS_OF = {
    "over 1,000": ("king", "running", "computer"),
    "100 to 1,000": ("glacier", "sailing"),
    "20 to 100": ("cheerful", "vaccine"),
    "5 to 20": ("unhappily", "gallop"),
}
"""Words whose neighbors are listed, by their counts in wiki8."""
STEM = 4  # first characters that words with a similar spelling have in common
SAMPLED = 200  # words of a frequency band whose neighbors are compared
BANDS = {"over 1,000": (1000, None), "100 to 1,000": (100, 1000), "20 to 100": (20, 100), "5 to 20": (5, 20)}


def halves(name: str) -> list[PairSet]:
    """Return a set of word pairs and its two halves."""
    pairs = read_pairs(name)
    return [pairs, *(replace(pairs, words=pairs.words[i::2], scores=pairs.scores[i::2]) for i in (0, 1))]


def score(vectors: WordVectors) -> dict[str, list[float | None]]:
    """Score vectors: for each measure, on the set and on its two halves; None where a score is undefined.

    Pairs with unknown words are left out, so that plain and refined vectors are compared on the same pairs.
    """
    known = WordVectors(vectors.words, vectors.vectors, counts=vectors.counts)  # without n-grams
    scores = {name: [_spearman(known, part) for part in halves(name)] for name in PAIR_SETS}
    questions = read_questions("questions-words")
    answers = answer_questions(known, questions, restrict=RESTRICT, method="3cosadd", case="gensim")
    outcomes = [
        (section.kind, half, outcome)
        for section, answered in zip(questions.sections, answers, strict=True)
        for half, outcome in zip(_half_of(section.questions), answered, strict=True)
        if outcome is not None
    ]
    for kind in ("analogies", "semantic", "syntactic"):
        asked = [(half, outcome) for each, half, outcome in outcomes if kind in ("analogies", each)]
        parts = [[outcome for half, outcome in asked if only in (None, half)] for only in (None, 0, 1)]
        scores[kind] = [statistics.mean(part) if part else None for part in parts]
    return scores


def score_unknown(vectors: WordVectors) -> dict[str, dict[str, float | None]]:
    """Return, by set, how many pairs and questions contain unknown words, and what refined vectors of these gain.

    Args:
        vectors: Plain vectors.

    Returns:
        For each set its size and the number of pairs or questions with unknown words ("missing"), and for pairs four
        correlations: of the pairs with unknown words, refined ("unknown"), and of all pairs, where words without a
        vector count as a cosine of 0: plain, refined without the vectors of unknown words ("known"), and refined.
    """
    with_ngrams = refined(vectors, DEFAULT)
    known = WordVectors(with_ngrams.words, with_ngrams.vectors)
    scores: dict[str, dict[str, float | None]] = {}
    for name in PAIR_SETS:
        pairs = read_pairs(name)
        rows = find_rows(vectors.words, (word for pair in pairs.words for word in pair), "exact-then-lower")
        missing = [i for i, pair in enumerate(pairs.words) if any(rows[word] < 0 for word in pair)]
        part = replace(pairs, words=tuple(pairs.words[i] for i in missing), scores=pairs.scores[missing])
        scores[name] = {
            "size": len(pairs.words),
            "missing": len(missing),
            "unknown": _spearman(with_ngrams, part) if missing else None,
            "plain": _spearman(vectors, pairs, oov="zero"),
            "known": _spearman(known, pairs, oov="zero"),
            "refined": _spearman(with_ngrams, pairs, oov="zero"),
        }
    frequent = set(vectors.words[:RESTRICT])
    questions = [each for section in read_questions("questions-words").sections for each in section.questions]
    missing_words = sum(any(word.lower() not in frequent for word in each) for each in questions)
    scores["analogies"] = {"size": len(questions), "missing": missing_words}
    return scores


def _spearman(vectors: WordVectors, pairs: PairSet, oov: Literal["skip", "zero"] = "skip") -> float | None:
    """Return a correlation; None with too few pairs."""
    result = evaluate_similarity(vectors, pairs, oov=oov, bootstrap=0)
    return result.spearman if result.pairs >= MIN_PAIRS and not math.isnan(result.spearman) else None


def _half_of(questions: Sequence[tuple[str, str, str, str]]) -> list[int]:
    """Return the half, 0 or 1, of each question of a section."""
    first: dict[tuple[str, str], int] = {}
    return [first.setdefault(question[:2], len(first)) % 2 for question in questions]


def refined(vectors: WordVectors, settings: Refinement) -> WordVectors:
    """Return refined vectors."""
    return vectors.refine(**asdict(settings))


def measure(runs: Sequence[Path], labels: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Score runs, plain and refined with settings of ABLATIONS."""
    for run in runs:
        vectors = WordVectors.load(run)
        assert vectors.counts is not None
        facts = {"words": int(vectors.counts.sum()), "unknown": score_unknown(vectors)}
        yield {"run": run.name, "label": "plain", **facts, "scores": score(vectors)}
    for label, run in itertools.product(labels, runs):
        change = ABLATIONS[label]
        vectors = refined(WordVectors.load(run), replace(DEFAULT, **change))
        yield {"run": run.name, "label": label, "settings": change, "scores": score(vectors)}


def choose(runs: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Choose lengths and penalty of each run by cross-validation and score the refinement with them."""
    yield from map(_choose, runs)


def _choose(run: Path) -> dict[str, Any]:
    vectors = WordVectors.load(run)
    assert vectors.counts is not None
    tried = []
    for lengths, penalty in itertools.product(*CHOICES.values()):
        settings = replace(DEFAULT, lengths=lengths, penalty=penalty, prediction_weight=0)
        tried.append({"lengths": list(lengths), "penalty": penalty, "cosine": held_out_cosine(vectors, settings)})
        print(tried[-1], file=sys.stderr, flush=True)
    best = max(tried, key=lambda each: each["cosine"])
    settings = replace(DEFAULT, lengths=tuple(best["lengths"]), penalty=best["penalty"])
    return {
        "run": run.name,
        "label": "chosen",
        "tried": tried,
        "settings": {"lengths": settings.lengths, "penalty": settings.penalty},
        "scores": score(refined(vectors, settings)),
    }


def held_out_cosine(vectors: WordVectors, settings: Refinement) -> float:
    """Return the mean cosine of the vectors of frequent words with their predictions, without them in the regression.

    Words whose n-grams are all unknown count as 0.
    """
    assert vectors.counts is not None
    table = vectors.vectors[:, :DIMENSIONS]
    frequent = np.flatnonzero(vectors.counts >= FREQUENT)
    centered = table - table.mean(axis=0)
    cosines = []
    for seed in range(REPEATS):
        hidden = np.random.default_rng(seed).permutation(frequent)[: int(HIDDEN * len(frequent))]
        rest = np.setdiff1d(np.arange(len(vectors)), hidden)
        words = [vectors.words[row] for row in rest]
        _, subwords = refine_table(words, table[rest], None, vectors.counts[rest], settings)
        predicted, _ = subwords.vectors([vectors.words[row] for row in hidden])
        lengths = np.linalg.norm(predicted, axis=1) * np.linalg.norm(centered[hidden], axis=1)
        cosines.append(np.einsum("nd,nd->n", predicted, centered[hidden]) / np.maximum(lengths, 1e-9))
    return float(np.concatenate(cosines).mean())


def neighbors(run: Path) -> dict[str, Any]:
    """Compare plain and refined neighbors: examples, and how many have a similar spelling, by the count of the word."""
    vectors = refined(WordVectors.load(run), DEFAULT)
    assert vectors.counts is not None
    examples = [
        {
            "band": band,
            "word": word,
            "plain": _nearest(vectors, word, refined=False),
            "refined": _nearest(vectors, word, refined=True),
        }
        for band, words in NEIGHBORS_OF.items()
        for word in words
        if word in vectors
    ]
    shares = []
    for band, (low, high) in BANDS.items():
        rows = np.flatnonzero((vectors.counts >= low) & (vectors.counts < (high or np.inf)))
        words = [vectors.words[row] for row in np.random.default_rng(1).permutation(rows)[:SAMPLED]]
        shares.append(
            {
                "band": band,
                **{
                    name: statistics.mean(_share(vectors, word, refined=name == "refined") for word in words)
                    for name in ("plain", "refined")
                },
            }
        )
    return {"examples": examples, "similar_spelling": shares}


def _nearest(vectors: WordVectors, word: str, *, refined: bool, n: int = 5) -> list[str]:
    return [neighbor for neighbor, _ in vectors.nearest(word, n=n, refined=refined)]


def _share(vectors: WordVectors, word: str, *, refined: bool) -> float:
    """Return the fraction of the ten nearest words that begin like the word."""
    return statistics.mean(near[:STEM] == word[:STEM] for near in _nearest(vectors, word, refined=refined, n=10))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run folders, trained with different seeds")
    parser.add_argument(
        "--settings",
        type=comma_separated(tuple(ABLATIONS)),
        default=list(ABLATIONS),
        metavar="LABEL,...",
        help="settings to measure",
    )
    parser.add_argument("--choose", action="store_true", help="choose lengths and penalty by cross-validation instead")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.json", help="result file to write")
    options = parser.parse_args(arguments)
    report = report_header("refinement.py", sys.argv[1:] if arguments is None else arguments)
    measurements: list[dict[str, Any]] = []
    if not options.choose:
        report["neighbors"] = neighbors(options.runs[0])
    for measured in choose(options.runs) if options.choose else measure(options.runs, options.settings):
        measurements.append(measured)
        shown = {name: number(each[0], 1, 100) for name, each in measured["scores"].items()}
        print(measured["run"], measured["label"], shown, flush=True)
        write_json(options.output, report | {"measurements": measurements})


if __name__ == "__main__":
    main()
