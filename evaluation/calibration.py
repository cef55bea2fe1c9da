"""Check the p-values of `word2vec compare` by simulation: how often they are below 5 % if two systems are equal.

    python evaluation/calibration.py --simulations 2000

The cosine of a word pair in a run is a multiple of its human score, plus noise of the system and noise of the run. Both
are new for each simulation and independent between pairs; the multiple differs between runs if seeds differ in their
overall quality. The answer to an analogy question depends on noise of its two word pairs, and on noise of its own.

Beside the tests of the package, two that are not calibrated: the bootstrap over pairs, or questions, alone, which
ignores the seeds, or that questions share word pairs; and the bootstrap that resamples pairs and seeds at once.
"""

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np
from common import HelpFormatter, positive
from numpy.typing import NDArray

from word2vec.evaluation.differences import estimate
from word2vec.evaluation.resampling import resampled_accuracy, resampled_spearman
from word2vec.evaluation.similarity import rank_correlation

LEVEL = 0.05
RESAMPLES = 1000
CASES: dict[str, tuple[int, int, float, float, float]] = {
    "1 + 1 runs, 50 pairs": (1, 50, 0.5, 0.5, 0.0),
    "1 + 1 runs, 353 pairs": (1, 353, 0.5, 0.5, 0.0),
    "3 + 3 runs, 353 pairs, systems with equal noise": (3, 353, 0.0, 0.7, 0.0),
    "3 + 3 runs, 353 pairs": (3, 353, 0.5, 0.5, 0.0),
    "3 + 3 runs, 353 pairs, seeds of different quality": (3, 353, 0.3, 0.3, 0.15),
}
"""Runs of each system, pairs, noise of the system, noise of the run, and deviation of the multiple between runs."""
PAIRS_OF_SECTION, SECTIONS = 25, 4


def pairs_in(cosines: NDArray[np.float64], scores: NDArray[np.float64], rng: np.random.Generator) -> dict[str, float]:
    """Return the p-value of each test for word pairs.

    Args:
        cosines: (2, S, P) cosines of P pairs in S runs of two systems.
        scores: (P,) human scores.
        rng: The source of random numbers.
    """
    size = cosines.shape[1]
    found = resampled_spearman(cosines.reshape(2 * size, -1), scores, RESAMPLES, rng)  # (B, 2 S)
    whole = rank_correlation(cosines, np.broadcast_to(scores, cosines.shape))  # (2, S)
    drawn = found.reshape(RESAMPLES, 2, size)  # (B, 2, S)
    result = {"package": estimate(list(whole), [drawn[:, 0], drawn[:, 1]])[3]}
    if size > 1:  # for single runs, the test of the package is that of the pairs alone
        result["pairs alone"] = tail(drawn[:, 1].mean(axis=1) - drawn[:, 0].mean(axis=1))
        chosen = rng.integers(size, size=(RESAMPLES, 2, size))
        both = np.take_along_axis(drawn, chosen, axis=2).mean(axis=2)  # (B, 2)
        result["pairs and seeds at once"] = tail(both[:, 1] - both[:, 0])
    return result


def tail(differences: NDArray[np.float64]) -> float:
    """Return the p-value of differences on resamples, (B,)."""
    return float(2 * min((differences <= 0).mean(), (differences >= 0).mean()))


def simulate_pairs(case: tuple[int, int, float, float, float], rng: np.random.Generator) -> dict[str, float]:
    """Return the p-values for two equal systems."""
    runs, size, of_system, of_run, quality = case
    scores = rng.normal(size=size)
    multiple = 1 + quality * rng.normal(size=(2, runs, 1))
    noise = of_system * rng.normal(size=(2, 1, size)) + of_run * rng.normal(size=(2, runs, size))
    return pairs_in(multiple * scores + noise, scores, rng)


def simulate_questions(rng: np.random.Generator) -> dict[str, float]:
    """Return the p-values for two equal systems that answer all questions of pairs of word pairs."""
    first, second = np.nonzero(~np.eye(PAIRS_OF_SECTION, dtype=bool))
    sections = [[(f"a{i}", f"b{i}", f"a{j}", f"b{j}") for i, j in zip(first, second, strict=True)]] * SECTIONS
    noise = rng.normal(size=(2, SECTIONS, PAIRS_OF_SECTION))
    own = rng.normal(size=(2, SECTIONS, len(first)))
    outcomes = (0.5 * (noise[:, :, first] + noise[:, :, second]) + own > 0).reshape(2, -1)
    found = resampled_accuracy(outcomes, sections, RESAMPLES, rng)  # (B, 2)
    whole = outcomes.mean(axis=1)
    difference = outcomes[1].astype(float) - outcomes[0]
    drawn = rng.multinomial(len(difference), np.full(len(difference), 1 / len(difference)), RESAMPLES) @ difference
    return {
        "package": estimate([whole[:1], whole[1:]], [found[:, :1], found[:, 1:]])[3],
        "questions alone": tail(drawn),
    }


def main() -> None:
    """Run the simulations and print the rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("--simulations", type=positive, default=2000, help="simulations per case")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    cases: dict[str, Callable[[np.random.Generator], dict[str, float]]] = {
        name: partial(simulate_pairs, case) for name, case in CASES.items()
    }
    cases["1 + 1 runs, 2,400 questions of 100 word pairs"] = simulate_questions
    for number, (name, simulate) in enumerate(cases.items()):
        rng = np.random.default_rng([given.seed, number])
        found = [simulate(rng) for _ in range(given.simulations)]
        for test in found[0]:
            p_values = np.array([each[test] for each in found])
            rates = ", ".join(f"{(p_values < level).mean():6.1%} below {level}" for level in (0.01, 0.05, 0.2))
            print(f"{name:52} {test:26} {rates}", flush=True)


if __name__ == "__main__":
    main()
