"""The fused GPU engine: its kernels against their plain twin, on CUDA if available, otherwise interpreted."""

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.engines.gpu.gpu_twin import GpuTwin
from tests.engines.gpu.score_gpu import DEVICE
from tests.engines.small import (
    make_cbow,
    make_dataset,
    make_model,
    make_objective,
    random_sentences,
)
from word2vec import training
from word2vec.config import TrainConfig
from word2vec.engines.base import Progress
from word2vec.engines.gpu import engine as gpu
from word2vec.engines.gpu.engine import GpuEngine, stable_programs, typical_context
from word2vec.engines.gpu.objectives import GRADIENTS
from word2vec.engines.gpu.tiling import MAX_TILE_FLOATS, tile_shape
from word2vec.errors import ConfigError
from word2vec.losses import WMRB, NegativeSampling, Objective
from word2vec.models import CBOW, EmbeddingModel
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import CBOWDataset, SkipGramDataset
from word2vec.sampling.windows import WINDOW_MODES, make_window
from word2vec.training import source

every_objective = pytest.mark.parametrize("kind", GRADIENTS, ids=lambda kind: kind.__name__)

Trained = tuple[GpuTwin, Progress]

COUNTS = [60, 40, 30, 20, 10, 8, 6, 4, 2, 1]
SENTENCES = random_sentences(90, COUNTS, length=11)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "CHUNK_WORDS", 40)


def falling(epoch: int, words: int) -> float:
    return 0.03 - 0.0001 * words


def train(
    sentences: Sequence[Sequence[int]] = SENTENCES,
    counts: Sequence[int] = COUNTS,
    *,
    objective: Objective | None = None,
    lr_at: Callable[[int, int], float] = falling,
    model: SkipGram | None = None,
    epoch: int = 0,
    **settings: Any,
) -> tuple[SkipGram, Progress]:
    """Train an epoch; returns the model and the last report. Also accepts `programs` and `dim`."""
    programs, dim = settings.pop("programs", 1), settings.pop("dim", 8)
    settings = {"window": 2, "subsample": 0.05, "seed": 1, "device": DEVICE, **settings}
    model = (model or make_model(len(counts), dim, spread=1.0)).to(DEVICE)
    dataset = make_dataset(sentences, counts, **settings)
    engine = GpuEngine(model, objective or NegativeSampling("sum"), dataset, lr_at, programs=programs)
    *_, last = engine.epoch(epoch)
    return model.cpu(), last


@cache
def usual_run() -> tuple[SkipGram, Progress]:
    """The result of training with the settings above, to compare others with; it is not to be modified."""
    return train()


def twin(
    objective: Objective | None = None, dim: int = 8, epoch: int = 0, *, frozen: bool = False, **settings: Any
) -> Trained:
    settings = {"window": 2, "subsample": 0.05, "seed": 1, **settings}
    dataset = make_dataset(settings.pop("sentences", SENTENCES), COUNTS, **settings)
    shape = tile_shape(dim, dataset.settings.negatives, typical_context(dataset.window))
    model = make_model(len(COUNTS), dim, spread=1.0)
    if frozen:
        model.freeze(**FIXED)
    oracle = GpuTwin(model, objective or NegativeSampling("sum"), dataset, falling, gpu.CHUNK_WORDS, shape)
    *_, expected = oracle.epoch(epoch)
    return oracle, expected


def assert_as_twin(trained: tuple[EmbeddingModel, Progress], twin: Trained, min_pairs: int = 100) -> None:
    (model, last), (oracle, expected) = trained, twin
    assert expected.pairs > min_pairs  # otherwise nothing is tested
    assert last.pairs == expected.pairs
    assert last.loss == pytest.approx(expected.loss, rel=1e-5)
    # float32 has 6e-8 of a number; some hundreds of steps on a row add up
    for name, table in model.named_parameters():
        expected_table = torch.from_numpy(oracle.tables[name])
        torch.testing.assert_close(table.detach().double(), expected_table, rtol=1e-4, atol=2e-5)


@every_objective
def test_kernels_train_as_the_twin_does(kind: type[Objective]) -> None:
    oracle = twin(make_objective(kind, len(COUNTS)))
    # rounding may decide otherwise at a kink; then this seed is no test
    assert oracle[0].nearest_kink > 1e-5
    assert_as_twin(train(objective=make_objective(kind, len(COUNTS))), oracle)


FIXED = {"input": np.arange(len(COUNTS)) % 3 == 0, "output": np.arange(len(COUNTS)) % 2 == 0}


