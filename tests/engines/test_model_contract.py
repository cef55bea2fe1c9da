"""The contract of engines for every model: model x objective x engine, several properties per short training.

test_contract.py has what does not depend on the model. Each engine trains every model and every objective at least
once, not each combination: compiling a kernel takes seconds.
"""

import copy
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from tests.engines.small import KINDS, make_objective
from word2vec.engines import Engine, plain
from word2vec.engines.autograd import AutogradEngine, in_batch_step, train_step
from word2vec.engines.base import Progress
from word2vec.engines.cpu import engine as cpu
from word2vec.engines.cpu.engine import FusedEngine
from word2vec.engines.cpu.objectives import COMPILED
from word2vec.engines.plain import PlainEngine, Word, center_predicts, each_predicts, window_predicts
from word2vec.engines.targets import paths_for
from word2vec.losses import LOSSES
from word2vec.models import EmbeddingModel
from word2vec.sampling.datasets import Batch
from word2vec.sampling.shards import Shard

ENGINES: dict[str, tuple[type[Engine], list[str]]] = {
    "plain": (PlainEngine, list(KINDS)),
    "autograd": (AutogradEngine, list(KINDS)),
    "fused": (FusedEngine, list(KINDS)),
}
"""The engines, and the models that each of them trains."""

WORDS = [
    "walking", "walked", "walker", "a", "bananas",
    "jumping", "jumped", "jumper", "i", "東京タワー",
    "zzzzzzz", "zyzzyva",
]  # fmt: skip
"""Two topics of five words, one of them without n-grams; the last two words do not occur, and are never noise."""
COUNTS = [100] * 10 + [1] * 2
_draw = np.random.default_rng(0)
SENTENCES = [(_draw.integers(0, 5, 6) + 5 * _draw.integers(0, 2)).tolist() for _ in range(40)]


class Case(NamedTuple):
    """A combination to train."""

    engine: str
    kind: str
    objective: str


def cases() -> Iterator[Case]:
    """For each engine, skip-gram with negative sampling, and all objectives with the other models in turn."""
    for engine, (_, kinds) in ENGINES.items():
        yield Case(engine, "skipgram", "negative-sampling")
        names = [name for name, kind in LOSSES.items() if engine != "fused" or kind in COMPILED]
        yield from (Case(engine, *pair) for pair in zip(cycle(kinds[1:]), names, strict=False))


every_case = pytest.mark.parametrize("case", list(cases()), ids="-".join)


