"""All engines on explicit pairs: the fused engine equals the plain one, and tables of two sizes are kept apart."""

from typing import Any

import numpy as np
import pytest
import torch

from word2vec.engines import Engine, choose_pair_engine
from word2vec.engines.autograd import AutogradEngine
from word2vec.engines.cpu import pair_engine
from word2vec.engines.cpu.pair_engine import FusedPairEngine
from word2vec.engines.plain_pairs import PlainPairEngine
from word2vec.errors import ConfigError
from word2vec.losses import LOSSES, WARP, InBatchSoftmax, NegativeSampling, Objective, SampledSoftmax
from word2vec.models.skipgram import SkipGram
from word2vec.sampling import PairDataset
from word2vec.sampling.shards import Shard

from .small import make_objective

ENGINES: list[type[Any]] = [FusedPairEngine, PlainPairEngine, AutogradEngine]


def make_pairs(
    pairs: int, inputs: int, targets: int, *, weighted: bool = False, seed: int = 0, **settings: Any
) -> PairDataset:
    """Pairs of which some inputs and targets are much more frequent than others."""
    draw = np.random.default_rng(seed)
    left = (draw.random(pairs) ** 2 * inputs).astype(int)
    right = (draw.random(pairs) ** 3 * targets).astype(int)
    weights = draw.gamma(1, size=pairs) + 0.01 if weighted else None
    return PairDataset(left, right, weights, (inputs, targets), **settings)


def make_model(inputs: int, targets: int, dim: int = 20) -> SkipGram:
    model = SkipGram(inputs, dim, torch.Generator().manual_seed(0), targets=targets)
    with torch.no_grad():
        model.output.copy_(0.3 * torch.randn(targets, dim, generator=torch.Generator().manual_seed(1)))
    return model


def tables(model: SkipGram) -> tuple[np.ndarray, np.ndarray]:
    return model.input.detach().numpy().copy(), model.output.detach().numpy().copy()


