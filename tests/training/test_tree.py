"""Training with hierarchical softmax: what it learns, its tables in the result, and that runs resume."""

from pathlib import Path

import pytest

from tests.training.topics import margin, metrics_lines, results, small
from word2vec.sampling.huffman import HuffmanTree
from word2vec.training import train
from word2vec.vectors.word_vectors import WordVectors

TREE = {"objective": "hierarchical-softmax", "dim": 8, "validation": 0.1}


@pytest.mark.parametrize(("engine", "model"), [("fused", "skipgram"), ("autograd", "skipgram"), ("auto", "cbow")])
def test_topics_are_learned_and_probabilities_sum_to_one(
    engine: str, model: str, topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, built, build = tmp_path / "run", [], HuffmanTree.of
    monkeypatch.setattr(HuffmanTree, "of", lambda counts: built.append(counts) or build(counts))
    vectors = train(small(topics_file, **TREE, engine=engine, model=model, lr=0.1, epochs=6), run)
    assert len(built) == 1  # for model, examples and validation
    assert margin(vectors) > 0.5
    assert vectors.output is None
    assert vectors.nodes is not None
    assert not vectors.nodes[-1].any()
    assert all(sum(vectors.probability(a, b) for a in vectors) == pytest.approx(1, abs=1e-5) for b in vectors)
    losses = [line["validation_loss"] for line in metrics_lines(run) if line["kind"] == "epoch"]
    assert losses[-1] < losses[0]


def test_a_finished_run_resumes_with_the_nodes_of_its_vectors(topics_file: Path, tmp_path: Path) -> None:
    config = small(topics_file, **TREE | {"validation": 0.0}, epochs=2)
    train(config, tmp_path / "two")
    train(small(topics_file, **TREE | {"validation": 0.0}, epochs=3), tmp_path / "two", resume=True)
    assert WordVectors.load(tmp_path / "two").nodes is not None
    train(config, tmp_path / "again")
    again = train(small(topics_file, **TREE | {"validation": 0.0}, epochs=3), tmp_path / "again", resume=True)
    assert again.nodes is not None
    assert results(tmp_path / "two")["vectors.safetensors"] == results(tmp_path / "again")["vectors.safetensors"]