def test_frozen_rows_take_part_but_do_not_move() -> None:
    model = make_model(len(COUNTS), 8, spread=1.0)
    model.freeze(**FIXED)
    assert_as_twin(train(model=model), twin(frozen=True))
    before = make_model(len(COUNTS), 8, spread=1.0)
    assert torch.equal(model.input[FIXED["input"]], before.input[FIXED["input"]])
    assert torch.equal(model.output[FIXED["output"]], before.output[FIXED["output"]])


@pytest.mark.parametrize("dim", [1, pytest.param(17, marks=pytest.mark.slow), 102])
def test_rows_of_any_length_are_trained(dim: int) -> None:
    assert_as_twin(train(dim=dim), twin(dim=dim))


@pytest.mark.parametrize("negatives", [1, pytest.param(8, marks=pytest.mark.slow), 17])
def test_any_number_of_noise_words_is_trained(negatives: int) -> None:
    assert_as_twin(train(negatives=negatives), twin(negatives=negatives))


@pytest.mark.parametrize("window", [1, *(pytest.param(window, marks=pytest.mark.slow) for window in (5, 8)), 40])
def test_windows_of_any_width_are_trained(window: int) -> None:
    sentences = [[word for sentence in SENTENCES[:9] for word in sentence], *SENTENCES[9:]]
    assert_as_twin(train(sentences, window=window), twin(sentences=sentences, window=window))


@pytest.mark.parametrize("mode", [mode for mode in WINDOW_MODES if mode != "shrink"])
def test_windows_of_any_mode_are_trained(mode: str) -> None:
    sentences: list[list[int]] = [[7], [3, 4], [], *SENTENCES[:7], [5] * 3]
    settings: dict[str, Any] = {"window": 3, "window_mode": mode, "subsample": 0.2}
    assert_as_twin(train(sentences, **settings), twin(sentences=sentences, **settings))


