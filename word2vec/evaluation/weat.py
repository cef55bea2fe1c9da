"""WEAT, the word embedding association test: are two sets of words associated with different attributes?

Caliskan, Bryson and Narayanan 2017, "Semantics derived automatically from language corpora contain human-like biases".
With target words X and Y and attribute words A and B,

    s(w) = mean over a in A of cos(w, a) - mean over b in B of cos(w, b)
    effect size = (mean of s over X - mean of s over Y) / standard deviation of s over X and Y

The p-value is the probability that a random partition of the target words into sets of the same sizes has a difference
of means at least as large as X and Y: over all partitions if there are few, otherwise over a random sample.

A file of tests is a text with a line `: name` for each test, followed by the four lists of words:

    : flowers and insects
    target flowers: rose tulip lily daisy
    target insects: ant wasp flea spider
    attribute pleasant: love peace joy friend
    attribute unpleasant: hatred war pain enemy
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import FormatError
from word2vec.evaluation.lookup import CaseRule, find_vectors
from word2vec.evaluation.results import WeatResult
from word2vec.evaluation.text_lines import read_lines
from word2vec.vectors.word_vectors import WordVectors

MIN_WORDS = 4  # of each list: two sets of four words have 70 partitions, so p can be 0.014 and not smaller
MAX_EXACT = 100_000  # partitions; sets of nine words have 48,620, and sets of ten 184,756
SAMPLES = 100_000  # random partitions where there are more
MAX_MISSING = 0.2  # fraction of a list that may be missing without a note
ROUNDING = 1e-9  # sums of the same associations in another order count as equal
BLOCK_CELLS = 2**20  # associations permuted at a time

WordList = tuple[str, tuple[str, ...]]
"""The name of a list, and its words."""


@dataclass(frozen=True)
class WeatTest:
    """The two target lists, X and Y, and the two attribute lists, A and B, of a test."""

    name: str
    targets: tuple[WordList, WordList]
    attributes: tuple[WordList, WordList]


def read_weat(path: str | Path) -> list[WeatTest]:
    """Read the tests of a file.

    Raises:
        FormatError: The file cannot be read, or a test is incomplete; names the file and the line.
    """
    path = Path(path)
    tests: list[tuple[int, str, dict[str, list[WordList]]]] = []
    for number, line in read_lines(path):
        if line.startswith(":"):
            tests.append((number, line[1:].strip(), {"target": [], "attribute": []}))
            continue
        head, colon, words = line.partition(":")
        role, _, name = head.strip().partition(" ")
        if not tests or not colon or role not in tests[-1][2] or not name.strip():
            raise FormatError(
                f"{path}, line {number}: expected `: name` of a test, or a list: `target flowers: rose tulip` or "
                "`attribute pleasant: love peace`"
            )
        tests[-1][2][role].append((name.strip(), tuple(dict.fromkeys(words.replace(",", " ").split()))))
    if not tests:
        raise FormatError(f"{path}: contains no tests; write a line `: name`, then two target and two attribute lists")
    return [_make_test(f"{path}, line {number}", name or path.stem, lists) for number, name, lists in tests]


def _make_test(where: str, name: str, lists: dict[str, list[WordList]]) -> WeatTest:
    """Return a test; raise FormatError if it does not have four usable lists."""
    for role, found in lists.items():
        if len(found) != 2:
            raise FormatError(f"{where}: the test {name!r} has {len(found)} {role} lists; write two of each")
        for title, words in found:
            if len(words) < MIN_WORDS:
                raise FormatError(
                    f"{where}: the list {title!r} has {len(words)} words; a test needs {MIN_WORDS} or more"
                )
        if common := set(found[0][1]) & set(found[1][1]):
            raise FormatError(f"{where}: {min(common)!r} is in both {role} lists; remove it from one of them")
    if common := {word for _, words in lists["target"] for word in words} & {
        word for _, words in lists["attribute"] for word in words
    }:
        raise FormatError(f"{where}: {min(common)!r} is both a target and an attribute; remove it from one of them")
    (first, x), (second, y) = lists["target"]
    if len(x) != len(y):
        raise FormatError(
            f"{where}: the target lists must have equal sizes; {first!r} has {len(x)} words and {second!r} has {len(y)}"
        )
    targets, attributes = (cast("tuple[WordList, WordList]", tuple(found)) for found in lists.values())
    return WeatTest(name, targets, attributes)


def evaluate_weat(
    vectors: WordVectors,
    test: WeatTest,
    *,
    case: CaseRule = "exact-then-lower",
    bootstrap: int = 1000,
    seed: int = 0,
) -> WeatResult:
    """Measure how differently two sets of target words are associated with two sets of attribute words.

    Words without a vector are left out and reported; the target sets may then have different sizes. The effect size is
    between -2 and 2, positive if the first targets are closer to the first attributes. The standard deviation is that
    of a sample. With fewer than four known words in one of the lists, the result is undefined, as its note says.

    Args:
        vectors: The vectors to evaluate.
        test: The test, see `read_weat`.
        case: How words are looked up, see `evaluate_similarity`.
        bootstrap: Number of resamples of each target set for the 95 % percentile interval; 0 for no interval.
        seed: Random seed of the resampling and of sampled partitions.

    Raises:
        ConfigError: `case` is unknown.
    """
    lists = (*test.targets, *test.attributes)
    asked = tuple(dict.fromkeys(word for _, words in lists for word in words))
    found, computed = find_vectors(vectors, asked, case)
    known = [[word for word in words if word in found] for _, words in lists]
    note = _why_undefined(lists, known)
    effect = p_value = low = high = math.nan
    partitions, exact = 0, False
    if not note:
        x, y, a, b = (np.array([found[word] for word in words], dtype=np.float64) for words in known)  # (n, D) each
        difference = a.mean(axis=0) - b.mean(axis=0)  # (D,)
        first, second = x @ difference, y @ difference  # associations s(w), (X,) and (Y,)
        effect = float(_effect_size(first, second))
        rng = np.random.default_rng(seed)
        p_value, partitions, exact = _permutation_test(first, second, rng)
        low, high = _interval(first, second, bootstrap, rng)
        note = _caveat(lists, known) if math.isfinite(effect) else "all target words have the same association"
    return WeatResult(
        name=test.name,
        targets=(test.targets[0][0], test.targets[1][0]),
        attributes=(test.attributes[0][0], test.attributes[1][0]),
        effect_size=effect,
        p_value=p_value,
        ci_low=low,
        ci_high=high,
        partitions=partitions,
        exact=exact,
        words=len(found),
        words_total=len(asked),
        oov=tuple(word for word in asked if word not in found),
        from_ngrams=computed,
        case=case,
        note=note,
    )


def _why_undefined(lists: tuple[WordList, ...], known: list[list[str]]) -> str:
    """Return why a test cannot be computed; an empty string if it can."""
    for (title, words), present in zip(lists, known, strict=True):
        if len(present) < MIN_WORDS:
            return f"only {len(present)} of {len(words)} words of {title!r} have a vector; a test needs {MIN_WORDS}"
    return ""


def _caveat(lists: tuple[WordList, ...], known: list[list[str]]) -> str:
    """Return a note if many words are missing."""
    for (title, words), present in zip(lists, known, strict=True):
        if len(present) < (1 - MAX_MISSING) * len(words):
            return f"{len(words) - len(present)} of {len(words)} words of {title!r} have no vector"
    return ""


def _effect_size(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the effect size along the last axis; NaN where all associations are equal."""
    spread = np.concatenate([first, second], axis=-1).std(axis=-1, ddof=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        size: NDArray[np.float64] = (first.mean(axis=-1) - second.mean(axis=-1)) / np.where(
            spread > ROUNDING, spread, math.nan
        )
    return size


def _permutation_test(
    first: NDArray[np.float64], second: NDArray[np.float64], rng: np.random.Generator
) -> tuple[float, int, bool]:
    """Return the one-sided p-value, the number of partitions, and whether these are all partitions.

    The sum of all associations is fixed, so the sum of the first set orders partitions as the difference of means does.
    """
    both, size = np.concatenate([first, second]), len(first)  # (N,)
    observed = first.sum() - ROUNDING * np.abs(both).sum()
    total = math.comb(len(both), size)
    if total <= MAX_EXACT:
        chosen = np.fromiter(combinations(range(len(both)), size), dtype=(np.int64, size), count=total)  # (P, X)
        return float(np.mean(both[chosen].sum(axis=1) >= observed)), total, True
    reached = sum(int((sums >= observed).sum()) for sums in _sampled_sums(both, size, rng))
    return (1 + reached) / (1 + SAMPLES), SAMPLES, False  # the observed partition is one of them, so p is not 0


def _sampled_sums(both: NDArray[np.float64], size: int, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """Yield the sums of the first sets of random partitions, in blocks."""
    rows = max(1, BLOCK_CELLS // len(both))
    for start in range(0, SAMPLES, rows):
        shuffled = rng.permuted(np.tile(both, (min(rows, SAMPLES - start), 1)), axis=1)  # (B, N)
        yield shuffled[:, :size].sum(axis=1)


def _interval(
    first: NDArray[np.float64], second: NDArray[np.float64], resamples: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the effect size; (NaN, NaN) without resamples."""
    drawn = (part[rng.integers(len(part), size=(resamples, len(part)))] for part in (first, second))  # (R, n) each
    sizes = _effect_size(*drawn)
    sizes = sizes[np.isfinite(sizes)]
    if not len(sizes):
        return math.nan, math.nan
    low, high = np.percentile(sizes, [2.5, 97.5])
    return float(low), float(high)