def trained(
    kind: type[Any],
    data: PairDataset,
    sizes: tuple[int, int],
    objective: type[Objective] = NegativeSampling,
    epochs: int = 2,
) -> tuple[tuple[np.ndarray, np.ndarray], Any]:
    model = make_model(*sizes)
    engine: Engine = kind(model, make_objective(objective, sizes[1]), data, lambda epoch, words: 0.02)
    report = None
    for epoch in range(epochs):
        (*_, report) = engine.epoch(epoch)
    return tables(model), report


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("objective", [NegativeSampling, SampledSoftmax, WARP], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("group_rows", [10, 3])
def test_the_fused_engine_equals_the_plain_engine(objective: type[Objective], weighted: bool, group_rows: int) -> None:
    data = make_pairs(1500, 70, 30, weighted=weighted, seed=3)
    data.group_rows = group_rows
    fused, plain = (trained(kind, data, (70, 30), objective) for kind in (FusedPairEngine, PlainPairEngine))
    for one, other in zip(fused[0], plain[0], strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)
    assert fused[1].pairs == plain[1].pairs == 1500
    assert fused[1].loss == pytest.approx(plain[1].loss, rel=1e-4)


@pytest.mark.parametrize("sizes", [(1, 2), (3, 1000), (1000, 2), (17, 64)])
def test_tables_of_any_sizes_are_trained(sizes: tuple[int, int]) -> None:
    data = make_pairs(500, *sizes, seed=1)
    fused, plain = (trained(kind, data, sizes) for kind in (FusedPairEngine, PlainPairEngine))
    for one, other in zip(fused[0], plain[0], strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


@pytest.mark.parametrize("kind", ENGINES, ids=lambda kind: kind.__name__)
def test_only_the_rows_of_the_pairs_change(kind: type[Any]) -> None:
    """With more inputs than targets and the other way round, no id is used as a row of the other table."""
    for sizes, used in (((50, 5), (range(40, 50), range(5))), ((5, 50), (range(5), range(40, 50)))):
        left, right = (np.array(rows)[np.arange(200) % len(rows)] for rows in used)
        data = PairDataset(left, right, None, sizes)
        before = tables(make_model(*sizes))
        after, _ = trained(kind, data, sizes)
        for side in range(2):
            changed = np.flatnonzero((before[side] != after[side]).any(axis=1))
            assert changed.tolist() == list(used[side])


@pytest.mark.parametrize("group_rows", [1, 3, 10])
def test_groups_train_every_pair_once(group_rows: int) -> None:
    """With the learning rate zero, the loss is the sum over the pairs, however they are grouped."""
    data = make_pairs(700, 20, 4, seed=2)
    model = make_model(20, 4)
    data.group_rows = group_rows
    engine = FusedPairEngine(model, make_objective(NegativeSampling, 4), data, lambda epoch, words: 0.0)
    (*_, report) = engine.epoch(0)
    scores = (model.input @ model.output.T).detach().numpy()  # (20, 4)
    positive = np.log1p(np.exp(-scores[data.inputs, data.targets])).sum()
    noise = 5 * sum(
        data.noise[other].item() / (1 - data.noise[target].item()) * np.log1p(np.exp(scores[source, other]))
        for source, target in zip(data.inputs, data.targets, strict=True)
        for other in range(4)
        if other != target
    )
    assert report.pairs == 700
    assert report.loss == pytest.approx(positive + noise, rel=0.03)


@pytest.mark.parametrize("kind", ENGINES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("threads", [1, 3])
def test_an_interrupted_epoch_trains_every_pair_once(
    kind: type[Any], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("word2vec.engines.base", "word2vec.engines.plain"):
        monkeypatch.setattr(f"{module}.REPORT_SECONDS", 0.0)
    monkeypatch.setattr(pair_engine, "CHUNK_PAIRS", 128)
    monkeypatch.setattr("word2vec.engines.plain.CHUNK_WORDS", 128)
    data = make_pairs(3000, 40, 30, batch_size=50)
    results = []
    for pauses in (0, 3):
        model, shards = make_model(40, 30), None
        for attempt in range(pauses + 1):
            engine = kind(model, make_objective(NegativeSampling, 30), data, lambda epoch, words: 0.02, threads)
            reports = engine.epoch(0, shards)
            for report in reports:
                if attempt < pauses and report.words > 0:
                    shards = [Shard.from_dict(shard.to_dict()) for shard in engine.state()]
                    reports.close()
                    break
        assert report.words == report.pairs == 3000
        results.append(tables(model))
    if threads == 1:
        for one, other in zip(*results, strict=True):
            np.testing.assert_array_equal(one, other)


def test_engines_are_chosen_for_pairs() -> None:
    cpu = torch.device("cpu")
    assert choose_pair_engine("auto", NegativeSampling, cpu) is FusedPairEngine
    assert choose_pair_engine("auto", InBatchSoftmax, cpu) is AutogradEngine
    assert choose_pair_engine("auto", NegativeSampling, torch.device("cuda")) is AutogradEngine
    assert choose_pair_engine("plain", NegativeSampling, cpu) is PlainPairEngine
    with pytest.raises(ConfigError, match="InBatchSoftmax"):
        choose_pair_engine("fused", InBatchSoftmax, cpu)
    with pytest.raises(ConfigError, match="CPU only"):
        choose_pair_engine("fused", NegativeSampling, torch.device("cuda"))


@pytest.mark.parametrize("name", [name for name, kind in LOSSES.items() if kind.targets != "tree"])
def test_every_objective_lowers_its_loss(name: str) -> None:
    draw = np.random.default_rng(0)
    left = draw.integers(60, size=3000)
    right = left % 6 + 6 * draw.integers(3, size=3000)  # 18 targets, 3 for each kind of input
    objective = LOSSES[name]
    losses = []
    model = SkipGram(60, 16, torch.Generator().manual_seed(0), targets=18)
    data = PairDataset(left, right, None, (60, 18), batch_size=64, negatives=0 if objective.targets == "batch" else 5)
    lr = 2 * objective.default_lr
    engine = AutogradEngine(model, make_objective(objective, 18), data, lambda epoch, words: lr)
    for epoch in range(15):
        (*_, report) = engine.epoch(epoch)
        losses.append(report.loss / report.pairs)
    assert losses[-1] < 0.9 * losses[0]
