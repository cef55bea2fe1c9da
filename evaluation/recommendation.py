"""Compare training on pairs with `implicit` on the same interactions: ranking quality and examples a second.

    python evaluation/recommendation.py [--seeds 3] [--output FILE.json]

Two sets of interactions:

- pydocs: each document is a source file of the corpus pydocs (the docstrings of numpy, pandas, scipy, scikit-learn and
  torch), and an interaction is a word that occurs in it. Words in fewer than 5 documents or in more than 10 % of them
  are left out, as are documents with fewer than 20 of the other words. A fifth of the words of each document is held
  out.
- simulation: users and items with random vectors of 8 dimensions; each user draws items with the probabilities of a
  softmax over the inner products plus a popularity. The items with the highest probabilities, of which a fifth of the
  draws is held out, are known, so the ranking by these probabilities is the best possible one.

Every system ranks all targets but those of its training pairs, and is scored on the held-out pairs. Examples are
positive pairs, for each of which ours draws 5 noise words and `implicit` one. Time is that of the processor with one
thread, which other programs disturb little; ours includes reading the pairs.
"""

import argparse
import logging
import sys
import time
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from common import RESULTS, HelpFormatter, positive, report_header, write_json
from renderers.recommendation import recommendation

from word2vec import PairVectors, WordVectors, evaluate_ranking, train_pairs
from word2vec.corpus.pydocs import PACKAGES, document_words
from word2vec.training.pairs import PAIR_DEFAULTS

DIM, K = 64, 10
OURS: dict[str, dict[str, Any]] = {
    "negative-sampling": {},
    "negative-sampling, 20 negatives": {"negatives": 20},
    "sampled-softmax": {},
    "ranknet": {},
    "warp": {"lr": 0.004, "epochs": 30},
}
"""The objectives that are compared, each with its settings beyond the defaults."""
IMPLICIT: dict[str, dict[str, Any]] = {
    "implicit BPR": {"learning_rate": 0.01, "regularization": 0.01, "iterations": 100}
}
"""Settings of `implicit`: its defaults. Learning rates of 0.05 and 0.1 scored lower on pydocs."""
MIN_DOCUMENTS, MAX_FRACTION, MIN_WORDS, HELD_OUT = 5, 0.1, 20, 5
USERS, ITEMS, TRUE_DIM, CLICKS = 2000, 1000, 8, 100  # of the simulation; clicks per user


class Interactions(NamedTuple):
    """Distinct pairs of a user and an item."""

    train: tuple[list[str], list[str]]
    held_out: tuple[list[str], list[str]]
    best: PairVectors | None = None  # ranks by the true probabilities


def pydocs_interactions() -> Interactions:
    """Return the words of each document of pydocs; see the description of this module."""
    documents = {name: words for package in PACKAGES.values() for name, words in document_words(package)}
    counts = Counter(word for words in documents.values() for word in words)
    known = {word for word, count in counts.items() if MIN_DOCUMENTS <= count <= MAX_FRACTION * len(documents)}
    chosen = {name: sorted(words & known) for name, words in documents.items()}
    return _split({name: words for name, words in chosen.items() if len(words) >= MIN_WORDS})


def simulated_interactions() -> Interactions:
    """Return clicks of users whose preferences are known; see the description of this module."""
    draw = np.random.default_rng(0)
    users, items = draw.normal(size=(USERS, TRUE_DIM)), draw.normal(size=(ITEMS, TRUE_DIM))
    left = np.column_stack([users, np.ones(USERS)])  # the last column adds the popularity
    right = np.column_stack([items, draw.normal(size=ITEMS)])
    logits = left @ right.T  # (users, items)
    chosen = {}
    for user, row in enumerate(logits):
        probabilities = np.exp(row - row.max())
        drawn = draw.choice(ITEMS, size=CLICKS, p=probabilities / probabilities.sum())
        chosen[f"user{user}"] = [f"item{item}" for item in np.unique(drawn)]
    best = PairVectors(
        WordVectors([f"user{user}" for user in range(USERS)], left),
        WordVectors([f"item{item}" for item in range(ITEMS)], right),
    )
    return _split(chosen)._replace(best=best)