@pytest.mark.parametrize("mode", ["shrink", pytest.param("left", marks=pytest.mark.slow), "full"])
def test_windows_too_wide_for_a_tile_take_several(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.engines.gpu.tiling.MAX_TILE_FLOATS", 16 * 16)
    assert tile_shape(8, 5, 18).centers == tile_shape(8, 5, 18).rows == 16
    sentences = [SENTENCES[0], [word for sentence in SENTENCES[1:6] for word in sentence], *SENTENCES[6:8]]
    settings: dict[str, Any] = {"window": 18 if mode == "left" else 9, "window_mode": mode}
    assert_as_twin(train(sentences, **settings), twin(sentences=sentences, **settings))


WINDOWS: list[list[int]] = [[7], [3, 4], [], SENTENCES[0], SENTENCES[1], [99, 2], [1, 1, 1]]
CBOW_CASES = [("shrink", False), ("fixed", True), ("left", True), ("right", False), ("full", False), ("shrink", True)]


def train_cbow(
    kind: type[Objective] = NegativeSampling,
    sentences: Sequence[Sequence[int]] = WINDOWS,
    *,
    weighted: bool = False,
    frozen: bool = False,
    programs: int = 1,
    **settings: Any,
) -> tuple[tuple[CBOW, Progress], Trained]:
    """Train an epoch of CBOW with 8 dimensions and with its twin."""
    settings = {"window": 3, "subsample": 0.3, "seed": 1, **settings}
    objective = make_objective(kind, len(COUNTS))
    datasets = [make_dataset(sentences, COUNTS, CBOWDataset, device=device, **settings) for device in ("cpu", DEVICE)]
    window = datasets[0].window
    positions = window.left + window.right if weighted else 0
    models = [make_cbow(len(COUNTS), 8, 1.0, positions) for _ in datasets]
    for model in models if frozen else ():
        model.freeze(**FIXED)
    shape = tile_shape(8, datasets[0].settings.negatives, typical_context(window))._replace(centers=1)
    oracle = GpuTwin(models[0], objective, datasets[0], falling, gpu.CHUNK_WORDS, shape)
    *_, expected = oracle.epoch(0)
    *_, last = GpuEngine(models[1].to(DEVICE), objective, datasets[1], falling, programs=programs).epoch(0)
    return (models[1].cpu(), last), (oracle, expected)


@pytest.mark.parametrize(
    ("kind", "mode", "weighted"),
    [(kind, *case) for kind, case in zip(GRADIENTS, CBOW_CASES, strict=True)],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_cbow_trains_as_the_twin_does(kind: type[Objective], mode: str, weighted: bool) -> None:
    trained, oracle = train_cbow(kind, window_mode=mode, weighted=weighted)
    assert oracle[0].nearest_kink > 1e-5
    assert_as_twin(trained, oracle, min_pairs=20)


def test_frozen_rows_take_part_in_cbow_but_do_not_move() -> None:
    trained, oracle = train_cbow(frozen=True)
    assert_as_twin(trained, oracle, min_pairs=20)


def test_cbow_windows_too_wide_for_a_tile_take_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.engines.gpu.tiling.MAX_TILE_FLOATS", 16 * 16)
    sentences = [[word for sentence in SENTENCES[:2] for word in sentence], [3, 4]]
    trained, oracle = train_cbow(sentences=sentences, window=9, window_mode="fixed", subsample=0)
    assert oracle[0].largest_window > oracle[0].shape.rows == 16
    assert_as_twin(trained, oracle, min_pairs=20)


def test_one_long_sentence_does_not_enlarge_the_tiles_of_the_others() -> None:
    short, long = [5] * 1000, 1000
    odd = make_window("full", 1, np.cumsum([0, *short, long]))
    assert odd.left == 999
    assert tile_shape(100, 5, typical_context(odd)).rows == 64
    usual = make_window("full", 1, np.cumsum([0, *short, 50]))
    assert tile_shape(100, 5, typical_context(usual)).rows == 16
    assert [typical_context(make_window(mode, 7, np.array([0, 9]))) for mode in ("shrink", "fixed", "left")] == [
        14,
        14,
        7,
    ]


@pytest.mark.slow
def test_epochs_and_seeds_draw_differently() -> None:
    assert_as_twin(train(epoch=3, seed=9), twin(epoch=3, seed=9))
    assert not torch.equal(train(epoch=3)[0].input, train(epoch=2)[0].input)


@pytest.mark.skipif(DEVICE.type == "cuda", reason="programs that work at once add in any order")
def test_programs_split_the_text() -> None:
    alone, shared = usual_run(), train(programs=3)
    assert shared[1].words == alone[1].words == 90
    assert shared[1].pairs == alone[1].pairs
    assert torch.equal(shared[0].input, alone[0].input)


def test_sentences_of_one_word_and_ids_outside_of_the_vocabulary() -> None:
    model, last = train([[0, 7, 1, -1], [5], [], [2**31 - 1]] * 8, [8, 8], window=1, subsample=0)
    assert last.words == 48
    assert last.pairs == 16  # 0 and 1 are neighbors once the ids that are no words are gone
    assert bool(model.output.isfinite().all())


def test_memory_outside_of_the_vocabulary_decides_nothing() -> None:
    dataset = make_dataset([[0, 1]], [5, 5], device=DEVICE)
    engine = GpuEngine(make_model(2, 8).to(DEVICE), NegativeSampling("sum"), dataset, falling)
    engine._keep = torch.full((4,), 2**32, device=DEVICE)[1:3]  # what lies around would keep all
    tokens = torch.tensor([-1, 1, 2, 0, -1], dtype=torch.int32, device=DEVICE)
    words, _, bounds = engine._subsample(0, 0, tokens, torch.tensor([5], device=DEVICE))
    assert words[: bounds[-1]].tolist() == [1, 0]


def test_a_text_without_words_or_pairs_trains_nothing() -> None:
    before = make_model(10, 8, spread=1.0)
    for sentences in ([[]], [[4], [5]] * 10, [[99, 98]] * 5):
        model, last = train(sentences, subsample=0)
        assert (last.pairs, last.loss) == (0, 0.0)
        assert torch.equal(model.input, before.input)
        assert torch.equal(model.output, before.output)


def test_a_learning_rate_of_zero_moves_nothing() -> None:
    model, last = train(SENTENCES[:4], lr_at=lambda epoch, words: 0.0)
    assert last.pairs
    assert torch.equal(model.output, make_model(10, 8, spread=1.0).output)


@pytest.mark.parametrize("kind", [NegativeSampling, WMRB], ids=lambda kind: kind.__name__)
def test_divergence_shows_in_the_loss(kind: type[Objective]) -> None:
    model = make_model(len(COUNTS), 8, spread=1.0)
    with torch.no_grad():
        model.input[0] = torch.nan
    with np.errstate(invalid="ignore"):
        _, last = train(SENTENCES[:3], objective=make_objective(kind, len(COUNTS)), model=model)
    assert not np.isfinite(last.loss)


@pytest.mark.skipif(DEVICE.type == "cuda", reason="programs that work at once add in any order")
def test_an_interrupted_epoch_ends_in_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, last = usual_run()
    monkeypatch.setattr(gpu, "REPORT_SECONDS", 0.0)
    model, shards, reports = make_model(10, 8, spread=1.0), None, []
    while not reports or reports[-1].words < 90:
        dataset = make_dataset(SENTENCES, COUNTS, window=2, subsample=0.05, seed=1)
        steps = (engine := GpuEngine(model, NegativeSampling("sum"), dataset, falling)).epoch(0, shards)
        next(steps)
        reports.append(next(steps))  # the first is that of the engine before
        steps.close()
        shards = copy.deepcopy(engine.state())
    assert len(reports) == 3
    assert 0 < reports[0].words < reports[1].words < 90
    assert reports[-1] == last
    assert torch.equal(model.input, whole.input)
    assert torch.equal(model.output, whole.output)


def test_a_corpus_too_large_for_the_device_is_copied_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    resident, _ = usual_run()
    monkeypatch.setattr(gpu, "_resident", lambda dataset: None)
    copied, _ = train()
    assert torch.equal(resident.input, copied.input)


def test_a_vocabulary_of_one_word_is_rejected() -> None:
    with pytest.raises(ConfigError, match="one word"):
        train([[0, 0]], [2])


def test_no_more_programs_work_at_once_than_are_stable() -> None:
    shard, noise = torch.tensor([0.02] * 50), torch.tensor([0.01] * 50)

    def stable(centers: int = 1, lr: float = 0.025, window: int = 5, negatives: int = 5, words: int = 50) -> int:
        frequency, noise_frequency = shard.new_full((words,), 0.02), noise.new_full((words,), 0.01)
        return stable_programs(frequency, noise_frequency, negatives, window + 1, centers, lr)

    assert len(shard) == len(noise) == 50
    assert stable() == int(100 / (0.07 * 6))  # of all uses of a row, 0.02 as word and 5 x 0.01 as noise, 100
    assert stable(centers=6) == int(32 / (0.02 * 6 * 6))  # input rows wait for six centers: 32 uses in pairs
    assert stable(window=11) == int(100 / (0.07 * 12))
    assert stable(negatives=20) == int(100 / (0.22 * 6))
    assert stable(lr=0.05) == stable() // 2
    assert stable(lr=0.002) == stable()
    assert stable(words=10_000) == int(4 * 100 / (0.07 * 6))
    assert stable(centers=10_000) == 1


def test_a_window_of_cbow_is_one_use_of_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    unlimited = SimpleNamespace(multi_processor_count=10**9)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: unlimited)
    programs = []
    for dataset_class in (SkipGramDataset, CBOWDataset):
        dataset = make_dataset(SENTENCES, [100] * 1000, dataset_class, window=5)
        dataset.device = torch.device("cuda")
        programs.append(gpu._programs(dataset, 3, centers=1, lr=0.025))
    assert programs == [int(100 / (6 / 1000 * 6)), int(100 / (6 / 1000))]


def test_the_learning_rate_is_asked_for_in_epochs_only() -> None:
    def not_yet(epoch: int, words: int) -> float:
        raise AssertionError("asked before training begins")

    dataset = make_dataset([[0, 1]], [5, 5], device=DEVICE)
    GpuEngine(make_model(2, 8).to(DEVICE), NegativeSampling("sum"), dataset, not_yet)


def test_chunks_are_shorter_where_words_cost_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "CHUNK_WORDS", 1 << 20)
    sizes = []
    for window, negatives in ((5, 5), (2, 5), (23, 5), (5, 35)):
        dataset = make_dataset([[0, 1]], [5, 5], window=window, negatives=negatives, device=DEVICE)
        model = make_model(2, 100).to(DEVICE)
        pairs = GpuEngine(model, NegativeSampling("sum"), dataset, falling)._chunk_pairs()
        sizes.append(min(gpu.CHUNK_WORDS, int(pairs / dataset.window.pairs)))
    assert sizes == [1 << 20, 1 << 20, 1 << 18, (1 << 20) // 6]


def test_a_failed_compilation_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: GpuEngine, *arguments: object) -> None:
        raise RuntimeError("Failed to find C compiler")

    monkeypatch.setattr(GpuEngine, "_train_tokens", fail)
    with pytest.raises(ConfigError, match=r"cannot be compiled here .*C compiler.*use --engine autograd"):
        train()


