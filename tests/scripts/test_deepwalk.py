"""evaluation/deepwalk.py: walks stay on edges, the scorer is that of the paper, and the experiment runs."""

import importlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from scipy.sparse import csr_matrix

deepwalk: Any = importlib.import_module("deepwalk")

CLIQUE = 12


def two_cliques() -> csr_matrix:
    """Two cliques that are connected by one edge."""
    dense = np.kron(np.eye(2), np.ones((CLIQUE, CLIQUE)))
    np.fill_diagonal(dense, 0)
    dense[CLIQUE - 1, CLIQUE] = dense[CLIQUE, CLIQUE - 1] = 1
    return csr_matrix(dense)


def test_walks_stay_on_edges() -> None:
    rng = np.random.default_rng(0)
    dense = np.triu(rng.random((30, 30)) < 0.1, 1)
    dense[np.arange(29), np.arange(1, 30)] = True  # every node has a neighbor
    network = csr_matrix(dense | dense.T, dtype=float)
    walks = deepwalk.random_walks(network, walks=20, length=15, seed=1)
    assert walks.shape == (20 * 30, 15)
    steps = {(a, b) for walk in walks.tolist() for a, b in pairwise(walk)}
    assert steps == set(zip(*network.nonzero(), strict=True))  # no other steps, and each edge in both directions


def test_the_graph_of_digits_is_undirected_and_has_one_label_per_node() -> None:
    network, labels = deepwalk.digits_graph()
    assert (network != network.T).nnz == 0
    assert np.diff(network.indptr).min() >= 10
    assert network.diagonal().sum() == 0
    assert (labels.sum(axis=1) == 1).all()
    edges = np.stack(network.nonzero())
    assert labels[edges[0]][labels[edges[1]]].mean() > 0.9  # neighbors are mostly the same digit


def test_every_node_starts_one_walk_in_each_pass_in_another_order() -> None:
    starts = deepwalk.random_walks(two_cliques(), walks=3, length=2, seed=1)[:, 0].reshape(3, -1)
    assert (np.sort(starts, axis=1) == np.arange(2 * CLIQUE)).all()
    assert len({tuple(row) for row in starts.tolist()}) == 3


def test_neighbors_are_equally_probable_and_weights_are_ignored() -> None:
    network = csr_matrix(np.array([[0, 9, 1, 1], [9, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]], float))
    walks = deepwalk.random_walks(network, walks=6000, length=2, seed=1)
    chosen = walks[walks[:, 0] == 0, 1]
    # the standard deviation of each count is 37
    assert np.bincount(chosen, minlength=4) == pytest.approx([0, 2000, 2000, 2000], abs=150)


def test_walks_depend_on_the_seed_only() -> None:
    one, same, other = (deepwalk.random_walks(two_cliques(), 2, 8, seed) for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()


@pytest.mark.parametrize(("labeled", "size"), [(0.1, 3), (0.5, 16), (0.9, 28)])
def test_splits_are_disjoint_and_complete(labeled: float, size: int) -> None:
    known, others = deepwalk.split_nodes(31, labeled, seed=1)
    assert len(known) == size
    assert sorted([*known, *others]) == list(range(31))
    assert sorted(known) != sorted(deepwalk.split_nodes(31, labeled, seed=2)[0])


def test_as_many_groups_are_predicted_as_the_node_has() -> None:
    scores = np.array([[0.1, 0.9, 0.5], [3.0, 2.0, 1.0], [1.0, 1.0, -np.inf]])
    predicted = deepwalk.choose_top(scores, np.array([2, 1, 1]))
    assert predicted.tolist() == [[False, True, True], [True, False, False], [True, False, False]]


def test_f1_equals_the_result_by_hand() -> None:
    true = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]], bool)
    predicted = np.array([[1, 0, 1], [1, 0, 0], [0, 1, 0], [0, 1, 0]], bool)
    f1 = deepwalk.f1_scores(true, predicted)
    # group 0: 2 true positives, no errors; group 1: 1 true positive, 1 false, 1 missed; group 2: 1 false, 1 missed
    assert f1["micro"] == pytest.approx(2 * 3 / (2 * 3 + 2 + 2))
    assert f1["macro"] == pytest.approx((1 + 2 / 4 + 0) / 3)


def test_groups_are_learned_from_the_known_nodes_only() -> None:
    features = np.array([[1, 0], [1, 0.1], [-1, 0], [-1, 0.1], [1, 0.2], [-1, 0.2]], np.float32)
    labels = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 1, 1], [1, 0, 1]], bool)
    scores = deepwalk.predict_groups(features, labels, np.arange(4), np.array([4, 5]))
    assert scores.argmax(axis=1).tolist() == [0, 1]  # although their own labels say otherwise
    assert (scores[:, 2] == -np.inf).all()  # no known node is in this group


def test_all_known_nodes_can_be_in_a_group() -> None:
    labels = np.ones((4, 1), bool)
    scores = deepwalk.predict_groups(np.eye(4, dtype=np.float32), labels, np.arange(3), np.array([3]))
    assert scores.tolist() == [[np.inf]]


def test_the_experiment_finds_two_cliques(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("gensim")
    groups = csr_matrix(np.kron(np.eye(2), np.ones((CLIQUE, 1))))
    graph, output = tmp_path / "graph.mat", tmp_path / "report.json"
    scipy.io.savemat(graph, {"network": two_cliques().tocsc(), "group": groups.tocsc()})
    small = ["--walks", "20", "--seeds", "1", "--splits", "2", "--rounds", "1", "--timed-walks", "2", "--threads", "1"]
    settings = ["--set", "dim=8", "--set", "lr=0.1"]
    assert deepwalk.main([str(graph), *small, *settings, "--output", str(output)]) == 0
    report = json.loads(output.read_text())
    assert report["graph"] == {"nodes": 24, "edges": 133, "groups": 2}
    assert report["settings"]["subsample"] == 0
    assert report["settings"]["dim"] == 8
    assert [score["labeled"] for score in report["scores"]] == [0.1, 0.1, 0.5, 0.5, 0.9, 0.9]
    assert all(score["micro"] == 1 for score in report["scores"] if score["labeled"] > 0.1)
    assert [each["label"] for each in report["measurements"]] == ["ours", "gensim"]
    assert str(tmp_path) not in output.read_text()
    assert "| 50 %          |            41.0 | 100.0 ± 0.0 |" in capsys.readouterr().out
