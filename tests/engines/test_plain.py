"""The plain engine: its steps against autograd and finite differences, what it draws, and that it resumes exactly."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.engines.small import make_dataset, make_model, make_objective, random_sentences
from word2vec.engines import plain
from word2vec.engines.autograd import in_batch_step, train_step
from word2vec.engines.cpu import ngram_kernel
from word2vec.engines.cpu.engine import CHUNK_WORDS
from word2vec.engines.cpu.simd import BLOCK_ROWS, LANES
from word2vec.engines.draws import SplitMix64, below, block_words, draw_pool, pick_noise, pool_size
from word2vec.engines.plain import Group, PlainEngine, Word
from word2vec.engines.targets import paths_for
from word2vec.errors import ConfigError
from word2vec.losses import LOSSES, InBatchSoftmax, NegativeSampling, Objective, SampledSoftmax, as_objective
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import Batch
from word2vec.sampling.shards import Shard
from word2vec.sampling.windows import WINDOW_MODES

COUNTS = [60, 40, 30, 20, 10, 8, 6, 4, 2, 1]
SENTENCES = random_sentences(600, COUNTS, length=11)
LR = 0.1


class UserLoss(nn.Module):
    """A user's objective: no weights, no handwritten gradient."""

    def forward(self, positive: Tensor, negative: Tensor) -> Tensor:
        return (1 - positive).square() + negative.square().sum(1)


def objectives() -> dict[str, Callable[[], Objective]]:
    registered = {name: lambda kind=kind: make_objective(kind, len(COUNTS)) for name, kind in LOSSES.items()}
    return registered | {"user": lambda: as_objective(UserLoss())}


every_objective = pytest.mark.parametrize("build", objectives().values(), ids=objectives().keys())
every_drawn_objective = pytest.mark.parametrize(
    "build",
    [build for build in objectives().values() if build().targets != "batch"],
    ids=[name for name, build in objectives().items() if build().targets != "batch"],
)


def make_engine(objective: Objective, model: SkipGram | None = None, **settings: object) -> PlainEngine:
    model = model or make_model(len(COUNTS), 7, spread=1.0)
    negatives = 0 if objective.targets == "batch" else 3
    options = {"window": 2, "negatives": negatives, "subsample": 0.05, "seed": 1, "batch_size": 50, **settings}
    return PlainEngine(model, objective, make_dataset(SENTENCES, COUNTS, **options), falling)


def falling(epoch: int, words: int) -> float:
    return 0.03 - 0.00004 * words


def loaded(engine: PlainEngine) -> PlainEngine:
    engine._load_tables()
    return engine


def group_of(contexts: list[int], targets: list[int]) -> Group:
    return Group([[Word(context)] for context in contexts], [targets] * len(contexts))


# One step


