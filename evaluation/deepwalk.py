"""Reproduce DeepWalk on BlogCatalog: random walks, skip-gram, and a classifier of the labels of the nodes.

    python evaluation/deepwalk.py $WORD2VEC_DATA/blogcatalog.mat [--splits 10] [--seeds 2] [--rounds 3]

Perozzi, Al-Rfou and Skiena 2014 ("DeepWalk: online learning of social representations", KDD) start 80 random walks of
length 40 at each node and train skip-gram on them as on sentences, with window 10 and 128 dimensions. One-vs-rest
logistic regression then predicts the groups of the other nodes from the vectors of a part of the nodes. As in the
paper, the number of groups of each node is known: the most probable groups are predicted, as many as the node has.
The paper trains with hierarchical softmax, this script with negative sampling.

With `--rounds`, the script also times the training beside gensim's, in alternation, on the same walks (`--timed-walks`
for each node), and scores both. The walks, the vectors and all scores take about four minutes for each seed on two
cores. Prints the tables and writes a JSON file.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from common import RESULTS, HelpFormatter, positive, report_header, setting, write_json
from numpy.typing import NDArray
from renderers.sequences import deepwalk as deepwalk_table
from renderers.sequences import deepwalk_speed
from scipy.sparse import csr_matrix
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.neighbors import kneighbors_graph

import word2vec

WALKS, LENGTH, WINDOW, DIM = 80, 40, 10, 128  # of the paper, section 5.1: gamma, t, w, d
LABELED = (0.1, 0.5, 0.9)  # fractions of the nodes whose groups are known
SETTINGS: dict[str, Any] = {
    "dim": DIM,
    "window": WINDOW,
    "window_mode": "shrink",
    "negatives": 5,
    "epochs": 1,
    "min_count": 1,
    "subsample": 0,
    "validation": 0,
}
SOLVER_ITERATIONS = 200  # of L-BFGS; it converges in fewer

Labels = NDArray[np.bool_]
"""(nodes, groups): whether a node is in a group."""


def load_graph(path: Path) -> tuple[csr_matrix, Labels]:
    """Return the adjacency matrix (nodes, nodes) and the labels of a MATLAB file with `network` and `group`."""
    content = scipy.io.loadmat(path)
    return csr_matrix(content["network"]), content["group"].toarray() > 0


def digits_graph(neighbors: int = 10) -> tuple[csr_matrix, Labels]:
    """Return a graph that needs no download, and its labels: scikit-learn's digits, each with its nearest neighbors."""
    digits: Any = load_digits()
    graph = csr_matrix(kneighbors_graph(digits.data, neighbors))
    return csr_matrix(graph + graph.T), digits.target[:, np.newaxis] == np.arange(10)


def random_walks(network: csr_matrix, walks: int, length: int, seed: int) -> NDArray[np.int32]:
    """Return random walks, (walks * nodes, length): in each pass over the nodes, in random order, one from each node.

    Every step goes to a neighbor, each with the same probability. Every node must have a neighbor.

    Args:
        network: (N, N) adjacency matrix; its values are ignored.
        walks: Number of walks that start at each node.
        length: Number of nodes of a walk, with the first.
        seed: Random seed.
    """
    rng = np.random.default_rng(seed)
    degrees = np.diff(network.indptr)  # (N,)
    node = np.concatenate([rng.permutation(len(degrees)) for _ in range(walks)])  # (walks * N,)
    found = np.empty((len(node), length), np.int32)
    for step in range(length):
        found[:, step] = node
        chosen = (rng.random(len(node)) * degrees[node]).astype(np.int64)
        node = network.indices[network.indptr[node] + chosen]
    return found


def split_nodes(nodes: int, labeled: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the nodes to learn from and the nodes to predict: a random part of the size `labeled`, and the rest."""
    order = np.random.default_rng(seed).permutation(nodes)
    size = round(labeled * nodes)
    return order[:size], order[size:]


def predict_groups(
    features: NDArray[np.float32], labels: Labels, known: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the scores of the groups for the other nodes, (others, groups), learned from the known nodes.

    A group without a known member gets the lowest score, one with all known nodes the highest.

    Args:
        features: (N, D) vectors of the nodes.
        labels: (N, groups) groups of the nodes; only those of the known nodes are used.
        known: Nodes to learn from.
        others: Nodes to predict.
    """
    scores = np.full((len(others), labels.shape[1]), -np.inf)
    for group, members in enumerate(labels[known].T):
        if members.all():
            scores[:, group] = np.inf
        elif members.any():
            model = LogisticRegression(max_iter=SOLVER_ITERATIONS).fit(features[known], members)
            scores[:, group] = model.decision_function(features[others])
    return scores


def choose_top(scores: NDArray[np.float64], counts: NDArray[np.int64]) -> Labels:
    """Return the predicted labels, (N, groups): the groups with the highest scores, `counts` (N,) of them per node."""
    places = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1)  # (N, groups) from 0
    return places < counts[:, np.newaxis]


def f1_scores(true: Labels, predicted: Labels) -> dict[str, float]:
    """Return Micro-F1 over all pairs of a node and a group, and Macro-F1, the mean F1 of the groups."""
    undefined: Any = (
        0  # F1 of a group without true and predicted members; scikit-learn's annotation allows strings only
    )
    averages = ("micro", "macro")
    return {name: float(f1_score(true, predicted, average=name, zero_division=undefined)) for name in averages}


