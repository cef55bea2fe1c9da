"""The contract of all engines: what they count, draw and update, what each setting does, and how they pause and end."""

import copy
import os
import threading
import time
from collections.abc import Callable, Sequence
from itertools import chain, pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.engines.small import make_dataset, make_model, make_objective, make_vocabulary, random_sentences
from word2vec.engines import Engine, base, plain
from word2vec.engines.autograd import AutogradEngine
from word2vec.engines.base import Progress
from word2vec.engines.cpu import engine as cpu
from word2vec.engines.cpu.deterministic import DeterministicEngine
from word2vec.engines.cpu.engine import FusedEngine
from word2vec.engines.cpu.objectives import COMPILED
from word2vec.engines.gpu import engine as gpu
from word2vec.engines.gpu.engine import GpuEngine
from word2vec.engines.plain import PlainEngine
from word2vec.losses import HierarchicalSoftmax, NegativeSampling, Objective
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import SamplingSettings, SkipGramDataset
from word2vec.sampling.shards import Shard, reshard, words_read
from word2vec.vectors.word_vectors import WordVectors

# The GPU engine is included if there is CUDA. Triton's interpreter can run it as well, but takes an hour; the tests in
# gpu/ cover what it can do in a minute.
CUDA = torch.cuda.is_available()
ENGINES: dict[str, type[Engine]] = {"plain": PlainEngine, "autograd": AutogradEngine, "fused": FusedEngine}
ENGINES["deterministic"] = DeterministicEngine
if CUDA or "WORD2VEC_INTERPRET_ALL" in os.environ:
    ENGINES["gpu"] = GpuEngine
SERIAL = [kind for kind in ENGINES.values() if kind.max_threads == 1]  # these ignore the number of threads