@pytest.fixture(autouse=True)
def many_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several chunks in this small text, and a report before each of them."""
    monkeypatch.setattr(cpu, "CHUNK_WORDS", 30)
    monkeypatch.setattr(plain, "CHUNK_WORDS", 30)
    monkeypatch.setattr("word2vec.sampling.datasets.CHUNK_PAIRS", 400)
    for module in ("base", "plain"):
        monkeypatch.setattr(f"word2vec.engines.{module}.REPORT_SECONDS", 0.0)


def make_engine(
    case: Case,
    model: EmbeddingModel,
    lr: float | None = None,
    before_chunk: Callable[[], None] = lambda: None,
    **settings: Any,
) -> Engine:
    """An engine for a model; the learning rate is by default three times that of the objective: the text is short."""
    objective = make_objective(LOSSES[case.objective], len(WORDS))
    rate = 3 * objective.default_lr if lr is None else lr

    def lr_at(epoch: int, words: int) -> float:
        before_chunk()
        return rate

    negatives = 5 if objective.targets == "noise" else 0  # kernels that other tests compile as well
    options = {"window": 2, "subsample": 0, "noise_exponent": 20, "negatives": negatives, "batch_size": 30, "seed": 1}
    dataset = KINDS[case.kind].make_dataset(SENTENCES, COUNTS, **options | settings)
    return ENGINES[case.engine][0](model, objective, dataset, lr_at, 1)


def trained(case: Case, epochs: int = 1) -> tuple[EmbeddingModel, list[Progress]]:
    """A model after some epochs, and the last report of each of them."""
    engine = make_engine(case, KINDS[case.kind].make_model(WORDS, 8))
    reports = []
    for number in range(epochs):
        *_, last = engine.epoch(number)
        reports.append(last)
    return engine.model, reports


@cache
def plain_loss(kind: str, objective: str) -> float:
    """The mean loss of random tables in the plain engine."""
    return frozen_loss(Case("plain", kind, objective))[1]


def frozen_loss(case: Case) -> tuple[EmbeddingModel, float]:
    """A model with random tables after an epoch with a learning rate of zero, and its mean loss."""
    # all words are noise words, more of them than usual, so that the mean depends less on the draws
    model = KINDS[case.kind].make_model(WORDS, 8, spread=1.0)
    *_, last = make_engine(case, model, 0.0, noise_exponent=0, window_mode="fixed").epoch(0)
    return model, last.loss / last.pairs


@every_case
def test_the_loss_falls_and_only_the_rows_used_move(case: Case) -> None:
    model, reports = trained(case, epochs=3)
    losses = [report.loss / report.pairs for report in reports]
    assert losses[-1] < 0.999 * losses[0]
    before = KINDS[case.kind].make_model(WORDS, 8).tables()
    moved = {
        name: (table != before[name]).any(dim=1).nonzero().flatten().tolist() for name, table in model.tables().items()
    }
    used = list(range(10))  # the last two words do not occur
    index = model.ngram_index
    expected = dict.fromkeys(moved, used)
    if index is not None:
        expected["ngrams"] = sorted({row for word in used for row in index.rows[slice(*index.starts[word : word + 2])]})
        assert len(expected["ngrams"]) < len(index)
    if "positions" in moved:
        expected["positions"] = [0, 1, 2, 3]
    assert moved == expected


@pytest.mark.parametrize("case", [Case(engine, kind, objective) for engine, kind, objective in (
    *(("plain", kind, "negative-sampling") for kind in KINDS),
    *(("autograd", kind, "negative-sampling") for kind in KINDS),
    ("plain", "cbow", "in-batch-softmax"), ("autograd", "cbow", "in-batch-softmax"),
    ("plain", "skipgram", "hierarchical-softmax"), ("autograd", "skipgram", "hierarchical-softmax"),
)], ids="-".join)  # fmt: skip
def test_frozen_rows_keep_their_bytes(case: Case) -> None:
    # in the fused engine, tests/engines/cpu compare frozen rows with the plain engine
    model, before = (KINDS[case.kind].make_model(WORDS, 8, spread=1.0) for _ in range(2))
    fixed = {name: np.arange(len(table)) % 2 == 0 for name, table in model.named_parameters() if name != "positions"}
    model.freeze(**fixed)
    list(make_engine(case, model, lr=0.1).epoch(0))
    for (name, table), old in zip(model.named_parameters(), before.parameters(), strict=True):
        moved = (table != old).any(dim=1).numpy()
        assert moved.any()
        assert name not in fixed or not (moved & fixed[name]).any()


@every_case
def test_a_learning_rate_of_zero_has_the_loss_of_the_plain_engine(case: Case) -> None:
    model, loss = frozen_loss(case)
    before = KINDS[case.kind].make_model(WORDS, 8, spread=1.0).tables()
    assert all(torch.equal(table, before[name]) for name, table in model.tables().items())
    assert loss == pytest.approx(plain_loss(case.kind, case.objective), rel=0.1)


@every_case
def test_an_epoch_stopped_at_every_report_ends_in_the_same_bytes(case: Case) -> None:
    caller, stopping = threading.get_ident(), threading.Event()

    def before_chunk() -> None:
        if threading.get_ident() != caller:  # a thread of the engine, which must not end the epoch before it is stopped
            assert stopping.wait(60)
            time.sleep(0.002)

    whole, (last,) = trained(case)
    model, shards, stops = KINDS[case.kind].make_model(WORDS, 8), None, 0
    while True:
        stopping.clear()
        engine = make_engine(case, model, before_chunk=before_chunk)
        reports = engine.epoch(0, shards)
        report = next(reports)
        if next(reports, None) is None:
            break
        stopping.set()
        reports.close()
        stops += 1
        shards = [Shard.from_dict(shard.to_dict()) for shard in copy.deepcopy(engine.state())]
    assert stops
    assert report == last
    for name, table in model.tables().items():
        assert torch.equal(table, whole.tables()[name])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("objective", LOSSES)
def test_a_step_of_the_plain_engine_is_that_of_autograd(kind: str, objective: str) -> None:
    """The examples of one window, in which a word occurs twice."""
    case = Case("plain", kind, objective)
    model = KINDS[kind].make_model(WORDS, 7, spread=1.0).double()
    engine = make_engine(case, copy.deepcopy(model), noise_exponent=0.75)
    assert isinstance(engine, PlainEngine)
    engine._load_tables()
    context, noise = [Word(1, 0), Word(4, 1), Word(1, 3)], [2, 8, 4]
    windows = torch.tensor([[1, 4, -1, 1]])
    if KINDS[kind].cbow:
        groups, batch = window_predicts(0, context, noise), Batch(torch.tensor([0]), windows, torch.tensor([noise]))
    elif KINDS[kind].ngrams:
        noise_of_each = [noise, [2, 8, 3], [5, 5, 6]]
        groups = center_predicts(0, context, noise_of_each)
        ids = torch.tensor([word.id for word in context])
        batch = Batch(ids, torch.zeros(3, dtype=torch.int64), torch.tensor(noise_of_each))
    else:
        ids = torch.tensor([word.id for word in context])
        groups, batch = each_predicts(0, context, noise), Batch(torch.zeros_like(ids), ids, torch.tensor([noise] * 3))
    if engine.objective.targets == "batch":
        expected, _ = in_batch_step(model, engine.objective, batch, 0.1, engine.log_q)
        loss, _ = engine.in_batch_step(batch, 0.1)
    else:
        paths = paths_for(engine.objective, engine.dataset)
        expected = train_step(model, engine.objective, batch, 0.1, engine.log_q, paths=paths)
        (group,) = groups
        loss = engine.step(group, 0.1)
    assert loss == pytest.approx(expected.item(), rel=1e-9)
    names = {"word-rows": "input"}
    for name, table in model.tables().items():
        np.testing.assert_allclose(engine.tables[names.get(name, name)], table.detach(), rtol=1e-9, atol=1e-9)


def test_a_noise_word_that_is_the_true_word_is_ignored() -> None:
    # with n-grams the noise words of a window are shared by all its true words, so that they may be one of them
    model, found = KINDS["skipgram-ngrams"].make_model(WORDS, 7, spread=1.0), []
    for noise in ([2, 4, 8, 4], [2, 8]):
        engine = make_engine(Case("plain", "skipgram-ngrams", "negative-sampling"), copy.deepcopy(model))
        assert isinstance(engine, PlainEngine)
        engine._load_tables()
        (group,) = center_predicts(0, [Word(4)], [noise])
        found.append((engine.step(group, 0.1), engine.tables))
    (loss, tables), (expected_loss, expected) = found
    assert loss == pytest.approx(expected_loss, rel=1e-12)
    for name, table in tables.items():
        np.testing.assert_allclose(table, expected[name], rtol=1e-12)


@pytest.mark.parametrize("engine", [name for name, (_, kinds) in ENGINES.items() if "skipgram-ngrams" in kinds])
@pytest.mark.parametrize(("mode", "step"), [("left", 1), ("right", -1)])
def test_one_sided_windows_keep_their_meaning_with_ngrams(engine: str, mode: str, step: int) -> None:
    # in 0 1 2 0 1 2 ... the word before predicts its successor, whichever of them is the center of a window
    kind, words = KINDS["skipgram-ngrams"], ["bananas", "walked", "jumping"]
    dataset = kind.make_dataset(
        [[0, 1, 2] * 10] * 40, [400] * 3, window=1, window_mode=mode, subsample=0, batch_size=10, seed=1
    )
    model = kind.make_model(words, 8)
    objective = make_objective(LOSSES["negative-sampling"], 3)
    list(ENGINES[engine][0](model, objective, dataset, lambda epoch, words: 0.1, 1).epoch(0))
    scores = (model.word_vectors(torch.arange(3)) @ model.output.T).detach()  # (context, target)
    assert scores.argmax(dim=1).tolist() == [(word + step) % 3 for word in range(3)]