def score_split(features: NDArray[np.float32], labels: Labels, labeled: float, seed: int) -> dict[str, float]:
    """Learn from a random part of the nodes and return the F1 scores on the others."""
    known, others = split_nodes(len(labels), labeled, seed)
    scores = predict_groups(features, labels, known, others)
    return f1_scores(labels[others], choose_top(scores, labels[others].sum(axis=1)))


def node_vectors(walks: NDArray[np.int32], settings: dict[str, Any], seed: int) -> NDArray[np.float32]:
    """Train on walks and return the vectors in the order of the nodes, (N, D)."""
    vectors = word2vec.train(walks, seed=seed, **settings)
    return vectors[[str(node) for node in range(len(vectors))]]


# ---- The two measurements


def measure_quality(
    network: csr_matrix, labels: Labels, settings: dict[str, Any], options: argparse.Namespace
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Train with each seed, and score each training on random splits.

    Returns:
        The seconds of the walks and of the training with each seed, and the F1 scores of every split.
    """
    trainings, scores = [], []
    for seed in range(1, options.seeds + 1):
        start = time.perf_counter()
        walks = random_walks(network, options.walks, LENGTH, seed)
        walked = time.perf_counter()
        features = node_vectors(walks, settings, seed)
        trainings.append(
            {"seed": seed, "walk_seconds": walked - start, "training_seconds": time.perf_counter() - walked}
        )
        print(trainings[-1], file=sys.stderr)
        for labeled in LABELED:
            for split in range(options.splits):
                f1 = score_split(features, labels, labeled, seed=1000 * seed + split)
                scores.append({"seed": seed, "labeled": labeled, "split": split} | f1)
            print(scores[-1], file=sys.stderr)
    return trainings, scores


def gensim_vectors(walks: list[list[str]], settings: dict[str, Any], seed: int) -> NDArray[np.float32]:
    """Train on the same walks with gensim, as lists of strings, as its users do; returns (N, D) in node order."""
    from gensim.models import Word2Vec

    model = Word2Vec(
        walks, sg=1, hs=0, negative=settings["negatives"],
        vector_size=settings["dim"], window=settings["window"], min_count=1, sample=0, epochs=settings["epochs"],
        workers=settings["threads"], seed=seed,
    )  # fmt: skip
    return np.stack([model.wv[str(node)] for node in range(len(model.wv))])


def as_strings(walks: NDArray[np.int32]) -> list[list[str]]:
    """Return walks as lists of strings."""
    return [[str(node) for node in walk] for walk in walks.tolist()]


def measure_speed(
    network: csr_matrix, labels: Labels, settings: dict[str, Any], options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Time both systems in alternation, each from walks in the form it takes, in memory, to vectors; score both."""
    warm_up = random_walks(network, 1, 2, seed=0)
    node_vectors(warm_up, settings, 0)  # imports, compiled code
    gensim_vectors(as_strings(warm_up), settings, 0)
    found = []
    for number in range(1, options.rounds + 1):
        walks = random_walks(network, options.timed_walks, LENGTH, seed=number)
        texts = as_strings(walks)
        systems = {
            "ours": partial(node_vectors, walks, settings, number),
            "gensim": partial(gensim_vectors, texts, settings, number),
        }
        for label, train in systems.items():
            start = time.perf_counter()
            features = train()
            seconds = time.perf_counter() - start
            speed = walks.size * settings["epochs"] / seconds
            f1 = score_split(features, labels, 0.5, seed=1000 * number)
            figures = {"training_seconds": seconds, "words_per_second": speed} | f1
            found.append({"label": label, "round": number, "seed": number, "figures": figures})
            print(found[-1], file=sys.stderr)
    return found


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options; see --help."""
    parser = argparse.ArgumentParser(
        prog="deepwalk.py",
        description="Reproduce DeepWalk on BlogCatalog, and compare the training time with gensim's on the same walks. "
        "Takes about four minutes for each seed and two minutes for each round on two cores.",
        formatter_class=HelpFormatter,
    )
    add = parser.add_argument
    add("graph", type=Path, help="MATLAB file with the sparse matrices `network` and `group`")
    add("--walks", type=positive, default=WALKS, help="walks from each node")
    add("--seeds", type=int, default=2, help="number of seeds of walks and training; 0 only times")
    add("--splits", type=positive, default=10, help="random splits of the nodes for each fraction and seed")
    add("--rounds", type=int, default=0, help="timed comparisons with gensim")
    add("--timed-walks", type=positive, default=24, help="walks from each node in a timed comparison")
    add("--threads", type=positive, default=os.cpu_count() or 1, help="threads of training, in both systems")
    add("--set", type=setting, action="append", default=[], metavar="KEY=VALUE", help="another setting of TrainConfig")
    add("--output", type=Path, default=RESULTS / "deepwalk.json", help="JSON file to write")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Train, score, time, print, write; returns the exit code."""
    options = parse_arguments(arguments)
    settings = SETTINGS | {"threads": options.threads} | dict(options.set)
    network, labels = load_graph(options.graph)
    header = report_header("deepwalk.py", arguments)
    trainings, scores = measure_quality(network, labels, settings, options)
    report = header | {
        "graph": {"nodes": len(labels), "edges": network.nnz // 2, "groups": labels.shape[1]},
        "walks": {"per_node": options.walks, "length": LENGTH, "per_node_timed": options.timed_walks},
        "settings": settings,
        "trainings": trainings,
        "scores": scores,
        "measurements": measure_speed(network, labels, settings, options) if options.rounds else [],
    }
    write_json(options.output, report)
    if options.seeds:
        print(deepwalk_table(report))
    if options.rounds:
        print(deepwalk_speed(report))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