def test_a_complete_training_runs_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "choose_engine", lambda *_, **__: GpuEngine)
    text = tmp_path / "text.txt"
    text.write_text("\n".join(" ".join(f"w{word}" for word in sentence) for sentence in SENTENCES[:4]))
    config = TrainConfig(corpus=(str(text),), dim=8, window=2, epochs=2, min_count=1, subsample=0.0, lr=0.05)
    training.train(config, tmp_path / "whole")
    lines = [json.loads(line) for line in (tmp_path / "whole" / "metrics.jsonl").read_text().splitlines()]
    epochs = [line for line in lines if line["kind"] == "epoch"]
    assert [line["words"] for line in epochs] == [44, 88]
    assert epochs[1]["loss"] < epochs[0]["loss"] < 6 * np.log(2)
    assert epochs[1]["lr"] == pytest.approx(config.min_lr)
    more = training.train(replace(config, epochs=3), tmp_path / "whole", resume=True)
    assert np.isfinite(more.vectors).all()


# What is drawn


def draws(words: Tensor, counts: Sequence[int], **settings: Any) -> tuple[Tensor, Tensor]:
    """Targets (N, 1 + K) and widths (N,) of int32 words (N,)."""
    dataset = make_dataset([[0, 1]], counts, seed=3, device=DEVICE, **settings)
    engine = GpuEngine(make_model(len(counts), 8).to(DEVICE), NegativeSampling("sum"), dataset, falling)
    targets, widths = engine._draw(0, 0, words.to(DEVICE), torch.tensor([len(words)], device=DEVICE))
    return targets.cpu().long(), widths.cpu().long()