def _split(items: dict[str, list[str]]) -> Interactions:
    """Hold out a fifth of the items of each user."""
    draw = np.random.default_rng(0)
    parts: list[list[tuple[str, str]]] = [[], []]
    for user, own in items.items():
        held_out = set(draw.choice(len(own), len(own) // HELD_OUT, replace=False).tolist())
        for place, item in enumerate(own):
            parts[place in held_out].append((user, item))
    train, test = (([user for user, _ in part], [item for _, item in part]) for part in parts)
    return Interactions(train, test)


def train_ours(data: Interactions, name: str, seed: int) -> tuple[PairVectors, float, int]:
    """Train with one of OURS; returns the vectors, the seconds and the number of epochs."""
    objective, settings = name.partition(",")[0], {"epochs": PAIR_DEFAULTS["epochs"]} | OURS[name]
    start = time.process_time()
    vectors = train_pairs(*data.train, objective=objective, dim=DIM, seed=seed, threads=1, **settings)
    return vectors, time.process_time() - start, settings["epochs"]


def train_implicit(data: Interactions, name: str, seed: int) -> tuple[PairVectors, float, int]:
    """Train with one of IMPLICIT; see `train_ours`."""
    from implicit.bpr import BayesianPersonalizedRanking  # pyright: ignore[reportMissingImports] (a peer)
    from scipy.sparse import csr_matrix

    users, items = (sorted(set(side)) for side in data.train)
    rows, columns = (np.searchsorted(names, side) for names, side in zip((users, items), data.train, strict=True))
    matrix = csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(users), len(items)))
    settings = IMPLICIT[name]
    model = BayesianPersonalizedRanking(factors=DIM, num_threads=1, random_state=seed, **settings)
    start = time.process_time()
    model.fit(matrix, show_progress=False)
    seconds = time.process_time() - start
    vectors = PairVectors(WordVectors(users, model.user_factors), WordVectors(items, model.item_factors))
    return vectors, seconds, settings["iterations"]


def popularity(data: Interactions) -> PairVectors:
    """Return vectors that rank items by their number of pairs."""
    counts = Counter(data.train[1])
    users = sorted(set(data.train[0]))
    return PairVectors(
        WordVectors(users, np.ones((len(users), 1))),
        WordVectors(list(counts), np.array(list(counts.values()))[:, None]),
    )


def score(data: Interactions, vectors: PairVectors) -> dict[str, float]:
    """Score vectors on the held-out pairs."""
    result = evaluate_ranking(vectors, *data.held_out, k=K, known=data.train, bootstrap=0)
    return {"ndcg": result.ndcg, "recall": result.recall, "mrr": result.mrr}


def measure(data: Interactions, seeds: int) -> list[dict[str, Any]]:
    """Train and score every system with every seed, alternating between the systems."""
    measured = [{"system": "popularity", "seed": 0} | score(data, popularity(data))]
    if data.best is not None:
        measured.append({"system": "true probabilities", "seed": 0} | score(data, data.best))
    for name in OURS:
        train_ours(data, name, 0)  # compiles
    for seed in range(1, seeds + 1):
        for name in (*OURS, *IMPLICIT):
            train = train_ours if name in OURS else train_implicit
            vectors, seconds, epochs = train(data, name, seed)
            speed = {"seconds": seconds, "epochs": epochs, "examples_per_second": epochs * len(data.train[0]) / seconds}
            measured.append({"system": name, "seed": seed} | speed | score(data, vectors))
            print(measured[-1], file=sys.stderr)
    return measured


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options; see --help."""
    parser = argparse.ArgumentParser(
        prog="recommendation.py",
        description="Compare training on pairs with implicit on the same interactions. Takes three minutes.",
        formatter_class=HelpFormatter,
    )
    add = parser.add_argument
    add("--seeds", type=positive, default=3, help="number of seeds")
    add("--output", type=Path, default=RESULTS / "recommendation.json", help="JSON file to write")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; returns the exit code."""
    options = parse_arguments(arguments)
    logging.getLogger("word2vec").setLevel(logging.WARNING)
    report = report_header("recommendation.py", arguments)
    report["versions"] |= {"implicit": version("implicit")}
    report["settings"] = {"dim": DIM, "k": K, "ours": OURS, "implicit": IMPLICIT}
    report["sets"] = {}
    for name, make in (("pydocs", pydocs_interactions), ("simulation", simulated_interactions)):
        data = make()
        users, items = (len(set(side)) for side in data.train)
        sizes = {"users": users, "items": items, "pairs": len(data.train[0]), "held_out": len(data.held_out[0])}
        report["sets"][name] = {"sizes": sizes, "measurements": measure(data, options.seeds)}
        write_json(options.output, report)
    print(recommendation(report))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
