"""train_pairs: known answers, weights, resuming, and one clear line for each mistake."""

import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import word2vec
from tests.training.interruptions import learning_rate
from tests.training.topics import UserObjective, contents, metrics_lines, results
from word2vec import PairVectors, WordVectors, evaluate_ranking, train_pairs
from word2vec.errors import ConfigError, CorpusError, TrainingError, TrainingInterrupted, Word2VecError
from word2vec.training.setup import LinearDecay

GROUPS = 6


def clicks(pairs: int = 6000, inputs: int = 120, targets: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Clicks of users on items of their own group only; a few items of each group are much more popular."""
    draw = np.random.default_rng(seed)
    left = draw.integers(inputs, size=pairs)
    right = left % GROUPS + GROUPS * (draw.random(pairs) ** 2 * (targets // GROUPS)).astype(int)
    return left, right


def split(seed: int = 0) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Pairs to train, and other pairs to look for."""
    left, right = clicks(seed=seed)
    held_out = np.random.default_rng(1).random(len(left)) < 0.1
    return (left[~held_out], right[~held_out]), (left[held_out], right[held_out])


def ndcg(vectors: PairVectors, held_out: tuple[Any, Any]) -> float:
    return evaluate_ranking(vectors, *held_out, k=10, bootstrap=0).ndcg


def popularity(pairs: tuple[np.ndarray, np.ndarray]) -> PairVectors:
    """Ranks targets by their number of pairs."""
    names, counts = np.unique(pairs[1], return_counts=True)
    users = [str(name) for name in np.unique(pairs[0])]
    return PairVectors(
        WordVectors(users, np.ones((len(users), 1))), WordVectors([str(name) for name in names], counts[:, None])
    )


FOR_PAIRS = [name for name in word2vec.LOSSES if name != "hierarchical-softmax"]


@pytest.mark.parametrize("objective", [*FOR_PAIRS, UserObjective()], ids=str)
def test_every_objective_finds_the_targets_of_an_input(objective: Any) -> None:
    train, held_out = split()
    vectors = train_pairs(*train, objective=objective, dim=16, threads=1, epochs=30)
    random = PairVectors(
        WordVectors(vectors.inputs.words, np.ones((len(vectors.inputs), 1))),
        WordVectors(vectors.targets.words, np.zeros((len(vectors.targets), 1))),
    )
    found = ndcg(vectors, held_out)
    assert found > 2.5 * ndcg(popularity(train), held_out)
    assert found > 4 * ndcg(random, held_out)
    own = [int(name) % GROUPS == 3 for name, _ in vectors.nearest(9, n=8)]
    assert np.mean(own) > 0.8


def test_inputs_and_targets_have_their_own_vocabulary_and_vectors() -> None:
    """The same word on both sides is two different things."""
    left = ["a"] * 50 + ["b"] * 50
    right = ["b"] * 50 + ["a"] * 49 + ["c"]
    vectors = train_pairs(left, right, dim=8, lr=0.1, threads=1)
    assert vectors.inputs.words == ["a", "b"]
    assert vectors.targets.words == ["b", "a", "c"]
    assert vectors.nearest("a", n=1)[0][0] == "b"
    assert vectors.nearest("b", n=1)[0][0] == "a"


def test_a_shared_vocabulary_has_a_row_for_every_node_in_both_tables() -> None:
    edges = [(number, (number + 1) % 10) for number in range(9)] * 30
    left, right = zip(*edges, strict=True)
    vectors = train_pairs(left, right, shared_vocabulary=True, dim=8, epochs=80, threads=1)
    assert vectors.inputs.words == vectors.targets.words
    assert len(vectors.inputs) == 10
    assert vectors.nearest(4, n=1)[0][0] == "5"


def test_weights_change_what_is_learned() -> None:
    left, right = np.repeat([0, 1], 100), np.tile([0, 1], 100)
    weights = np.where(left == right, 30.0, 1.0)
    vectors = train_pairs(left, right, weights, dim=8, epochs=60, threads=1)
    assert [vectors.nearest(source, n=1)[0][0] for source in (0, 1)] == ["0", "1"]


def test_columns_of_any_kind_give_the_same_result() -> None:
    left, right = clicks(500)
    frame = pd.DataFrame({"user": left, "item": right})
    expected = train_pairs(left, right, dim=4, epochs=2, threads=1)
    for users, items in (
        (left.tolist(), right.tolist()),
        (frame["user"], frame["item"]),
        (map(str, left), [str(item) for item in right]),
        (frame["user"].astype(str).astype("category"), frame["item"].astype(object)),
    ):
        vectors = train_pairs(users, items, dim=4, epochs=2, threads=1)
        assert vectors.inputs.words == expected.inputs.words
        np.testing.assert_array_equal(vectors.targets.vectors, expected.targets.vectors)


def interrupt_in_the_second_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send Ctrl-C when an engine asks for the learning rate, which it does before each chunk or batch."""
    asked: list[int] = []

    def slow_learning_rate(self: LinearDecay, epoch: int, words: int) -> float:
        asked.extend([epoch] * (epoch == 1))
        if len(asked) == 5:
            signal.raise_signal(signal.SIGINT)
        time.sleep(0.002)
        return learning_rate(self, epoch, words)

    for module in ("word2vec.engines.base", "word2vec.engines.plain"):
        monkeypatch.setattr(f"{module}.REPORT_SECONDS", 0.004)
    monkeypatch.setattr(LinearDecay, "__call__", slow_learning_rate)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("engine", ["fused", "plain", "autograd"])
def test_an_interrupted_run_resumes_to_the_same_bytes(
    engine: str, weighted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("word2vec.engines.cpu.pair_engine.CHUNK_PAIRS", 128)
    monkeypatch.setattr("word2vec.engines.plain.CHUNK_WORDS", 128)
    left, right = clicks(2000)
    weights = left + 1.0 if weighted else None
    settings: dict[str, Any] = {"dim": 8, "epochs": 3, "threads": 1, "engine": engine, "batch_size": 64}
    whole = train_pairs(left, right, weights, output=tmp_path / "whole", **settings)
    with monkeypatch.context() as patch:
        interrupt_in_the_second_epoch(patch)
        with pytest.raises(TrainingInterrupted) as interruption:
            train_pairs(left, right, weights, output=tmp_path / "parts", **settings)
    assert isinstance(interruption.value.vectors, PairVectors)
    assert "of 6,000 pairs; the vectors" in str(interruption.value)
    assert not np.array_equal(interruption.value.vectors.inputs.vectors, whole.inputs.vectors)
    train_pairs(left, right, weights, output=tmp_path / "parts", resume=True, **settings)
    assert results(tmp_path / "parts") == results(tmp_path / "whole")
    assert "targets.tsv" in results(tmp_path / "whole")


def test_other_pairs_cannot_resume_a_run(tmp_path: Path) -> None:
    left, right = clicks(500)
    settings: dict[str, Any] = {"dim": 4, "epochs": 2, "threads": 1, "output": tmp_path / "run"}
    train_pairs(left, right, **settings)
    before = contents(tmp_path / "run")
    settings |= {"resume": True, "epochs": 3}
    for changed in (
        {"inputs": left, "targets": right[::-1]},  # the same vocabularies
        {"inputs": left, "targets": right, "weights": np.ones(500)},
        {"inputs": left + 1, "targets": right},
        {"inputs": left, "targets": right + 1},
        {"inputs": left, "targets": right, "shared_vocabulary": True},
    ):
        with pytest.raises(CorpusError, match="cannot resume on another corpus"):
            train_pairs(**changed, **settings)
    assert contents(tmp_path / "run") == before
    assert train_pairs(left, right, **settings).dim == 4
    with pytest.raises(TrainingError, match="contains a finished run"):
        train_pairs(left, right, **settings | {"resume": False})


def test_early_stopping_cannot_change_the_pairs_of_a_resumed_run(tmp_path: Path) -> None:
    left, right = clicks(2000)
    settings: dict[str, Any] = {"dim": 4, "epochs": 3, "threads": 1, "output": tmp_path / "run"}

    def fail(_: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train_pairs(left, right, callbacks=[fail], **settings)
    with pytest.raises(ConfigError, match=r"cannot resume with other settings .*--validation was 0.0, not None"):
        train_pairs(left, right, patience=2, resume=True, **settings)


def test_held_out_pairs_callbacks_and_early_stopping(tmp_path: Path) -> None:
    left, right = clicks()
    epochs: list[Any] = []
    train_pairs(left, right, dim=8, threads=1, epochs=3, output=tmp_path / "none")
    assert "validation_loss" not in metrics_lines(tmp_path / "none")[-1]
    vectors = train_pairs(
        left,
        right,
        dim=8,
        threads=1,
        epochs=200,
        lr=0.1,
        patience=2,
        output=tmp_path / "run",
        callbacks=[lambda epoch: epochs.append(epoch)],
    )
    assert 2 < len(epochs) < 200
    assert isinstance(epochs[-1].vectors, PairVectors)
    losses = [line["validation_loss"] for line in metrics_lines(tmp_path / "run") if line["kind"] == "epoch"]
    assert losses == [epoch.validation_loss for epoch in epochs]
    best = int(np.argmin(losses))
    np.testing.assert_array_equal(vectors.targets.vectors, epochs[best].vectors.targets.vectors)
    assert metrics_lines(tmp_path / "run")[-1]["held_out_words"] == 60  # 1 % of the pairs


@pytest.mark.parametrize(
    ("engine", "names"),
    [
        ("fused", 2),
        ("fused", 10),
        ("autograd", 2),
        ("autograd", 10),
        ("plain", 2),
        pytest.param("plain", 10, marks=pytest.mark.slow),
    ],
)
def test_many_copies_of_a_few_pairs_do_not_diverge(engine: str, names: int) -> None:
    copies = np.arange(20 * names) % names
    skewed = (np.random.default_rng(0).random(20 * names) ** 3 * names).astype(int)
    skewed[:2] = 0, 1
    for left, right in ((copies, copies), (skewed, skewed[::-1]), (0 * copies, skewed)):
        vectors = train_pairs(left, right, dim=8, lr=0.2, threads=1, engine=engine)
        assert max(np.abs(vectors.inputs.vectors).max(), np.abs(vectors.targets.vectors).max()) < 10
    assert train_pairs(copies, copies, dim=8, lr=0.2, threads=1, engine=engine).nearest(1, n=1)[0][0] == "1"


def test_a_single_input_does_not_diverge_with_the_defaults() -> None:
    right = (np.random.default_rng(0).random(4000) ** 3 * 100).astype(int)
    vectors = train_pairs(np.zeros(4000, int), right, objective="sampled-softmax", dim=16, threads=1)
    assert np.abs(vectors.targets.vectors).max() < 10


@pytest.mark.parametrize(
    ("columns", "settings", "message"),
    [
        ((["a", "b"], ["c"]), {}, "got 2 inputs but 1 targets"),
        (([], []), {}, "no pairs to train"),
        ((["a", "b"], ["c", "c"]), {}, "only one target, 'c'"),
        ((["a", None], ["c", "d"]), {}, "inputs: the value at position 1 is missing"),
        ((["a", "b"], ["c", float("nan")]), {}, "targets: the value at position 1 is missing"),
        ((np.array([1.0, np.nan]), ["c", "d"]), {}, "inputs: the value at position 1 is missing"),
        (([1.5, 2.5], ["c", "d"]), {}, "all whole numbers, not float"),
        (([1, "b"], ["c", "d"]), {}, "not int, str"),
        (([b"a", b"b"], ["c", "d"]), {}, "not bytes"),
        (("ab", ["c", "d"]), {}, "not str"),
        ((np.ones((2, 2), int), ["c", "d"]), {}, "one dimension"),
        ((["a", "b\tc"], ["c", "d"]), {}, "'b\\\\tc' at position 1"),
        ((["a", ""], ["c", "d"]), {}, "'' at position 1 is empty"),
        (([2**80, 1], ["c", "d"]), {}, "outside of 64 bits"),
        ((["a", "b"], ["c", "d"], [1.0]), {}, "got 2 pairs but weights"),
        ((["a", "b"], ["c", "d"], [1.0, -1.0]), {}, "weights: -1.0 at position 1"),
        ((["a", "b"], ["c", "d"], [0.0, 1.0]), {}, "weights: 0.0 at position 0"),
        ((["a", "b"], ["c", "d"], [1.0, float("nan")]), {}, "weights: nan at position 1"),
        ((["a", "b"], ["c", "d"], ["x", 1.0]), {}, "weights must be numbers"),
        ((["a", "b"], ["c", "d"]), {"min_count": 2}, "no pair is left with min_count 2"),
        ((["a", "b"], ["c", "d"]), {"window": 3}, "--window does not apply to pairs"),
        ((["a", "b"], ["c", "d"]), {"windw": 3}, "unknown setting 'windw'; did you mean 'window'"),
        ((["a", "b"], ["c", "d"]), {"objective": "bpr"}, "unknown objective 'bpr'"),
        ((["a", "b"], ["c", "d"]), {"patience": 1}, "--patience needs held-out pairs"),
        ((["a", "b"], ["c", "d"]), {"resume": True, "overwrite": True}, "contradict each other"),
    ],
)
def test_a_mistake_is_reported_in_one_line(
    columns: tuple[Any, ...], settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(Word2VecError, match=message) as error:
        train_pairs(*columns, output=tmp_path / "run", **settings)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()


def test_rare_inputs_and_targets_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    left = ["a"] * 4 + ["b"] * 3 + ["rare"]
    right = ["x", "x", "y", "y", "x", "y", "lonely", "x"]
    with caplog.at_level("WARNING", logger="word2vec"):
        vectors = train_pairs(left, right, dim=4, epochs=1, min_count=2)
    assert vectors.inputs.words == ["a", "b"]
    assert vectors.targets.words == ["x", "y"]
    assert vectors.inputs.counts is not None
    assert vectors.inputs.counts.tolist() == [4, 2]
    assert "2 of 8 pairs are ignored" in caplog.text
    assert train_pairs(left, right, dim=4, epochs=1, max_vocab=2).targets.words == ["x", "y"]


def test_objectives_without_vectors_of_targets_are_rejected() -> None:
    with pytest.raises(ConfigError, match="hierarchical-softmax does not apply to pairs"):
        train_pairs(*clicks(100), objective="hierarchical-softmax")