def test_noise_words_are_drawn_by_their_frequency_and_never_the_center() -> None:
    counts, n = [800, 300, 100, 50, 1], 2000
    words = torch.arange(n, dtype=torch.int32) % len(counts)
    targets, _ = draws(words, counts, negatives=20)
    assert torch.equal(targets[:, 0], words.long())
    noise = make_dataset([[0, 1]], counts).noise.double()
    for center in range(len(counts)):
        own = targets[words == center, 1:]
        expected = noise.clone()
        expected[center] = 0
        expected /= expected.sum()
        shard = torch.bincount(own.flatten(), minlength=len(counts)) / own.numel()
        assert shard[center] == 0
        # five standard errors of a shard
        torch.testing.assert_close(shard.double(), expected, rtol=0, atol=5 * (0.25 / own.numel()) ** 0.5)


def test_widths_are_uniform() -> None:
    _, widths = draws(torch.zeros(8000, dtype=torch.int32), [5, 5], window=4, negatives=1)
    shard = torch.bincount(widths, minlength=5) / len(widths)
    torch.testing.assert_close(shard, torch.tensor([0, 0.25, 0.25, 0.25, 0.25]), rtol=0, atol=0.02)


def test_words_survive_by_their_probability_and_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "CHUNK_WORDS", 10**6)
    counts = [16_000, 2000, 1000, 500, 500]
    sentences = random_sentences(20_000, counts, length=100)
    dataset = make_dataset(sentences, counts, subsample=0.01, device=DEVICE)
    engine = GpuEngine(make_model(5, 8).to(DEVICE), NegativeSampling("sum"), dataset, falling)
    tokens = torch.from_numpy(dataset.tokens).to(DEVICE)
    words, numbers, bounds = engine._subsample(0, 0, tokens, torch.full((len(sentences),), 100, device=DEVICE))
    words, numbers = words[: bounds[-1]].cpu(), numbers[: bounds[-1]].cpu()
    assert torch.equal(bounds.cpu().diff(), torch.bincount(numbers, minlength=len(sentences)))
    drawn = torch.tensor([word for sentence in sentences for word in sentence])
    keep = dataset.keep.cpu()[drawn]
    assert len(words) == pytest.approx(keep.sum().item(), abs=5 * (keep * (1 - keep)).sum().sqrt().item())
    assert bool((numbers.diff() >= 0).all())
    for number in (0, 57, 199):
        survivors = iter(sentences[number])
        assert all(word in survivors for word in words[numbers == number].tolist())  # in the order of the text


# Which shape


@pytest.mark.parametrize("dim", [1, 50, 100, 300, 512])
@pytest.mark.parametrize("negatives", [1, 5, 15])
@pytest.mark.parametrize("window", [1, 5, 8, 15, 50, 1000])
def test_tiles_fit_and_serve_their_centers(dim: int, negatives: int, window: int) -> None:
    shape = tile_shape(dim, negatives, 2 * window)
    assert shape.columns >= dim
    assert shape.targets >= 1 + negatives
    assert max(shape.rows, shape.targets) * shape.columns <= MAX_TILE_FLOATS
    assert 1 <= shape.warps <= 8
    in_one = shape.centers + 2 * window <= shape.rows
    assert in_one or shape.centers == shape.rows


@pytest.mark.parametrize(("dim", "negatives", "reason"), [(513, 5, "512 dimensions"), (300, 16, "15 noise words")])
def test_settings_without_a_tile_are_rejected(dim: int, negatives: int, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        tile_shape(dim, negatives, 5)