@every_drawn_objective
@pytest.mark.parametrize("dim", [1, 13, 102])
def test_a_step_is_that_of_autograd(build: Callable[[], Objective], dim: int) -> None:
    model = make_model(len(COUNTS), dim, spread=1.0).double()
    engine = loaded(make_engine(build(), copy.deepcopy(model)))
    contexts, targets = [4, 1, 4], [2, 1, 1, 8]  # rows that occur twice, and one on both sides
    batch = Batch(torch.tensor([2] * 3), torch.tensor(contexts), torch.tensor([targets[1:]] * 3))
    expected = train_step(model, build(), batch, LR, engine.log_q, paths=paths_for(build(), engine.dataset))
    assert engine.step(group_of(contexts, targets), LR) == pytest.approx(expected.item(), rel=1e-9)
    np.testing.assert_allclose(engine.input, model.input.detach(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(engine.output, model.output.detach(), rtol=1e-9, atol=1e-9)


@every_drawn_objective
def test_a_step_follows_the_slope_of_the_loss(build: Callable[[], Objective]) -> None:
    """Central differences of the loss, for every number of the rows of one example."""

    def loss_at(table: str, row: int, column: int, shift: float) -> float:
        engine = loaded(make_engine(build()))
        getattr(engine, table)[row, column] += shift
        return engine.step(group_of([4], [2, 1, 8]), 0.0)

    engine, size = loaded(make_engine(build())), 1e-5
    before = {"input": engine.input.copy(), "output": engine.output.copy()}
    engine.step(group_of([4], [2, 1, 8]), LR)
    outputs = engine.rows_of(group_of([4], [2, 1, 8]))[0][0].tolist()
    for table, row in (("input", 4), *(("output", output) for output in outputs)):
        for column in range(7):
            slope = (loss_at(table, row, column, size) - loss_at(table, row, column, -size)) / (2 * size)
            step = getattr(engine, table)[row, column] - before[table][row, column]
            assert step == pytest.approx(-LR * slope, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("dim", [1, 13, 102])
@pytest.mark.parametrize("corrected", [False, True])
def test_an_in_batch_step_is_that_of_the_autograd_engine(dim: int, corrected: bool) -> None:
    model, objective = make_model(len(COUNTS), dim, spread=1.0).double(), InBatchSoftmax(corrected=corrected)
    engine = loaded(make_engine(objective, copy.deepcopy(model)))
    batch = Batch(torch.tensor([1, 2, 2, 3, 1]), torch.tensor([4, 4, 1, 0, 4]), torch.empty(5, 0))
    expected, expected_hits = in_batch_step(model, objective, batch, LR, engine.log_q)
    loss, hits = engine.in_batch_step(batch, LR)
    assert loss == pytest.approx(expected.item(), rel=1e-9)
    assert hits == expected_hits.item()
    np.testing.assert_allclose(engine.input, model.input.detach(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(engine.output, model.output.detach(), rtol=1e-9, atol=1e-9)


# The examples


SIDES: dict[str, Callable[[int, int], tuple[int, int]]] = {
    "shrink": lambda width, window: (width, width),
    "fixed": lambda width, window: (window, window),
    "full": lambda width, window: (10**6, 10**6),
    "left": lambda width, window: (width, 0),
    "right": lambda width, window: (0, width),
}
"""How many words before and after the center word each mode selects."""


@pytest.mark.parametrize("mode", WINDOW_MODES)
@pytest.mark.parametrize("window", [1, 3, 50])
def test_the_context_of_each_word_follows_the_mode(mode: str, window: int) -> None:
    sentences = [[0], [1, 2], [3, 4, 5, 6, 7, 8, 9], [], list(range(10)) * 100]
    dataset = make_dataset(sentences, [100] * 10, window=window, negatives=2, subsample=0, window_mode=mode)
    engine, draws = PlainEngine(make_model(10, 3), NegativeSampling(), dataset, falling), SplitMix64(5)
    examples = engine.windows(0, len(sentences), SplitMix64(5))
    for _ in range(sum(map(len, sentences))):
        draws.bits()  # of the subsampling
    total, number, block = sum(map(len, sentences)), 0, block_words(3)
    assert total > block  # there is a second pool
    for words in sentences:
        for place, word in enumerate(words):
            center, contexts, noise = next(examples)
            if number % block == 0:
                pool = draw_pool(dataset.alias, pool_size(min(block, total - number), 2), draws)
            number += 1
            assert noise == [pick_noise(pool, word, draws) for _ in range(2)]
            before, after = SIDES[mode](1 + below(draws.bits(), window), window)
            assert center == word
            assert [context.id for context in contexts] == words[max(0, place - before) : place] + words[
                place + 1 : place + 1 + after
            ]
    assert next(examples, None) is None


def test_chunks_of_wide_windows_are_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "CHUNK_PAIRS", 300)

    def words_before_chunks(mode: str) -> list[int]:
        words_before: list[int] = []

        def lr_at(epoch: int, words: int) -> float:
            words_before.append(words)
            return 0.03

        dataset = make_dataset(SENTENCES, COUNTS, window=2, window_mode=mode, subsample=0)
        list(PlainEngine(make_model(len(COUNTS), 7), NegativeSampling("sum"), dataset, lr_at).epoch(0))
        return words_before

    # sentences of eleven words; the last one has six, and fits into the chunk before
    assert words_before_chunks("fixed") == list(range(0, 590, 6 * 11))  # four pairs per word
    assert words_before_chunks("full") == list(range(0, 590, 2 * 11))  # 110 pairs per sentence


# An epoch


@every_objective
def test_the_loss_falls_on_a_text_with_two_topics(build: Callable[[], Objective]) -> None:
    draw = np.random.default_rng(0)
    sentences = [(draw.integers(0, 5, 8) + 5 * draw.integers(0, 2)).tolist() for _ in range(150)]
    objective = build()
    dataset = make_dataset(sentences, [120] * 10, subsample=0, negatives=3, batch_size=30, seed=1)
    engine = PlainEngine(make_model(10, 7), objective, dataset, lambda epoch, words: objective.default_lr)
    losses = [last.loss / last.pairs for *_, last in (engine.epoch(number) for number in range(3))]
    assert losses[2] < 0.99 * losses[0]


@every_objective
def test_an_interrupted_epoch_ends_in_the_same_bytes(
    build: Callable[[], Objective], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain, "CHUNK_WORDS", 100)
    monkeypatch.setattr(plain, "REPORT_SECONDS", 0.0)  # a report before each chunk or batch
    whole = make_engine(build())
    *reports, last = whole.epoch(0)
    assert len(reports) >= 5

    model: SkipGram | None = None
    shards: list[Shard] | None = None
    for _ in reports:  # a new engine for every chunk
        engine = make_engine(build(), model)
        progress = engine.epoch(0, shards)
        next(progress)
        after_first_chunk = next(progress)
        progress.close()
        model, shards = engine.model, [Shard.from_dict(shard.to_dict()) for shard in copy.deepcopy(engine.state())]
    assert after_first_chunk == last
    assert model is not None
    assert torch.equal(model.input, whole.model.input)
    assert torch.equal(model.output, whole.model.output)


def test_other_processes_may_change_the_tables_between_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "CHUNK_WORDS", 100)
    monkeypatch.setattr(plain, "REPORT_SECONDS", 0.0)
    dataset = make_dataset(SENTENCES, [*COUNTS, 1], subsample=0)  # the last word does not occur
    engine = PlainEngine(make_model(len(COUNTS) + 1, 7, spread=1.0), NegativeSampling("sum"), dataset, falling)
    reports = engine.epoch(0)
    next(reports)
    with torch.no_grad():
        engine.model.input.fill_(0.25)
    next(reports)
    assert (engine.model.input[-1] == 0.25).all()
    assert (engine.model.input[0] != 0.25).any()


def test_seeds_and_epochs_draw_differently() -> None:
    def tables(seed: int, epoch: int) -> bytes:
        engine = make_engine(NegativeSampling("sum"), seed=seed)
        list(engine.epoch(epoch))
        return engine.model.input.detach().numpy().tobytes()

    assert tables(1, 0) == tables(1, 0)
    assert len({tables(1, 0), tables(2, 0), tables(1, 1)}) == 3


def test_log_q_is_the_noise_distribution() -> None:
    engine = make_engine(SampledSoftmax("sum"))
    assert engine.log_q is not None
    np.testing.assert_allclose(engine.log_q.exp(), engine.dataset.noise, rtol=1e-6)
    assert make_engine(NegativeSampling("sum")).log_q is None


def test_chunks_and_blocks_are_those_of_the_fused_engine() -> None:
    assert (plain.CHUNK_WORDS, plain.BLOCK_ROWS) == (CHUNK_WORDS, BLOCK_ROWS)
    assert (plain.BLOCK_TARGETS, plain.SHARED_WINDOWS) == (LANES, ngram_kernel.SHARED_WINDOWS)


def test_a_vocabulary_of_one_word_is_rejected() -> None:
    with pytest.raises(ConfigError, match="one word"):
        PlainEngine(make_model(1, 3), NegativeSampling("sum"), make_dataset([[0, 0]], [2]), falling)


@pytest.mark.parametrize("state", [0, 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_random_states_survive_a_checkpoint(state: int) -> None:
    assert SplitMix64.from_tensor(SplitMix64(state).to_tensor()).state == state