def parametrize(**engines: type[Engine]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("engine_class", engines.values(), ids=engines.keys())


every_engine = parametrize(**ENGINES)
# engines that give the same bytes in each run with one thread
every_reproducible_engine = parametrize(**{name: kind for name, kind in ENGINES.items() if kind is not GpuEngine})
every_threaded_engine = parametrize(**{name: kind for name, kind in ENGINES.items() if kind not in SERIAL})


def with_threads(*numbers: int) -> pytest.MarkDecorator:
    """Parametrize a test by engine and number of threads, which is 1 for some engines."""
    cases = {
        f"{name}-{n}": (kind, n) for name, kind in ENGINES.items() for n in numbers if n == 1 or kind not in SERIAL
    }
    return pytest.mark.parametrize(("engine_class", "threads"), cases.values(), ids=cases.keys())


every_objective = pytest.mark.parametrize("kind", COMPILED, ids=lambda kind: kind.__name__)

EQUAL = [60] * 20  # counts of twenty words
WORDS = 1200
SENTENCES = random_sentences(WORDS, EQUAL, length=10)  # all have ten words


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several chunks even for these small corpora."""
    monkeypatch.setattr(cpu, "CHUNK_WORDS", 200)
    monkeypatch.setattr(gpu, "CHUNK_WORDS", 200)
    monkeypatch.setattr(plain, "CHUNK_WORDS", 200)


def report_every(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change the time between two progress reports of all engines."""
    for module in (base, plain, gpu):
        monkeypatch.setattr(module, "REPORT_SECONDS", seconds)


def device_of(engine_class: type[Engine]) -> str:
    return "cuda" if engine_class is GpuEngine and CUDA else "cpu"


def train(
    engine_class: type[Engine],
    sentences: Sequence[Sequence[int]] = SENTENCES,
    counts: Sequence[int] = EQUAL,
    *,
    objective: Objective | None = None,
    lr_at: Callable[[int, int], float] = lambda epoch, words: 0.05,
    threads: int = 1,
    model: SkipGram | None = None,
    epoch: int = 0,
    **settings: Any,
) -> tuple[SkipGram, Progress]:
    """Train an epoch; returns the model and the last report."""
    device = device_of(engine_class)
    settings = {"window": 2, "subsample": 0, "batch_size": 100, "seed": 1, "device": device, **settings}
    model = (model or make_model(len(counts), 8)).to(device)
    dataset = make_dataset(sentences, counts, **settings)
    *_, last = engine_class(model, objective or NegativeSampling("sum"), dataset, lr_at, threads).epoch(epoch)
    return model.cpu(), last


def frozen(epoch: int, words: int) -> float:
    """A learning rate of zero."""
    return 0.0


def moved_rows(table: Tensor, before: Tensor) -> list[int]:
    """The numbers of the rows that differ."""
    return (table != before).any(dim=1).nonzero().squeeze(1).tolist()


# What engines count


@every_engine
def test_words_without_pairs_are_counted(engine_class: type[Engine]) -> None:
    _, last = train(engine_class, [[1], [2], [3]] * 20, threads=2)
    assert (last.words, last.pairs, last.loss) == (60, 0, 0.0)


@with_threads(1, 2, 3)
def test_an_epoch_counts_every_word_and_pair_once(engine_class: type[Engine], threads: int) -> None:
    _, last = train(engine_class, threads=threads, window=1)
    assert last.words == WORDS
    assert last.pairs == WORDS // 10 * 2 * 9  # sentences of ten words, each with the word before and the word after
    assert last.hits is None


@every_engine
def test_reports_never_decrease(engine_class: type[Engine], monkeypatch: pytest.MonkeyPatch) -> None:
    report_every(0.001, monkeypatch)
    device = device_of(engine_class)
    dataset = make_dataset(SENTENCES, EQUAL, batch_size=100, device=device)
    engine = engine_class(make_model(20, 8).to(device), NegativeSampling("sum"), dataset, lambda epoch, words: 0.05, 2)
    for number in range(2):  # every epoch counts from zero
        reports = [report[:3] for report in engine.epoch(number)]
        assert all(np.less_equal(*two).all() for two in pairwise(reports))
        assert reports[-1][0] == WORDS


@with_threads(1, 2)
@pytest.mark.parametrize("negatives", [1, 5])
def test_the_first_loss_is_log_2_for_each_target(engine_class: type[Engine], threads: int, negatives: int) -> None:
    # output rows start at zero, so all scores are zero, and each of the 1 + K logistic regressions costs log 2
    _, last = train(engine_class, lr_at=frozen, threads=threads, negatives=negatives)
    assert last.loss / last.pairs == pytest.approx((1 + negatives) * np.log(2), rel=1e-6)


@every_engine
def test_the_loss_is_the_mean_over_pairs_and_noise_words(engine_class: type[Engine]) -> None:
    counts = [3000, 1000, 300, 100, 30]
    sentences, model = random_sentences(6000, counts, length=10), make_model(5, 8, spread=2.0)
    scores = (model.input @ model.output.T).detach().double()  # (context, target)
    noise = make_vocabulary(counts).noise_distribution(0.75)
    noise_given = np.tile(noise, (5, 1)) * (1 - np.eye(5))  # (center, noise word), never the center itself
    noise_given /= noise_given.sum(axis=1, keepdims=True)
    as_positive, as_negative = (nn.functional.softplus(sign * scores).numpy() for sign in (-1, 1))
    losses = as_positive + 5 * as_negative @ noise_given.T  # (context, center)
    expected = [losses[context, center] for s in sentences for a, b in pairwise(s)
                for context, center in ((a, b), (b, a))]  # fmt: skip

    _, last = train(engine_class, sentences, counts, model=model, lr_at=frozen, window=1)
    # 10,800 pairs: the standard error is 0.3 to 0.6 %, and more if pairs share noise words
    assert last.loss / last.pairs == pytest.approx(np.mean(expected), rel=0.015)


@parametrize(plain=PlainEngine, autograd=AutogradEngine, fused=FusedEngine)
def test_the_loss_of_a_tree_is_that_of_all_probabilities(engine_class: type[Engine]) -> None:
    counts = [9, 5, 4, 4, 2, 1]
    sentences, model = random_sentences(300, counts, length=10), make_model(6, 8, spread=2.0)
    vectors = WordVectors(
        list("abcdef"), model.input.detach().clone(), counts=counts, nodes=model.output.detach().clone()
    )
    log_p = np.log([[vectors.probability(center, context) for center in "abcdef"] for context in "abcdef"])
    np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1, atol=1e-5)
    pairs = [(s[i], s[j]) for s in sentences for i in range(len(s)) for j in (i - 1, i + 1) if 0 <= j < len(s)]
    _, last = train(engine_class, sentences, counts, objective=HierarchicalSoftmax("sum"), model=model, lr_at=frozen,
                    window=1, window_mode="fixed", negatives=0)  # fmt: skip
    assert last.loss / last.pairs == pytest.approx(-np.mean([log_p[context, center] for center, context in pairs]))


@every_objective
def test_all_engines_have_the_same_loss(kind: type[Objective]) -> None:
    counts = [5000 // (rank + 1) for rank in range(30)]
    sentences = random_sentences(2000, counts)
    means = []
    for engine_class in ENGINES.values():
        model = make_model(30, 8, spread=1.5)
        _, last = train(engine_class, sentences, counts, objective=make_objective(kind, 30), model=model, lr_at=frozen)
        means.append(last.loss / last.pairs)
    assert means == pytest.approx([means[0]] * len(means), rel=0.02)  # seeds differ by up to 0.5 %


# What settings do


@every_engine
@pytest.mark.parametrize("window", [1, 5, 20])
def test_a_word_has_as_many_pairs_as_its_window_plus_one(engine_class: type[Engine], window: int) -> None:
    # the width is drawn from 1..window, so it is (1 + window) / 2 on average, on both sides
    _, last = train(engine_class, [list(chain(*SENTENCES))], lr_at=frozen, window=window)
    assert last.pairs / last.words == pytest.approx(1 + window, rel=0.05)  # the standard error is 1.2 %


@every_engine
@pytest.mark.parametrize("mode", ["left", "right"])
def test_a_word_has_half_as_many_pairs_on_one_side(engine_class: type[Engine], mode: str) -> None:
    _, last = train(engine_class, [list(chain(*SENTENCES))], lr_at=frozen, window=5, window_mode=mode)
    assert last.pairs / last.words == pytest.approx((1 + 5) / 2, rel=0.05)


@every_engine
@pytest.mark.parametrize("window", [1, 4, 200])
def test_fixed_and_full_windows_have_an_exact_number_of_pairs(engine_class: type[Engine], window: int) -> None:
    lengths = [1, 2, 3, 7, 0, 80, 5, 2]
    sentences = random_sentences(sum(lengths), EQUAL, length=sum(lengths))[0]
    words = [sentences[end - length : end] for length, end in zip(lengths, np.cumsum(lengths), strict=True)]
    fixed = sum(min(n - 1 - place, window) + min(place, window) for n in lengths for place in range(n))
    full = sum(n * (n - 1) for n in lengths)
    for mode, expected in (("fixed", fixed), ("full", full)):
        _, last = train(engine_class, words, lr_at=frozen, window=window, window_mode=mode)
        assert last.pairs == expected


@every_engine
@pytest.mark.parametrize(("mode", "inputs"), [("left", [0, 1]), ("right", [1, 2]), ("fixed", [0, 1, 2])])
def test_context_words_are_before_or_after_the_center_word(
    engine_class: type[Engine], mode: str, inputs: list[int]
) -> None:
    model, _ = train(engine_class, [[0, 1, 2]] * 200, [200] * 3, window=1, window_mode=mode)
    assert moved_rows(model.input, make_model(3, 8).input) == inputs


@every_engine
@pytest.mark.parametrize(("mode", "step"), [("left", 1), ("right", -1)])
def test_one_sided_windows_learn_the_order_of_a_cycle(engine_class: type[Engine], mode: str, step: int) -> None:
    # in 0 1 2 0 1 2 ... the word before predicts its successor
    sentences = [[0, 1, 2] * 10] * 80
    settings = {"window": 1, "window_mode": mode, "batch_size": 10}
    model, _ = train(engine_class, sentences, [800] * 3, lr_at=lambda epoch, words: 0.1, **settings)
    scores = (model.input @ model.output.T).detach()  # (context, target)
    assert scores.argmax(dim=1).tolist() == [(word + step) % 3 for word in range(3)]


@every_engine
def test_full_windows_find_words_that_are_far_apart(engine_class: type[Engine]) -> None:
    # a sentence that begins with word 12 + k ends with word 16 + k, and has seven other words between them
    draw = np.random.default_rng(0)
    sentences = [[12 + k, *draw.integers(0, 12, 7).tolist(), 16 + k] for k in [0, 1, 2, 3] * 60]
    counts, partners = [140] * 12 + [60] * 8, {}
    for mode in ("full", "fixed"):
        settings = {"window": 1, "window_mode": mode, "batch_size": 50}
        model, _ = train(engine_class, sentences, counts, lr_at=lambda epoch, words: 0.1, **settings)
        scores = (model.input[12:16] @ model.output[16:20].T).detach()  # (beginning, end)
        partners[mode] = scores.argmax(dim=1).tolist()
    assert partners["full"] == [0, 1, 2, 3]
    assert partners["fixed"] != [0, 1, 2, 3]


@every_engine
def test_subsampling_follows_the_keep_probabilities(engine_class: type[Engine]) -> None:
    counts = [8000, 1000, 500, 250, 250]
    sentence = random_sentences(10_000, counts, length=10_000)
    keep = make_vocabulary(counts).keep_probability(0.01)[sentence[0]]  # (words,)
    _, last = train(engine_class, sentence, counts, lr_at=frozen, subsample=0.01, window=1)
    kept = 1 + last.pairs / 2
    assert last.words == 10_000
    assert kept == pytest.approx(keep.sum(), abs=5 * np.sqrt((keep * (1 - keep)).sum()))


@every_engine
def test_ids_outside_the_vocabulary_are_ignored(engine_class: type[Engine]) -> None:
    # 7 is beyond the end of the tables and -1 before their start; a kernel would read and write memory there
    model, last = train(engine_class, [[0, 7, 1, -1]] * 50, [50, 50], window=1)
    assert last.pairs == 100
    assert bool(model.output.isfinite().all())


@every_engine
def test_windows_reach_across_dropped_words(engine_class: type[Engine]) -> None:
    # word2vec subsamples before it forms windows: 1 and 2 are always kept, and all words between them are dropped
    _, last = train(engine_class, [[1, *[0] * 8, 2]] * 50, [10**9, 1, 1], lr_at=frozen, subsample=1e-9, window=1)
    assert last.pairs == 2 * 50


@every_engine
def test_the_noise_exponent_decides_which_words_are_noise(engine_class: type[Engine]) -> None:
    counts = [10_000] * 5 + [100] * 5 + [1] * 5
    sentences = random_sentences(600, [1] * 5)  # only of the first five words
    for exponent, noise_words in ((5.0, []), (-5.0, [10, 11, 12, 13, 14]), (0.0, list(range(5, 15)))):
        model, _ = train(engine_class, sentences, counts, noise_exponent=exponent)
        assert moved_rows(model.output, torch.zeros(15, 8)) == [0, 1, 2, 3, 4, *noise_words]


@every_reproducible_engine
def test_only_seed_and_epoch_change_the_random_draws(engine_class: type[Engine]) -> None:
    def tables(**changed: Any) -> bytes:
        model, _ = train(engine_class, SENTENCES[:30], **changed)
        return torch.cat([model.input, model.output]).detach().numpy().tobytes()

    first = tables()
    assert tables() == first
    assert len({first, tables(seed=2), tables(epoch=1)}) == 3


@every_reproducible_engine
def test_the_batch_size_matters_only_to_engines_with_batches(engine_class: type[Engine]) -> None:
    models = [train(engine_class, batch_size=size)[0] for size in (50, 100)]
    assert torch.equal(models[0].input, models[1].input) == (not engine_class.uses_batches)


@every_engine
@pytest.mark.parametrize("dim", [1, 7, 16, 102])
def test_every_dimension_of_a_row_is_trained(engine_class: type[Engine], dim: int) -> None:
    model, _ = train(engine_class, model=make_model(20, dim))
    before = make_model(20, dim)
    assert model.input.shape == model.output.shape == (20, dim)
    assert (model.input != before.input).all(dim=0).all()
    assert (model.output != 0).all()


@with_threads(1, 2)
def test_the_learning_rate_depends_on_the_epoch_and_the_words_of_all_threads(
    engine_class: type[Engine], threads: int
) -> None:
    calls = []

    def lr_at(epoch: int, words: int) -> float:
        calls.append((epoch, words))
        return 0.05

    train(engine_class, lr_at=lr_at, epoch=3, threads=threads)
    words = [words for _, words in calls]
    assert {epoch for epoch, _ in calls} == {3}
    assert words[0] == 0
    assert words == sorted(words) or threads > 1
    assert 0.7 * WORDS < max(words) <= WORDS


@parametrize(**{name: kind for name, kind in ENGINES.items() if kind not in (*SERIAL, DeterministicEngine)})
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_train_at_the_same_time(engine_class: type[Engine], threads: int) -> None:
    # each thread waits in its first request for the learning rate until all threads have arrived
    barrier, local = threading.Barrier(threads), threading.local()

    def lr_at(epoch: int, words: int) -> float:
        if not hasattr(local, "arrived"):
            local.arrived = True
            barrier.wait(timeout=10)
        return 0.05

    _, last = train(engine_class, lr_at=lr_at, threads=threads)
    assert last.words == WORDS


@every_engine
def test_threads_have_random_draws_of_their_own(engine_class: type[Engine]) -> None:
    # the same text twice for two threads: the first has the pairs of a single thread, the second must have others
    _, alone = train(engine_class, lr_at=frozen, window=5)
    _, both = train(engine_class, SENTENCES * 2, lr_at=frozen, window=5, threads=2)
    assert both.words == 2 * alone.words
    assert both.pairs != 2 * alone.pairs
    assert both.pairs == pytest.approx(2 * alone.pairs, rel=0.03)


# What engines update


@every_engine
def test_a_learning_rate_of_zero_moves_nothing(engine_class: type[Engine]) -> None:
    model, before = make_model(20, 8, spread=1.0), make_model(20, 8, spread=1.0)
    train(engine_class, lr_at=frozen, model=model)
    assert torch.equal(model.input, before.input)
    assert torch.equal(model.output, before.output)


@every_engine
def test_windows_end_where_sentences_do(engine_class: type[Engine]) -> None:
    # if 1 and 2 were neighbors, there would be more than two pairs per sentence
    _, last = train(engine_class, [[0, 1], [2, 3], [4]] * 100, [200] * 4 + [100], window=5)
    assert last.pairs == 2 * 200


@every_engine
def test_only_the_rows_used_move(engine_class: type[Engine]) -> None:
    counts = [1000] * 5 + [1] * 5  # with an exponent of 20 the last five words are never noise
    model, before = make_model(10, 8, spread=1.0), make_model(10, 8, spread=1.0)
    train(engine_class, random_sentences(500, [1] * 5), counts, model=model, noise_exponent=20.0)
    assert moved_rows(model.input, before.input) == [0, 1, 2, 3, 4]
    assert moved_rows(model.output, before.output) == [0, 1, 2, 3, 4]


@with_threads(1, 2)
def test_frozen_rows_keep_their_bytes_and_train_the_others(engine_class: type[Engine], threads: int) -> None:
    model, before = make_model(20, 8, spread=1.0), make_model(20, 8, spread=1.0)
    inputs, outputs = np.arange(20) % 3 == 0, np.arange(20) % 2 == 0
    for each in (model, before):
        with torch.no_grad():
            each.input[0], each.output[0] = -0.0, -0.0  # to which even a step of zero would add 0.0
    model.freeze(input=inputs, output=outputs)
    train(engine_class, model=model, threads=threads)
    for table, old, fixed in ((model.input, before.input, inputs), (model.output, before.output, outputs)):
        assert (
            moved_rows(table.detach().view(torch.int32), old.detach().view(torch.int32))
            == (~fixed).nonzero()[0].tolist()
        )


@every_engine
def test_words_outside_the_vocabulary_are_counted_but_not_trained(engine_class: type[Engine]) -> None:
    # 0 and 1 are neighbors, since the word between them is dropped
    _, last = train(engine_class, [[0, 7, 1], [2**31 - 1], [4, 4, 4, 4]] * 100, [100] * 4, window=1)
    assert last.words == 800
    assert last.pairs == 200


@every_engine
def test_a_corpus_without_pairs_trains_nothing(engine_class: type[Engine]) -> None:
    model, last = train(engine_class, [[word] for word in range(20)] * 10)
    assert (last.pairs, last.loss) == (0, 0.0)
    assert torch.equal(model.input, make_model(20, 8).input)


# How engines pause and end


@with_threads(1, 2)
def test_an_error_in_a_thread_reaches_the_caller(engine_class: type[Engine], threads: int) -> None:
    def lr_at(epoch: int, words: int) -> float:
        if words > 500:
            raise RuntimeError("a defect in the schedule")
        return 0.05

    with pytest.raises(RuntimeError, match="a defect in the schedule"):
        train(engine_class, lr_at=lr_at, threads=threads)


@every_engine
def test_an_epoch_restores_the_number_of_torch_threads(engine_class: type[Engine]) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    train(engine_class, SENTENCES[:20])
    after = torch.get_num_threads()
    torch.set_num_threads(before)
    assert after == 3


@every_reproducible_engine
def test_closing_stops_an_epoch_within_a_second(engine_class: type[Engine]) -> None:
    tokens = np.resize(np.arange(20, dtype=np.int32), 20_000_000)  # ten seconds for the fused engine
    dataset = SkipGramDataset(tokens, np.arange(0, 20_000_001, 20), make_vocabulary([10**6] * 20), SamplingSettings())
    calls: list[int] = []

    def lr_at(epoch: int, words: int) -> float:
        calls.append(words)
        return 0.0

    steps = engine_class(make_model(20, 64), NegativeSampling("sum"), dataset, lr_at, 2).epoch(0)
    while not next(steps).words:
        pass
    begin = time.monotonic()
    steps.close()
    assert time.monotonic() - begin < 1
    before = len(calls)
    time.sleep(0.1)
    assert len(calls) == before
    assert max(calls) < 10_000_000


def train_with_stops(engine_class: type[Engine], threads: int, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Any:
    """Train an epoch that is closed and resumed in a new engine as often as possible: model, last report, stops."""
    report_every(0.0005, monkeypatch)
    model, stops = make_model(20, 8), 0
    shards: list[Shard] | None = None
    while True:
        dataset = make_dataset(SENTENCES, EQUAL, window=2, subsample=0.01, batch_size=100, seed=1)
        engine = engine_class(model, NegativeSampling("sum"), dataset, slow, threads)
        steps = engine.epoch(3, shards)
        report = next(steps)
        if next(steps, None) is None:
            return model, report, stops
        steps.close()
        stops += 1
        shards = copy.deepcopy(engine.state())


def slow(epoch: int, words: int) -> float:
    """A learning rate that takes longer than it takes to request a pause, also on a busy machine."""
    time.sleep(0.005)
    return 0.05 * (1 - words / 1500)


@every_reproducible_engine
def test_an_epoch_resumed_in_a_new_engine_gives_the_same_bytes(
    engine_class: type[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("word2vec.sampling.datasets.CHUNK_PAIRS", 3000)
    monkeypatch.setattr(cpu, "CHUNK_WORDS", 60)
    monkeypatch.setattr(plain, "CHUNK_WORDS", 60)
    model, last = train(engine_class, lr_at=slow, subsample=0.01, epoch=3)
    stopped, report, stops = train_with_stops(engine_class, 1, monkeypatch)
    assert stops > 3
    assert torch.equal(stopped.input, model.input)
    assert torch.equal(stopped.output, model.output)
    assert report == last


@every_reproducible_engine
def test_a_pause_does_not_change_the_result(engine_class: type[Engine], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.sampling.datasets.CHUNK_PAIRS", 3000)
    monkeypatch.setattr(cpu, "CHUNK_WORDS", 60)
    monkeypatch.setattr(plain, "CHUNK_WORDS", 60)
    model, last = train(engine_class, lr_at=slow, subsample=0.01, epoch=3)
    report_every(0, monkeypatch)
    paused, words, reports = make_model(20, 8), [-1], []
    dataset = make_dataset(SENTENCES, EQUAL, window=2, subsample=0.01, batch_size=100, seed=1)
    engine = engine_class(paused, NegativeSampling("sum"), dataset, slow, 1)
    for report in engine.epoch(3):
        reports.append(report)
        if words[-1] < WORDS:
            words.append(words_read(engine.state()))
            assert words[-1] >= report.words
            tables = paused.input.detach().clone()
            time.sleep(0.002)
            assert torch.equal(paused.input, tables)  # nothing is trained before the next report is requested
    assert len(words) > 5
    assert all(later > earlier for earlier, later in pairwise(words))
    assert torch.equal(paused.input, model.input)
    assert torch.equal(paused.output, model.output)
    assert reports[-1] == last


@every_threaded_engine
def test_resumed_threads_draw_the_same_examples(engine_class: type[Engine], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "CHUNK_WORDS", 60)
    monkeypatch.setattr(plain, "CHUNK_WORDS", 60)
    _, last = train(engine_class, lr_at=slow, subsample=0.01, epoch=3, threads=3)
    _, report, stops = train_with_stops(engine_class, 3, monkeypatch)
    assert stops > 1
    assert (report.words, report.pairs) == (last.words, last.pairs)


@every_engine
def test_any_engine_and_number_of_threads_can_resume_an_epoch(
    engine_class: type[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    report_every(0.005, monkeypatch)
    monkeypatch.setattr("word2vec.sampling.datasets.CHUNK_PAIRS", 400)  # chunks of 200 words
    dataset = make_dataset(SENTENCES, EQUAL, window=1, subsample=0, batch_size=100)

    def slow_and_frozen(epoch: int, words: int) -> float:
        return 0 * slow(epoch, words)

    steps = (first := AutogradEngine(make_model(20, 8), NegativeSampling("sum"), dataset, slow_and_frozen, 2)).epoch(0)
    next(steps)
    steps.close()
    read = words_read(first.state())
    assert 0 < read < WORDS
    device = device_of(engine_class)
    dataset = make_dataset(SENTENCES, EQUAL, window=1, subsample=0, batch_size=100, device=device)
    threads = 1 if engine_class in SERIAL else 3
    shards = reshard(first.state(), dataset.offsets, threads)
    model = make_model(20, 8).to(device)
    *_, last = engine_class(model, NegativeSampling("sum"), dataset, frozen, threads).epoch(0, shards)
    assert last.words == WORDS
    # sentences of ten words have 18 pairs; the two current chunks are trained again, and of the earlier chunks fewer
    # pairs than a batch may be dropped
    assert -2 * 100 < last.pairs - WORDS // 10 * 18 < 2 * 20 * 18
    assert last.loss / last.pairs == pytest.approx(6 * np.log(2), rel=1e-5)


@every_engine
@every_objective
@pytest.mark.parametrize("number", [torch.nan, torch.inf])
def test_a_diverged_table_shows_in_the_loss(engine_class: type[Engine], kind: type[Objective], number: float) -> None:
    model = make_model(20, 8, spread=1.0)
    with torch.no_grad():
        model.input[3] = number
    _, last = train(engine_class, SENTENCES[:20], objective=make_objective(kind, 20), model=model, lr_at=frozen)
    assert not np.isfinite(last.loss)
